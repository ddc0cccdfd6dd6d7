//! Which meters: names, a group, or all.

use clap::Args;

use crate::store::{MeterRow, StoreReader};

use super::failure::Failure;

/// Which meters.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct Select {
    /// Meters by name
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// A group with all groups under it
    #[arg(long, value_name = "G")]
    group: Option<String>,
    /// All meters
    #[arg(long)]
    all: bool,
}

impl Select {
    /// The meters, in the order in which they were named, else by name.
    pub(super) fn meters(&self, store: &StoreReader) -> Result<Vec<MeterRow>, Failure> {
        let all = store.meters()?;
        if let Some(group) = &self.group {
            let group = group.trim_end_matches('/');
            let inside = |row: &MeterRow| {
                let rest = row.config.group.as_deref().and_then(|own| own.strip_prefix(group));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let found: Vec<MeterRow> = all.into_iter().filter(inside).collect();
            return if found.is_empty() {
                Err(Failure::usage(format!("there is no meter in the group `{group}`")))
            } else {
                Ok(found)
            };
        }
        if self.all {
            return if all.is_empty() {
                Err(Failure::usage("the store has no meter: `meterwright meter add` adds one"))
            } else {
                Ok(all)
            };
        }
        let mut found: Vec<MeterRow> = Vec::new();
        for name in &self.names {
            let row = named(&all, name)?;
            if !found.iter().any(|other| other.id == row.id) {
                found.push(row);
            }
        }
        Ok(found)
    }
}

/// The meter of a name.
pub(super) fn one(store: &StoreReader, name: &str) -> Result<MeterRow, Failure> {
    match store.meter_named(name)? {
        Some(row) => Ok(row),
        None => named(&store.meters()?, name),
    }
}

fn named(all: &[MeterRow], name: &str) -> Result<MeterRow, Failure> {
    if let Some(row) = all.iter().find(|row| row.config.name == name) {
        return Ok(row.clone());
    }
    let names: Vec<&str> = all.iter().map(|row| row.config.name.as_str()).collect();
    let close = close_to(name, &names);
    Err(Failure::usage(if close.is_empty() {
        format!("there is no meter `{name}` in the store: `meterwright meter list` shows those that are")
    } else {
        format!("there is no meter `{name}` in the store; close to it: {}", close.join(", "))
    }))
}

/// Up to five names that may have been meant, the closest first.
fn close_to<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    let plain = wanted.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let other = name.to_lowercase();
            let distance = distance(&plain, &other);
            let contains = plain.chars().count() >= 3 && (other.contains(&plain) || plain.contains(&other));
            (distance <= 1 + usize::from(plain.len() > 4) || contains).then_some((distance, *name))
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().take(5).map(|(_, name)| name).collect()
}

/// How many letters have to be put in, taken out or changed (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (above, other) in row.iter().skip(1).zip(&other) {
            let cost = (diagonal + usize::from(letter != *other)).min(above + 1).min(left + 1);
            diagonal = *above;
            left = cost;
            next.push(cost);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted_as_levenshtein_does() {
        for (one, other, wanted) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("M1", "M2", 1)]
        {
            assert_eq!(distance(one, other), wanted, "{one} {other}");
        }
    }

    #[test]
    fn names_that_may_have_been_meant_are_offered() {
        let names = ["Main street 1", "Main street 2", "Harbour"];
        assert_eq!(close_to("harbor", &names), ["Harbour"]);
        assert_eq!(close_to("main street", &names), ["Main street 1", "Main street 2"]);
        assert!(close_to("Z9", &names).is_empty());
    }
}
