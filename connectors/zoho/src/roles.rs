//! Contact roles: who else has a part in a deal, beside the contact that is a field of it. Zoho tells them deal by deal and
//! moves no stamp when one changes. So each deal that is read costs a call, and the sweep that finds what changed without a
//! stamp is made once a day; and where there are more deals than a bound says, only the deal's own contact is told.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use connector::{Error, ErrorKind, Link, Object, Record, RecordId, Timestamp};
use connector_http::{Call, Priority};
use futures::future::try_join_all;
use serde::Deserialize;

use crate::api::{Api, decode_or_nothing};
use crate::dialect::CALL;
use crate::paths;
use crate::wire::{Id, is_id};

/// Calls at once.
const PARALLEL: usize = 4;
/// Deals of one page: each costs a call, and what is on a page is read again after a crash.
const PAGE: usize = 200;
const COUNTED_FOR: Duration = Duration::from_secs(86_400);
/// Pages of two hundred that any deal's roles have at most.
const MOST_PAGES: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    data: Vec<Part>,
    info: Info,
}

#[derive(Deserialize)]
struct Part {
    id: Id,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    more_records: bool,
    next_page_token: Option<String>,
}

/// Whether there are few enough deals, and when they were counted.
#[derive(Debug, Default)]
pub(crate) struct FewDeals(Mutex<Option<(Timestamp, bool)>>);

/// Records of one page, fewer where each costs a call.
pub(crate) fn page_of(most: usize, roles: bool) -> usize {
    if roles { most.min(PAGE) } else { most }
}

impl Api {
    /// Whether these links are told with contact roles.
    pub async fn tells_roles(&self, object: &Object, links: &[Object]) -> Result<bool, Error> {
        if *object != Object::Deal || !links.contains(&Object::Contact) || self.limits.contact_roles_up_to == 0 {
            return Ok(false);
        }
        let now = self.clock.now();
        let counted = *self.few_deals.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, few)) = counted.filter(|(at, _)| now.since(*at) < COUNTED_FOR) {
            return Ok(few);
        }
        let deals = self.count("Deals").await?;
        let few = deals <= self.limits.contact_roles_up_to;
        if !few {
            tracing::warn!(
                deals,
                "there are more deals than contact_roles_up_to: a deal counts for its own contact alone"
            );
        }
        *self.few_deals.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, few));
        Ok(few)
    }

    /// Adds the contacts that have a part in these deals to their links.
    pub async fn add_roles(&self, deals: &mut [Record]) -> Result<(), Error> {
        let ids: Vec<RecordId> = deals.iter().map(|deal| deal.id.clone()).collect();
        let mut parts = Vec::with_capacity(ids.len());
        for some in ids.chunks(PARALLEL) {
            parts.extend(try_join_all(some.iter().map(|id| self.roles_of(id))).await?);
        }
        for (deal, contacts) in deals.iter_mut().zip(parts) {
            let links = deal.links.get_or_insert_default();
            links.extend(contacts.into_iter().map(|id| Link { object: Object::Contact, id }));
            links.sort_unstable();
            links.dedup();
        }
        Ok(())
    }

    async fn roles_of(&self, deal: &RecordId) -> Result<Vec<RecordId>, Error> {
        let attempted = "read the contact roles of a deal";
        let mut contacts = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let path = paths::contact_roles(deal.as_str());
            let path =
                token.as_deref().map_or_else(|| path.clone(), |token| paths::with(path.clone(), "page_token", token));
            let call = Call::get(attempted, path, CALL).with_priority(Priority::Pull);
            let listed = match self.try_ask(&call, decode_or_nothing::<Listed>).await? {
                Ok(listed) => listed.unwrap_or_default(),
                // It went away since it was listed; the list of deletions tells.
                Err(refusal) if refusal.is("INVALID_DATA") || refusal.status == 404 => return Ok(Vec::new()),
                Err(refusal) => {
                    let error = refusal.into_error(attempted);
                    let fix = "let the user see contact roles, or set contact_roles_up_to = 0";
                    return Err(if error.fix.is_none() { error.with_fix(fix) } else { error });
                }
            };
            contacts.extend(listed.data.into_iter().map(|part| part.id.0).filter(|id| is_id(id)).map(RecordId::from));
            match listed.info.next_page_token.filter(|_| listed.info.more_records) {
                Some(next) => token = Some(next),
                None => return Ok(contacts),
            }
        }
        Err(Error::new(ErrorKind::Protocol, attempted, "the pages do not end"))
    }
}
