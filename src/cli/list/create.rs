//! `list create NAME [--what …] [--from …] [METER… | --group G | --all]`

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use super::members::Which;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::{DONE, Failure};
use crate::cli::period::When;
use crate::cli::read::{usual, what};
use crate::cli::scheme::sound;
use crate::comms::Edit;
use crate::model::{Action, Activate, MeterList, Since, What};

/// Makes a meter list.
#[derive(Args, Debug)]
pub(in crate::cli) struct Create {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: Which,
    /// What to read, joined by commas, as in `read` [default: all but instrumentation and objects]
    #[arg(long, value_delimiter = ',', value_parser = what, conflicts_with_all = ["scheme", "adjust_clock"])]
    what: Vec<What>,
    /// Read profiles and logs from this time on in every run, or from so many days back (7d) [default: what is missing]
    #[arg(long, value_name = "T|DAYS", value_parser = since, conflicts_with_all = ["scheme", "adjust_clock"])]
    from: Option<From>,
    /// Write this scheme instead
    #[arg(long, value_name = "FILE", conflicts_with = "adjust_clock")]
    scheme: Option<PathBuf>,
    /// When the scheme takes over: now, never, or a time
    #[arg(long, value_name = "now|T|never", requires = "scheme", default_value = "now")]
    activate: String,
    /// Put clocks right instead
    #[arg(long)]
    adjust_clock: bool,
}

#[derive(Clone, Copy, Debug)]
enum From {
    When(When),
    Days(u16),
}

fn since(text: &str) -> Result<From, String> {
    if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse::<u16>().ok()) {
        return Ok(From::Days(days));
    }
    text.parse().map(From::When).map_err(|error| format!("write a number of days such as 7d; or {error}"))
}

impl Create {
    fn action(&self, app: &App) -> Result<Action, Failure> {
        if self.adjust_clock {
            return Ok(Action::AdjustClock);
        }
        if let Some(file) = &self.scheme {
            let document = sound(app, file)?;
            let activate = match self.activate.as_str() {
                "now" => Activate::Now,
                "never" => Activate::Never,
                time => {
                    let when: When = time.parse().map_err(|error| {
                        Failure::usage(format!("--activate: write now, never or a time: {error}"))
                    })?;
                    Activate::At(when.at(&TimeZone::system())?)
                }
            };
            let identity = document.identity.to_string();
            return Ok(Action::WriteScheme { scheme: crate::scheme::write(&document), identity, activate });
        }
        let what = if self.what.is_empty() { usual() } else { self.what.iter().copied().collect() };
        let from = match self.from {
            None => None,
            Some(From::Days(days)) => Some(Since::Days(days)),
            Some(From::When(when)) => Some(Since::Instant(when.at(&TimeZone::system())?)),
        };
        Ok(Action::Read { what, from })
    }

    pub(super) fn run(&self, app: &App) -> Outcome {
        let mut list = MeterList::new(&self.name, self.action(app)?);
        if self.which.names_any() {
            for member in self.which.members(&app.reader()?)? {
                list.add(member);
            }
        }
        let does = list.action.in_words();
        app.edit(Edit::PutList { id: None, list: Box::new(list) })?;
        app.print(
            || json!({ "created": self.name, "does": does }),
            |out| writeln!(out, "Created {}: it {does}", self.name),
        )?;
        Ok(DONE)
    }
}
