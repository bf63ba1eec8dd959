//! Which properties are asked for: those the caller wants, and those the connector needs for itself (merged ids, what
//! makes a deal won).

use std::sync::Arc;

use connector::{FieldName, Object};

/// Ids merged into a record, `;`-separated.
pub(crate) const MERGED_IDS: &str = "hs_merged_object_ids";
/// The older form on contacts: `id:when;…`.
pub(crate) const MERGED_VIDS: &str = "hs_calculated_merged_vids";

/// A contact's secondary addresses, `;`-separated: taken like the primary one, and kept by merges.
pub(crate) const OTHER_EMAILS: &str = "hs_additional_emails";

/// A contact's primary company, by its id.
pub(crate) const COMPANY_ID: &str = "associatedcompanyid";

const DEAL_NEEDS: &[&str] = &[
    "amount",
    "closedate",
    "deal_currency_code",
    "dealname",
    "dealstage",
    "hs_is_closed",
    "hs_is_closed_won",
    "hubspot_owner_id",
    "pipeline",
];

/// One property to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub name: FieldName,
    /// Whether the caller asked for it: only those become fields of the record.
    pub public: bool,
    /// Whether the connector reads it for itself.
    pub inner: bool,
}

/// The properties of one request, sorted by name.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    properties: Arc<[Property]>,
}

impl Wanted {
    /// `stages` are the ids of closed deal stages, whose entry dates are asked for.
    pub fn new(object: &Object, fields: &[FieldName], stages: &[Arc<str>]) -> Self {
        let mut properties: Vec<Property> =
            fields.iter().map(|name| Property { name: name.clone(), public: true, inner: false }).collect();
        let mut need = |name: &str| properties.push(Property { name: name.into(), public: false, inner: true });
        need(MERGED_IDS);
        match object {
            Object::Contact => [MERGED_VIDS, OTHER_EMAILS, COMPANY_ID].into_iter().for_each(&mut need),
            Object::Deal => {
                DEAL_NEEDS.iter().copied().for_each(&mut need);
                stages.iter().for_each(|stage| need(&date_entered(stage)));
            }
            other => crate::activities::needs(other).iter().copied().for_each(&mut need),
        }
        Self::sorted(properties)
    }

    fn sorted(mut properties: Vec<Property>) -> Self {
        properties.sort_by(|a, b| a.name.cmp(&b.name).then(b.public.cmp(&a.public)));
        properties.dedup_by(|later, first| {
            let same = later.name == first.name;
            if same {
                first.public |= later.public;
                first.inner |= later.inner;
            }
            same
        });
        Self { properties: properties.into() }
    }

    /// What the answer to a batch of writes is read for: the written fields, and the key it is matched by.
    pub fn answer<'a>(written: impl Iterator<Item = &'a FieldName>, key: Option<&str>) -> Self {
        let mut properties: Vec<Property> =
            written.map(|name| Property { name: name.clone(), public: true, inner: false }).collect();
        properties.extend(key.map(|key| Property { name: key.into(), public: false, inner: true }));
        Self::sorted(properties)
    }

    /// Only ids: what a sweep of deletions or associations needs.
    pub fn nothing() -> Self {
        Self { properties: Arc::new([]) }
    }

    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.iter().map(|property| &*property.name)
    }

    /// Characters the names take in a comma-separated list.
    pub fn list_length(&self) -> usize {
        self.names().map(|name| name.len() + 1).sum()
    }

    /// The place of a property. Answers come sorted like requests, so the one after the last found is tried first.
    pub fn find(&self, name: &str, hint: usize) -> Option<usize> {
        if self.properties.get(hint).is_some_and(|property| *property.name == *name) {
            return Some(hint);
        }
        self.properties.binary_search_by(|property| (*property.name).cmp(name)).ok()
    }
}

/// The property that says when a deal entered a stage.
pub(crate) fn date_entered(stage: &str) -> String {
    format!("hs_v2_date_entered_{stage}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_and_the_connector_both_want_is_asked_once() {
        let fields: Vec<FieldName> = vec!["dealname".into(), "amount".into(), "cdp_x".into()];
        let wanted = Wanted::new(&Object::Deal, &fields, &["won".into()]);
        let names: Vec<&str> = wanted.names().collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        assert!(names.contains(&"hs_v2_date_entered_won") && names.contains(&MERGED_IDS));
        let at = wanted.find("amount", 99).unwrap();
        let amount = &wanted.properties()[at];
        assert!(amount.public && amount.inner);
        assert!(wanted.properties().iter().filter(|property| property.public).count() == 3);
        assert_eq!(wanted.find("nope", 0), None);
    }
}
