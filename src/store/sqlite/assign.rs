//! Whose a lead is: decided in the transaction before the call, together with the turn that this takes.

use std::sync::Arc;

use connector::{ConnectionName, FieldName, Fields, Object, RecordId, Timestamp, Value};

use super::assignments::{self, MADE, UNDERWAY, read_trail};
use super::elsewhere;
use super::fault::{Fallible, Fault};
use super::held;
use super::in_deal;
use super::intents::{self, Row};
use super::letters;
use super::office::SqlOffice;
use super::packed_intent::{Stored, pack_intent};
use super::profiles;
use super::records;
use super::session::{Place, Session};
use super::standing;
use crate::model::{
    Cause, Change, DeadLetter, DeadLetterCode, DeadLetterId, Decision, Intent, OutboxId, Step, Subject, TrailLine,
};
use crate::store::{Asked, Assigned, Assigning, LeadItem};

/// Every company record is kept under this kind of key; see `company`.
const ACCOUNT_KIND: i64 = 2;

/// Decides about leased entries that would give somebody a lead. What was decided before for the same person stands.
pub(super) fn assign(
    session: &Session<'_>,
    place: Place,
    entries: &[Asked],
    now: Timestamp,
    how: &Assigning,
) -> Fallible<Vec<(OutboxId, Assigned)>> {
    let mut assigned = Vec::with_capacity(entries.len());
    for asked in entries {
        let Some(row) = intents::by_id(session, asked.entry)? else { continue };
        let assignment = match row.record {
            None => for_new(session, place, &row, now, how)?,
            Some(record) => for_record(session, (place, record), &row, asked, now, how)?,
        };
        let assignment = assignment.unwrap_or_else(|| Assigned::Send(Box::new(row.entry.intent.clone())));
        assigned.push((asked.entry, assignment));
    }
    Ok(assigned)
}

/// Whose a record that is about to be made is. `None`: nothing is to be decided.
fn for_new(
    session: &Session<'_>,
    place: Place,
    row: &Row,
    now: Timestamp,
    how: &Assigning,
) -> Fallible<Option<Assigned>> {
    let Some(profile) = row.profile else { return Ok(None) };
    if let Some(before) = underway(session, profile, place)? {
        let intent = with_owner(&row.entry.intent, how, before.as_ref());
        save(session, row, &intent)?;
        return Ok(Some(Assigned::Send(Box::new(intent))));
    }
    let Some(item) = lead_item(session, row, profile, None, how)? else { return Ok(None) };
    let for_band = how.created_for.as_ref();
    if in_deal::was_told(session, profile, for_band)? {
        intents::remove(session, row.entry.id)?;
        return Ok(Some(Assigned::Dropped));
    }
    let deals = in_deal::since_entering(session, profile, for_band, &row.entry.intent.connection)?;
    let is_in_deal = !deals.is_empty();
    let item = LeadItem { deals, ..item };
    let decision = decide(session, place, row, &item, how)?;
    match &decision {
        Decision::Tell(tell) => return in_deal::drop_create(session, row, profile, now, Some(tell)).map(Some),
        // Nobody can be told, and the person is in a sales cycle: it is tried again when there is news of them.
        _ if is_in_deal => return in_deal::drop_create(session, row, profile, now, None).map(Some),
        Decision::Keep { .. } => return Ok(None),
        Decision::Hold { until, trail, .. } => return hold(session, row, now, *until, trail).map(Some),
        Decision::Unowned { trail } => letters::add(session, &unowned(row, now, trail))?,
        Decision::Assign { .. } | Decision::Queue { .. } => {}
    }
    let follows = followed(&item, &decision);
    let turn = Turn { now, profile, place, record: None, state: UNDERWAY, follows };
    insert(session, &turn, &decision, respond_by(&decision, how))?;
    let owner = decision.owner().map(|owner| (owner.clone(), told(decision.trail())));
    let intent = with_owner(&row.entry.intent, how, owner.as_ref());
    save(session, row, &intent)?;
    Ok(Some(Assigned::Send(Box::new(intent))))
}

