//! The page that stands before all others while nobody is signed in, or the windows are locked.

use std::sync::mpsc::TryRecvError;

use egui::{CornerRadius, Id, Key, Label, RichText, Ui, Vec2};
use zeroize::Zeroizing;

use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::{Later, Load, Query};
use crate::gui::theme::{Icon, SIZES, strong, tokens};
use crate::gui::widgets::{Act, field, lone_card, password, secondary, text_field_at};
use crate::model::{Fault, Secret, Standing};

const WIDTH: f32 = 320.0;

/// The page.
#[derive(Default)]
pub(in crate::gui) struct SignIn {
    name: String,
    phrase: Zeroizing<String>,
    /// A name was put in once.
    is_prefilled: bool,
    /// Somebody else than the one who locked the windows.
    is_other: bool,
    waiting: Option<Later<Standing>>,
    fault: Option<Fault>,
}

/// This account's name, where a person bears it, or the only person's.
fn likely(names: &[String]) -> String {
    if let [only] = names {
        return only.clone();
    }
    let account = ["USER", "USERNAME"].iter().find_map(|key| std::env::var(key).ok()).unwrap_or_default();
    names.iter().find(|name| name.eq_ignore_ascii_case(&account)).cloned().unwrap_or_default()
}

impl SignIn {
    /// Whether an answer is awaited.
    pub(in crate::gui) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Draws the page.
    pub(in crate::gui) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        self.take_answer(cx);
        let locked = match &cx.standing {
            Standing::SignedIn(person) if !self.is_other => Some(person.name.clone()),
            _ => None,
        };
        self.prefill(cx, locked.as_deref());
        lone_card(ui, WIDTH, |ui| self.form(ui, cx, locked.as_deref()));
    }

    fn prefill(&mut self, cx: &mut AppCtx, locked: Option<&str>) {
        if let Some(name) = locked {
            name.clone_into(&mut self.name);
            return;
        }
        if self.is_prefilled {
            return;
        }
        match cx.data.people(cx.backend.as_ref(), &Query::People) {
            Load::Ready(people) => {
                let active = people.iter().filter(|row| row.is_active());
                self.name = likely(&active.map(|row| row.name.clone()).collect::<Vec<_>>());
                self.is_prefilled = true;
            }
            // Names that cannot be read can be typed all the same.
            Load::Failed(_) => self.is_prefilled = true,
            Load::Loading => {}
        }
    }

    fn form(&mut self, ui: &mut Ui, cx: &mut AppCtx, locked: Option<&str>) {
        let (rect, _) = ui.allocate_exact_size(Vec2::splat(32.0), egui::Sense::hover());
        let t = tokens(ui);
        ui.painter().rect_filled(rect, CornerRadius::same(8), t.accent_soft.0);
        Icon::Lock.paint(ui.painter(), rect, 18.0, t.accent.0);
        let title = match locked {
            Some(name) => format!("{name} has locked the windows"),
            None => format!("Sign in to {}", cx.backend.store_name()),
        };
        ui.add(Label::new(strong(title).size(SIZES[2])).wrap());
        let text = match locked {
            Some(_) => "What is under way goes on, and so do meter lists when their time comes.",
            None => "This store has people. Your passphrase opens the secrets of its meters.",
        };
        ui.add(Label::new(secondary(ui, text)).wrap());
        let name_id = Id::unique("sign-in name");
        if locked.is_none() {
            field(ui, "Name", None, |ui| text_field_at(ui, name_id, &mut self.name, "", WIDTH, false));
        }
        let is_wrong = self.fault.is_some();
        let phrase = field(ui, "Passphrase", None, |ui| password(ui, &mut self.phrase, "", WIDTH, is_wrong));
        if let Some(fault) = &self.fault {
            let text = RichText::new(super::sentence(&fault.to_string()));
            ui.add(Label::new(text.color(tokens(ui).bad.0)).wrap());
        }
        let is_ready = !self.name.trim().is_empty() && !self.phrase.is_empty() && self.waiting.is_none();
        let words = match (self.waiting.is_some(), locked) {
            (true, _) => "Opening the vault…",
            (false, Some(_)) => "Unlock",
            (false, None) => "Sign in",
        };
        let pressed = ui
            .horizontal(|ui| {
                let pressed = ui.add(Act::primary(words).enabled(is_ready).shortcut("Enter")).clicked();
                if locked.is_some() {
                    self.others(ui, cx);
                }
                pressed
            })
            .inner;
        // Before it is known who is likely, a passphrase could be typed where it shows.
        let knows_whom = self.is_prefilled || locked.is_some();
        if knows_whom && ui.memory(|memory| memory.focused().is_none()) && self.waiting.is_none() {
            if locked.is_none() && self.name.is_empty() {
                ui.memory_mut(|memory| memory.request_focus(name_id));
            } else {
                phrase.request_focus();
            }
        }
        if is_ready && (pressed || ui.input(|input| input.key_pressed(Key::Enter))) {
            self.begin(cx);
        }
    }

    fn others(&mut self, ui: &mut Ui, cx: &AppCtx) {
        let hint = "Whoever signs in instead; what is under way goes on";
        if ui.add(Act::quiet("Somebody else…").hint(hint)).clicked() {
            self.is_other = true;
            self.is_prefilled = true;
            self.name.clear();
            self.forget();
        }
        let hint = "Closes the vault; what is under way is cancelled";
        if ui.add(Act::quiet("Sign out").hint(hint)).clicked() {
            cx.backend.leave(false);
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.phrase = Zeroizing::default();
        self.fault = None;
    }

    fn begin(&mut self, cx: &AppCtx) {
        let phrase = std::mem::take(&mut self.phrase);
        self.fault = None;
        let secret = Secret::new(phrase.as_bytes().to_vec());
        self.waiting = Some(cx.backend.sign_in(self.name.trim(), secret));
    }

    fn take_answer(&mut self, cx: &mut AppCtx) {
        let Some(waiting) = &self.waiting else { return };
        let answer = match waiting.try_recv() {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Err(stopped()),
            Ok(answer) => answer,
        };
        self.waiting = None;
        match answer {
            Ok(standing) => {
                cx.standing = standing;
                *self = Self::default();
            }
            Err(fault) => self.fault = Some(fault),
        }
    }
}
