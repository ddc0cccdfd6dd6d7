//! The load profile and the events that a scheme is tried on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use egui::Ui;
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};

use crate::gui::context::{AppCtx, Command, Page, ProofFile};
use crate::gui::data::{Load, Query};
use crate::gui::theme::Icon;
use crate::gui::widgets::{
    Act, Problem, Tone, combo, counted, empty, loading, problem, segmented, small, text_field,
};
use crate::model::MeterId;
use crate::scheme::{Document, IntervalSeries, TimedEvent, WallClock, read_events};
use crate::store::StoredProfile;

use super::load::{Loaded, Made, from_file, from_store, slips, sources};
use super::strip::{self, Kind, Placed, local_text};

/// A stored profile is tried from so many days before its end, unless other days are asked for.
const USUAL_DAYS: i64 = 365;

/// Where the load profile comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    #[default]
    Stored,
    File,
}

type Coming<T> = Receiver<Result<T, String>>;

/// The choice of load profile and events.
#[derive(Debug, Default)]
pub(in crate::gui::schemes) struct Input {
    origin: Origin,
    chosen: Option<(MeterId, i64)>,
    /// First and last day, as typed.
    days: (String, String),
    csv: Option<PathBuf>,
    coming: Option<(Made, Coming<Loaded>)>,
    loaded: Option<Loaded>,
    failed: Option<(Made, String)>,
    events: Vec<Placed>,
    events_coming: Option<Coming<Vec<TimedEvent>>>,
    next_id: u64,
    tool: Option<Kind>,
}

impl Input {
    /// The load profile, once it has come.
    pub(in crate::gui::schemes) fn series(&self) -> Option<Arc<IntervalSeries>> {
        self.loaded.as_ref().map(|loaded| Arc::clone(&loaded.series))
    }

    /// What happens meanwhile.
    pub(in crate::gui::schemes) fn events(&self) -> Vec<TimedEvent> {
        self.events.iter().map(Placed::timed).collect()
    }

