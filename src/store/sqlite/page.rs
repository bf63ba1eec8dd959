//! One page of a pull: what is unchanged is only counted, the rest is decided on, the guard has the last word.

use std::sync::Arc;

use connector::{Object, Stream};

use super::fault::{Fallible, Fault};
use super::gate::Gate;
use super::graph::with_graph;
use super::identity::{self, Because, Person, log_edge};
use super::profiles::{self, make_known, mark_stale, seen_at};
use super::records::{self, Content, Key, Row, State};
use super::session::{Place, Session, crm_kind};
use super::writer::Done;
use super::{
    activities, answers, company, conversion, declared, identity_log, intents, letters, links, merge, resolved,
    tombstones,
};
use crate::model::{Identifier, Logged, LoggedRecord, Mirror, ProfileId, RecordKey, Resolution, Whose};
use crate::store::{
    Checkpoint, Guard, Incoming, IncomingPage, Known, PageReport, PlanRecords, RecordDecision, StreamKey, Tally,
    Verdict,
};

/// A page under way.
pub(super) struct Paging<'a, 'c> {
    pub(super) session: &'a Session<'c>,
    gate: &'a Gate<'a, 'c>,
    pub(super) page: &'a IncomingPage,
    pub(super) place: Place,
    pub(super) report: PageReport,
    /// Live records that this page archives.
    pub(super) deleted: u64,
    emptied: u64,
}

pub(super) fn apply<'c>(
    session: &Session<'c>,
    gate: &Gate<'_, 'c>,
    page: &IncomingPage,
    plan: &dyn PlanRecords,
) -> Fallible<Done<PageReport>> {
    let place = session.place(&page.key.connection, page.key.stream.object())?;
    let before = checkpoint(session, &page.key)?;
    let linked = session.number("SELECT live FROM place WHERE id = ?1", [place])?;
    let mut paging = Paging { session, gate, page, place, report: PageReport::default(), deleted: 0, emptied: 0 };
    paging.report.counts.pages = 1;
    paging.report.counts.seen = (page.records.len() + page.tombstones.len()) as u64;
    let mut sweep = before.as_ref().and_then(|checkpoint| checkpoint.sweep);
    match &page.key.stream {
        Stream::Records(_) => {
            for incoming in &page.records {
                paging.apply_record(incoming, plan)?;
            }
            if page.key.stream.object().is_person() {
                answers::note_edits(session, page.now)?;
            }
        }
        Stream::Associations(_) => {
            for incoming in &page.records {
                paging.apply_links(incoming)?;
            }
        }
        Stream::Deletions(_) => sweep = tombstones::note_seen(&mut paging, sweep)?,
    }
    tombstones::apply(&mut paging)?;
    if page.full_load_done {
        tombstones::end_sweep(&mut paging, sweep.take())?;
    }
    let was_done = before.is_some_and(|checkpoint| checkpoint.full_load_done);
    let guard = Guard {
        linked: u64::try_from(linked).unwrap_or(0),
        deleted: paging.deleted,
        emptied: paging.emptied,
        full_load_done: was_done,
    };
    if let Verdict::Stop(why) = plan.guard(&guard) {
        return Ok(Done::Undo(PageReport { stopped: Some(why), ..PageReport::default() }));
    }
    save_checkpoint(session, page, was_done || page.full_load_done, sweep)?;
    Ok(Done::Keep(paging.report))
}

impl Paging<'_, '_> {
    fn record_key(&self, ext: &str) -> RecordKey {
        RecordKey {
            connection: self.page.key.connection.clone(),
            object: self.page.key.stream.object().clone(),
            id: ext.into(),
        }
    }

