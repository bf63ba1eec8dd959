//! HubSpot's lead objects: beside the contact of whoever enters the band, one for each entry, with the contact's owner.

use std::time::Duration;

use connector::{Object, Timestamp};

use super::{App, Connection};
use crate::model::{Cause, Desire, Profile, SideWish, Step};
use crate::store::{AssignmentRow, AssignmentState, Result};

/// How far behind the last look another one begins: a turn counts only when its write is settled.
const OVERLAP: Duration = Duration::from_secs(6 * 3_600);
/// Turns looked at in one pass.
const MOST: usize = 10_000;

impl App {
    /// Wishes for the lead objects of people who entered the band and were given to somebody since the last look. Of one entry it is one
    /// lead object, whoever the contact goes on to; the same wished for again changes nothing.
    pub(super) async fn wish_for_lead_objects(&self, connection: &Connection, object: &Object) -> Result<()> {
        let band = self.settings.routing.as_ref().and_then(|rules| rules.on.clone());
        let can = connection.settings.lead_object && connection.connector.capability().leads.contains(object);
        let Some(band) = band.filter(|_| can) else { return Ok(()) };
        let (name, now) = (format!("lead_objects:{}:{object}", connection.name()), self.world.clock.now());
        let seen = self.store.note(&name).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        let since = seen.unwrap_or(now).saturating_sub(OVERLAP);
        let mut desires = Vec::new();
        let mut rows = self.store.assignments(None, since, MOST).await?;
        // The newest last: whoever has the contact now has the lead object.
        rows.reverse();
        for row in rows {
            let here = row.connection == *connection.name() && row.object == *object;
            if here && row.state == AssignmentState::Made && row.step != Some(Step::Deal) {
                desires.extend(self.lead_object(&row, &band).await?);
            }
        }
        if !desires.is_empty() {
            self.store.desire(connection.name(), object, now, desires).await?;
        }
        self.store.set_note(&name, &now.to_rfc3339()).await
    }

    async fn lead_object(&self, row: &AssignmentRow, band: &str) -> Result<Option<Desire>> {
        let (Some(record), Some(uid)) = (&row.record, row.profile) else { return Ok(None) };
        let Some(id) = self.store.find_profile(&uid.to_string()).await? else { return Ok(None) };
        let entries = self.store.band_entries(id).await?;
        // Somebody may be given to people without having entered anything.
        let entry = entries.into_iter().find(|entry| &*entry.band == band && entry.entered_at <= row.at);
        let (Some(entry), Some(detail)) = (entry, self.store.profile(id).await?) else { return Ok(None) };
        let why = row.trail.last().map_or("routing", |line| &*line.text);
        Ok(Some(Desire {
            record: record.clone(),
            wish: SideWish::Lead {
                key: key(band, entry.entered_at).into(),
                name: called(&detail.profile).into(),
                owner: row.owner_id.clone(),
            },
            cause: Cause {
                mapping: format!("{}.lead_object", row.object).into(),
                origin: format!("{}: {why}", Cause::ROUTING).into(),
            },
        }))
    }
}

/// `MQL 2026-03-04 08:05:00 UTC`: which entry it is, in words that stand behind the name.
fn key(band: &str, entered_at: Timestamp) -> String {
    let band = band.rsplit('.').next().unwrap_or_default().to_uppercase();
    format!("{band} {}", entered_at.to_utc().format("%Y-%m-%d %H:%M:%S UTC"))
}

fn called(profile: &Profile) -> String {
    let text = |name: &str| profile.value(name).to_string();
    let name = [text("first_name"), text("last_name")].into_iter().filter(|part| !part.is_empty());
    let name = name.collect::<Vec<_>>().join(" ");
    if name.is_empty() { text("email") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_the_band_and_the_instant_of_the_entry() {
        let at = Timestamp::parse_rfc3339("2026-03-04T08:05:00.25Z").unwrap();
        assert_eq!(key("lead.mql", at), "MQL 2026-03-04 08:05:00 UTC");
    }
}
