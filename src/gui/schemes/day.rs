//! What can be done to a day type: registers switched in a span, a day split, edges moved, switches merged away.

use crate::scheme::{DayType, Document, Source, Switch, SwitchTime};

/// Minutes of a day.
pub(super) const DAY: u16 = 1440;

/// A row of the strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// The energy registers of a source, of which one at a time counts.
    Energy(Source),
    /// A maximum-demand register.
    Demand(String),
    /// Ids that name no register.
    Unknown,
}

/// The rows that a scheme's day types need.
pub(super) fn lanes(document: &Document) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for register in &document.registers.energy {
        let lane = Lane::Energy(register.source);
        if !lanes.contains(&lane) {
            lanes.push(lane);
        }
    }
    lanes.extend(document.registers.demand.iter().map(|register| Lane::Demand(register.id.clone())));
    let tariffs =
        std::iter::once(&document.tariff).chain(document.latent.as_ref().map(|latent| &latent.tariff));
    let mut named =
        tariffs.flat_map(|tariff| &tariff.day_types).flat_map(|day| &day.switches).flat_map(|one| &one.on);
    if named.any(|id| order(document, id).is_none()) {
        lanes.push(Lane::Unknown);
    }
    lanes
}

/// Where a register stands among those that can be switched: energy first.
pub(super) fn order(document: &Document, id: &str) -> Option<usize> {
    switched(document).position(|one| one == id)
}

/// Ids of the registers that can be switched, in the order of their keys.
pub(super) fn switched(document: &Document) -> impl Iterator<Item = &str> {
    let energy = document.registers.energy.iter().map(|register| register.id.as_str());
    energy.chain(document.registers.demand.iter().map(|register| register.id.as_str()))
}

fn source_of(document: &Document, id: &str) -> Option<Source> {
    document.registers.energy.iter().find(|register| register.id == id).map(|register| register.source)
}

/// Whether an id belongs on a lane.
pub(super) fn is_on_lane(document: &Document, lane: &Lane, id: &str) -> bool {
    match lane {
        Lane::Energy(source) => source_of(document, id) == Some(*source),
        Lane::Demand(register) => register == id,
        Lane::Unknown => order(document, id).is_none(),
    }
}

/// A set with registers put on: an energy register takes the place of the others of its source.
pub(super) fn put(document: &Document, on: &[String], brush: &[String]) -> Vec<String> {
    let replaced: Vec<Source> = brush.iter().filter_map(|id| source_of(document, id)).collect();
    let stays = |id: &&String| source_of(document, id).is_none_or(|source| !replaced.contains(&source));
    let mut set: Vec<String> = on.iter().filter(stays).cloned().collect();
    set.extend(brush.iter().cloned());
    sorted(document, set)
}

/// A set without some registers.
pub(super) fn lift(document: &Document, on: &[String], brush: &[String]) -> Vec<String> {
    sorted(document, on.iter().filter(|id| !brush.contains(id)).cloned().collect())
}

/// In the order of the registers, each once; what is unknown last, as it stood.
fn sorted(document: &Document, mut set: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    set.retain(|id| seen.insert(id.clone()));
    set.sort_by_key(|id| order(document, id).unwrap_or(usize::MAX));
    set
}

fn time(minute: u16) -> SwitchTime {
    // Callers stay within the day; midnight stands in for what cannot be.
    SwitchTime::from_minutes(minute).unwrap_or(SwitchTime::MIDNIGHT)
}

/// The part of the day that holds a minute.
pub(super) fn part_at(day: &DayType, minute: u16) -> Option<usize> {
    day.switches.iter().rposition(|switch| switch.at.minutes() <= minute)
}

/// What is on at a minute.
pub(super) fn on_at(day: &DayType, minute: u16) -> &[String] {
    part_at(day, minute).and_then(|at| day.switches.get(at)).map_or(&[], |switch| &switch.on)
}

/// From when to when a part of the day lasts.
pub(super) fn bounds(day: &DayType, part: usize) -> (u16, u16) {
    let start = day.switches.get(part).map_or(0, |switch| switch.at.minutes());
    let end = day.switches.get(part + 1).map_or(DAY, |switch| switch.at.minutes());
    (start, end)
}

/// Puts a day into order: first switch at 00:00, times rising. What a file had amiss is mended with the first edit.
fn mend(day: &mut DayType) {
    day.switches.sort_by_key(|switch| switch.at);
    // Of two at one time the later one held.
    let mut kept: Vec<Switch> = Vec::with_capacity(day.switches.len() + 1);
    for switch in day.switches.drain(..) {
        match kept.last_mut() {
            Some(last) if last.at == switch.at => *last = switch,
            _ => kept.push(switch),
        }
    }
    if kept.first().is_none_or(|first| first.at != SwitchTime::MIDNIGHT) {
        kept.insert(0, Switch { at: SwitchTime::MIDNIGHT, on: Vec::new() });
    }
    day.switches = kept;
}

