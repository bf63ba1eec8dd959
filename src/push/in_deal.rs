//! Somebody who enters a band with an open deal is made no record: the owner of the deal is told instead. Pure.

use super::Stager;
use super::stage::letter;
use crate::model::{DeadLetterCode, OpenDeal, Subject};
use crate::routing;
use crate::store::{StageDecision, StageItem};

impl Stager {
    /// What becomes of the entry: whoever owns the deal is told of it; where nobody who is there does, it waits for news of the
    /// person, and an admin is told.
    pub(super) fn in_deal(&self, item: &StageItem, deal: &OpenDeal) -> StageDecision {
        let tells = routing::told(&item.deals, &mut Vec::new());
        let waits = tells.is_none();
        let dead_letters = match waits {
            true => vec![letter(
                self.now,
                DeadLetterCode::LeadUnowned,
                Subject {
                    connection: Some(deal.connection.as_str().into()),
                    object: Some("deal".into()),
                    record: Some(deal.id.as_str().into()),
                    ..Subject::default()
                },
                "somebody with an open deal entered a band, and no active user owns the deal".to_owned(),
                "give the deal an active owner at the CRM; with the next news of the person it is tried again",
            )],
            false => Vec::new(),
        };
        StageDecision { withdraw: item.queued.is_some(), waits, tells, dead_letters, ..StageDecision::default() }
    }
}