    /// Draws the choice of the load profile; gives true where there is one.
    pub(in crate::gui::schemes) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, document: &Document) -> bool {
        self.take_files(ui, cx);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = egui::Vec2::new(8.0, 8.0);
            let origins = [(Origin::Stored, "Stored profile"), (Origin::File, "CSV file")];
            if segmented(ui, "origin", &mut self.origin, &origins) {
                self.loaded = None;
                self.failed = None;
            }
            match self.origin {
                Origin::Stored => self.stored(ui, cx, document),
                Origin::File => self.file(ui, cx),
            }
        });
        if let Some((_, reason)) = &self.failed {
            let title = "The load profile cannot be used";
            problem(ui, &Problem { title, text: reason, details: reason.clone(), tone: Tone::Bad });
        }
        for note in self.loaded.iter().flat_map(|loaded| &loaded.notes) {
            ui.label(small(ui, note));
        }
        if self.loaded.is_none() && self.failed.is_none() {
            self.nothing_yet(ui, cx);
        }
        self.loaded.is_some()
    }

    fn nothing_yet(&self, ui: &mut Ui, cx: &mut AppCtx) {
        if self.coming.is_some() {
            loading(ui, "the load profile");
            return;
        }
        let text = "A dry run takes a load profile through the scheme: one that is stored of the selected meter, or a CSV file with interval ends and energies.";
        match self.origin {
            Origin::Stored if cx.selection.focus().is_none() => {
                empty(ui, Icon::Readings, "No meter is selected", text, |ui| {
                    if ui.add(Act::primary("Choose a meter").icon(Icon::Meters)).clicked() {
                        cx.command(Command::Go(Page::Meters));
                    }
                });
            }
            Origin::File if self.csv.is_none() => {
                let text = "The first row names the columns: end, then sources such as active_import. Each row has the interval's end in RFC 3339 and its energy in Wh or varh.";
                empty(ui, Icon::Table, "No load profile is open", text, |ui| {
                    if ui.add(Act::primary("Open a load profile…").icon(Icon::Folder)).clicked() {
                        cx.command(Command::ChooseProof(ProofFile::Profile));
                    }
                });
            }
            _ => loading(ui, "the load profile"),
        }
    }

    fn file(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        if let Some(path) = &self.csv {
            ui.label(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
                .on_hover_text(path.display().to_string());
            if ui.add(Act::plain("Open another…").icon(Icon::Folder)).clicked() {
                cx.command(Command::ChooseProof(ProofFile::Profile));
            }
            let made = Made::File(path.clone());
            self.want(ui, cx, made, |made| match made {
                Made::File(path) => from_file(path),
                Made::Stored(_) => Err("this is no file".to_owned()),
            });
        }
    }

    fn stored(&mut self, ui: &mut Ui, cx: &mut AppCtx, document: &Document) {
        let Some(meter) = cx.selection.focus().and_then(|id| cx.meter(id)) else { return };
        ui.label(&meter.config.name);
        let profiles = match cx.data.profiles(cx.backend.as_ref(), &Query::Profiles(meter.id)) {
            Load::Ready(profiles) => profiles,
            Load::Loading => return,
            Load::Failed(reason) => {
                ui.label(reason);
                return;
            }
        };
        let usable: Vec<&StoredProfile> =
            profiles.iter().filter(|profile| !sources(profile).is_empty()).collect();
        let kept = self.chosen.filter(|(of, _)| *of == meter.id).map(|(_, profile)| profile);
        let profile = usable.iter().find(|one| Some(one.id) == kept);
        let Some(profile) = profile.or_else(|| usable.iter().max_by_key(|one| one.intervals)) else {
            self.loaded = None;
            ui.label("has no stored profile with energy in it");
            if ui.add(Act::plain("Show its readings").icon(Icon::Readings)).clicked() {
                cx.command(Command::ShowReadings(meter.id));
            }
            return;
        };
        let mut id = profile.id;
        combo(ui, "dry run profile", "Profile", 180.0, &profile.layout.name, |ui| {
            for one in &usable {
                ui.selectable_value(&mut id, one.id, &one.layout.name);
            }
        });
        let Ok(clock) = WallClock::of_zone(&document.time_zone) else { return };
        if self.chosen != Some((meter.id, id)) || self.days.0.is_empty() {
            self.chosen = Some((meter.id, id));
            self.days = usual_days(profile, &clock);
        }
        let Some((from, to)) = self.day_fields(ui, &clock) else { return };
        let period_seconds = profile.layout.period_seconds;
        let query = Query::Rows { profile: id, from, to, period_seconds };
        let slice = match cx.data.rows(cx.backend.as_ref(), &query) {
            Load::Ready(slice) => slice,
            Load::Loading => return,
            Load::Failed(reason) => {
                ui.label(reason);
                return;
            }
        };
        let (profile, scheme_side) = ((*profile).clone(), document.transformers.registers_in);
        self.want(ui, cx, Made::Stored(slice), move |made| match made {
            Made::Stored(slice) => from_store(slice, &profile, scheme_side),
            Made::File(_) => Err("this is no stored profile".to_owned()),
        });
    }

    /// First and last day; nothing while they are none.
    fn day_fields(&mut self, ui: &mut Ui, clock: &WallClock) -> Option<(Timestamp, Timestamp)> {
        let first: Result<Date, _> = self.days.0.trim().parse();
        let last: Result<Date, _> = self.days.1.trim().parse();
        ui.label(small(ui, "from"));
        text_field(ui, &mut self.days.0, "2026-01-01", 104.0, first.is_err()).accessible_name("First day");
        ui.label(small(ui, "to"));
        text_field(ui, &mut self.days.1, "2026-12-31", 104.0, last.is_err()).accessible_name("Last day");
        let (first, last) = (first.ok()?, last.ok()?);
        let midnight = |day: Date| clock.first_instant(day.at(0, 0, 0, 0));
        let end = last.checked_add(1.day()).ok()?;
        (first <= last).then(|| (midnight(first), midnight(end)))
    }

    /// Has a load profile made, unless it is there or on its way.
    fn want(
        &mut self,
        ui: &Ui,
        cx: &AppCtx,
        made: Made,
        make: impl FnOnce(&Made) -> Result<Loaded, String> + Send + 'static,
    ) {
        let is_there = self.loaded.as_ref().is_some_and(|loaded| loaded.of.is(&made))
            || self.failed.as_ref().is_some_and(|(of, _)| of.is(&made))
            || self.coming.as_ref().is_some_and(|(of, _)| of.is(&made));
        if !is_there {
            let (sender, coming) = sync_channel(1);
            let of = made.clone();
            cx.backend.aside(
                "dry run",
                Box::new(move || {
                    // The page may have been closed in the meantime.
                    let _ = sender.send(make(&of));
                }),
            );
            self.coming = Some((made, coming));
        }
        let Some((of, coming)) = &self.coming else { return };
        let came = match coming.try_recv() {
            Err(TryRecvError::Empty) => {
                ui.ctx().request_repaint_after(Duration::from_millis(50));
                return;
            }
            Ok(came) => came,
            Err(TryRecvError::Disconnected) => {
                Err("reading it broke off: this is a fault of the program".to_owned())
            }
        };
        match came {
            Ok(loaded) => (self.loaded, self.failed) = (Some(loaded), None),
            Err(reason) => (self.loaded, self.failed) = (None, Some((of.clone(), reason))),
        }
        self.coming = None;
    }

    /// Takes files that were chosen, and events that have come.
    fn take_files(&mut self, ui: &Ui, cx: &mut AppCtx) {
        match cx.chosen.take() {
            Some((ProofFile::Profile, path)) => {
                self.origin = Origin::File;
                (self.loaded, self.failed, self.coming) = (None, None, None);
                self.csv = Some(path);
            }
            Some((ProofFile::Events, path)) => {
                let (sender, coming) = sync_channel(1);
                cx.backend.aside(
                    "dry run",
                    Box::new(move || {
                        // As above.
                        let _ = sender.send(slips(&path, read_events));
                    }),
                );
                self.events_coming = Some(coming);
            }
            // Another page's.
            other @ Some((ProofFile::ListScheme | ProofFile::ListHolidays, _)) => cx.chosen = other,
            None => {}
        }
        let Some(coming) = &self.events_coming else { return };
        match coming.try_recv() {
            Err(TryRecvError::Empty) => {
                ui.ctx().request_repaint_after(Duration::from_millis(50));
                return;
            }
            Ok(Ok(events)) => {
                let count = events.len();
                for event in events {
                    self.next_id += 1;
                    self.events.extend(Placed::of(self.next_id, event));
                }
                cx.notices.done(format!("Placed {}", counted(count, "event")));
            }
            Ok(Err(reason)) => cx.notices.failed(crate::model::Fault::user(reason, "")),
            Err(TryRecvError::Disconnected) => {}
        }
        self.events_coming = None;
    }

    /// Draws the events: the strip, what can be placed, and each as a row.
    pub(in crate::gui::schemes) fn events_ui(&mut self, ui: &mut Ui, cx: &mut AppCtx, document: &Document) {
        let Ok(clock) = WallClock::of_zone(&document.time_zone) else { return };
        let Some(series) = self.series() else { return };
        let (Some(first), Some(last)) = (series.rows.first(), series.rows.last()) else { return };
        let minutes = i64::from(document.profile.period_minutes).minutes();
        let from = first.end.checked_sub(minutes).unwrap_or(first.end);
        let span = (from, last.end);
        let mut tool = self.tool.unwrap_or(Kind::SupplyFail);
        let mut place = None;
        ui.horizontal(|ui| {
            combo(ui, "event kind", "Event", 148.0, tool.words(), |ui| {
                for kind in Kind::ALL {
                    ui.selectable_value(&mut tool, kind, kind.words());
                }
            });
            let hint = "Places it in the middle of the stretch; then move it, or write its time";
            if ui.add(Act::plain("Place event").icon(Icon::Plus).hint(hint)).clicked() {
                let half = span.1.duration_since(span.0) / 2;
                place = span.0.saturating_add(half).ok();
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let any = !self.events.is_empty();
                let clear = Act::icon_only(Icon::Trash, "Remove all events").enabled(any);
                if ui.add(clear).clicked() {
                    self.events.clear();
                }
                if ui.add(Act::icon_only(Icon::Save, "Save the events as CSV…").enabled(any)).clicked() {
                    let title = "Save the events as CSV".to_owned();
                    cx.command(Command::SaveText(title, "events.csv".to_owned(), self.events_text()));
                }
                if ui.add(Act::icon_only(Icon::Folder, "Open events from CSV…")).clicked() {
                    cx.command(Command::ChooseProof(ProofFile::Events));
                }
            });
        });
        self.tool = Some(tool);
        let clicked = strip::ui(ui, &mut self.events, span, &clock, tool);
        if let Some(at) = clicked.or(place) {
            self.next_id += 1;
            self.events.push(Placed::new(self.next_id, tool, at));
        }
        self.rows(ui, &clock);
    }

    fn rows(&mut self, ui: &mut Ui, clock: &WallClock) {
        let mut removed = None;
        let is_typing = self.events.iter().any(|event| event.typed.is_some() || event.set_to_typed.is_some());
        if !is_typing {
            self.events.sort_by_key(|event| event.at);
        }
        egui::ScrollArea::vertical().id_salt("placed events").max_height(68.0).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = egui::Vec2::new(8.0, 4.0);
                for event in &mut self.events {
                    ui.push_id(event.id, |ui| {
                        ui.horizontal(|ui| {
                            if event_row(ui, event, clock) {
                                removed = Some(event.id);
                            }
                        });
                    });
                }
            });
        });
        self.events.retain(|event| Some(event.id) != removed);
    }

    /// The events as a file that `scheme dry-run` reads.
    fn events_text(&self) -> String {
        let mut events: Vec<&Placed> = self.events.iter().collect();
        events.sort_by_key(|event| event.at);
        let line = |event: &&Placed| match event.kind {
            Kind::ClockSet => format!("{},{}={}\n", event.at, event.kind.word(), event.set_to),
            kind => format!("{},{}\n", event.at, kind.word()),
        };
        std::iter::once("at,event\n".to_owned()).chain(events.iter().map(line)).collect()
    }
}

