//! People in the windows: signing in, the lock, and the cards of the settings about people, the vault and the audit
//! chain. In a store with one user nothing of it shows but *Set up people* in the settings.

mod audit;
mod card;
mod form;
mod sign_in;

use std::time::Duration;

use egui::Ui;

use crate::model::Standing;

use super::context::AppCtx;
use super::data::{Load, Query};

pub(super) use audit::AuditCard;
pub(super) use card::PeopleCard;
pub(super) use form::sentence;
pub(super) use sign_in::SignIn;

/// The store's setting for how long nobody has to touch the windows until they lock; 0 is never.
const LOCK_KEY: &str = "people.lock-minutes";
/// Where the store says nothing.
const LOCK_MINUTES: u32 = 15;

/// Minutes until the windows lock by themselves; nothing where they never do.
fn lock_minutes(cx: &mut AppCtx) -> u32 {
    match cx.data.setting(cx.backend.as_ref(), &Query::Setting(LOCK_KEY.to_owned())) {
        Load::Ready(value) => {
            value.as_ref().as_ref().and_then(|text| text.trim().parse().ok()).unwrap_or(LOCK_MINUTES)
        }
        Load::Loading | Load::Failed(_) => LOCK_MINUTES,
    }
}

/// Whether nobody may see the pages now: nobody is signed in, or the windows are locked.
pub(super) fn is_shut(standing: &Standing) -> bool {
    match standing {
        Standing::Alone => false,
        Standing::Nobody => true,
        Standing::SignedIn(person) => person.is_locked,
    }
}

/// Locks the windows once nobody has touched them for long.
#[derive(Debug, Default)]
pub(super) struct Idle {
    /// When they were touched last, in the window's seconds.
    touched: Option<f64>,
}

impl Idle {
    /// Looks once a frame.
    pub(super) fn look(&mut self, ui: &Ui, cx: &mut AppCtx) {
        let is_here = matches!(&cx.standing, Standing::SignedIn(person) if !person.is_locked);
        if !is_here {
            self.touched = None;
            return;
        }
        let minutes = lock_minutes(cx);
        let (time, is_touched) =
            ui.input(|input| (input.time, !input.events.is_empty() || input.pointer.is_moving()));
        let touched = self.touched.filter(|_| !is_touched).unwrap_or(time);
        self.touched = Some(touched);
        if minutes == 0 {
            return;
        }
        let left = f64::from(minutes) * 60.0 - (time - touched);
        if left <= 0.0 {
            cx.backend.leave(true);
            self.touched = None;
        } else {
            ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
        }
    }
}
