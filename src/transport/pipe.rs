//! The pipe: one place, its tap and its counters.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::TransportError;
use super::datagram::{Datagrams, Packets};
use super::dial::{Dialer, Near};
use super::echo::EchoFilter;
use super::modem::{self, Call, LossWatch};
use super::parity::{with_parity, without_parity};
use super::serial::{Serial, is_in_use, on_the_line};
use super::tap::{Tap, TapRecord};
use crate::model::{HostPort, LinePath, SerialFormat, SerialLine};

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
    /// A host, in datagrams.
    Udp(HostPort),
    /// A serial port.
    Serial(SerialLine),
    /// Somebody behind a modem.
    Modem(Call),
    /// One end of a way for datagrams, for tests; as the next.
    Packets(Packets),
    /// The other half of a duplex stream, for tests; it is open from the start and cannot be opened again.
    Memory(DuplexStream),
    /// Wherever somebody else opens the way to.
    Dialled(Arc<dyn Dialer>, LinePath),
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
    Datagrams(Datagrams),
    Serial(Serial),
    Modem(Serial, LossWatch),
    Memory(DuplexStream),
}

#[derive(Debug)]
enum Target {
    Tcp(HostPort),
    Udp(HostPort),
    Serial(SerialLine),
    Modem(Call),
    Memory,
    Dialled(Arc<dyn Dialer>, LinePath),
}

impl Target {
    /// The serial line that it is, or stands for.
    const fn serial(&self) -> Option<&SerialLine> {
        match self {
            Self::Serial(line) | Self::Dialled(_, LinePath::Serial(line)) => Some(line),
            Self::Tcp(_) | Self::Udp(_) | Self::Modem(_) | Self::Memory | Self::Dialled(..) => None,
        }
    }
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
    /// Octets that came before anybody asked.
    surplus: Vec<u8>,
    /// Something came since it was opened.
    heard: bool,
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
            Place::Udp(host) => (Target::Udp(host), None),
            Place::Serial(line) => (Target::Serial(line), None),
            Place::Modem(call) => (Target::Modem(call), None),
            Place::Packets(packets) => (Target::Memory, Some(Way::Datagrams(Datagrams::Memory(packets)))),
            Place::Memory(stream) => (Target::Memory, Some(Way::Memory(stream))),
            Place::Dialled(dialer, path) => (Target::Dialled(dialer, path), None),
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
            surplus: Vec::new(),
            heard: false,
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
            Target::Udp(host) => {
                Datagrams::open(host, wait).await.map(|socket| (Way::Datagrams(socket), Vec::new()))
            }
            Target::Serial(line) => open_serial(line).await,
            Target::Modem(call) => modem::connect(call, open_port).await.map(|connected| {
                self.surplus = connected.surplus;
                (Way::Modem(connected.serial, LossWatch::default()), connected.remarks)
            }),
            Target::Memory => Err(TransportError::Closed),
            Target::Dialled(dialer, path) => dialer.dial(path).map(|near| {
                let way = match near {
                    Near::Stream(stream) => Way::Memory(stream),
                    Near::Packets(packets) => Way::Datagrams(Datagrams::Memory(packets)),
                };
                (way, Vec::new())
            }),
        };
        match opened {
            Ok((way, remarks)) => {
                let serial = self.target.serial();
                let echo = serial.is_some_and(|line| line.echo);
                let soft = serial.is_some_and(|line| line.format == SerialFormat::SevenEvenSoft);
                self.way = Some(way);
                self.asked = false;
                self.heard = false;
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
            Way::Serial(serial) | Way::Modem(serial, _) => on_the_line(raw.len(), serial.baud()) * 2,
            Way::Tcp(_) | Way::Datagrams(_) | Way::Memory(_) => Duration::ZERO,
        };
        let sending = async {
            match way {
                Way::Tcp(stream) => stream.write_all(raw).await.map_err(|error| failed(&error)),
                Way::Memory(stream) => stream.write_all(raw).await.map_err(|error| failed(&error)),
                Way::Datagrams(way) => way.send(raw).await,
                Way::Serial(serial) | Way::Modem(serial, _) => serial.write(raw).await,
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
            if !self.surplus.is_empty() {
                let surplus = std::mem::take(&mut self.surplus);
                let octets = self.arrived(surplus);
                if !octets.is_empty() {
                    return Ok(octets);
                }
            }
            let raw = match self.way.as_mut() {
                None => Err(TransportError::Closed),
                Some(Way::Tcp(stream)) => read_some(stream).await,
                Some(Way::Memory(stream)) => read_some(stream).await,
                Some(Way::Datagrams(way)) => way.receive().await,
                Some(Way::Serial(serial)) => serial.read().await,
                Some(Way::Modem(serial, watch)) => match serial.read().await {
                    Ok(octets) if watch.is_lost(&octets) => {
                        Err(TransportError::Io("line: the call was lost (NO CARRIER)".to_owned()))
                    }
                    other => other,
                },
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
        // The port of a modem keeps its own speed and eight bits, whatever the meter behind it speaks.
        self.note(format!("{baud} baud, {}", format.word()));
        Ok(())
    }

    /// Waits until octets that were just sent have passed the line, which an adapter's own buffer may hide from the
    /// system. `since` is when the sending began.
    pub async fn drain(&mut self, octets: usize, since: Instant) {
        if let Some(Way::Serial(serial) | Way::Modem(serial, _)) = &self.way {
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
            Some(Way::Modem(serial, _)) => return self.leave_modem(serial).await,
            Some(Way::Memory(_) | Way::Datagrams(_)) => {}
        }
        self.note("closed");
    }

    /// A call over which somebody was heard stands a little longer; one into the void is hung up.
    async fn leave_modem(&mut self, serial: Serial) {
        match &self.target {
            Target::Modem(call) if self.heard => {
                modem::park(call, serial);
                self.note("the call stands for the next meter");
            }
            _ => {
                modem::disconnect(serial).await;
                self.note("hung up");
            }
        }
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
            self.heard = true;
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
    open_port(line).await.map(|(serial, remarks)| (Way::Serial(serial), remarks))
}

/// Opens a port, waiting a moment for one that is just being closed.
async fn open_port(line: &SerialLine) -> Result<(Serial, Vec<String>), TransportError> {
    let mut tries = 1;
    loop {
        match Serial::open(line).await {
            Ok(opened) => return Ok(opened),
            Err(error) if is_in_use(&error) && tries < OPEN_TRIES => {
                tries += 1;
                sleep(OPEN_PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
}
