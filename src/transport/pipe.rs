//! The pipe: one place, its tap and its counters.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::TransportError;
use super::echo::EchoFilter;
use super::parity::{with_parity, without_parity};
use super::serial::{Serial, is_in_use, on_the_line};
use super::tap::{Tap, TapRecord};
use crate::model::{HostPort, SerialFormat, SerialLine};

/// How long to wait for the other end's own goodbye: a meter that is called again before it has dropped the old
/// connection refuses the new one (`facts/dlms-quirks.md`, 21).
const GOODBYE: Duration = Duration::from_millis(300);
/// Tries of a serial port that is just being closed by its last user.
const OPEN_TRIES: u32 = 5;
const OPEN_PAUSE: Duration = Duration::from_millis(50);
/// Beyond the time that octets take on the line, sending them may take so long.
const WRITE_SLACK: Duration = Duration::from_secs(30);

/// Where a pipe leads.
#[derive(Debug)]
pub enum Place {
    /// A host.
    Tcp(HostPort),
    /// A serial port.
    Serial(SerialLine),
    /// The other half of a duplex stream, for tests; it is open from the start and cannot be opened again.
    Memory(DuplexStream),
}

/// What has passed a pipe since it was made, through all its openings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Octets sent.
    pub bytes_sent: u64,
    /// Octets received, echo not counted.
    pub bytes_received: u64,
    /// Turns: something was sent, and something came back.
    pub exchanges: u64,
}

#[derive(Debug)]
enum Way {
    Tcp(TcpStream),
    Serial(Serial),
    Memory(DuplexStream),
}

#[derive(Debug)]
enum Target {
    Tcp(HostPort),
    Serial(SerialLine),
    Memory,
}

/// Carries octets. It is made closed, opened any number of times, and used by one task.
pub struct Pipe {
    target: Target,
    way: Option<Way>,
    tap: Box<dyn Tap>,
    counters: Counters,
    asked: bool,
    echo: Option<EchoFilter>,
    echo_told: bool,
    soft_parity: bool,
}

impl std::fmt::Debug for Pipe {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Pipe").field("target", &self.target).field("way", &self.way).finish_non_exhaustive()
    }
}

impl Pipe {
    /// A closed pipe (one in memory is open).
    #[must_use]
    pub fn new(place: Place, tap: Box<dyn Tap>) -> Self {
        let (target, way) = match place {
            Place::Tcp(host) => (Target::Tcp(host), None),
            Place::Serial(line) => (Target::Serial(line), None),
            Place::Memory(stream) => (Target::Memory, Some(Way::Memory(stream))),
        };
        Self {
            target,
            way,
            tap,
            counters: Counters::default(),
            asked: false,
            echo: None,
            echo_told: false,
            soft_parity: false,
        }
    }

