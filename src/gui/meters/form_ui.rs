//! The dialog to add or change a meter.

use std::sync::mpsc::{Receiver, TryRecvError};

use egui::{Align, Key, Layout, Response, ScrollArea, Ui, Vec2};

use crate::comms::{Edit, Edited, Job};
use crate::gui::context::{AppCtx, stopped};
use crate::gui::data::Query;
use crate::gui::theme::{Icon, strong, tokens};
use crate::gui::widgets::{
    Act, choice, dialog_window, fault_panel, field, password, room_in_dialog, secondary, section, small,
    text_field,
};
use crate::model::{Auth, Fault, MeterConfig, MeterId, SecretKind, Security, Side};

use super::form::{Entered, Field, Problems, SECRETS, secret_title};
use super::trial::Trial;

const WIDTH: f32 = 760.0;
const WIDE: f32 = 436.0;
const HALF: f32 = 212.0;

/// The dialog.
pub(super) struct FormDialog {
    id: Option<MeterId>,
    entered: Entered,
    tried: bool,
    trial: Trial,
    saving: Option<Receiver<Result<Edited, Fault>>>,
    refused: Option<Fault>,
    name: String,
    first: bool,
}

impl FormDialog {
    /// For a new meter.
    #[must_use]
    pub(super) fn add(group: Option<String>) -> Self {
        Self::new(None, Entered::new(group))
    }

    /// For a meter as it is.
    #[must_use]
    pub(super) fn edit(id: MeterId, config: &MeterConfig) -> Self {
        Self::new(Some(id), Entered::of(config))
    }

    fn new(id: Option<MeterId>, entered: Entered) -> Self {
        let name = entered.name.clone();
        let trial = Trial::default();
        Self { id, entered, tried: false, trial, saving: None, refused: None, name, first: true }
    }

    /// Whether it waits for the store.
    #[must_use]
    pub(super) fn is_waiting(&self) -> bool {
        self.saving.is_some() || self.trial.is_waiting()
    }

    /// Draws it; true when it is done with.
    pub(super) fn ui(&mut self, ui: &Ui, cx: &mut AppCtx) -> bool {
        if self.saved(cx) {
            return true;
        }
        let mut close = false;
        let height = room_in_dialog(ui, 200.0, usize::from(self.refused.is_some())).min(620.0);
        let modal = dialog_window(ui, "meter form", WIDTH, |ui| {
            let title =
                if self.id.is_some() { format!("Edit {}", self.name) } else { "Add a meter".to_owned() };
            ui.label(strong(title).size(18.0));
            ui.add_space(4.0);
            let read = {
                let meters = cx.meters().ready().unwrap_or_default();
                self.entered.read(self.id, &meters, &cx.templates)
            };
            let none = Problems::new();
            let problems = read.as_ref().err().unwrap_or(&none).clone();
            ui.horizontal_top(|ui| {
                ui.allocate_ui_with_layout(
                    Vec2::new(WIDE + 24.0, height),
                    Layout::top_down(Align::Min),
                    |ui| {
                        ScrollArea::vertical()
                            .id_salt("form")
                            .max_height(height)
                            .auto_shrink([false, false])
                            .show(ui, |ui| {
                                ui.set_width(WIDE);
                                ui.spacing_mut().item_spacing = Vec2::new(12.0, 12.0);
                                self.fields(ui, cx, &problems);
                            });
                    },
                );
                ui.add_space(8.0);
                ui.vertical(|ui| {
                    ui.set_height(height);
                    self.trial.ui(ui, cx, self.id);
                });
            });
            if let Some(fault) = &self.refused {
                fault_panel(ui, fault);
            }
            ui.add_space(8.0);
            close = self.buttons(ui, cx, read.ok());
        });
        let escape = modal.should_close();
        close || escape
    }

