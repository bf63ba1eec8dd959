//! Whose a unique value is, asked before an upsert: where the field it names finds nobody, Zoho goes on to every other
//! unique field of the module and would write into whatever record it finds there.

use connector::{Error, FieldKind, Outcome, Reason, RecordId};

use super::outgoing::{How, Lane, Sent, refused};
use crate::api::Api;
use crate::coql::literal;
use crate::schema::Described;
use crate::values::key_text;
use crate::wanted::Wanted;

/// A unique value somebody holds: `field=value`, the key of the record that holds it, and its id.
pub(super) type Held = (String, String, RecordId);

/// Who holds the other unique values of these rows.
pub(super) async fn strangers(
    api: &Api,
    lane: &Lane,
    described: &Described,
    rows: &[Sent<'_>],
) -> Result<Vec<Held>, Error> {
    let How::ByKey { field: key } = &lane.how else { return Ok(Vec::new()) };
    let mut held = Vec::new();
    for field in described.fields().filter(|field| field.spec.unique && field.keys_upserts && field.spec.name != *key) {
        let name = &field.spec.name;
        let mut literals: Vec<String> =
            rows.iter().filter_map(|sent| literal(&field.spec.kind, value_of(sent, described, name)?)).collect();
        literals.sort();
        literals.dedup();
        if literals.is_empty() {
            continue;
        }
        let wanted = Wanted::only(&[key, name], described);
        let attempted = format!("look who holds the {name} of new records");
        for row in api.rows_where(&attempted, &lane.module, name, &literals, &wanted).await? {
            let (theirs, value) = (row.cell(&wanted, key), row.cell(&wanted, name));
            if let Some(value) = value.and_then(key_text) {
                // The very record that the key names is no stranger.
                let of = theirs.and_then(key_text).unwrap_or_default();
                held.push((format!("{name}={}", value.to_lowercase()), of, row.id));
            }
        }
    }
    Ok(held)
}

/// Parts the rows whose other unique values are somebody else's from the rest.
pub(super) fn keep_out<'a>(
    lane: &Lane,
    described: &Described,
    rows: Vec<Sent<'a>>,
    held: &[Held],
) -> (Vec<Sent<'a>>, Vec<(usize, Outcome)>) {
    if held.is_empty() || lane.is_by_id() {
        return (rows, Vec::new());
    }
    let (mut free, mut settled) = (Vec::new(), Vec::new());
    for sent in rows {
        match stranger(&sent, described, held) {
            None => free.push(sent),
            Some((name, id)) => {
                let named =
                    sent.fields.names().find(|have| described.spelt(have).is_some_and(|spelt| **spelt == *name));
                let reason = Reason::Duplicate { existing: Some(id) };
                let message = "another record holds this unique value";
                settled.push((sent.place, Outcome::Rejected(refused(reason, "DUPLICATE_DATA", message, named))));
            }
        }
    }
    (free, settled)
}

fn value_of<'s>(sent: &'s Sent<'_>, described: &Described, name: &str) -> Option<&'s connector::Value> {
    let is = |(have, _): &(&connector::FieldName, _)| described.spelt(have).is_some_and(|spelt| **spelt == *name);
    sent.fields.iter().find(is).map(|(_, value)| value)
}

/// The record that holds one of the row's unique values and is not the row's own.
fn stranger(sent: &Sent<'_>, described: &Described, held: &[Held]) -> Option<(String, RecordId)> {
    held.iter().find_map(|(holding, key, id)| {
        let (name, value) = holding.split_once('=')?;
        let mine = key_text(value_of(sent, described, name)?)?;
        let text = !matches!(described.field(name)?.spec.kind, FieldKind::Integer | FieldKind::Decimal { .. });
        let same = if text { mine.to_lowercase() == value } else { mine == value };
        (same && !key.eq_ignore_ascii_case(&sent.key)).then(|| (name.to_owned(), id.clone()))
    })
}
