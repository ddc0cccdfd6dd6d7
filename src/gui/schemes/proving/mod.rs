//! Proving a scheme before and while it goes into a meter: what its pages share.
//!
//! * `input`: the load profile and the events that a scheme is tried on, chosen once for all pages.
//! * `load`: load profiles out of the store and out of files.
//! * `strip`: events on the time axis, under pointer and keyboard.
//! * `runs`: dry runs and bills off the frame, begun anew when something changed.
//! * `sheet`: figures of several runs side by side, what differs marked, for the eye, the clipboard and a file.

mod input;
mod load;
mod price_form;
mod runs;
pub(super) mod sheet;
mod strip;

use std::path::Path;

use egui::Ui;

use crate::gui::context::AppCtx;
use crate::scheme::Document;

pub(super) use input::Input;
pub(super) use price_form::PriceBook;
pub(super) use runs::{Runs, Trial, Tried};

use super::bills::BillsPage;
use super::compare_page::ComparePage;
use super::dry_run::DryRunPage;
use super::program::ProgramPage;

/// A scheme that is open beside the one that is shown.
pub(super) struct Other<'a> {
    /// What the list of schemes calls it.
    pub(super) name: &'a str,
    /// Its file, where it has one.
    pub(super) path: Option<&'a Path>,
    /// The scheme.
    pub(super) document: &'a Document,
}

/// The scheme that is proved, and those that it is held against.
pub(super) struct Subject<'a> {
    /// The one.
    pub(super) this: Other<'a>,
    /// All others that are open and can be understood.
    pub(super) others: &'a [Other<'a>],
}

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProofPage {
    /// What registers would read.
    DryRun,
    /// What it costs.
    Bills,
    /// How it differs from another.
    Compare,
    /// Into a meter, and out of it.
    Program,
}

/// What a page asks of the manager.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// Open a scheme that was read from a meter as a new draft.
    OpenDraft(Box<Document>),
}

/// The pages.
#[derive(Debug, Default)]
pub(super) struct Proof {
    input: Input,
    prices: PriceBook,
    dry_run: DryRunPage,
    bills: BillsPage,
    compare: ComparePage,
    program: ProgramPage,
}

impl Proof {
    /// Draws a page.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        cx: &mut AppCtx,
        page: ProofPage,
        subject: &Subject<'_>,
    ) -> Option<Wish> {
        match page {
            ProofPage::DryRun => self.dry_run.ui(ui, cx, subject, &mut self.input, &mut self.prices),
            ProofPage::Bills => self.bills.ui(ui, cx, subject, &mut self.input, &mut self.prices),
            ProofPage::Compare => self.compare.ui(ui, cx, subject),
            ProofPage::Program => return self.program.ui(ui, cx, subject),
        }
        None
    }
}
