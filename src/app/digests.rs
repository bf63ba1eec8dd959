//! Digests: whose are due, what they say, and the wishes that carry them to a CRM.
//!
//! A digest is due once a day for people of whom something computed has changed, and at once for people who crossed into a band.
//! What it says is told from what happened and never from now, so that the same news is the same text, which is not sent twice.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeZone;
use chrono_tz::Tz;
use connector::{NoteKind, Object, Stream, Timestamp, Value};

use super::story::{self, Telling};
use super::touches::TOUCH;
use super::{App, Connection};
use crate::config::{DigestPlace, DigestSettings};
use crate::model::{
    Cause, Choice, Crossing, Deal, Desire, Profile, ProfileId, Purpose, SideWish, TransitionKind, effective,
};
use crate::store::{Listener, Result, StreamKey, Whom};
use crate::timeline::{Colleague, Digest, Format, Item, LONGEST, OpenDeal, fold, written};

/// The key of the managed note.
const KEY: &str = "digest";
/// Items of each kind read of a person.
pub(super) const READ: usize = 1_000;
/// People looked at in one read, and wishes taken in one transaction.
pub(super) const CHUNK: usize = 200;
/// Colleagues looked at.
const COLLEAGUES: usize = 25;
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// A daily pass looks back a day beyond the one before: who was told that day already is not told again then.
const OVERLAP: Duration = Duration::from_secs(86_400);

/// What a pass writes, and how much of it is left today.
struct Pass<'a> {
    connection: &'a Connection,
    object: &'a Object,
    settings: &'a DigestSettings,
    notes: Option<NoteKind>,
    longest: usize,
    left: u64,
    now: Timestamp,
}

impl App {
    /// Wishes for the digests of people's records that are due now. Whoever delivers what is beside the fields sends them.
    pub(super) async fn wish_for_digests(&self, connection: &Connection, object: &Object) -> Result<()> {
        let Some(settings) = connection.settings.digest.as_ref().filter(|_| object.is_person()) else { return Ok(()) };
        let now = self.world.clock.now();
        if self.settings.schedule.is_quiet("digest", now, self.settings.timezone) {
            return Ok(());
        }
        let stream = StreamKey { connection: connection.name().clone(), stream: Stream::Records(object.clone()) };
        // History is no news: nothing is told before everything is there.
        if !self.store.checkpoint(&stream).await?.is_some_and(|checkpoint| checkpoint.full_load_done) {
            return Ok(());
        }
        let crossed = self.crossed(connection, object, now).await?;
        let due = self.due(connection, object, settings, now).await?;
        if crossed.is_empty() && due.is_none() {
            return self.wish_for_touches(connection, object, settings).await;
        }
        let mut pass = self.pass(connection, object, settings, now).await?;
        if !crossed.is_empty() {
            self.tell_digests(&mut pass, Whom::These(crossed), "a band was entered", true).await?;
        }
        if let Some(since) = due {
            self.tell_digests(&mut pass, Whom::ChangedSince(since), "the daily digest", false).await?;
            // Where the budget ended the pass, tomorrow's looks at everybody again who has changed since the last whole one.
            if pass.left > 0 {
                self.store.set_note(&last_pass(connection, object), &now.to_rfc3339()).await?;
            }
        }
        self.wish_for_touches(connection, object, settings).await
    }

    /// Since when people are looked at, where the daily pass is due. Nothing is due at first sight: the load that has just ended is
    /// nobody's news.
    async fn due(
        &self,
        connection: &Connection,
        object: &Object,
        settings: &DigestSettings,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let name = last_pass(connection, object);
        let last = self.store.note(&name).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        let Some(last) = last else {
            self.store.set_note(&name, &now.to_rfc3339()).await?;
            return Ok(None);
        };
        let trigger = settings.at.as_ref().unwrap_or(&self.settings.schedule.digest);
        let next = trigger.next_after(last, self.settings.timezone);
        Ok(next.filter(|next| *next <= now).map(|_| last.saturating_sub(OVERLAP)))
    }

    /// People who have entered a band since the last look, and those for whom something has been done about it since: who had no
    /// record when they entered has one now, however long it was refused or waited for somebody.
    async fn crossed(&self, connection: &Connection, object: &Object, now: Timestamp) -> Result<Vec<ProfileId>> {
        let name = format!("digest:crossings:{}:{object}", connection.name());
        let seen = self.store.note(&name).await?.and_then(|text| text.parse::<i64>().ok());
        let (mut after, mut crossed) = (seen.unwrap_or(0), Vec::new());
        loop {
            let rows = self.store.transitions(after, 1_000).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            let entered = rows.iter().filter(|row| {
                let one = &row.transition;
                one.kind == TransitionKind::Band && one.direction == Crossing::In && !one.backfill
            });
            crossed.extend(entered.map(|row| row.profile));
        }
        if seen != Some(after) {
            self.store.set_note(&name, &after.to_string()).await?;
        }
        let looked = format!("digest:acted:{}:{object}", connection.name());
        let last = self.store.note(&looked).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        let acted = self.store.acted_since(last.unwrap_or(now)).await?;
        if last.is_none() || !acted.is_empty() {
            self.store.set_note(&looked, &now.to_rfc3339()).await?;
        }
        crossed.extend(acted);
        crossed.sort();
        crossed.dedup();
        // What was crossed before anybody asked for digests is no news.
        Ok(if seen.is_some() { crossed } else { Vec::new() })
    }

