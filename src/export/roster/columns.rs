//! What a column of a list of meters means: how it is written, how it is read.

use std::collections::BTreeSet;

use crate::model::{Line, MeterConfig, MeterPatch, PointDetails, RatioHistory, Side};
use crate::store::ListedMeter;

use super::ratios::{RatioPart, ratio};
use super::sheet::DecimalSign;

/// What a column means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Column {
    /// Name.
    Name,
    /// Serial number.
    Serial,
    /// Line.
    Line,
    /// Template.
    Template,
    /// Server address.
    Address,
    /// Client address.
    Client,
    /// This program's system title.
    ClientTitle,
    /// The meter's system title.
    ServerTitle,
    /// Authentication.
    Auth,
    /// Protection.
    Security,
    /// Metering point.
    Point,
    /// Group.
    Group,
    /// Time zone.
    TimeZone,
    /// Which side of the transformers the registers stand for.
    RegistersIn,
    /// Free text about the meter.
    Note,
    /// Where the point is.
    Location,
    /// The customer's reference.
    Customer,
    /// Free text about the point.
    PointNotes,
    /// Links to photos, a line each.
    Photos,
    /// What the plate of the current transformers says.
    NameplateCt,
    /// What the plate of the voltage transformers says.
    NameplateVt,
    /// A part of the ratios of its point.
    Ratio(RatioPart),
    /// A field of one's own, by its name.
    Field(String),
}

/// What a header has in front of the name of a field of one's own.
const FIELD: &str = "field:";

/// A setting that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub column: Column,
    /// As it stands.
    pub before: String,
    /// As it would be.
    pub after: String,
}

fn word<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn parse<T: std::str::FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

impl Column {
    /// All but the fields of one's own, in the order written.
    pub const ALL: [Self; 28] = [
        Self::Name,
        Self::Serial,
        Self::Line,
        Self::Template,
        Self::Address,
        Self::Client,
        Self::ClientTitle,
        Self::ServerTitle,
        Self::Auth,
        Self::Security,
        Self::Point,
        Self::Group,
        Self::TimeZone,
        Self::RegistersIn,
        Self::Note,
        Self::Location,
        Self::Customer,
        Self::PointNotes,
        Self::Photos,
        Self::NameplateCt,
        Self::NameplateVt,
        Self::Ratio(RatioPart::From),
        Self::Ratio(RatioPart::Ct),
        Self::Ratio(RatioPart::Vt),
        Self::Ratio(RatioPart::AppliedByMeter),
        Self::Ratio(RatioPart::CtClass),
        Self::Ratio(RatioPart::VtClass),
        Self::Ratio(RatioPart::MeterClass),
    ];

