//! `list rate [NAME] [--by line|group|template]`

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::named;
use crate::cli::app::{App, Outcome};
use crate::cli::failure::DONE;
use crate::cli::table::Table;
use crate::store::{RateBy, Share};

/// How many meters went well.
#[derive(Args, Debug)]
pub(in crate::cli) struct Rate {
    /// Of this list only
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// By what to sum
    #[arg(long, value_enum, default_value = "group")]
    by: By,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Line,
    Group,
    Template,
}

fn share_document(share: Share) -> Value {
    json!({ "ok": share.ok, "meters": share.of, "percent": percent(share) })
}

/// Per cent with two places, exact and not rounded up: 99.99 is not 100.
fn percent(share: Share) -> Option<String> {
    let hundredths = share.ok.saturating_mul(10_000).checked_div(share.of)?;
    Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
}

fn words(share: Share) -> String {
    match percent(share) {
        Some(percent) => format!("{percent} % ({} of {})", share.ok, share.of),
        None => String::new(),
    }
}

impl Rate {
    pub(super) fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let list = self.name.as_deref().map(|name| named(&store, name)).transpose()?.map(|row| row.id);
        let (by, title) = match self.by {
            By::Line => (RateBy::Line, "line"),
            By::Group => (RateBy::Group, "group"),
            By::Template => (RateBy::Template, "template"),
        };
        let rates = store.rates(list, by, Timestamp::now())?;
        app.print(
            || {
                let one = |rate: &crate::store::Rate| {
                    json!({
                        title: rate.key,
                        "last_run": share_document(rate.last),
                        "three_days": share_document(rate.three_days),
                        "thirty_days": share_document(rate.thirty_days),
                    })
                };
                json!({ "by": title, "rates": rates.iter().map(one).collect::<Vec<_>>() })
            },
            |out| {
                if rates.is_empty() {
                    return writeln!(out, "No list has run yet");
                }
                let mut table = Table::new(&[title, "last run", "3 days", "30 days"]);
                for rate in &rates {
                    let key = if rate.key.is_empty() { "(none)".to_owned() } else { rate.key.clone() };
                    table.row(vec![key, words(rate.last), words(rate.three_days), words(rate.thirty_days)]);
                }
                table.write(out)
            },
        )?;
        Ok(DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_never_rounded_up_to_all() {
        assert_eq!(percent(Share { ok: 49_999, of: 50_000 }).unwrap(), "99.99");
        assert_eq!(percent(Share { ok: 3, of: 3 }).unwrap(), "100.00");
        assert_eq!(percent(Share { ok: 0, of: 0 }), None);
    }
}
