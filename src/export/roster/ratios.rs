//! The ratios of a metering point in a list of meters: columns that are read together. A point with several periods
//! has as many lines in each of these cells, the first period in the first line of each.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::{AccuracyClasses, Ratio, RatioHistory, RatioPeriod, Side, Transformers, counted};

use super::sheet::DecimalSign;

/// What a column says of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RatioPart {
    /// From when on it holds.
    From,
    /// Current transformers' ratio.
    Ct,
    /// Voltage transformers' ratio.
    Vt,
    /// Whether the meter applies the ratios itself.
    AppliedByMeter,
    /// Accuracy class of the current transformers.
    CtClass,
    /// Accuracy class of the voltage transformers.
    VtClass,
    /// Accuracy class of the meter.
    MeterClass,
}

/// How a class is written that nobody knows, where another line of the cell has one.
const UNKNOWN: &str = "-";

/// A cell of a row.
pub(super) type Cell<'a> = (RatioPart, &'a str);

/// What is wrong with a cell.
pub(super) type Wrong = (RatioPart, String);

/// What holds at a point before a row is taken.
pub(super) struct Standing<'a> {
    /// Its ratios.
    pub(super) history: &'a RatioHistory,
    /// The side of the meter's registers, where no ratio says it.
    pub(super) registers_in: Side,
    /// The zone of local times.
    pub(super) zone: &'a TimeZone,
    /// How decimals are written.
    pub(super) decimal: DecimalSign,
}

/// A ratio whose figures have this decimal sign.
pub(super) fn ratio(text: &str, decimal: DecimalSign) -> Result<Ratio, String> {
    let parsed = match decimal {
        DecimalSign::Point => text.parse::<Ratio>(),
        DecimalSign::Comma => text.replace(',', ".").parse(),
    };
    parsed.map_err(|error| error.to_string())
}

fn yes_or_no(text: &str) -> Result<Side, String> {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "1" => Ok(Side::Primary),
        "no" | "false" | "0" => Ok(Side::Secondary),
        _ => Err(format!("`{text}` says not whether the meter applies it itself: write yes or no")),
    }
}

/// An instant, or a local date or time in a zone: the first of a doubled hour, the end of a skipped one. The store
/// keeps microseconds.
fn instant(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let instant = text.parse::<Timestamp>().ok().or_else(|| {
        let local = text.parse::<DateTime>().ok()?;
        local.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
    });
    let whole = instant.and_then(|at| Timestamp::from_microsecond(at.as_microsecond()).ok());
    whole.ok_or_else(|| {
        format!("`{text}` is no time: write a date such as 2026-11-01, or 2026-11-01T00:30:00+01:00")
    })
}

fn class_of(text: &str) -> Option<String> {
    (!matches!(text, UNKNOWN | "–")).then(|| text.to_owned())
}

impl RatioPart {
    /// All of them, in the order written.
    pub const ALL: [Self; 7] = [
        Self::From,
        Self::Ct,
        Self::Vt,
        Self::AppliedByMeter,
        Self::CtClass,
        Self::VtClass,
        Self::MeterClass,
    ];

    fn of(self, period: &RatioPeriod) -> String {
        let class = |class: &Option<String>| class.clone().unwrap_or_else(|| UNKNOWN.to_owned());
        let Transformers { ct, vt, registers_in } = &period.transformers;
        match self {
            Self::From => period.from.to_string(),
            Self::Ct => ct.to_string(),
            Self::Vt => vt.to_string(),
            Self::AppliedByMeter => if *registers_in == Side::Primary { "yes" } else { "no" }.to_owned(),
            Self::CtClass => class(&period.classes.ct),
            Self::VtClass => class(&period.classes.vt),
            Self::MeterClass => class(&period.classes.meter),
        }
    }

    /// A cell: a line for each period; empty where none of them says anything.
    #[must_use]
    pub fn write(self, history: &RatioHistory) -> String {
        let lines: Vec<String> = history.periods().iter().map(|period| self.of(period)).collect();
        if lines.iter().all(|line| line == UNKNOWN) { String::new() } else { lines.join("\n") }
    }
}