/// Whose a record that exists is from now on: its owner's still, or somebody's whom the intent then names.
fn for_record(
    session: &Session<'_>,
    (place, record): (Place, i64),
    row: &Row,
    asked: &Asked,
    now: Timestamp,
    how: &Assigning,
) -> Fallible<Option<Assigned>> {
    // A write that somebody has agreed to names no person: the record does.
    let whose = records::load(session, record)?.profile;
    let (Some(profile), Some(wish)) = (row.profile.or(whose), row.entry.intent.wish()) else { return Ok(None) };
    let mut intent = row.entry.intent.clone();
    intent.changes.retain(|change| !change.is_wish());
    let late = assignments::late_ones(session, profile, record)?;
    let ready = assignments::ready_of_record(session, profile, place, record)?;
    let is_due = !late.is_empty() || how.band.as_ref().is_some_and(|band| ready.contains(band));
    let item = lead_item(session, row, profile, asked.owner.clone(), how)?;
    // It has been done meanwhile, or another record of the person is on its way.
    let (true, None, Some(item)) = (is_due, underway(session, profile, place)?, item) else {
        save(session, row, &intent)?;
        return Ok(Some(Assigned::Send(Box::new(intent))));
    };
    let entered = how.band.as_ref().filter(|_| late.is_empty());
    let deals = in_deal::since_entering(session, profile, entered, &row.entry.intent.connection)?;
    let item = LeadItem { deals, late, ..item };
    let decision = decide(session, place, row, &item, how)?;
    if let Decision::Tell(tell) = &decision {
        in_deal::tell(session, profile, now, tell)?;
        save(session, row, &intent)?;
        return Ok(Some(Assigned::Send(Box::new(intent))));
    }
    if let Decision::Hold { until, trail, .. } = &decision {
        if intent.changes.is_empty() {
            return hold(session, row, now, *until, trail).map(Some);
        }
        // What else is to be said does not wait for somebody's working hours.
        wait_behind(session, row, &intent, wish)?;
        held::note(session, row.entry.id, now, *until, trail)?;
        return Ok(Some(Assigned::Send(Box::new(intent))));
    }
    if let Decision::Unowned { trail } = &decision {
        letters::add(session, &unowned(row, now, trail))?;
    }
    let owner = decision.owner().filter(|owner| Some(*owner) != asked.owner.as_ref());
    let state = if owner.is_some() { UNDERWAY } else { MADE };
    // Nobody else could have it: that they are late has been said, and waiting again would say it for ever.
    let by = respond_by(&decision, how).filter(|_| item.late.is_empty() || owner.is_some());
    let follows = followed(&item, &decision);
    insert(session, &Turn { now, profile, place, record: Some(record), state, follows }, &decision, by)?;
    match owner {
        Some(owner) => {
            let to = Value::text(owner.as_str());
            let origin = format!("{}: {}", Cause::ROUTING, told(decision.trail())).into();
            let cause = Cause { mapping: wish.cause.mapping.clone(), origin };
            let from = asked.owner.as_ref().map_or(Value::Null, |owner| Value::text(owner.as_str()));
            intent.fields.set(wish.field.clone(), to.clone());
            intent.changes.push(Change { from, to, cause, ..wish.clone() });
        }
        None => {
            standing::settle(session, profile, Some(now))?;
            assignments::credit_late(session, record)?;
        }
    }
    save(session, row, &intent)?;
    Ok(Some(Assigned::Send(Box::new(intent))))
}

fn decide(session: &Session<'_>, place: Place, row: &Row, item: &LeadItem, how: &Assigning) -> Fallible<Decision> {
    let office = SqlOffice::new(session, place)?;
    let decision = how.route.route(item, &office);
    match office.failed.take() {
        Some(fault) => Err(fault),
        None => Ok(decision.after_waits(held::waits(session, row.entry.id)?)),
    }
}

