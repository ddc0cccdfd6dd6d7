//! A serial port and the helper thread that waits for it, because `serialport` blocks.

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use serialport::{DataBits, Parity, SerialPort, StopBits};
use tokio::sync::{mpsc, oneshot};

use super::TransportError;
use crate::model::{SerialFormat, SerialLine};

/// How long the thread waits for octets before it looks for something to send.
const TICK: Duration = Duration::from_millis(5);
/// Octets handed to the system at once; a port that takes no more is noticed between two such pieces.
const PIECE: usize = 256;
/// Octets kept while nobody reads; older ones are dropped then.
const BACKLOG: usize = 64 * 1024;

enum Command {
    Write(Vec<u8>, oneshot::Sender<Result<(), TransportError>>),
    Set(u32, SerialFormat, oneshot::Sender<Result<(), TransportError>>),
    Dtr(bool, oneshot::Sender<Result<(), TransportError>>),
}

/// An open port. Dropping it ends the thread, which closes the port.
#[derive(Debug)]
pub(super) struct Serial {
    commands: mpsc::Sender<Command>,
    received: mpsc::Receiver<Result<Vec<u8>, TransportError>>,
    baud: u32,
}

/// The time that some octets take on the line, at ten bits each.
pub(super) fn on_the_line(octets: usize, baud: u32) -> Duration {
    Duration::from_millis(octets as u64 * 10_000 / u64::from(baud.max(1)))
}

impl Serial {
    /// Opens a port for this program alone. Gives remarks about what the port cannot do.
    pub(super) async fn open(line: &SerialLine) -> Result<(Self, Vec<String>), TransportError> {
        let (commands, wanted) = mpsc::channel(4);
        let (octets, received) = mpsc::channel(64);
        let (opened, outcome) = oneshot::channel();
        let line_of_thread = line.clone();
        let body = move || match open_port(&line_of_thread) {
            Err(error) => {
                let _ = opened.send(Err(error));
            }
            Ok((port, remarks)) => {
                if opened.send(Ok(remarks)).is_ok() {
                    Worker { port, octets, backlog: Vec::new(), dropped: 0, baud: line_of_thread.baud }
                        .run(wanted);
                }
            }
        };
        let name = format!("serial {}", line.port);
        std::thread::Builder::new()
            .name(name)
            .spawn(body)
            .map_err(|error| TransportError::Open(format!("no thread for the serial port: {error}")))?;
        let remarks = outcome.await.map_err(|_| stopped())??;
        Ok((Self { commands, received, baud: line.baud }, remarks))
    }

    /// Sends octets; done when they are on the line.
    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        let octets = octets.to_vec();
        self.ask(|answer| Command::Write(octets, answer)).await
    }

    /// Changes speed and format while the port stays open.
    pub(super) async fn set(&mut self, baud: u32, format: SerialFormat) -> Result<(), TransportError> {
        self.baud = baud;
        self.ask(|answer| Command::Set(baud, format, answer)).await
    }

    /// Switches DTR while the port stays open.
    pub(super) async fn set_dtr(&mut self, level: bool) -> Result<(), TransportError> {
        self.ask(|answer| Command::Dtr(level, answer)).await
    }

    /// The next octets.
    pub(super) async fn read(&mut self) -> Result<Vec<u8>, TransportError> {
        self.received.recv().await.unwrap_or(Err(TransportError::Closed))
    }

    /// The speed in force.
    pub(super) fn baud(&self) -> u32 {
        self.baud
    }

    /// Ends the thread and waits until the port is free for others.
    pub(super) async fn close(self) {
        let Self { commands, mut received, .. } = self;
        drop(commands);
        while received.recv().await.is_some() {}
    }

    async fn ask(
        &mut self,
        command: impl FnOnce(oneshot::Sender<Result<(), TransportError>>) -> Command,
    ) -> Result<(), TransportError> {
        let (answer, outcome) = oneshot::channel();
        self.commands.send(command(answer)).await.map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn stopped() -> TransportError {
    TransportError::Io("the serial port was lost".to_owned())
}

fn open_port(line: &SerialLine) -> Result<(Box<dyn SerialPort>, Vec<String>), TransportError> {
    let (data, parity) = bits(line.format);
    let builder = serialport::new(&line.port, line.baud).data_bits(data).parity(parity).timeout(TICK);
    let mut port =
        builder.stop_bits(StopBits::One).open().map_err(|error| cannot_open(&line.port, &error))?;
    let mut remarks = Vec::new();
    // Pseudo-terminals have no such signals.
    if let Some(level) = line.dtr
        && let Err(error) = port.write_data_terminal_ready(level)
    {
        remarks.push(format!("DTR cannot be set: {}", error.description));
    }
    if let Some(level) = line.rts
        && let Err(error) = port.write_request_to_send(level)
    {
        remarks.push(format!("RTS cannot be set: {}", error.description));
    }
    // What came before belongs to nobody.
    if let Err(error) = port.clear(serialport::ClearBuffer::Input) {
        remarks.push(format!("old octets cannot be dropped: {}", error.description));
    }
    Ok((port, remarks))
}

const fn bits(format: SerialFormat) -> (DataBits, Parity) {
    match format {
        SerialFormat::Eight | SerialFormat::SevenEvenSoft => (DataBits::Eight, Parity::None),
        SerialFormat::SevenEven => (DataBits::Seven, Parity::Even),
    }
}

fn cannot_open(port: &str, error: &serialport::Error) -> TransportError {
    let text = match error.kind {
        serialport::ErrorKind::Io(ErrorKind::NotFound) => {
            format!("there is no serial port {port}: is the adapter plugged in?")
        }
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
            format!(
                "serial port {port} may not be opened: on Linux, join the group `dialout` and sign in again"
            )
        }
        serialport::ErrorKind::NoDevice if error.description.contains("lock") => in_use(port),
        _ => format!("serial port {port} cannot be opened: {}", error.description),
    };
    TransportError::Open(text)
}

