//! The rows of a file beside the meters that are listed: what each would do.

use std::collections::HashMap;

use crate::export::zone_of;
use crate::model::{
    Line, MeterConfig, MeterId, MeterPatch, PointDetails, PointPatch, RatioHistory, RatioPatch,
};
use crate::store::ListedMeter;

use super::choices::{Choices, Empty, Key, Known};
use super::columns::{Column, Difference, differences};
use super::fates::{Fate, Plan, PlanRow, Reason};
use super::ratios::{self, RatioPart, Standing};
use super::sheet::{Sheet, SheetRow};

/// What is known while rows are laid beside the list.
struct Planner<'a> {
    choices: &'a Choices,
    by_key: HashMap<&'a str, Vec<&'a ListedMeter>>,
    /// Who bears a name now, the rows before this one done.
    names: HashMap<String, Option<MeterId>>,
    /// Rows that were taken, by what stands in their key column.
    taken: HashMap<String, u64>,
    /// What a row said of a point that has a name.
    points: HashMap<String, (u64, PointPatch)>,
    nowhere: Line,
}

/// What a good row does.
enum Taken {
    Add(Box<MeterConfig>, Box<PointPatch>),
    Change(MeterId, Box<MeterPatch>, Vec<Difference>),
    Nothing,
}

/// What is wrong with the matching of the columns.
fn header_problems(choices: &Choices) -> Vec<String> {
    let has = |column: &Column| choices.columns.iter().flatten().any(|one| one == column);
    let mut needed = vec![choices.key.column()];
    if choices.known == Known::AddOnly {
        needed.push(Column::Line);
    }
    if choices.columns.iter().flatten().any(|column| matches!(column, Column::Ratio(_))) {
        needed.push(Column::Ratio(RatioPart::From));
    }
    let missing = needed.iter().filter(|column| !has(column));
    let mut problems: Vec<String> =
        missing.map(|column| format!("row 1: the column `{}` is missing", column.header())).collect();
    for (at, column) in choices.columns.iter().enumerate() {
        let Some(column) = column else { continue };
        if choices.columns.iter().take(at).flatten().any(|earlier| earlier == column) {
            problems.push(format!("row 1: the column `{}` stands there twice", column.header()));
        }
    }
    problems
}

/// Lays the rows of a file beside the meters that are listed.
#[must_use]
pub fn plan(sheet: &Sheet, listed: &[ListedMeter], choices: &Choices) -> Plan {
    let mut plan = Plan { problems: header_problems(choices), ..Plan::default() };
    plan.changes.cause.clone_from(&choices.cause);
    let nowhere = match "tcp://nowhere:1".parse::<Line>() {
        Ok(line) => line,
        Err(error) => {
            plan.problems.push(error.to_string());
            return plan;
        }
    };
    if !plan.problems.is_empty() {
        return plan;
    }
    let mut planner = Planner {
        choices,
        by_key: HashMap::new(),
        names: listed.iter().map(|meter| (meter.config.name.clone(), Some(meter.id))).collect(),
        taken: HashMap::new(),
        points: HashMap::new(),
        nowhere,
    };
    for meter in listed {
        let key = match choices.key {
            Key::Name => Some(meter.config.name.as_str()),
            Key::Serial => meter.config.serial.as_deref(),
        };
        if let Some(key) = key.map(str::trim).filter(|key| !key.is_empty()) {
            planner.by_key.entry(key).or_default().push(meter);
        }
    }
    for row in &sheet.rows {
        let (name, taken) = planner.row(row, sheet.header.len());
        let fate = match taken {
            Err(reasons) => {
                plan.counts.rejected += 1;
                Fate::Rejected(reasons)
            }
            Ok(Taken::Nothing) => {
                plan.counts.unchanged += 1;
                Fate::Unchanged
            }
            Ok(Taken::Add(config, about)) => {
                plan.counts.new += 1;
                plan.changes.add.push((*config, *about));
                Fate::New
            }
            Ok(Taken::Change(id, patch, differences)) => {
                plan.counts.changed += 1;
                plan.changes.change.push((id, *patch));
                Fate::Changed(differences)
            }
        };
        plan.rows.push(PlanRow { line: row.line, name, fate });
    }
    if plan.rows.is_empty() {
        plan.problems.push("there is no meter in it".to_owned());
    }
    plan
}

