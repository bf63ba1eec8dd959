//! The two streams a command writes to. Data goes to standard output, as a table for people or as JSON; everything about
//! the work (notes, errors, progress) goes to standard error, so that a pipe only ever carries data.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::cli::clean;
use crate::cli::exit::Failure;

/// When to paint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

/// What a piece of text says about the state of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
    Quiet,
    Heading,
}

type Sink = Mutex<Box<dyn Write + Send>>;

pub struct Terminal {
    out: Sink,
    err: Sink,
    json: bool,
    paint_out: bool,
    paint_err: bool,
    /// Whether long work may draw progress.
    live: bool,
    /// Columns of standard output; `None` when it is no terminal, so that nothing is wrapped for a pipe.
    width: Option<u16>,
}

impl Terminal {
    /// The process's own streams. `no_color` is whether `NO_COLOR` holds anything.
    pub fn of_the_process(json: bool, color: ColorChoice, no_color: bool) -> Self {
        let paints = |is_terminal: bool| match color {
            ColorChoice::Auto => is_terminal && !no_color,
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        let out_is_terminal = std::io::stdout().is_terminal();
        let err_is_terminal = std::io::stderr().is_terminal();
        Self {
            out: Mutex::new(Box::new(std::io::stdout())),
            err: Mutex::new(Box::new(std::io::stderr())),
            json,
            paint_out: paints(out_is_terminal) && !json,
            paint_err: paints(err_is_terminal),
            live: err_is_terminal,
            width: out_is_terminal.then(|| Table::new().width().unwrap_or(100)),
        }
    }

    /// Streams of the caller's choosing, nothing painted, nothing live.
    pub fn to(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, json: bool) -> Self {
        Self {
            out: Mutex::new(out),
            err: Mutex::new(err),
            json,
            paint_out: false,
            paint_err: false,
            live: false,
            width: None,
        }
    }

    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether progress may be drawn on standard error.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether lines on standard error are painted.
    pub fn paints_notes(&self) -> bool {
        self.paint_err
    }

    /// A line of data for people. Nothing is said in JSON mode: there the object says it.
    pub fn say(&self, text: impl fmt::Display) {
        if !self.json {
            write(&self.out, &format!("{text}\n"));
        }
    }

    /// One JSON value on a line of its own, keys sorted.
    pub fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        // Through `Value`, whose maps are sorted: the same data is the same text.
        let text = serde_json::to_value(value)
            .map(|value| value.to_string())
            .map_err(|error| Failure::new(format!("write JSON: {error}")))?;
        write(&self.out, &format!("{text}\n"));
        Ok(())
    }

    /// The data, in the form that was asked for.
    pub fn show(&self, value: &impl Serialize, for_people: impl FnOnce(&Self)) -> Result<(), Failure> {
        if self.json {
            return self.json(value);
        }
        for_people(self);
        Ok(())
    }

    /// A line about the work, on standard error.
    pub fn note(&self, text: impl fmt::Display) {
        write(&self.err, &format!("{text}\n"));
    }

