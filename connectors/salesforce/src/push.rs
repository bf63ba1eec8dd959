//! Writing: each lane's rows go the way their number asks for, and what is refused for the moment goes again.

use std::collections::BTreeMap;

use connector::{Error, ErrorKind, ExternalKey, Outcome, Timestamp, Write};

use crate::api::Api;
use crate::delivery::Delivery;
use crate::ingest;
use crate::outgoing::{sort, waves};

/// Promise 5: one outcome per write in the order given, or an `Err` that says that nothing was applied.
pub(crate) async fn push(api: &Api, creatable: &[ExternalKey], writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    if writes.is_empty() {
        return Ok(Vec::new());
    }
    ingest::settle_pending(api).await?;
    let (lanes, refusals) = sort(creatable, writes);
    let outcomes: BTreeMap<usize, Outcome> =
        refusals.into_iter().map(|(place, rejection)| (place, Outcome::Rejected(rejection))).collect();
    let mut delivery = Delivery::new(api, outcomes, deadline(api));
    for (lane, sent) in lanes {
        for wave in waves(sent) {
            delivery.run(&lane, wave).await;
        }
    }
    let (outcomes, stopped) = delivery.finish();
    let nothing_sent = outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
    match stopped {
        Some(error) if nothing_sent => Err(error),
        _ => Ok(in_order(writes.len(), outcomes)),
    }
}

pub(crate) fn deadline(api: &Api) -> Timestamp {
    api.clock.now().saturating_add(api.limits.longest_push)
}

pub(crate) fn in_order(writes: usize, mut outcomes: BTreeMap<usize, Outcome>) -> Vec<Outcome> {
    let silent = || {
        let cause = "no answer mentions it";
        Outcome::Ambiguous(Error::new(ErrorKind::Protocol, "write a record", cause).maybe_applied())
    };
    (0..writes).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect()
}
