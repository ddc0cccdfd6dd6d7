//! One list: what it does, its next runs, how its meters ended, its history and its success rates.

use egui::{Align, Label, Layout, RichText, ScrollArea, Ui};

use crate::comms::rights::of_action;
use crate::gui::context::AppCtx;
use crate::gui::data::{ListSummary, Load, Query};
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, counted, instant, key_value, loading, number, problem, secondary, section,
    segmented, small,
};
use crate::model::{Member, Right};
use crate::store::{Cause, Outcome, OutcomeState, Rate, RunState, Share};

use super::Wish;
use super::table::{bar, next_runs, share, state};

/// Runs that are looked ahead.
const NEXT: usize = 5;
/// Height of an outcome: a line of its state, a line of words.
const OUTCOME: f32 = 40.0;

/// What is shown of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Next,
    Meters,
    History,
    Rates,
}

/// Draws it; gives what is to be done.
pub(super) fn ui(ui: &mut Ui, cx: &mut AppCtx, list: &ListSummary, tab: &mut Tab) -> Option<Wish> {
    ui.spacing_mut().item_spacing.y = 8.0;
    let wish = head(ui, cx, list);
    let tabs = [
        (Tab::Next, "Next runs"),
        (Tab::Meters, "Last outcomes"),
        (Tab::History, "History"),
        (Tab::Rates, "Success"),
    ];
    segmented(ui, "list tabs", tab, &tabs);
    match tab {
        Tab::Next => next(ui, cx, list),
        Tab::Meters | Tab::History => past(ui, cx, list, *tab),
        Tab::Rates => rates(ui, cx, list),
    }
    wish
}

fn head(ui: &mut Ui, cx: &AppCtx, list: &ListSummary) -> Option<Wish> {
    let mut wish = None;
    let content = &list.row.list;
    ui.horizontal(|ui| {
        ui.add(Label::new(strong(&content.name).size(15.0)).truncate());
        if content.paused {
            badge(ui, "Paused", Tone::Warn);
        }
    });
    let keep = cx.why_not(Right::KeepLists);
    let run_right = of_action(&content.action);
    let running = list.last.as_ref().filter(|run| run.state == RunState::Running);
    ui.horizontal(|ui| {
        match running {
            Some(run) => {
                if ui
                    .add(Act::primary("Stop the run").icon(Icon::Stop).unless(cx.why_not(Right::ReadMeters)))
                    .clicked()
                {
                    wish = Some(Wish::Stop(run.id));
                }
            }
            None => {
                let act = Act::primary("Run now").icon(Icon::Play).enabled(list.meters > 0);
                if ui
                    .add(act.hint("Runs the list once, whatever its schedule").unless(cx.why_not(run_right)))
                    .clicked()
                {
                    wish = Some(Wish::Run);
                }
            }
        }
        if content.schedule.is_some() {
            let words = if content.paused { "Go on" } else { "Pause" };
            if ui.add(Act::plain(words).unless(keep.clone())).clicked() {
                wish = Some(Wish::Pause(!content.paused));
            }
        }
        if ui.add(Act::plain("Edit…").icon(Icon::Edit).unless(keep.clone())).clicked() {
            wish = Some(Wish::Edit);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.add(Act::icon_only(Icon::Trash, "Remove this list").unless(keep)).clicked() {
                wish = Some(Wish::Remove);
            }
        });
    });
    if list.meters == 0 {
        let text = "Edit the list and say which meters it takes in.";
        let none =
            Problem { title: "No meter is on this list", text, details: String::new(), tone: Tone::Warn };
        problem(ui, &none);
    }
    wish
}

fn next(ui: &mut Ui, cx: &mut AppCtx, list: &ListSummary) {
    let content = &list.row.list;
    key_value(ui, "What it does", content.action.in_words());
    key_value(ui, "With", with(cx, list));
    match &content.schedule {
        None => key_value(ui, "When", "By hand only"),
        Some(schedule) => {
            key_value(ui, "When", schedule.in_words());
            key_value(
                ui,
                "If missed",
                match schedule.missed {
                    crate::model::Missed::Skip => "It is left out",
                    crate::model::Missed::Once => "It runs once at the next start",
                    crate::model::Missed::NextWindow => "It runs at the same hour of the next day",
                },
            );
            key_value(ui, "Priority", format!("{} of 9, {} retries", schedule.priority, schedule.retries));
        }
    }
    section(ui, "The next five runs");
    let runs = next_runs(content, (cx.now)(), NEXT);
    if runs.is_empty() {
        let words = if content.paused { "None while it is paused" } else { "None by itself" };
        ui.label(secondary(ui, words));
    }
    for at in runs {
        let at = at.to_zoned(cx.zone.clone());
        ui.label(at.strftime("%a %Y-%m-%d %H:%M").to_string());
    }
}

/// Which meters, in words.
fn with(cx: &mut AppCtx, list: &ListSummary) -> String {
    let members = &list.row.list.members;
    let named = members.iter().filter(|member| matches!(member, Member::Meter(_))).count();
    let mut words: Vec<String> = members
        .iter()
        .filter(|member| !matches!(member, Member::Meter(_)))
        .map(ToString::to_string)
        .collect();
    if let Some(Member::Meter(id)) = members.iter().find(|_| named == 1 && members.len() == 1)
        && let Some(row) = cx.meter(*id)
    {
        return row.config.name;
    }
    if named > 0 {
        words.push(format!("{named} named ones"));
    }
    format!("{}: {}", counted(list.meters, "meter"), words.join(", "))
}

