//! The thread's work as a task of the caller's own runtime, for runs in flying time.
//!
//! ```text
//! LocalSet on a current-thread runtime, started paused
//!   ├─ LocalComms ─ lists, sessions, drivers, protocol, the store's file     clock ┐
//!   └─ MemoryFleet ─ virtual meters behind the link emulator  ◄── dialer ──────────┴ Surroundings
//! ```
//!
//! It is the same work as behind [`Comms`](super::Comms), whose calls wait for their answers and so are of no use here.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_local, yield_now};

use crate::model::Fault;

use super::conductor::Drivers;
use super::surroundings::Surroundings;
use super::thread::{Command, Thread};
use super::{COMMANDS, CommsOptions, Edit, Edited, Event, Job, JobId, listeners, open_shared, stopped};

/// The communications thread's work as a task. Dropping it breaks everything off where it stands, as killing the
/// program does: nothing more is written, and no meter hears a goodbye.
#[derive(Debug)]
pub struct LocalComms {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

impl Drop for LocalComms {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl LocalComms {
    /// Opens the store and the vault and begins the work. Has to be called inside a `LocalSet`.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub fn start(options: CommsOptions, surroundings: Surroundings) -> Result<Self, Fault> {
        let conductor = Arc::new(Drivers { dialer: surroundings.dialer.clone() });
        let shared = open_shared(options, surroundings, conductor)?;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let task = spawn_local(Thread::new(Rc::new(shared)).run(inbox));
        Ok(Self { commands, task })
    }

    async fn send(&self, command: Command) -> Result<(), Fault> {
        self.commands.send(command).await.map_err(|_| stopped())
    }

    /// Waits without letting time go on: the answer is there as soon as the task has had its turn.
    async fn answer<T>(answer: &Receiver<T>) -> Result<T, Fault> {
        loop {
            match answer.try_recv() {
                Ok(given) => return Ok(given),
                Err(TryRecvError::Empty) => yield_now().await,
                Err(TryRecvError::Disconnected) => return Err(stopped()),
            }
        }
    }

    /// Submits a job.
    ///
    /// # Errors
    /// As [`Comms::submit`](super::Comms::submit).
    pub async fn submit(&self, job: Job) -> Result<JobId, Fault> {
        let (answer, submitted) = sync_channel(1);
        self.send(Command::Submit(job, answer)).await?;
        Self::answer(&submitted).await?
    }

    /// Asks for a change.
    ///
    /// # Errors
    /// As [`Comms::edit`](super::Comms::edit).
    pub async fn edit(&self, edit: Edit) -> Result<Edited, Fault> {
        let (answer, edited) = sync_channel(1);
        self.send(Command::Edit(edit, answer)).await?;
        Self::answer(&edited).await?
    }

    /// A stream of what happens from now on, as [`Comms::listen`](super::Comms::listen) gives it.
    ///
    /// # Errors
    /// The task has ended.
    pub async fn listen(&self, wake: impl Fn() + Send + 'static) -> Result<Receiver<Event>, Fault> {
        let (to, events) = sync_channel(listeners::CHANNEL);
        self.send(Command::Listen(to, Box::new(wake))).await?;
        Ok(events)
    }

    /// Cancels everything and waits for the end.
    pub async fn stop(self) {
        // One that has ended has stopped.
        let _ended = self.send(Command::Stop).await;
        self.commands.closed().await;
    }
}
