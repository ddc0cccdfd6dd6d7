//! Time zones by their IANA names, found by a part of the name.

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;

/// Every name that ships with the program, in order.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let database = TimeZoneDatabase::bundled();
    let mut names: Vec<String> = database.available().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    names
});

/// The name as the IANA database spells it.
pub(super) fn exact(text: &str) -> Result<String, String> {
    let text = text.trim();
    let found = NAMES.iter().find(|name| name.eq_ignore_ascii_case(text));
    found.cloned().ok_or_else(|| "write a part of the name, such as london, and choose one".to_owned())
}

/// Zones whose name holds all words, those first whose city begins so.
pub(super) fn matching(text: &str, most: usize) -> Vec<&'static str> {
    let wanted = text.trim().to_lowercase().replace(' ', "_");
    if wanted.is_empty() {
        return Vec::new();
    }
    let found = NAMES.iter().map(String::as_str).filter(|name| name.to_lowercase().contains(&wanted));
    let mut found: Vec<&str> = found.collect();
    found.sort_by_key(|name| {
        let city = name.rsplit('/').next().unwrap_or(name).to_lowercase();
        (!city.starts_with(&wanted), !name.contains('/'))
    });
    found.truncate(most);
    found
}
