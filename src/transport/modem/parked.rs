//! Calls that ended well and stand for a little longer.
//!
//! They belong to the thread whose runtime serves the ports: that one asks [`idle_due`] when to call [`hang_up_idle`].

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Call, LossWatch, disconnect};
use crate::transport::serial::Serial;

/// How long a call stands after its last session.
pub const LINGER: Duration = Duration::from_secs(10);
/// How long somebody else's hanging up is waited for.
const MOST_HANGING_UP: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Parked {
    /// A call that stands.
    Standing { call: Call, serial: Serial, until: Instant },
    /// It is being hung up.
    HangingUp,
}

thread_local! {
    /// By port.
    static PARKED: RefCell<HashMap<String, Parked>> = RefCell::new(HashMap::new());
}

fn out(port: &str) -> Option<Parked> {
    PARKED.with_borrow_mut(|parked| parked.remove(port))
}

/// Parks a call.
pub(super) fn put(call: &Call, serial: Serial) {
    let standing = Parked::Standing { call: call.clone(), serial, until: Instant::now() + LINGER };
    PARKED.with_borrow_mut(|parked| parked.insert(call.serial.port.clone(), standing));
}

/// The port of a call that is parked, where it stands still and is the one that is wanted; another one on the same
/// port is hung up.
pub(super) async fn take(call: &Call) -> Option<Serial> {
    let port = &call.serial.port;
    let limit = Instant::now() + MOST_HANGING_UP;
    let is_hanging_up = || PARKED.with_borrow(|parked| matches!(parked.get(port), Some(Parked::HangingUp)));
    while is_hanging_up() && Instant::now() < limit {
        sleep(LOOK_AGAIN).await;
    }
    let Some(Parked::Standing { call: standing, mut serial, .. }) = out(port) else { return None };
    if standing == *call && is_alive(&mut serial).await {
        return Some(serial);
    }
    disconnect(serial).await;
    None
}

/// Whether nothing came that says otherwise.
async fn is_alive(serial: &mut Serial) -> bool {
    let mut watch = LossWatch::default();
    loop {
        match timeout(Duration::ZERO, serial.read()).await {
            Err(_) => return true,
            Ok(Ok(octets)) if !watch.is_lost(&octets) => {}
            Ok(_) => return false,
        }
    }
}

/// When the next call is to be hung up; nothing where none is parked.
#[must_use]
pub fn idle_due() -> Option<Instant> {
    PARKED.with_borrow(|parked| {
        let until = parked.values().filter_map(|one| match one {
            Parked::Standing { until, .. } => Some(*until),
            Parked::HangingUp => None,
        });
        until.min()
    })
}

async fn hang_up(which: impl Fn(Instant) -> bool) {
    let ports: Vec<String> = PARKED.with_borrow(|parked| {
        let standing = parked.iter().filter(|(_, one)| match one {
            Parked::Standing { until, .. } => which(*until),
            Parked::HangingUp => false,
        });
        standing.map(|(port, _)| port.clone()).collect()
    });
    for port in ports {
        let before = PARKED.with_borrow_mut(|parked| parked.insert(port.clone(), Parked::HangingUp));
        if let Some(Parked::Standing { serial, .. }) = before {
            disconnect(serial).await;
        }
        out(&port);
    }
}

/// Hangs up the calls of this thread that nobody went on with.
pub async fn hang_up_idle() {
    let now = Instant::now();
    hang_up(|until| until <= now).await;
}

/// Hangs up every call of this thread that is parked.
pub async fn hang_up_all() {
    hang_up(|_| true).await;
}