/// One event with its time; gives true where it is to go.
fn event_row(ui: &mut Ui, event: &mut Placed, clock: &WallClock) -> bool {
    let words = event.kind.words();
    let left = egui::Layout::left_to_right(egui::Align::Center);
    ui.allocate_ui_with_layout(egui::Vec2::new(108.0, 28.0), left, |ui| {
        ui.set_min_width(108.0);
        ui.label(words);
    });
    time_field(ui, &format!("{words}, time"), &mut event.at, &mut event.typed, clock);
    if event.kind == Kind::ClockSet {
        ui.label(small(ui, "to"));
        time_field(ui, "Clock set to", &mut event.set_to, &mut event.set_to_typed, clock);
    }
    let name = format!("Remove “{words}”");
    let removed = ui.add(Act::icon_only(Icon::Cross, &name).small()).clicked();
    ui.add_space(16.0);
    removed
}

/// A time that can be typed: local, or RFC 3339 where an hour comes twice.
fn time_field(ui: &mut Ui, name: &str, at: &mut Timestamp, typed: &mut Option<String>, clock: &WallClock) {
    let mut text = typed.clone().unwrap_or_else(|| local_text(*at, clock));
    let parsed = |text: &str| {
        let local = || text.trim().replace(' ', "T").parse::<DateTime>().ok();
        text.trim().parse::<Timestamp>().ok().or_else(|| local().map(|local| clock.first_instant(local)))
    };
    let wrong = parsed(&text).is_none();
    let response = text_field(ui, &mut text, "2026-11-03 14:00", 148.0, wrong);
    response.clone().accessible_name(name);
    if response.changed() {
        if let Some(instant) = parsed(&text) {
            *at = instant;
        }
        *typed = Some(text);
    } else if !response.has_focus() && !wrong {
        *typed = None;
    }
}

fn usual_days(profile: &StoredProfile, clock: &WallClock) -> (String, String) {
    let Some((first, last)) = profile.span else { return (String::new(), String::new()) };
    let (first, last) = (clock.local(first).date(), clock.local(last).date());
    let usual = last.checked_sub(USUAL_DAYS.days()).unwrap_or(first);
    (first.max(usual).to_string(), last.to_string())
}
