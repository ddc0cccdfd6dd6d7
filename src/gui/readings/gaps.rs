//! What is missing and why: the page of a meter's gaps, and the marks of gaps elsewhere. Each sort of reason has a
//! sign and a pattern of its own; colour only helps.

use egui::{Align, Color32, Label, Layout, Pos2, Rect, RichText, ScrollArea, Sense, Stroke, Ui, Vec2};
use egui_extras::{Column, TableBuilder};
use jiff::Timestamp;

use crate::comms::Job;
use crate::drivers::ReadRequest;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{Icon, ROW, SIZES, strong, tokens};
use crate::gui::widgets::{Act, empty, loading, number, small};
use crate::model::{Gap, GapReason, MeterId, Obis, Right, What};

use super::axis::interval_end;
use super::figures::Figures;
use super::intervals::title;
use super::profile::{failed, framed};
use super::series;
use super::{NARROW_TABLE, Subject};

/// The sort of a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    /// The next read asks for it.
    Pending,
    /// It was asked for, and the read failed.
    Failed,
    /// The meter cannot give it any more.
    Final,
}

impl Sort {
    /// Of a reason; what has none was not read yet.
    pub(super) const fn of(reason: Option<&GapReason>) -> Self {
        match reason {
            Some(GapReason::NotHeld(_) | GapReason::NotRecorded) => Self::Final,
            Some(GapReason::NotRead(Some(_))) => Self::Failed,
            Some(GapReason::NotRead(None) | GapReason::NotAsked | GapReason::ClockAhead) | None => {
                Self::Pending
            }
        }
    }

    /// Its sign.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Pending => "?",
            Self::Failed => "!",
            Self::Final => "×",
        }
    }

    /// Fills a rectangle with its pattern: lines for what may still come, a grid of them for what is final, and
    /// lines close together where a read failed.
    pub(super) fn pattern(self, painter: &egui::Painter, rect: Rect, ink: Color32) {
        let painter = painter.with_clip_rect(rect.intersect(painter.clip_rect()));
        let step = if self == Self::Failed { 3.0 } else { 6.0 };
        let mut x = rect.left() - rect.height();
        x -= x.rem_euclid(step);
        while x < rect.right() {
            let (low, high) = (Pos2::new(x, rect.bottom()), Pos2::new(x + rect.height(), rect.top()));
            painter.line_segment([low, high], Stroke::new(1.0, ink));
            if self == Self::Final {
                let (low, high) = (Pos2::new(low.x, rect.top()), Pos2::new(high.x, rect.bottom()));
                painter.line_segment([low, high], Stroke::new(1.0, ink));
            }
            x += step;
        }
    }
}

/// Why something is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    /// Its sort.
    pub sort: Sort,
    /// In words, as the command line has them.
    pub words: String,
}

/// Why a gap of a profile is there, as far as the store knows.
pub(super) fn why(known: &[Gap], profile: Obis, gap: &series::Gap) -> Why {
    let here = |one: &&Gap| one.profile == profile && one.after < gap.to && gap.from < one.before;
    let reason = known.iter().find(here).map(|one| &one.reason);
    Why {
        sort: Sort::of(reason),
        words: reason.map_or_else(|| "not read yet".to_owned(), ToString::to_string),
    }
}

/// The gaps that a meter has, as the store knows them; none while they are on their way.
pub(super) fn known(cx: &mut AppCtx, meter: MeterId) -> std::sync::Arc<Vec<Gap>> {
    cx.data.gaps(cx.backend.as_ref(), &Query::Gaps(meter)).ready().unwrap_or_default()
}

/// The reasons of what is missing in the stretch that is shown, each with its pattern and its sign.
pub(super) fn legend(ui: &mut Ui, figures: &Figures) {
    let mut reasons: Vec<(&Why, u64)> = Vec::new();
    for (gap, why) in figures.gaps.iter().zip(&figures.why) {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += gap.intervals,
            None => reasons.push((why, gap.intervals)),
        }
    }
    let t = tokens(ui);
    for (why, count) in reasons {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (swatch, _) = ui.allocate_exact_size(Vec2::new(22.0, 12.0), Sense::hover());
            ui.painter().rect_filled(swatch, 2.0, t.bad_soft.0);
            why.sort.pattern(ui.painter(), swatch, t.bad_mark.0);
            ui.label(strong(why.sort.sign()).color(t.bad.0));
            let words = format!("{count} missing: {}", why.words);
            ui.add(Label::new(RichText::new(words).size(SIZES[0])).truncate());
        });
    }
}

/// Reads a gap once more, also one that was thought final.
fn read(cx: &mut AppCtx, meter: MeterId, gap: Option<&Gap>) {
    let what = [What::Profile].into();
    let request = ReadRequest { what, from: gap.map(|gap| gap.after), to: gap.map(|gap| gap.before) };
    cx.submit(Job::Read { meters: vec![meter], request });
}

