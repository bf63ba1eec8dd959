//! Reading: pages of the three streams, and records by key.

use connector::{
    Error, ErrorKind, FieldName, Object, Page, PullRequest, ReadKey, ReadRequest, Record, RecordId, Result, Stream,
    Timestamp, Tombstone,
};

use super::cursor::Place;
use super::state::{Held, State};

/// The first window of the log of deletions starts before all time.
const BEFORE_ALL: Timestamp = Timestamp::from_micros(i64::MIN);

/// One page at server time `now`.
pub(super) fn page(state: &State, request: &PullRequest, now: Timestamp) -> Result<Page> {
    let object = request.stream.object();
    let place = request.cursor.as_ref().map(Place::parse).transpose()?;
    match &request.stream {
        Stream::Records(_) => records(state, object, request, place, now),
        Stream::Deletions(_) => deletions(state, object, request, place, now),
        Stream::Associations(_) => associations(state, object, request, place),
    }
}

fn records(state: &State, object: &Object, ask: &PullRequest, place: Option<Place>, now: Timestamp) -> Result<Page> {
    let place = place.unwrap_or(Place::Full { started: now, after: None });
    let wanted =
        |held: &Held| is_converted(held, object) || (held.deleted_at.is_none() && !closed_before(held, ask.since));
    if let Place::Full { started, after } = place {
        let too_old =
            |held: &Held| *object == Object::Activity && ask.since.is_some_and(|since| held.modified_at < since);
        let live =
            state.all(object).filter(|(id, held)| after.as_ref().is_none_or(|after| *id > after) && !too_old(held));
        let (rows, more) = cut(live.filter(|(_, held)| wanted(held)), state.page_size);
        let resume = match rows.last() {
            Some((id, _)) if more => Place::Full { started, after: Some((*id).clone()) },
            _ => Place::Since { low: started },
        };
        return Ok(answer(state, object, ask, &rows, &resume, more, !more));
    }
    let high = now.saturating_sub(state.visibility_lag);
    let (low, high, after) = window(place, high)?;
    let mut rows: Vec<(&RecordId, &Held)> = state
        .all(object)
        .filter(|(_, held)| wanted(held) && held.visible_at <= now)
        .filter(|(id, held)| inside(held.modified_at, id, low, high, after.as_ref()))
        .collect();
    rows.sort_by_key(|(id, held)| (held.modified_at, *id));
    let (rows, more) = cut(rows.into_iter(), state.page_size);
    let resume = match rows.last() {
        Some((id, held)) if more => Place::Window { low, high, after: (held.modified_at, (*id).clone()) },
        _ => Place::Since { low: high.max(low) },
    };
    Ok(answer(state, object, ask, &rows, &resume, more, false))
}

fn deletions(state: &State, object: &Object, ask: &PullRequest, place: Option<Place>, now: Timestamp) -> Result<Page> {
    let (low, high, after) = window(place.unwrap_or(Place::Since { low: BEFORE_ALL }), now)?;
    let mut gone: Vec<(Timestamp, &RecordId, &Held)> = state
        .all(object)
        .filter(|(_, held)| !is_converted(held, object))
        .filter_map(|(id, held)| Some((held.deleted_at?, id, held)))
        .filter(|(at, id, _)| inside(*at, id, low, high, after.as_ref()))
        .collect();
    gone.sort_by_key(|(at, id, _)| (*at, *id));
    let (gone, more) = cut(gone.into_iter(), state.page_size);
    let resume = match gone.last() {
        Some((at, id, _)) if more => Place::Window { low, high, after: (*at, (*id).clone()) },
        _ => Place::Since { low: high.max(low) },
    };
    let mut page = answer(state, object, ask, &[], &resume, more, !more && low == BEFORE_ALL);
    page.tombstones = gone.into_iter().map(|(_, id, held)| tombstone(state, object, id, held)).collect();
    Ok(page)
}

fn tombstone(state: &State, object: &Object, id: &RecordId, held: &Held) -> Tombstone {
    let merged_into = held.merged_into.as_ref().map(|_| state.survivor(object, id));
    Tombstone { id: id.clone(), deleted_at: held.deleted_at, merged_into }
}

/// Whether it goes on as a record of another object. Such an end is a change of the record and is told among the changes.
fn is_converted(held: &Held, object: &Object) -> bool {
    held.merged_into.as_ref().is_some_and(|into| into.object != *object)
}

