//! The fields of a change of many meters.

use egui::{Response, Ui, Vec2};

use crate::export::roster::{Column, DecimalSign, own_fields};
use crate::gui::meters::form_ui::{auth_title, security_title};
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, combo, number, text_field};
use crate::model::{Auth, Catalogue, LinePatch, Medium, MeterPatch, Security, ip_end, serial_end};
use crate::store::ListedMeter;

/// The sections of the dialog, in order.
pub(super) const SECTIONS: [&str; 5] = ["Place", "Line", "Access", "Metering points", "Fields of your own"];

const MEDIA: [Medium; 3] = [Medium::Direct, Medium::Plc, Medium::Mesh];

/// A part of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Host,
    IpPort,
    SerialPort,
    Baud,
    Medium,
    Network,
}

/// What a field stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Column(Column),
    Part(Part),
}

/// A field with what the meters have in it.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) what: What,
    /// What all meters that have it have in common; nothing where they differ.
    common: Option<String>,
    /// How many of the meters have no such part.
    lacking: usize,
    text: String,
    touched: bool,
    /// Words with their titles, where it is one of a few.
    choices: Vec<(String, String)>,
    /// It was added just now: the cursor goes there.
    is_new: bool,
}

const COLUMNS: [(Column, usize); 13] = [
    (Column::Group, 0),
    (Column::Template, 0),
    (Column::TimeZone, 0),
    (Column::RegistersIn, 0),
    (Column::Note, 0),
    (Column::Auth, 2),
    (Column::Security, 2),
    (Column::Client, 2),
    (Column::Address, 2),
    (Column::Location, 3),
    (Column::Customer, 3),
    (Column::PointNotes, 3),
    (Column::NameplateCt, 3),
];

const PARTS: [Part; 6] =
    [Part::Host, Part::IpPort, Part::SerialPort, Part::Baud, Part::Medium, Part::Network];

impl Part {
    const fn title(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::IpPort => "Port of the host",
            Self::SerialPort => "Serial port",
            Self::Baud => "Baud",
            Self::Medium => "Medium",
            Self::Network => "Gateway network",
        }
    }

    /// What a meter has there; nothing where its line has no such part.
    fn of(self, meter: &ListedMeter) -> Option<String> {
        let mut path = meter.config.line.path.clone();
        match self {
            Self::Host => ip_end(&mut path).map(|end| end.host.clone()),
            Self::IpPort => ip_end(&mut path).map(|end| end.port.to_string()),
            Self::SerialPort => serial_end(&mut path).map(|end| end.port.clone()),
            Self::Baud => serial_end(&mut path).map(|end| end.baud.to_string()),
            Self::Medium => Some(meter.config.line.medium.word().to_owned()),
            Self::Network => meter.config.line.gateway.as_ref().map(|gateway| gateway.network.to_string()),
        }
    }

    fn read(self, patch: &mut LinePatch, text: &str) -> Result<(), String> {
        if text.is_empty() {
            return Err("A line cannot do without it".to_owned());
        }
        match self {
            Self::Host if text.contains(char::is_whitespace) => return Err("A host has no blanks".to_owned()),
            Self::Host => {
                let host = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
                patch.host = Some(host.to_owned());
            }
            Self::IpPort => {
                let port = text.parse().ok().filter(|port| *port != 0);
                patch.ip_port = Some(port.ok_or("Write a number from 1 to 65535")?);
            }
            Self::SerialPort => patch.serial_port = Some(text.to_owned()),
            Self::Baud => {
                let baud = text.parse().ok().filter(|baud| (50..=4_000_000).contains(baud));
                patch.baud = Some(baud.ok_or("Write a number from 50 to 4000000")?);
            }
            Self::Medium => {
                let medium = MEDIA.into_iter().find(|medium| medium.word() == text);
                patch.medium = Some(medium.ok_or("Choose a medium")?);
            }
            Self::Network => patch.network = Some(text.parse().map_err(|_| "Write a number from 0 to 255")?),
        }
        Ok(())
    }
}

const fn medium_title(medium: Medium) -> &'static str {
    match medium {
        Medium::Direct => "A line of its own",
        Medium::Plc => "Power-line carrier",
        Medium::Mesh => "Radio mesh",
    }
}

