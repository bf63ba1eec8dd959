//! CRM lists that segments keep: which there are at a connection, and comparing who is on them with what Ferry knows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::{ErrorKind, Object, RecordId, Timestamp};

use super::{App, Connection};
use crate::mapping::ObjectMapping;
use crate::model::Cause;
use crate::push::ListRule;
use crate::store::{LostPlaces, Result};

/// How long a CRM may take to show a place that it has taken.
const SETTLING: Duration = Duration::from_secs(600);
/// Pages of one list that are read at most: some millions of members.
const MOST_PAGES: usize = 20_000;

/// What a command that looks at a CRM finds wrong with a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTrouble {
    pub list: Arc<str>,
    pub object: Object,
    /// `None`: there is no such list.
    pub why: Option<Arc<str>>,
}

impl Connection {
    /// The lists that segments keep among the records of an object.
    pub fn lists(&self, object: &Object) -> Arc<[ListRule]> {
        if self.connector.capability().list_kind(object).is_none() {
            return Arc::default();
        }
        self.settings.lists.iter().map(|kept| ListRule::new(kept.list.clone(), &kept.segments)).collect()
    }

    /// Whether a push has anything to say to records of an object.
    pub(super) fn writes_to(&self, mapping: &ObjectMapping) -> bool {
        mapping.pushes().next().is_some() || !self.lists(&mapping.object).is_empty()
    }

    /// Every list held against the CRM: whether it is there, and takes members from outside.
    pub async fn look_at_lists(&self) -> connector::Result<Vec<ListTrouble>> {
        let mut troubles = Vec::new();
        for mapping in &self.settings.objects {
            let object = &mapping.object;
            for rule in &*self.lists(object) {
                let why = match self.connector.list(object, &rule.list).await? {
                    None => None,
                    Some(facts) => match facts.closed {
                        None => continue,
                        closed => closed,
                    },
                };
                troubles.push(ListTrouble { list: rule.list.clone(), object: object.clone(), why });
            }
        }
        Ok(troubles)
    }
}

impl App {
    /// Whether everything that is told at a (connection, object) is due to be compared with what it should be. At first sight nothing is:
    /// whatever is there has just been loaded.
    pub(super) async fn is_reconcile_due(&self, connection: &Connection, object: &Object) -> Result<bool> {
        let (name, now) = (last_reconciled(connection, object), self.world.clock.now());
        if self.settings.schedule.is_quiet("reconcile", now, self.settings.timezone) {
            return Ok(false);
        }
        let last = self.store.note(&name).await?.and_then(|text| Timestamp::parse_rfc3339(&text));
        let Some(last) = last else {
            self.store.set_note(&name, &now.to_rfc3339()).await?;
            return Ok(false);
        };
        let next = self.settings.schedule.reconcile.next_after(last, self.settings.timezone);
        Ok(next.is_some_and(|next| next <= now))
    }

    pub(super) async fn note_reconciled(&self, connection: &Connection, object: &Object) -> Result<()> {
        let now = self.world.clock.now().to_rfc3339();
        self.store.set_note(&last_reconciled(connection, object), &now).await
    }

    /// Reads who is on each list, and has those put there again whom somebody took off. Whoever was put there by hand is left alone.
    pub(super) async fn compare_lists(
        &self,
        connection: &Connection,
        object: &Object,
    ) -> Result<std::result::Result<u64, connector::Error>> {
        let mut lost = 0;
        for rule in &*connection.lists(object) {
            let told_before = self.world.clock.now().saturating_sub(SETTLING);
            let present = match self.members(connection, object, &rule.list).await {
                Ok(Some(present)) => Arc::new(present),
                Ok(None) => continue,
                Err(error) => return Ok(Err(error)),
            };
            let cause = Cause { mapping: rule.line.clone(), origin: "drift: taken off at the CRM".into() };
            let places = LostPlaces { list: rule.list.clone(), present, told_before, cause };
            lost += self.store.lost_places(connection.name(), object, self.world.clock.now(), places).await?;
        }
        Ok(Ok(lost))
    }

    /// Everybody on a list; `None` where there is none to be kept: whatever is written to it says so itself.
    async fn members(
        &self,
        connection: &Connection,
        object: &Object,
        list: &str,
    ) -> connector::Result<Option<BTreeSet<RecordId>>> {
        let connector = &connection.connector;
        if connector.list(object, list).await?.is_none_or(|facts| facts.closed.is_some()) {
            return Ok(None);
        }
        let (mut present, mut after) = (BTreeSet::new(), None);
        for _ in 0..MOST_PAGES {
            let page = connector.list_members(object, list, after.as_deref()).await?;
            present.extend(page.members);
            match page.next {
                // A place that was named before leads round in a circle.
                Some(next) if after.as_ref() != Some(&next) => after = Some(next),
                Some(_) => break,
                None => return Ok(Some(present)),
            }
        }
        let attempted = format!("read who is on list {list}");
        Err(connector::Error::new(ErrorKind::Protocol, attempted, "its pages do not come to an end"))
    }
}

fn last_reconciled(connection: &Connection, object: &Object) -> String {
    format!("reconciled:{}:{object}", connection.name())
}
