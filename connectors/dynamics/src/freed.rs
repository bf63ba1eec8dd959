//! Keys of rows that were merged away. Dataverse keeps the loser of a merge as an inactive row with all its values, and its
//! alternate keys go on holding them: the winner is refused the loser's key until the loser's own is empty.

use std::collections::BTreeMap;

use connector::{
    Error, ErrorKind, FieldName, Fields, Hints, Link, Object, Operation, Reason, RecordId, Rejection, Value, Write,
};
use connector_http::Priority;

use crate::odata::{chunks, one_of};
use crate::outgoing::{Row, Sent, Sets, ready};
use crate::parts::{RowAnswer, Writing};
use crate::reject::{COME_BACK, Meaning, NOT_OPTIMISTIC, Refused, meaning, rejection};
use crate::rows::Row as Read;
use crate::schema::Described;
use crate::wanted::Wanted;

/// Bytes and values of a list in one address.
const LIST: usize = 24_000;
const VALUES: usize = 400;

/// What became of a row whose key another row held.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Freed {
    /// Nobody holds it any more.
    Free,
    /// Another record holds it, and is to.
    Taken(Option<RecordId>),
    /// The row that was merged away keeps it: it was not to be written, or changed under the look.
    Kept(Rejection),
    /// Nobody knows yet; nothing of the write itself was applied.
    Later(Error),
}

/// A value of a unique column that a write was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claim {
    /// The row written.
    id: String,
    column: FieldName,
    value: String,
}

/// A row that holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    id: String,
    column: FieldName,
    value: String,
    etag: Option<std::sync::Arc<str>>,
}

/// What is to be done for one write.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Decision {
    /// Empty the keys of these holders, by their places.
    Empty(Vec<usize>),
    Taken(RecordId),
}