/// Makes sure that a part begins at a minute; gives its place.
fn begin_at(day: &mut DayType, minute: u16) -> usize {
    let at = part_at(day, minute).unwrap_or(0);
    match day.switches.get(at) {
        Some(switch) if switch.at.minutes() == minute => at,
        Some(switch) => {
            let on = switch.on.clone();
            day.switches.insert(at + 1, Switch { at: time(minute), on });
            at + 1
        }
        None => at,
    }
}

/// Changes what is on from one minute to another, 0 to 1440. Parts that come to be equal in it and at its ends are
/// one part then.
pub(super) fn set_span(day: &mut DayType, from: u16, to: u16, change: impl Fn(&[String]) -> Vec<String>) {
    let to = to.min(DAY);
    if from >= to {
        return;
    }
    mend(day);
    begin_at(day, from);
    if to < DAY {
        begin_at(day, to);
    }
    for switch in &mut day.switches {
        if (from..to).contains(&switch.at.minutes()) {
            switch.on = change(&switch.on);
        }
    }
    let mut last: Option<Vec<String>> = None;
    day.switches.retain(|switch| {
        let inside = (from..=to).contains(&switch.at.minutes());
        let same = last.as_ref() == Some(&switch.on);
        last = Some(switch.on.clone());
        !(inside && same)
    });
}

/// Lets a part begin at a minute, with the same registers on. False where one does already.
pub(super) fn split(day: &mut DayType, minute: u16) -> bool {
    mend(day);
    let before = day.switches.len();
    if minute < DAY {
        begin_at(day, minute);
    }
    day.switches.len() > before
}

/// Takes a part away: the one before it lasts on; for the first, the second begins the day.
pub(super) fn merge_away(day: &mut DayType, part: usize) {
    mend(day);
    if day.switches.len() < 2 || part >= day.switches.len() {
        return;
    }
    day.switches.remove(part);
    if let Some(first) = day.switches.first_mut() {
        first.at = SwitchTime::MIDNIGHT;
    }
}