    async fn pass<'a>(
        &self,
        connection: &'a Connection,
        object: &'a Object,
        settings: &'a DigestSettings,
        now: Timestamp,
    ) -> Result<Pass<'a>> {
        let notes = connection.connector.capability().notes.iter().find(|kind| kind.object == *object).cloned();
        let longest = match &settings.place {
            DigestPlace::Note => notes.as_ref().map_or(LONGEST, |kind| kind.longest),
            // A field that is not there, or a CRM that does not answer, is told of by the write itself.
            DigestPlace::Field(name) => match connection.connector.describe(object).await {
                Ok(schema) => {
                    schema.fields.get(name).and_then(|spec| spec.max_length).map_or(LONGEST, |most| most as usize)
                }
                Err(_) => LONGEST,
            },
        };
        let left = self.left_today(connection, settings, now).await?;
        Ok(Pass { connection, object, settings, notes, longest: longest.min(LONGEST), left, now })
    }

    /// What is left of the day's budget.
    pub(super) async fn left_today(
        &self,
        connection: &Connection,
        settings: &DigestSettings,
        now: Timestamp,
    ) -> Result<u64> {
        let midnight = self.day_begins(now);
        let mut told = 0;
        for person in [Object::Contact, Object::Lead] {
            for lanes in [lane(&settings.place), format!("note:{TOUCH}")] {
                told += self.store.told_since(connection.name(), &person, &lanes, midnight).await?;
            }
        }
        Ok(settings.daily_budget.saturating_sub(told))
    }

    pub(super) fn day_begins(&self, now: Timestamp) -> Timestamp {
        let zone = self.settings.timezone;
        let day = now.to_utc().with_timezone(&zone).date_naive();
        let midnight = day.and_hms_opt(0, 0, 0).and_then(|midnight| zone.from_local_datetime(&midnight).earliest());
        midnight.map_or(now, |midnight| Timestamp::from(midnight.to_utc()))
    }

    async fn tell_digests(&self, pass: &mut Pass<'_>, whom: Whom, why: &str, at_once: bool) -> Result<()> {
        let (name, lane, midnight) = (pass.connection.name(), lane(&pass.settings.place), self.day_begins(pass.now));
        let mut after = 0;
        loop {
            let listeners = self.store.audience(name, pass.object, &lane, whom.clone(), after, CHUNK).await?;
            let Some(last) = listeners.last() else { return Ok(()) };
            after = last.number;
            let mut desires = Vec::new();
            for listener in &listeners {
                // At most once a day, but for a crossing.
                if !at_once && listener.told_at.is_some_and(|told| told >= midnight) {
                    continue;
                }
                desires.extend(self.desire_for(pass, listener, why).await?);
            }
            desires.truncate(usize::try_from(pass.left).unwrap_or(usize::MAX));
            if !desires.is_empty() {
                pass.left -= self.store.desire(name, pass.object, pass.now, desires).await?.min(pass.left);
            }
            if pass.left == 0 || self.stop.is_cancelled() {
                return Ok(());
            }
        }
    }

    /// The digest of one person.
    async fn desire_for(&self, pass: &Pass<'_>, listener: &Listener, why: &str) -> Result<Option<Desire>> {
        let Some(digest) = self.digest_of(listener.profile).await?.filter(Digest::has_news) else {
            return Ok(None);
        };
        let zone = self.settings.timezone;
        let (wish, mapping) = match &pass.settings.place {
            DigestPlace::Note => {
                (note(KEY, &digest, pass.notes.as_ref(), zone), format!("{}.digest → note", pass.object))
            }
            DigestPlace::Field(name) => {
                let text = written(&digest, Format::Plain, zone, "", pass.longest);
                let wish = SideWish::Field { name: name.clone(), text: Some(text.into()) };
                (wish, format!("{}.digest → {name}", pass.object))
            }
        };
        let cause = Cause { mapping: mapping.into(), origin: why.into() };
        Ok(Some(Desire { record: listener.record.clone(), wish, cause }))
    }

    /// Everything that the digest of a person says. `None` where there is no such person.
    pub async fn digest_of(&self, id: ProfileId) -> Result<Option<Digest>> {
        let Some(detail) = self.store.profile(id).await? else { return Ok(None) };
        let profile = &detail.profile;
        let told: Telling = story::telling(&*self.store, &self.model, profile.id, profile.uid, READ).await?;
        let pages = told.intents();
        // What is planned is no touch yet.
        let now = self.world.clock.now();
        let items: Vec<Item> = fold(told.moments).into_iter().filter(|item| item.occurred_at <= now).collect();
        let own = items.iter().filter(|item| item.kind.is_touch()).map(|item| item.occurred_at).max();
        let consents = self.store.consents(id).await?;
        let mut digest = Digest::of_items(&items, pages);
        digest.first_touch = touch(profile, "first_touch");
        digest.deals = detail.deals.iter().filter_map(open_deal).collect();
        if let Some(status @ ("unsubscribed" | "bounced" | "complained")) = profile.value("email_status").as_text() {
            digest.do_not_contact.push(format!("no e-mail: {status}").into());
        }
        for purpose in [Purpose::Marketing, Purpose::Ads] {
            if effective(&consents.decisions, purpose).is_some_and(|said| said.choice == Choice::Denied) {
                digest.do_not_contact.push(format!("no {purpose}: consent withdrawn").into());
            }
        }
        digest.colleagues = self.colleagues(profile, own).await?;
        Ok(Some(digest))
    }

    /// People of the same company who were active in the week up to the newest activity there, the last active first.
    async fn colleagues(&self, profile: &Profile, own: Option<Timestamp>) -> Result<Vec<Colleague>> {
        let company = self.store.company_of(profile.id, Arc::new(self.settings.company.clone())).await?.primary;
        let Some(company) = company else { return Ok(Vec::new()) };
        let Some(company) = self.store.company(&company.key.to_string(), COLLEAGUES).await? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for member in company.members.iter().filter(|member| member.is_primary && member.profile != profile.uid) {
            let Some(name) = member.name.clone().or_else(|| member.email.clone()) else { continue };
            let Some(id) = self.store.find_profile(&member.profile.to_string()).await? else { continue };
            let consents = self.store.consents(id).await?;
            let Some(detail) = self.store.profile(id).await?.filter(|_| consents.allows(Purpose::Sales)) else {
                continue;
            };
            if let Value::Instant(last_active) = detail.profile.value("last_seen_at") {
                found.push(Colleague { name, last_active: *last_active });
            }
        }
        found.sort_by(|a, b| b.last_active.cmp(&a.last_active).then_with(|| a.name.cmp(&b.name)));
        let newest = found.iter().map(|one| one.last_active).chain(own).max();
        found.retain(|one| newest.is_some_and(|newest| newest.since(one.last_active) <= WEEK));
        Ok(found)
    }
}

