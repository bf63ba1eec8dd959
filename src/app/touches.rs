//! Notes of their own about what must not wait for a digest: a band entered, a demo asked for, a large cart left, a customer about to go.
//! One a person and day, whatever happens on it, and told from what happened and never from now: the same news is the same text, which is
//! not sent twice.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use connector::{NoteKind, Object, Timestamp, Value};
use rust_decimal::Decimal;

use super::digests::{CHUNK, READ, note};
use super::story::{self, Telling};
use super::{App, Connection};
use crate::config::DigestSettings;
use crate::enrich::ABANDONED_AFTER;
use crate::model::{Cause, Desire, Profile, TimelineKind};
use crate::store::{Listener, Result, Whom};
use crate::timeline::{Digest, Direction, Item, Visibility, fold};

/// What the keys of such notes begin with; a day follows, so that there is one a day.
pub(super) const TOUCH: &str = "touch-";
/// A look goes back a little behind the one before: what was computed while it was under way is not passed over.
const OVERLAP: Duration = Duration::from_secs(600);
/// Of this importance is what a note of its own is made for.
const IMPORTANT: u8 = 3;
/// Lines of one day besides the crossing.
const LINES: usize = 3;

impl App {
    /// Wishes for the notes about people of whom something important is known since the last look. What the day's budget does not hold is
    /// left to the digest.
    pub(super) async fn wish_for_touches(
        &self,
        connection: &Connection,
        object: &Object,
        settings: &DigestSettings,
    ) -> Result<()> {
        let kind = connection.connector.capability().notes.iter().find(|kind| kind.object == *object);
        let Some(kind) = kind.filter(|_| settings.max_activities > 0) else { return Ok(()) };
        let (name, now) = (format!("digest:touched:{}:{object}", connection.name()), self.world.clock.now());
        let seen = self.store.note(&name).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        if let Some(seen) = seen {
            self.tell_touches(connection, object, settings, kind, (seen, now)).await?;
        }
        // What was before anybody asked for such notes is no news.
        self.store.set_note(&name, &now.to_rfc3339()).await
    }

    async fn tell_touches(
        &self,
        connection: &Connection,
        object: &Object,
        settings: &DigestSettings,
        kind: &NoteKind,
        (seen, now): (Timestamp, Timestamp),
    ) -> Result<()> {
        let midnight = self.day_begins(now);
        let lane = format!("note:{TOUCH}");
        let whom = Whom::ChangedSince(seen.saturating_sub(OVERLAP));
        let (mut after, mut left) = (0, None);
        loop {
            let found = self.store.audience(connection.name(), object, &lane, whom.clone(), after, CHUNK).await?;
            let Some(last) = found.last() else { return Ok(()) };
            after = last.number;
            let mut desires = Vec::new();
            for listener in &found {
                desires.extend(self.touches_of(listener, object, settings, kind, (midnight, seen, now)).await?);
            }
            if desires.is_empty() {
                continue;
            }
            let mut rest = match left {
                Some(left) => left,
                None => self.left_today(connection, settings, now).await?,
            };
            desires.truncate(usize::try_from(rest).unwrap_or(usize::MAX));
            rest -= self.store.desire(connection.name(), object, now, desires).await?.min(rest);
            if rest == 0 || self.stop.is_cancelled() {
                return Ok(());
            }
            left = Some(rest);
        }
    }

    /// A note for each day on which something important happened: today, and the end of the day of the last look.
    async fn touches_of(
        &self,
        listener: &Listener,
        object: &Object,
        settings: &DigestSettings,
        kind: &NoteKind,
        (midnight, seen, now): (Timestamp, Timestamp, Timestamp),
    ) -> Result<Vec<Desire>> {
        let Some(detail) = self.store.profile(listener.profile).await? else { return Ok(Vec::new()) };
        let profile = &detail.profile;
        let told = story::telling(&*self.store, &self.model, profile.id, profile.uid, READ).await?;
        let cart = cart(profile, &told, settings.cart_over, &self.settings.base_currency);
        let mut items: Vec<Item> = fold(told.moments);
        items.extend(cart);
        items.retain(|item| is_important(item) && item.occurred_at <= now);
        let zone = self.settings.timezone;
        let day = |at: Timestamp| at.to_utc().with_timezone(&zone).date_naive();
        let is_new = |item: &&Item| item.occurred_at >= midnight || item.occurred_at > seen;
        let days: BTreeSet<NaiveDate> = items.iter().filter(is_new).map(|item| day(item.occurred_at)).collect();
        let one = |today: NaiveDate| {
            let of_day: Vec<Item> = items.iter().filter(|item| day(item.occurred_at) == today).cloned().collect();
            let wish = note(&format!("{TOUCH}{today}"), &of_one_day(of_day), Some(kind), zone);
            let cause =
                Cause { mapping: format!("{object}.digest → activity").into(), origin: "something important".into() };
            Desire { record: listener.record.clone(), wish, cause }
        };
        Ok(days.into_iter().map(one).collect())
    }
}

/// What a rep should not have to wait for: not what the CRM knows by itself, nor what was bought.
fn is_important(item: &Item) -> bool {
    let is_of_ours = matches!(
        item.kind,
        TimelineKind::Score | TimelineKind::Segment | TimelineKind::Web | TimelineKind::App | TimelineKind::Commerce
    );
    let is_order = item.kind == TimelineKind::Commerce && !item.dedupe_key.starts_with(CART);
    item.importance >= IMPORTANT && item.visibility == Visibility::Sales && is_of_ours && !is_order
}

/// The newest crossing as the reason, and the rest as lines, newest first.
fn of_one_day(mut items: Vec<Item>) -> Digest {
    items.sort_by(|a, b| b.occurred_at.cmp(&a.occurred_at).then_with(|| a.title.cmp(&b.title)));
    let why = items.iter().find(|item| item.kind == TimelineKind::Score).cloned();
    let rest = items.into_iter().filter(|item| item.kind != TimelineKind::Score).take(LINES);
    Digest { why, touches: rest.collect(), ..Digest::default() }
}

const CART: &str = "cart ";

/// A cart of more than `over` that was left: it is one from the hour on in which nobody touched it.
fn cart(profile: &Profile, told: &Telling, over: Option<Decimal>, currency: &str) -> Option<Item> {
    let touched = told.cart_touched_at?;
    let (Value::Bool(true), Value::Number(worth)) = (profile.value("cart_abandoned"), profile.value("cart_value"))
    else {
        return None;
    };
    over.filter(|over| worth > over)?;
    let at = touched.saturating_add(ABANDONED_AFTER);
    Some(Item {
        id: "".into(),
        profile_id: Some(profile.uid),
        company_id: None,
        occurred_at: at,
        recorded_at: at,
        kind: TimelineKind::Commerce,
        direction: Direction::In,
        title: format!("Cart left: {worth} {currency}").into(),
        detail: None,
        actor: None,
        source: "".into(),
        source_ref: None,
        importance: IMPORTANT,
        dedupe_key: format!("{CART}{}", touched.micros()).into(),
        visibility: Visibility::Sales,
    })
}