    /// The header: one of a few words, for people, for headers of other programs.
    const fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", "Name"),
            Self::Serial => ("serial", "Serial number"),
            Self::Line => ("line", "Line"),
            Self::Template => ("template", "Template"),
            Self::Address => ("address", "Server address"),
            Self::Client => ("client", "Client address"),
            Self::ClientTitle => ("client_title", "Client system title"),
            Self::ServerTitle => ("server_title", "Server system title"),
            Self::Auth => ("auth", "Authentication"),
            Self::Security => ("security", "Protection"),
            Self::Point => ("point", "Metering point"),
            Self::Group => ("group", "Group"),
            Self::TimeZone => ("time_zone", "Time zone"),
            Self::RegistersIn => ("registers_in", "Registers are"),
            Self::Note => ("note", "Note"),
            Self::Location => ("location", "Location"),
            Self::Customer => ("customer", "Customer reference"),
            Self::PointNotes => ("point_notes", "Notes of the point"),
            Self::Photos => ("photos", "Photos"),
            Self::NameplateCt => ("nameplate_ct", "Nameplate CT"),
            Self::NameplateVt => ("nameplate_vt", "Nameplate VT"),
            Self::Ratio(RatioPart::From) => ("ratio_from", "Ratios hold from"),
            Self::Ratio(RatioPart::Ct) => ("ratio_ct", "CT ratio since then"),
            Self::Ratio(RatioPart::Vt) => ("ratio_vt", "VT ratio since then"),
            Self::Ratio(RatioPart::AppliedByMeter) => ("ratio_applied_by_meter", "Applied by meter"),
            Self::Ratio(RatioPart::CtClass) => ("ratio_ct_class", "Class of the CTs"),
            Self::Ratio(RatioPart::VtClass) => ("ratio_vt_class", "Class of the VTs"),
            Self::Ratio(RatioPart::MeterClass) => ("ratio_meter_class", "Class of the meter"),
            Self::Field(_) => ("field", "Field"),
        }
    }

    /// As it stands in the header of a list that this program writes.
    #[must_use]
    pub fn header(&self) -> String {
        match self {
            Self::Field(name) => format!("{FIELD}{name}"),
            other => other.words().0.to_owned(),
        }
    }

    /// For people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Field(name) => name.clone(),
            other => other.words().1.to_owned(),
        }
    }

    /// The column that a header of this program names, whatever its case.
    #[must_use]
    pub fn of_header(header: &str) -> Option<Self> {
        let header = header.trim();
        let own = Self::ALL.iter().find(|column| column.words().0.eq_ignore_ascii_case(header));
        own.cloned().or_else(|| {
            let field = header.get(..FIELD.len()).filter(|start| start.eq_ignore_ascii_case(FIELD));
            let name = header.get(FIELD.len()..)?.trim();
            field.filter(|_| !name.is_empty()).map(|_| Self::Field(name.to_owned()))
        })
    }

    /// What a list says of a meter.
    #[must_use]
    pub fn write(&self, config: &MeterConfig, point: &PointDetails, ratios: &RatioHistory) -> String {
        match self {
            Self::Name => config.name.clone(),
            Self::Serial => word(&config.serial),
            Self::Line => config.line.to_string(),
            Self::Template => config.template.clone(),
            Self::Address => word(&config.address),
            Self::Client => word(&config.client),
            Self::ClientTitle => word(&config.client_title),
            Self::ServerTitle => word(&config.server_title),
            Self::Auth => config.auth.to_string(),
            Self::Security => config.security.to_string(),
            Self::Point => word(&config.point),
            Self::Group => word(&config.group),
            Self::TimeZone => word(&config.time_zone),
            Self::RegistersIn => config.registers_in.name().to_owned(),
            Self::Note => config.note.clone(),
            Self::Location => point.location.clone(),
            Self::Customer => point.customer.clone(),
            Self::PointNotes => point.notes.clone(),
            Self::Photos => point.photos.join("\n"),
            Self::NameplateCt => word(&point.plate.and_then(|plate| plate.ct)),
            Self::NameplateVt => word(&point.plate.and_then(|plate| plate.vt)),
            Self::Ratio(part) => part.write(ratios),
            Self::Field(name) => point.fields.get(name).cloned().unwrap_or_default(),
        }
    }

    /// Takes a cell that is not empty. Those of ratios say something only together, and are left to whoever has
    /// all of them.
    ///
    /// # Errors
    /// Why it cannot be taken, with what to write.
    pub fn read(&self, patch: &mut MeterPatch, text: &str, decimal: DecimalSign) -> Result<(), String> {
        let owned = text.to_owned();
        match self {
            Self::Name if text.chars().any(char::is_control) => {
                return Err("it has a character that cannot be shown".to_owned());
            }
            Self::Name => patch.name = Some(owned),
            Self::Serial => patch.serial = Some(Some(owned)),
            Self::Line => patch.line.whole = Some(parse::<Line>(text)?),
            // Whether there is such a template is asked of the catalogue.
            Self::Template => patch.template = Some(owned),
            Self::Address => patch.address = Some(Some(parse(text)?)),
            Self::Client => {
                let client = text.parse().map_err(|_| format!("`{text}` is not a number from 0 to 65535"))?;
                patch.client = Some(Some(client));
            }
            Self::ClientTitle => patch.client_title = Some(Some(parse(text)?)),
            Self::ServerTitle => patch.server_title = Some(Some(parse(text)?)),
            Self::Auth => patch.auth = Some(parse(text)?),
            Self::Security => patch.security = Some(parse(text)?),
            Self::Point => patch.point = Some(Some(owned)),
            Self::Group => patch.group = Some(Some(owned)),
            Self::TimeZone => {
                jiff::tz::TimeZone::get(text).map_err(|_| {
                    format!("there is no time zone `{text}`: write one such as Europe/London")
                })?;
                patch.time_zone = Some(Some(owned));
            }
            Self::RegistersIn => {
                let sides = [Side::Primary, Side::Secondary];
                let side = sides.into_iter().find(|side| side.name().eq_ignore_ascii_case(text));
                patch.registers_in = Some(side.ok_or("write primary or secondary")?);
            }
            Self::Note => patch.note = Some(owned),
            Self::Location => patch.about.location = Some(owned),
            Self::Customer => patch.about.customer = Some(owned),
            Self::PointNotes => patch.about.notes = Some(owned),
            Self::Photos => {
                let links = text.lines().map(str::trim).filter(|link| !link.is_empty());
                patch.about.photos = Some(links.map(str::to_owned).collect());
            }
            Self::NameplateCt => patch.about.plate_ct = Some(Some(ratio(text, decimal)?)),
            Self::NameplateVt => patch.about.plate_vt = Some(Some(ratio(text, decimal)?)),
            Self::Ratio(_) => {}
            Self::Field(name) => drop(patch.about.fields.insert(name.clone(), Some(owned))),
        }
        Ok(())
    }

    /// Takes the setting away; false where a meter cannot do without it.
    #[must_use]
    pub fn clear(&self, patch: &mut MeterPatch) -> bool {
        match self {
            Self::Name | Self::Line | Self::Template | Self::Auth | Self::Security | Self::RegistersIn => {
                return false;
            }
            Self::Serial => patch.serial = Some(None),
            Self::Address => patch.address = Some(None),
            Self::Client => patch.client = Some(None),
            Self::ClientTitle => patch.client_title = Some(None),
            Self::ServerTitle => patch.server_title = Some(None),
            Self::Point => patch.point = Some(None),
            Self::Group => patch.group = Some(None),
            Self::TimeZone => patch.time_zone = Some(None),
            Self::Note => patch.note = Some(String::new()),
            Self::Location => patch.about.location = Some(String::new()),
            Self::Customer => patch.about.customer = Some(String::new()),
            Self::PointNotes => patch.about.notes = Some(String::new()),
            Self::Photos => patch.about.photos = Some(Vec::new()),
            Self::NameplateCt => patch.about.plate_ct = Some(None),
            Self::NameplateVt => patch.about.plate_vt = Some(None),
            Self::Ratio(_) => {}
            Self::Field(name) => drop(patch.about.fields.insert(name.clone(), None)),
        }
        true
    }
}

/// The fields of one's own that some of these meters' points have, by name.
#[must_use]
pub fn own_fields<'a>(meters: impl IntoIterator<Item = &'a ListedMeter>) -> Vec<Column> {
    let names: BTreeSet<&String> = meters.into_iter().flat_map(|meter| meter.details.fields.keys()).collect();
    names.into_iter().map(|name| Column::Field(name.clone())).collect()
}

/// What would differ of a meter.
#[must_use]
pub fn differences(
    before: &ListedMeter,
    config: &MeterConfig,
    point: &PointDetails,
    ratios: &RatioHistory,
) -> Vec<Difference> {
    let fields: BTreeSet<&String> = before.details.fields.keys().chain(point.fields.keys()).collect();
    let fields = fields.into_iter().map(|name| Column::Field(name.clone()));
    let mut all = Vec::new();
    for column in Column::ALL.into_iter().chain(fields) {
        let old = column.write(&before.config, &before.details, &before.ratios);
        let new = column.write(config, point, ratios);
        if old != new {
            all.push(Difference { column, before: old, after: new });
        }
    }
    all
}
