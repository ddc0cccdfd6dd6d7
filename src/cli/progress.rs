//! Progress on standard error: a bar on a terminal, plain lines otherwise, nothing with `--quiet`.

use std::io::{self, IsTerminal};

use super::stderr;

/// Width of the bar.
const BAR: usize = 24;
/// Longest text beside the bar, so that it stays on one line.
const TEXT: usize = 48;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Nothing,
    Lines,
    Bar,
}

/// How far a job has come.
#[derive(Debug)]
pub(super) struct Progress {
    look: Look,
    done: usize,
    of: usize,
}

impl Progress {
    pub(super) fn new(of: usize, quiet: bool) -> Self {
        let look = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Look::Nothing,
            (false, true) => Look::Bar,
            (false, false) => Look::Lines,
        };
        Self { look, done: 0, of }
    }

    /// A meter is at this step.
    pub(super) fn step(&self, meter: &str, step: &str) {
        if self.look == Look::Bar {
            self.draw(&format!("{meter}: {step}"));
        }
    }

    /// Something worth a line of its own.
    pub(super) fn line(&self, meter: &str, text: &str) {
        match self.look {
            Look::Nothing => {}
            Look::Lines => stderr::line(format_args!("{meter}: {text}")),
            Look::Bar => stderr::line(format_args!("\r\x1B[K{meter}: {text}")),
        }
    }

    /// A meter has ended.
    pub(super) fn ended(&mut self, meter: &str, words: &str) {
        self.done += 1;
        self.line(meter, words);
        if self.look == Look::Bar {
            self.draw("");
        }
    }

    /// Clears the bar.
    pub(super) fn finish(&self) {
        if self.look == Look::Bar {
            stderr::part("\r\x1B[K");
        }
    }

    fn draw(&self, text: &str) {
        let filled = BAR * self.done / self.of.max(1);
        let text: String = text.chars().take(TEXT).collect();
        let bar = format!("{}{}", "#".repeat(filled), ".".repeat(BAR - filled.min(BAR)));
        stderr::part(format_args!("\r\x1B[K[{bar}] {}/{} {text}", self.done, self.of));
    }
}
