//! `meterwright point list|show|set`: metering points.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure};
use super::on_side::OnSide;
use super::ratio::period_document;
use super::stamps;
use super::table::Table;
use crate::comms::Edit;
use crate::export::{PointTotal, point_totals};
use crate::model::{PointDetails, Side};
use crate::store::{Placement, PointRow, StoreReader};

/// Metering points.
#[derive(Subcommand, Debug)]
pub(super) enum Point {
    /// List the metering points
    List,
    /// Show a point: its details, its meters one after the other, its ratios, what was used there
    Show(Show),
    /// Change a point's details; an empty text takes one away
    Set(Set),
}

/// Shows a point.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The point, or a meter that hangs there
    name: String,
    #[command(flatten)]
    on: OnSide,
}

/// Changes a point.
#[derive(Args, Debug)]
pub(super) struct Set {
    /// The point, or a meter that hangs there
    name: String,
    /// Another name
    #[arg(long, value_name = "NEW")]
    rename: Option<String>,
    /// Where it is
    #[arg(long, value_name = "TEXT")]
    location: Option<String>,
    /// The customer's reference
    #[arg(long, value_name = "TEXT")]
    customer: Option<String>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
    /// A link to a photo, as often as needed: these take the place of those before
    #[arg(long, value_name = "LINK")]
    photo: Vec<String>,
    /// A field of your own, as often as needed: KEY=VALUE, or KEY= to take it away
    #[arg(long, value_name = "KEY=VALUE")]
    field: Vec<String>,
}

/// The point of a name, or of a meter with that name.
fn find(store: &StoreReader, name: &str) -> Result<PointRow, Failure> {
    if let Some(point) = store.point_named(name)? {
        return Ok(point);
    }
    let of_meter = store.meter_named(name)?.map(|row| store.point_of(row.id)).transpose()?.flatten();
    of_meter.ok_or_else(|| {
        Failure::usage(format!(
            "there is no metering point `{name}`: `meterwright point list` shows those that are"
        ))
    })
}

fn placement_document(placed: &Placement) -> Value {
    let readings = |list: &[crate::model::ExchangeReading]| {
        let one = |reading: &crate::model::ExchangeReading| json!({ "obis": reading.obis.to_string(), "value": reading.value.to_string(), "unit": reading.unit.symbol() });
        list.iter().map(one).collect::<Vec<_>>()
    };
    json!({
        "meter": placed.name,
        "serial": placed.serial,
        "removed": placed.removed,
        "from": placed.from.map(|from| from.to_string()),
        "until": placed.until.map(|until| until.to_string()),
        "first": readings(&placed.first),
        "last": readings(&placed.last),
    })
}

fn total_document(total: &PointTotal, side: Side) -> Value {
    let parts = total.parts.iter().map(|part| {
        json!({
            "meter": part.meter,
            "serial": part.serial,
            "from": part.span.0.to_string(),
            "to": part.span.1.to_string(),
            "begin": part.begin.to_string(),
            "end": part.end.to_string(),
            "used": part.used.map(|used| used.to_string()),
            "not_converted": part.missing,
        })
    });
    json!({
        "obis": total.obis.to_string(),
        "name": total.name,
        "unit": total.unit.symbol(),
        "side": side.name(),
        "total": total.total.map(|total| total.to_string()),
        "parts": parts.collect::<Vec<_>>(),
    })
}

fn document(point: &PointRow) -> Value {
    let PointDetails { location, customer, notes, photos, fields, .. } = &point.details;
    json!({
        "point": point.name,
        "location": location,
        "customer": customer,
        "notes": notes,
        "photos": photos,
        "fields": fields,
        "meters": point.meters.iter().map(placement_document).collect::<Vec<_>>(),
        "ratios": point.ratios.periods().iter().map(period_document).collect::<Vec<_>>(),
    })
}

