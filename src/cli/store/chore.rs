//! Has a piece of upkeep done, with progress on standard error.

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::cli::app::App;
use crate::cli::failure::Failure;
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Progress;
use crate::comms::{Chore, Comms, Event, Job};
use crate::model::{Fault, Step};

/// How often it is looked whether the user asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Does a chore to its end; gives what came of it in words. Ctrl-C stops it; what it had done stays done.
pub(super) fn run(app: &App, chore: Chore) -> Result<String, Failure> {
    if !app.store_path()?.exists() {
        // As for every command that only looks: a store is not made by looking after it.
        app.reader()?;
    }
    let comms = app.comms()?;
    let came = follow(app, &comms, chore);
    comms.stop();
    came
}

fn follow(app: &App, comms: &Comms, chore: Chore) -> Result<String, Failure> {
    let interrupt = Interrupt::watch();
    let events = comms.listen(|| {});
    let own = comms.submit(Job::Upkeep(chore))?;
    let progress = Progress::new(1, app.global.quiet);
    let (mut last_doing, mut is_cancelled) = (String::new(), false);
    let mut came: Option<(Option<Fault>, String)> = None;
    loop {
        if interrupt.is_asked() && !is_cancelled {
            is_cancelled = true;
            app.tell("Stopping; what was done stays done. Ctrl-C once more ends at once");
            comms.cancel(own);
        }
        match events.recv_timeout(LOOK) {
            Ok(Event::MeterStep { job, step, .. }) if job == own => {
                progress.step("store", &step.in_words());
                if let Step::Upkeep { doing, .. } = &step
                    && last_doing != *doing
                {
                    last_doing.clone_from(doing);
                    progress.line("store", doing);
                }
            }
            Ok(Event::MeterEnded { job, result, words, .. }) if job == own => {
                came = Some((result.fault, words));
            }
            Ok(Event::Ended { job, .. }) if job == own => break,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::internal("the communications thread broke off"));
            }
        }
    }
    progress.finish();
    match came {
        Some((None, words)) => Ok(words),
        Some((Some(fault), _)) => Err(fault.into()),
        None => Err(Fault::user("cancelled before it began", "").into()),
    }
}
