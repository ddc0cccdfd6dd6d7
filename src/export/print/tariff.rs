//! A tariff on paper: day types as strips, weeks, seasons, special days.

use crate::scheme::{DayType, Document, Tariff, say};

use super::faces::Face;
use super::flow::{
    Area, BLACK, Column, Flow, GREY, Hatch, Ink, MARGIN, Mark, PALE, SMALL, TEXT, WIDTH, column, ink_on,
};

const STRIP: f32 = 24.0;
const DEMAND: f32 = 9.0;
const MINUTES: f32 = 1440.0;
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// The ground of an energy register.
pub(super) fn ground(document: &Document, id: &str) -> Option<(Ink, Hatch)> {
    let at = document.registers.energy.iter().position(|register| register.id == id)?;
    document.registers.energy.get(at).map(|register| (register.colour.0, Hatch::of(at)))
}

/// Prints a tariff; `whose` goes before the titles: `Latent tariff: `.
pub(super) fn whole(flow: &mut Flow<'_>, document: &Document, tariff: &Tariff, whose: &str) {
    let title = |text: &str| {
        if whose.is_empty() { text.to_owned() } else { format!("{whose}: {}", text.to_lowercase()) }
    };
    flow.section(&title("Day types"));
    for day in &tariff.day_types {
        day_type(flow, document, day);
    }
    flow.section(&title("Weeks"));
    let columns: Vec<Column<'_>> =
        std::iter::once(column("Week", 1.0)).chain(WEEKDAYS.map(|day| column(day, 1.0))).collect();
    let weeks = tariff.weeks.iter();
    let rows: Vec<Vec<String>> =
        weeks.map(|week| std::iter::once(&week.id).chain(&week.days).cloned().collect()).collect();
    flow.table(&columns, &rows, |_| None);
    flow.section(&title("Seasons"));
    let columns = [column("Id", 1.0), column("Title", 3.0), column("Starts", 2.0), column("Week", 1.0)];
    let seasons = tariff.seasons.iter();
    let rows: Vec<Vec<String>> = seasons
        .map(|season| {
            let starts = say::season_start(season.starts);
            vec![season.id.clone(), season.title.clone(), starts, season.week.clone()]
        })
        .collect();
    flow.table(&columns, &rows, |_| None);
    flow.section(&title("Special days"));
    if tariff.special_days.is_empty() {
        flow.paragraph(Face::Plain, TEXT, BLACK, "None");
        return;
    }
    let columns = [column("Date (* is every year, month or day)", 2.0), column("Day type", 3.0)];
    let special = tariff.special_days.iter();
    let rows: Vec<Vec<String>> = special
        .map(|special| {
            let day = tariff.day_types.iter().find(|day| day.id == special.day_type);
            let title = day.map(|day| day.title.as_str()).unwrap_or_default();
            vec![special.date.to_string(), format!("{} {title}", special.day_type)]
        })
        .collect();
    flow.table(&columns, &rows, |_| None);
}

fn day_type(flow: &mut Flow<'_>, document: &Document, day: &DayType) {
    let words: Vec<String> =
        day.switches.iter().map(|switch| format!("{} {}", switch.at, on(&switch.on))).collect();
    let words = words.join(";  ");
    let title = flow.wrapped(Face::Strong, TEXT, &format!("{}  {}", day.id, day.title), WIDTH);
    let lines = flow.wrapped(Face::Plain, TEXT, &words, WIDTH).len() + title.len();
    #[allow(clippy::cast_precision_loss, reason = "a few lines")]
    let lines = lines as f32;
    flow.need((lines * TEXT * 1.35 + STRIP + DEMAND + 30.0).min(300.0));
    for line in title {
        flow.paragraph(Face::Strong, TEXT, BLACK, &line);
    }
    flow.space(3.0);
    strip(flow, document, day);
    flow.paragraph(Face::Plain, TEXT, BLACK, &words);
    flow.space(8.0);
}

