//! Sockets and pseudo-terminals of a fleet, on one thread.

mod datagrams;
pub(super) mod memory;
mod push;

use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::emulator::Due;
use super::fleet::{Berth, Station};
use super::port::{Outgoing, Port};
use super::world::TrueTime;

/// A peer that takes nothing for so long is gone.
const WRITE_LIMIT: Duration = Duration::from_secs(30);
/// A connection without a word for so long is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(600);
/// Pause after the system refused a connection, for want of descriptors most often.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Runs stations on a thread of their own until told to stop.
///
/// # Errors
/// The system gives no thread or runtime.
pub(super) fn run(
    stations: Vec<(Station, Berth)>,
    time: TrueTime,
    mut stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the fleet's runtime: {error}"))?;
    let body = move || {
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, async move {
            for (station, berth) in stations {
                let station = Rc::new(station);
                push::begin(&station, &time);
                tokio::task::spawn_local(serve(station, berth, time.clone()));
            }
            // An error says that the fleet is gone, which is a stop too.
            let _ = stopped.wait_for(|stop| *stop).await;
        });
    };
    std::thread::Builder::new()
        .name("virtual meters".to_owned())
        .spawn(body)
        .map_err(|error| format!("the fleet's thread: {error}"))
}

async fn serve(station: Rc<Station>, berth: Berth, time: TrueTime) {
    match berth {
        Berth::Socket(listener) => match TcpListener::from_std(listener) {
            Ok(listener) => accept(&listener, &station, &time).await,
            Err(error) => tracing::error!("a virtual meter cannot listen: {error}"),
        },
        Berth::Datagrams(socket) => match UdpSocket::from_std(socket) {
            Ok(socket) => datagrams::serve(&socket, &station, &time).await,
            Err(error) => tracing::error!("a virtual meter cannot listen: {error}"),
        },
        #[cfg(unix)]
        Berth::Pty(pty) => pty.serve(&station, &time).await,
    }
}

async fn accept(listener: &TcpListener, station: &Rc<Station>, time: &TrueTime) {
    let open = Rc::new(());
    let mut connection = 0;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        if Rc::strong_count(&open) > station.most_connections() {
            continue;
        }
        connection += 1;
        let held = open.clone();
        let (station, time) = (station.clone(), time.clone());
        tokio::task::spawn_local(async move {
            let line = Bus::new(station.ports(connection));
            // A broken connection is the client's to report.
            let _ = converse(stream, line, &time).await;
            drop(held);
        });
    }
}

/// The ends of one line, with what waits to go on it. A line without a meter is silent.
pub(super) struct Bus {
    ports: Vec<Port>,
    waiting: Vec<Due>,
}

impl Bus {
    pub(super) const fn new(ports: Vec<Port>) -> Self {
        Self { ports, waiting: Vec::new() }
    }

    /// Every station hears everything.
    pub(super) fn hear(&mut self, octets: &[u8], time: &TrueTime) {
        let now = Instant::now().into_std();
        self.ports.iter_mut().for_each(|port| port.handle_octets(octets, now, time.now_ms()));
        self.gather();
    }

    /// A deadline has passed, of a station or of something that waits.
    fn tick(&mut self, time: &TrueTime) {
        let now = Instant::now().into_std();
        for port in &mut self.ports {
            if port.deadline().is_some_and(|deadline| deadline <= now) {
                port.handle_timeout(now, time.now_ms());
            }
        }
        self.gather();
    }

    fn gather(&mut self) {
        for port in &mut self.ports {
            self.waiting.extend(port.take());
        }
        // What was put there first goes first among equals.
        self.waiting.sort_by_key(|due| due.at);
    }

    /// When something is to be done next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let stations = self.ports.iter().filter_map(Port::deadline);
        stations.chain(self.waiting.first().map(|due| due.at)).min().map(Instant::from_std)
    }

    /// What goes on the line now.
    pub(super) fn take(&mut self) -> Vec<Outgoing> {
        let now = Instant::now().into_std();
        let ripe = self.waiting.partition_point(|due| due.at <= now);
        self.waiting.drain(..ripe).map(|due| due.what).collect()
    }
}

