//! The dialog in which a person is added, or gets a new passphrase.

use egui::{Key, Label, RichText, Ui};
use zeroize::Zeroizing;

use crate::comms::Edit;
use crate::gui::theme::{strong, tokens};
use crate::gui::widgets::{Act, choice, dialog_window, field, password, secondary, text_field};
use crate::model::{Role, Secret};
use crate::vault::{SHORTEST_PASSPHRASE, check_passphrase};

const WIDTH: f32 = 380.0;

/// What the dialog is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The first person, an administrator.
    First,
    /// Another person.
    Another,
    /// A new passphrase for this person.
    Passphrase(String),
    /// A new passphrase of one's own; the name.
    Own(String),
}

/// The dialog.
pub(super) struct Form {
    purpose: Purpose,
    name: String,
    role: Role,
    old: Zeroizing<String>,
    phrase: Zeroizing<String>,
    again: Zeroizing<String>,
}

/// What a dialog came to.
pub(super) enum Answer {
    /// Do this; and what to say then.
    Do(Box<Edit>, String),
    /// Nothing.
    Leave,
}

/// A fault as a sentence.
pub(in crate::gui) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

fn secret(phrase: &str) -> Secret {
    Secret::new(phrase.as_bytes().to_vec())
}

impl Form {
    pub(super) fn new(purpose: Purpose) -> Self {
        let name = match &purpose {
            Purpose::Passphrase(name) | Purpose::Own(name) => name.clone(),
            Purpose::First | Purpose::Another => String::new(),
        };
        let role = if purpose == Purpose::First { Role::Administrator } else { Role::Reader };
        Self {
            purpose,
            name,
            role,
            old: Zeroizing::default(),
            phrase: Zeroizing::default(),
            again: Zeroizing::default(),
        }
    }

    fn title(&self) -> String {
        match &self.purpose {
            Purpose::First => "Set up people".to_owned(),
            Purpose::Another => "Add a person".to_owned(),
            Purpose::Passphrase(name) => format!("New passphrase for {name}"),
            Purpose::Own(_) => "Change my passphrase".to_owned(),
        }
    }

    const fn text(&self) -> &'static str {
        match self.purpose {
            Purpose::First => {
                "The first person is an administrator. From then on everybody signs in, and the vault's key is in no file: a copy of the store opens for nobody without a passphrase. Readings are not enciphered. Add a second administrator soon: nobody else can replace a passphrase that is forgotten."
            }
            Purpose::Another => {
                "Tell the passphrase only to this person, who can change it after signing in."
            }
            Purpose::Passphrase(_) => {
                "The old one is void at once, and whoever is signed in with it is signed out."
            }
            Purpose::Own(_) => "You stay signed in here; elsewhere you are signed out.",
        }
    }

    /// What is wrong with the new passphrase; nothing as long as none was typed.
    fn remark(&self) -> Option<String> {
        if self.phrase.is_empty() {
            return None;
        }
        check_passphrase(&self.name, &secret(&self.phrase)).err()
    }

    fn edit(&self) -> Option<(Edit, String)> {
        let name = self.name.trim().to_owned();
        let is_whole = !name.is_empty()
            && !self.phrase.is_empty()
            && self.remark().is_none()
            && *self.phrase == *self.again
            && (!matches!(self.purpose, Purpose::Own(_)) || !self.old.is_empty());
        if !is_whole {
            return None;
        }
        let passphrase = secret(&self.phrase);
        Some(match &self.purpose {
            Purpose::First | Purpose::Another => {
                let done = format!("{name} is {} here", self.role.one());
                (Edit::AddPerson { name, role: self.role, passphrase }, done)
            }
            Purpose::Passphrase(_) => {
                let done = format!("{name} has a new passphrase");
                (Edit::SetPerson { name, role: None, passphrase: Some(passphrase), active: None }, done)
            }
            Purpose::Own(_) => {
                let edit = Edit::OwnPassphrase { old: secret(&self.old), new: passphrase };
                (edit, "Your passphrase is changed".to_owned())
            }
        })
    }

    /// Draws it; gives what it came to, once.
    pub(super) fn ui(&mut self, ui: &Ui) -> Option<Answer> {
        let mut answer = None;
        let modal = dialog_window(ui, "person", WIDTH, |ui| {
            ui.spacing_mut().item_spacing.y = 10.0;
            ui.label(strong(self.title()).size(15.0));
            ui.add(Label::new(secondary(ui, self.text())).wrap());
            let first = self.fields(ui);
            if ui.memory(|memory| memory.focused().is_none()) {
                first.request_focus();
            }
            let edit = self.edit();
            ui.horizontal(|ui| {
                let words = self.title();
                let pressed = ui.add(Act::primary(&words).enabled(edit.is_some())).clicked();
                let entered = ui.input(|input| input.key_pressed(Key::Enter));
                if let Some((edit, done)) = edit.filter(|_| pressed || entered) {
                    answer = Some(Answer::Do(Box::new(edit), done));
                }
                let escaped = ui.input(|input| input.key_pressed(Key::Escape));
                if ui.add(Act::plain("Cancel").shortcut("Esc")).clicked() || escaped {
                    answer = Some(Answer::Leave);
                }
            });
        });
        if modal.should_close() {
            answer.get_or_insert(Answer::Leave);
        }
        answer
    }

    /// Draws the fields; gives the first one.
    fn fields(&mut self, ui: &mut Ui) -> egui::Response {
        let mut first = None;
        match self.purpose {
            Purpose::First | Purpose::Another => {
                let name = field(ui, "Name", None, |ui| text_field(ui, &mut self.name, "", WIDTH, false));
                first = Some(name);
            }
            Purpose::Own(_) => {
                let old =
                    field(ui, "Present passphrase", None, |ui| password(ui, &mut self.old, "", WIDTH, false));
                first = Some(old);
            }
            Purpose::Passphrase(_) => {}
        }
        if self.purpose == Purpose::Another {
            let roles: Vec<(Role, String)> =
                Role::ALL.into_iter().map(|role| (role, sentence_of(role))).collect();
            choice(ui, "Role", WIDTH, &mut self.role, &roles);
            ui.add(Label::new(secondary(ui, self.role.in_words())).wrap());
        }
        let remark = self.remark();
        let hint = format!("At least {SHORTEST_PASSPHRASE} characters; three or four words are good");
        let shown = remark.as_deref().map_or((hint.as_str(), false), |text| (text, true));
        let phrase = field(ui, "New passphrase", Some(shown), |ui| {
            password(ui, &mut self.phrase, "", WIDTH, remark.is_some())
        });
        let differs = !self.again.is_empty() && !self.phrase.starts_with(self.again.as_str());
        field(ui, "The same once more", None, |ui| password(ui, &mut self.again, "", WIDTH, differs));
        if differs {
            ui.label(RichText::new("The two are not the same").color(tokens(ui).bad.0));
        }
        first.unwrap_or(phrase)
    }
}

/// A role with a capital.
pub(super) fn sentence_of(role: Role) -> String {
    sentence(role.word()).trim_end_matches('.').to_owned()
}
