//! Hands events to any number of listeners without ever waiting for one.
//!
//! A listener that is behind gets the latest step of each meter instead of all of them. Every other event is kept
//! for it; one that lets [`MOST_WAITING`] of them lie is taken for dead and its stream ends.
//!
//! To wake a listener costs more than most of what it is told. Events of meters that follow others closely are
//! therefore held for a moment ([`GATHER`]) and handed over together, in order; whatever else happens goes out at once,
//! with all that was held before it.

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::model::{MeterId, Step};

use super::{Event, JobId};

/// Events that fit in a listener's channel.
pub(super) const CHANNEL: usize = 1024;
/// Events kept for a listener whose channel is full.
const MOST_WAITING: usize = 200_000;
/// How long events of meters are held at most.
pub(super) const GATHER: Duration = Duration::from_millis(50);
/// Events that are held at most.
const MOST_HELD: usize = 256;

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
    /// Events that wait for company.
    held: Vec<Event>,
    /// When it was last handed some.
    handed: Option<Instant>,
    waiting: VecDeque<Slot>,
    latest: HashMap<Who, Step>,
}

/// Whether an event can wait for company.
const fn can_wait(event: &Event) -> bool {
    matches!(
        event,
        Event::MeterStarted { .. }
            | Event::MeterStep { .. }
            | Event::MeterRemark { .. }
            | Event::MeterEnded { .. }
    )
}

impl Listener {
    /// Hands an event over, or holds it for company; false when nobody listens any more.
    fn offer(&mut self, event: Event, now: Instant) -> bool {
        let holds = can_wait(&event)
            && self.handed.is_some_and(|handed| now < handed + GATHER)
            && self.held.len() < MOST_HELD;
        self.held.push(event);
        holds || self.hand_over(now)
    }

    /// Puts what is held in the channel, or keeps it; false when nobody listens any more.
    fn hand_over(&mut self, now: Instant) -> bool {
        self.handed = Some(now);
        let mut is_put = false;
        for event in std::mem::take(&mut self.held) {
            let kept = if self.waiting.is_empty() {
                match self.to.try_send(event) {
                    Ok(()) => {
                        is_put = true;
                        true
                    }
                    Err(TrySendError::Full(event)) => self.keep(event),
                    Err(TrySendError::Disconnected(_)) => false,
                }
            } else {
                self.keep(event)
            };
            if !kept {
                return false;
            }
        }
        if is_put {
            (self.wake)();
        }
        true
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
    fn flush(&mut self, now: Instant) -> bool {
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
        self.hand_over(now)
    }
}

/// All listeners.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    stirred: Rc<Notify>,
}

impl Listeners {
    pub(super) fn add(&mut self, to: SyncSender<Event>, wake: Box<dyn Fn() + Send>) {
        let (held, waiting, latest) = (Vec::new(), VecDeque::new(), HashMap::new());
        self.all.push(Listener { to, wake, held, handed: None, waiting, latest });
    }

    pub(super) fn emit(&mut self, event: &Event) {
        let now = Instant::now();
        self.all.retain_mut(|listener| listener.offer(event.clone(), now));
        if self.is_behind() {
            self.stirred.notify_one();
        }
    }

    /// Whether something is held or waits for room: [`Listeners::flush`] has to be called again soon.
    pub(super) fn is_behind(&self) -> bool {
        self.all.iter().any(|listener| !listener.waiting.is_empty() || !listener.held.is_empty())
    }

    /// Is notified when something may have been left behind.
    pub(super) fn stirred(&self) -> Rc<Notify> {
        Rc::clone(&self.stirred)
    }

    pub(super) fn flush(&mut self) {
        let now = Instant::now();
        self.all.retain_mut(|listener| listener.flush(now));
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

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn events_of_meters_that_follow_closely_are_handed_over_together_and_in_order() {
        let (to, from) = sync_channel(100);
        let mut listeners = Listeners::default();
        listeners.add(to, Box::new(|| {}));
        for done in 0..4 {
            listeners.emit(&step(1, done));
        }
        assert_eq!(from.try_iter().count(), 1, "the first goes out at once");
        assert!(listeners.is_behind());
        listeners.stirred().notified().await;
        tokio::time::sleep(GATHER).await;
        listeners.emit(&step(1, 4));
        assert_eq!(from.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4].map(|done| step(1, done)));
        listeners.emit(&step(1, 5));
        listeners.emit(&Event::StoreChanged);
        assert_eq!(from.try_iter().collect::<Vec<_>>(), [step(1, 5), Event::StoreChanged]);
        listeners.emit(&step(1, 6));
        listeners.flush();
        assert!(!listeners.is_behind() && from.try_iter().count() == 1);
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