impl Writing<'_> {
    /// Finds out who holds the keys that these rows were refused, and empties those of rows that were merged into them.
    ///
    /// # Errors
    /// Dynamics could not be asked; nothing was changed.
    pub async fn free(&self, rows: &[Sent<'_>]) -> Result<Vec<Freed>, Error> {
        let claims: Vec<Vec<Claim>> = rows.iter().map(|sent| claims(self.described, sent)).collect();
        let holders = self.holders(&claims.concat()).await?;
        let mut ids: Vec<String> = holders.iter().map(|holder| holder.id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let went = self.api.gone_on(self.object, self.described, &ids, Priority::Push).await?;
        let decisions: Vec<Decision> = claims.iter().map(|mine| decide(self.object, mine, &holders, &went)).collect();
        let emptied = self.emptied(&decisions, &holders).await;
        Ok(claims
            .iter()
            .zip(decisions)
            .map(|(mine, decision)| match decision {
                // A key of several columns, or one made a moment ago: nobody can say who holds it.
                _ if mine.is_empty() => Freed::Taken(None),
                Decision::Taken(existing) => Freed::Taken(Some(existing)),
                Decision::Empty(places) => {
                    let mut told = places.iter().filter_map(|place| emptied.get(place));
                    told.find(|told| **told != Freed::Free).cloned().unwrap_or(Freed::Free)
                }
            })
            .collect())
    }

    async fn holders(&self, claims: &[Claim]) -> Result<Vec<Holder>, Error> {
        let mut values: BTreeMap<&FieldName, Vec<String>> = BTreeMap::new();
        for claim in claims {
            values.entry(&claim.column).or_default().push(claim.value.clone());
        }
        let mut holders = Vec::new();
        for (column, mut values) in values {
            values.sort_unstable();
            values.dedup();
            let wanted = Wanted::only(self.described, &[column]);
            for some in chunks(&values, LIST, VALUES) {
                let filter = one_of(column, &some);
                let rows = self.api.rows_where(self.described, &wanted, &filter, Priority::Push).await?;
                holders.extend(rows.iter().filter_map(|row| holder(row, &wanted, column)));
            }
        }
        Ok(holders)
    }

    /// Empties the keys of these holders, each tied to the version that was seen.
    async fn emptied(&self, decisions: &[Decision], holders: &[Holder]) -> BTreeMap<usize, Freed> {
        let places = decisions.iter().flat_map(|decision| match decision {
            Decision::Empty(places) => places.as_slice(),
            Decision::Taken(_) => &[],
        });
        let places: std::collections::BTreeSet<usize> = places.copied().collect();
        let writes: Vec<(usize, &Holder, Write)> = places
            .into_iter()
            .filter_map(|place| {
                let holder = holders.get(place)?;
                Some((place, holder, emptying(self.object, holder)))
            })
            .collect();
        let mut sendings = Vec::with_capacity(writes.len());
        for (place, holder, write) in &writes {
            let Ok(mut sent) = ready(&[], self.described, &Sets::new(), *place, write) else { continue };
            if let Row::Id { etag, .. } = &mut sent.row
                && self.described.optimistic
            {
                *etag = holder.etag.clone();
            }
            sendings.push(sent);
        }
        let mut told = BTreeMap::new();
        for some in sendings.chunks_mut(self.api.limits.batch.max(1)) {
            let answers = match &*some {
                [one] => vec![self.alone(one).await],
                several => self.together(several).await,
            };
            for (sent, answer) in some.iter_mut().zip(answers) {
                let answer = self.untied(sent, answer).await;
                told.insert(sent.place, freed(answer));
            }
        }
        told
    }

    /// Once more without a condition that the table turns out not to take.
    async fn untied(&self, sent: &mut Sent<'_>, answer: RowAnswer) -> RowAnswer {
        let (RowAnswer::Refused(refused), Row::Id { etag, .. }) = (&answer, &mut sent.row) else { return answer };
        if !refused.fault.is(NOT_OPTIMISTIC) || etag.take().is_none() {
            return answer;
        }
        self.alone(sent).await
    }
}

/// The unique columns that a write of one row names, and their values.
fn claims(described: &Described, sent: &Sent<'_>) -> Vec<Claim> {
    let Row::Id { id, .. } = &sent.row else { return Vec::new() };
    let claim = |(name, value): (&FieldName, &Value)| {
        let column = described.column(name).filter(|column| column.spec.unique && !column.is_lookup())?;
        let value = crate::odata::listed(&column.spec.kind, value)?;
        Some(Claim { id: id.clone(), column: column.spec.name.clone(), value })
    };
    sent.write.fields.iter().filter_map(claim).collect()
}

fn holder(row: &Read, wanted: &Wanted, column: &str) -> Option<Holder> {
    let value = row.value(wanted, column)?.to_string();
    Some(Holder { id: row.id(wanted)?, column: column.into(), value, etag: row.etag.clone() })
}

/// Whether those who hold what a write claims were merged into the row it writes; `went` says where holders went on.
fn decide(object: &Object, mine: &[Claim], holders: &[Holder], went: &BTreeMap<String, Link>) -> Decision {
    let mut places = Vec::new();
    for claim in mine {
        // Wildcards are alive in a condition, and Dataverse compares texts without their case.
        let holds = |holder: &&(usize, &Holder)| {
            holder.1.column == claim.column
                && holder.1.value.to_lowercase() == claim.value.to_lowercase()
                && holder.1.id != claim.id
        };
        let numbered: Vec<(usize, &Holder)> = holders.iter().enumerate().collect();
        for (place, holder) in numbered.iter().filter(holds) {
            match went.get(&holder.id) {
                Some(into) if into.object == *object && into.id.as_str() == claim.id => places.push(*place),
                Some(into) if into.object == *object => return Decision::Taken(into.id.clone()),
                _ => return Decision::Taken(RecordId::from(holder.id.as_str())),
            }
        }
    }
    Decision::Empty(places)
}

fn emptying(object: &Object, holder: &Holder) -> Write {
    Write {
        key: uuid::Uuid::nil(),
        object: object.clone(),
        operation: Operation::Update { id: RecordId::from(holder.id.as_str()) },
        fields: Fields::from([(&*holder.column, Value::Null)]),
        hints: Hints::default(),
    }
}

fn freed(answer: RowAnswer) -> Freed {
    match answer {
        RowAnswer::Done { .. } => Freed::Free,
        RowAnswer::Refused(refused) => match meaning(&refused, true) {
            // Deleted since: it holds nothing.
            Meaning::Missing => Freed::Free,
            // Changed since it was looked at, or locked: it may be free a little later.
            Meaning::Final(Reason::Conflict) | Meaning::Locked | Meaning::Unexpected | Meaning::Throttled => {
                Freed::Kept(kept(Reason::Locked { retry_after: Some(COME_BACK) }, &refused))
            }
            Meaning::Final(reason) => Freed::Kept(kept(reason, &refused)),
        },
        RowAnswer::Lost(mut error) | RowAnswer::NotSent(mut error) => {
            // Emptying twice does no harm, and the write that waits for it has not been sent again.
            error.maybe_applied = false;
            Freed::Later(error)
        }
        RowAnswer::Untouched => {
            let cause = "the batch it stood in was refused as a whole";
            Freed::Later(Error::new(ErrorKind::Transient, "empty the key of a merged row", cause))
        }
    }
}

fn kept(reason: Reason, refused: &Refused) -> Rejection {
    let told = rejection(reason, refused, &[]);
    let message = format!("a row that was merged into it holds its key and could not be emptied: {}", told.message);
    Rejection { message: message.into(), ..told }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(id: &str, value: &str) -> Holder {
        Holder { id: id.into(), column: "k".into(), value: value.into(), etag: None }
    }

    fn claim(id: &str, value: &str) -> Claim {
        Claim { id: id.into(), column: "k".into(), value: value.into() }
    }

    fn into(id: &str) -> Link {
        Link { object: Object::Contact, id: id.into() }
    }

    #[test]
    fn only_a_row_that_was_merged_into_the_one_written_gives_its_key_up() {
        let held = [holder("loser", "P-1"), holder("own", "p-2"), holder("live", "p-3"), holder("other", "p-4")];
        let went = BTreeMap::from([("loser".to_owned(), into("own")), ("other".to_owned(), into("third"))]);
        let decide = |value| decide(&Object::Contact, &[claim("own", value)], &held, &went);
        assert_eq!(decide("p-1"), Decision::Empty(vec![0]));
        assert_eq!(decide("p-2"), Decision::Empty(vec![]), "its own value is nobody else's");
        assert_eq!(decide("p-3"), Decision::Taken("live".into()));
        assert_eq!(decide("p-4"), Decision::Taken("third".into()), "the one to look at is the one that lives");
        assert_eq!(decide("p-5"), Decision::Empty(vec![]), "whoever held it does not any more");
    }

    #[test]
    fn a_lead_that_became_a_contact_keeps_its_key() {
        let went = BTreeMap::from([("loser".to_owned(), into("own"))]);
        let decision = decide(&Object::Lead, &[claim("own", "p-1")], &[holder("loser", "p-1")], &went);
        assert_eq!(decision, Decision::Taken("loser".into()));
    }
}
