//! Notes and tasks of records. Dataverse has no key of ours for either, so each is looked for among the record's own, by its
//! marker, before it is made: the same write sent twice leaves one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{Error, ErrorKind, Fields, Object, Operation, Outcome, Reason, RecordId, Rejection, Value, Write};
use connector_http::Priority;

use crate::api::Api;
use crate::delivery::Delivery;
use crate::odata::{any_equal, chunks, is_guid, one_of};
use crate::outgoing::{Body, Row, Sent};
use crate::push::in_order;
use crate::route::route;
use crate::schema::Described;
use crate::tables::table_of;
use crate::values::{plain, pointing, refused};
use crate::wanted::Wanted;

/// Longest note in characters.
pub(crate) const LONGEST_NOTE: usize = 100_000;
const NOTE_TITLE: &str = "Customer timeline";
/// What `prioritycode` calls high.
const HIGH: i64 = 2;
/// Bytes of a list of ids in one address.
const LIST: usize = 24_000;
/// Records asked about in one question; whose notes are read in one.
const IDS: usize = 400;
const READ: usize = 50;

/// What is written beside a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Note,
    Task,
}

impl Side {
    fn of(operation: &Operation) -> Option<Self> {
        match operation {
            Operation::NoteUpsert { .. } => Some(Self::Note),
            Operation::TaskOnce { .. } => Some(Self::Task),
            _ => None,
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Note => "annotation",
            Self::Task => "task",
        }
    }

    /// The look-up that says which record it is of.
    fn about(self) -> &'static str {
        match self {
            Self::Note => "objectid",
            Self::Task => "regardingobjectid",
        }
    }

    /// That look-up's navigation property: `objectid_contact`, `regardingobjectid_contact_task`.
    fn navigation(self, table: &str) -> String {
        match self {
            Self::Note => format!("{}_{table}", self.about()),
            Self::Task => format!("{}_{table}_task", self.about()),
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Note => "notetext",
            Self::Task => "description",
        }
    }
}

/// Objects whose records have notes and tasks.
pub(crate) fn objects() -> Vec<Object> {
    vec![Object::Contact, Object::Lead, Object::Company, Object::Deal]
}

/// Whether these are writes for this file.
pub(crate) fn is_beside(writes: &[Write]) -> bool {
    writes.iter().any(|write| Side::of(&write.operation).is_some())
}

/// One write, read.
struct Wish<'a> {
    place: usize,
    write: &'a Write,
    record: String,
    marker: &'a str,
    /// The note that it goes into, where that is known.
    known: Option<String>,
}

/// What is sent for a wish: a row of its own.
struct Draft {
    place: usize,
    known: Option<String>,
    write: Write,
    body: Body,
}

/// The tables a push is about.
struct Tables {
    side: Side,
    described: Arc<Described>,
    /// Of the records, by their object.
    records: BTreeMap<Object, Arc<Described>>,
    /// The entity set of users, where a task is somebody's.
    users: Option<String>,
}

type Outcomes = BTreeMap<usize, Outcome>;

/// An `Err` says that nothing was written.
pub(crate) async fn push(api: &Api, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let side = writes.iter().find_map(|write| Side::of(&write.operation)).unwrap_or(Side::Note);
    let mut outcomes = Outcomes::new();
    let mut wishes = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        match wish(side, place, write) {
            Ok(wish) => wishes.push(wish),
            Err(rejection) => drop(outcomes.insert(place, Outcome::Rejected(rejection))),
        }
    }
    if wishes.is_empty() {
        return Ok(in_order(writes.len(), outcomes));
    }
    let tables = Tables::of(api, side, &wishes).await.map_err(unsent)?;
    let (known, unknown): (Vec<_>, Vec<_>) = wishes.into_iter().partition(|wish| wish.known.is_some());
    let there = tables.live(api, unknown, &mut outcomes).await.map_err(unsent)?;
    let found = tables.find(api, &there).await.map_err(unsent)?;
    let mut drafts = Vec::new();
    for mut wish in known.into_iter().chain(there) {
        if let Some(id) = found.get(&wish.place) {
            // A task is told once; a note is written again, because nobody knows what it says now.
            if side == Side::Task {
                outcomes.insert(wish.place, done(id.clone(), false));
                continue;
            }
            wish.known = Some(id.as_str().to_owned());
        }
        if wish.known.is_none() && wish.is_empty() {
            outcomes.insert(wish.place, done(RecordId::from(wish.record.as_str()), false));
            continue;
        }
        match tables.draft(&wish) {
            Ok(draft) => drafts.push(draft),
            Err(rejection) => drop(outcomes.insert(wish.place, Outcome::Rejected(rejection))),
        }
    }
    tables.deliver(api, &drafts, &mut outcomes).await?;
    Ok(in_order(writes.len(), outcomes))
}

