//! `ferry timeline KEY`: what happened around one person, newest first.

use std::time::Duration;

use serde::Serialize;

use crate::cli::exit::{Ended, Exit};
use crate::cli::moment;
use crate::cli::profile;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::store::{Store, TimelineItem};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any identifier: email:…, crm:CONN:OBJECT:ID, user_id:…, a bare e-mail address, or a profile's id
    pub key: String,
    /// How many items to show
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..))]
    pub limit: u16,
}

#[derive(Serialize)]
struct List<'a> {
    timeline: &'a [TimelineItem],
}

pub async fn run(args: &Args, store: Option<&dyn Store>, terminal: &Terminal) -> Ended {
    let (id, _, store) = profile::find(&args.key, store).await?;
    let items = store.timeline(id, usize::from(args.limit)).await?;
    terminal.show(&List { timeline: &items }, |terminal| print(&items, terminal))?;
    Ok(Exit::Done)
}

fn print(items: &[TimelineItem], terminal: &Terminal) {
    if items.is_empty() {
        terminal.say("nothing has happened yet");
        return;
    }
    let mut table = terminal.table(&["when (UTC)", "what", "title", "detail", "source"]);
    for item in items {
        table.add_row([
            cell(Tone::Quiet, moment::at(item.at)),
            cell(Tone::Plain, &item.kind),
            cell(Tone::Heading, &item.title),
            cell(Tone::Plain, detail(item)),
            cell(Tone::Quiet, &item.source),
        ]);
    }
    terminal.print(&table);
}

/// An item that was written down more than a day after it happened says so.
fn detail(item: &TimelineItem) -> String {
    const LATE: Duration = Duration::from_secs(86_400);
    let mut detail = item.detail.as_deref().unwrap_or_default().to_owned();
    if item.recorded_at.since(item.at) > LATE {
        let separator = if detail.is_empty() { "" } else { "; " };
        detail.push_str(&format!("{separator}recorded later, {}", moment::at(item.recorded_at)));
    }
    detail
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;
    use crate::cli::terminal::tests::captured;

    #[test]
    fn late_items_say_so() {
        let item = |recorded: i64, detail: Option<&str>| TimelineItem {
            at: Timestamp::from_secs(0),
            recorded_at: Timestamp::from_secs(recorded),
            kind: "event".into(),
            title: "Order\u{7} Completed".into(),
            detail: detail.map(Into::into),
            source: "website".into(),
        };
        let (terminal, out, _) = captured(false);
        print(&[item(10, Some("12.50 EUR")), item(90_000, None)], &terminal);
        let want = "\
WHEN (UTC)           WHAT   TITLE                 DETAIL                               SOURCE
1970-01-01 00:00:00  event  Order\\u{7} Completed  12.50 EUR                            website
1970-01-01 00:00:00  event  Order\\u{7} Completed  recorded later, 1970-01-02 01:00:00  website
";
        assert_eq!(out.text(), want);
    }
}