    fn apply_record(&mut self, incoming: &Incoming, plan: &dyn PlanRecords) -> Fallible<()> {
        let (session, record) = (self.session, &incoming.record);
        if self.gate.suppresses(&incoming.identifiers)? {
            self.report.counts.skipped += 1;
            return Ok(());
        }
        let key = records::key(session, self.place, record.id.as_str())?;
        if key.is_some_and(|key| key.hash == Some(incoming.hash)) {
            self.report.counts.unchanged += 1;
            return Ok(());
        }
        let row = key.map(|key| records::load(session, key.record)).transpose()?;
        let admitted = activities::admitted(self.gate, &self.page.key, record)?;
        if record.activity.is_some() && admitted.is_none() && row.is_none() {
            self.report.counts.skipped += 1;
            return Ok(());
        }
        if let Some(row) = &row
            && conversion::has_ended(session, row)?
        {
            self.report.counts.unchanged += 1;
            return Ok(());
        }
        if row.as_ref().is_some_and(|row| self.is_older_than_our_write(row, incoming)) {
            self.report.counts.skipped += 1;
            return Ok(());
        }
        let known = self.known(incoming, row.as_ref())?;
        let decision = with_graph(session, |graph| {
            profiles::with_loader(session, |load| plan.decide(incoming, &known, graph, load))
        })?;
        self.emptied += u64::from(decision.emptied);

        let cause = self.record_key(record.id.as_str()).to_string();
        let at = record.modified_at.unwrap_or(self.page.now);
        let because = Because { at, now: self.page.now, cause: &cause };
        let person = self.whose(incoming, &decision, because)?;
        let id = self.save_record(incoming, key, row.as_ref(), person.map(|p| p.id), &decision.mirror)?;
        if record.deal.is_some() || *self.page.key.stream.object() == Object::Lead {
            records::made_at(session, id, record.created_at)?;
        }
        self.log_evidence(id, incoming, &known, &decision.resolution, at)?;
        self.link(id, row.as_ref(), person, incoming, because)?;
        if let Some(person) = person {
            let says = &decision.consents;
            self.report.profiles_marked += u64::from(self.gate.note(person.id, None, says, self.page.now)?);
        }
        for merged in &record.merged_ids {
            self.absorb(id, merged.as_str(), because)?;
        }
        if record.links.is_some() {
            let links = admitted.unwrap_or_default();
            self.report.profiles_marked += links::replace(session, &self.page.key.connection, id, &links)?.unwrap_or(0);
        }
        let tally = self.keep_facts(id, row.is_some(), record, &decision, at)?;
        let seen = record.created_at.unwrap_or(at);
        let object = self.page.key.stream.object();
        self.report.profiles_marked +=
            u64::from(company::record(session, object, id, seen, self.page.now, &decision.attributes)?);
        if decision.restage {
            self.report.records_marked += u64::from(records::mark(session, self.place, id)?);
        }
        for letter in &decision.dead_letters {
            letters::add(session, letter)?;
        }
        let counts = &mut self.report.counts;
        counts.failed += u64::from(!decision.dead_letters.is_empty());
        match tally {
            Tally::Updated => counts.updated += 1,
            Tally::Created => counts.created += 1,
            Tally::Echo => counts.echoes += 1,
            Tally::Unchanged => counts.unchanged += 1,
        }
        Ok(())
    }

    fn known(&self, incoming: &Incoming, row: Option<&Row>) -> Fallible<Known> {
        let session = self.session;
        let mut merged = Vec::new();
        for id in &incoming.record.merged_ids {
            if let Some(key) = records::key(session, self.place, id.as_str())?
                && !key.alias
                && row.is_none_or(|own| own.id != key.record)
            {
                let other = records::load(session, key.record)?;
                // The sweep of deletions may have come first and archived what was merged away.
                if other.state != State::Stub {
                    merged.push(other.linked);
                }
            }
        }
        let stored = row.filter(|row| row.state != State::Stub);
        let carried = match incoming.carried {
            // Of a record that is linked already nobody asks what it carries.
            Some(uid) if stored.is_none_or(|row| row.profile.is_none()) => identity::carried(session, uid)?,
            _ => None,
        };
        Ok(Known {
            record: stored.map(|row| row.linked.clone()),
            merged,
            carried,
            in_flight: match stored {
                Some(row) => intents::fields_in_flight(session, row.id)?,
                None => Vec::new(),
            },
        })
    }

    /// Carries out the decision about the profile, its traits included.
    fn whose(
        &mut self,
        incoming: &Incoming,
        decision: &RecordDecision,
        because: Because<'_>,
    ) -> Fallible<Option<Person>> {
        let session = self.session;
        let record = &incoming.record;
        let first_seen = record.created_at.or(record.modified_at).unwrap_or(self.page.now);
        let (person, conflicts) =
            resolved::apply(session, &decision.resolution, first_seen, &decision.attributes, because)?;
        self.report.identity_conflicts += conflicts;
        let Some(person) = person else { return Ok(None) };
        if person.fresh || matches!(decision.resolution.whose, Whose::Merge { .. }) {
            self.report.profiles_marked += 1;
        }
        if !person.fresh && declared::change(session, person.id, &decision.attributes)? {
            self.report.profiles_marked += 1;
            // The person's other records may want the new value.
            self.report.records_marked += records::mark_all_of(session, person.id)?;
        }
        Ok(Some(person))
    }

