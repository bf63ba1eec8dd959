//! Plans and inputs for the suite: small, honest deciders, and builders for pages and events.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use connector::{
    Cursor, DealFacts, DealStatus, Fields, Link, Object, Record, RecordId, Stream, Timestamp, Tombstone, Value,
};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::model::{
    Attribute, AttributeChange, Event, EventKind, Fact, Graph, Identifier, Mirror, MirrorField, Origin, Profile,
    ProfileId, RecordKey, Resolution, RunId, TraitName, Whose,
};
use crate::store::{
    AppendEvents, EventDecision, Guard, Incoming, IncomingPage, IngestReport, Known, PageReport, PlanRecords,
    RecordDecision, ResolveEvents, Store, StreamKey, Tally, Verdict,
};

pub(super) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

pub(super) fn run(number: u128) -> RunId {
    RunId(Uuid::from_u128(number))
}

pub(super) fn contacts() -> StreamKey {
    StreamKey { connection: "hubspot".into(), stream: Stream::Records(Object::Contact) }
}

pub(super) fn contact(id: &str) -> RecordKey {
    RecordKey { connection: "hubspot".into(), object: Object::Contact, id: id.into() }
}

/// Takes every field as a trait, links by id, merged ids and identifiers, and has push look at everything.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) stop: Option<&'static str>,
    pub(super) nobody: bool,
    pub(super) asked: Mutex<Vec<Known>>,
    pub(super) guards: Mutex<Vec<Guard>>,
}

impl PlanRecords for Plan {
    fn decide(
        &self,
        incoming: &Incoming,
        known: &Known,
        graph: &dyn Graph,
        _: &dyn Fn(ProfileId) -> Option<Profile>,
    ) -> RecordDecision {
        self.asked.lock().unwrap().push(known.clone());
        let mut profiles: Vec<ProfileId> = known.record.iter().filter_map(|record| record.profile).collect();
        profiles.extend(known.merged.iter().filter_map(|record| record.profile));
        profiles.extend(known.carried);
        profiles.extend(incoming.identifiers.iter().filter_map(|id| graph.standing(id).profile()));
        let observed_at = incoming.record.modified_at.unwrap_or(at(0));
        let attributes = incoming.record.fields.iter().map(|(name, value)| AttributeChange {
            name: name.clone(),
            attribute: Attribute {
                value: value.clone(),
                observed_at,
                recorded_at: observed_at,
                origin: Origin::Crm(format!("hubspot contact {}", incoming.record.id).into()),
            },
        });
        RecordDecision {
            resolution: Resolution {
                attach: incoming.identifiers.clone(),
                ..Resolution::of(if self.nobody { Whose::Nobody } else { whose(profiles) })
            },
            attributes: attributes.collect(),
            mirror: agreed(&incoming.record.fields),
            restage: true,
            emptied: incoming.record.fields.iter().any(|(_, value)| value.is_null()),
            dead_letters: Vec::new(),
            consents: Vec::new(),
            tally: if known.record.is_some() { Tally::Updated } else { Tally::Created },
        }
    }

    fn guard(&self, tally: &Guard) -> Verdict {
        self.guards.lock().unwrap().push(*tally);
        self.stop.map_or(Verdict::Go, |why| Verdict::Stop(why.into()))
    }
}

fn whose(mut profiles: Vec<ProfileId>) -> Whose {
    profiles.sort();
    profiles.dedup();
    match profiles.as_slice() {
        [] => Whose::New,
        [one] => Whose::Existing(*one),
        [survivor, losers @ ..] => Whose::Merge { survivor: *survivor, losers: losers.to_vec() },
    }
}

/// A mirror on which both sides agree.
pub(super) fn agreed(fields: &Fields) -> Mirror {
    let field = |(name, value): (&Arc<str>, &Value)| {
        let mut field = MirrorField::new(name.clone());
        field.base = Some(value.clone());
        field.seen = Some(value.clone());
        field
    };
    fields.iter().map(field).collect()
}

/// Joins an event to the profiles of its identifiers, or makes one; its traits are taken as they are.
#[derive(Debug, Default)]
pub(super) struct Resolver;

impl ResolveEvents for Resolver {
    fn resolve(
        &self,
        event: &Event,
        graph: &dyn Graph,
        _: &dyn Fn(ProfileId) -> Option<Rc<BTreeMap<TraitName, Attribute>>>,
    ) -> EventDecision {
        let whose = if event.identifiers.is_empty() {
            Whose::Nobody
        } else {
            whose(event.identifiers.iter().filter_map(|id| graph.standing(id).profile()).collect())
        };
        let attributes = event.traits.iter().map(|(name, value)| AttributeChange {
            name: name.clone(),
            attribute: Attribute {
                value: value.clone(),
                observed_at: event.at,
                recorded_at: event.received_at,
                origin: Origin::Identify(event.source.clone()),
            },
        });
        EventDecision {
            resolution: Resolution { attach: event.identifiers.clone(), ..Resolution::of(whose) },
            attributes: attributes.collect(),
            consent: crate::model::MessageConsent::default(),
        }
    }

