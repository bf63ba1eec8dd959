//! Rows whose record is not where it was: looked up together, then settled or sent to where it is.

use connector::{Outcome, Reason};

use crate::delivery::{Delivery, as_update};
use crate::leftover::found;
use crate::lookup::{Fate, Holder, fates, holder};
use crate::outgoing::{How, Lane, Sent};
use crate::refusal::RowRefusal;
use crate::reject::{Meaning, meaning};

impl<'a> Delivery<'_, 'a> {
    /// Updates of records that are deleted, merged away or converted.
    pub(crate) async fn look(&mut self, lane: &Lane, rows: Vec<(Sent<'a>, RowRefusal)>) {
        if rows.is_empty() {
            return;
        }
        let ids: Vec<String> = rows.iter().map(|(sent, _)| sent.key.clone()).collect();
        match fates(self.api, &lane.object, &lane.sobject, &ids).await {
            Ok(fates) => {
                for (sent, refusal) in rows {
                    let reason = match fates.get(&sent.key) {
                        Some(Fate::Into(into)) => Reason::Merged { into: into.clone() },
                        Some(Fate::Gone) | None => Reason::Gone,
                        // It is there: what was refused is a reference inside the write, or our right to it.
                        Some(Fate::Alive) => Reason::Invalid,
                    };
                    self.reject(&sent, reason, &refusal);
                }
            }
            // Refused for certain; what to do about it is decided when the CRM can be asked.
            Err(error) => {
                for (sent, _) in rows {
                    self.settle(&sent, Outcome::Deferred(error.clone()));
                }
            }
        }
    }

    /// Upserts refused by a duplicate rule, or because their lead is converted: the record with our key, if there is one,
    /// is what was refused; otherwise the create was.
    pub(crate) async fn look_for_holders(&mut self, lane: &Lane, rows: Vec<(Sent<'a>, RowRefusal)>) {
        let How::ByKey { field, .. } = &lane.how else {
            for (sent, refusal) in rows {
                self.reject(&sent, found(&refusal), &refusal);
            }
            return;
        };
        let (mut updates, mut converted) = (Vec::new(), Vec::new());
        for (sent, refusal) in rows {
            let is_converted = meaning(&refusal, lane.naming()) == Meaning::Converted;
            match holder(self.api, lane, field, &sent.key).await {
                Ok(Holder::One(id)) if is_converted => converted.push((as_update(sent, &id), refusal)),
                Ok(Holder::One(id)) => updates.push(as_update(sent, &id)),
                Ok(Holder::Nobody) if is_converted => self.reject(&sent, Reason::Merged { into: None }, &refusal),
                Ok(Holder::Nobody) => self.reject(&sent, found(&refusal), &refusal),
                Ok(Holder::Several) => self.reject(&sent, Reason::AmbiguousMatch, &refusal),
                Err(error) => self.settle(&sent, Outcome::Deferred(error)),
            }
        }
        self.look(lane, converted).await;
        if !updates.is_empty() {
            self.push_first(lane.by_id(), updates);
        }
    }
}