/// What a port that somebody else holds is called; [`is_in_use`] recognises it.
fn in_use(port: &str) -> String {
    format!("serial port {port} is in use by another program")
}

/// Whether opening failed only because the port is held: it may be free in a moment.
pub(super) fn is_in_use(error: &TransportError) -> bool {
    matches!(error, TransportError::Open(text) if text.ends_with("is in use by another program"))
}

/// The helper thread's side.
struct Worker {
    port: Box<dyn SerialPort>,
    octets: mpsc::Sender<Result<Vec<u8>, TransportError>>,
    backlog: Vec<u8>,
    dropped: usize,
    baud: u32,
}

impl Worker {
    fn run(mut self, mut wanted: mpsc::Receiver<Command>) {
        let mut buffer = [0; 4096];
        loop {
            match wanted.try_recv() {
                Ok(Command::Write(octets, answer)) => {
                    let _ = answer.send(self.write(&octets));
                }
                Ok(Command::Set(baud, format, answer)) => {
                    let _ = answer.send(self.set(baud, format));
                }
                Ok(Command::Dtr(level, answer)) => {
                    let done = self.port.write_data_terminal_ready(level);
                    let _ = answer.send(done.map_err(|error| {
                        TransportError::Io(format!("DTR cannot be set: {}", error.description))
                    }));
                }
                Err(mpsc::error::TryRecvError::Disconnected) => return,
                Err(mpsc::error::TryRecvError::Empty) => {}
            }
            match self.port.read(&mut buffer) {
                Ok(count) => self.backlog.extend(buffer.iter().take(count)),
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(error) => return self.lose(&error),
            }
            if !self.pass_on() {
                return;
            }
        }
    }

    /// Hands octets over; false when nobody wants them any more.
    fn pass_on(&mut self) -> bool {
        if self.backlog.is_empty() {
            return true;
        }
        match self.octets.try_reserve() {
            Ok(place) => {
                place.send(Ok(std::mem::take(&mut self.backlog)));
                if self.dropped > 0 {
                    tracing::warn!(octets = self.dropped, "octets dropped that nobody read in time");
                    self.dropped = 0;
                }
                true
            }
            Err(mpsc::error::TrySendError::Closed(())) => false,
            Err(mpsc::error::TrySendError::Full(())) => {
                let excess = self.backlog.len().saturating_sub(BACKLOG);
                self.backlog.drain(..excess);
                self.dropped += excess;
                true
            }
        }
    }

    fn lose(mut self, error: &std::io::Error) {
        self.pass_on();
        // An unplugged adapter, or the other end of a pseudo-terminal closed.
        let told = match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof => TransportError::Closed,
            _ => TransportError::Io(format!("the serial port failed: {error}")),
        };
        let _ = self.octets.try_send(Err(told));
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), TransportError> {
        let failed =
            |error: std::io::Error| TransportError::Io(format!("sending to the serial port failed: {error}"));
        let limit = Instant::now() + on_the_line(octets.len(), self.baud) * 2 + Duration::from_secs(5);
        let mut rest = octets;
        while !rest.is_empty() {
            match self.port.write(rest.get(..PIECE).unwrap_or(rest)) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                    if Instant::now() >= limit {
                        return Err(failed(error));
                    }
                }
                Err(error) => return Err(failed(error)),
            }
        }
        match self.port.flush() {
            Err(error) if error.kind() != ErrorKind::TimedOut => Err(failed(error)),
            _ => Ok(()),
        }
    }

    fn set(&mut self, baud: u32, format: SerialFormat) -> Result<(), TransportError> {
        let (data, parity) = bits(format);
        let port = &mut self.port;
        let done = port.set_baud_rate(baud).and_then(|()| port.set_data_bits(data));
        let done = done.and_then(|()| self.port.set_parity(parity));
        self.baud = baud;
        done.map_err(|error| {
            TransportError::Io(format!("the serial port cannot run at {baud} baud: {}", error.description))
        })
    }
}
