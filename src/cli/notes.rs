//! What several commands say on standard error beside what they print.

use crate::model::counted;

use super::app::App;

/// That intervals are missing, unless they have rows; `does` is what `--gaps` does with them.
pub(super) fn missing(app: &App, missing: usize, have_rows: bool, does: &str) {
    if missing > 0 && !have_rows {
        let words = counted(missing, "interval");
        app.tell(&format!("note: {words} missing have no row: --gaps {does} them, `show gaps` names them"));
    }
}