async fn converse(mut stream: TcpStream, mut line: Bus, time: &TrueTime) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut idle = Instant::now() + IDLE_LIMIT;
    loop {
        let deadline = line.deadline().map_or(idle, |deadline| deadline.min(idle));
        match tokio::time::timeout_at(deadline, stream.readable()).await {
            Ok(ready) => {
                ready?;
                // Made when there is something: thousands of connections wait without a buffer.
                let mut octets = Vec::with_capacity(4096);
                match stream.try_read_buf(&mut octets) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {
                        idle = Instant::now() + IDLE_LIMIT;
                        line.hear(&octets, time);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
            Err(_) if Instant::now() >= idle => return Ok(()),
            Err(_) => line.tick(time),
        }
        for one in line.take() {
            let Outgoing::Octets(octets) = one else { return Ok(()) };
            let written = tokio::time::timeout(WRITE_LIMIT, stream.write_all(&octets)).await;
            written.map_err(|_| std::io::ErrorKind::TimedOut)??;
        }
    }
}

pub use memory::{serve_packets, serve_stream};
#[cfg(unix)]
pub(super) use pty::Pty;

#[cfg(unix)]
mod pty {
    use std::cell::RefCell;
    use std::io::{ErrorKind, Read, Write};
    use std::rc::Rc;
    use std::time::Duration;

    use serialport::{SerialPort, TTYPort};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::super::fleet::Station;
    use super::super::port::Outgoing;
    use super::super::world::TrueTime;
    use super::{Bus, WRITE_LIMIT};

    /// A pseudo-terminal; the meter sits at the master's end.
    pub(in super::super) struct Pty {
        master: RefCell<Option<TTYPort>>,
        /// Held open, so that the master does not see the line go away between two clients.
        _slave: TTYPort,
        path: String,
    }

    impl Pty {
        /// A new pseudo-terminal.
        ///
        /// # Errors
        /// The system has none to give, in words.
        pub(in super::super) fn open() -> Result<Self, String> {
            let fail = |error| format!("a pseudo-terminal: {error}");
            let (mut master, slave) = TTYPort::pair().map_err(fail)?;
            // The runtime says when there is something to read.
            master.set_timeout(Duration::ZERO).map_err(fail)?;
            let path = slave.name().ok_or("a pseudo-terminal without a name")?;
            Ok(Self { master: RefCell::new(Some(master)), _slave: slave, path })
        }

        /// The device that clients open.
        pub(in super::super) fn path(&self) -> &str {
            &self.path
        }

        pub(super) async fn serve(&self, station: &Rc<Station>, time: &TrueTime) {
            let Some(master) = self.master.borrow_mut().take() else { return };
            #[allow(
                deprecated,
                reason = "its successor is unsafe to call; a TTYPort keeps its descriptor for as long as it lives"
            )]
            let registered = AsyncFd::with_interest(master, Interest::READABLE | Interest::WRITABLE);
            match registered {
                Ok(master) => {
                    if let Err(error) = converse(master, Bus::new(station.ports(1)), time).await {
                        tracing::error!("a virtual meter's pseudo-terminal {}: {error}", self.path);
                    }
                }
                Err(error) => {
                    tracing::error!("a virtual meter's pseudo-terminal {}: {error}", self.path);
                }
            }
        }
    }

    /// A closed connection has no meaning here: the line goes on.
    async fn converse(mut line: AsyncFd<TTYPort>, mut bus: Bus, time: &TrueTime) -> std::io::Result<()> {
        let mut buffer = [0; 4096];
        loop {
            let read = read(&mut line, &mut buffer);
            let count = match bus.deadline() {
                Some(deadline) => tokio::time::timeout_at(deadline, read).await,
                None => Ok(read.await),
            };
            match count {
                Ok(count) => bus.hear(buffer.get(..count?).unwrap_or_default(), time),
                Err(_) => bus.tick(time),
            }
            for one in bus.take() {
                if let Outgoing::Octets(octets) = one {
                    // A client that went away in the middle leaves the rest unread.
                    let _ = tokio::time::timeout(WRITE_LIMIT, write(&mut line, &octets)).await;
                }
            }
        }
    }

    async fn read(line: &mut AsyncFd<TTYPort>, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let mut guard = line.readable_mut().await?;
            match guard.get_inner_mut().read(buffer) {
                Err(error) if is_not_yet(&error) => guard.clear_ready(),
                other => return other,
            }
        }
    }

    async fn write(line: &mut AsyncFd<TTYPort>, mut octets: &[u8]) -> std::io::Result<()> {
        while !octets.is_empty() {
            let mut guard = line.writable_mut().await?;
            // Small pieces: a blocking descriptor takes what its buffer holds and no more.
            let piece = octets.get(..octets.len().min(256)).unwrap_or_default();
            match guard.get_inner_mut().write(piece) {
                Ok(count) => octets = octets.get(count..).unwrap_or_default(),
                Err(error) if is_not_yet(&error) => guard.clear_ready(),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_not_yet(error: &std::io::Error) -> bool {
        matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
    }
}
