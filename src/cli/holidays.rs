//! `meterwright scheme holidays FILE --into SCHEME --day-type D`
//!
//! A holiday that a special day of the scheme rules already is left out and told, as is every line that was not
//! understood. The scheme file is written whole or not at all.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::scheme::{octets, unsound};
use crate::export::write_whole;
use crate::scheme::{self, LARGEST_HOLIDAYS, SpecialDay, read_holidays};

/// Largest scheme file, in octets.
const LARGEST_SCHEME: u64 = 16 << 20;

#[derive(Args, Debug)]
pub(super) struct Holidays {
    /// The list: CSV of dates and names, or iCalendar (.ics)
    file: PathBuf,
    /// The scheme file that they are added to
    #[arg(long, value_name = "SCHEME")]
    into: PathBuf,
    /// The day type that they follow
    #[arg(long, value_name = "D")]
    day_type: String,
    /// Add them to the latent tariff
    #[arg(long)]
    latent: bool,
}

impl Holidays {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let found = read_holidays(&octets(&self.file, LARGEST_HOLIDAYS)?);
        let mut document = scheme::read(&octets(&self.into, LARGEST_SCHEME)?)
            .map_err(|problems| unsound(&self.into, &problems))?;
        let tariff = if self.latent {
            let latent = document.latent.as_mut().map(|latent| &mut latent.tariff);
            latent.ok_or_else(|| Failure::usage(format!("{} has no latent tariff", self.into.display())))?
        } else {
            &mut document.tariff
        };
        if !tariff.day_types.iter().any(|day| day.id == self.day_type) {
            let known: Vec<&str> = tariff.day_types.iter().map(|day| day.id.as_str()).collect();
            return Err(Failure::usage(format!(
                "--day-type {}: there is {}",
                self.day_type,
                known.join(", ")
            )));
        }
        let (added, ruled): (Vec<_>, Vec<_>) =
            found.against(&tariff.special_days).partition(|(_, clash)| clash.is_none());
        if !added.is_empty() {
            let new =
                added.iter().map(|(day, _)| SpecialDay { date: day.date, day_type: self.day_type.clone() });
            tariff.special_days.extend(new);
            let text = scheme::write(&document);
            write_whole(&self.into, |out| out.write_all(text.as_bytes()))
                .map_err(|error| Failure::usage(format!("{}: {error}", self.into.display())))?;
        }
        app.print(
            || {
                json!({
                    "file": self.into.display().to_string(),
                    "added": added.iter().map(|(day, _)| {
                        json!({ "date": day.date.to_string(), "name": day.name })
                    }).collect::<Vec<_>>(),
                    "ruled_already": ruled.iter().map(|(day, by)| {
                        json!({ "date": day.date.to_string(), "name": day.name, "by": by.map(|by| by.to_string()) })
                    }).collect::<Vec<_>>(),
                    "skipped": found.skipped.iter().map(|skipped| {
                        json!({ "line": skipped.line, "message": skipped.message })
                    }).collect::<Vec<_>>(),
                })
            },
            |out| added.iter().try_for_each(|(day, _)| writeln!(out, "{}  {}", day.date, day.name)),
        )?;
        for (day, by) in &ruled {
            let by = by.map(|by| by.to_string()).unwrap_or_default();
            app.tell(&format!("note: {} ({}) is ruled by {by} already", day.date, day.name));
        }
        for skipped in &found.skipped {
            app.tell(&format!("note: {}: {skipped}: left out", self.file.display()));
        }
        Ok(DONE)
    }
}
