//! What happened around a person or a company, gathered from the store and told as moments that [`crate::timeline`] folds.

use std::collections::HashMap;
use std::sync::Arc;

use connector::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use crate::enrich::{EventMark, Label, Model, Session, Story, Told, is_conversion, normal_event_name, tell};
use crate::expr::Json;
use crate::model::{EventKind, EventRow, ProfileId, ProfileUid, Step, TimelineKind};
use crate::store::{AssignmentRow, AssignmentState, Result, Store, TimelineItem};
use crate::timeline::{Direction, Item, Moment, Visibility, What, is_contact, page_name};

/// Events read to tell sessions, and machines from people, by what was around them.
const READ: usize = 10_000;
/// Turns of routing told of one person.
const TURNS: usize = 100;

/// First parts of paths that somebody looks at who means to buy, whatever the rules of scores say.
const INTENT: &[&str] =
    &["pricing", "plans", "demo", "trial", "quote", "checkout", "contact", "contact-sales", "book", "buy", "signup"];

/// What somebody's timeline is made of.
#[derive(Clone, Debug, Default)]
pub struct Telling {
    pub moments: Vec<Moment>,
    /// By start, oldest first.
    pub sessions: Vec<Session>,
    /// The same as the store tells it, event by event, newest first.
    pub raw: Vec<(TimelineItem, Option<Told>)>,
}

impl Telling {
    /// Views of pages that say somebody means to buy.
    pub fn intents(&self) -> Vec<(Arc<str>, Timestamp)> {
        let view = |moment: &Moment| match &moment.what {
            What::View { intent: Some(intent), .. } if moment.item.visibility == Visibility::Sales => {
                Some((intent.clone(), moment.item.occurred_at))
            }
            _ => None,
        };
        self.moments.iter().filter_map(view).collect()
    }
}

/// Gathers up to `limit` items of each kind of one person.
pub async fn telling(
    store: &dyn Store,
    model: &Model,
    id: ProfileId,
    uid: ProfileUid,
    limit: usize,
) -> Result<Telling> {
    let items = store.timeline(id, limit).await?;
    let events = store.events_of(id, READ).await?;
    let labels = model.labels(&store.facts_of(id, model.rule_ids()).await?);
    let turns = store.assignments(Some(id), Timestamp::EPOCH, TURNS).await?;
    let story = tell(&events);
    let by_row: HashMap<i64, &EventRow> = events.iter().map(|row| (row.row, row)).collect();
    let known_at = became_known(&items);
    let mut moments = Vec::with_capacity(items.len() + turns.len());
    for item in &items {
        let moment = match item.event.and_then(|row| Some((by_row.get(&row)?, story.events.get(&row)?))) {
            Some((row, told)) => of_event(uid, row, told, labels.get(&row.row)),
            None => of_item(uid, item, known_at.as_ref()),
        };
        moments.push(moment);
    }
    moments.extend(turns.iter().filter_map(|turn| of_turn(uid, turn)));
    let raw = raw(items, &story);
    Ok(Telling { moments, sessions: story.sessions, raw })
}

fn raw(items: Vec<TimelineItem>, story: &Story) -> Vec<(TimelineItem, Option<Told>)> {
    let told = |item: &TimelineItem| item.event.and_then(|event| story.events.get(&event)).cloned();
    items.into_iter().map(|item| (told(&item), item)).map(|(told, item)| (item, told)).collect()
}

fn blank(
    uid: ProfileUid,
    key: &str,
    at: Timestamp,
    recorded_at: Timestamp,
    kind: TimelineKind,
    title: &Arc<str>,
) -> Item {
    Item {
        id: format!("{:032x}", xxh3_128(format!("{uid} {key}").as_bytes())).into(),
        profile_id: Some(uid),
        company_id: None,
        occurred_at: at,
        recorded_at,
        kind,
        direction: Direction::None,
        title: title.clone(),
        detail: None,
        actor: None,
        source: "".into(),
        source_ref: None,
        importance: 1,
        dedupe_key: key.into(),
        visibility: Visibility::Sales,
    }
}

