//! How far a copy is, on standard error where that is a terminal.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// Entries between two updates.
const STEP: u64 = 1024;

/// A bar over a number of entries that is known or not.
pub(crate) struct Progress {
    bar: ProgressBar,
    pending: u64,
}

impl Progress {
    pub(crate) fn new(what: &str, total: Option<u64>) -> Self {
        let bar = if std::io::stderr().is_terminal() {
            total.map_or_else(ProgressBar::new_spinner, ProgressBar::new)
        } else {
            ProgressBar::hidden()
        };
        let template = if total.is_some() {
            "{msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}"
        } else {
            "{msg} {spinner} {human_pos} {per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self { bar, pending: 0 }
    }

    pub(crate) fn advance(&mut self) {
        self.pending += 1;
        if self.pending == STEP {
            self.bar.inc(STEP);
            self.pending = 0;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
