//! Where records went on: the winner of a merge, the contact a qualified lead became. Dataverse keeps the losers as inactive
//! rows, and takes writes to them like to any other.

use std::collections::{BTreeMap, BTreeSet};

use connector::{Error, Link, Object, RecordId};
use connector_http::Priority;

use crate::api::{Api, get};
use crate::convert::{is_qualified, master};
use crate::odata::{any_equal, chunks, one_of, path};
use crate::rows::{Row, Rows};
use crate::schema::Described;
use crate::tables::{QUALIFIED, merges};
use crate::wanted::Wanted;

/// Ids in one question: with their quotes they stay well below the longest address.
const IDS: usize = 400;
/// Conditions in one question that names each id by itself.
const EACH: usize = 100;
/// Bytes of the list in one address.
const LIST: usize = 24_000;
/// A winner may have been merged away itself; this often at most.
const GENERATIONS: usize = 8;

impl Api {
    /// The contacts that these qualified leads went on as; a lead of which nothing is told is left out.
    pub async fn contacts_of_leads(
        &self,
        leads: &BTreeSet<String>,
        priority: Priority,
    ) -> Result<BTreeMap<String, String>, Error> {
        if leads.is_empty() {
            return Ok(BTreeMap::new());
        }
        let contact = self.described("contact").await?;
        let wanted = Wanted::only(&contact, &["originatingleadid"]);
        let Some(column) = contact.column("originatingleadid").map(|column| column.wire()) else {
            return Ok(BTreeMap::new());
        };
        let leads: Vec<String> = leads.iter().cloned().collect();
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for some in chunks(&leads, LIST, EACH) {
            for row in self.rows_where(&contact, &wanted, &any_equal(&column, &some), priority).await? {
                let lead = row.text(&wanted, "originatingleadid").map(|id| id.to_ascii_lowercase());
                if let (Some(lead), Some(id)) = (lead, row.id(&wanted)) {
                    // Of several, always the same one.
                    let kept = found.entry(lead).or_insert_with(|| id.clone());
                    if id < *kept {
                        *kept = id;
                    }
                }
            }
        }
        Ok(found)
    }

    /// The contacts of the qualified leads among these rows: those that name the lead, else the one that the lead names.
    pub async fn contacts_of_rows(
        &self,
        object: &Object,
        wanted: &Wanted,
        rows: &[Row],
        priority: Priority,
    ) -> Result<BTreeMap<String, String>, Error> {
        let qualified: Vec<&Row> = rows.iter().filter(|row| is_qualified(row, wanted, object)).collect();
        let leads: BTreeSet<String> = qualified.iter().filter_map(|row| row.id(wanted)).collect();
        let mut contacts = self.contacts_of_leads(&leads, priority).await?;
        for row in qualified {
            if let Some((lead, contact)) = row.id(wanted).zip(row.text(wanted, "parentcontactid")) {
                contacts.entry(lead).or_insert_with(|| contact.to_ascii_lowercase());
            }
        }
        Ok(contacts)
    }

    /// Of these records those that go on as another one, each with the last of the chain.
    pub async fn gone_on(
        &self,
        object: &Object,
        described: &Described,
        ids: &[String],
        priority: Priority,
    ) -> Result<BTreeMap<String, Link>, Error> {
        if !merges(&described.table) || !described.has("merged") || !described.has("masterid") {
            return Ok(BTreeMap::new());
        }
        let wanted = Wanted::only(described, &["merged", "masterid", "statecode", "parentcontactid"]);
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut ask: BTreeSet<String> = ids.iter().cloned().collect();
        for _ in 0..GENERATIONS {
            let asked: Vec<String> = std::mem::take(&mut ask).into_iter().collect();
            for some in chunks(&asked, LIST, IDS) {
                let filter = format!("{} and {}", one_of(&described.key, &some), ended(object));
                for row in self.rows_where(described, &wanted, &filter, priority).await? {
                    let Some(id) = row.id(&wanted) else { continue };
                    ask.extend(master(&row, &wanted));
                    rows.insert(id, row);
                }
            }
            ask.retain(|id| !rows.contains_key(id));
            if ask.is_empty() {
                break;
            }
        }
        let told: Vec<Row> = rows.values().cloned().collect();
        let contacts = self.contacts_of_rows(object, &wanted, &told, priority).await?;
        let masters: BTreeMap<String, String> =
            rows.iter().filter_map(|(id, row)| Some((id.clone(), master(row, &wanted)?))).collect();
        let went = |id: &String| Some((id.clone(), went_on(object, id, &masters, &contacts)?));
        Ok(ids.iter().filter_map(went).collect())
    }

    /// Every row of a table that meets a condition, from the primary store.
    pub async fn rows_where(
        &self,
        described: &Described,
        wanted: &Wanted,
        filter: &str,
        priority: Priority,
    ) -> Result<Vec<Row>, Error> {
        let attempted = format!("look up {} rows", described.table);
        let mut next = Some(path(&described.set, &[("$select", &wanted.select()), ("$filter", filter)]));
        let mut rows = Vec::new();
        while let Some(path) = next.take() {
            let call = self.page_call(get(&attempted, path), wanted, false).with_priority(priority);
            let page = self.ask(&call, |answer| Rows::decode(answer, wanted)).await?;
            rows.extend(page.rows);
            next = page.next.map(|link| self.follow(&attempted, &link)).transpose()?;
        }
        Ok(rows)
    }
}

/// What rows that go on as others have in common.
pub(crate) fn ended(object: &Object) -> String {
    match object {
        Object::Lead => format!("(merged eq true or statecode eq {QUALIFIED})"),
        _ => "merged eq true".to_owned(),
    }
}

/// Follows a record through its merges and its conversion; `None` where it is still itself. Pure.
fn went_on(
    object: &Object,
    id: &str,
    masters: &BTreeMap<String, String>,
    contacts: &BTreeMap<String, String>,
) -> Option<Link> {
    let mut at = id;
    for _ in 0..GENERATIONS {
        match masters.get(at) {
            Some(master) => at = master,
            None => break,
        }
    }
    if let Some(contact) = contacts.get(at) {
        return Some(Link { object: Object::Contact, id: RecordId::from(contact.as_str()) });
    }
    (at != id).then(|| Link { object: object.clone(), id: RecordId::from(at) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_followed_to_where_it_went() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect()
        };
        let go = |id, masters: &[(&str, &str)], contacts: &[(&str, &str)]| {
            went_on(&Object::Lead, id, &map(masters), &map(contacts))
                .map(|link| (link.object, link.id.as_str().to_owned()))
        };
        assert_eq!(go("a", &[], &[]), None);
        assert_eq!(go("a", &[("a", "b"), ("b", "c")], &[]), Some((Object::Lead, "c".into())));
        assert_eq!(go("a", &[("a", "b")], &[("b", "x")]), Some((Object::Contact, "x".into())));
        assert_eq!(go("a", &[], &[("a", "x")]), Some((Object::Contact, "x".into())));
        // Merges in a circle end.
        assert!(go("a", &[("a", "b"), ("b", "a")], &[]).is_none_or(|(_, id)| id == "b" || id == "a"));
    }
}
