//! Names that may have been meant.

/// Up to five names that may have been meant, the closest first.
#[must_use]
pub fn close_to<'a>(wanted: &str, names: &[&'a str]) -> Vec<&'a str> {
    // Nobody mistypes a name of a hundred letters, and counting would take its time.
    if wanted.len() > 100 {
        return Vec::new();
    }
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
