//! `meterwright ratio get|set|remove`: transformer ratios of metering points, with their validity.

mod preview;
mod write;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::app::{App, Outcome};
use super::failure::{DONE, Failure, SOME_FAILED};
use super::jobs::fault_document;
use super::period::When;
use super::table::Table;
use super::{select, stamps};
use crate::comms::Edit;
use crate::drivers::RatioOrder;
use crate::export::{preview_without, zone_of};
use crate::model::{
    AccuracyClasses, MeterRatios, PlateRatios, PointDetails, Ratio, RatioPeriod, Side, Transformers, Unit,
    differences_of_ratios,
};
use crate::store::{MeterRow, PointRow, StoreReader};

/// Transformer ratios.
#[derive(Subcommand, Debug)]
pub(super) enum RatioCommand {
    /// Show a meter's ratios: the store's, the plate's, the meter's own
    Get(Get),
    /// Let a ratio hold from an instant on, until the next one begins
    Set(Box<Set>),
    /// Take away the ratio that begins at an instant: the one before it holds on
    Remove(Remove),
}

/// Shows ratios.
#[derive(Args, Debug)]
pub(super) struct Get {
    /// The meter
    name: String,
    /// Read the meter's own first
    #[arg(long)]
    read: bool,
}

/// Sets a ratio.
#[derive(Args, Debug)]
pub(super) struct Set {
    /// The meter
    name: String,
    /// Current transformers, primary/secondary: 400/5 [default: as they stand]
    #[arg(long, value_name = "RATIO")]
    ct: Option<Ratio>,
    /// Voltage transformers: 11000/110, 110000/√3:100/√3 (or sqrt3) [default: as they stand]
    #[arg(long, value_name = "RATIO")]
    vt: Option<Ratio>,
    /// From when on: RFC 3339, or a local date; the end of an interval, or that interval cannot be converted
    #[arg(long, value_name = "T")]
    from: Option<When>,
    /// Whether the meter multiplies by the ratios itself, so that its registers are primary [default: as it stands]
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    applied_by_meter: Option<bool>,
    /// Accuracy class of the current transformers, such as 0.2S
    #[arg(long, value_name = "CLASS")]
    ct_class: Option<String>,
    /// Accuracy class of the voltage transformers
    #[arg(long, value_name = "CLASS")]
    vt_class: Option<String>,
    /// Accuracy class of the meter
    #[arg(long, value_name = "CLASS")]
    meter_class: Option<String>,
    /// What the plate of the current transformers says, as somebody read it there
    #[arg(long, value_name = "RATIO")]
    plate_ct: Option<Ratio>,
    /// What the plate of the voltage transformers says
    #[arg(long, value_name = "RATIO")]
    plate_vt: Option<Ratio>,
    /// Program the meter too, first, and read it back; where that fails the store is left as it is
    #[arg(long)]
    write: bool,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with = "write")]
    preview: bool,
}

/// Removes a ratio.
#[derive(Args, Debug)]
pub(super) struct Remove {
    /// The meter
    name: String,
    /// When it begins
    #[arg(long, value_name = "T")]
    from: When,
    /// Show what that does to last month's energy, and change nothing
    #[arg(long)]
    preview: bool,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("write yes or no".to_owned()),
    }
}

/// A meter and the point where it hangs.
fn point_of(store: &StoreReader, name: &str) -> Result<(MeterRow, PointRow), Failure> {
    let row = select::one(store, name)?;
    let point = store.point_of(row.id)?;
    let point = point.ok_or_else(|| Failure::usage(format!("{name} hangs at no metering point")))?;
    Ok((row, point))
}

fn plate_document(said: Option<&PlateRatios>) -> Value {
    match said {
        None => Value::Null,
        Some(said) => json!({
            "ct": said.ct.map(|ratio| ratio.to_string()),
            "vt": said.vt.map(|ratio| ratio.to_string()),
        }),
    }
}

fn meter_document(ratios: Option<&MeterRatios>) -> Value {
    let mut document = plate_document(ratios.map(|ratios| &ratios.said));
    if let Some(ratios) = ratios {
        document["read_at"] = json!(ratios.read_at.to_string());
    }
    document
}

