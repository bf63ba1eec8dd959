//! How the story is told: headings, lines, and the pace at which they appear.

use std::time::Duration;

use connector::{Clock, SystemClock, Timestamp};

use crate::cli::clean;
use crate::cli::terminal::{Terminal, Tone};

const WIDTH: usize = 80;
/// At pace 1.
const LINE: Duration = Duration::from_millis(120);
const ACT: Duration = Duration::from_millis(1_500);

#[derive(Debug)]
pub struct Teller<'a> {
    terminal: &'a Terminal,
    pace: f64,
}

impl<'a> Teller<'a> {
    /// `pace` 0 pauses nowhere.
    pub fn new(terminal: &'a Terminal, pace: f64) -> Self {
        Self { terminal, pace: if terminal.wants_json() { 0.0 } else { pace } }
    }

    /// A heading of the story.
    pub async fn act(&self, when: &str, title: &str) {
        self.rest(ACT).await;
        let used = when.chars().count() + title.chars().count() + 6;
        let rule = "─".repeat(WIDTH.saturating_sub(used).max(3));
        let title = self.terminal.paint(Tone::Heading, title);
        self.terminal.say("");
        self.terminal.say(format!("── {title} {rule} {}", self.terminal.paint(Tone::Quiet, when)));
    }

    /// What happens, in words.
    pub async fn tell(&self, text: &str) {
        self.terminal.say(text);
        self.rest(LINE).await;
    }

    /// One thing of many, set in.
    pub async fn item(&self, tone: Tone, text: &str) {
        self.terminal.say(self.terminal.paint(tone, &format!("  {}", clean::line(text))));
        self.rest(LINE).await;
    }

    /// An event of the day with its hour.
    pub async fn event(&self, at: Timestamp, who: &str, what: &str) {
        let hour = self.terminal.paint(Tone::Quiet, &hour(at));
        self.terminal.say(format!("  {hour}  {:<13} {}", clean::line(who), clean::line(what)));
        self.rest(LINE).await;
    }

    /// A name and what it holds.
    pub async fn pair(&self, name: &str, value: &str) {
        let value = clean::line(value);
        self.terminal.say(format!("  {:<25} {}", clean::line(name), self.terminal.paint(Tone::Good, &value)));
        self.rest(LINE).await;
    }

    /// A field, old to new.
    pub async fn change(&self, field: &str, from: &str, to: &str) {
        let from = self.terminal.paint(Tone::Quiet, &format!("{:>10}", clean::line(from)));
        let to = self.terminal.paint(Tone::Good, &clean::line(to));
        self.terminal.say(format!("    {:<25} {from} → {to}", clean::line(field)));
        self.rest(LINE).await;
    }

    pub fn heading(&self, text: &str) -> String {
        self.terminal.paint(Tone::Heading, text)
    }

    async fn rest(&self, how_long: Duration) {
        if self.pace > 0.0 {
            SystemClock.sleep(how_long.mul_f64(self.pace)).await;
        }
    }
}

/// `08:12`, UTC.
pub fn hour(at: Timestamp) -> String {
    at.to_utc().format("%H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;

    #[tokio::test]
    async fn headings_fit_eighty_columns() {
        let (terminal, out, _) = captured(false);
        Teller::new(&terminal, 0.0).act("Tue 17:00", "The evening cycle").await;
        let line = out.text().trim().to_owned();
        assert!(line.chars().count() <= WIDTH && line.ends_with("Tue 17:00"), "{line}");
    }
}