/// What the lines of a cell say, one by one; nothing for each where the cell is empty or is not there.
fn lines<T>(
    cells: &[Cell<'_>],
    part: RatioPart,
    count: usize,
    read: impl Fn(&str) -> Result<T, String>,
    wrong: &mut Vec<Wrong>,
) -> Vec<Option<T>> {
    let text = cells.iter().find(|(one, _)| *one == part).map_or("", |(_, text)| text.trim());
    let nothing = || (0..count).map(|_| None).collect();
    if text.is_empty() {
        return nothing();
    }
    let all: Vec<&str> = text.lines().map(str::trim).collect();
    if all.len() != count {
        let own = counted(all.len(), "line");
        let words = format!("it has {own}, and ratio_from has {count}: write one for each period");
        wrong.push((part, words));
        return nothing();
    }
    let numbered = |at: usize, why: String| if count > 1 { format!("line {}: {why}", at + 1) } else { why };
    let read = |(at, line): (usize, &str)| match read(line) {
        Ok(value) => Some(value),
        Err(why) => {
            wrong.push((part, numbered(at, why)));
            None
        }
    };
    all.into_iter().enumerate().map(read).collect()
}

/// The instants at which periods begin.
fn froms(cells: &[Cell<'_>], zone: &TimeZone, wrong: &mut Vec<Wrong>) -> Vec<Option<Timestamp>> {
    let text = cells.iter().find(|(part, _)| *part == RatioPart::From).map_or("", |(_, text)| text.trim());
    if text.is_empty() {
        let words = "it is empty: say from when on the ratio holds, such as 2026-11-01";
        wrong.push((RatioPart::From, words.to_owned()));
    }
    let all = lines(cells, RatioPart::From, text.lines().count(), |line| instant(line, zone), wrong);
    for (at, from) in all.iter().enumerate() {
        if let Some(from) = from
            && all.iter().take(at).any(|earlier| *earlier == Some(*from))
        {
            wrong.push((RatioPart::From, format!("two periods begin at {from}")));
        }
    }
    all
}

/// The periods that a row says and that stand otherwise at its point, oldest first. What a row leaves out of a
/// period is as it stands at that instant, and without a ratio where none stands.
///
/// # Errors
/// What is wrong, cell by cell.
pub(super) fn read(cells: &[Cell<'_>], standing: &Standing<'_>) -> Result<Vec<RatioPeriod>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let froms = froms(cells, standing.zone, &mut wrong);
    let count = froms.len();
    if count == 0 {
        return Err(wrong);
    }
    let mut ratios =
        |part| lines(cells, part, count, |line| ratio(line, standing.decimal), &mut wrong).into_iter();
    let transformers = ratios(RatioPart::Ct).zip(ratios(RatioPart::Vt));
    let sides = lines(cells, RatioPart::AppliedByMeter, count, yes_or_no, &mut wrong);
    let mut classes = |part| lines(cells, part, count, |line| Ok(class_of(line)), &mut wrong).into_iter();
    let classes =
        classes(RatioPart::CtClass).zip(classes(RatioPart::VtClass)).zip(classes(RatioPart::MeterClass));
    let mut said: Vec<_> = froms.into_iter().flatten().zip(transformers).zip(sides).zip(classes).collect();
    if !wrong.is_empty() {
        return Err(wrong);
    }
    said.sort_by_key(|(((from, _), _), _)| *from);
    let mut history = standing.history.clone();
    let mut changed = Vec::new();
    for (((from, (ct, vt)), side), ((ct_class, vt_class), meter_class)) in said {
        let stands = history.at(from).cloned();
        let base = stands.as_ref().map_or_else(
            || Transformers { registers_in: standing.registers_in, ..Transformers::NONE },
            |period| period.transformers.clone(),
        );
        let known = stands.as_ref().map(|period| period.classes.clone()).unwrap_or_default();
        let period = RatioPeriod {
            from,
            until: None,
            transformers: Transformers {
                ct: ct.unwrap_or(base.ct),
                vt: vt.unwrap_or(base.vt),
                registers_in: side.unwrap_or(base.registers_in),
            },
            classes: AccuracyClasses {
                ct: ct_class.unwrap_or(known.ct),
                vt: vt_class.unwrap_or(known.vt),
                meter: meter_class.unwrap_or(known.meter),
            },
        };
        let is_there = stands.is_some_and(|stands| {
            stands.from == from
                && stands.transformers == period.transformers
                && stands.classes == period.classes
        });
        if !is_there {
            history = history.with(period.clone());
            changed.push(period);
        }
    }
    Ok(changed)
}