/// One period in JSON.
pub(super) fn period_document(period: &RatioPeriod) -> Value {
    let Transformers { ct, vt, registers_in } = &period.transformers;
    let factor = period.transformers.factor(Unit::WH).map(|factor| factor.to_string());
    let AccuracyClasses { ct: ct_class, vt: vt_class, meter } = &period.classes;
    json!({
        "from": period.from.to_string(),
        "until": period.until.map(|until| until.to_string()),
        "ct": ct.to_string(),
        "vt": vt.to_string(),
        "energy_factor": factor,
        "applied_by_meter": *registers_in == Side::Primary,
        "classes": { "ct": ct_class, "vt": vt_class, "meter": meter },
    })
}

/// All that is known of a meter's ratios.
fn document(row: &MeterRow, point: &PointRow, own: Option<&MeterRatios>, now: Timestamp) -> Value {
    let current = point.ratios.at(now);
    json!({
        "meter": row.config.name,
        "serial": row.config.serial,
        "point": point.name,
        "side": row.config.registers_in.name(),
        "ratios": point.ratios.periods().iter().map(period_document).collect::<Vec<_>>(),
        "now": current.map(period_document),
        "meter_value": meter_document(own),
        "nameplate": plate_document(point.details.plate.as_ref()),
        "warnings": warnings(point, own, now),
    })
}

/// What looks wrong with what holds now.
fn warnings(point: &PointRow, own: Option<&MeterRatios>, now: Timestamp) -> Vec<String> {
    let current = point.ratios.at(now).map(|period| &period.transformers);
    let mut all = current.map(Transformers::oddities).unwrap_or_default();
    let plate = point.details.plate.as_ref();
    all.extend(differences_of_ratios(current, plate, own.map(|own| &own.said)));
    all
}

fn write_table(point: &PointRow, zone: &TimeZone, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    if point.ratios.periods().is_empty() {
        return writeln!(
            out,
            "No ratio is stored: `meterwright ratio set … --ct 400/5 --vt 1/1 --from T` stores one"
        );
    }
    let mut table = Table::new(&["from", "until", "CT", "VT", "energy ×", "applied by", "classes"]);
    for period in point.ratios.periods() {
        let Transformers { ct, vt, registers_in } = &period.transformers;
        let classes = [&period.classes.ct, &period.classes.vt, &period.classes.meter];
        let classes: Vec<&str> = classes.iter().map(|class| class.as_deref().unwrap_or("–")).collect();
        table.row(vec![
            stamps::for_eyes(period.from, zone),
            period.until.map(|until| stamps::for_eyes(until, zone)).unwrap_or_default(),
            ct.to_string(),
            vt.to_string(),
            period.transformers.factor(Unit::WH).map(|factor| factor.to_string()).unwrap_or_default(),
            if *registers_in == Side::Primary { "the meter" } else { "this program" }.to_owned(),
            classes.join(" / "),
        ]);
    }
    table.write(out)
}

fn said_in_words(said: Option<&PlateRatios>) -> String {
    let one = |ratio: Option<Ratio>| ratio.map_or_else(|| "–".to_owned(), |ratio| ratio.to_string());
    match said {
        None => "not known".to_owned(),
        Some(said) => format!("CT {}  VT {}", one(said.ct), one(said.vt)),
    }
}

impl RatioCommand {
    pub(super) fn run(&self, app: &App) -> Outcome {
        app.no_secrets()?;
        match self {
            Self::Get(get) => get.run(app),
            Self::Set(set) => set.run(app),
            Self::Remove(remove) => remove.run(app),
        }
    }
}

