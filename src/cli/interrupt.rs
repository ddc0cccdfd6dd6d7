//! Ctrl-C while meters are read: what was read stays stored, the meters are told goodbye, and the results are printed.

use std::io;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tokio::runtime::Builder;

use super::failure::SOME_FAILED;

/// Whether the user asked to stop.
#[derive(Clone, Debug, Default)]
pub(super) struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Watches for Ctrl-C, and for the request to end that service managers send, from now until the program ends.
    /// The second one ends the program at once. Where no watch can be kept, the first one does, as it would anyhow.
    pub(super) fn watch() -> Self {
        let interrupt = Self::default();
        let (ready, watching) = sync_channel(1);
        let watcher = interrupt.clone();
        let spawned = thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
            if let Err(error) = watcher.wait(&ready) {
                tracing::warn!("Ctrl-C ends the program at once: {error}");
            }
        });
        match spawned {
            // An error means that the watch has ended: nothing to wait for.
            Ok(_) => drop(watching.recv()),
            Err(error) => tracing::warn!("Ctrl-C ends the program at once: {error}"),
        }
        interrupt
    }

    /// Whether it is time to stop.
    pub(super) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    fn wait(&self, ready: &SyncSender<()>) -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut signals = Signals::new()?;
            // Nobody waits for this where the command has ended already.
            let _told = ready.send(());
            signals.next().await;
            self.asked.store(true, Ordering::Release);
            signals.next().await;
            process::exit(SOME_FAILED.into())
        })
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) {
        self.interrupt.recv().await;
    }
}