    fn buttons(&mut self, ui: &mut Ui, cx: &mut AppCtx, meter: Option<super::form::Meter>) -> bool {
        let mut close = false;
        ui.horizontal(|ui| {
            let words = if self.trial.running(cx) { "Testing" } else { "Test connection" };
            let test = Act::plain(words).icon(Icon::Line).enabled(!self.trial.running(cx));
            if ui
                .add(test.hint(
                    "Connects with these settings and says step by step what happens; nothing is stored",
                ))
                .clicked()
            {
                self.tried = true;
                if let Some(meter) = &meter {
                    let job = Job::Test {
                        config: Box::new(meter.config.clone()),
                        secrets: meter.secrets.clone(),
                        meter: self.id,
                    };
                    self.trial.begin(cx.backend.submit(job));
                }
            }
            if self.tried && meter.is_none() {
                let ink = tokens(ui).bad.0;
                ui.label(egui::RichText::new("Some fields are wrong: see the remarks under them").color(ink));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let words = match (self.saving.is_some(), self.id) {
                    (true, _) => "Saving",
                    (false, Some(_)) => "Save",
                    (false, None) => "Add meter",
                };
                let enter = ui.input(|input| input.modifiers.command && input.key_pressed(Key::Enter));
                let save = ui.add(Act::primary(words).enabled(self.saving.is_none()).shortcut("Ctrl+Enter"));
                if save.clicked() || enter {
                    self.tried = true;
                    if let Some(meter) = meter {
                        self.save(cx, meter);
                    }
                }
                close = ui.add(Act::plain("Cancel").shortcut("Esc")).clicked();
            });
        });
        close
    }

    fn save(&mut self, cx: &AppCtx, meter: super::form::Meter) {
        self.name.clone_from(&meter.config.name);
        self.refused = None;
        let edit = match self.id {
            None => Edit::AddMeters(vec![(meter.config, meter.secrets)]),
            Some(id) => Edit::UpdateMeter { id, config: Box::new(meter.config), secrets: meter.changes },
        };
        self.saving = Some(cx.backend.edit(edit));
    }

    fn saved(&mut self, cx: &mut AppCtx) -> bool {
        let Some(answer) = &self.saving else { return false };
        let result = match answer.try_recv() {
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Err(stopped()),
            Ok(result) => result,
        };
        self.saving = None;
        match result {
            Ok(edited) => {
                cx.data.expire(|query| matches!(query, Query::Meters | Query::Details(_)));
                let done = if self.id.is_some() { "Saved" } else { "Added" };
                cx.notices.done(format!("{done} {}", self.name));
                if let Edited::Added(ids) = edited
                    && let Some(id) = ids.first()
                {
                    cx.adopt(*id);
                }
                true
            }
            Err(fault) => {
                self.refused = Some(fault);
                false
            }
        }
    }

    /// What is wrong with a field: shown at once where something stands in it, else after the first try.
    fn remark<'a>(&self, problems: &'a Problems, of: Field, text: &str) -> Option<(&'a str, bool)> {
        let shown = self.tried || !text.trim().is_empty();
        problems.get(&of).filter(|_| shown).map(|reason| (reason.as_str(), true))
    }

    fn text(
        &mut self,
        ui: &mut Ui,
        name: &str,
        hint: &str,
        width: f32,
        of: Option<(Field, &Problems)>,
        pick: fn(&mut Entered) -> &mut String,
    ) -> Response {
        let text = pick(&mut self.entered).clone();
        let remark = of.and_then(|(of, problems)| self.remark(problems, of, &text));
        let wrong = remark.is_some();
        let slot = pick(&mut self.entered);
        ui.scope(|ui| {
            ui.set_max_width(width);
            field(ui, name, remark, |ui| text_field(ui, slot, hint, width, wrong))
        })
        .inner
    }

    fn fields(&mut self, ui: &mut Ui, cx: &mut AppCtx, problems: &Problems) {
        let response =
            self.text(ui, "Name", "Mill Lane 4", WIDE, Some((Field::Name, problems)), |form| &mut form.name);
        if std::mem::take(&mut self.first) {
            response.request_focus();
        }
        self.line(ui, cx, problems);
        ui.horizontal_top(|ui| {
            choice(ui, "Template", HALF, &mut self.entered.template, &cx.templates.choices());
            self.text(ui, "Serial number", "Read from the meter", HALF, None, |form| &mut form.serial);
        });
        ui.horizontal_top(|ui| {
            self.text(ui, "Group", "North/Mill Lane", HALF, None, |form| &mut form.group);
            self.text(ui, "Metering point", "", HALF, None, |form| &mut form.point);
        });
        section(ui, "Access");
        ui.horizontal_top(|ui| {
            let auth: Vec<(Auth, String)> =
                Auth::ALL.iter().map(|auth| (*auth, auth_title(*auth).to_owned())).collect();
            choice(ui, "Authentication", HALF, &mut self.entered.auth, &auth);
            let security: Vec<(Security, String)> =
                Security::ALL.iter().map(|one| (*one, security_title(*one).to_owned())).collect();
            choice(ui, "Protection of messages", HALF, &mut self.entered.security, &security);
        });
        self.secrets(ui, cx, problems);
        ui.horizontal_top(|ui| {
            let of = Some((Field::Client, problems));
            self.text(ui, "Client address", "As the template says", HALF, of, |form| &mut form.client);
            let of = Some((Field::Address, problems));
            self.text(ui, "Server address", "As the template says", HALF, of, |form| &mut form.address);
        });
        ui.horizontal_top(|ui| {
            let of = Some((Field::ClientTitle, problems));
            self.text(ui, "Client system title", "Made by this program", HALF, of, |form| {
                &mut form.client_title
            });
            let of = Some((Field::ServerTitle, problems));
            self.text(ui, "Server system title", "Learnt from the meter", HALF, of, |form| {
                &mut form.server_title
            });
        });
        section(ui, "Measuring");
        ui.horizontal_top(|ui| {
            let of = Some((Field::TimeZone, problems));
            self.text(ui, "Time zone", "As this computer", HALF, of, |form| &mut form.time_zone);
            let sides = [
                (Side::Secondary, "Secondary, or no transformers".to_owned()),
                (Side::Primary, "Primary".to_owned()),
            ];
            choice(ui, "The meter's registers are", HALF, &mut self.entered.registers_in, &sides);
        });
        self.text(ui, "Note", "", WIDE, None, |form| &mut form.note);
        ui.add_space(4.0);
    }

    fn line(&mut self, ui: &mut Ui, cx: &mut AppCtx, problems: &Problems) {
        let of = Some((Field::Line, problems));
        self.text(ui, "Line", "tcp://10.0.0.7:4059", WIDE, of, |form| &mut form.line);
        ui.add_space(-4.0);
        let ports = cx.data.ports(cx.backend.as_ref(), &Query::Ports).ready().unwrap_or_default();
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = Vec2::new(4.0, 4.0);
            let kinds = [
                ("TCP", "tcp://", "DLMS wrapper over TCP"),
                ("HDLC over TCP", "tcp+hdlc://", "HDLC through a terminal server"),
                ("UDP", "udp://", "DLMS wrapper over UDP"),
            ];
            for (title, prefix, hint) in kinds {
                let on = self.entered.line.starts_with(prefix);
                if ui.add(Act::plain(title).small().selected(on).hint(hint)).clicked() && !on {
                    let rest = self.entered.line.split_once("://").map_or("", |(_, rest)| rest).to_owned();
                    self.entered.line = format!("{prefix}{rest}");
                }
            }
            for port in ports.iter() {
                for (what, options) in [("", ""), (" optical", "?optical")] {
                    let line = format!("serial:{}{options}", port.name);
                    let title = format!("{}{what}", port.name);
                    let on = self.entered.line == line;
                    if ui.add(Act::plain(&title).small().selected(on).hint(&port.description)).clicked() {
                        self.entered.line = line;
                    }
                }
            }
        });
    }

    fn secrets(&mut self, ui: &mut Ui, cx: &mut AppCtx, problems: &Problems) {
        let kept = self
            .id
            .and_then(|id| cx.data.details(cx.backend.as_ref(), &Query::Details(id)).ready())
            .map(|details| details.secrets.clone())
            .unwrap_or_default();
        for pair in SECRETS.chunks(2) {
            ui.horizontal_top(|ui| {
                for kind in pair {
                    self.secret(ui, *kind, kept.contains(kind), problems);
                }
            });
        }
        let missing = self.entered.missing_secrets(&kept);
        if !missing.is_empty() {
            let titles: Vec<String> = missing.iter().map(|kind| secret_title(*kind).to_lowercase()).collect();
            let text = format!("The meter will ask for the {}", titles.join(" and the "));
            ui.label(egui::RichText::new(text).color(tokens(ui).warn.0));
        }
        ui.label(small(ui, "Secrets are sealed in the vault and never shown again. Keys are 32 hex digits."));
    }

    fn secret(&mut self, ui: &mut Ui, kind: SecretKind, kept: bool, problems: &Problems) {
        let text = self.entered.secrets.get(&kind).map(|typed| typed.text.clone()).unwrap_or_default();
        let remark = self.remark(problems, Field::Secret(kind), &text);
        let wrong = remark.is_some();
        let Some(typed) = self.entered.secrets.get_mut(&kind) else { return };
        ui.vertical(|ui| {
            ui.set_width(HALF);
            let hint = match (kept, typed.remove) {
                (true, false) => "Kept; type to replace it",
                (true, true) => "Will be removed",
                (false, _) => "None",
            };
            field(ui, secret_title(kind), remark, |ui| password(ui, &mut typed.text, hint, HALF, wrong));
            if kept && typed.text.is_empty() {
                let words = format!("Remove the {}", secret_title(kind).to_lowercase());
                ui.checkbox(&mut typed.remove, secondary(ui, words));
            }
        });
    }
}

pub(super) const fn auth_title(auth: Auth) -> &'static str {
    match auth {
        Auth::None => "None",
        Auth::Low => "Low: a password in the clear",
        Auth::HighMd5 => "High: MD5",
        Auth::HighSha1 => "High: SHA-1",
        Auth::HighGmac => "High: GMAC",
        Auth::HighSha256 => "High: SHA-256",
        Auth::HighEcdsa => "High: ECDSA",
    }
}

pub(super) const fn security_title(security: Security) -> &'static str {
    match security {
        Security::None => "None",
        Security::Authenticated => "Authenticated",
        Security::Encrypted => "Encrypted",
        Security::Both => "Authenticated and encrypted",
    }
}
