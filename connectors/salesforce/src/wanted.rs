//! Which fields are asked for: those the caller wants, and those the connector needs for itself; and which of them the
//! organisation does not define.

use connector::{FieldKind, FieldName, Object};

use crate::schema::Described;
use crate::soql::Field;

/// One field to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// As Salesforce spells it.
    pub name: String,
    pub kind: FieldKind,
    /// The caller's spelling, where the caller asked: only those become fields of the record.
    pub public: Option<FieldName>,
}

/// The fields of one request, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    columns: Vec<Column>,
    /// Asked for by the caller and not defined.
    pub undefined: Vec<FieldName>,
}

/// What the connector reads of every record for itself.
const ALWAYS: &[&str] = &["Id", "SystemModstamp", "CreatedDate"];

fn needs(sobject: &str) -> &'static [&'static str] {
    match sobject {
        "Contact" => &["AccountId"],
        "Lead" => &["IsConverted", "ConvertedContactId"],
        "Opportunity" => &[
            "AccountId",
            "Name",
            "StageName",
            "Amount",
            "CloseDate",
            "IsClosed",
            "IsWon",
            "OwnerId",
            "CurrencyIsoCode",
            "ForecastCategoryName",
            "HasOpportunityLineItem",
        ],
        "User" => &["Name", "Email", "IsActive"],
        "Task" | "Event" => crate::activities::NEEDS,
        _ => &[],
    }
}

impl Wanted {
    /// Everything for records of this object.
    pub fn new(sobject: &str, fields: &[FieldName], described: &Described) -> Self {
        let mut wanted = Self::default();
        for name in ALWAYS.iter().chain(needs(sobject)) {
            wanted.add(name, None, described);
        }
        for name in fields {
            if !wanted.add(name, Some(name), described) && !wanted.undefined.contains(name) {
                wanted.undefined.push(name.clone());
            }
        }
        wanted
    }

    /// Only these, where they are defined: what a sweep or a log needs.
    pub fn only(names: &[&str], described: &Described) -> Self {
        let mut wanted = Self::default();
        for name in names {
            wanted.add(name, None, described);
        }
        wanted
    }

    fn add(&mut self, name: &str, public: Option<&FieldName>, described: &Described) -> bool {
        let Some(kind) = described.kind(name).filter(|_| Field::new(name).is_ok()) else { return false };
        let name = described.spelt(name);
        match self.columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(name)) {
            Some(column) => column.public = column.public.take().or_else(|| public.cloned()),
            None => self.columns.push(Column { name: name.to_owned(), kind, public: public.cloned() }),
        }
        true
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    pub fn fields(&self) -> Vec<Field> {
        // Names that are not names were never added.
        self.names().filter_map(|name| Field::new(name).ok()).collect()
    }

    /// The place of a field. Answers come in the order asked, so the one after the last found is tried first.
    pub fn find(&self, name: &str, hint: usize) -> Option<usize> {
        if self.columns.get(hint).is_some_and(|column| column.name.eq_ignore_ascii_case(name)) {
            return Some(hint);
        }
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// The objects that a kind of record is spread over at Salesforce, in the order they are read.
pub(crate) fn parts(object: &Object) -> Result<Vec<&str>, connector::Error> {
    match object {
        Object::Activity => Ok(vec!["Task", "Event"]),
        other => crate::paths::sobject_of(other).map(|sobject| vec![sobject]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::described_from;

    #[test]
    fn what_both_want_is_asked_once_and_what_nobody_defines_is_told() {
        let described = described_from(
            r#"{"fields":[{"name":"Id","type":"id"},{"name":"SystemModstamp","type":"datetime"},
            {"name":"Amount","type":"currency","scale":2},{"name":"AccountId","type":"reference","relationshipName":"Account"}]}"#,
        );
        let fields: Vec<FieldName> = ["amount", "Nope__c", "Account.Name", "x; DROP"].map(FieldName::from).to_vec();
        let wanted = Wanted::new("Opportunity", &fields, &described);
        let names: Vec<&str> = wanted.names().collect();
        assert_eq!(names, ["Id", "SystemModstamp", "AccountId", "Amount", "Account.Name"]);
        assert_eq!(wanted.undefined, ["Nope__c", "x; DROP"].map(FieldName::from));
        assert_eq!(wanted.columns()[3].public.as_deref(), Some("amount"));
        assert_eq!(wanted.columns()[0].public, None);
        assert_eq!(wanted.find("AMOUNT", 0), Some(3));
        assert_eq!(wanted.find("CurrencyIsoCode", 0), None);
    }
}