/// A question that failed has changed nothing.
fn unsent(error: Error) -> Error {
    Error { maybe_applied: false, ..error }
}

fn wish(side: Side, place: usize, write: &Write) -> Result<Wish<'_>, Rejection> {
    let unsupported = |message| refused(Reason::Unsupported, "UNSUPPORTED", message, "");
    let (record, marker, note) = match &write.operation {
        Operation::NoteUpsert { record, marker, note, .. } if side == Side::Note => (record, marker, note.as_ref()),
        Operation::TaskOnce { record, marker, .. } if side == Side::Task => (record, marker, None),
        _ => return Err(unsupported("the connector does one operation in a push")),
    };
    if !objects().contains(&write.object) {
        return Err(unsupported("the connector writes no notes and tasks of this object"));
    }
    if !is_guid(record.as_str()) {
        return Err(refused(Reason::Gone, "NOT_A_GUID", "Dynamics' ids are GUIDs: this names no row", ""));
    }
    if note.is_some_and(|note| !is_guid(note.as_str())) {
        return Err(refused(Reason::NotThere, "NOT_A_GUID", "Dynamics' ids are GUIDs: this names no note", ""));
    }
    let lower = |id: &RecordId| id.as_str().to_ascii_lowercase();
    Ok(Wish { place, write, record: lower(record), marker, known: note.map(lower) })
}

impl Wish<'_> {
    fn is_empty(&self) -> bool {
        matches!(&self.write.operation, Operation::NoteUpsert { body, .. } if body.is_empty())
    }
}