impl<'a> Planner<'a> {
    fn row(&mut self, row: &SheetRow, width: usize) -> (String, Result<Taken, Vec<Reason>>) {
        let columns = &self.choices.columns;
        let cell = |column: &Column| {
            let at = columns.iter().position(|one| one.as_ref() == Some(column))?;
            row.cells.get(at).map(|text| text.trim())
        };
        let key_column = self.choices.key.column();
        let key = cell(&key_column).unwrap_or_default().to_owned();
        let mut name = cell(&Column::Name).filter(|name| !name.is_empty()).unwrap_or(&key).to_owned();
        let surplus = row.cells.get(width..).unwrap_or_default();
        if row.cells.len() < width || surplus.iter().any(|cell| !cell.trim().is_empty()) {
            let text = format!("{} fields where the header has {width}", row.cells.len());
            return (name, Err(vec![Reason::whole(text)]));
        }
        let found = match self.find(&key, &key_column) {
            Ok(found) => found,
            // A row without a key may be wrong in other cells too: they are told with it.
            Err(reason) => {
                let mut reasons = vec![reason];
                if key.is_empty() {
                    reasons.extend(
                        self.patch(row, None)
                            .err()
                            .into_iter()
                            .flatten()
                            .filter(|other| other.column.as_ref() != Some(&key_column)),
                    );
                }
                return (name, Err(reasons));
            }
        };
        if let Some(meter) = found
            && self.choices.key == Key::Serial
            && cell(&Column::Name).is_none_or(str::is_empty)
        {
            name.clone_from(&meter.config.name);
        }
        let taken = self.patch(row, found).and_then(|patch| {
            if let Some(first) = self.taken.get(&key) {
                let text = format!("`{key}` stands in row {first} too");
                return Err(vec![Reason::at(&key_column, text)]);
            }
            let taken = match found {
                None => self.add(row.line, patch, &name),
                Some(meter) => self.change(row.line, patch, meter),
            };
            taken.map_err(|reason| vec![reason])
        });
        if taken.is_ok() {
            self.taken.insert(key, row.line);
        }
        (name, taken)
    }