fn associations(state: &State, object: &Object, ask: &PullRequest, place: Option<Place>) -> Result<Page> {
    let after = match place {
        None => None,
        Some(Place::Sweep { after }) => after,
        Some(_) => return Err(foreign_cursor()),
    };
    let live = state
        .all(object)
        .filter(|(id, held)| held.deleted_at.is_none() && after.as_ref().is_none_or(|after| *id > after));
    let (rows, more) = cut(live, state.page_size);
    let resume = Place::Sweep { after: rows.last().filter(|_| more).map(|(id, _)| (*id).clone()) };
    let ask = PullRequest { fields: Vec::new(), ..ask.clone() };
    let mut page = answer(state, object, &ask, &rows, &resume, more, !more);
    for (record, (_, held)) in page.records.iter_mut().zip(&rows) {
        let wanted = |link: &&connector::Link| ask.links.is_empty() || ask.links.contains(&link.object);
        record.links = Some(held.links.iter().filter(wanted).cloned().collect());
    }
    Ok(page)
}

/// Records by key, each once.
pub(super) fn by_key(state: &State, request: &ReadRequest) -> Result<Vec<Record>> {
    let object = &request.object;
    let mut ids: Vec<RecordId> = match &request.by {
        // What was converted is no record of this object any more.
        ReadKey::Ids(ids) => {
            let now = ids.iter().map(|id| state.survivor(object, id));
            now.filter(|survivor| survivor.object == *object).map(|survivor| survivor.id).collect()
        }
        ReadKey::Unique { field, values } => {
            let spec = state.schemas.get(object).and_then(|schema| schema.fields.get(field));
            if !spec.is_some_and(|spec| spec.unique) {
                let cause = format!("{object} has no unique field {field}");
                return Err(Error::new(ErrorKind::Config, "read records", cause));
            }
            values.iter().flat_map(|value| state.holders(object, field, value)).collect()
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    ids.retain(|id| seen.insert(id.clone()));
    Ok(ids
        .iter()
        .filter_map(|id| state.live(object, id).map(|held| state.answer(object, id, held, &request.fields, None)))
        .collect())
}

fn answer(
    state: &State,
    object: &Object,
    ask: &PullRequest,
    rows: &[(&RecordId, &Held)],
    resume: &Place,
    more: bool,
    full_load_done: bool,
) -> Page {
    let links = (!ask.links.is_empty()).then_some(ask.links.as_slice());
    let known = |name: &&FieldName| state.schemas.get(object).is_some_and(|schema| schema.fields.contains_key(*name));
    Page {
        records: rows
            .iter()
            .filter(|(_, held)| held.deleted_at.is_none())
            .map(|(id, held)| state.answer(object, id, held, &ask.fields, links))
            .collect(),
        tombstones: rows
            .iter()
            .filter(|(_, held)| is_converted(held, object))
            .map(|(id, held)| tombstone(state, object, id, held))
            .collect(),
        resume: resume.cursor(),
        more,
        full_load_done,
        undefined: ask.fields.iter().filter(|name| !known(name)).cloned().collect(),
    }
}

/// The window to walk, and behind which change of it.
type Span = (Timestamp, Timestamp, Option<(Timestamp, RecordId)>);

fn window(place: Place, now: Timestamp) -> Result<Span> {
    match place {
        Place::Since { low } => Ok((low, now, None)),
        Place::Window { low, high, after } => Ok((low, high, Some(after))),
        Place::Full { .. } | Place::Sweep { .. } => Err(foreign_cursor()),
    }
}

fn foreign_cursor() -> Error {
    Error::new(ErrorKind::Config, "read a page", "the cursor belongs to another stream").with_fix("start a full load")
}

fn inside(
    stamp: Timestamp,
    id: &RecordId,
    low: Timestamp,
    high: Timestamp,
    after: Option<&(Timestamp, RecordId)>,
) -> bool {
    low <= stamp && stamp <= high && after.is_none_or(|(at, last)| (stamp, id) > (*at, last))
}

fn closed_before(held: &Held, since: Option<Timestamp>) -> bool {
    match (held.fields.get("closed_at"), since) {
        (Some(connector::Value::Instant(at)), Some(since)) => *at < since,
        _ => false,
    }
}

fn cut<T>(rows: impl Iterator<Item = T>, size: usize) -> (Vec<T>, bool) {
    let mut rows: Vec<T> = rows.take(size + 1).collect();
    let more = rows.len() > size;
    rows.truncate(size);
    (rows, more)
}
