//! A pipe whose every wait ends with the job's cancel flag.

use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, sleep_until, timeout};

use super::cancel::Cancel;
use crate::model::SerialFormat;
use crate::protocol::link::LinkError;
use crate::transport::{Counters, Pipe, TransportError};

/// A last word to a meter after the job was cancelled may take so long.
const LAST_WORD: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct Wire {
    pipe: Pipe,
    cancel: Cancel,
    /// When octets last came.
    heard: Option<Instant>,
}

fn link_error(error: TransportError) -> LinkError {
    match error {
        TransportError::Open(text) => LinkError::Open(text),
        TransportError::Timeout { waited_ms, .. } => {
            LinkError::Timeout { what: "the connection request", waited_ms }
        }
        TransportError::Closed => LinkError::Closed,
        TransportError::Io(text) => LinkError::Io(text),
    }
}

/// Runs a future until the flag is set.
async fn unless<T>(
    cancel: &Cancel,
    work: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, LinkError> {
    select! {
        biased;
        () = cancel.cancelled() => Err(LinkError::Cancelled),
        outcome = work => outcome.map_err(link_error),
    }
}

impl Wire {
    pub(super) fn new(pipe: Pipe, cancel: Cancel) -> Self {
        Self { pipe, cancel, heard: None }
    }

    pub(super) fn counters(&self) -> Counters {
        self.pipe.counters()
    }

    pub(super) fn is_open(&self) -> bool {
        self.pipe.is_open()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(super) fn note(&mut self, text: &str) {
        self.pipe.note(text);
    }

    pub(super) async fn open(&mut self, wait: Duration) -> Result<(), LinkError> {
        self.heard = None;
        unless(&self.cancel, self.pipe.open(wait)).await
    }

    pub(super) async fn write(&mut self, octets: &[u8]) -> Result<(), LinkError> {
        unless(&self.cancel, self.pipe.write(octets)).await
    }

    /// The next octets, or nothing when `limit` comes first.
    pub(super) async fn read(&mut self, limit: Instant) -> Result<Option<Vec<u8>>, LinkError> {
        let outcome = select! {
            biased;
            () = self.cancel.cancelled() => Err(LinkError::Cancelled),
            octets = self.pipe.read() => octets.map(Some).map_err(link_error),
            () = sleep_until(limit) => Ok(None),
        };
        if matches!(outcome, Ok(Some(_))) {
            self.heard = Some(Instant::now());
        }
        outcome
    }

    /// Waits for nothing but the cancel flag.
    pub(super) async fn pause(&self, until: Instant) -> Result<(), LinkError> {
        select! {
            biased;
            () = self.cancel.cancelled() => Err(LinkError::Cancelled),
            () = sleep_until(until) => Ok(()),
        }
    }

    /// Waits until the line has been silent for so long.
    pub(super) async fn quiet_for(&self, pause: Duration) -> Result<(), LinkError> {
        match self.heard {
            Some(heard) if !pause.is_zero() => self.pause(heard + pause).await,
            _ => Ok(()),
        }
    }

    pub(super) async fn set_format(&mut self, baud: u32, format: SerialFormat) -> Result<(), LinkError> {
        unless(&self.cancel, self.pipe.set_format(baud, format)).await
    }

    pub(super) async fn drain(&mut self, octets: usize, since: Instant) {
        self.pipe.drain(octets, since).await;
    }

    /// Sends something although the job was cancelled, and waits for no answer.
    pub(super) async fn last_word(&mut self, octets: &[u8]) {
        if self.is_open() {
            // The meter drops a dead connection by itself; this only frees it sooner.
            let _ = timeout(LAST_WORD, self.pipe.write(octets)).await;
        }
    }

    pub(super) async fn close(&mut self) {
        self.pipe.close().await;
    }
}
