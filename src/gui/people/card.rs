//! The card of the settings about people and the vault.

use egui::{Align, Key, Label, Layout, Ui};

use crate::comms::Edit;
use crate::gui::context::AppCtx;
use crate::gui::data::{Load, Query};
use crate::gui::theme::{CONTROL, Icon, SIZES, strong};
use crate::gui::widgets::{
    Act, Problem, Tone, badge, combo, counted, dialog_window, instant, loading, permitted, problem,
    secondary, segmented,
};
use crate::model::{Right, Role, Standing};
use crate::store::PersonRow;

use super::form::{Answer, Form, Purpose, sentence_of};
use super::{LOCK_KEY, lock_minutes};

/// Width of the place where a person is shut out or let in, so that the roles stand in one column.
const SHUT_WIDTH: f32 = 140.0;

/// The card.
#[derive(Default)]
pub(in crate::gui) struct PeopleCard {
    form: Option<Form>,
    question: Option<Question>,
}

/// A change that is asked about first.
#[derive(Clone, Debug)]
enum Question {
    ShutOut(String),
    Rekey,
    SingleUser,
}

impl Question {
    fn words(&self) -> (String, String) {
        match self {
            Self::ShutOut(name) => (
                format!("Let {name} sign in no more"),
                format!("{name} is signed out everywhere at once. What {name} did stays in the audit chain. Give the vault a new key as well where {name} may have copied the store."),
            ),
            Self::Rekey => (
                "Give the vault a new key".to_owned(),
                "Every secret is sealed again. Other programs that have this store open sign in again. Copies of the store from before still open with the old key.".to_owned(),
            ),
            Self::SingleUser => (
                "Go back to one user".to_owned(),
                "All people are taken off. Whoever can read the store's folder can then do everything, because the vault's key lies there in a file.".to_owned(),
            ),
        }
    }

    fn edit(&self) -> (Edit, String) {
        match self {
            Self::ShutOut(name) => (
                Edit::SetPerson { name: name.clone(), role: None, passphrase: None, active: Some(false) },
                format!("{name} may not sign in any more"),
            ),
            Self::Rekey => (Edit::RekeyVault, "The vault has a new key".to_owned()),
            Self::SingleUser => (Edit::SingleUser, "The store has one user again".to_owned()),
        }
    }
}

