//! What a list does, as the form has it: read, write a scheme, put clocks right.

use std::collections::BTreeSet;
use std::path::PathBuf;

use egui::Ui;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::gui::context::{AppCtx, Command, ProofFile, usual_reading};
use crate::gui::data::{Load, Query, SchemeFile};
use crate::gui::theme::tokens;
use crate::gui::widgets::{Act, field, secondary, section, segmented, small, text_field};
use crate::model::{Action, Activate, Since, What};
use crate::scheme::{self, Code};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Scheme,
    Clock,
}

/// When a scheme takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Now,
    At,
    Never,
}

/// The part of the form that says what a list does.
pub(super) struct ActionForm {
    kind: Kind,
    what: BTreeSet<What>,
    from: Option<Since>,
    path: String,
    /// A file that is being looked at.
    asked: Option<PathBuf>,
    /// The scheme's text and identity.
    scheme: Option<(String, String)>,
    problem: Option<String>,
    takes: Takes,
    at: String,
}

/// A scheme that may go into a list: its text and identity.
fn taken(file: &SchemeFile) -> Result<(String, String), String> {
    // What one meter's template cannot hold is said when it is written to a meter.
    let of_meter = |code| matches!(code, Code::Limit | Code::Period | Code::Ratio | Code::Dst);
    let worst = file.problems.iter().find(|problem| problem.is_error() && !of_meter(problem.code));
    match (&file.document, worst) {
        (_, Some(problem)) => Err(format!("the scheme has errors: {problem}")),
        (Some(document), None) => Ok((scheme::write(document), document.identity.to_string())),
        (None, None) => Err("the file is no scheme".to_owned()),
    }
}

impl ActionForm {
    /// As a list has it.
    pub(super) fn new(action: &Action, zone: &TimeZone) -> Self {
        let mut form = Self {
            kind: Kind::Read,
            what: usual_reading(),
            from: None,
            path: String::new(),
            asked: None,
            scheme: None,
            problem: None,
            takes: Takes::Now,
            at: String::new(),
        };
        match action {
            Action::Read { what, from } => (form.what, form.from) = (what.clone(), *from),
            Action::AdjustClock => form.kind = Kind::Clock,
            Action::WriteScheme { scheme, identity, activate } => {
                form.kind = Kind::Scheme;
                form.scheme = Some((scheme.clone(), identity.clone()));
                match activate {
                    Activate::Now => {}
                    Activate::Never => form.takes = Takes::Never,
                    Activate::At(at) => {
                        form.takes = Takes::At;
                        form.at = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string();
                    }
                }
            }
        }
        form
    }

    /// As entered; times are those of a zone.
    ///
    /// # Errors
    /// What is lacking, in words.
    pub(super) fn action(&self, zone: &TimeZone) -> Result<Action, String> {
        match self.kind {
            Kind::Clock => Ok(Action::AdjustClock),
            Kind::Read if self.what.is_empty() => Err("Say what to read".to_owned()),
            Kind::Read => Ok(Action::Read { what: self.what.clone(), from: self.from }),
            Kind::Scheme => {
                if let Some(problem) = &self.problem {
                    return Err(problem.clone());
                }
                let (scheme, identity) =
                    self.scheme.clone().ok_or_else(|| "Choose the scheme to write".to_owned())?;
                let activate = match self.takes {
                    Takes::Now => Activate::Now,
                    Takes::Never => Activate::Never,
                    Takes::At => Activate::At(self.instant(zone)?),
                };
                Ok(Action::WriteScheme { scheme, identity, activate })
            }
        }
    }

    fn instant(&self, zone: &TimeZone) -> Result<Timestamp, String> {
        let wrong = || "write when the scheme takes over, such as 2027-01-01 00:00".to_owned();
        let local: DateTime = self.at.trim().replacen(' ', "T", 1).parse().map_err(|_| wrong())?;
        local.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).map_err(|_| wrong())
    }

    /// Takes what has come of the file that was chosen.
    fn look(&mut self, cx: &mut AppCtx) {
        if let Some((ProofFile::ListScheme, path)) = &cx.chosen {
            self.path = path.display().to_string();
            self.asked = Some(path.clone());
            cx.chosen = None;
        }
        let Some(path) = self.asked.clone() else { return };
        match cx.data.scheme(cx.backend.as_ref(), &Query::Scheme(path)) {
            Load::Loading => return,
            Load::Failed(reason) => self.problem = Some(reason),
            Load::Ready(file) => match taken(&file) {
                Ok(scheme) => (self.scheme, self.problem) = (Some(scheme), None),
                Err(reason) => self.problem = Some(reason),
            },
        }
        self.asked = None;
    }

    /// Draws it.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        section(ui, "What it does");
        let kinds =
            [(Kind::Read, "Read"), (Kind::Clock, "Put clocks right"), (Kind::Scheme, "Write a scheme")];
        segmented(ui, "what it does", &mut self.kind, &kinds);
        match self.kind {
            Kind::Read => self.reading(ui),
            Kind::Clock => {
                ui.label(secondary(
                    ui,
                    "Each meter's clock is compared, and adjusted as gently as the meter can.",
                ));
            }
            Kind::Scheme => self.writing(ui, cx),
        }
    }

    fn reading(&mut self, ui: &mut Ui) {
        ui.label(small(ui, "Each time what is missing"));
        ui.horizontal_wrapped(|ui| {
            for (one, _) in What::ALL {
                let mut on = self.what.contains(&one);
                if ui.checkbox(&mut on, one.in_words().trim_start_matches("the ")).changed() {
                    let _ = if on { self.what.insert(one) } else { self.what.remove(&one) };
                }
            }
        });
    }

    fn writing(&mut self, ui: &mut Ui, cx: &mut AppCtx) {
        self.look(cx);
        ui.horizontal(|ui| {
            let hint = "north.scheme.json";
            let wrong = self.problem.is_some();
            let entered =
                field(ui, "Scheme file", None, |ui| text_field(ui, &mut self.path, hint, 212.0, wrong));
            if entered.lost_focus() && !self.path.trim().is_empty() {
                self.asked = Some(PathBuf::from(self.path.trim()));
            }
            ui.vertical(|ui| {
                ui.add_space(18.0);
                if ui.add(Act::plain("Choose…")).clicked() {
                    cx.command(Command::ChooseProof(ProofFile::ListScheme));
                }
            });
        });
        match (&self.problem, &self.scheme) {
            (Some(problem), _) => {
                ui.label(egui::RichText::new(problem).color(tokens(ui).bad.0));
            }
            (None, Some((_, identity))) => {
                ui.label(secondary(ui, format!("Scheme {identity}, kept in the list as it is now")));
            }
            (None, None) => {}
        }
        let takes = [
            (Takes::Now, "In force at once"),
            (Takes::At, "From a time on"),
            (Takes::Never, "Passive side only"),
        ];
        segmented(ui, "takes over", &mut self.takes, &takes);
        if self.takes == Takes::At {
            field(ui, "Takes over", None, |ui| {
                text_field(ui, &mut self.at, "2027-01-01 00:00", 176.0, false)
            });
        }
    }
}