    /// Whether it is open, as far as is known.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.way.is_some()
    }

    /// What has passed so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Puts a remark into the trace.
    pub fn note(&mut self, text: impl Into<String>) {
        self.tap.record(TapRecord::note(text));
    }

    /// Opens it, unless it is open. Giving the future up gives the opening up.
    ///
    /// # Errors
    /// Nothing is there, it does not answer in time, or the port is in use.
    pub async fn open(&mut self, wait: Duration) -> Result<(), TransportError> {
        if self.way.is_some() {
            return Ok(());
        }
        let opened = match &self.target {
            Target::Tcp(host) => open_tcp(host, wait).await,
            Target::Serial(line) => open_serial(line).await,
            Target::Memory => Err(TransportError::Closed),
        };
        match opened {
            Ok((way, remarks)) => {
                let (echo, soft) = match &self.target {
                    Target::Serial(line) => (line.echo, line.format == SerialFormat::SevenEvenSoft),
                    Target::Tcp(_) | Target::Memory => (false, false),
                };
                self.way = Some(way);
                self.asked = false;
                self.echo = echo.then(EchoFilter::default);
                self.soft_parity = soft;
                self.note("connected");
                remarks.into_iter().for_each(|remark| self.note(remark));
                Ok(())
            }
            Err(error) => {
                self.note(error.to_string());
                Err(error)
            }
        }
    }

    /// Sends octets. On a serial line it is done when they have left the computer.
    ///
    /// # Errors
    /// It is closed, or the system fails it.
    pub async fn write(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        if self.way.is_none() {
            return Err(TransportError::Closed);
        }
        self.tap.record(TapRecord::bytes(true, octets));
        self.asked = true;
        self.counters.bytes_sent += octets.len() as u64;
        let softened: Vec<u8>;
        let raw = if self.soft_parity {
            softened = octets.iter().map(|octet| with_parity(*octet)).collect();
            &softened
        } else {
            octets
        };
        if let Some(echo) = &mut self.echo {
            echo.sent(raw);
        }
        let way = self.way.as_mut().ok_or(TransportError::Closed)?;
        let line_time = match way {
            Way::Serial(serial) => on_the_line(raw.len(), serial.baud()) * 2,
            Way::Tcp(_) | Way::Memory(_) => Duration::ZERO,
        };
        let sending = async {
            match way {
                Way::Tcp(stream) => stream.write_all(raw).await.map_err(|error| failed(&error)),
                Way::Memory(stream) => stream.write_all(raw).await.map_err(|error| failed(&error)),
                Way::Serial(serial) => serial.write(raw).await,
            }
        };
        let sent = timeout(line_time + WRITE_SLACK, sending).await.unwrap_or_else(|_| {
            Err(TransportError::Io("what was sent is not taken by the other end".to_owned()))
        });
        self.seen(sent)
    }

    /// The next octets, at least one. It may be given up at any time without losing any.
    ///
    /// # Errors
    /// It is closed, or the system fails it.
    pub async fn read(&mut self) -> Result<Vec<u8>, TransportError> {
        loop {
            let raw = match self.way.as_mut() {
                None => Err(TransportError::Closed),
                Some(Way::Tcp(stream)) => read_some(stream).await,
                Some(Way::Memory(stream)) => read_some(stream).await,
                Some(Way::Serial(serial)) => serial.read().await,
            };
            let raw = self.seen(raw)?;
            let octets = self.arrived(raw);
            if !octets.is_empty() {
                return Ok(octets);
            }
        }
    }

    /// Changes speed and format of a serial line while it is open; other places have neither, only the software
    /// parity is switched.
    ///
    /// # Errors
    /// The port cannot run so.
    pub async fn set_format(&mut self, baud: u32, format: SerialFormat) -> Result<(), TransportError> {
        self.soft_parity = format == SerialFormat::SevenEvenSoft;
        if let Some(Way::Serial(serial)) = &mut self.way {
            let set = serial.set(baud, format).await;
            self.seen(set)?;
        }
        self.note(format!("{baud} baud, {}", format.word()));
        Ok(())
    }

    /// Waits until octets that were just sent have passed the line, which an adapter's own buffer may hide from the
    /// system. `since` is when the sending began.
    pub async fn drain(&mut self, octets: usize, since: Instant) {
        if let Some(Way::Serial(serial)) = &self.way {
            sleep_until(since + on_the_line(octets, serial.baud())).await;
        }
    }

    /// Closes it and waits, briefly, until the other end knows.
    pub async fn close(&mut self) {
        match self.way.take() {
            None => return,
            Some(Way::Tcp(mut stream)) => {
                let farewell = async {
                    let mut rest = [0; 256];
                    // The connection is given up in any case: how its end went changes nothing.
                    if stream.shutdown().await.is_ok() {
                        while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                    }
                };
                let _ = timeout(GOODBYE, farewell).await;
            }
            Some(Way::Serial(serial)) => {
                let _ = timeout(GOODBYE, serial.close()).await;
            }
            Some(Way::Memory(_)) => {}
        }
        self.note("closed");
    }

    /// Takes octets through echo and parity, and notes them.
    fn arrived(&mut self, raw: Vec<u8>) -> Vec<u8> {
        let (mut octets, echo) = match &mut self.echo {
            Some(filter) => filter.received(&raw),
            None => (raw, 0),
        };
        if echo > 0 && !self.echo_told {
            self.echo_told = true;
            self.note("the line repeats what is sent; the echo is left out here");
        }
        if self.soft_parity {
            let mut wrong = 0;
            for octet in &mut octets {
                let (low, right) = without_parity(*octet);
                *octet = low;
                wrong += u32::from(!right);
            }
            if wrong > 0 {
                self.note(format!("{wrong} characters with wrong parity"));
            }
        }
        if !octets.is_empty() {
            self.counters.bytes_received += octets.len() as u64;
            self.counters.exchanges += u64::from(std::mem::take(&mut self.asked));
            self.tap.record(TapRecord::bytes(false, &octets));
        }
        octets
    }

    /// After a failure the pipe is closed.
    fn seen<T>(&mut self, outcome: Result<T, TransportError>) -> Result<T, TransportError> {
        if let Err(error) = &outcome
            && self.way.take().is_some()
        {
            let text = error.to_string();
            self.note(text);
        }
        outcome
    }
}

