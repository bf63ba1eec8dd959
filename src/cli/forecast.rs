//! What a plan looks like: the shape of `plan --json`, which is also what a plan file holds, and the diff for people.

use connector::{ConnectionName, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::cli::moment;
use crate::cli::runs::plain;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::model::canonical;
use crate::push;

/// `plan --json`: what push would do against the CRM's live values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Records that would be created.
    pub creates: u64,
    /// Records that would be changed.
    pub updates: u64,
    pub api_calls: u64,
    /// One per field.
    pub changes: Vec<Change>,
    /// Fuses that would stop the push.
    pub fuses: Vec<Fuse>,
    /// Values that would not be sent, and why.
    pub skipped: Vec<String>,
    /// CRM lists that records would be put on or taken off.
    #[serde(default)]
    pub lists: Vec<List>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    pub connection: ConnectionName,
    pub object: Object,
    /// What the CRM calls it by.
    pub list: String,
    pub adds: u64,
    pub removes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub connection: ConnectionName,
    pub object: Object,
    /// The record's id at the CRM; null for a record that would be created.
    pub record: Option<String>,
    /// The profile it belongs to.
    pub profile: Option<String>,
    pub field: String,
    pub from: Json,
    pub to: Json,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fuse {
    pub connection: ConnectionName,
    pub object: Object,
    /// The key in `[safety]`.
    pub limit: String,
    pub found: u64,
    pub most: u64,
    pub why: String,
}

impl Forecast {
    /// Adds what one (connection, object) would do.
    pub fn add(&mut self, connection: &ConnectionName, object: &Object, part: &push::Forecast) {
        self.creates += part.creates;
        self.updates += part.updates;
        self.api_calls += part.api_calls;
        self.changes.extend(part.changes.iter().map(|change| Change {
            connection: change.connection.clone(),
            object: change.object.clone(),
            record: change.record.as_ref().map(ToString::to_string),
            profile: change.profile.as_ref().map(ToString::to_string),
            field: change.field.to_string(),
            from: canonical::to_json(&change.from),
            to: canonical::to_json(&change.to),
            why: change.why.to_string(),
        }));
        self.lists.extend(part.lists.iter().map(|planned| List {
            connection: connection.clone(),
            object: object.clone(),
            list: planned.list.to_string(),
            adds: planned.adds,
            removes: planned.removes,
        }));
        self.skipped.extend(part.skipped.iter().map(|why| format!("{connection} {object}: {why}")));
        self.fuses.extend(part.fuse.iter().map(|tripped| Fuse {
            connection: connection.clone(),
            object: object.clone(),
            limit: tripped.limit.to_owned(),
            found: tripped.found,
            most: tripped.most,
            why: tripped.to_string(),
        }));
    }
}

/// Lines of changes shown to a person; `--json` and a plan file have all of them.
const SHOWN: usize = 100;

/// The diff, then the sums, then what would stop it.
pub fn print(forecast: &Forecast, terminal: &Terminal) {
    if !forecast.changes.is_empty() {
        let mut table = terminal.table(&["record", "field", "from", "to", "because of"]);
        for change in forecast.changes.iter().take(SHOWN) {
            let record = match (&change.record, &change.profile) {
                (Some(record), _) => record.clone(),
                (None, Some(profile)) => format!("(new, for {profile})"),
                (None, None) => "(new)".to_owned(),
            };
            let from = if change.from.is_null() { Tone::Quiet } else { Tone::Warn };
            table.add_row([
                cell(Tone::Plain, format!("{} {} {record}", change.connection, change.object)),
                cell(Tone::Plain, &change.field),
                cell(from, plain(&change.from)),
                cell(Tone::Good, plain(&change.to)),
                cell(Tone::Quiet, &change.why),
            ]);
        }
        terminal.print(&table);
        if forecast.changes.len() > SHOWN {
            let rest = moment::count((forecast.changes.len() - SHOWN) as u64);
            terminal.say(terminal.paint(Tone::Quiet, &format!("… and {rest} more; --json or --out has all of them")));
        }
        terminal.say("");
    }
    for why in &forecast.skipped {
        terminal.say(format!("{} {}", terminal.paint(Tone::Warn, "not sent:"), crate::cli::clean::line(why)));
    }
    for list in &forecast.lists {
        terminal.say(format!(
            "{} {} list {}: +{} −{}",
            list.connection,
            list.object,
            crate::cli::clean::line(&list.list),
            moment::count(list.adds),
            moment::count(list.removes)
        ));
    }
    terminal.say(format!(
        "{} to create, {} to update, {} API calls",
        terminal.paint(Tone::Heading, &moment::count(forecast.creates)),
        terminal.paint(Tone::Heading, &moment::count(forecast.updates)),
        terminal.paint(Tone::Heading, &moment::count(forecast.api_calls)),
    ));
    for fuse in &forecast.fuses {
        terminal.say(format!(
            "{} {} {}: {}",
            terminal.paint(Tone::Bad, "a push would stop:"),
            fuse.connection,
            fuse.object,
            fuse.why
        ));
    }
    if !forecast.fuses.is_empty() {
        terminal.say("  write the plan to a file with --out, read it, and `ferry apply` it if it is right");
    }
}

#[cfg(test)]
mod tests {
    use connector::Value;

    use super::*;
    use crate::cli::terminal::tests::captured;

    fn part() -> push::Forecast {
        push::Forecast {
            creates: 0,
            updates: 1,
            api_calls: 2,
            changes: vec![push::PlannedChange {
                connection: "acme".into(),
                object: Object::Contact,
                record: Some("501".into()),
                profile: None,
                field: "cdp_score".into(),
                from: Value::Null,
                to: Value::from(65),
                why: "contact.score → cdp_score; computed".into(),
            }],
            fuse: Some(push::Tripped { limit: "max_creates_per_run", found: 51, most: 50, linked: 9 }),
            skipped: vec!["field \"x\" is missing or read-only".into()],
            lists: vec![push::PlannedList { list: "812".into(), adds: 3, removes: 1 }],
        }
    }

    #[test]
    fn parts_add_up_and_read_back() {
        let mut forecast = Forecast::default();
        forecast.add(&"acme".into(), &Object::Contact, &part());
        forecast.add(&"other".into(), &Object::Contact, &push::Forecast { creates: 3, ..push::Forecast::default() });
        let json = serde_json::to_value(&forecast).unwrap();
        assert_eq!((&json["creates"], &json["updates"], &json["api_calls"]), (&3.into(), &1.into(), &2.into()));
        let change = serde_json::json!({
            "connection": "acme", "object": "contact", "record": "501", "profile": null, "field": "cdp_score",
            "from": null, "to": 65, "why": "contact.score → cdp_score; computed",
        });
        assert_eq!(json["changes"], serde_json::json!([change]));
        assert_eq!(serde_json::from_value::<Forecast>(json).unwrap(), forecast);
    }

    #[test]
    fn a_person_sees_the_diff_the_sums_and_the_fuse() {
        let mut forecast = Forecast::default();
        forecast.add(&"acme".into(), &Object::Contact, &part());
        let (terminal, out, _) = captured(false);
        print(&forecast, &terminal);
        let want = "\
RECORD            FIELD      FROM  TO  BECAUSE OF
acme contact 501  cdp_score  –     65  contact.score → cdp_score; computed

not sent: acme contact: field \"x\" is missing or read-only
acme contact list 812: +3 −1
0 to create, 1 to update, 2 API calls
a push would stop: acme contact: 51 records would be created; max_creates_per_run allows 50
  write the plan to a file with --out, read it, and `ferry apply` it if it is right
";
        assert_eq!(out.text(), want);
    }
}
