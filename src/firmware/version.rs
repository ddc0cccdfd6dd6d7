//! Which of two firmware versions is the later one.
//!
//! A version is compared from its first digit on, so that `MTW 1.4.2` and `1.4.2` are the same. Its leading numbers,
//! joined by dots, are compared as numbers of any length, a missing one as nought. After equal numbers, what begins
//! with `-` comes before nothing (`2.0-rc1` before `2.0`), anything else after it (`2.0` before `2.0b`); runs of digits
//! in there are numbers again.

use std::cmp::Ordering;

/// The part of a version that is compared; nothing where it has no digit.
fn core(version: &str) -> Option<&str> {
    let start = version.find(|c: char| c.is_ascii_digit())?;
    version.get(start..).map(str::trim_end)
}

/// Digits as a number of any length.
fn by_number(one: &str, other: &str) -> Ordering {
    let plain = |digits: &str| digits.trim_start_matches('0').to_owned();
    let (one, other) = (plain(one), plain(other));
    one.len().cmp(&other.len()).then_with(|| one.cmp(&other))
}

/// The dotted numbers in front, and what follows them.
fn split(core: &str) -> (Vec<&str>, &str) {
    let mut numbers = Vec::new();
    let mut rest = core;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        numbers.push(digits);
        match after.strip_prefix('.').filter(|next| next.starts_with(|c: char| c.is_ascii_digit())) {
            Some(next) => rest = next,
            None => return (numbers, after),
        }
    }
}

/// Runs of digits and of anything else.
fn runs(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        found.push(run);
        rest = after;
    }
    found
}

fn by_suffix(one: &str, other: &str) -> Ordering {
    let rank = |text: &str| if text.is_empty() { 1 } else { i32::from(!text.starts_with('-')) * 2 };
    rank(one).cmp(&rank(other)).then_with(|| {
        let (one, other) = (runs(one), runs(other));
        for (left, right) in one.iter().zip(&other) {
            let are_numbers = [left, right].iter().all(|run| run.starts_with(|c: char| c.is_ascii_digit()));
            let order = if are_numbers { by_number(left, right) } else { left.cmp(right) };
            if order != Ordering::Equal {
                return order;
            }
        }
        one.len().cmp(&other.len())
    })
}

/// Compares two versions; nothing where one of them has no digit.
#[must_use]
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let ((left, left_rest), (right, right_rest)) = (split(core(one)?), split(core(other)?));
    for place in 0..left.len().max(right.len()) {
        let number =
            |numbers: &[&str]| numbers.get(place).map_or(String::new(), |digits| (*digits).to_owned());
        match by_number(&number(&left), &number(&right)) {
            Ordering::Equal => {}
            order => return Some(order),
        }
    }
    Some(by_suffix(left_rest.trim(), right_rest.trim()))
}

/// Whether what a meter says is the version of a manifest: the whole text, or one of its words. Case and a leading
/// `v` do not count.
#[must_use]
pub fn is_same(manifest: &str, reported: &str) -> bool {
    let plain = |text: &str| {
        let text = text.trim_matches(['\0', ' ']).to_ascii_lowercase();
        match text.strip_prefix('v') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
            _ => text,
        }
    };
    let wanted = plain(manifest);
    let is_it = |text: &str| plain(text) == wanted;
    !wanted.is_empty() && (is_it(reported) || reported.split_whitespace().any(is_it))
}

/// Whether a version is one that a pattern names: the version itself, or with `*` for anything.
#[must_use]
pub fn matches(pattern: &str, version: &str) -> bool {
    if !pattern.contains('*') {
        return is_same(pattern, version) || compare(pattern, version) == Some(Ordering::Equal);
    }
    let glob = |text: &str| {
        let mut pieces = pattern.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(mut rest) = text.strip_prefix(first) else { return false };
        let mut pieces: Vec<&str> = pieces.collect();
        let last = pieces.pop().unwrap_or_default();
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.ends_with(last)
    };
    glob(version.trim()) || version.split_whitespace().any(glob)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_people_read_them() {
        for (earlier, later) in [
            ("1.4.2", "1.5.0"),
            ("MTW 1.4.2", "1.10"),
            ("1.9", "1.10"),
            ("2.0-rc1", "2.0"),
            ("2.0-rc2", "2.0-rc10"),
            ("2.0", "2.0b"),
            ("V1.0.2", "v1.0.3 build 1"),
            ("9", "184467440737095516160"),
            ("1.0", "1.0.1"),
        ] {
            assert_eq!(compare(earlier, later), Some(Ordering::Less), "{earlier} {later}");
            assert_eq!(compare(later, earlier), Some(Ordering::Greater), "{later} {earlier}");
        }
        assert_eq!(compare("1.0", "1.0.0"), Some(Ordering::Equal));
        assert_eq!(compare("01.4", "1.04"), Some(Ordering::Equal));
        assert_eq!(compare("unknown", "1.0"), None);
    }

    #[test]
    fn a_meter_may_say_more_than_the_version_but_not_another_one() {
        assert!(is_same("1.5.0", "MTW 1.5.0"));
        assert!(is_same("MTW 1.5.0", "MTW 1.5.0\0\0"));
        assert!(is_same("v1.5.0", "1.5.0"));
        for (manifest, reported) in [("1.5.0", "1.5.01"), ("1.5", "1.5.0"), ("", ""), ("1.5.0", "11.5.0")] {
            assert!(!is_same(manifest, reported), "{manifest} {reported}");
        }
    }

    #[test]
    fn a_pattern_names_versions() {
        assert!(matches("1.4.*", "MTW 1.4.2"));
        assert!(matches("*", "anything"));
        assert!(matches("1.*.2", "1.14.2"));
        assert!(matches("1.4.0", "1.4"));
        assert!(!matches("1.4.*", "1.5.0"));
        assert!(!matches("1*5", "1.4"));
    }

    proptest::proptest! {
        #[test]
        fn comparing_never_breaks_and_turns_round(one in ".{0,24}", other in ".{0,24}") {
            proptest::prop_assert_eq!(compare(&one, &other), compare(&other, &one).map(Ordering::reverse));
        }
    }
}