fn on(ids: &[String]) -> String {
    if ids.is_empty() { "nothing".to_owned() } else { ids.join(" + ") }
}

/// 24 hours: energy registers in their colours and hatches with their ids, demand registers as a band below.
fn strip(flow: &mut Flow<'_>, document: &Document, day: &DayType) {
    let top = flow.y();
    let x = |minutes: u16| MARGIN + f32::from(minutes) / MINUTES * WIDTH;
    for (at, switch) in day.switches.iter().enumerate() {
        let end = day.switches.get(at + 1).map_or(1440, |next| next.at.minutes()).max(switch.at.minutes());
        let (left, right) = (x(switch.at.minutes()), x(end));
        let layers: Vec<(&String, (Ink, Hatch))> =
            switch.on.iter().filter_map(|id| Some((id, ground(document, id)?))).collect();
        let demand: Vec<&str> =
            switch.on.iter().filter(|id| ground(document, id).is_none()).map(String::as_str).collect();
        #[allow(clippy::cast_precision_loss, reason = "a few registers")]
        let height = STRIP / layers.len().max(1) as f32;
        let mut y = top;
        for (id, (ink, hatch)) in layers {
            let area = Area { left, top: y, width: right - left, height };
            layer(flow, area, ink, hatch, id);
            y += height;
        }
        if !demand.is_empty() {
            let area = Area { left, top: top + STRIP + 1.0, width: right - left, height: DEMAND };
            flow.mark(Mark::Fill { area, ink: [0xe6, 0xe8, 0xea] });
            label(flow, area, BLACK, &demand.join(" "), 6.5);
        }
        flow.mark(Mark::Line { from: (left, top), to: (left, top + STRIP + DEMAND + 1.0), ink: BLACK });
    }
    let bottom = top + STRIP + DEMAND + 1.0;
    flow.mark(Mark::Line { from: (MARGIN, bottom), to: (MARGIN + WIDTH, bottom), ink: PALE });
    for hour in (0..=24_u16).step_by(3) {
        let text = format!("{hour:02}:00");
        let width = flow.faces.width(Face::Plain, 6.5, &text);
        let at = x(hour * 60);
        let left = (at - width / 2.0).clamp(MARGIN, MARGIN + WIDTH - width);
        flow.mark(Mark::Line { from: (at, bottom), to: (at, bottom + 2.0), ink: GREY });
        flow.line((left, bottom + 8.5), Face::Plain, 6.5, GREY, &text);
    }
    flow.space(STRIP + DEMAND + 14.0);
}

fn layer(flow: &mut Flow<'_>, area: Area, ink: Ink, hatch: Hatch, id: &str) {
    flow.mark(Mark::Fill { area, ink });
    flow.mark(Mark::Hatched { area, hatch, ink: ink_on(ink) });
    let size = SMALL.min(area.height - 1.5);
    let width = flow.faces.width(Face::Strong, size, id) + 4.0;
    if width > area.width || size < 5.0 {
        return;
    }
    // The id stands on plain ground, not on the hatch.
    let plate = Area {
        left: area.left + (area.width - width) / 2.0,
        top: area.top + (area.height - size - 2.0) / 2.0,
        width,
        height: size + 2.0,
    };
    flow.mark(Mark::Fill { area: plate, ink });
    label(flow, area, ink_on(ink), id, size);
}

/// A text in the middle of an area, where it fits.
fn label(flow: &mut Flow<'_>, area: Area, ink: Ink, text: &str, size: f32) {
    let text = flow.faces.settable(Face::Strong, text);
    let width = flow.faces.width(Face::Strong, size, &text);
    if width > area.width - 2.0 {
        return;
    }
    let at = (area.left + (area.width - width) / 2.0, area.top + area.height / 2.0 + size * 0.36);
    flow.line(at, Face::Strong, size, ink, &text);
}