    /// The listed meter that a key names.
    fn find(&self, key: &str, column: &Column) -> Result<Option<&'a ListedMeter>, Reason> {
        if key.is_empty() {
            return Err(Reason::at(column, "it is empty"));
        }
        match (self.by_key.get(key).map_or(&[][..], Vec::as_slice), self.choices.known) {
            ([], Known::UpdateOnly) => Err(Reason::at(column, format!("no meter `{key}` is listed"))),
            ([], _) => Ok(None),
            ([_], Known::AddOnly) => {
                let what = match self.choices.key {
                    Key::Name => format!("a meter `{key}`"),
                    Key::Serial => format!("a meter with the serial number {key}"),
                };
                Err(Reason::at(column, format!("there is {what} in the store already")))
            }
            ([one], _) => Ok(Some(one)),
            (many, _) => {
                Err(Reason::at(column, format!("{} meters have the serial number {key}", many.len())))
            }
        }
    }

    /// What a row's cells say.
    fn patch(&self, row: &SheetRow, found: Option<&ListedMeter>) -> Result<MeterPatch, Vec<Reason>> {
        let mut patch = MeterPatch::default();
        let mut reasons = Vec::new();
        for (column, raw) in self.choices.columns.iter().zip(&row.cells) {
            let Some(column) = column else { continue };
            // What the list would write itself says nothing new.
            let says_the_same =
                |meter: &ListedMeter| column.write(&meter.config, &meter.details, &meter.ratios) == *raw;
            if matches!(column, Column::Ratio(_)) || found.is_some_and(says_the_same) {
                continue;
            }
            let text = raw.trim();
            if text.is_empty() {
                let is_needed = matches!(column, Column::Name | Column::Line);
                let clears = found.is_some() && self.choices.empty == Empty::Clear;
                if found.is_none() && is_needed || clears && !column.clear(&mut patch) {
                    reasons.push(Reason::at(column, "it is empty"));
                }
            } else if let Err(text) = column.read(&mut patch, text, self.choices.decimal) {
                reasons.push(Reason::at(column, text));
            } else if *column == Column::Template
                && let Err(error) = self.choices.templates.shared(text)
            {
                reasons.push(Reason::at(column, error.to_string()));
            }
        }
        match self.ratios(row, found, &patch) {
            Ok(ratios) => patch.about.ratios = ratios,
            Err(wrong) => reasons.extend(wrong),
        }
        if reasons.is_empty() { Ok(patch) } else { Err(reasons) }
    }

    /// What a row's cells say of the ratios, which they only do together.
    fn ratios(
        &self,
        row: &SheetRow,
        found: Option<&ListedMeter>,
        patch: &MeterPatch,
    ) -> Result<Option<RatioPatch>, Vec<Reason>> {
        let part = |column: &Option<Column>| match column {
            Some(Column::Ratio(part)) => Some(*part),
            _ => None,
        };
        let cells = self.choices.columns.iter().zip(&row.cells);
        let cells: Vec<(RatioPart, &str)> =
            cells.filter_map(|(column, text)| Some((part(column)?, text.as_str()))).collect();
        let none = RatioHistory::default();
        let history = found.map_or(&none, |meter| &meter.ratios);
        if cells.iter().all(|(part, text)| part.write(history) == *text) {
            return Ok(None);
        }
        if cells.iter().all(|(_, text)| text.trim().is_empty()) {
            return Ok((self.choices.empty == Empty::Clear).then_some(RatioPatch::Clear));
        }
        let mut config =
            found.map_or_else(|| MeterConfig::new("", self.nowhere.clone()), |meter| meter.config.clone());
        // A part of a line that the meter has not is told elsewhere.
        let _ = patch.apply(&mut config);
        let zone = zone_of(&config);
        let decimal = self.choices.decimal;
        let standing = Standing { history, registers_in: config.registers_in, zone: &zone, decimal };
        let wrong = |(part, text): (RatioPart, String)| Reason::at(&Column::Ratio(part), text);
        let changed = ratios::read(&cells, &standing);
        let changed = changed.map_err(|all| all.into_iter().map(wrong).collect::<Vec<_>>())?;
        Ok((!changed.is_empty()).then_some(RatioPatch::Put(changed)))
    }

    fn add(&mut self, line: u64, mut patch: MeterPatch, name: &str) -> Result<Taken, Reason> {
        if patch.line.whole.is_none() {
            return Err(Reason::whole("a new meter needs a line, and no column says it"));
        }
        // Where rows are told apart by serial numbers, a meter without a name of its own bears that.
        patch.name.get_or_insert_with(|| name.to_owned());
        let mut config = MeterConfig::new("", self.nowhere.clone());
        patch.apply(&mut config).map_err(Reason::whole)?;
        self.name_free(&config.name, None)?;
        self.point_agrees(line, config.point.as_deref(), &patch.about)?;
        self.names.insert(config.name.clone(), None);
        Ok(Taken::Add(Box::new(config), Box::new(patch.about)))
    }

    fn change(&mut self, line: u64, patch: MeterPatch, meter: &ListedMeter) -> Result<Taken, Reason> {
        let mut config = meter.config.clone();
        patch.apply(&mut config).map_err(Reason::whole)?;
        let mut details: PointDetails = meter.details.clone();
        patch.about.apply(&mut details);
        let change = patch.about.ratios.as_ref();
        let ratios = change.map_or_else(|| meter.ratios.clone(), |change| change.apply(&meter.ratios));
        let differences = differences(meter, &config, &details, &ratios);
        if differences.is_empty() {
            return Ok(Taken::Nothing);
        }
        // The ratios of the row itself may be what puts the registers on another side.
        let is_on = |side| ratios.periods().iter().any(|period| period.transformers.registers_in == side);
        let is_said = change.is_some() && is_on(config.registers_in);
        if config.registers_in != meter.config.registers_in && meter.has_ratio && !is_said {
            let text = "which side its registers are on is said by the ratio of its point: change it there";
            return Err(Reason::at(&Column::RegistersIn, text));
        }
        if meter.point.is_none() && config.point.is_none() && !patch.about.is_empty() {
            let text = "it hangs at no metering point, of which something could be noted";
            return Err(Reason::whole(text));
        }
        self.name_free(&config.name, Some(meter.id))?;
        self.point_agrees(line, config.point.as_deref(), &patch.about)?;
        if config.name != meter.config.name {
            self.names.remove(&meter.config.name);
            self.names.insert(config.name, Some(meter.id));
        }
        Ok(Taken::Change(meter.id, Box::new(patch), differences))
    }

    fn name_free(&self, name: &str, own: Option<MeterId>) -> Result<(), Reason> {
        match self.names.get(name) {
            None => Ok(()),
            Some(holder) if own.is_some() && *holder == own => Ok(()),
            Some(_) => Err(Reason::at(
                &Column::Name,
                format!("there is a meter `{name}` already: choose another name"),
            )),
        }
    }

    /// Two rows must not say two things of one point.
    fn point_agrees(&mut self, line: u64, point: Option<&str>, about: &PointPatch) -> Result<(), Reason> {
        let Some(point) = point.filter(|_| !about.is_empty()) else { return Ok(()) };
        match self.points.get(point) {
            Some((first, said)) if said != about => Err(Reason::at(
                &Column::Point,
                format!("row {first} says something else of the metering point {point}"),
            )),
            _ => {
                self.points.insert(point.to_owned(), (line, about.clone()));
                Ok(())
            }
        }
    }
}
