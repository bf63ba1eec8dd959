//! `ferry fields [CONN] [--create]`: the CRM fields that the mapping writes, which of them exist, and creating the missing
//! ones where they are Ferry's own and the CRM's API can.

use connector::{CreatedField, FieldKind, NewField, Object, Schema};
use serde::Serialize;

use crate::app::{self, Connection};
use crate::cli::cx::Cx;
use crate::cli::exit::{Ended, Exit};
use crate::cli::flow::chosen;
use crate::cli::terminal::{Terminal, Tone, cell};
use crate::config::DigestPlace;
use crate::enrich::ModelSpec;
use crate::mapping::{FieldMapping, Kind, ObjectMapping, Source};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this connection
    #[arg(value_name = "CONN")]
    pub connection: Option<String>,
    /// Create what is missing
    #[arg(long)]
    pub create: bool,
}

/// What became of a field that the mapping writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Exists,
    Created,
    /// Not at the CRM; `--create` makes it.
    Missing,
    /// Not at the CRM, and not for Ferry to make.
    Foreign,
    /// At the CRM, and not writable with this credential.
    ReadOnly,
}

/// One field that the mapping writes.
#[derive(Clone, Debug, Serialize)]
pub struct Wanted {
    pub connection: String,
    pub object: Object,
    pub field: String,
    pub state: State,
    /// What it holds, in words.
    pub kind: String,
    pub mapping: String,
    /// How it would be made.
    #[serde(skip)]
    pub new: NewField,
}

#[derive(Serialize)]
struct View<'a> {
    fields: &'a [Wanted],
}

/// Fields whose names begin so, by themselves or behind a prefix of their owner's, are Ferry's own: the only ones it creates.
const OURS: &str = "cdp_";

/// The name of a field of ours without what it begins with; `None` for fields of others.
fn our_name(field: &str) -> Option<&str> {
    let rest = |at: usize| {
        field.get(at..at + OURS.len()).filter(|mark| mark.eq_ignore_ascii_case(OURS)).map(|_| at + OURS.len())
    };
    let behind_prefix = || field.split_once('_').and_then(|(prefix, _)| rest(prefix.len() + 1));
    field.get(rest(0).or_else(behind_prefix)?..)
}

pub async fn run(args: &Args, cx: &Cx) -> Ended {
    let settings = cx.settings()?;
    let connections = app::connect(&settings, &cx.world())?;
    let mut fields = Vec::new();
    for connection in chosen(&connections, args.connection.as_deref())? {
        fields.extend(of_connection(connection, &settings.model, args.create).await?);
    }
    cx.terminal.show(&View { fields: &fields }, |terminal| print(&fields, terminal))?;
    let there = |field: &Wanted| matches!(field.state, State::Exists | State::Created);
    Ok(if fields.iter().all(there) { Exit::Done } else { Exit::Disagrees })
}

/// Looks at one connection and, if asked, creates what is missing.
pub async fn of_connection(
    connection: &Connection,
    model: &ModelSpec,
    create: bool,
) -> Result<Vec<Wanted>, connector::Error> {
    let connector = &connection.connector;
    let mut found = Vec::new();
    for mapping in connection.settings.objects.iter().filter(|mapping| mapping.pushes().next().is_some()) {
        let schema = connector.describe(&mapping.object).await?;
        let mut fields = wanted(connection.name().as_str(), mapping, &schema, model);
        fields.extend(of_digest(connection, mapping, &schema));
        if create && connector.capability().creates_fields {
            for field in fields.iter_mut().filter(|field| field.state == State::Missing) {
                field.state = match connector.create_field(&mapping.object, &field.new).await? {
                    CreatedField::Created(name) => {
                        field.field = name.to_string();
                        State::Created
                    }
                    CreatedField::Existed(_) => State::Exists,
                };
            }
        }
        found.extend(fields);
    }
    Ok(found)
}

/// What the mapping writes, held against what the CRM defines.
pub fn wanted(connection: &str, mapping: &ObjectMapping, schema: &Schema, model: &ModelSpec) -> Vec<Wanted> {
    let pushed = mapping.pushes().map(|one| {
        let ours = our_name(&one.field).is_some();
        let state = match schema.fields.get(&one.field) {
            Some(spec) if spec.writable => State::Exists,
            Some(_) => State::ReadOnly,
            None if ours => State::Missing,
            None => State::Foreign,
        };
        let new = new_field(one, model);
        Wanted {
            connection: connection.to_owned(),
            object: mapping.object.clone(),
            field: one.field.to_string(),
            state,
            kind: new.kind.word().to_owned(),
            mapping: mapping.line(one).to_string(),
            new,
        }
    });
    pushed.collect()
}

/// The field that digests are written to, where they are.
fn of_digest(connection: &Connection, mapping: &ObjectMapping, schema: &Schema) -> Option<Wanted> {
    let settings = connection.settings.digest.as_ref().filter(|_| mapping.object.is_person())?;
    let DigestPlace::Field(field) = &settings.place else { return None };
    let ours = our_name(field);
    let state = match schema.fields.get(field) {
        Some(spec) if spec.writable => State::Exists,
        Some(_) => State::ReadOnly,
        None if ours.is_some() => State::Missing,
        None => State::Foreign,
    };
    let new = NewField {
        name: field.clone(),
        label: "CDP digest".into(),
        description: "What to know before a call, kept up to date by Ferry. Edits here are overwritten.".into(),
        kind: FieldKind::long_text(),
        unique: false,
    };
    Some(Wanted {
        connection: connection.name().to_string(),
        object: mapping.object.clone(),
        field: field.to_string(),
        state,
        kind: new.kind.word().to_owned(),
        mapping: format!("{}.digest → {field}", mapping.object),
        new,
    })
}

