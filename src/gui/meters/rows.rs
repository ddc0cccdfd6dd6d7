//! Which meters the table shows, and in what order.

use std::cmp::Ordering;

use crate::gui::shell::{meter_matches, words};
use crate::model::MeterId;
use crate::store::MeterRow;

/// A column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Name.
    Name,
    /// Serial number.
    Serial,
    /// Last result in words.
    LastResult,
    /// When it was last read.
    LastRead,
    /// Clock drift.
    Clock,
    /// Group.
    Group,
    /// Line.
    Line,
    /// Template.
    Template,
}

impl Column {
    /// All of them, in the order shown: first what needs a hand.
    pub(super) const ALL: [(Self, &'static str, f32); 8] = [
        (Self::Name, "Name", 150.0),
        (Self::Serial, "Serial number", 100.0),
        (Self::LastResult, "Last result", 196.0),
        (Self::LastRead, "Last read", 134.0),
        (Self::Clock, "Clock", 76.0),
        (Self::Group, "Group", 160.0),
        (Self::Line, "Line", 190.0),
        (Self::Template, "Template", 112.0),
    ];
}

/// Which meters are of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// All.
    All,
    /// Those whose last read failed or whose clock is wrong.
    Attention,
    /// Those that were never read.
    NeverRead,
    /// Those in a group and the groups below it.
    Group(String),
}

impl Filter {
    /// Whether a meter is of interest.
    #[must_use]
    pub(super) fn takes(&self, meter: &MeterRow) -> bool {
        match self {
            Self::All => true,
            Self::Attention => needs_a_hand(meter),
            Self::NeverRead => meter.last_read.is_none(),
            Self::Group(path) => meter.config.group.as_deref().is_some_and(|group| {
                group.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }),
        }
    }
}

/// Whether somebody should look at a meter.
#[must_use]
pub(super) fn needs_a_hand(meter: &MeterRow) -> bool {
    meter.last_ok == Some(false) || meter.drift_ms.is_some_and(|drift| drift.unsigned_abs() >= 30_000)
}

/// Column and whether it rises.
pub(super) type Sort = (Column, bool);

/// The rows that are shown, kept until something that they follow from changes.
#[derive(Debug, Default)]
pub(super) struct Arranged {
    key: Option<(u64, Filter, String, Sort)>,
    /// Places in the list of meters.
    pub rows: Vec<usize>,
    /// Their numbers, in the order shown.
    pub ids: Vec<MeterId>,
}

impl Arranged {
    /// Arranges anew where something has changed.
    pub(super) fn update(
        &mut self,
        meters: &[MeterRow],
        version: u64,
        filter: &Filter,
        search: &str,
        sort: Sort,
    ) {
        let key = (version, filter.clone(), search.to_owned(), sort);
        if self.key.as_ref() == Some(&key) {
            return;
        }
        self.rows = arrange(meters, filter, search, sort);
        self.ids = self.rows.iter().filter_map(|at| meters.get(*at)).map(|meter| meter.id).collect();
        self.key = Some(key);
    }
}

/// Places of the meters that are of interest, in order.
#[must_use]
pub(super) fn arrange(
    meters: &[MeterRow],
    filter: &Filter,
    search: &str,
    (column, rising): Sort,
) -> Vec<usize> {
    let words = words(search);
    let mut kept: Vec<(usize, &MeterRow)> = meters
        .iter()
        .enumerate()
        .filter(|(_, meter)| filter.takes(meter) && meter_matches(meter, &words))
        .collect();
    kept.sort_by(|(_, a), (_, b)| {
        let order = compare(column, a, b);
        let order = if rising { order } else { order.reverse() };
        order.then_with(|| natural(&a.config.name, &b.config.name))
    });
    kept.into_iter().map(|(at, _)| at).collect()
}

fn compare(column: Column, a: &MeterRow, b: &MeterRow) -> Ordering {
    let text = |a: Option<&str>, b: Option<&str>| natural(a.unwrap_or_default(), b.unwrap_or_default());
    match column {
        Column::Name => natural(&a.config.name, &b.config.name),
        Column::Serial => text(a.config.serial.as_deref(), b.config.serial.as_deref()),
        Column::LastResult => {
            a.last_ok.cmp(&b.last_ok).then_with(|| text(a.last_result.as_deref(), b.last_result.as_deref()))
        }
        Column::LastRead => a.last_read.cmp(&b.last_read),
        Column::Clock => {
            let size = |meter: &MeterRow| meter.drift_ms.map(i64::unsigned_abs);
            size(a).cmp(&size(b))
        }
        Column::Group => text(a.config.group.as_deref(), b.config.group.as_deref()),
        Column::Line => natural(&a.config.line.to_string(), &b.config.line.to_string()),
        Column::Template => natural(&a.config.template, &b.config.template),
    }
}

/// Order in which `House 2` comes before `House 10`.
#[must_use]
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars().peekable(), b.chars().peekable());
    loop {
        match (a.peek().copied(), b.peek().copied()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (x, y) = (number(&mut a), number(&mut b));
                let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
                if order != Ordering::Equal {
                    return order;
                }
            }
            (Some(x), Some(y)) => {
                let order = if x.is_ascii() && y.is_ascii() {
                    x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase())
                } else {
                    x.to_lowercase().cmp(y.to_lowercase())
                };
                if order != Ordering::Equal {
                    return order;
                }
                a.next();
                b.next();
            }
        }
    }
}

/// The digits that follow, without leading noughts.
fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if digit != '0' || !digits.is_empty() {
            digits.push(digit);
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MeterConfig;

    fn meter(id: i64, name: &str, group: Option<&str>, ok: Option<bool>) -> MeterRow {
        let mut config = MeterConfig::new(name, "tcp://127.0.0.1:4059".parse().unwrap());
        config.group = group.map(str::to_owned);
        MeterRow { id: MeterId(id), config, last_read: None, last_result: None, last_ok: ok, drift_ms: None }
    }

    #[test]
    fn numbers_in_names_are_ordered_as_numbers() {
        let meters = [
            meter(1, "House 10", None, None),
            meter(2, "house 2", None, None),
            meter(3, "House 02b", None, None),
        ];
        assert_eq!(arrange(&meters, &Filter::All, "", (Column::Name, true)), [1, 2, 0]);
        assert_eq!(arrange(&meters, &Filter::All, "", (Column::Name, false)), [0, 2, 1]);
    }

    #[test]
    fn a_group_takes_the_groups_below_it_and_no_namesake() {
        let meters = [
            meter(1, "a", Some("North/Mill Lane"), None),
            meter(2, "b", Some("North"), None),
            meter(3, "c", Some("Northern"), None),
            meter(4, "d", None, None),
        ];
        assert_eq!(arrange(&meters, &Filter::Group("North".into()), "", (Column::Name, true)), [0, 1]);
    }

    #[test]
    fn every_word_of_a_search_must_occur_somewhere() {
        let meters = [meter(1, "Bakery", Some("North"), None), meter(2, "Bakery", Some("South"), None)];
        assert_eq!(arrange(&meters, &Filter::All, "BAKERY south", (Column::Name, true)), [1]);
    }

    #[test]
    fn failures_come_first_when_sorted_by_result() {
        let meters =
            [meter(1, "a", None, Some(true)), meter(2, "b", None, Some(false)), meter(3, "c", None, None)];
        assert_eq!(arrange(&meters, &Filter::All, "", (Column::LastResult, true)), [2, 1, 0]);
        assert_eq!(arrange(&meters, &Filter::Attention, "", (Column::Name, true)), [1]);
    }
}