impl Tables {
    async fn of(api: &Api, side: Side, wishes: &[Wish<'_>]) -> Result<Self, Error> {
        let described = api.described(side.table()).await?;
        let mut records = BTreeMap::new();
        for object in wishes.iter().map(|wish| &wish.write.object) {
            if !records.contains_key(object) {
                records.insert(object.clone(), api.described(table_of(object)?).await?);
            }
        }
        let is_owned = |wish: &Wish<'_>| matches!(wish.write.operation, Operation::TaskOnce { owner: Some(_), .. });
        let users = match wishes.iter().any(is_owned) {
            true => Some(api.described("systemuser").await?.set.clone()),
            false => None,
        };
        Ok(Self { side, described, records, users })
    }

    /// Those whose record is there; of the others it is told where their record went.
    async fn live<'a>(
        &self,
        api: &Api,
        wishes: Vec<Wish<'a>>,
        outcomes: &mut Outcomes,
    ) -> Result<Vec<Wish<'a>>, Error> {
        let (mut there, mut went) = (BTreeSet::new(), BTreeMap::new());
        for (object, described) in &self.records {
            let of = wishes.iter().filter(|wish| wish.write.object == *object);
            let ids: Vec<String> = of.map(|wish| wish.record.clone()).collect::<BTreeSet<_>>().into_iter().collect();
            let wanted = Wanted::only(described, &[]);
            for some in chunks(&ids, LIST, IDS) {
                let rows = api.rows_where(described, &wanted, &one_of(&described.key, &some), Priority::Push).await?;
                there.extend(rows.iter().filter_map(|row| row.id(&wanted)));
            }
            went.extend(api.gone_on(object, described, &ids, Priority::Push).await?);
        }
        let mut left = Vec::with_capacity(wishes.len());
        for wish in wishes {
            let rejection = match went.get(&wish.record) {
                Some(into) => {
                    let message = "the record goes on as another one";
                    refused(Reason::Merged { into: Some(into.clone()) }, "GONE_ON", message, "")
                }
                None if there.contains(&wish.record) => {
                    left.push(wish);
                    continue;
                }
                None => refused(Reason::Gone, "NO_SUCH_ROW", "the record is deleted", ""),
            };
            outcomes.insert(wish.place, Outcome::Rejected(rejection));
        }
        Ok(left)
    }

    /// The note or task of each wish, by its marker; of several the one made first.
    async fn find(&self, api: &Api, wishes: &[Wish<'_>]) -> Result<BTreeMap<usize, RecordId>, Error> {
        let (about, text) = (self.side.about(), self.side.text());
        let Some(column) = self.described.column(about).map(|column| column.wire()) else {
            let attempted = format!("look for a {}", self.side.table());
            let cause = format!("{} has no column {about}, or the application user may not see it", self.side.table());
            return Err(Error::new(ErrorKind::Config, attempted, cause));
        };
        let wanted = Wanted::only(&self.described, &[about, text, "createdon"]);
        let records: BTreeSet<String> = wishes.iter().map(|wish| wish.record.clone()).collect();
        let records: Vec<String> = records.into_iter().collect();
        let mut rows = Vec::new();
        for some in chunks(&records, LIST, READ) {
            rows.extend(api.rows_where(&self.described, &wanted, &any_equal(&column, &some), Priority::Push).await?);
        }
        let own = |wish: &Wish<'_>| {
            let is_its = |row: &&crate::rows::Row| {
                row.text(&wanted, about).is_some_and(|id| id.eq_ignore_ascii_case(&wish.record))
                    && row.text(&wanted, text).is_some_and(|text| text.contains(wish.marker))
            };
            let first = |row: &&crate::rows::Row| (row.instant(&wanted, "createdon"), row.id(&wanted));
            let row = rows.iter().filter(is_its).min_by_key(first)?;
            Some((wish.place, RecordId::from(row.id(&wanted)?)))
        };
        Ok(wishes.iter().filter_map(own).collect())
    }

    fn draft(&self, wish: &Wish<'_>) -> Result<Draft, Rejection> {
        let fields = self.fields(wish);
        let mut body = Body::default();
        for (name, value) in fields.iter() {
            let member = match (&**name, value.as_text()) {
                (about, Some(id)) if about == self.side.about() => self.about(wish, about, id)?,
                ("ownerid", Some(id)) => self.owner(id)?,
                (name, _) => {
                    let Some(column) = self.described.column(name) else {
                        let message = "the table has no such column";
                        return Err(refused(Reason::UnknownField, "NO_SUCH_COLUMN", message, name));
                    };
                    plain(column, name, value)?
                }
            };
            body.0.push(member);
        }
        let operation = match &wish.known {
            Some(id) => Operation::Update { id: RecordId::from(id.as_str()) },
            None => Operation::Create,
        };
        let object = Object::Other(self.side.table().into());
        let write = Write { object, operation, fields, ..wish.write.clone() };
        Ok(Draft { place: wish.place, known: wish.known.clone(), write, body })
    }

    /// What a new row holds; of a note that is there only the text.
    fn fields(&self, wish: &Wish<'_>) -> Fields {
        let longest = |name: &str| {
            let most = self.described.column(name).and_then(|column| column.spec.max_length);
            most.map_or(usize::MAX, |most| most as usize)
        };
        match &wish.write.operation {
            Operation::NoteUpsert { body, .. } => {
                let text = if body.is_empty() { Value::Null } else { Value::text(&**body) };
                let mut fields = Fields::from([("notetext", text)]);
                if wish.known.is_none() {
                    fields.set("subject", NOTE_TITLE);
                    fields.set(self.side.about(), wish.record.as_str());
                }
                fields
            }
            Operation::TaskOnce { subject, body, due_at, owner, .. } => {
                let subject: String = subject.chars().take(longest("subject")).collect();
                let mut fields = Fields::from([
                    (self.side.about(), Value::from(wish.record.as_str())),
                    ("subject", Value::from(subject.as_str())),
                    ("description", Value::from(fitted(body, wish.marker, longest("description")).as_str())),
                    ("scheduledend", Value::Instant(*due_at)),
                    ("prioritycode", Value::from(HIGH)),
                ]);
                if let Some(owner) = owner {
                    fields.set("ownerid", owner.as_str());
                }
                fields
            }
            _ => Fields::new(),
        }
    }

    fn about(&self, wish: &Wish<'_>, name: &str, id: &str) -> Result<crate::values::Member, Rejection> {
        let Some(described) = self.records.get(&wish.write.object) else {
            return Err(refused(Reason::Unsupported, "UNSUPPORTED", "the record's table is not known", name));
        };
        pointing(&self.side.navigation(&described.table), name, Some((described.set.as_str(), id)))
    }

    fn owner(&self, id: &str) -> Result<crate::values::Member, Rejection> {
        match self.users.as_deref().filter(|_| is_guid(id)) {
            Some(set) => pointing("ownerid", "ownerid", Some((set, &id.to_ascii_lowercase()))),
            None => {
                let message = "whose a task is, is written as the id of a user";
                Err(refused(Reason::Invalid, "NOT_A_LOOKUP", message, "ownerid"))
            }
        }
    }

    async fn deliver(&self, api: &Api, drafts: &[Draft], outcomes: &mut Outcomes) -> Result<(), Error> {
        let object = Object::Other(self.side.table().into());
        let mut delivery = Delivery::new(api, &self.described, &object);
        let (known, new): (Vec<&Draft>, Vec<&Draft>) = drafts.iter().partition(|draft| draft.known.is_some());
        for some in [known, new] {
            let rows: Vec<Sent<'_>> = some.into_iter().map(Draft::sent).collect();
            let way = route(api.write_mode, rows.len(), false);
            delivery.give(rows, way);
        }
        delivery.run().await;
        let Delivery { outcomes: told, stopped, .. } = delivery;
        let nothing_sent = told.values().chain(outcomes.values()).all(|one| matches!(one, Outcome::Deferred(_)));
        if let Some(error) = stopped.filter(|_| nothing_sent) {
            return Err(error);
        }
        let changed: BTreeSet<usize> =
            drafts.iter().filter(|draft| draft.known.is_some()).map(|draft| draft.place).collect();
        let settled = told.into_iter().map(|(place, outcome)| (place, self.outcome(outcome, changed.contains(&place))));
        outcomes.extend(settled);
        Ok(())
    }

    fn outcome(&self, outcome: Outcome, is_known: bool) -> Outcome {
        match outcome {
            // The change stamp is the note's, not the record's.
            Outcome::Done { id, created, .. } => done(id, created),
            Outcome::Rejected(rejection) if is_known && rejection.reason == Reason::Gone => {
                Outcome::Rejected(Rejection { reason: Reason::NotThere, ..rejection })
            }
            // The record went away since it was looked at.
            Outcome::Rejected(rejection)
                if rejection.reason == Reason::Invalid
                    && rejection.fields.iter().any(|f| **f == *self.side.about()) =>
            {
                Outcome::Rejected(Rejection { reason: Reason::Gone, fields: Vec::new(), ..rejection })
            }
            other => other,
        }
    }
}