fn hold(session: &Session<'_>, row: &Row, now: Timestamp, until: Timestamp, trail: &[TrailLine]) -> Fallible<Assigned> {
    held::note(session, row.entry.id, now, until, trail)?;
    session.run(
        "UPDATE outbox SET state = 0, worker = NULL, lease_until = NULL, not_before = ?2 WHERE id = ?1",
        (row.entry.id.0, until.micros()),
    )?;
    Ok(Assigned::Held { until })
}

/// The intent goes without its wish, which comes back once that is settled.
fn wait_behind(session: &Session<'_>, row: &Row, told: &Intent, wish: &Change) -> Fallible<()> {
    save(session, row, told)?;
    let alone = Intent { fields: Fields::new(), changes: vec![wish.clone()], ..told.clone() };
    session.run(
        "UPDATE outbox SET waiting = coalesce(waiting, ?2) WHERE id = ?1",
        (row.entry.id.0, pack_intent(&Stored::of(&alone))?),
    )?;
    Ok(())
}

fn respond_by(decision: &Decision, how: &Assigning) -> Option<Timestamp> {
    match decision {
        Decision::Keep { user, .. } | Decision::Assign { user, .. } => how.route.respond_by(user),
        _ => None,
    }
}

/// The owner decided before, with the reason, where a turn of this person is not settled: `Some(None)` where nobody was found.
type Before = Option<(RecordId, Arc<str>)>;

fn underway(session: &Session<'_>, profile: i64, place: Place) -> Fallible<Option<Before>> {
    let found = session.one(
        "SELECT user, trail FROM assignment WHERE profile = ?1 AND place = ?2 AND state = 0",
        (profile, place),
        |row| Ok((row.get::<_, Option<Arc<str>>>(0)?, row.get::<_, String>(1)?)),
    )?;
    let Some((user, trail)) = found else { return Ok(None) };
    let trail = read_trail(&trail)?;
    Ok(Some(user.map(|user| (RecordId::new(user), told(&trail)))))
}

/// The step that decided, as the journal says it.
fn told(trail: &[TrailLine]) -> Arc<str> {
    trail.last().map_or_else(|| "routing".into(), |line| line.text.clone())
}

/// The intent with its owner among the fields. One that somebody mapped by hand stays as it is.
fn with_owner(intent: &Intent, how: &Assigning, owner: Option<&(RecordId, Arc<str>)>) -> Intent {
    let mut intent = intent.clone();
    let Some((owner, why)) = owner else { return intent };
    if intent.fields.get(&how.owner).is_some() {
        return intent;
    }
    let to = Value::text(owner.as_str());
    intent.fields.set(how.owner.clone(), to.clone());
    let mapping = format!("{}.owner → {}", intent.object, how.owner).into();
    intent.changes.push(Change {
        field: how.owner.clone(),
        from: Value::Null,
        to,
        cause: Cause { mapping, origin: format!("{}: {why}", Cause::ROUTING).into() },
        overwrites: false,
    });
    intent
}

fn save(session: &Session<'_>, row: &Row, intent: &Intent) -> Fallible<()> {
    session.run(
        "UPDATE outbox SET intent = ?2, held_until = NULL, held_at = NULL, held = NULL WHERE id = ?1",
        (row.entry.id.0, pack_intent(&Stored::of(intent))?),
    )?;
    Ok(())
}

/// A row of `assignment` about to be written.
pub(super) struct Turn {
    pub(super) now: Timestamp,
    pub(super) profile: i64,
    pub(super) place: Place,
    pub(super) record: Option<i64>,
    pub(super) state: i64,
    /// The turn at another connection whose owner this one takes.
    pub(super) follows: Option<i64>,
}

fn followed(item: &LeadItem, decision: &Decision) -> Option<i64> {
    let (turn, _) = item.elsewhere.as_ref()?;
    (decision.step() == Some(Step::Elsewhere)).then_some(*turn)
}