fn past(ui: &mut Ui, cx: &mut AppCtx, list: &ListSummary, tab: Tab) {
    let details = match cx.data.list(cx.backend.as_ref(), &Query::List(list.row.id)) {
        Load::Ready(details) => details,
        Load::Loading => return loading(ui, "the list's history"),
        Load::Failed(reason) => {
            ui.label(RichText::new(reason).color(tokens(ui).bad.0));
            return;
        }
    };
    if details.runs.is_empty() {
        ui.label(secondary(ui, "It has not run yet. Run it now, or give it a schedule."));
        return;
    }
    if tab == Tab::Meters {
        outcomes(ui, &details.outcomes);
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, OUTCOME, details.runs.len(), |ui, range| {
        for run in details.runs.iter().skip(range.start).take(range.len()) {
            ui.allocate_ui(egui::vec2(ui.available_width(), OUTCOME - 8.0), |ui| {
                ui.horizontal(|ui| {
                    let (word, tone) = state(run);
                    let cause = match run.cause {
                        Cause::Schedule => "in time",
                        Cause::Hand => "by hand",
                        Cause::Missed => "made up for",
                    };
                    // Times and bars of all runs stand below one another.
                    aligned(ui, 72.0, |ui| badge(ui, word, tone));
                    ui.label(instant(run.started, &cx.zone));
                    aligned(ui, 62.0, |ui| ui.label(small(ui, cause)));
                    if run.meters > 0 {
                        bar(ui, run.ok, run.meters, 48.0, &instant(run.started, &cx.zone));
                    }
                });
            });
        }
    });
}

/// A meter's state in a word.
fn outcome_state(outcome: &Outcome) -> (&'static str, Tone) {
    match outcome.state {
        OutcomeState::Ok => ("Well", Tone::Good),
        OutcomeState::Failed => ("Failed", Tone::Bad),
        OutcomeState::Resting => ("Resting", Tone::Warn),
        OutcomeState::Waiting => ("Waiting", Tone::Plain),
    }
}

fn outcomes(ui: &mut Ui, all: &[(String, Outcome)]) {
    // What needs a look stands first.
    let mut sorted: Vec<&(String, Outcome)> = all.iter().collect();
    let rank = |outcome: &Outcome| match outcome.state {
        OutcomeState::Failed => 0,
        OutcomeState::Resting => 1,
        OutcomeState::Waiting => 2,
        OutcomeState::Ok => 3,
    };
    sorted.sort_by_key(|(_, outcome)| rank(outcome));
    let ok = all.iter().filter(|(_, outcome)| outcome.state == OutcomeState::Ok).count();
    ui.label(small(
        ui,
        format!("{} of {} went well in the last run; the others first", number(ok), number(all.len())),
    ));
    ScrollArea::vertical().auto_shrink(false).show_rows(ui, OUTCOME, sorted.len(), |ui, range| {
        for (name, outcome) in sorted.iter().skip(range.start).take(range.len()) {
            ui.allocate_ui(egui::vec2(ui.available_width(), OUTCOME - 8.0), |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.horizontal(|ui| {
                    let (word, tone) = outcome_state(outcome);
                    badge(ui, word, tone);
                    ui.label(name);
                    if outcome.tries > 1 {
                        ui.label(small(ui, format!("{} tries", outcome.tries)));
                    }
                });
                let words = secondary(ui, &outcome.words).size(SIZES[0]);
                ui.add(Label::new(words).truncate()).on_hover_text(&outcome.words);
            });
        }
    });
}

fn rates(ui: &mut Ui, cx: &mut AppCtx, list: &ListSummary) {
    let rates = match cx.data.rates(cx.backend.as_ref(), &Query::Rates(list.row.id)) {
        Load::Ready(rates) => rates,
        Load::Loading => return loading(ui, "success rates"),
        Load::Failed(reason) => {
            ui.label(RichText::new(reason).color(tokens(ui).bad.0));
            return;
        }
    };
    if rates.groups.is_empty() {
        ui.label(secondary(ui, "There is nothing to sum up before the first run has ended."));
        return;
    }
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        for (title, rates) in
            [("By group", &rates.groups), ("By template", &rates.templates), ("By line", &rates.lines)]
        {
            section(ui, title);
            let grid = egui::Grid::new(title).num_columns(4).spacing([16.0, 4.0]).min_col_width(72.0);
            grid.show(ui, |ui| {
                for word in ["", "Last run", "3 days", "30 days"] {
                    ui.label(small(ui, word));
                }
                ui.end_row();
                for rate in rates.iter().take(MOST_RATES) {
                    rate_row(ui, rate);
                }
            });
            if rates.len() > MOST_RATES {
                let more =
                    format!("and {} more: “meterwright list rate” names them", rates.len() - MOST_RATES);
                ui.label(small(ui, more));
            }
        }
    });
}

/// Rows of each sum that are shown; the worst ones come first.
const MOST_RATES: usize = 12;

fn rate_row(ui: &mut Ui, rate: &Rate) {
    let key = if rate.key.is_empty() { "(none)" } else { &rate.key };
    ui.scope(|ui| {
        ui.set_width(148.0);
        ui.add(Label::new(key).truncate()).on_hover_text(key);
    });
    for Share { ok, of } in [rate.last, rate.three_days, rate.thirty_days] {
        let ink = if ok < of { tokens(ui).warn.0 } else { tokens(ui).text.0 };
        ui.label(RichText::new(share(ok, of)).color(ink));
    }
    ui.end_row();
}

/// Something in a cell of one width.
fn aligned(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui) -> egui::Response) {
    ui.allocate_ui(egui::vec2(width, 18.0), |ui| {
        ui.set_min_width(width);
        add(ui);
    });
}
