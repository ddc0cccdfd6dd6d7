//! A link that remembers when a question left and when the first of its answer came, so that a clock can be compared
//! although the answer to the whole list takes many blocks more.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::link::{Link, LinkError, LinkTerms};

/// When the first APDU left since the watch was started, and when the first one came back.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    asked: Option<Instant>,
    answered: Option<Instant>,
}

/// The hands of a [`TimedLink`], for whoever asks.
#[derive(Clone, Debug, Default)]
pub(super) struct StopWatch(Rc<Cell<Marks>>);

/// How long ago the middle of the exchange was, and how far it reaches on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Middle {
    /// Since the middle of the exchange.
    pub(super) ago: Duration,
    /// Half of the round trip.
    pub(super) half: Duration,
}

impl StopWatch {
    /// The next APDU that is sent begins an exchange.
    pub(super) fn start(&self) {
        self.0.set(Marks::default());
    }

    /// The exchange that began after [`StopWatch::start`]; nothing where it was not answered.
    pub(super) fn middle(&self) -> Option<Middle> {
        let Marks { asked: Some(asked), answered: Some(answered) } = self.0.get() else { return None };
        let half = answered.duration_since(asked) / 2;
        Some(Middle { ago: asked.elapsed().saturating_sub(half), half })
    }
}

/// Wraps a link.
#[derive(Debug)]
pub(super) struct TimedLink<'a, L> {
    inner: &'a mut L,
    watch: StopWatch,
}

impl<'a, L: Link> TimedLink<'a, L> {
    pub(super) fn new(inner: &'a mut L) -> Self {
        Self { inner, watch: StopWatch::default() }
    }

    pub(super) fn watch(&self) -> StopWatch {
        self.watch.clone()
    }
}

impl<L: Link> Link for TimedLink<'_, L> {
    async fn connect(&mut self, client: u16) -> Result<(), LinkError> {
        self.inner.connect(client).await
    }

    async fn send(&mut self, apdu: &[u8]) -> Result<(), LinkError> {
        let marks = self.watch.0.get();
        if marks.asked.is_none() {
            self.watch.0.set(Marks { asked: Some(Instant::now()), ..marks });
        }
        self.inner.send(apdu).await
    }

    async fn receive(&mut self, wait: Duration) -> Result<Vec<u8>, LinkError> {
        let apdu = self.inner.receive(wait).await?;
        let marks = self.watch.0.get();
        if marks.asked.is_some() && marks.answered.is_none() {
            self.watch.0.set(Marks { answered: Some(Instant::now()), ..marks });
        }
        Ok(apdu)
    }

    fn resends(&self) -> u32 {
        self.inner.resends()
    }

    fn terms(&self) -> Option<LinkTerms> {
        self.inner.terms()
    }

    async fn disconnect(&mut self) {
        self.inner.disconnect().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a second to send and three to answer.
    struct Slow;

    impl Link for Slow {
        async fn connect(&mut self, _client: u16) -> Result<(), LinkError> {
            Ok(())
        }
        async fn send(&mut self, _apdu: &[u8]) -> Result<(), LinkError> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        }
        async fn receive(&mut self, _wait: Duration) -> Result<Vec<u8>, LinkError> {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(Vec::new())
        }
        async fn disconnect(&mut self) {}
    }

    #[tokio::test(flavor = "current_thread", start_paused = true)]
    async fn later_blocks_do_not_move_the_middle_of_the_first_exchange() {
        let mut slow = Slow;
        let mut link = TimedLink::new(&mut slow);
        let watch = link.watch();
        watch.start();
        assert_eq!(watch.middle(), None);
        for _block in 0..5 {
            link.send(&[]).await.unwrap();
            link.receive(Duration::from_secs(9)).await.unwrap();
        }
        let middle = watch.middle().unwrap();
        assert_eq!((middle.ago, middle.half), (Duration::from_secs(18), Duration::from_secs(2)));
    }
}
