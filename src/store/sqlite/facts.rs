//! What a record is beside its fields: a deal, a user, an activity. Whoever stands near it is looked at again where that changed.

use connector::{Record, Timestamp};

use super::fault::Fallible;
use super::page::Paging;
use super::{activities, answers, deals, links};
use crate::store::{RecordDecision, Tally};

impl Paging<'_, '_> {
    /// Keeps it, and says how the record counts.
    pub(super) fn keep_facts(
        &mut self,
        id: i64,
        was_known: bool,
        record: &Record,
        decision: &RecordDecision,
        at: Timestamp,
    ) -> Fallible<Tally> {
        let (session, now) = (self.session, self.page.now);
        let mut moved = false;
        if let Some(facts) = &record.deal {
            moved |= deals::save(session, id, facts, at, now)?;
            moved |= deals::note_order(session, id, &decision.attributes)?;
        }
        if let Some(user) = &record.user
            && deals::save_user(session, id, user)?
        {
            let connection = &self.page.key.connection;
            self.report.profiles_marked += activities::renamed(session, connection, &record.id)?;
        }
        let mut tally = decision.tally;
        if let Some(facts) = &record.activity {
            if activities::save(session, id, record, facts, now)? {
                moved = true;
                tally = if was_known { Tally::Updated } else { Tally::Created };
            }
            answers::note(session, &self.page.key.connection, id, record, now)?;
        }
        if moved {
            self.report.profiles_marked += links::mark_neighbours(session, id)?;
        }
        Ok(tally)
    }
}
