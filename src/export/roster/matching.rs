//! Which column of a file means what, by its header.

use std::collections::BTreeMap;

use super::columns::Column;

/// What [`super::write_rejected`] puts in front of a file's own columns; an import leaves these out.
pub const REJECTED_COLUMNS: [&str; 2] = ["rejected_row", "rejected_because"];

/// Headers of other programs, as [`plain`] has them.
const SYNONYMS: [(Column, &[&str]); 21] = [
    (Column::Name, &["meter", "metername", "meterid", "title", "label", "bezeichnung", "nom", "nombre"]),
    (
        Column::Serial,
        &[
            "serialnumber",
            "serialno",
            "serialnr",
            "meterserial",
            "meterserialnumber",
            "meternumber",
            "meterno",
            "msn",
            "sn",
            "zahlernummer",
            "zaehlernummer",
            "seriennummer",
            "numerodeserie",
            "nserie",
            "matricola",
        ],
    ),
    (Column::Line, &["connection", "url", "uri", "endpoint", "channel", "leitung", "verbindung"]),
    (Column::Template, &["model", "metertype", "type", "device", "devicetype", "typ"]),
    (
        Column::Address,
        &[
            "serveraddress",
            "hdlcaddress",
            "physicaladdress",
            "logicaladdress",
            "server",
            "outstation",
            "deviceaddress",
        ],
    ),
    (Column::Client, &["clientaddress", "clientid", "sap", "clientsap"]),
    (Column::ClientTitle, &["clientsystemtitle"]),
    (Column::ServerTitle, &["systemtitle", "serversystemtitle", "metersystemtitle"]),
    (Column::Auth, &["authentication", "authenticationlevel"]),
    (Column::Security, &["protection", "securitylevel", "securitypolicy"]),
    (
        Column::Point,
        &[
            "meteringpoint",
            "measuringpoint",
            "meteringpointname",
            "mpan",
            "mprn",
            "zahlpunkt",
            "zaehlpunkt",
            "pod",
            "ean",
            "pdl",
        ],
    ),
    (Column::Group, &["groups", "district", "area", "region", "folder", "gruppe", "path"]),
    (Column::TimeZone, &["timezone", "tz", "zone", "zeitzone"]),
    (Column::RegistersIn, &["registersare", "side", "registerside"]),
    (Column::Note, &["notes", "comment", "comments", "remark", "remarks", "bemerkung"]),
    (
        Column::Location,
        &[
            "site",
            "street",
            "place",
            "premises",
            "standort",
            "adresse",
            "premisesaddress",
            "installationaddress",
        ],
    ),
    (
        Column::Customer,
        &[
            "customerreference",
            "customernumber",
            "customerno",
            "customerid",
            "contract",
            "contractnumber",
            "account",
            "accountnumber",
            "kunde",
            "kundennummer",
        ],
    ),
    (Column::PointNotes, &["pointnote", "notesofthepoint", "meteringpointnotes"]),
    (Column::Photos, &["photo", "pictures", "picture", "images", "links"]),
    (Column::NameplateCt, &["ct", "ctratio", "ctnameplate", "currenttransformer", "currenttransformers"]),
    (
        Column::NameplateVt,
        &["vt", "pt", "vtratio", "ptratio", "vtnameplate", "voltagetransformer", "voltagetransformers"],
    ),
];

/// A header without case, accents of the commonest kind, spaces and punctuation.
fn plain(header: &str) -> String {
    let fold = |c: char| match c {
        'ä' | 'á' | 'à' | 'â' => 'a',
        'é' | 'è' | 'ê' => 'e',
        'ö' | 'ó' | 'ô' => 'o',
        'ü' | 'ú' | 'û' => 'u',
        'í' | 'î' => 'i',
        other => other,
    };
    header.chars().flat_map(char::to_lowercase).map(fold).filter(|c| c.is_alphanumeric()).collect()
}

/// Whether a header names something that belongs into the vault: it is never shown, nor written anywhere.
#[must_use]
pub fn sounds_secret(header: &str) -> bool {
    let plain = plain(header);
    let words = ["password", "passphrase", "secret", "passwort", "kennwort"];
    words.iter().any(|word| plain.contains(word)) || plain.ends_with("key") || plain == "pin"
}

/// Whether a column is one that this program put into a file of rejected rows.
#[must_use]
pub fn is_of_rejects(header: &str) -> bool {
    REJECTED_COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(header.trim()))
}

fn one(header: &str) -> Option<Column> {
    let plain = plain(header);
    Column::of_header(header)
        .or_else(|| Column::ALL.into_iter().find(|column| self::plain(&column.title()) == plain))
        .or_else(|| {
            let found = SYNONYMS.iter().find(|(_, words)| words.contains(&plain.as_str()));
            found.map(|(column, _)| column.clone())
        })
}

/// What each column of a file means, as far as its header tells: as it was matched before, by this program's own
/// headers, or by those that other programs use. Where two mean the same, the first has it.
#[must_use]
pub fn guess(header: &[String], before: &BTreeMap<String, String>) -> Vec<Option<Column>> {
    let mut taken: Vec<Column> = Vec::new();
    let mut once = |column: Option<Column>| {
        let column = column.filter(|column| !taken.contains(column))?;
        taken.push(column.clone());
        Some(column)
    };
    // What is sure goes first, so that a guess does not take its place.
    let sure: Vec<Option<Option<Column>>> = header
        .iter()
        .map(|text| match before.get(&plain(text)) {
            Some(kept) if kept.is_empty() => Some(None),
            Some(kept) => Column::of_header(kept).map(|column| once(Some(column))),
            None => Column::of_header(text).map(|column| once(Some(column))),
        })
        .collect();
    header.iter().zip(sure).map(|(text, sure)| sure.unwrap_or_else(|| once(one(text)))).collect()
}

/// What was matched, to be kept for the next file: headers as [`guess`] looks them up, and what they mean; an empty
/// text where a column is left out.
#[must_use]
pub fn matching_to_keep(header: &[String], columns: &[Option<Column>]) -> BTreeMap<String, String> {
    let pairs =
        header.iter().zip(columns).filter(|(text, _)| !plain(text).is_empty() && !is_of_rejects(text));
    pairs
        .map(|(text, column)| (plain(text), column.as_ref().map(Column::header).unwrap_or_default()))
        .collect()
}