fn of_event(uid: ProfileUid, row: &EventRow, told: &Told, label: Option<&Label>) -> Moment {
    let event = &row.event;
    let body = Json::parse(&event.body).ok();
    let text = |path: &[&str]| -> Option<Arc<str>> {
        let found = body.as_ref()?.at(path)?.as_text()?.trim();
        (!found.is_empty()).then(|| found.chars().take(200).collect::<String>().into())
    };
    let name = normal_event_name(event.name.as_deref().unwrap_or_default());
    let sent: Arc<str> = event.name.clone().unwrap_or_else(|| event.kind.as_str().into());
    let title =
        label.filter(|label| label.particular && event.kind == EventKind::Track).map(|label| label.text.clone());
    let key = format!("event {} {}", event.source, event.message_id);
    let mut item = blank(uid, &key, event.at, event.received_at, told.kind, &title.unwrap_or_else(|| sent.clone()));
    item.source = event.source.clone();
    item.source_ref = Some(event.message_id.clone());
    let (what, importance, direction) = match event.kind {
        EventKind::Page | EventKind::Screen => {
            let intent = intent(told.page.as_deref(), label);
            let importance = if intent.is_some() { 2 } else { 1 };
            let page = told.page.as_deref().map(Arc::from);
            (What::View { session: told.session.clone(), page, intent }, importance, Direction::In)
        }
        EventKind::Track => {
            let subject = || text(&["properties", "email_subject"]);
            let what = match name.as_str() {
                "email opened" => What::Open { mail: text(&["properties", "email_id"]) },
                "email delivered" => What::Delivered { subject: subject() },
                _ => What::Other,
            };
            let (importance, direction) = weight(&name, label);
            item.detail = match name.as_str() {
                "email opened" | "email delivered" | "email link clicked" => subject(),
                "order completed" | "order refunded" | "order updated" => amount(body.as_ref()),
                "form submitted" => text(&["properties", "form"]).filter(|_| *item.title == *sent),
                "call completed" => text(&["properties", "topic"]).or_else(|| text(&["properties", "outcome"])),
                "survey completed" => text(&["properties", "type"]),
                _ => text(&["properties", "name"]),
            };
            item.actor = text(&["properties", "agent"]);
            (what, importance, direction)
        }
        EventKind::Identify | EventKind::Group | EventKind::Alias => {
            item.visibility = Visibility::Internal;
            (What::Other, 0, Direction::None)
        }
    };
    (item.importance, item.direction) = (importance, direction);
    let is_machine = |mark: &EventMark| !matches!(mark, EventMark::TimeCorrected);
    if told.marks.iter().any(is_machine) {
        item.visibility = Visibility::Internal;
    }
    Moment { item, what }
}

/// What a page is called where looking at it says that somebody means to buy: by a rule that gives points for this very page, or
/// by its path.
fn intent(page: Option<&str>, label: Option<&Label>) -> Option<Arc<str>> {
    if let Some(label) = label.filter(|label| label.particular) {
        let name = label.text.strip_suffix(" page").unwrap_or(&label.text);
        return (label.points > 0.0).then(|| name.into());
    }
    let first = page?.strip_prefix('/')?.split(['/', '?', '#']).next()?;
    INTENT.contains(&first.to_ascii_lowercase().as_str()).then(|| page_name(&format!("/{first}")).into())
}

/// How much a track event is worth, and who turned to whom.
fn weight(name: &str, label: Option<&Label>) -> (u8, Direction) {
    let points = label.map_or(0.0, |label| label.points);
    match name {
        "email delivered" | "push notification received" => (0, Direction::Out),
        "email opened" | "product viewed" | "ad impression" => (1, Direction::In),
        "call completed" | "unsubscribed" | "email marked as spam" => (2, Direction::In),
        "order completed" | "order refunded" => (3, Direction::In),
        name if is_conversion(name) => (3, Direction::In),
        _ if points >= 20.0 => (3, Direction::In),
        _ if points > 1.0 => (2, Direction::In),
        _ => (1, Direction::In),
    }
}

fn amount(body: Option<&Json<'_>>) -> Option<Arc<str>> {
    let shown = |value: &Json<'_>| match value {
        Json::Text(text) => Some(text.trim().chars().take(40).collect::<String>()),
        Json::Int(number) => Some(number.to_string()),
        Json::Float(number) => Some(number.to_string()),
        _ => None,
    };
    let body = body?;
    let amount = ["revenue", "total", "value"].iter().find_map(|key| body.at(&["properties", key]).and_then(shown))?;
    let currency = body.at(&["properties", "currency"]).and_then(Json::as_text).unwrap_or_default();
    Some(format!("{amount} {currency}").trim_end().into())
}

const RECOGNISED: &str = "recognised by ";

