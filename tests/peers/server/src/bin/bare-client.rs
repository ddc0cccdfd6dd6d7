//! What sockets alone take: sends the same octets to each meter, takes the answers, and looks at nothing.
//!
//! `bare-client FILE THREADS`, where FILE has the number of requests, each of them in hexadecimal on a line of its own,
//! and then the places of the meters (`HOST:PORT`). Messages are in the wrapper (IEC 62056-47). Prints
//! `METERS SECONDS` and exits with 1 where a meter did not answer everything.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

/// Octets of the wrapper's header; the last two are the length of what follows.
const HEADER: usize = 8;

fn main() -> ExitCode {
    match run() {
        Ok((meters, seconds)) => {
            println!("{meters} {seconds:.4}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(usize, f64), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(file), Some(threads)) = (words.next(), words.next()) else {
        return Err("bare-client FILE THREADS".into());
    };
    let threads: usize = threads.parse()?;
    let text = std::fs::read_to_string(file)?;
    let mut lines = text.lines();
    let count: usize = lines.next().ok_or("an empty file")?.parse()?;
    let requests = lines.by_ref().take(count).map(octets).collect::<Result<Vec<_>, _>>()?;
    let meters: Vec<&str> = lines.collect();
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        let work = || -> Result<(), String> {
            while let Some(meter) = meters.get(next.fetch_add(1, Ordering::Relaxed)) {
                talk(meter, &requests).map_err(|error| format!("{meter}: {error}"))?;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or(Err("broke off".to_owned())))
    })?;
    Ok((meters.len(), began.elapsed().as_secs_f64()))
}

fn octets(line: &str) -> Result<Vec<u8>, std::num::ParseIntError> {
    (0..line.len() / 2).map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16)).collect()
}

fn talk(meter: &str, requests: &[Vec<u8>]) -> std::io::Result<()> {
    let mut line = TcpStream::connect(meter)?;
    line.set_nodelay(true)?;
    let mut answer = [0; HEADER + u16::MAX as usize];
    for request in requests {
        line.write_all(request)?;
        let mut arrived = 0;
        while arrived < HEADER || arrived < HEADER + usize::from(u16::from_be_bytes([answer[6], answer[7]])) {
            match line.read(&mut answer[arrived..])? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                more => arrived += more,
            }
        }
    }
    Ok(())
}
