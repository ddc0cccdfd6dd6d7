//! `show gaps NAME`

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Which;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::cli::{select, stamps};
use crate::export::zone_of;
use crate::model::Gap;

/// One gap in JSON.
pub(super) fn document(gap: &Gap, zone: &TimeZone) -> Value {
    json!({
        "profile": gap.profile.to_string(),
        "from": gap.after.to_string(),
        "to": gap.before.to_string(),
        "local_from": stamps::local(gap.after, zone),
        "local_to": stamps::local(gap.before, zone),
        "intervals": gap.intervals,
        "reason": gap.reason.word(),
        "words": gap.reason.to_string(),
        "final": gap.reason.is_final(),
    })
}

pub(super) fn run(app: &App, which: &Which) -> Outcome {
    let store = app.reader()?;
    let row = select::one(&store, &which.name)?;
    let zone = zone_of(&row.config);
    let (from, to) = which.period.span(&zone)?;
    let mut gaps = store.gaps(row.id, Timestamp::now())?;
    gaps.retain(|gap| gap.before > from && gap.after < to);
    let has_profiles = store.profiles(row.id)?.iter().any(|profile| profile.span.is_some());
    let unread = store.unread(row.id)?;
    let missing: u64 = gaps.iter().map(|gap| gap.intervals).sum();
    app.print(
        || {
            json!({
                "meter": row.config.name,
                "intervals": missing,
                "unread": unread,
                "gaps": gaps.iter().map(|gap| document(gap, &zone)).collect::<Vec<_>>(),
            })
        },
        |out| {
            if !has_profiles {
                let why = row.last_result.as_deref().unwrap_or("it was never read");
                return writeln!(out, "No profile of {} is stored: {why}", row.config.name);
            }
            if gaps.is_empty() {
                return writeln!(out, "Nothing is missing");
            }
            let mut table =
                Table::new(&["profile", "after", "before", "missing", "final", "reason"]).numbers(&[3]);
            for gap in &gaps {
                table.row(vec![
                    gap.profile.short(),
                    stamps::for_eyes(gap.after, &zone),
                    stamps::for_eyes(gap.before, &zone),
                    gap.intervals.to_string(),
                    if gap.reason.is_final() { "yes" } else { "no" }.to_owned(),
                    gap.reason.to_string(),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}