impl Get {
    fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let (row, point) = point_of(&store, &self.name)?;
        let results = if self.read { Some(write::one(app, RatioOrder::Read, row.clone())?) } else { None };
        let own = store.meter_ratios(row.id)?;
        let now = Timestamp::now();
        let zone = zone_of(&row.config);
        let fault = results.as_ref().and_then(|results| results.all.first()?.result.fault.clone());
        app.print(
            || {
                let mut document = document(&row, &point, own.as_ref(), now);
                if results.is_some() {
                    document["error"] = fault_document(fault.as_ref());
                }
                document
            },
            |out| {
                writeln!(
                    out,
                    "{} at {}: its registers are {}",
                    self.name,
                    point.name,
                    row.config.registers_in.name()
                )?;
                write_table(&point, &zone, out)?;
                let read_at =
                    own.as_ref().map(|own| format!("  (read {})", stamps::for_eyes(own.read_at, &zone)));
                let said = said_in_words(own.as_ref().map(|own| &own.said));
                writeln!(out, "meter itself  {said}{}", read_at.unwrap_or_default())?;
                writeln!(out, "nameplate     {}", said_in_words(point.details.plate.as_ref()))?;
                for warning in warnings(&point, own.as_ref(), now) {
                    writeln!(out, "warning: {warning}")?;
                }
                match &fault {
                    Some(fault) => writeln!(out, "{} failed: {fault}", self.name),
                    None => Ok(()),
                }
            },
        )?;
        Ok(results.map_or(DONE, |results| results.exit_code()))
    }
}

impl Set {
    /// The period that the options ask for, what is left out being as it stands.
    fn period(&self, point: &PointRow, row: &MeterRow, from: Timestamp) -> RatioPeriod {
        let stands = point.ratios.at(from);
        let base = stands.map_or_else(
            || Transformers { registers_in: row.config.registers_in, ..Transformers::NONE },
            |period| period.transformers.clone(),
        );
        let registers_in = match self.applied_by_meter {
            Some(true) => Side::Primary,
            Some(false) => Side::Secondary,
            None => base.registers_in,
        };
        let classes = stands.map(|period| period.classes.clone()).unwrap_or_default();
        let class = |given: &Option<String>, stood: Option<String>| match given.as_deref().map(str::trim) {
            Some("") => None,
            Some(text) => Some(text.to_owned()),
            None => stood,
        };
        RatioPeriod {
            from,
            until: None,
            transformers: Transformers {
                ct: self.ct.unwrap_or(base.ct),
                vt: self.vt.unwrap_or(base.vt),
                registers_in,
            },
            classes: AccuracyClasses {
                ct: class(&self.ct_class, classes.ct),
                vt: class(&self.vt_class, classes.vt),
                meter: class(&self.meter_class, classes.meter),
            },
        }
    }

    fn changes_ratio(&self) -> bool {
        let classes = [&self.ct_class, &self.vt_class, &self.meter_class];
        self.ct.is_some()
            || self.vt.is_some()
            || self.applied_by_meter.is_some()
            || classes.iter().any(|class| class.is_some())
    }

    /// The point's details with what the plates say, where that was given.
    fn details(&self, point: &PointRow) -> Option<PointDetails> {
        if self.plate_ct.is_none() && self.plate_vt.is_none() {
            return None;
        }
        let stood = point.details.plate.unwrap_or_default();
        let plate = PlateRatios { ct: self.plate_ct.or(stood.ct), vt: self.plate_vt.or(stood.vt) };
        Some(PointDetails { plate: Some(plate), ..point.details.clone() })
    }

    fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let (row, point) = point_of(&store, &self.name)?;
        let details = self.details(&point);
        if !self.changes_ratio() {
            let Some(details) = details.filter(|_| !self.write) else {
                return Err(Failure::usage(
                    "nothing is to be set: give --ct, --vt, --applied-by-meter or a class",
                ));
            };
            let (id, name) = (point.id, point.name.clone());
            app.edit(Edit::UpdatePoint { id, name, details: Box::new(details) })?;
            let point = store.point_of(row.id)?.unwrap_or(point);
            let own = store.meter_ratios(row.id)?;
            let document = document(&row, &point, own.as_ref(), Timestamp::now());
            app.print(|| document, |out| writeln!(out, "The nameplate of {} is noted", self.name))?;
            return Ok(DONE);
        }
        let zone = zone_of(&row.config);
        let from = self.from.ok_or_else(|| {
            Failure::usage("--from is missing: say from when on the ratio holds, such as --from 2026-11-01")
        })?;
        let from = from.at(&zone)?;
        let period = self.period(&point, &row, from);
        let now = Timestamp::now();
        let mut warnings = period.transformers.oddities();
        let plate = details.as_ref().map_or(point.details.plate, |details| details.plate);
        warnings.extend(differences_of_ratios(Some(&period.transformers), plate.as_ref(), None));
        warnings.extend(preview::off_grid(&store, row.id, from)?);
        let shown =
            crate::export::preview(&store, row.id, (now, &zone), &store.ratio_history(row.id)?, &period)?;
        for warning in &warnings {
            app.tell(&format!("warning: {warning}"));
        }
        if !app.global.json {
            app.print(|| Value::Null, |out| preview::write(shown.as_ref(), from, &zone, out))?;
        }
        let mut written = Value::Null;
        if self.write && !self.preview {
            let order = RatioOrder::Write { ct: period.transformers.ct, vt: period.transformers.vt };
            let results = write::one(app, order, row.clone())?;
            let fault = results.all.first().and_then(|done| done.result.fault.clone());
            written = json!({ "ok": fault.is_none(), "error": fault_document(fault.as_ref()), "remarks": results.remarks });
            if let Some(fault) = fault {
                let own = store.meter_ratios(row.id)?;
                app.print(
                    || {
                        let mut all = document(&row, &point, own.as_ref(), now);
                        all["changed"] = json!(false);
                        all["written"] = written.clone();
                        all["preview"] = preview::document(shown.as_ref());
                        all
                    },
                    |out| writeln!(out, "{} failed: {fault}\nThe store is as it was", self.name),
                )?;
                return Ok(results.exit_code().max(SOME_FAILED));
            }
        }
        if !self.preview {
            if let Some(details) = details {
                let (id, name) = (point.id, point.name.clone());
                app.edit(Edit::UpdatePoint { id, name, details: Box::new(details) })?;
            }
            app.edit(Edit::SetRatio { point: point.id, period: Box::new(period.clone()) })?;
        }
        let (row, point) = point_of(&store, &self.name)?;
        let own = store.meter_ratios(row.id)?;
        app.print(
            || {
                let mut all = document(&row, &point, own.as_ref(), now);
                all["changed"] = json!(!self.preview);
                all["set"] = period_document(&period);
                all["written"] = written.clone();
                all["preview"] = preview::document(shown.as_ref());
                if let Some(list) = all["warnings"].as_array_mut() {
                    let new = warnings.iter().map(|warning| json!(warning));
                    let new: Vec<Value> = new.filter(|warning| !list.contains(warning)).collect();
                    list.extend(new);
                }
                all
            },
            |out| {
                let Transformers { ct, vt, .. } = &period.transformers;
                let at = stamps::for_eyes(from, &zone);
                let verb = if self.preview { "would hold" } else { "holds" };
                let meter = if self.write { "; the meter has it, read back" } else { "" };
                writeln!(out, "{}: CT {ct} VT {vt} {verb} from {at}{meter}", self.name)
            },
        )?;
        Ok(DONE)
    }
}

impl Remove {
    fn run(&self, app: &App) -> Outcome {
        let store = app.reader()?;
        let (row, point) = point_of(&store, &self.name)?;
        let zone = zone_of(&row.config);
        let from = self.from.at(&zone)?;
        if self.preview && !point.ratios.periods().iter().any(|period| period.from == from) {
            return Err(Failure::usage(format!(
                "no ratio of {} begins at {from}: look at the list of them",
                point.name
            )));
        }
        let shown = preview_without(&store, row.id, (Timestamp::now(), &zone), (point.id, from))?;
        if !self.preview {
            app.edit(Edit::RemoveRatio { point: point.id, from })?;
        }
        let (row, point) = point_of(&store, &self.name)?;
        let own = store.meter_ratios(row.id)?;
        app.print(
            || {
                let mut all = document(&row, &point, own.as_ref(), Timestamp::now());
                all["changed"] = json!(!self.preview);
                all["preview"] = preview::document(shown.as_ref());
                all
            },
            |out| {
                preview::write(shown.as_ref(), from, &zone, out)?;
                let verb = if self.preview { "would be" } else { "is" };
                writeln!(out, "{}: the ratio from {from} {verb} taken away", self.name)
            },
        )?;
        Ok(DONE)
    }
}