/// Draws the page of a meter's gaps.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>) {
    let meter = subject.meter.id;
    let gaps = match cx.data.gaps(cx.backend.as_ref(), &Query::Gaps(meter)) {
        Load::Ready(gaps) => gaps,
        Load::Loading => return framed(ui, |ui| loading(ui, "the gaps")),
        Load::Failed(reason) => return framed(ui, |ui| failed(ui, &reason)),
    };
    if gaps.is_empty() {
        let text = "Between the first and the last interval that are stored of this meter there is no hole.";
        empty(ui, Icon::Check, "Nothing is missing", text, |_| {});
        return;
    }
    let doing = cx.jobs.doing(meter);
    let missing: u64 = gaps.iter().map(|gap| gap.intervals).sum();
    let open = gaps.iter().filter(|gap| !gap.reason.is_final()).count();
    egui::Frame::new().inner_margin(egui::Margin::symmetric(16, 8)).show(ui, |ui| {
        ui.horizontal(|ui| {
            let words = match (gaps.len(), open) {
                (1, _) => format!("{} intervals are missing in one gap", number(missing)),
                (all, 0) => {
                    format!(
                        "{} intervals are missing in {} gaps, all of them final",
                        number(missing),
                        number(all)
                    )
                }
                (all, open) => format!(
                    "{} intervals are missing in {} gaps, {} of them open",
                    number(missing),
                    number(all),
                    number(open)
                ),
            };
            ui.label(words);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let act = Act::plain("Read all open gaps now").icon(Icon::Play).small();
                let hint = "Asks for what is open, the oldest first, and for what came since the last read";
                let act = act.enabled(doing.is_none() && open > 0).hint(hint);
                if ui.add(act.unless(cx.why_not(Right::ReadMeters))).clicked() {
                    read(cx, meter, None);
                }
                if let Some(doing) = &doing {
                    ui.label(small(ui, doing));
                }
            });
        });
    });
    table(ui, cx, subject, &gaps, doing.is_some());
}

fn table(ui: &mut Ui, cx: &mut AppCtx, subject: &Subject<'_>, gaps: &[Gap], is_busy: bool) {
    let is_narrow = ui.available_width() < NARROW_TABLE;
    let width = |wide: f32, narrow: f32| if is_narrow { narrow } else { wide };
    ScrollArea::horizontal().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        let table = TableBuilder::new(ui)
            .id_salt("gaps")
            .auto_shrink(false)
            .min_scrolled_height(0.0)
            .cell_layout(Layout::left_to_right(Align::Center))
            .column(Column::exact(width(176.0, 156.0)))
            .column(Column::exact(width(176.0, 156.0)))
            .column(Column::exact(width(88.0, 72.0)))
            .column(Column::exact(width(88.0, 80.0)))
            .column(Column::exact(width(120.0, 96.0)))
            .column(Column::remainder().at_least(width(200.0, 144.0)).clip(true))
            .column(Column::exact(width(168.0, 48.0)));
        let (after, before) =
            (format!("After, {}", subject.zone_name), format!("Up to, {}", subject.zone_name));
        let titles = [after.as_str(), before.as_str(), "Missing", "State", "Profile", "Why", ""];
        let table = table.header(ROW + 4.0, |mut header| {
            for (at, text) in titles.into_iter().enumerate() {
                header.col(|ui| title(ui, text, at == 2));
            }
        });
        table.body(|body| {
            body.rows(ROW + 4.0, gaps.len(), |mut row| {
                // The newest first.
                let Some(gap) = gaps.len().checked_sub(row.index() + 1).and_then(|at| gaps.get(at)) else {
                    return;
                };
                cells(&mut row, cx, subject, gap, (is_busy, is_narrow));
            });
        });
    });
}

fn cells(
    row: &mut egui_extras::TableRow<'_, '_>,
    cx: &mut AppCtx,
    subject: &Subject<'_>,
    gap: &Gap,
    (is_busy, is_narrow): (bool, bool),
) {
    let sort = Sort::of(Some(&gap.reason));
    let when = |at: Timestamp| interval_end(at, subject.zone);
    let state = match sort {
        Sort::Pending => "Open",
        Sort::Failed => "Failed",
        Sort::Final => "Final",
    };
    let state = format!("{} {state}", sort.sign());
    let words = gap.reason.to_string();
    let texts = [when(gap.after), when(gap.before), number(gap.intervals), state, gap.profile.short(), words];
    for (at, text) in texts.into_iter().enumerate() {
        row.col(|ui| {
            let t = tokens(ui);
            let layout = if at == 2 {
                Layout::right_to_left(Align::Center)
            } else {
                Layout::left_to_right(Align::Center)
            };
            let ink = match at {
                3 if sort == Sort::Failed => t.bad.0,
                3 if sort == Sort::Pending => t.warn.0,
                4 => t.text_secondary.0,
                _ => t.text.0,
            };
            ui.with_layout(layout, |ui| {
                ui.add_space(12.0);
                ui.add(Label::new(RichText::new(text).color(ink)).truncate());
            });
        });
    }
    row.col(|ui| {
        ui.add_space(8.0);
        let words = "Read the gap now";
        let act =
            if is_narrow { Act::icon_only(Icon::Play, words) } else { Act::quiet(words).icon(Icon::Play) };
        let act = act.small().enabled(!is_busy);
        let act = act.hint("Asks the meter for this stretch once more");
        if ui.add(act.unless(cx.why_not(Right::ReadMeters))).clicked() {
            read(cx, subject.meter.id, Some(gap));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_on_the_screen_has_the_reason_that_the_store_knows() {
        let at = |second: i64| Timestamp::from_second(second * 1800).unwrap();
        let profile = Obis::new(1, 0, 99, 1, 0, 255);
        let known = |after: i64, before: i64, reason: GapReason| Gap {
            profile,
            after: at(after),
            before: at(before),
            intervals: 1,
            reason,
        };
        let all =
            [known(2, 5, GapReason::NotRecorded), known(9, 12, GapReason::NotRead(Some("silence".into())))];
        let sort = |from: i64, to: i64| {
            why(&all, profile, &series::Gap { from: at(from), to: at(to), intervals: 1 }).sort
        };
        assert_eq!([sort(2, 4), sort(9, 11), sort(5, 9)], [Sort::Final, Sort::Failed, Sort::Pending]);
        let other =
            why(&all, Obis::new(1, 0, 99, 2, 0, 255), &series::Gap { from: at(2), to: at(4), intervals: 2 });
        assert_eq!(other.sort, Sort::Pending, "another profile's gap says nothing of this one");
    }
}
