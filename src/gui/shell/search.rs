//! What the search field finds: meters by name, serial, group or line, and commands by their words.

use egui::{Area, CornerRadius, Frame, Id, Margin, Order, Pos2, Role, Sense, Stroke, Ui, Vec2, WidgetInfo};

use crate::gui::context::{Command, Page};
use crate::gui::theme::{Icon, ROW, SIZES, tokens};
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

/// Whether all words of a search occur in a meter's texts. `words` are in lower case.
#[must_use]
pub(crate) fn meter_matches(meter: &MeterRow, words: &[String]) -> bool {
    let config = &meter.config;
    words.iter().all(|word| {
        let line = || config.line.to_string().to_lowercase().contains(word);
        let has = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains(word));
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
pub(super) fn matches(text: &str, meters: &[MeterRow]) -> Vec<Found> {
    let words = words(text);
    let command = |(title, shortcut, command): (&'static str, &'static str, Command)| {
        let lower = title.to_lowercase();
        words.iter().all(|word| lower.contains(word)).then_some(Found::Command {
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
    let by_name = |one: &&MeterRow| {
        let name = one.config.name.to_lowercase();
        words.iter().all(|word| name.contains(word))
    };
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
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW + 4.0), Sense::click());
    let (icon, title, detail) = match found {
        Found::Meter { name, detail, .. } => (Icon::Meters, name.as_str(), detail.as_str()),
        Found::Command { words, shortcut, .. } => (Icon::ChevronRight, *words, *shortcut),
    };
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, title));
    if chosen || response.hovered() {
        let fill = if chosen { t.accent_soft.0 } else { t.hover.0 };
        ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
    }
    let space = egui::Rect::from_min_size(rect.min + Vec2::new(6.0, 0.0), Vec2::new(16.0, rect.height()));
    icon.paint(ui.painter(), space, 13.0, t.text_secondary.0);
    let font = egui::FontId::proportional(SIZES[1]);
    let left = egui::pos2(rect.left() + 30.0, rect.center().y);
    ui.painter().text(left, egui::Align2::LEFT_CENTER, title, font, t.text.0);
    let right = egui::pos2(rect.right() - 8.0, rect.center().y);
    let font = egui::FontId::proportional(SIZES[0]);
    ui.painter().text(right, egui::Align2::RIGHT_CENTER, detail, font, t.text_secondary.0);
    response.clicked()
}
