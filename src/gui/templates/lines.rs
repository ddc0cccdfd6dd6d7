//! What a template says, as lines for a list that draws only those that are seen.

use crate::model::template::{Section, Template, describe};

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A section begins.
    Title(String),
    /// A setting: label and value; whether it is as usual.
    Setting(String, String, bool),
}

/// The lines of a template that hold what is sought; without what is as usual where that is wanted.
pub(super) fn lines(template: &Template, sought: &str, all: bool) -> Vec<Line> {
    let wanted = sought.trim().to_lowercase();
    let mut lines = Vec::new();
    for Section { title, rows, .. } in describe(template) {
        let is_whole = !wanted.is_empty() && title.to_lowercase().contains(&wanted);
        let mut inside = Vec::new();
        for row in rows {
            // The note stands above all lines, where it has room.
            if row.pointer == "/note" || !all && row.is_usual && wanted.is_empty() {
                continue;
            }
            let fits = is_whole
                || row.label.to_lowercase().contains(&wanted)
                || row.value.to_lowercase().contains(&wanted);
            if fits {
                inside.push(Line::Setting(row.label, row.value, row.is_usual));
            }
        }
        if !inside.is_empty() {
            lines.push(Line::Title(title));
            lines.extend(inside);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sought_is_found_in_labels_values_and_titles() {
        let template = Template::named("dlms-idis").unwrap();
        let found = lines(&template, "terminal cover", false);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], Line::Title("Event texts".to_owned()));
        assert!(lines(&template, "timing that is not there", false).is_empty());
        let usual = lines(&template, "window", false);
        assert!(
            usual.iter().any(|line| matches!(line, Line::Setting(_, _, true))),
            "sought is shown though usual"
        );
        assert!(lines(&template, "", true).len() > lines(&template, "", false).len());
    }
}