    fn named_in(&self, text: &str) -> Vec<Identifier> {
        text.split_whitespace().filter_map(Identifier::email).collect()
    }
}

/// A contact with an e-mail and a name, changed at second 100.
pub(super) fn person(id: &str, name: &str) -> Record {
    let mut record = Record::new(id, Fields::from([("email", mail(id)), ("firstname", name.to_owned())].map(text)));
    record.modified_at = Some(at(100));
    record.created_at = Some(at(50));
    record
}

fn text((name, value): (&str, String)) -> (Arc<str>, Value) {
    (name.into(), Value::text(value))
}

pub(super) fn mail(id: &str) -> String {
    format!("p{id}@acme.example")
}

pub(super) fn incoming(record: Record) -> Incoming {
    let identifiers = match record.fields.get("email").and_then(Value::as_text) {
        Some(email) => Identifier::email(email).into_iter().collect(),
        None => Vec::new(),
    };
    let mut hashed = record.clone();
    // As in the house: the stamp alone is no change.
    hashed.modified_at = None;
    let hash = i64::from_le_bytes(xxh3_64(format!("{hashed:?}").as_bytes()).to_le_bytes());
    Incoming { record, hash, identifiers, carried: None }
}

pub(super) fn page(records: Vec<Record>) -> IncomingPage {
    page_of(contacts(), records)
}

pub(super) fn page_of(key: StreamKey, records: Vec<Record>) -> IncomingPage {
    IncomingPage {
        key,
        run: run(1),
        now: at(1_000),
        asked_at: at(900),
        records: records.into_iter().map(incoming).collect(),
        tombstones: Vec::new(),
        resume: Cursor::new("next"),
        full_load_done: false,
    }
}

pub(super) fn gone(ids: &[&str]) -> IncomingPage {
    let key = StreamKey { connection: "hubspot".into(), stream: Stream::Deletions(Object::Contact) };
    let tombstone = |id: &&str| Tombstone { id: (**id).into(), deleted_at: Some(at(500)), merged_into: None };
    IncomingPage { tombstones: ids.iter().map(tombstone).collect(), ..page_of(key, Vec::new()) }
}

pub(super) async fn apply(store: &dyn Store, page: IncomingPage) -> PageReport {
    store.apply_page(page, Arc::new(Plan::default())).await.unwrap()
}

pub(super) async fn profile_of(store: &dyn Store, id: &str) -> Option<ProfileId> {
    store.find_profile(&format!("crm:hubspot:contact:{id}")).await.unwrap()
}

/// A deal in a stage, worth an amount; `Won` is won.
pub(super) fn facts(stage: &str, amount: i64) -> DealFacts {
    DealFacts {
        name: Some("Renewal".into()),
        status: if stage == "Won" { DealStatus::Won } else { DealStatus::Open },
        stage: Some(stage.into()),
        pipeline: None,
        amount: Some(amount.into()),
        currency: Some("EUR".into()),
        closed_at: None,
        owner: Some("7".into()),
        products: None,
    }
}

pub(super) fn deal_link(id: &str) -> Link {
    Link { object: Object::Deal, id: RecordId::from(id) }
}

/// A track event with identifiers, at a second, with one fact of rule 7.
pub(super) fn track(message_id: &str, identifiers: &[&str], second: i64) -> (Event, Vec<Fact>) {
    let event = Event {
        source: "web".into(),
        message_id: message_id.into(),
        kind: EventKind::Track,
        name: Some("Pricing Viewed".into()),
        at: at(second),
        original_at: Some(at(second)),
        sent_at: None,
        received_at: at(second + 1),
        identifiers: identifiers.iter().filter_map(|key| Identifier::parse_key(key)).collect(),
        traits: Vec::new(),
        traits_are_weak: false,
        is_bot: false,
        body: format!(r#"{{"messageId":"{message_id}"}}"#).into(),
    };
    let fact =
        Fact { rule: crate::model::RuleId(7), event: 0, at: event.at, number: second, text: Some("pricing".into()) };
    (event, vec![fact])
}

pub(super) async fn append(store: &dyn Store, events: Vec<(Event, Vec<Fact>)>) -> IngestReport {
    let batch = AppendEvents { run: run(2), now: at(2_000), events, dead_letters: Vec::new(), rejected: Vec::new() };
    store.append_events(batch, Arc::new(Resolver)).await.unwrap()
}

/// The contact a merged record goes on as.
pub(super) fn into_contact(id: &str) -> Link {
    Link { object: Object::Contact, id: id.into() }
}