/// When somebody was first recognised by something that names a person.
fn became_known(items: &[TimelineItem]) -> Option<(Timestamp, Arc<str>)> {
    let names_somebody = |item: &&TimelineItem| {
        let by = item.title.strip_prefix(RECOGNISED).filter(|_| &*item.kind == "identity");
        by.is_some_and(|by| by != "anonymous_id" && !by.starts_with("device:"))
    };
    let first = items.iter().filter(names_somebody).min_by_key(|item| (item.at, item.recorded_at))?;
    Some((first.at, first.title.clone()))
}

/// An item of the store that is no event.
fn of_item(uid: ProfileUid, one: &TimelineItem, known: Option<&(Timestamp, Arc<str>)>) -> Moment {
    let kind = match &*one.kind {
        "score" => TimelineKind::Score,
        "segment" => TimelineKind::Segment,
        "identity" => TimelineKind::Identity,
        "consent" => TimelineKind::Consent,
        "write" => TimelineKind::Write,
        "trait" => TimelineKind::Trait,
        _ => TimelineKind::Crm,
    };
    let key = format!("{} {} {} {}", one.kind, one.source, one.at.micros(), one.title);
    let mut item = blank(uid, &key, one.at, one.recorded_at, kind, &one.title);
    item.detail = one.detail.clone();
    item.source = one.source.clone();
    item.actor = one.actor.clone();
    item.direction = match one.direction.as_deref() {
        Some("in") => Direction::In,
        Some("out") => Direction::Out,
        _ => Direction::None,
    };
    let detail = one.detail.as_deref().unwrap_or_default();
    let is_backfill = detail == "found in what was known already";
    item.importance = match kind {
        TimelineKind::Score if one.title.contains('→') && !is_backfill => 3,
        TimelineKind::Score | TimelineKind::Segment if is_backfill => 0,
        TimelineKind::Segment if one.source.contains("churn") && one.title.contains("Entered") => 3,
        TimelineKind::Crm if &*one.kind == "deal" && detail.starts_with("open") => 2,
        TimelineKind::Crm if &*one.kind == "deal" => 3,
        TimelineKind::Consent => 2,
        TimelineKind::Write | TimelineKind::Trait => 0,
        TimelineKind::Crm if is_contact(&one.title) => 2,
        _ => 1,
    };
    if kind == TimelineKind::Identity {
        let is_first = known.is_some_and(|(at, title)| *at == one.at && *title == one.title);
        if is_first {
            item.title = "Became known".into();
            item.dedupe_key = "became known".into();
        } else if !one.title.starts_with("CRM merged") {
            (item.visibility, item.importance) = (Visibility::Internal, 0);
        }
    }
    let what = match kind {
        TimelineKind::Crm if &*one.kind == "crm" && one.title.starts_with("Email") => {
            What::CrmMail { subject: one.title.strip_prefix("Email: ").map(Arc::from) }
        }
        _ => What::Other,
    };
    Moment { item, what }
}

/// `Lead L-1 created, assigned to Rita`, `Contact C-1 assigned to Rita`, `A deal is open: Rita is told`
fn of_turn(uid: ProfileUid, turn: &AssignmentRow) -> Option<Moment> {
    let record = turn.record.as_ref().filter(|_| turn.state == AssignmentState::Made)?;
    let mut letters = turn.object.as_str().chars();
    let object: String = letters.next()?.to_uppercase().chain(letters).collect();
    let title = match (turn.existing, turn.step, &turn.owner) {
        (_, Some(Step::Deal), Some(owner)) => format!("A deal is open: {owner} is told"),
        (true, Some(Step::Owner), Some(owner)) => format!("{object} {record} stays with {owner}"),
        (true, _, Some(owner)) => format!("{object} {record} assigned to {owner}"),
        (true, _, None) => format!("{object} {record} without an owner"),
        (false, _, Some(owner)) => format!("{object} {record} created, assigned to {owner}"),
        (false, _, None) => format!("{object} {record} created, without an owner"),
    };
    let mut key = format!("turn {} {} {record}", turn.connection, turn.object);
    if turn.existing {
        // A record is made once, and given to somebody now and then.
        key = format!("{key} {}", turn.at.micros());
    }
    let mut item = blank(uid, &key, turn.at, turn.at, TimelineKind::Crm, &title.into());
    item.detail = turn.trail.last().map(|line| line.text.clone());
    item.source = format!("{} {}", turn.connection, turn.object).into();
    item.source_ref = Some(record.as_str().into());
    item.importance = 1;
    Some(Moment { item, what: What::Other })
}
