//! An explanation as a person reads it: the value first, then why, then where it went.

use crate::cli::clean;
use crate::cli::explain::{Field, Piece, View};
use crate::cli::moment;
use crate::cli::runs::{plain, print_journal};
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::enrich::{ExplainedPart, Outlook};

/// Pieces of evidence shown for one field; `--json` has all of them.
const SHOWN: usize = 30;

pub fn print(view: &View, terminal: &Terminal) {
    terminal
        .say(terminal.paint(Tone::Quiet, &format!("profile {}, as of {} UTC", view.profile, moment::at(view.as_of))));
    for field in &view.fields {
        terminal.say("");
        one(field, terminal);
    }
}

fn one(field: &Field, terminal: &Terminal) {
    terminal.say(format!(
        "{} = {}",
        terminal.paint(Tone::Heading, &clean::line(&field.name)),
        clean::line(&plain(&field.value))
    ));
    let mut why = format!("  {}", clean::line(&field.origin));
    if let Some(how) = &field.how {
        why.push_str(&format!(": {}", clean::line(how)));
    }
    if let Some(at) = field.observed_at {
        why.push_str(&format!(", {} UTC", moment::at(at)));
    }
    if let Some(exact) = field.exact {
        let capped = if field.capped { ", capped" } else { "" };
        why.push_str(&format!(" (exactly {:.2}{capped})", exact + 0.0));
    }
    terminal.say(why);
    for part in &field.parts {
        terminal.say(format!("  {:+.2}  {}{}", part.points, clean::line(&part.label), about(part)));
    }
    if let Some(was) = &field.was {
        terminal.say(format!("  was {} until {} UTC", clean::line(&plain(&was.value)), moment::at(was.until)));
    }
    if let Some(outlook) = &field.outlook {
        ahead(outlook, terminal);
    }
    evidence(&field.evidence, terminal);
    for line in &field.mappings {
        terminal.say(terminal.paint(Tone::Quiet, &format!("  {}: {}", line.connection, clean::line(&line.line))));
    }
    for held in &field.records {
        let frozen = if held.frozen { "; frozen: fought over, see `ferry failures`" } else { "" };
        terminal.say(format!(
            "  {} {} {} holds {} (agreed {}){frozen}",
            held.connection,
            held.object,
            clean::line(&held.id),
            clean::line(&plain(&held.seen)),
            clean::line(&plain(&held.agreed)),
        ));
    }
    if !field.journal.is_empty() {
        print_journal(&field.journal, terminal);
    }
}

/// `(fit × 0.4)`, `(×3, newest 1.5 d ago, at most 15, engagement × 0.6)`
fn about(part: &ExplainedPart) -> String {
    let mut about = Vec::new();
    if let Some(age) = part.age_days {
        about.push(format!("×{}, newest {age:.1} d ago", part.matches));
    }
    about.extend(part.cap.map(|cap| format!("at most {}", cap.abs())));
    about.extend(part.score.as_ref().map(|score| format!("{} × {}", clean::line(score), part.weight)));
    if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) }
}

fn ahead(outlook: &Outlook, terminal: &Terminal) {
    if let (Some(at), Some(becomes)) = (outlook.changes_at, outlook.becomes) {
        terminal.say(format!("  becomes {becomes} at {} UTC if nothing happens", moment::at(at)));
    }
    for (band, at) in &outlook.leaves {
        terminal.say(format!("  leaves {} at {} UTC if nothing happens", clean::line(band), moment::at(*at)));
    }
}

fn evidence(pieces: &[Piece], terminal: &Terminal) {
    if pieces.is_empty() {
        return;
    }
    let mut table = terminal.table(&["  when (UTC)", "what", "rule", "detail", ">points", "counts"]);
    for piece in pieces.iter().take(SHOWN) {
        let counts = match piece.left_out {
            Some(why) => cell(Tone::Quiet, format!("no: {why}")),
            None => cell(Tone::Good, "yes"),
        };
        table.add_row([
            cell(Tone::Quiet, format!("  {}", piece.at.map_or_else(|| "–".to_owned(), moment::at))),
            cell(Tone::Plain, &piece.what),
            cell(Tone::Plain, piece.rule.as_deref().unwrap_or_default()),
            cell(Tone::Plain, piece.detail.as_deref().unwrap_or_default()),
            cell(Tone::Plain, piece.points.map_or_else(String::new, |points| format!("{points:+.2}"))),
            counts,
        ]);
    }
    terminal.print(&table);
    if pieces.len() > SHOWN {
        let rest = moment::count((pieces.len() - SHOWN) as u64);
        terminal.say(terminal.paint(Tone::Quiet, &format!("  … and {rest} more; --json has all of them")));
    }
}