impl Draft {
    fn sent(&self) -> Sent<'_> {
        let row = match &self.known {
            Some(id) => Row::Id { id: id.clone(), etag: None },
            None => Row::New,
        };
        Sent { place: self.place, write: &self.write, row, body: self.body.clone(), columns: Vec::new() }
    }
}

fn done(id: RecordId, created: bool) -> Outcome {
    Outcome::Done { id, created, kept: Fields::new(), modified_at: None }
}

/// A text of at most so many characters that still holds its marker.
fn fitted(body: &str, marker: &str, longest: usize) -> String {
    if body.chars().count() <= longest {
        return body.to_owned();
    }
    let room = longest.saturating_sub(marker.chars().count() + 2);
    let cut: String = body.replace(marker, "").chars().take(room).collect();
    format!("{}…\n{marker}", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_before_its_marker() {
        let marker = "[ferry:task:lead-1]";
        let body = format!("{}\n{marker}", "é".repeat(3_000));
        let cut = fitted(&body, marker, 2_000);
        assert_eq!(cut.chars().count(), 2_000);
        assert!(cut.ends_with(&format!("é…\n{marker}")), "{cut}");
        assert_eq!(fitted("short [m]", "[m]", 9), "short [m]");
    }

    #[test]
    fn a_look_up_is_spelt_as_the_table_has_it() {
        assert_eq!(Side::Note.navigation("contact"), "objectid_contact");
        assert_eq!(Side::Task.navigation("opportunity"), "regardingobjectid_opportunity_task");
    }
}
