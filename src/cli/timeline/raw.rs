//! `ferry timeline KEY --raw`: what happened around one person event by event, newest first.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::cli::moment;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::enrich::{EventMark, Session, Told};
use crate::store::TimelineItem;

/// `timeline --raw --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub timeline: Vec<Item>,
    /// By start, oldest first; those of the events shown.
    pub sessions: Vec<Session>,
}

#[derive(Debug, Serialize)]
pub struct Item {
    #[serde(flatten)]
    pub item: TimelineItem,
    /// The id of the session that an event is part of.
    pub session: Option<Arc<str>>,
    /// What an event does not count for, and why: `bot`, `machine_open`, `machine_click`; `time_corrected`.
    pub marks: Vec<EventMark>,
}

/// The items, and what the story says of those that are events.
pub fn view(items: Vec<(TimelineItem, Option<Told>)>, sessions: &[Session]) -> View {
    let timeline: Vec<Item> = items
        .into_iter()
        .map(|(mut item, told)| {
            let Some(told) = told else {
                return Item { item, session: None, marks: Vec::new() };
            };
            item.kind = told.kind.as_str().into();
            if item.detail.is_none() {
                item.detail = told.page.as_deref().map(Into::into);
            }
            Item { item, session: told.session, marks: told.marks }
        })
        .collect();
    let shown = |session: &&Session| timeline.iter().any(|item| item.session.as_ref() == Some(&session.id));
    let sessions = sessions.iter().filter(shown).cloned().collect();
    View { timeline, sessions }
}

pub fn print(view: &View, terminal: &Terminal) {
    if view.timeline.is_empty() {
        terminal.say("nothing has happened yet");
        return;
    }
    let mut table = terminal.table(&["when (UTC)", "kind", "title", "detail", "source"]);
    for one in &view.timeline {
        let title = if one.marks.contains(&EventMark::Bot) { Tone::Quiet } else { Tone::Heading };
        table.add_row([
            cell(Tone::Quiet, moment::at(one.item.at)),
            cell(Tone::Plain, &one.item.kind),
            cell(title, &one.item.title),
            cell(Tone::Plain, detail(one)),
            cell(Tone::Quiet, &one.item.source),
        ]);
    }
    terminal.print(&table);
}

/// With its marks; an item that was written down more than a day after it happened says so.
fn detail(one: &Item) -> String {
    const LATE: Duration = Duration::from_secs(86_400);
    let item = &one.item;
    let mut parts: Vec<String> = item.direction.iter().chain(&item.detail).map(|part| part.to_string()).collect();
    parts.extend(item.actor.iter().map(|actor| format!("by {actor}")));
    parts.extend(one.marks.iter().map(|mark| mark.as_str().replace('_', " ")));
    if item.recorded_at.since(item.at) > LATE {
        parts.push(format!("recorded later, {}", moment::at(item.recorded_at)));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use connector::Timestamp;

    use super::*;
    use crate::cli::terminal::tests::captured;
    use crate::model::TimelineKind;

    fn item(recorded: i64, detail: Option<&str>, event: Option<i64>) -> TimelineItem {
        TimelineItem {
            at: Timestamp::from_secs(0),
            recorded_at: Timestamp::from_secs(recorded),
            kind: "event".into(),
            title: "Order\u{7} Completed".into(),
            detail: detail.map(Into::into),
            source: "website".into(),
            event,
            direction: None,
            actor: None,
        }
    }

    #[test]
    fn late_items_say_so() {
        let items = vec![item(10, Some("12.50 EUR"), None), item(90_000, None, None)];
        let (terminal, out, _) = captured(false);
        print(&view(items.into_iter().map(|item| (item, None)).collect(), &[]), &terminal);
        let want = "\
WHEN (UTC)           KIND   TITLE                 DETAIL                               SOURCE
1970-01-01 00:00:00  event  Order\\u{7} Completed  12.50 EUR                            website
1970-01-01 00:00:00  event  Order\\u{7} Completed  recorded later, 1970-01-02 01:00:00  website
";
        assert_eq!(out.text(), want);
    }

    #[test]
    fn events_have_their_kind_and_what_they_do_not_count_for() {
        let marks = vec![EventMark::MachineOpen];
        let told = Told { kind: TimelineKind::Email, session: None, marks, page: None };
        let items = vec![(item(0, None, Some(3)), Some(told)), (item(0, None, None), None)];
        let json = serde_json::to_value(view(items, &[])).unwrap();
        assert_eq!(json["timeline"][0]["kind"], "email");
        assert_eq!(json["timeline"][0]["marks"], serde_json::json!(["machine_open"]));
        assert_eq!((&json["timeline"][1]["kind"], &json["timeline"][1]["event"]), (&"event".into(), &().into()));
    }
}