impl PeopleCard {
    /// Draws what stands in the card.
    pub(in crate::gui) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        match cx.standing.clone() {
            Standing::SignedIn(person) => {
                ui.horizontal(|ui| {
                    ui.label(format!("{} is signed in, {}", person.name, person.role.one()));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if ui.add(Act::quiet("Sign out").small()).clicked() {
                            cx.backend.leave(false);
                        }
                        if ui.add(Act::quiet("Change my passphrase…").small()).clicked() {
                            self.form = Some(Form::new(Purpose::Own(person.name.clone())));
                        }
                    });
                });
                self.people(ui, cx);
                self.rules(ui, cx);
            }
            Standing::Alone | Standing::Nobody => self.alone(ui, cx),
        }
    }

    fn alone(&mut self, ui: &mut Ui, cx: &AppCtx) {
        let text = "This store has one user: whoever can read its folder can do everything, and is never asked for a passphrase. With people, each signs in and may do what the role allows.";
        ui.add(Label::new(secondary(ui, text)).wrap());
        ui.horizontal(|ui| {
            let why = cx.backend.is_demo().then(|| "The demo fleet goes when it is closed".to_owned());
            if ui.add(Act::plain("Set up people…").unless(why)).clicked() {
                self.form = Some(Form::new(Purpose::First));
            }
            if ui.add(Act::quiet("New vault key…")).clicked() {
                self.question = Some(Question::Rekey);
            }
        });
    }

    fn people(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        match cx.data.people(cx.backend.as_ref(), &Query::People) {
            Load::Loading => loading(ui, "people"),
            Load::Failed(reason) => {
                let title = "People cannot be read";
                problem(ui, &Problem { title, text: &reason, details: reason.clone(), tone: Tone::Bad });
            }
            Load::Ready(rows) => {
                for row in rows.iter() {
                    ui.separator();
                    self.person(ui, cx, row);
                }
                ui.separator();
            }
        }
        let why = cx.why_not(Right::People);
        ui.horizontal(|ui| {
            if ui.add(Act::plain("Add a person…").icon(Icon::Plus).unless(why.clone())).clicked() {
                self.form = Some(Form::new(Purpose::Another));
            }
            if ui.add(Act::quiet("New vault key…").unless(why.clone())).clicked() {
                self.question = Some(Question::Rekey);
            }
            if ui.add(Act::quiet("Back to one user…").unless(why)).clicked() {
                self.question = Some(Question::SingleUser);
            }
        });
    }

    fn person(&mut self, ui: &mut Ui, cx: &mut AppCtx, row: &PersonRow) {
        let why = cx.why_not(Right::People);
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.set_width(200.0);
                ui.horizontal(|ui| {
                    ui.add(Label::new(strong(&row.name)).truncate());
                    if !row.is_active() {
                        badge(ui, "May not sign in", Tone::Warn);
                    }
                });
                let mut text = match row.signed_in {
                    Some(at) => format!("Signed in {}", instant(at, &cx.zone)),
                    None => "Never signed in".to_owned(),
                };
                if row.failures > 0 {
                    let failures = usize::try_from(row.failures).unwrap_or(usize::MAX);
                    text = format!("{text}; {} since", counted(failures, "failed attempt"));
                }
                ui.label(secondary(ui, text).size(SIZES[0]));
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let is_active = row.is_active();
                let (words, name) = if is_active { ("Shut out", &row.name) } else { ("Let in", &row.name) };
                let label = format!("{words} {name}");
                let shut = |ui: &mut Ui| {
                    ui.set_min_width(SHUT_WIDTH);
                    ui.add(Act::quiet(&label).small().unless(why.clone())).clicked()
                };
                let size = egui::vec2(SHUT_WIDTH, CONTROL);
                if ui.allocate_ui_with_layout(size, Layout::right_to_left(Align::Center), shut).inner {
                    if is_active {
                        self.question = Some(Question::ShutOut(row.name.clone()));
                    } else {
                        let (name, role, passphrase) = (row.name.clone(), None, None);
                        let done = format!("{name} may sign in again");
                        cx.edit(Edit::SetPerson { name, role, passphrase, active: Some(true) }, done);
                    }
                }
                let label = format!("New passphrase for {}…", row.name);
                let short = Act::icon_only(Icon::Lock, &label).small().unless(why.clone());
                if ui.add(short).clicked() {
                    self.form = Some(Form::new(Purpose::Passphrase(row.name.clone())));
                }
                role_of(ui, cx, row, why.as_deref());
            });
        });
    }

    fn rules(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        let mut minutes = lock_minutes(cx);
        let why = cx.why_not(Right::People);
        ui.horizontal(|ui| {
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.set_width(220.0);
                ui.label("Lock by itself");
                ui.label(secondary(ui, "After so long without key or pointer").size(SIZES[0]));
            });
            let answer = ui.add_enabled_ui(why.is_none(), |ui| {
                let choices = [(5, "5 min"), (15, "15 min"), (60, "1 h"), (0, "Never")];
                segmented(ui, "lock after", &mut minutes, &choices)
            });
            if answer.inner {
                let edit = Edit::Setting { key: LOCK_KEY.to_owned(), value: minutes.to_string() };
                cx.edit(edit, "");
            }
            if let Some(why) = why {
                answer.response.on_hover_text(why);
            }
        });
    }

    /// Draws the dialogs that are open.
    pub(in crate::gui) fn dialogs(&mut self, ui: &Ui, cx: &mut AppCtx) {
        if let Some(form) = &mut self.form {
            match form.ui(ui) {
                None => {}
                Some(Answer::Leave) => self.form = None,
                Some(Answer::Do(edit, done)) => {
                    self.form = None;
                    cx.edit(*edit, done);
                }
            }
        }
        let Some(question) = self.question.clone() else { return };
        let (words, text) = question.words();
        let mut answer = None;
        let modal = dialog_window(ui, "people question", 420.0, |ui| {
            ui.label(strong(format!("{words}?")).size(15.0));
            ui.add(Label::new(&text).wrap());
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.add(Act::danger(&words)).clicked() {
                    answer = Some(true);
                }
                let cancel = ui.add(Act::plain("Cancel").shortcut("Esc"));
                if ui.memory(|memory| memory.focused().is_none()) {
                    cancel.request_focus();
                }
                if cancel.clicked() || ui.input(|input| input.key_pressed(Key::Escape)) {
                    answer = Some(false);
                }
            });
        });
        if answer == Some(true) {
            let (edit, done) = question.edit();
            cx.edit(edit, done);
        }
        if answer.is_some() || modal.should_close() {
            self.question = None;
        }
    }
}

fn role_of(ui: &mut Ui, cx: &mut AppCtx, row: &PersonRow, why: Option<&str>) {
    let name = format!("Role of {}", row.name);
    let mut chosen = None;
    permitted(ui, why, |ui| {
        combo(ui, ("role", row.id), &name, 144.0, sentence_of(row.role), |ui| {
            for role in Role::ALL {
                let response = ui.selectable_label(role == row.role, sentence_of(role));
                if response.on_hover_text(role.in_words()).clicked() && role != row.role {
                    chosen = Some(role);
                }
            }
        })
    });
    if let Some(role) = chosen {
        let done = format!("{} is {} now", row.name, role.one());
        let edit =
            Edit::SetPerson { name: row.name.clone(), role: Some(role), passphrase: None, active: None };
        cx.edit(edit, done);
    }
}
