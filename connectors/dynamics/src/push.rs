//! Writing: what cannot be written is refused at once, what went on as another record is told so, the rest is delivered.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::{Error, ErrorKind, ExternalKey, Object, Outcome, Reason, Write};
use connector_http::Priority;

use crate::api::Api;
use crate::beside;
use crate::config::WriteMode;
use crate::delivery::Delivery;
use crate::held;
use crate::outgoing::{Row, Sent, Sets, pointed_to, ready};
use crate::route::{Route, route};
use crate::schema::Described;
use crate::tables::table_of;
use crate::values::refused;

/// Promise 5: one outcome per write in the order given, or an `Err` that says that nothing was applied.
pub(crate) async fn push(api: &Api, creatable: &[ExternalKey], writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    if beside::is_beside(writes) {
        return beside::push(api, writes).await;
    }
    let mut objects: Vec<(&Object, Vec<usize>)> = Vec::new();
    for (place, write) in writes.iter().enumerate() {
        match objects.iter_mut().find(|(object, _)| **object == write.object) {
            Some((_, places)) => places.push(place),
            None => objects.push((&write.object, vec![place])),
        }
    }
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut stopped: Option<Error> = None;
    for (object, places) in objects {
        let result = match &stopped {
            Some(error) => Err(error.clone()),
            None => of_object(api, creatable, object, writes, &places).await,
        };
        match result {
            Ok((told, stop)) => {
                outcomes.extend(told);
                stopped = stopped.or(stop);
            }
            Err(error) => {
                outcomes.extend(places.into_iter().map(|place| (place, Outcome::Deferred(error.clone()))));
                stopped = Some(error);
            }
        }
    }
    let nothing_sent = outcomes.values().all(|outcome| matches!(outcome, Outcome::Deferred(_)));
    match stopped {
        Some(error) if nothing_sent => Err(error),
        _ => Ok(in_order(writes.len(), outcomes)),
    }
}

type Told = (BTreeMap<usize, Outcome>, Option<Error>);

async fn of_object(
    api: &Api,
    creatable: &[ExternalKey],
    object: &Object,
    writes: &[Write],
    places: &[usize],
) -> Result<Told, Error> {
    let mine: Vec<(usize, &Write)> = places.iter().filter_map(|place| Some((*place, writes.get(*place)?))).collect();
    let described = known(api, object, &mine).await?;
    let has_bulk = match api.write_mode {
        WriteMode::Auto | WriteMode::Bulk => api.has_bulk(&described),
        WriteMode::Batch | WriteMode::Single => false,
    };
    let sets = sets(api, &described, &mine).await?;
    let mut delivery = Delivery::new(api, &described, object);
    let mut sent = Vec::with_capacity(mine.len());
    for (place, write) in mine {
        match ready(creatable, &described, &sets, place, write) {
            Ok(one) => sent.push(one),
            Err(rejection) => drop(delivery.outcomes.insert(place, Outcome::Rejected(rejection))),
        }
    }
    let (updates, keyed): (Vec<_>, Vec<_>) = sent.into_iter().partition(|one| matches!(one.row, Row::Id { .. }));
    let updates = still_themselves(api, object, &described, updates, &mut delivery.outcomes).await?;
    let (tied, free) = tie(api, updates);
    let way = route(api.write_mode, free.len(), has_bulk);
    delivery.give(free, way);
    let (new, keyed): (Vec<_>, Vec<_>) = keyed.into_iter().partition(|one| one.row == Row::New);
    let keyed = held::alive(api, object, &described, keyed, &mut delivery.outcomes).await?;
    for rows in [tied, keyed] {
        // A bulk call has no condition of a row's own.
        let way = route(api.write_mode, rows.len(), false);
        delivery.give(rows, way);
    }
    delivery.give(new, Route::Single);
    delivery.run().await;
    Ok((delivery.outcomes, delivery.stopped))
}

/// The table with every column the writes name, as far as it has them.
async fn known(api: &Api, object: &Object, mine: &[(usize, &Write)]) -> Result<Arc<Described>, Error> {
    let table = table_of(object)?;
    let described = api.described(table).await?;
    let mut names = mine.iter().flat_map(|(_, write)| write.fields.names());
    let is_missing = names.any(|name| described.column(name).is_none());
    if is_missing && !api.is_freshly_described(table) { api.describe_again(table).await } else { Ok(described) }
}

/// The entity sets of the tables that look-ups point to; a table that is not there is left out.
async fn sets(api: &Api, described: &Described, mine: &[(usize, &Write)]) -> Result<Sets, Error> {
    let writes: Vec<&Write> = mine.iter().map(|(_, write)| *write).collect();
    let mut sets = Sets::new();
    for table in pointed_to(described, &writes) {
        match api.described(&table).await {
            Ok(target) => drop(sets.insert(table, target.set.clone())),
            Err(error) if error.kind == ErrorKind::Config => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sets)
}

/// Those that have not gone on as others; the others are told where they went.
async fn still_themselves<'a>(
    api: &Api,
    object: &Object,
    described: &Described,
    updates: Vec<Sent<'a>>,
    outcomes: &mut BTreeMap<usize, Outcome>,
) -> Result<Vec<Sent<'a>>, Error> {
    let ids: Vec<String> = updates.iter().filter_map(|sent| Some(sent.id()?.as_str().to_owned())).collect();
    if ids.is_empty() {
        return Ok(updates);
    }
    let mut went = match api.gone_on(object, described, &ids, Priority::Push).await {
        Ok(went) => went,
        // Nobody knows. A write to a row that lives on in another one harms nobody, and the next pull tells.
        Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Protocol) => BTreeMap::new(),
        Err(error) => return Err(error),
    };
    let mut left = Vec::with_capacity(updates.len());
    for sent in updates {
        match sent.id().and_then(|id| went.remove(id.as_str())) {
            Some(into) => {
                let message = "the record goes on as another one";
                let rejection = refused(Reason::Merged { into: Some(into) }, "GONE_ON", message, "");
                outcomes.insert(sent.place, Outcome::Rejected(rejection));
            }
            None => left.push(sent),
        }
    }
    Ok(left)
}

/// Ties what was looked at a moment ago to the version that was seen.
fn tie<'a>(api: &Api, updates: Vec<Sent<'a>>) -> (Vec<Sent<'a>>, Vec<Sent<'a>>) {
    let now = api.clock.now();
    let tied = |mut sent: Sent<'a>| {
        if let Row::Id { id, etag } = &mut sent.row {
            *etag = api.versions.take(id, now, api.limits.read_holds);
        }
        sent
    };
    updates.into_iter().map(tied).partition(|sent| matches!(sent.row, Row::Id { etag: Some(_), .. }))
}

/// One outcome for each write; one that no answer mentions is nobody's to guess.
pub(crate) fn in_order(writes: usize, mut outcomes: BTreeMap<usize, Outcome>) -> Vec<Outcome> {
    let silent = || {
        let cause = "no answer mentions it";
        Outcome::Ambiguous(Error::new(ErrorKind::Protocol, "write a record", cause).maybe_applied())
    };
    (0..writes).map(|place| outcomes.remove(&place).unwrap_or_else(silent)).collect()
}
