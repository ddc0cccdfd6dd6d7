//! `meterwright trace show JOB` and `trace decode HEX`

use std::collections::HashMap;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::stamps;
use crate::comms::trace::{Follower, Layer, decode, hex};
use crate::model::MeterId;
use crate::store::{StoreReader, TraceRecord};

/// Longest input of `trace decode`, in octets.
const LONGEST: usize = 1 << 20;

/// What went over the line.
#[derive(Subcommand, Debug)]
pub(super) enum Trace {
    /// The traffic of a job, decoded layer by layer, secrets masked
    Show(Show),
    /// Decode octets: frames, wrapper messages or a bare APDU
    Decode(Decode),
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// The job's number [default: the last one]
    job: Option<i64>,
    /// Only this meter
    #[arg(long, value_name = "NAME")]
    meter: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct Decode {
    /// Octets in hexadecimal; spaces, colons and `0x` are skipped
    #[arg(required = true, value_name = "HEX")]
    hex: Vec<String>,
}

fn layer_document(layer: &Layer) -> Value {
    json!({ "name": layer.name, "summary": layer.summary, "details": layer.details })
}

impl Trace {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Show(show) => show.run(app),
            Self::Decode(decode) => decode.run(app),
        }
    }
}

/// Reads hexadecimal as people paste it. The message does not repeat it: a secret may be in it.
fn octets(words: &[String]) -> Result<Vec<u8>, Failure> {
    let text = words.join(" ").replace("0x", " ").replace("0X", " ");
    let digits: String =
        text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, ':' | '-' | ',')).collect();
    let fail = || Failure::usage("the octets are not hexadecimal: write two hex digits for each");
    if digits.is_empty() || digits.len() % 2 == 1 || !digits.is_ascii() {
        return Err(fail());
    }
    if digits.len() / 2 > LONGEST {
        return Err(Failure::usage(format!("that is more than {LONGEST} octets")));
    }
    let pair = |at: usize| digits.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..digits.len()).step_by(2).map(pair).collect::<Option<Vec<u8>>>().ok_or_else(fail)
}

impl Decode {
    fn run(&self, app: &App) -> Outcome {
        let layers = decode(&octets(&self.hex)?);
        app.print(
            || json!({ "layers": layers.iter().map(layer_document).collect::<Vec<_>>() }),
            |out| layers.iter().flat_map(Layer::lines).try_for_each(|line| writeln!(out, "{line}")),
        )?;
        Ok(DONE)
    }
}

/// One record with its meter and what became whole with it.
struct Decoded {
    meter: MeterId,
    record: TraceRecord,
    layers: Vec<Layer>,
}

fn decoded(records: Vec<(MeterId, TraceRecord)>) -> Vec<Decoded> {
    let mut followers: HashMap<MeterId, Follower> = HashMap::new();
    let one = |(meter, record): (MeterId, TraceRecord)| {
        let layers = followers.entry(meter).or_default().follow(&record);
        Decoded { meter, record, layers }
    };
    records.into_iter().map(one).collect()
}

impl Show {
    /// The job's number.
    fn job(&self, store: &StoreReader) -> Result<i64, Failure> {
        match self.job {
            Some(job) => Ok(job),
            None => {
                let last = store.jobs(1)?.first().map(|job| job.id);
                last.ok_or_else(|| Failure::usage("no job has run on this store yet"))
            }
        }
    }

    fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let job = self.job(&store)?;
        let mut records = store.trace(job)?;
        if let Some(name) = &self.meter {
            let only = super::select::one(&store, name)?.id;
            records.retain(|(meter, _)| *meter == only);
        }
        if records.is_empty() {
            return Err(Failure::usage(format!(
                "no traffic of job {job} is kept{}",
                if self.meter.is_some() { " for this meter" } else { "" }
            )));
        }
        let mut names: HashMap<MeterId, String> = HashMap::new();
        for (meter, _) in &records {
            if !names.contains_key(meter) {
                let row = store.meter(*meter)?;
                let name = row.map_or_else(|| format!("meter {}", meter.0), |row| row.config.name);
                names.insert(*meter, name);
            }
        }
        let name = |meter: MeterId| names.get(&meter).map_or("", String::as_str);
        let all = decoded(records);
        let document = |one: &Decoded| {
            json!({
                "meter": name(one.meter),
                "at": one.record.at.to_string(),
                "sent": one.record.sent,
                "note": one.record.note,
                "hex": hex(&one.record.bytes, &one.record.masked),
                "layers": one.layers.iter().map(layer_document).collect::<Vec<_>>(),
            })
        };
        app.print(
            || json!({ "job": job, "records": all.iter().map(document).collect::<Vec<_>>() }),
            |out| {
                let zone = TimeZone::system();
                for one in &all {
                    let record = &one.record;
                    let at = stamps::to_the_millisecond(record.at, &zone);
                    if let Some(note) = &record.note {
                        writeln!(out, "{at} {} -- {note}", name(one.meter))?;
                        continue;
                    }
                    let arrow = if record.sent { "->" } else { "<-" };
                    writeln!(out, "{at} {} {arrow} {}", name(one.meter), hex(&record.bytes, &record.masked))?;
                    for line in one.layers.iter().flat_map(Layer::lines) {
                        writeln!(out, "    {line}")?;
                    }
                }
                Ok(())
            },
        )?;
        Ok(DONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_taken_as_people_paste_it() {
        let wanted = [0x7E, 0xA0, 0x0A];
        for text in ["7EA00A", "7e a0 0a", "0x7E 0xA0 0x0A", "7E:A0:0A", "7E,A0,0A"] {
            assert_eq!(octets(&[text.to_owned()]).unwrap(), wanted, "{text}");
        }
        assert_eq!(octets(&["7E".to_owned(), "A00A".to_owned()]).unwrap(), wanted);
        assert!(!octets(&["SECRET".to_owned()]).unwrap_err().to_string().contains("SECRET"));
    }
}