    fn save_record(
        &self,
        incoming: &Incoming,
        key: Option<Key>,
        row: Option<&Row>,
        profile: Option<i64>,
        mirror: &Mirror,
    ) -> Fallible<i64> {
        let (session, record) = (self.session, &incoming.record);
        let ext = record.id.as_str();
        let content = Content {
            profile,
            state: State::Live,
            modified_at: record.modified_at.map(connector::Timestamp::micros),
            url: record.url.as_deref(),
            mirror,
        };
        let id = match row {
            Some(row) => {
                records::update(session, row, &content)?;
                if key.is_some_and(|key| key.alias) {
                    // What is stored of the survivor came from one of its older ids now: its next sight is a change.
                    records::forget_hash(session, self.place, &row.ext)?;
                }
                row.id
            }
            None => records::insert(session, self.place, ext, &content)?,
        };
        let key = Key {
            record: id,
            alias: key.is_some_and(|key| key.alias),
            hash: Some(incoming.hash),
            links_hash: key.and_then(|key| key.links_hash),
        };
        records::save_key(session, self.place, ext, key)?;
        Ok(id)
    }

    /// Logs a new or moved link between record and profile.
    fn link(
        &mut self,
        record: i64,
        row: Option<&Row>,
        person: Option<Person>,
        incoming: &Incoming,
        because: Because<'_>,
    ) -> Fallible<()> {
        let session = self.session;
        let profile = person.map(|person| person.id);
        let before = match row.and_then(|row| row.profile) {
            Some(before) => profiles::current(session, before)?,
            None => None,
        };
        let lifted = row.is_some_and(|row| row.state == State::Archived);
        if before == profile && !lifted {
            return Ok(());
        }
        let edge = |sign, profile| because.edge(sign, profile, crm_kind(self.place), incoming.record.id.as_str());
        if before != profile
            && let Some(before) = before
        {
            log_edge(session, &edge(-1, before))?;
            self.report.profiles_marked += u64::from(mark_stale(session, before)?);
        }
        if let Some(Person { id: profile, fresh }) = person {
            log_edge(session, &edge(1, profile))?;
            if !fresh {
                self.report.profiles_marked += u64::from(mark_stale(session, profile)?);
                make_known(session, profile)?;
                if let Some(created) = incoming.record.created_at {
                    seen_at(session, profile, created)?;
                }
                intents::drop_queued_create(session, self.place, profile)?;
            }
        }
        if lifted {
            self.report.profiles_marked += links::mark_neighbours(session, record)?;
        }
        Ok(())
    }

    /// One id that the CRM says was merged into `record`.
    fn absorb(&mut self, record: i64, merged: &str, because: Because<'_>) -> Fallible<()> {
        let (session, place) = (self.session, self.place);
        let alias = Key { record, alias: true, hash: None, links_hash: None };
        match records::key(session, place, merged)? {
            Some(key) if key.record == record => Ok(()),
            Some(key) if !key.alias => {
                let (winner, loser) = (records::load(session, record)?, records::load(session, key.record)?);
                self.report.counts.merged += u64::from(loser.state == State::Live);
                merge::absorb(session, &winner, &loser, because)
            }
            _ => records::save_key(session, place, merged, alias),
        }
    }