pub(super) fn insert(
    session: &Session<'_>,
    turn: &Turn,
    decision: &Decision,
    respond_by: Option<Timestamp>,
) -> Fallible<()> {
    let (user, share) = match decision {
        Decision::Tell(tell) => (Some(&tell.user), None),
        Decision::Keep { user, .. } => (Some(user), None),
        Decision::Assign { user, share, .. } => (Some(user), share.as_ref()),
        _ => (None, None),
    };
    let trail = serde_json::to_string(decision.trail()).map_err(|_| Fault::Damaged("a trail that is no text"))?;
    session.run(
        "INSERT INTO assignment (at, profile, place, user, email, name, step, pool, member, trail, state, respond_by, record, existing,
                                 follows)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        (
            turn.now.micros(),
            turn.profile,
            turn.place,
            decision.owner().or(user.map(|user| &user.id)).map(RecordId::as_str),
            user.and_then(|user| user.email.clone()),
            user.map(|user| user.shown().to_owned()),
            decision.step().map(|step| step.as_str()),
            share.map(|share| share.pool.clone()),
            share.map(|share| share.member.clone()),
            trail,
            turn.state,
            respond_by.map(Timestamp::micros),
            turn.record,
            turn.record.is_some(),
            turn.follows,
        ),
    )?;
    Ok(())
}

fn unowned(row: &Row, now: Timestamp, trail: &[TrailLine]) -> DeadLetter {
    let why: Vec<&str> = trail.iter().map(|line| &*line.text).collect();
    DeadLetter {
        id: DeadLetterId(0),
        at: now,
        code: DeadLetterCode::LeadUnowned,
        subject: Subject {
            connection: Some(row.entry.intent.connection.as_str().into()),
            object: Some(row.entry.intent.object.as_str().into()),
            ..Subject::default()
        },
        cause: format!("routing found nobody for a {}: {}", row.entry.intent.object, why.join("; ")).into(),
        fix: "name an active user of this CRM as [routing] fallback, then give the lead an owner at the CRM".into(),
        raw: None,
        count: 1,
    }
}

fn lead_item(
    session: &Session<'_>,
    row: &Row,
    profile: i64,
    owner: Option<RecordId>,
    how: &Assigning,
) -> Fallible<Option<LeadItem>> {
    let Some(found) = profiles::load(session, profile)? else { return Ok(None) };
    let account_owner = match &how.company_owner {
        Some(field) => account_owner(session, &row.entry.intent.connection, profile, field)?,
        None => None,
    };
    let elsewhere = elsewhere::given(session, profile, row.place, how)?;
    Ok(Some(LeadItem { profile: found, owner, elsewhere, account_owner, deals: Vec::new(), late: Vec::new() }))
}

/// Who owns the record, or the records, of the person's company at this connection, if it is one person.
pub(super) fn account_owner(
    session: &Session<'_>,
    connection: &ConnectionName,
    profile: i64,
    field: &FieldName,
) -> Fallible<Option<RecordId>> {
    let Some(companies) = session.find_place(connection, &Object::Company)? else { return Ok(None) };
    let accounts: Vec<i64> = {
        let mut statement = session.sql(
            "SELECT CAST(c.value AS INTEGER) FROM company_member m JOIN company c ON c.id = m.company
             WHERE m.profile = ?1 AND m.rank = 0 AND c.kind = ?2
             UNION
             SELECT CAST(c.value AS INTEGER) FROM company_member m JOIN company_domain d ON d.domain = m.value
             JOIN company c ON c.id = d.company
             WHERE m.profile = ?1 AND m.rank = 0 AND m.kind >= 4 AND c.kind = ?2",
        )?;
        let rows = statement.query_map((profile, ACCOUNT_KIND), |row| row.get(0))?;
        rows.collect::<std::result::Result<_, _>>()?
    };
    let mut owners: Vec<RecordId> = Vec::new();
    for record in accounts {
        let row = records::load(session, record)?;
        if row.place != companies || row.state != records::State::Live {
            continue;
        }
        let seen = row.linked.mirror.get(field).and_then(|field| field.seen.as_ref());
        let owner = seen.and_then(Value::as_text).filter(|id| !id.is_empty()).map(RecordId::from);
        owners.extend(owner.filter(|owner| !owners.contains(owner)));
    }
    Ok(if let [only] = owners.as_slice() { Some(only.clone()) } else { None })
}