/// How a field of ours is made: `cdp_visits_30d` reads "CDP visits 30d", `CDP_Visits_30d__c` "CDP Visits 30d".
fn new_field(mapping: &FieldMapping, model: &ModelSpec) -> NewField {
    let computed = model.outputs().into_iter().find(|(name, _)| *name == mapping.attribute).map(|(_, kind)| kind);
    // A list of names that nobody can foretell is text.
    let computed = computed.filter(|kind| !matches!(kind, FieldKind::MultiChoice { options } if options.is_empty()));
    let kind = computed.unwrap_or(match mapping.kind {
        Kind::Text | Kind::List => FieldKind::Text,
        Kind::Integer => FieldKind::Integer,
        Kind::Number => FieldKind::Decimal { scale: None },
        Kind::Bool => FieldKind::Bool,
        Kind::Date => FieldKind::Date,
        Kind::Instant => FieldKind::Instant,
    });
    // Some CRMs end the names of fields that are not their own with a mark: `__c`.
    let name = mapping.field.split("__").next().unwrap_or(&mapping.field);
    let words = our_name(name).unwrap_or(name).replace('_', " ");
    NewField {
        name: mapping.field.clone(),
        label: format!("CDP {words}").into(),
        description: format!("Written by Ferry from {}. Edits here are overwritten.", mapping.attribute).into(),
        kind,
        unique: mapping.source == Source::ProfileId,
    }
}

fn print(fields: &[Wanted], terminal: &Terminal) {
    if fields.is_empty() {
        terminal.say("the mapping writes no field");
        return;
    }
    let mut table = terminal.table(&["connection", "object", "field", "kind", "state", "mapping"]);
    for field in fields {
        let (tone, state) = match field.state {
            State::Exists => (Tone::Good, "exists"),
            State::Created => (Tone::Good, "created"),
            State::Missing => (Tone::Warn, "missing"),
            State::Foreign => (Tone::Bad, "missing, not ours"),
            State::ReadOnly => (Tone::Bad, "read-only"),
        };
        table.add_row([
            cell(Tone::Plain, &field.connection),
            cell(Tone::Plain, &field.object),
            cell(Tone::Heading, &field.field),
            cell(Tone::Plain, &field.kind),
            cell(tone, state),
            cell(Tone::Quiet, &field.mapping),
        ]);
    }
    terminal.print(&table);
    if fields.iter().any(|field| field.state == State::Missing) {
        terminal.say("");
        terminal.say("`ferry fields --create` makes what is missing");
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use connector::FieldSpec;

    use super::*;
    use crate::enrich::preset;

    fn spec(name: &str, kind: FieldKind, writable: bool) -> FieldSpec {
        FieldSpec { name: name.into(), label: name.into(), kind, writable, unique: false, max_length: None }
    }

    #[test]
    fn each_written_field_has_a_state_and_ours_can_be_made() {
        let mapping = ObjectMapping::new(
            Object::Contact,
            vec![
                FieldMapping::new("visits_30d", "cdp_visits_30d", Kind::Integer, Source::Computed),
                FieldMapping::new("score_reasons", "cdp_score_reasons", Kind::Text, Source::Computed),
                FieldMapping::new("profile_id", "cdp_profile_id", Kind::Text, Source::ProfileId),
                FieldMapping::new("phone", "handy", Kind::Text, Source::Declared),
                FieldMapping::new("won_deals", "cdp_won_deals", Kind::Integer, Source::Computed),
                FieldMapping::new("last_seen_at", "CDP_Last_Seen_At__c", Kind::Instant, Source::Computed),
                FieldMapping::new("visits_30d", "new_cdp_visits_30d", Kind::Integer, Source::Computed),
                FieldMapping::new("title", "their_own_cdp_title", Kind::Text, Source::Declared),
            ],
        );
        let fields = BTreeMap::from([
            ("cdp_visits_30d".into(), spec("cdp_visits_30d", FieldKind::Integer, true)),
            ("cdp_won_deals".into(), spec("cdp_won_deals", FieldKind::Integer, false)),
        ]);
        let schema = Schema { object: Object::Contact, fields };
        let found = wanted("acme", &mapping, &schema, &preset::b2b());
        let states: Vec<State> = found.iter().map(|field| field.state).collect();
        assert_eq!(
            states,
            [
                State::Exists,
                State::Missing,
                State::Missing,
                State::Foreign,
                State::ReadOnly,
                State::Missing,
                State::Missing,
                State::Foreign
            ]
        );
        assert_eq!(&*found[6].new.label, "CDP visits 30d");
        assert_eq!(&*found[5].new.label, "CDP Last Seen At");
        let key = &found[2].new;
        assert_eq!((&*key.label, key.unique), ("CDP profile id", true));
        assert_eq!(found[1].new.kind, FieldKind::Text);
    }
}
