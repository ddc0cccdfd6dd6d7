//! Hands events to any number of listeners without ever waiting for one.
//!
//! A listener that is behind gets the latest step of each meter instead of all of them. Every other event is kept
//! for it; one that lets [`MOST_WAITING`] of them lie is taken for dead and its stream ends.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::model::{MeterId, Step};

use super::{Event, JobId};

/// Events that fit in a listener's channel.
pub(super) const CHANNEL: usize = 1024;
/// Events kept for a listener whose channel is full.
const MOST_WAITING: usize = 200_000;

type Who = (JobId, Option<MeterId>);

/// An event that waits for room in a listener's channel.
enum Slot {
    Whole(Event),
    /// A step: the latest one is looked up when its turn comes.
    Step(Who),
}

struct Listener {
    to: SyncSender<Event>,
    wake: Box<dyn Fn() + Send>,
    waiting: VecDeque<Slot>,
    latest: HashMap<Who, Step>,
}

impl Listener {
    /// Puts an event in the channel, or keeps it; false when nobody listens any more.
    fn offer(&mut self, event: Event) -> bool {
        if !self.waiting.is_empty() {
            return self.keep(event);
        }
        match self.to.try_send(event) {
            Ok(()) => {
                (self.wake)();
                true
            }
            Err(TrySendError::Full(event)) => self.keep(event),
            Err(TrySendError::Disconnected(_)) => false,
        }
    }

    fn keep(&mut self, event: Event) -> bool {
        if let Event::MeterStep { job, meter, step } = event {
            if self.latest.insert((job, meter), step).is_none() {
                self.waiting.push_back(Slot::Step((job, meter)));
            }
        } else {
            self.waiting.push_back(Slot::Whole(event));
        }
        if self.waiting.len() > MOST_WAITING {
            tracing::error!("a listener has not taken {MOST_WAITING} events; it gets no more");
            return false;
        }
        true
    }

    /// Moves what waits into the channel as far as there is room; false when nobody listens any more.
    fn flush(&mut self) -> bool {
        let before = self.waiting.len();
        while let Some(slot) = self.waiting.pop_front() {
            let event = match slot {
                Slot::Whole(event) => Some(event),
                Slot::Step((job, meter)) => {
                    self.latest.remove(&(job, meter)).map(|step| Event::MeterStep { job, meter, step })
                }
            };
            let Some(event) = event else { continue };
            match self.to.try_send(event) {
                Ok(()) => {}
                Err(TrySendError::Full(Event::MeterStep { job, meter, step })) => {
                    self.latest.insert((job, meter), step);
                    self.waiting.push_front(Slot::Step((job, meter)));
                    break;
                }
                Err(TrySendError::Full(event)) => {
                    self.waiting.push_front(Slot::Whole(event));
                    break;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
        if self.waiting.len() != before {
            (self.wake)();
        }
        true
    }
}

/// All listeners.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
}

impl Listeners {
    pub(super) fn add(&mut self, to: SyncSender<Event>, wake: Box<dyn Fn() + Send>) {
        self.all.push(Listener { to, wake, waiting: VecDeque::new(), latest: HashMap::new() });
    }

    pub(super) fn emit(&mut self, event: &Event) {
        self.all.retain_mut(|listener| listener.offer(event.clone()));
    }

    /// Whether something waits for room: [`Listeners::flush`] has to be called again soon.
    pub(super) fn is_behind(&self) -> bool {
        self.all.iter().any(|listener| !listener.waiting.is_empty())
    }

    pub(super) fn flush(&mut self) {
        self.all.retain_mut(Listener::flush);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::sync_channel;

    use super::*;

    fn step(meter: i64, done: u64) -> Event {
        Event::MeterStep {
            job: JobId(1),
            meter: Some(MeterId(meter)),
            step: Step::Rows { done, expected: None },
        }
    }

    #[test]
    fn a_slow_listener_gets_the_latest_step_of_each_meter_and_every_other_event() {
        let (to, from) = sync_channel(1);
        let mut listeners = Listeners::default();
        listeners.add(to, Box::new(|| {}));
        listeners.emit(&Event::StoreChanged);
        for done in 0..100 {
            listeners.emit(&step(1, done));
            listeners.emit(&step(2, done));
        }
        listeners.emit(&Event::StoreChanged);
        let mut got = Vec::new();
        while listeners.is_behind() {
            got.extend(from.try_iter());
            listeners.flush();
        }
        got.extend(from.try_iter());
        assert_eq!(got, [Event::StoreChanged, step(1, 99), step(2, 99), Event::StoreChanged]);
    }

    #[test]
    fn a_listener_that_went_away_is_forgotten() {
        let (to, from) = sync_channel(1);
        let mut listeners = Listeners::default();
        listeners.add(to, Box::new(|| {}));
        drop(from);
        listeners.emit(&Event::StoreChanged);
        assert!(listeners.all.is_empty());
    }

    #[test]
    fn a_listener_that_never_reads_is_cut_off_in_the_end() {
        let (to, from) = sync_channel(1);
        let mut listeners = Listeners::default();
        listeners.add(to, Box::new(|| {}));
        for _ in 0..=MOST_WAITING + 1 {
            listeners.emit(&Event::StoreChanged);
        }
        assert!(listeners.all.is_empty());
        assert_eq!(from.iter().count(), 1, "its stream ends");
    }

    #[test]
    fn the_wake_call_follows_each_event_that_was_put_there() {
        let woken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&woken);
        let (to, from) = sync_channel(2);
        let mut listeners = Listeners::default();
        listeners.add(
            to,
            Box::new(move || {
                counter.fetch_add(1, Ordering::Relaxed);
            }),
        );
        listeners.emit(&Event::StoreChanged);
        listeners.emit(&Event::StoreChanged);
        listeners.emit(&Event::StoreChanged);
        assert_eq!(woken.load(Ordering::Relaxed), 2);
        assert_eq!(from.try_iter().count(), 2);
        listeners.flush();
        assert_eq!(woken.load(Ordering::Relaxed), 3);
    }
}