    /// What the record tells of its person, for whoever tells the log again.
    fn log_evidence(
        &self,
        record: i64,
        incoming: &Incoming,
        known: &Known,
        resolution: &Resolution,
        at: connector::Timestamp,
    ) -> Fallible<()> {
        let (session, key) = (self.session, &self.page.key);
        let object = key.stream.object();
        if !object.is_person() {
            return Ok(());
        }
        let carried = match known.carried {
            Some(profile) => identity::identifiers_of(session, profile.0)?.into_iter().next(),
            None => None,
        };
        let crm = |id: &connector::RecordId| Identifier::crm(&key.connection, object, id);
        let told = LoggedRecord {
            key: self.record_key(incoming.record.id.as_str()),
            at,
            identifiers: incoming.identifiers.clone(),
            merged: incoming.record.merged_ids.iter().map(crm).collect(),
            carried,
        };
        // The same words may mean something new: an address may have become free meanwhile.
        let is_news = !matches!(resolution.whose, Whose::Existing(_))
            || !resolution.attach.is_empty()
            || !resolution.claim.is_empty();
        if is_news {
            session.run("UPDATE record SET evidence = NULL WHERE id = ?1", [record])?;
        }
        identity_log::write_news(session, record, &Logged::Record(told), self.page.now)
    }

    fn is_older_than_our_write(&self, row: &records::Row, incoming: &Incoming) -> bool {
        match (row.written_stamp, incoming.record.modified_at) {
            (Some(written), Some(seen)) => seen < written,
            _ => row.written_at.is_some_and(|at| at >= self.page.asked_at),
        }
    }

    /// A record of an associations stream: the links of one record, and nothing to decide.
    fn apply_links(&mut self, incoming: &Incoming) -> Fallible<()> {
        let (session, ext) = (self.session, incoming.record.id.as_str());
        let key = records::key(session, self.place, ext)?;
        if key.is_some_and(|key| key.links_hash == Some(incoming.hash)) {
            self.report.counts.unchanged += 1;
            return Ok(());
        }
        let record = match key {
            Some(key) => key.record,
            None => records::find_or_stub(session, self.place, ext)?,
        };
        let moved = match &incoming.record.links {
            Some(list) => links::replace(session, &self.page.key.connection, record, list)?,
            None => None,
        };
        self.report.profiles_marked += moved.unwrap_or(0);
        session.run(
            "UPDATE record_key SET links_hash = ?3 WHERE place = ?1 AND ext = ?2",
            (self.place, ext, incoming.hash),
        )?;
        let counts = &mut self.report.counts;
        *(if moved.is_some() { &mut counts.updated } else { &mut counts.unchanged }) += 1;
        Ok(())
    }
}

pub(super) fn existing(session: &Session<'_>, profile: ProfileId) -> Fallible<i64> {
    if session.memo.holder(profile).is_some() {
        return Ok(profile.0);
    }
    profiles::current(session, profile.0)?
        .ok_or_else(|| Fault::Refused(format!("decided on profile {}, which does not exist", profile.0)))
}

pub(super) fn checkpoint(session: &Session<'_>, key: &StreamKey) -> Fallible<Option<Checkpoint>> {
    let mut statement = session.sql(
        "SELECT cursor, full_load_done, updated_at, sweep FROM checkpoint
         WHERE connection = ?1 AND stream = ?2 AND object = ?3",
    )?;
    let mut rows = statement.query((key.connection.as_str(), key.stream.name(), key.stream.object().as_str()))?;
    Ok(match rows.next()? {
        Some(row) => Some(Checkpoint {
            cursor: connector::Cursor::new(row.get::<_, Arc<str>>(0)?),
            full_load_done: row.get(1)?,
            updated_at: connector::Timestamp::from_micros(row.get(2)?),
            sweep: row.get(3)?,
        }),
        None => None,
    })
}

pub(super) fn reset(session: &Session<'_>, key: &StreamKey) -> Fallible<()> {
    session.run(
        "DELETE FROM checkpoint WHERE connection = ?1 AND stream = ?2 AND object = ?3",
        (key.connection.as_str(), key.stream.name(), key.stream.object().as_str()),
    )?;
    Ok(())
}

fn save_checkpoint(
    session: &Session<'_>,
    page: &IncomingPage,
    full_load_done: bool,
    sweep: Option<i64>,
) -> Fallible<()> {
    session.run(
        "INSERT INTO checkpoint (connection, stream, object, cursor, full_load_done, updated_at, sweep)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET cursor = excluded.cursor, full_load_done = excluded.full_load_done,
                                   updated_at = excluded.updated_at, sweep = excluded.sweep",
        (
            page.key.connection.as_str(),
            page.key.stream.name(),
            page.key.stream.object().as_str(),
            page.resume.as_str(),
            full_load_done,
            page.now.micros(),
            sweep,
        ),
    )?;
    Ok(())
}