/// A note of Ferry's with this text, as a CRM keeps notes.
pub(super) fn note(key: &str, digest: &Digest, kind: Option<&NoteKind>, zone: Tz) -> SideWish {
    let format = if kind.is_some_and(|kind| !kind.html) { Format::Plain } else { Format::Html };
    let longest = kind.map_or(LONGEST, |kind| kind.longest).min(LONGEST);
    let marker = SideWish::marker(&format!("note:{key}"));
    SideWish::Note { key: key.into(), body: written(digest, format, zone, &marker, longest).into() }
}

fn last_pass(connection: &Connection, object: &Object) -> String {
    format!("digest:last:{}:{object}", connection.name())
}

fn lane(place: &DigestPlace) -> String {
    match place {
        DigestPlace::Note => format!("note:{KEY}"),
        DigestPlace::Field(name) => format!("field:{name}"),
    }
}

/// `google / cpc / spring`
fn touch(profile: &Profile, which: &str) -> Option<Arc<str>> {
    let part = |part: &str| match profile.value(&format!("{which}_{part}")) {
        Value::Text(text) if !text.is_empty() => Some(text.to_string()),
        _ => None,
    };
    let parts: Vec<String> = ["source", "medium", "campaign"].into_iter().filter_map(part).collect();
    // Nobody knows where somebody came from directly.
    (!parts.is_empty() && parts != ["direct"]).then(|| parts.join(" / ").into())
}

fn open_deal(deal: &Deal) -> Option<OpenDeal> {
    let facts = &deal.facts;
    let money = |amount| match &facts.currency {
        Some(currency) => format!("{amount} {currency}"),
        None => format!("{amount}"),
    };
    (facts.status == connector::DealStatus::Open).then(|| OpenDeal {
        name: facts.name.clone().unwrap_or_else(|| deal.id.as_str().into()),
        stage: facts.stage.clone(),
        amount: facts.amount.map(|amount| money(amount.normalize()).into()),
    })
}
