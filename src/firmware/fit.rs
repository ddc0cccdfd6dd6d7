//! Whether a package suits a meter.

use std::cmp::Ordering;

use crate::drivers::dlms::MeterFirmware;

use super::manifest::Manifest;
use super::version;

/// What becomes of a package that is not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It replaces what runs there.
    Suits,
    /// It is older than what runs there, and that was allowed.
    Downgrades,
    /// The meter runs this version.
    RunsIt,
}

/// Whether a text is what a pattern names; `*` stands for anything. Case and blanks around do not count.
fn is_named(pattern: &str, text: &str) -> bool {
    let plain = |text: &str| text.trim_matches(['\0', ' ']).to_lowercase();
    let (pattern, text) = (plain(pattern), plain(text));
    if pattern.contains('*') { version::matches(&pattern, &text) } else { pattern == text }
}

/// Refuses where none of what the meter says of itself is named.
fn demand(what: &str, wanted: &[String], own: Option<&String>, said: &[String]) -> Result<(), String> {
    if wanted.is_empty() {
        return Ok(());
    }
    // Where a template names the object, that alone counts.
    let said: Vec<&String> = match own {
        Some(own) => vec![own],
        None => said.iter().collect(),
    };
    if said.iter().any(|text| wanted.iter().any(|pattern| is_named(pattern, text))) {
        return Ok(());
    }
    let said = match said.as_slice() {
        [] => "the meter does not say its own".to_owned(),
        all => {
            format!("the meter says {}", all.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(", "))
        }
    };
    Err(format!("the package is for {what} {}, and {said}", wanted.join(", ")))
}

fn demand_maker(manifest: &Manifest, meter: &MeterFirmware) -> Result<(), String> {
    let wanted = manifest.maker.trim();
    let is_code = wanted.len() == 3 && wanted.chars().all(|c| c.is_ascii_alphabetic());
    // A maker's full name is compared only where the meter says more than three letters of its own.
    let said = meter.maker.as_ref().filter(|maker| is_code == (maker.len() == 3));
    let Some(said) = said.filter(|_| !wanted.is_empty()) else { return Ok(()) };
    if is_named(wanted, said) || meter.texts.iter().any(|text| is_named(wanted, text)) {
        return Ok(());
    }
    Err(format!("the package is for meters of {wanted}, and this one is of {said}"))
}

/// Judges a package against what a meter says of itself. `may_go_back` allows an older version.
///
/// # Errors
/// Why it is refused.
pub fn judge(manifest: &Manifest, meter: &MeterFirmware, may_go_back: bool) -> Result<Fit, String> {
    demand_maker(manifest, meter)?;
    demand("models", &manifest.models, meter.model.as_ref(), &meter.texts)?;
    demand("hardware revisions", &manifest.hardware_revisions, meter.hardware.as_ref(), &meter.texts)?;
    let Some(runs) = &meter.version else {
        return Err(
            "the meter does not say which version it runs: whether the flash went well could not be told"
                .to_owned(),
        );
    };
    let brings = &manifest.version;
    if version::is_same(brings, runs) {
        return Ok(Fit::RunsIt);
    }
    let is_listed = manifest.replaces.iter().any(|pattern| version::matches(pattern, runs));
    match version::compare(brings, runs) {
        Some(Ordering::Less) if may_go_back => Ok(Fit::Downgrades),
        Some(Ordering::Less) => Err(format!(
            "version {brings} is older than {runs}, which the meter runs: a downgrade has to be allowed with its reason"
        )),
        _ if is_listed => Ok(Fit::Suits),
        _ if !manifest.replaces.is_empty() => Err(format!(
            "version {brings} replaces {}, and the meter runs {runs}",
            manifest.replaces.join(", ")
        )),
        None if may_go_back => Ok(Fit::Downgrades),
        None => Err(format!(
            "whether version {brings} is later than {runs}, which the meter runs, cannot be told: name {runs} in the manifest's `replaces`"
        )),
        Some(_) => Ok(Fit::Suits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::manifest::{Draft, Hex};

    fn manifest() -> Manifest {
        let draft = Draft {
            maker: "MTW".to_owned(),
            models: vec!["MTW-10*".to_owned()],
            version: "1.5.0".to_owned(),
            image_identifier: Hex(vec![1]),
            ..Draft::default()
        };
        draft.finish(1, [0; 32]).unwrap()
    }

    fn meter(version: &str) -> MeterFirmware {
        MeterFirmware {
            version: Some(version.to_owned()),
            maker: Some("MTW".to_owned()),
            texts: vec!["MTW-101".to_owned(), "26000001".to_owned()],
            ..MeterFirmware::default()
        }
    }

    #[test]
    fn a_later_version_for_this_model_suits() {
        assert_eq!(judge(&manifest(), &meter("MTW 1.4.2"), false), Ok(Fit::Suits));
        assert_eq!(judge(&manifest(), &meter("MTW 1.5.0"), false), Ok(Fit::RunsIt));
    }

    #[test]
    fn a_downgrade_is_refused_unless_it_is_allowed() {
        assert!(judge(&manifest(), &meter("1.6"), false).unwrap_err().contains("older than 1.6"));
        assert_eq!(judge(&manifest(), &meter("1.6"), true), Ok(Fit::Downgrades));
        let listed = Manifest { replaces: vec!["1.6".to_owned()], ..manifest() };
        assert!(judge(&listed, &meter("1.6"), false).is_err(), "listed or not");
    }

    #[test]
    fn another_model_maker_hardware_or_version_is_refused() {
        let other = Manifest { models: vec!["MTW-305".to_owned()], ..manifest() };
        assert!(judge(&other, &meter("1.4.2"), true).unwrap_err().contains("MTW-305"));
        let other = Manifest { maker: "ELS".to_owned(), ..manifest() };
        assert!(judge(&other, &meter("1.4.2"), true).unwrap_err().contains("ELS"));
        let other = Manifest { hardware_revisions: vec!["B".to_owned()], ..manifest() };
        assert!(judge(&other, &meter("1.4.2"), true).unwrap_err().contains("hardware revisions B"));
        let fitting = MeterFirmware { hardware: Some("b".to_owned()), ..meter("1.4.2") };
        assert_eq!(judge(&other, &fitting, false), Ok(Fit::Suits));
        let from = Manifest { replaces: vec!["1.3.*".to_owned()], ..manifest() };
        assert!(judge(&from, &meter("1.4.2"), false).unwrap_err().contains("replaces 1.3.*"));
    }

    #[test]
    fn a_version_that_cannot_be_compared_has_to_be_named() {
        assert!(judge(&manifest(), &meter("alpha"), false).is_err());
        let named = Manifest { replaces: vec!["alpha".to_owned()], ..manifest() };
        assert_eq!(judge(&named, &meter("alpha"), false), Ok(Fit::Suits));
        let silent = MeterFirmware { version: None, ..meter("") };
        assert!(judge(&manifest(), &silent, true).is_err());
    }

    #[test]
    fn a_makers_full_name_is_not_held_against_three_letters() {
        let full = Manifest { maker: "Meterwright Ltd".to_owned(), ..manifest() };
        assert_eq!(judge(&full, &meter("1.4.2"), false), Ok(Fit::Suits));
    }
}