fn failed(error: &std::io::Error) -> TransportError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => {
            TransportError::Closed
        }
        _ => TransportError::Io(format!("the connection failed: {error}")),
    }
}

async fn read_some(stream: &mut (impl AsyncReadExt + Unpin)) -> Result<Vec<u8>, TransportError> {
    let mut octets = Vec::with_capacity(4096);
    match stream.read_buf(&mut octets).await {
        Ok(0) => Err(TransportError::Closed),
        Ok(_) => Ok(octets),
        Err(error) => Err(failed(&error)),
    }
}

async fn open_tcp(host: &HostPort, wait: Duration) -> Result<(Way, Vec<String>), TransportError> {
    let place = format!("{}:{}", host.host, host.port);
    let connecting = TcpStream::connect((host.host.as_str(), host.port));
    let stream = match timeout(wait, connecting).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(TransportError::Open(refused(&place, &error))),
        Err(_) => {
            let waited_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Err(TransportError::Timeout { place, waited_ms });
        }
    };
    let slow = stream.set_nodelay(true).err();
    let remarks = slow.map(|error| format!("TCP cannot be told not to delay: {error}"));
    Ok((Way::Tcp(stream), remarks.into_iter().collect()))
}

fn refused(place: &str, error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => {
            format!("{place} refuses the connection: nothing listens there, or it serves somebody else")
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => format!("there is no way to {place}"),
        _ => format!("no connection to {place}: {error}"),
    }
}

