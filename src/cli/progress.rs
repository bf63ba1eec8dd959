//! A line on standard error that shows how long work goes on; only where a person is looking.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app;
use crate::cli::runs::{counted, name};
use crate::cli::terminal::Terminal;
use crate::cli::{clean, moment};
use crate::model::{Counts, Run};

/// One piece of work under way. Dropping it clears its line.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Begins to show `what` (`pull acme contact`). Draws nothing unless standard error is a terminal.
    pub fn start(terminal: &Terminal, what: &str) -> Self {
        let target = if terminal.is_live() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(clean::line(what).into_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// The same for work whose length is known: a bar, and how many of the bytes are read.
    pub fn of_bytes(terminal: &Terminal, what: &str, total: u64) -> Self {
        let progress = Self::start(terminal, what);
        let template = "{spinner} {wide_msg} [{bar:20}] {bytes} of {total_bytes} {elapsed}";
        if let (Ok(style), true) = (ProgressStyle::with_template(template), total > 0) {
            progress.bar.set_style(style.progress_chars("=> "));
            progress.bar.set_length(total);
        }
        progress
    }

    /// Deals looked at up to here.
    pub fn deals(&self, deals: u64) {
        self.bar.set_message(format!("{} deals looked at", moment::count(deals)));
    }

    /// People looked at up to here.
    pub fn people(&self, people: u64) {
        self.bar.set_message(format!("{} people looked at", moment::count(people)));
    }

    /// Bytes read up to here.
    pub fn read(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }
}

/// Shows what a run has counted up to here.
impl app::Progress for Progress {
    fn update(&self, run: &Run, counts: &Counts) {
        self.bar.set_message(line(&name(run), counts));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn line(what: &str, counts: &Counts) -> String {
    let parts: Vec<String> = counted(counts).map(|(name, n)| format!("{} {name}", moment::count(n))).collect();
    if parts.is_empty() { what.to_owned() } else { format!("{what}: {}", parts.join(" · ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_told_of_the_whole() {
        let progress = Progress { bar: ProgressBar::hidden() };
        progress.bar.set_length(200);
        progress.read(50);
        assert_eq!((progress.bar.position(), progress.bar.length()), (50, Some(200)));
    }

    #[test]
    fn the_line_says_what_and_how_many() {
        assert_eq!(line("pull acme", &Counts::default()), "pull acme");
        let counts = Counts { seen: 1_500, created: 3, ..Counts::default() };
        assert_eq!(line("pull acme", &counts), "pull acme: 1,500 seen · 3 created");
    }
}
