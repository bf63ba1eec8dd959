//! Which version of a record a look has just seen. A write that follows the look is tied to that version (`If-Match` with its
//! tag), so that what a person saved in between is not written over (`reliability.md` §B 16).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector::Timestamp;

use crate::rows::Row;
use crate::wanted::Wanted;

/// Records remembered; looks come right before writes, so that a few thousand are many.
const MOST: usize = 5_000;

#[derive(Debug, Default)]
pub(crate) struct Versions(Mutex<BTreeMap<String, (Timestamp, Arc<str>)>>);

impl Versions {
    /// Remembers what was read. Tables without optimistic concurrency take no tag as a condition.
    pub fn note(&self, rows: &[Row], wanted: &Wanted, optimistic: bool, now: Timestamp) {
        if !optimistic {
            return;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for row in rows {
            if let (Some(id), Some(etag)) = (row.id(wanted), &row.etag) {
                seen.insert(id, (now, etag.clone()));
            }
        }
        if seen.len() > MOST {
            let mut times: Vec<Timestamp> = seen.values().map(|(at, _)| *at).collect();
            times.sort_unstable();
            let newer = times.get(times.len() / 2).copied().unwrap_or(now);
            seen.retain(|_, (at, _)| *at > newer);
        }
    }

    /// The tag of a record that was read at most `within` ago; it serves one write.
    pub fn take(&self, id: &str, now: Timestamp, within: Duration) -> Option<Arc<str>> {
        let (at, etag) = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)?;
        (now.since(at) <= within).then_some(etag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Rows;
    use crate::schema::tests::contact;

    #[test]
    fn a_tag_serves_one_write_for_a_while() {
        let wanted = Wanted::only(&contact(), &[]);
        let id = |n: u32| format!("c0000000-0000-0000-0000-{n:012}");
        let rows = |n: u32| {
            let body = format!(r#"{{"value":[{{"@odata.etag":"W/\"{n}\"","contactid":"{}"}}]}}"#, id(n));
            Rows::from_json(body.as_bytes(), &wanted).unwrap().rows
        };
        let (versions, now) = (Versions::default(), Timestamp::from_secs(1_000));
        let minute = Duration::from_secs(60);
        versions.note(&rows(1), &wanted, true, now);
        versions.note(&rows(2), &wanted, false, now);
        assert_eq!(versions.take(&id(1), now, minute).as_deref(), Some("W/\"1\""));
        assert_eq!(versions.take(&id(1), now, minute), None);
        assert_eq!(versions.take(&id(2), now, minute), None);
        versions.note(&rows(3), &wanted, true, now);
        assert_eq!(versions.take(&id(3), now.saturating_add(2 * minute), minute), None);
        for n in 0..6_000u32 {
            versions.note(&rows(n), &wanted, true, Timestamp::from_secs(2_000 + i64::from(n)));
        }
        assert_eq!(versions.take(&id(0), Timestamp::from_secs(8_000), 9 * minute * 60), None);
        assert!(versions.take(&id(5_999), Timestamp::from_secs(8_000), minute).is_some());
    }
}