fn write(
    point: &PointRow,
    totals: &[PointTotal],
    side: Side,
    out: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    let zone = TimeZone::system();
    let PointDetails { location, customer, notes, photos, fields, .. } = &point.details;
    writeln!(out, "{}", point.name)?;
    for (key, value) in [("location", location), ("customer", customer), ("notes", notes)] {
        if !value.is_empty() {
            writeln!(out, "{key:<10} {value}")?;
        }
    }
    photos.iter().try_for_each(|photo| writeln!(out, "photo      {photo}"))?;
    fields.iter().try_for_each(|(key, value)| writeln!(out, "{key:<10} {value}"))?;
    let mut table = Table::new(&["meter", "serial", "from", "until"]);
    for placed in &point.meters {
        let when = |at: Option<jiff::Timestamp>, none: &str| {
            at.map_or_else(|| none.to_owned(), |at| stamps::for_eyes(at, &zone))
        };
        table.row(vec![
            placed.name.clone(),
            placed.serial.clone().unwrap_or_default(),
            when(placed.from, "the beginning"),
            when(placed.until, "now"),
        ]);
    }
    table.write(out)?;
    if totals.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let header = ["OBIS", "meter", "from", "to", "used", "unit", "side", ""];
    let mut table = Table::new(&header).numbers(&[4]);
    for total in totals {
        for part in &total.parts {
            table.row(vec![
                total.obis.to_string(),
                part.meter.clone(),
                stamps::for_eyes(part.span.0, &zone),
                stamps::for_eyes(part.span.1, &zone),
                part.used.map_or_else(|| "–".to_owned(), |used| used.to_string()),
                total.unit.symbol(),
                side.name().to_owned(),
                part.missing.clone().unwrap_or_default(),
            ]);
        }
        if total.parts.len() > 1 {
            let sum = total.total.map_or_else(|| "–".to_owned(), |total| total.to_string());
            let mut row = vec![String::new(); header.len()];
            let cells = [total.obis.to_string(), "all".to_owned()].into_iter().zip([0, 1]);
            let more = [sum, total.unit.symbol(), side.name().to_owned()].into_iter().zip([4, 5, 6]);
            for (text, at) in cells.chain(more) {
                if let Some(cell) = row.get_mut(at) {
                    *cell = text;
                }
            }
            table.row(row);
        }
    }
    table.write(out)
}

impl Point {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::List => list(app),
            Self::Show(show) => show.run(app),
            Self::Set(set) => set.run(app),
        }
    }
}

fn list(app: &App) -> Outcome {
    let points = app.reader()?.points()?;
    app.print(
        || json!({ "points": points.iter().map(document).collect::<Vec<_>>() }),
        |out| {
            let mut table = Table::new(&["point", "meters", "location", "customer", "ratio"]);
            for point in &points {
                let here = point.meters.iter().filter(|placed| placed.until.is_none());
                let last = point.ratios.at(jiff::Timestamp::now()).map(|period| &period.transformers);
                table.row(vec![
                    point.name.clone(),
                    here.map(|placed| placed.name.as_str()).collect::<Vec<_>>().join(", "),
                    point.details.location.clone(),
                    point.details.customer.clone(),
                    last.map(|one| format!("CT {} VT {}", one.ct, one.vt)).unwrap_or_default(),
                ]);
            }
            table.write(out)
        },
    )?;
    Ok(DONE)
}

impl Show {
    fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let point = find(&store, &self.name)?;
        let has_ratio = !point.ratios.periods().is_empty();
        let side = self.on.side().unwrap_or(if has_ratio { Side::Primary } else { Side::Secondary });
        let totals = point_totals(&store, &point, side)?;
        app.print(
            || {
                let mut document = document(&point);
                document["totals"] = totals.iter().map(|total| total_document(total, side)).collect();
                document
            },
            |out| write(&point, &totals, side, out),
        )?;
        Ok(DONE)
    }
}

impl Set {
    fn run(&self, app: &App) -> Outcome {
        let point = find(&app.reader()?, &self.name)?;
        let mut details = point.details.clone();
        for (given, slot) in [
            (&self.location, &mut details.location),
            (&self.customer, &mut details.customer),
            (&self.notes, &mut details.notes),
        ] {
            if let Some(given) = given {
                given.trim().clone_into(slot);
            }
        }
        if !self.photo.is_empty() {
            details.photos = self
                .photo
                .iter()
                .map(|link| link.trim().to_owned())
                .filter(|link| !link.is_empty())
                .collect();
        }
        let mut fields: BTreeMap<String, String> = details.fields;
        for field in &self.field {
            let pair = field.split_once('=').map(|(key, value)| (key.trim(), value.trim()));
            match pair.filter(|(key, _)| !key.is_empty()) {
                None => return Err(Failure::usage(format!("--field {field}: write KEY=VALUE"))),
                Some((key, "")) => drop(fields.remove(key)),
                Some((key, value)) => drop(fields.insert(key.to_owned(), value.to_owned())),
            }
        }
        details.fields = fields;
        let name = self.rename.as_deref().unwrap_or(&point.name).trim().to_owned();
        app.edit(Edit::UpdatePoint { id: point.id, name: name.clone(), details: Box::new(details) })?;
        let point = find(&app.reader()?, &name)?;
        app.print(|| document(&point), |out| writeln!(out, "Changed {name}"))?;
        Ok(DONE)
    }
}