/// Moves the beginning of a part other than the first. What it is moved over is gone.
pub(super) fn move_edge(day: &mut DayType, part: usize, to: u16) {
    mend(day);
    let Some(moved) = day.switches.get(part).cloned().filter(|_| part > 0) else { return };
    let (from, to) = (moved.at.minutes(), to.min(DAY));
    if to > from {
        // The part before it grows; what held at the new edge begins there.
        let on = on_at(day, to).to_vec();
        day.switches.retain(|switch| !(from..to).contains(&switch.at.minutes()));
        if to < DAY && day.switches.iter().all(|switch| switch.at.minutes() != to) {
            day.switches.push(Switch { at: time(to), on });
        }
    } else if to < from {
        day.switches.retain(|switch| !(to..=from).contains(&switch.at.minutes()));
        day.switches.push(Switch { at: time(to), on: moved.on });
    }
    mend(day);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(parts: &[(&str, &str)]) -> DayType {
        let switch = |(at, on): &(&str, &str)| Switch {
            at: at.parse().unwrap(),
            on: on.split_whitespace().map(str::to_owned).collect(),
        };
        DayType { id: "D1".to_owned(), title: String::new(), switches: parts.iter().map(switch).collect() }
    }

    fn shown(day: &DayType) -> String {
        let words: Vec<String> =
            day.switches.iter().map(|switch| format!("{} {}", switch.at, switch.on.join("+"))).collect();
        words.join(", ")
    }

    fn only(id: &str) -> impl Fn(&[String]) -> Vec<String> {
        let id = id.to_owned();
        move |_| vec![id.clone()]
    }

    #[test]
    fn painting_in_the_middle_splits_and_painting_over_joins() {
        let mut one = day(&[("00:00", "A")]);
        set_span(&mut one, 420, 960, only("B"));
        assert_eq!(shown(&one), "00:00 A, 07:00 B, 16:00 A");
        set_span(&mut one, 960, 1440, only("B"));
        assert_eq!(shown(&one), "00:00 A, 07:00 B");
        set_span(&mut one, 0, 1440, only("A"));
        assert_eq!(shown(&one), "00:00 A");
    }

    #[test]
    fn an_edge_moves_and_what_it_passes_is_gone() {
        let whole = day(&[("00:00", "A"), ("07:00", "B"), ("16:00", "C"), ("19:00", "D")]);
        let moved = |part, to| {
            let mut one = whole.clone();
            move_edge(&mut one, part, to);
            shown(&one)
        };
        assert_eq!(moved(1, 360), "00:00 A, 06:00 B, 16:00 C, 19:00 D");
        assert_eq!(moved(1, 480), "00:00 A, 08:00 B, 16:00 C, 19:00 D");
        assert_eq!(moved(1, 1020), "00:00 A, 17:00 C, 19:00 D");
        assert_eq!(moved(1, 960), "00:00 A, 16:00 C, 19:00 D");
        assert_eq!(moved(2, 300), "00:00 A, 05:00 C, 19:00 D");
        assert_eq!(moved(2, 0), "00:00 C, 19:00 D");
        assert_eq!(moved(1, 1440), "00:00 A");
        assert_eq!(moved(0, 300), shown(&whole));
    }

    #[test]
    fn parts_are_split_and_merged_away() {
        let mut one = day(&[("00:00", "A"), ("07:00", "B")]);
        assert!(split(&mut one, 720) && !split(&mut one, 420));
        assert_eq!(shown(&one), "00:00 A, 07:00 B, 12:00 B");
        merge_away(&mut one, 1);
        assert_eq!(shown(&one), "00:00 A, 12:00 B");
        merge_away(&mut one, 0);
        assert_eq!(shown(&one), "00:00 B");
        merge_away(&mut one, 0);
        assert_eq!(shown(&one), "00:00 B");
    }

    #[test]
    fn an_energy_register_takes_the_place_of_its_source_and_demand_adds_to_it() {
        let document =
            crate::scheme::read(include_bytes!("../../../schemes/industrial-three-rate.scheme.json"))
                .unwrap();
        let ids = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(put(&document, &ids("R1 Q1 M2"), &ids("R2")), ids("R2 Q1 M2"));
        assert_eq!(put(&document, &ids("R1 Q1 M2"), &ids("M1 R1")), ids("R1 Q1 M1 M2"));
        assert_eq!(put(&document, &ids("R1"), &ids("R2 R3")), ids("R2 R3"));
        assert_eq!(lift(&document, &ids("R1 Q1 M2"), &ids("M2 R3")), ids("R1 Q1"));
        assert_eq!(lanes(&document).len(), 5);
    }

    #[test]
    fn a_day_that_a_file_left_out_of_order_is_mended() {
        let mut one = day(&[("07:00", "B"), ("03:00", "A"), ("07:00", "C")]);
        split(&mut one, 600);
        assert_eq!(shown(&one), "00:00 , 03:00 A, 07:00 C, 10:00 C");
    }

    fn some_day() -> impl Strategy<Value = DayType> {
        proptest::collection::vec((0u16..1440, 0u8..4), 0..8).prop_map(|parts| DayType {
            switches: parts
                .into_iter()
                .map(|(at, on)| Switch { at: time(at), on: vec![format!("R{on}")] })
                .collect(),
            ..DayType::default()
        })
    }

    fn is_in_order(day: &DayType) -> bool {
        day.switches.first().is_some_and(|first| first.at == SwitchTime::MIDNIGHT)
            && day.switches.windows(2).all(|pair| pair[0].at < pair[1].at)
    }

    proptest! {
        #[test]
        fn a_span_changes_its_own_minutes_and_no_others(day in some_day(), from in 0u16..1440, length in 1u16..1440) {
            let mut before = day;
            mend(&mut before);
            let to = (from + length).min(DAY);
            let mut after = before.clone();
            set_span(&mut after, from, to, only("X"));
            prop_assert!(is_in_order(&after));
            for minute in 0..DAY {
                if (from..to).contains(&minute) {
                    prop_assert_eq!(on_at(&after, minute), ["X".to_owned()]);
                } else {
                    prop_assert_eq!(on_at(&after, minute), on_at(&before, minute));
                }
            }
        }

        #[test]
        fn nothing_leaves_a_day_out_of_order(day in some_day(), part in 0usize..9, to in 0u16..=1440) {
            for act in [
                |day: &mut DayType, part: usize, to: u16| move_edge(day, part, to),
                |day: &mut DayType, part: usize, _| merge_away(day, part),
                |day: &mut DayType, _, to: u16| {
                    split(day, to);
                },
            ] {
                let mut one = day.clone();
                act(&mut one, part, to);
                prop_assert!(is_in_order(&one), "{:?}", one);
            }
        }
    }
}
