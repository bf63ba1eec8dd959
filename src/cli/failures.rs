//! `ferry failures`: what needs a person, with its cause and its fix; settling it, trying it again, letting it go.

use connector::Timestamp;
use serde::Serialize;

use crate::cli::clean;
use crate::cli::exit::{Ended, Exit, Failure};
use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::model::{DeadLetter, DeadLetterCode, DeadLetterId, Raw, Side, Subject};
use crate::store::Store;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Every failed record, field and input line (the default)
    List,
    /// One in full
    Show { id: i64 },
    /// Let it try again: a field fought over is thawed, a manual conflict is settled with --take
    Retry {
        id: i64,
        /// Whose value is right, where both sides changed it
        #[arg(long, value_enum)]
        take: Option<Take>,
    },
    /// Forget it; what failed stays as it is
    Drop { id: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Take {
    /// The CRM's value
    Crm,
    /// Ferry's value
    Cdp,
}

impl From<Take> for Side {
    fn from(take: Take) -> Self {
        match take {
            Take::Crm => Side::Crm,
            Take::Cdp => Side::Cdp,
        }
    }
}

/// A dead letter as `--json` shows it.
#[derive(Serialize)]
struct Letter<'a> {
    id: i64,
    at: Timestamp,
    code: DeadLetterCode,
    #[serde(flatten)]
    subject: &'a Subject,
    cause: &'a str,
    fix: &'a str,
    count: u32,
    raw: Option<&'a Raw>,
}

impl<'a> From<&'a DeadLetter> for Letter<'a> {
    fn from(letter: &'a DeadLetter) -> Self {
        Self {
            id: letter.id.0,
            at: letter.at,
            code: letter.code,
            subject: &letter.subject,
            cause: &letter.cause,
            fix: &letter.fix,
            count: letter.count,
            raw: letter.raw.as_ref(),
        }
    }
}

#[derive(Serialize)]
struct List<'a> {
    failures: Vec<Letter<'a>>,
}

impl Args {
    /// Whether it changes the store.
    pub fn changes(&self) -> bool {
        matches!(self.action, Some(Action::Retry { .. } | Action::Drop { .. }))
    }
}

/// `store` is `None` before anything has made it.
pub async fn run(args: &Args, store: Option<&dyn Store>, now: Timestamp, terminal: &Terminal) -> Ended {
    let action = args.action.as_ref().unwrap_or(&Action::List);
    let Some(store) = store else {
        return match action {
            Action::List => tell_all(&[], now, terminal),
            Action::Show { id } | Action::Retry { id, .. } | Action::Drop { id } => Err(unknown(*id)),
        };
    };
    match action {
        Action::List => tell_all(&all(store).await?, now, terminal),
        Action::Show { id } => {
            let letter = store.dead_letter(DeadLetterId(*id)).await?.ok_or_else(|| unknown(*id))?;
            terminal.show(&Letter::from(&letter), |terminal| print_one(&letter, terminal))?;
            Ok(Exit::Done)
        }
        Action::Retry { id, take } => retry(*id, *take, store, terminal).await,
        Action::Drop { id } => {
            if !store.drop_dead_letter(DeadLetterId(*id)).await? {
                return Err(unknown(*id));
            }
            terminal.show(&serde_json::json!({ "dropped": id }), |terminal| terminal.say(format!("dropped {id}")))?;
            Ok(Exit::Done)
        }
    }
}

async fn all(store: &dyn Store) -> Result<Vec<DeadLetter>, Failure> {
    const PAGE: usize = 500;
    let mut letters: Vec<DeadLetter> = Vec::new();
    loop {
        let after = letters.last().map_or(DeadLetterId(0), |letter| letter.id);
        let page = store.dead_letters(after, PAGE).await?;
        let full = page.len() == PAGE;
        letters.extend(page);
        if !full {
            return Ok(letters);
        }
    }
}

fn tell_all(letters: &[DeadLetter], now: Timestamp, terminal: &Terminal) -> Ended {
    let shape = List { failures: letters.iter().map(Letter::from).collect() };
    terminal.show(&shape, |terminal| print_list(letters, now, terminal))?;
    Ok(Exit::Done)
}

async fn retry(id: i64, take: Option<Take>, store: &dyn Store, terminal: &Terminal) -> Ended {
    let letter = store.dead_letter(DeadLetterId(id)).await?.ok_or_else(|| unknown(id))?;
    check_verdict(&letter, take)?;
    if !store.retry_dead_letter(letter.id, take.map(Side::from)).await? {
        return Err(unknown(id));
    }
    let next = match letter.code {
        DeadLetterCode::EventInvalid => "repair the line in its file and ingest it again",
        DeadLetterCode::WebhookRefused | DeadLetterCode::WebhookUnreachable => {
            "it is sent again; without a daemon `ferry webhook send` does so now"
        }
        _ => "the next push looks at it again; `ferry push` does so now",
    };
    terminal.show(&serde_json::json!({ "retried": id, "next": next }), |terminal| {
        terminal.say(format!("{}: {next}", what(&letter.subject)));
    })?;
    Ok(Exit::Done)
}

