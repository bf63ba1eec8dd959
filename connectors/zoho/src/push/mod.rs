//! Writing: each lane's rows go in calls of a hundred or, where they are many, as a bulk job; each write has its own
//! outcome (promise 5).

mod beside;
mod calls;
mod delivery;
mod erase;
mod guard;
mod outgoing;
mod reject;
pub(crate) mod tags;

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Error, ErrorKind, ExternalKey, Object, Operation, Outcome, Reason, Write};

pub(crate) use self::beside::{LONGEST_NOTE, can as can_have_notes};
pub(crate) use self::calls::RowAnswer;
pub(crate) use self::outgoing::{Lane, Sent};

use self::delivery::Delivery;
use self::outgoing::{Lanes, is_known, ready, refused, waves};
use crate::api::Api;
use crate::bulk_write;
use crate::config::Limits;
use crate::paths::module_of;
use crate::schema::Described;

/// One outcome per write in the order given, or an `Err` that says that nothing was applied.
pub(crate) async fn push(api: &Api, creatable: &[ExternalKey], writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    bulk_write::settle_pending(api).await?;
    if beside::are_beside(writes) {
        return beside::push(api, writes).await;
    }
    if tags::are_places(writes) {
        return tags::push(api, writes).await;
    }
    if writes.iter().any(|write| write.operation.is_erasure()) {
        return erase::push(api, writes).await;
    }
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let modules = describe(api, writes).await?;
    let rule = match writes.iter().any(is_assigned) {
        true => api.rule("Leads").await?,
        false => None,
    };
    let mut lanes = Lanes::new();
    for (place, write) in writes.iter().enumerate() {
        let Some((module, described)) = modules.get(&write.object) else {
            let message = "the connector does not write this object";
            let rejection = refused(Reason::Unsupported, "UNSUPPORTED", message, None);
            outcomes.insert(place, Outcome::Rejected(rejection));
            continue;
        };
        let seen = |id: &str| api.seen.take(module, id, api.clock.now());
        let rule = rule.as_ref().filter(|_| is_assigned(write));
        match ready(creatable, module, described, write, rule, seen) {
            Ok((lane, key, seen)) => {
                let fields = std::borrow::Cow::Borrowed(&write.fields);
                lanes.entry(lane).or_default().push(Sent { place, key, seen, fields });
            }
            Err(rejection) => drop(outcomes.insert(place, Outcome::Rejected(rejection))),
        }
    }
    let mut delivery = Delivery::new(api, outcomes);
    for (lane, sent) in lanes {
        if let Some((_, described)) = modules.get(&lane.object) {
            for wave in waves(sent) {
                delivery.run(&lane, described, wave).await;
            }
        }
    }
    let (outcomes, stopped) = delivery.finish();
    let nothing_sent = outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
    match stopped {
        Some(error) if nothing_sent => Err(error),
        _ => Ok(in_order(writes.len(), outcomes)),
    }
}

/// Whether the organisation's own rules choose the owner of what this write creates.
fn is_assigned(write: &Write) -> bool {
    let creates = matches!(write.operation, Operation::Create | Operation::Upsert { .. });
    creates && write.hints.crm_assigns && write.object == Object::Lead
}

/// The modules of the writes as Zoho describes them; anew where a write names what is not known.
async fn describe(api: &Api, writes: &[Write]) -> Result<BTreeMap<Object, (String, Arc<Described>)>, Error> {
    let mut modules = BTreeMap::new();
    for write in writes {
        if modules.contains_key(&write.object) || write.object == Object::User {
            continue;
        }
        let Ok(module) = module_of(&write.object) else { continue };
        let mut described = api.described(module).await?;
        let same = writes.iter().filter(|other| other.object == write.object);
        if !api.is_freshly_described(module) && !same.into_iter().all(|write| is_known(&described, write)) {
            described = api.describe_again(module).await?;
        }
        modules.insert(write.object.clone(), (module.to_owned(), described));
    }
    Ok(modules)
}

fn in_order(writes: usize, mut outcomes: BTreeMap<usize, Outcome>) -> Vec<Outcome> {
    let silent = || {
        let cause = "no answer mentions it";
        Outcome::Ambiguous(Error::new(ErrorKind::Protocol, "write a record", cause).maybe_applied())
    };
    (0..writes).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect()
}

/// Calls needed to write so many rows of one kind, for the plan's forecast.
pub(crate) fn forecast(rows: usize, limits: &Limits) -> usize {
    if rows > limits.bulk_write_above { bulk_write::CALLS } else { rows.div_ceil(calls::MOST_ROWS) }
}
