//! Meters that push by themselves.

use std::rc::Rc;

use super::super::fleet::Station;
use super::super::world::TrueTime;

/// Begins the pushes of a station, where its meters push.
pub(super) fn begin(_station: &Rc<Station>, _time: &TrueTime) {}