/// What these meters have in common; whether there is one value, and how many have none.
fn common(values: impl Iterator<Item = Option<String>>) -> (Option<String>, usize, usize) {
    let (mut one, mut lacking, mut has) = (None, 0, 0);
    let mut differ = false;
    for value in values {
        let Some(value) = value else {
            lacking += 1;
            continue;
        };
        has += 1;
        match &one {
            None => one = Some(value),
            Some(first) => differ |= *first != value,
        }
    }
    (one.filter(|_| !differ), lacking, has)
}

fn words<T: ToString>(all: &[T], title: impl Fn(&T) -> String) -> Vec<(String, String)> {
    all.iter().map(|one| (one.to_string(), title(one))).collect()
}

fn choices(what: &What, templates: &Catalogue) -> Vec<(String, String)> {
    let pair = |word: &str, title: &str| (word.to_owned(), title.to_owned());
    match what {
        What::Column(Column::Template) => templates.choices(),
        What::Column(Column::Auth) => words(Auth::ALL, |auth| auth_title(*auth).to_owned()),
        What::Column(Column::Security) => words(Security::ALL, |one| security_title(*one).to_owned()),
        What::Column(Column::RegistersIn) => {
            vec![pair("secondary", "Secondary, or no transformers"), pair("primary", "Primary")]
        }
        What::Part(Part::Medium) => MEDIA.map(|medium| pair(medium.word(), medium_title(medium))).to_vec(),
        _ => Vec::new(),
    }
}

/// The fields for some meters.
pub(super) fn slots(meters: &[ListedMeter], templates: &Catalogue) -> Vec<Slot> {
    let columns = COLUMNS.iter().map(|(column, _)| column.clone());
    let columns = columns.chain([Column::NameplateVt]).chain(own_fields(meters)).map(What::Column);
    let mut all = Vec::new();
    for what in columns.chain(PARTS.map(What::Part)) {
        let values = meters.iter().map(|meter| match &what {
            What::Column(column) => Some(column.write(&meter.config, &meter.details, &meter.ratios)),
            What::Part(part) => part.of(meter),
        });
        let (common, lacking, has) = common(values);
        if has > 0 {
            let text = common.clone().unwrap_or_default();
            let choices = choices(&what, templates);
            all.push(Slot { what, common, lacking, text, touched: false, choices, is_new: false });
        }
    }
    all
}

impl Slot {
    /// A field of one's own that no meter has yet.
    pub(super) fn own(name: &str) -> Self {
        let what = What::Column(Column::Field(name.to_owned()));
        let (common, text) = (Some(String::new()), String::new());
        Self { what, common, lacking: 0, text, touched: false, choices: Vec::new(), is_new: true }
    }

    pub(super) fn is_field(&self, name: &str) -> bool {
        matches!(&self.what, What::Column(Column::Field(own)) if own == name)
    }

    pub(super) fn section(&self) -> usize {
        match &self.what {
            What::Part(_) => 1,
            What::Column(Column::Field(_)) => 4,
            What::Column(column) => {
                COLUMNS.iter().find(|(one, _)| one == column).map_or(3, |(_, section)| *section)
            }
        }
    }

    /// Whether it was touched, and says something else than what stands there.
    pub(super) fn is_touched(&self) -> bool {
        self.touched && self.common.as_deref() != Some(self.text.as_str())
    }

    fn title(&self) -> String {
        match &self.what {
            What::Column(column) => column.title(),
            What::Part(part) => part.title().to_owned(),
        }
    }

    /// Puts what was entered into a patch; nothing where it was not touched.
    pub(super) fn read(&self, patch: &mut MeterPatch) -> Result<(), String> {
        if !self.is_touched() {
            return Ok(());
        }
        let text = self.text.trim();
        match &self.what {
            What::Part(part) => part.read(&mut patch.line, text),
            What::Column(column) if text.is_empty() => {
                if column.clear(patch) {
                    Ok(())
                } else {
                    Err("A meter cannot do without it".to_owned())
                }
            }
            What::Column(column) => column.read(patch, text, DecimalSign::Point),
        }
    }