    /// Why a command did not do what it was asked.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let object = serde_json::json!({ "error": {
                "exit": failure.exit.code(),
                "message": failure.message,
                "fix": failure.fix,
                "problems": failure.problems,
            } });
            write(&self.err, &format!("{object}\n"));
            return;
        }
        if !failure.problems.is_empty() {
            write(&self.err, &format!("{}\n", clean::lines(&failure.message)));
            return;
        }
        let mut text = format!("{} {}", paint(self.paint_err, Tone::Bad, "error:"), clean::lines(&failure.message));
        if let Some(fix) = &failure.fix {
            text.push_str(&format!("\n{} {}", paint(self.paint_err, Tone::Quiet, "  fix:"), clean::lines(fix)));
        }
        write(&self.err, &format!("{text}\n"));
    }

    /// Text for standard output in a tone.
    pub fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.paint_out, tone, text)
    }

    /// An empty table with these headings. A heading that begins with `>` is a column of numbers.
    pub fn table(&self, headings: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        if self.paint_out {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        match self.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        table.set_header(headings.iter().map(|heading| {
            let name = heading.trim_start_matches('>').to_uppercase();
            Cell::new(name).add_attribute(Attribute::Bold)
        }));
        for (at, heading) in headings.iter().enumerate() {
            if let Some(column) = table.column_mut(at) {
                column.set_padding((0, 2));
                if heading.starts_with('>') {
                    column.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        table
    }

    /// Prints a table without the blanks that pad its last column.
    pub fn print(&self, table: &Table) {
        for line in table.lines() {
            self.say(line.trim_end());
        }
    }
}

impl fmt::Debug for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terminal").field("json", &self.json).field("live", &self.live).finish_non_exhaustive()
    }
}

/// A table cell: made safe, shortened, in a tone.
pub fn cell(tone: Tone, text: impl fmt::Display) -> Cell {
    let cell = Cell::new(clean::cell(&text.to_string()));
    match tone {
        Tone::Plain => cell,
        Tone::Good => cell.fg(Color::DarkGreen),
        Tone::Warn => cell.fg(Color::DarkYellow),
        Tone::Bad => cell.fg(Color::DarkRed).add_attribute(Attribute::Bold),
        Tone::Quiet => cell.add_attribute(Attribute::Dim),
        Tone::Heading => cell.add_attribute(Attribute::Bold),
    }
}

fn paint(on: bool, tone: Tone, text: &str) -> String {
    let code = match tone {
        Tone::Plain => return text.to_owned(),
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "1;31",
        Tone::Quiet => "2",
        Tone::Heading => "1",
    };
    if on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// A reader that went away (`ferry runs | head`) is no error of ours, and a full disk behind standard error cannot be told
/// to anybody: what could not be written is dropped.
fn write(sink: &Sink, text: &str) {
    if let Ok(mut sink) = sink.lock() {
        let _ = sink.write_all(text.as_bytes());
        let _ = sink.flush();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use super::*;

    /// A stream that can be read back.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    /// A terminal whose output and errors can be read.
    pub(crate) fn captured(json: bool) -> (Terminal, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        (Terminal::to(Box::new(out.clone()), Box::new(err.clone()), json), out, err)
    }

    #[test]
    fn tables_are_plain_columns_and_foreign_text_is_safe() {
        let (terminal, out, _) = captured(false);
        let mut table = terminal.table(&["name", ">records"]);
        table.add_row([cell(Tone::Bad, "acme\u{1b}[2J"), cell(Tone::Plain, 7)]);
        table.add_row([cell(Tone::Plain, "b"), cell(Tone::Plain, 1_200)]);
        terminal.print(&table);
        assert_eq!(out.text(), "NAME           RECORDS\nacme\\u{1b}[2J        7\nb                 1200\n");
    }

    #[test]
    fn json_mode_says_nothing_else_on_standard_output() {
        let (terminal, out, err) = captured(true);
        terminal.say("for people");
        terminal.show(&serde_json::json!({"b": 1, "a": null}), |t| t.say("for people")).unwrap();
        terminal.failure(&Failure::new("push hubspot: refused").with_fix("log in again"));
        assert_eq!(out.text(), "{\"a\":null,\"b\":1}\n");
        assert_eq!(
            err.text(),
            "{\"error\":{\"exit\":1,\"fix\":\"log in again\",\"message\":\"push hubspot: refused\",\"problems\":[]}}\n"
        );
    }

    #[test]
    fn failures_say_what_to_do() {
        let (terminal, _, err) = captured(false);
        terminal.failure(&Failure::new("open ferry.db: bad\u{7}").with_fix("restore a backup"));
        assert_eq!(err.text(), "error: open ferry.db: bad\\u{7}\n  fix: restore a backup\n");
    }
}