async fn open_serial(line: &SerialLine) -> Result<(Way, Vec<String>), TransportError> {
    let mut tries = 1;
    loop {
        match Serial::open(line).await {
            Ok((serial, remarks)) => return Ok((Way::Serial(serial), remarks)),
            Err(error) if is_in_use(&error) && tries < OPEN_TRIES => {
                tries += 1;
                sleep(OPEN_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use tokio::io::duplex;
    use tokio::net::TcpListener;

    use super::*;
    use crate::transport::NoTap;

    type Records = Rc<RefCell<Vec<TapRecord>>>;

    fn memory() -> (Pipe, DuplexStream, Records) {
        let (near, far) = duplex(4096);
        let records = Records::default();
        (Pipe::new(Place::Memory(near), Box::new(records.clone())), far, records)
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn octets_and_exchanges_are_counted_and_go_to_the_tap() {
        let (mut pipe, mut far, records) = memory();
        for _ in 0..2 {
            pipe.write(b"ask").await.unwrap();
            far.write_all(b"answer").await.unwrap();
            pipe.read().await.unwrap();
            far.write_all(b"!").await.unwrap();
            pipe.read().await.unwrap();
        }
        let counters = Counters { bytes_sent: 6, bytes_received: 14, exchanges: 2 };
        assert_eq!(pipe.counters(), counters);
        let kept = records.borrow();
        let seen: Vec<(bool, &[u8])> =
            kept.iter().take(3).map(|one| (one.sent, one.bytes.as_slice())).collect();
        assert_eq!(seen, [(true, b"ask".as_slice()), (false, b"answer"), (false, b"!")]);
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn an_echo_is_no_answer() {
        let (mut pipe, mut far, _) = memory();
        pipe.echo = Some(EchoFilter::default());
        pipe.write(b"ask").await.unwrap();
        far.write_all(b"as").await.unwrap();
        assert!(timeout(Duration::from_secs(1), pipe.read()).await.is_err());
        far.write_all(b"kanswer").await.unwrap();
        assert_eq!(pipe.read().await.unwrap(), b"answer");
        assert_eq!(pipe.counters(), Counters { bytes_sent: 3, bytes_received: 6, exchanges: 1 });
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn software_parity_is_added_checked_and_taken_off() {
        let (mut pipe, mut far, records) = memory();
        pipe.set_format(300, SerialFormat::SevenEvenSoft).await.unwrap();
        pipe.write(b"/?!\r\n").await.unwrap();
        let mut sent = [0; 5];
        far.read_exact(&mut sent).await.unwrap();
        assert_eq!(sent, [0xAF, 0x3F, 0x21, 0x8D, 0x0A]);
        far.write_all(&[0xAF, 0x41, 0x41 | 0x80]).await.unwrap();
        assert_eq!(pipe.read().await.unwrap(), b"/AA");
        let notes: Vec<String> = records.borrow().iter().filter_map(|one| one.note.clone()).collect();
        assert_eq!(notes, ["300 baud, 7e1-soft", "1 characters with wrong parity"]);
        pipe.set_format(9600, SerialFormat::Eight).await.unwrap();
        far.write_all(&[0xFE]).await.unwrap();
        assert_eq!(pipe.read().await.unwrap(), [0xFE]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn tcp_carries_octets_both_ways_and_sees_the_other_end_close() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let host = HostPort { host: "127.0.0.1".to_owned(), port };
        let mut pipe = Pipe::new(Place::Tcp(host), Box::new(NoTap));
        assert_eq!(pipe.read().await, Err(TransportError::Closed));
        pipe.open(Duration::from_secs(10)).await.unwrap();
        let (mut far, _) = listener.accept().await.unwrap();
        pipe.write(b"ask").await.unwrap();
        let mut asked = [0; 3];
        far.read_exact(&mut asked).await.unwrap();
        far.write_all(b"answer").await.unwrap();
        assert_eq!(pipe.read().await.unwrap(), b"answer");
        drop(far);
        assert_eq!(pipe.read().await, Err(TransportError::Closed));
        assert!(!pipe.is_open());
        pipe.open(Duration::from_secs(10)).await.unwrap();
        assert!(pipe.is_open());
        drop(listener);
        pipe.close().await;
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_refused_connection_says_where_and_why() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let host = HostPort { host: "127.0.0.1".to_owned(), port };
        let mut pipe = Pipe::new(Place::Tcp(host), Box::new(NoTap));
        let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
        assert!(error.contains(&port.to_string()) && error.contains("nothing listens"), "{error}");
    }

    #[cfg(unix)]
    mod pty {
        use std::io::{Read, Write};

        use serialport::{SerialPort, TTYPort};

        use super::*;

        fn line(port: &TTYPort, query: &str) -> SerialLine {
            let text = format!("serial:{}?{query}", port.name().unwrap());
            let parsed: crate::model::Line = text.parse().unwrap();
            match parsed.path {
                crate::model::LinePath::Serial(line) => line,
                other => panic!("{other:?}"),
            }
        }

        fn pair() -> (TTYPort, TTYPort) {
            let (mut master, mut slave) = TTYPort::pair().unwrap();
            master.set_timeout(Duration::from_secs(10)).unwrap();
            slave.set_exclusive(false).unwrap();
            (master, slave)
        }

        #[tokio::test(flavor = "current_thread")]
        async fn a_serial_port_carries_octets_changes_speed_and_is_free_again_when_closed() {
            let (mut master, slave) = pair();
            let line = line(&slave, "baud=300&format=8n1&dtr=on&rts=off");
            drop(slave);
            let records = Records::default();
            let mut pipe = Pipe::new(Place::Serial(line.clone()), Box::new(records.clone()));
            pipe.open(Duration::from_secs(10)).await.unwrap();
            for baud in [300, 9600] {
                pipe.set_format(baud, SerialFormat::Eight).await.unwrap();
                pipe.write(b"\x7Eask").await.unwrap();
                let mut asked = [0; 4];
                master.read_exact(&mut asked).unwrap();
                assert_eq!(&asked, b"\x7Eask");
                master.write_all(b"\x80answer").unwrap();
                let mut got = Vec::new();
                while got.len() < 7 {
                    got.extend(pipe.read().await.unwrap());
                }
                assert_eq!(got, b"\x80answer");
            }
            let notes: Vec<String> = records.borrow().iter().filter_map(|one| one.note.clone()).collect();
            assert!(notes.iter().any(|note| note.starts_with("DTR cannot be set")), "{notes:?}");
            pipe.close().await;
            pipe.open(Duration::from_secs(10)).await.unwrap();
        }

        #[tokio::test(flavor = "current_thread", start_paused = true)]
        async fn a_port_that_somebody_holds_is_said_to_be_in_use() {
            let (_master, slave) = pair();
            let line = line(&slave, "baud=9600");
            drop(slave);
            let holder = serialport::new(&line.port, 9600).open().unwrap();
            let mut pipe = Pipe::new(Place::Serial(line), Box::new(NoTap));
            let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
            drop(holder);
            assert!(error.contains("in use"), "{error}");
        }

        #[tokio::test(flavor = "current_thread")]
        async fn a_port_that_is_not_there_is_said_to_be_missing() {
            let line = SerialLine {
                port: "/dev/no-such-port".to_owned(),
                baud: 9600,
                format: SerialFormat::Eight,
                optical: false,
                echo: false,
                dtr: None,
                rts: None,
            };
            let mut pipe = Pipe::new(Place::Serial(line), Box::new(NoTap));
            let error = pipe.open(Duration::from_secs(10)).await.unwrap_err().to_string();
            assert!(error.contains("no serial port"), "{error}");
        }
    }
}