    /// What is wrong with what was entered.
    pub(super) fn problem(&self) -> Option<String> {
        self.read(&mut MeterPatch::default()).err()
    }

    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, width: f32) {
        let title = self.title();
        let problem = self.problem();
        ui.vertical(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing = Vec2::new(4.0, 4.0);
            let t = tokens(ui);
            let ink = if self.is_touched() { t.accent.0 } else { t.text_secondary.0 };
            let words = match (self.is_touched(), &self.common) {
                (true, _) => format!("{title} · changed"),
                (false, None) => format!("{title} · several values"),
                (false, Some(_)) => title.clone(),
            };
            ui.label(strong(words).size(SIZES[0]).color(ink));
            ui.horizontal(|ui| {
                let room = if self.touched { width - 36.0 } else { width };
                let control = self.control(ui, &title, room, problem.is_some());
                if control {
                    self.touched = true;
                }
                if self.touched {
                    let name = format!("Leave {title} as it is");
                    if ui.add(Act::icon_only(Icon::Undo, &name)).clicked() {
                        self.touched = false;
                        self.text = self.common.clone().unwrap_or_default();
                    }
                }
            });
            let remark = match (&problem, self.lacking) {
                (Some(why), _) => Some((why.clone(), t.bad.0)),
                (None, 0) => None,
                (None, many) => {
                    Some((format!("{} of the meters have none", number(many)), t.text_secondary.0))
                }
            };
            if let Some((words, ink)) = remark {
                ui.label(egui::RichText::new(words).size(SIZES[0]).color(ink));
            }
        });
    }

    /// The field itself; true where it was touched just now.
    fn control(&mut self, ui: &mut Ui, title: &str, width: f32, wrong: bool) -> bool {
        let differs = self.common.is_none() && !self.touched;
        if self.choices.is_empty() {
            let hint = if differs { "Several values" } else { "None" };
            let response: Response = text_field(ui, &mut self.text, hint, width, wrong);
            if std::mem::take(&mut self.is_new) {
                response.request_focus();
                response.scroll_to_me(None);
            }
            return response.accessible_name(title).changed();
        }
        let current = match self.choices.iter().find(|(word, _)| *word == self.text) {
            _ if differs => "Several values".to_owned(),
            Some((_, title)) => title.clone(),
            None => self.text.clone(),
        };
        let mut touched = false;
        combo(ui, ("bulk", title), title, width, current, |ui| {
            for (word, title) in &self.choices {
                if ui.selectable_label(*word == self.text && !differs, title).clicked() {
                    self.text.clone_from(word);
                    touched = true;
                }
            }
        });
        touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MeterConfig, MeterId, PointDetails, RatioHistory};

    fn meter(id: i64, line: &str, group: &str) -> ListedMeter {
        let mut config = MeterConfig::new(format!("M{id}"), line.parse().unwrap());
        config.group = Some(group.to_owned());
        ListedMeter {
            id: MeterId(id),
            config,
            point: None,
            details: PointDetails::default(),
            has_ratio: false,
            ratios: RatioHistory::default(),
        }
    }

    #[test]
    fn what_is_the_same_stands_there_and_what_differs_does_not() {
        let meters = [
            meter(1, "tcp://gw:4001", "North"),
            meter(2, "tcp://gw:4002", "North"),
            meter(3, "serial:COM5", "South"),
        ];
        let slots = slots(&meters, &Catalogue::default());
        let of = |what: What| slots.iter().find(|slot| slot.what == what).unwrap();
        assert_eq!(of(What::Part(Part::Host)).common.as_deref(), Some("gw"));
        assert_eq!(of(What::Part(Part::Host)).lacking, 1);
        assert_eq!(of(What::Part(Part::IpPort)).common, None);
        assert_eq!(of(What::Column(Column::Group)).common, None);
        assert_eq!(of(What::Column(Column::Template)).common.as_deref(), Some("dlms-generic"));
        assert!(!slots.iter().any(|slot| slot.what == What::Part(Part::Network)), "no gateway, no field");
        assert!(slots.iter().all(|slot| !slot.is_touched()));
    }

    #[test]
    fn a_field_that_says_what_stands_there_changes_nothing() {
        let mut slot = slots(&[meter(1, "tcp://gw:1", "North")], &Catalogue::default()).remove(0);
        (slot.touched, slot.text) = (true, "North".to_owned());
        assert!(!slot.is_touched());
        slot.text.clear();
        let mut patch = MeterPatch::default();
        slot.read(&mut patch).unwrap();
        assert_eq!(patch.group, Some(None), "an empty field takes the setting away");
    }
}