/// A manual conflict needs a side, and nothing else has one.
fn check_verdict(letter: &DeadLetter, take: Option<Take>) -> Result<(), Failure> {
    let is_conflict = letter.code == DeadLetterCode::ConflictManual;
    match (is_conflict, take) {
        (true, None) => Err(Failure::usage(format!("failure {} is a conflict: whose value is right?", letter.id.0))
            .with_fix("add --take crm or --take cdp")),
        (false, Some(_)) => Err(Failure::usage(format!(
            "failure {} is {}, no conflict: there is no side to take",
            letter.id.0, letter.code
        ))
        .with_fix("leave --take out")),
        _ => Ok(()),
    }
}

fn unknown(id: i64) -> Failure {
    Failure::new(format!("there is no failure {id}")).with_fix("`ferry failures` lists them")
}

/// What a dead letter is about: `acme contact 501, field Phone`, or `source website`.
fn what(subject: &Subject) -> String {
    let place: Vec<&str> = [&subject.connection, &subject.object, &subject.record]
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    let mut parts = Vec::new();
    if !place.is_empty() {
        parts.push(place.join(" "));
    }
    if let Some(field) = &subject.field {
        parts.push(format!("field {field}"));
    }
    if let Some(source) = &subject.source {
        parts.push(format!("source {source}"));
    }
    parts.join(", ")
}

fn print_list(letters: &[DeadLetter], now: Timestamp, terminal: &Terminal) {
    if letters.is_empty() {
        terminal.say("no failures");
        return;
    }
    let mut table = terminal.table(&[">id", "when", "what", "code", "cause", ">times"]);
    for letter in letters {
        table.add_row([
            cell(Tone::Heading, letter.id.0),
            cell(Tone::Quiet, moment::ago(now, Some(letter.at))),
            cell(Tone::Plain, what(&letter.subject)),
            cell(Tone::Bad, letter.code),
            cell(Tone::Plain, &letter.cause),
            cell(Tone::Plain, letter.count),
        ]);
    }
    terminal.print(&table);
    terminal.say("");
    terminal.say(terminal.paint(Tone::Quiet, "`ferry failures show ID` says what to do about one"));
}

fn print_one(letter: &DeadLetter, terminal: &Terminal) {
    let heading = format!("failure {}: {}", letter.id.0, letter.code);
    terminal.say(terminal.paint(Tone::Heading, &heading));
    let times = if letter.count == 1 { "once".to_owned() } else { format!("{} times", letter.count) };
    terminal.say(format!("what   {}", clean::line(&what(&letter.subject))));
    terminal.say(format!("when   {} UTC, {times}", moment::at(letter.at)));
    terminal.say(format!("cause  {}", clean::line(&letter.cause)));
    terminal.say(format!("fix    {}", clean::line(&letter.fix)));
    if let Some(raw) = &letter.raw {
        // A message of a request stands on no line.
        let line = if raw.line == 0 { String::new() } else { format!(":{}", raw.line) };
        terminal.say(format!("input  {}{line}", clean::line(&raw.file)));
        terminal.say(format!("       {}", clean::line(&raw.text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::tests::captured;

    fn letter(code: DeadLetterCode) -> DeadLetter {
        DeadLetter {
            id: DeadLetterId(7),
            at: Timestamp::from_secs(60),
            code,
            subject: Subject {
                connection: Some("acme".into()),
                object: Some("contact".into()),
                record: Some("501".into()),
                field: Some("phone".into()),
                source: None,
            },
            cause: "both sides changed it\u{1b}".into(),
            fix: "take a side".into(),
            raw: None,
            count: 2,
        }
    }

    #[test]
    fn the_json_is_flat() {
        let json = serde_json::to_value(Letter::from(&letter(DeadLetterCode::ConflictManual))).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "id": 7, "at": "1970-01-01T00:01:00Z", "code": "conflict_manual", "connection": "acme",
                "object": "contact", "record": "501", "field": "phone", "source": null,
                "cause": "both sides changed it\u{1b}", "fix": "take a side", "count": 2, "raw": null,
            })
        );
    }

    #[test]
    fn one_says_cause_and_fix() {
        let (terminal, out, _) = captured(false);
        print_one(&letter(DeadLetterCode::ConflictManual), &terminal);
        let want = "\
failure 7: conflict_manual
what   acme contact 501, field phone
when   1970-01-01 00:01:00 UTC, 2 times
cause  both sides changed it\\u{1b}
fix    take a side
";
        assert_eq!(out.text(), want);
    }

    #[test]
    fn only_a_conflict_takes_a_side() {
        let conflict = letter(DeadLetterCode::ConflictManual);
        let refused = letter(DeadLetterCode::WriteRejected);
        assert!(check_verdict(&conflict, Some(Take::Crm)).is_ok());
        assert_eq!(check_verdict(&conflict, None).unwrap_err().exit, Exit::Invalid);
        assert!(check_verdict(&refused, None).is_ok());
        assert_eq!(check_verdict(&refused, Some(Take::Cdp)).unwrap_err().exit, Exit::Invalid);
    }
}
