//! What the search field finds: meters by name, serial, group or line, and commands by their words.

use egui::{Area, CornerRadius, Frame, Id, Margin, Order, Pos2, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::context::{AppCtx, Command, Page};
use crate::gui::theme::{Icon, ROW, SIZES, tokens};
use crate::gui::widgets::permitted;
use crate::model::MeterId;
use crate::store::MeterRow;

/// Most results shown.
const MOST: usize = 12;

/// Something found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    /// A meter.
    Meter {
        /// Which.
        id: MeterId,
        /// Its name.
        name: String,
        /// Serial and group.
        detail: String,
    },
    /// A command.
    Command {
        /// What it does.
        command: Command,
        /// In words.
        words: &'static str,
        /// Its shortcut.
        shortcut: &'static str,
        /// Why whoever acts here may not give it.
        why_not: Option<String>,
    },
}

fn commands() -> [(&'static str, &'static str, Command); 14] {
    [
        ("Add a meter…", "Ctrl+N", Command::AddMeter),
        ("Import meters from CSV…", "", Command::ImportMeters),
        ("New scheme…", "Ctrl+Shift+N", Command::NewScheme),
        ("Open a scheme…", "Ctrl+O", Command::ChooseScheme),
        ("Go to Scheme Manager", "Ctrl+1", Command::Go(Page::Schemes)),
        ("Go to Meter Manager", "Ctrl+2", Command::Go(Page::Meters)),
        ("Go to Readings", "Ctrl+3", Command::Go(Page::Readings)),
        ("Go to Lists", "Ctrl+5", Command::Go(Page::Lists)),
        ("Go to Trace", "Ctrl+4", Command::Go(Page::Trace)),
        ("Go to Firmware", "Ctrl+6", Command::Go(Page::Firmware)),
        ("Go to Templates", "Ctrl+7", Command::Go(Page::Templates)),
        ("Go to Settings", "Ctrl+,", Command::Go(Page::Settings)),
        ("Show jobs", "Ctrl+J", Command::ToggleJobs),
        ("Open the demo fleet", "", Command::OpenDemo),
    ]
}

/// Whether a word in lower case occurs in a text, whatever its case. Ten thousand meters are searched within a frame:
/// text without accents is not copied for it.
fn occurs(word: &str, text: &str) -> bool {
    if text.is_ascii() {
        let (word, text) = (word.as_bytes(), text.as_bytes());
        return word.is_empty() || text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word));
    }
    text.to_lowercase().contains(word)
}

/// Whether all words of a search occur in a meter's texts. `words` are in lower case.
#[must_use]
pub(crate) fn meter_matches(meter: &MeterRow, words: &[String]) -> bool {
    let config = &meter.config;
    words.iter().all(|word| {
        let line = || occurs(word, &config.line.to_string());
        let has = |text: Option<&str>| text.is_some_and(|text| occurs(word, text));
        has(Some(&config.name))
            || has(config.serial.as_deref())
            || has(config.group.as_deref())
            || has(config.point.as_deref())
            || has(Some(&config.template))
            || line()
    })
}

/// The words of a search, in lower case.
#[must_use]
pub(crate) fn words(text: &str) -> Vec<String> {
    text.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

/// What a text finds, best first.
#[must_use]
pub(super) fn matches(text: &str, meters: &[MeterRow], cx: &AppCtx) -> Vec<Found> {
    let words = words(text);
    let command = |(title, shortcut, command): (&'static str, &'static str, Command)| {
        let lower = title.to_lowercase();
        words.iter().all(|word| lower.contains(word)).then(|| Found::Command {
            why_not: cx.why_not_give(&command),
            command,
            words: title,
            shortcut,
        })
    };
    let commands = commands().into_iter().filter_map(command);
    if words.is_empty() {
        return commands.take(MOST).collect();
    }
    let meter = |meter: &MeterRow| Found::Meter {
        id: meter.id,
        name: meter.config.name.clone(),
        detail: [meter.config.serial.as_deref(), meter.config.group.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" · "),
    };
    // Names first: a serial number that holds the same digits is seldom meant.
    let by_name = |one: &&MeterRow| words.iter().all(|word| occurs(word, &one.config.name));
    let named = meters.iter().filter(by_name);
    let others = meters.iter().filter(|one| !by_name(one) && meter_matches(one, &words));
    named.chain(others).take(MOST - 3).map(meter).chain(commands).take(MOST).collect()
}

/// Draws the list under the field; gives what was clicked, and whether the pointer is in the list.
pub(super) fn results(
    ui: &Ui,
    at: Pos2,
    width: f32,
    found: &[Found],
    chosen: usize,
) -> (Option<Found>, bool) {
    let t = tokens(ui);
    let mut clicked = None;
    let area =
        Area::new(Id::unique("search results")).order(Order::Foreground).fixed_pos(at).show(ui.ctx(), |ui| {
            Frame::new()
                .fill(t.surface.0)
                .stroke(Stroke::new(1.0, t.border_strong.0))
                .corner_radius(CornerRadius::same(6))
                .shadow(ui.visuals().popup_shadow)
                .inner_margin(Margin::same(4))
                .show(ui, |ui| {
                    ui.set_width(width - 8.0);
                    ui.spacing_mut().item_spacing = Vec2::ZERO;
                    if found.is_empty() {
                        ui.label(crate::gui::widgets::small(
                            ui,
                            "Nothing bears that name, serial number, group or line",
                        ));
                    }
                    for (number, one) in found.iter().enumerate() {
                        if row(ui, one, number == chosen) {
                            clicked = Some(one.clone());
                        }
                    }
                });
        });
    (clicked, area.response.contains_pointer())
}

fn row(ui: &mut Ui, found: &Found, chosen: bool) -> bool {
    let t = tokens(ui);
    let (icon, title, detail, why_not) = match found {
        Found::Meter { name, detail, .. } => (Icon::Meters, name.as_str(), detail.as_str(), None),
        Found::Command { words, shortcut, why_not, .. } => {
            (Icon::ChevronRight, *words, *shortcut, why_not.as_deref())
        }
    };
    let mut rect = egui::Rect::NOTHING;
    let response = permitted(ui, why_not, |ui| {
        let size = Vec2::new(ui.available_width(), ROW + 4.0);
        let (place, response) = ui.allocate_exact_size(size, Sense::click());
        rect = place;
        let info = || WidgetInfo::selected(Role::ListBoxOption, ui.is_enabled(), chosen, title);
        response.widget_info(info);
        response
    });
    let (ink, second) = match why_not {
        Some(_) => (t.text_disabled.0, t.text_disabled.0),
        None => (t.text.0, t.text_secondary.0),
    };
    if chosen || response.hovered() {
        let fill = if chosen { t.accent_soft.0 } else { t.hover.0 };
        ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
    }
    let space = egui::Rect::from_min_size(rect.min + Vec2::new(6.0, 0.0), Vec2::new(16.0, rect.height()));
    icon.paint(ui.painter(), space, 13.0, second);
    let font = egui::FontId::proportional(SIZES[1]);
    let left = egui::pos2(rect.left() + 30.0, rect.center().y);
    ui.painter().text(left, egui::Align2::LEFT_CENTER, title, font, ink);
    let right = egui::pos2(rect.right() - 8.0, rect.center().y);
    let font = egui::FontId::proportional(SIZES[0]);
    ui.painter().text(right, egui::Align2::RIGHT_CENTER, detail, font, second);
    response.clicked()
}
