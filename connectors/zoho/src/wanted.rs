//! Which fields are asked for: those the caller wants, and those the connector needs for itself; and which of them the
//! module does not define. Zoho takes fifty a call: what is beyond comes in further calls, joined by the record's id.

use connector::{FieldKind, FieldName};

use crate::schema::Described;

/// Most fields of one call.
pub(crate) const MOST_FIELDS: usize = 50;

/// One field to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// As Zoho spells it.
    pub name: FieldName,
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

pub(crate) const MODIFIED: &str = "Modified_Time";
pub(crate) const CREATED: &str = "Created_Time";
/// Whether a lead has become something else.
pub(crate) const CONVERTED: &str = "Converted__s";
pub(crate) const CONVERTED_CONTACT: &str = "Converted_Contact";

fn needs(module: &str) -> &'static [&'static str] {
    match module {
        "Contacts" => &["Secondary_Email", "Account_Name"],
        "Leads" => &["Secondary_Email", CONVERTED, CONVERTED_CONTACT],
        "Deals" => &[
            "Deal_Name",
            "Stage",
            "Pipeline",
            "Amount",
            "Closing_Date",
            "Currency",
            "Account_Name",
            "Contact_Name",
            "Owner",
        ],
        other => crate::activities::needs(other).unwrap_or_default(),
    }
}

impl Wanted {
    /// Everything for records of this module. What the connector needs comes first, so that it is in the first call.
    pub fn new(module: &str, fields: &[FieldName], described: &Described) -> Self {
        let mut wanted = Self::default();
        for name in [MODIFIED, CREATED].iter().chain(needs(module)) {
            wanted.add(name, None, described);
        }
        for name in fields {
            if !wanted.add(name, Some(name), described) && !wanted.undefined.contains(name) {
                wanted.undefined.push(name.clone());
            }
        }
        wanted
    }

    /// Only these, where they are defined.
    pub fn only(names: &[&str], described: &Described) -> Self {
        let mut wanted = Self::default();
        for name in names {
            wanted.add(name, None, described);
        }
        wanted
    }

    fn add(&mut self, name: &str, public: Option<&FieldName>, described: &Described) -> bool {
        // Every record has an id, and no list of fields may hold it alone.
        let (name, kind) = if name.eq_ignore_ascii_case("id") {
            (FieldName::from("id"), FieldKind::Reference)
        } else {
            let Some(field) = described.field(name) else { return false };
            (field.spec.name.clone(), field.spec.kind.clone())
        };
        match self.columns.iter_mut().find(|column| column.name == name) {
            // Two names of one field: the second is another column of the same values.
            Some(column) if column.public.is_some() && public.is_some() && column.public.as_ref() != public => {
                self.columns.push(Column { name, kind, public: public.cloned() });
            }
            Some(column) => column.public = column.public.take().or_else(|| public.cloned()),
            None => self.columns.push(Column { name, kind, public: public.cloned() }),
        }
        true
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The names to ask for, in calls' worth; the first has what the connector needs. Never none: a record's stamp at least.
    pub fn calls(&self) -> Vec<Vec<&str>> {
        let mut names: Vec<&str> = Vec::with_capacity(self.columns.len());
        for column in self.columns.iter().filter(|column| &*column.name != "id") {
            if !names.contains(&&*column.name) {
                names.push(&column.name);
            }
        }
        if names.is_empty() {
            names.push(MODIFIED);
        }
        names.chunks(MOST_FIELDS).map(<[&str]>::to_vec).collect()
    }

    /// The places of a field. Answers come in about the order asked, so the one after the last found is tried first.
    pub fn find(&self, name: &str, hint: usize) -> Option<usize> {
        if self.columns.get(hint).is_some_and(|column| *column.name == *name) {
            return Some(hint);
        }
        self.columns.iter().position(|column| *column.name == *name)
    }

    /// Whether another column, too, holds this one's values.
    pub fn twins(&self, at: usize) -> impl Iterator<Item = usize> {
        let name = self.columns.get(at).map(|column| &column.name);
        let same = move |(other, column): &(usize, &Column)| *other != at && Some(&column.name) == name;
        self.columns.iter().enumerate().filter(same).map(|(other, _)| other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::{CONTACTS, described_from};

    #[test]
    fn what_both_want_is_asked_once_and_what_nobody_defines_is_told() {
        let described = described_from("Contacts", CONTACTS);
        let fields: Vec<FieldName> =
            ["last_name", "Nope", "Account_Name", "cdp_score", "id", "x; DROP"].map(FieldName::from).to_vec();
        let wanted = Wanted::new("Contacts", &fields, &described);
        let calls = wanted.calls();
        assert_eq!(calls, [["Modified_Time", "Created_Time", "Account_Name", "Last_Name", "CDP_Score1"]]);
        assert_eq!(wanted.undefined, ["Nope", "x; DROP"].map(FieldName::from));
        let public: Vec<_> = wanted.columns().iter().filter_map(|column| column.public.as_deref()).collect();
        assert_eq!(public, ["Account_Name", "last_name", "cdp_score", "id"]);
        assert_eq!(wanted.find("Last_Name", 0), Some(3));
    }

    #[test]
    fn more_than_fifty_are_several_calls() {
        let rows: Vec<String> = (0..120).map(|n| format!(r#"{{"api_name":"F{n}","data_type":"text"}}"#)).collect();
        let described = described_from("Contacts", &format!(r#"{{"fields":[{}]}}"#, rows.join(",")));
        let fields: Vec<FieldName> = (0..120).map(|n| FieldName::from(format!("F{n}"))).collect();
        let wanted = Wanted::new("Contacts", &fields, &described);
        assert_eq!(wanted.calls().iter().map(Vec::len).collect::<Vec<_>>(), [50, 50, 20]);
        assert_eq!(Wanted::only(&[], &described).calls(), [["Modified_Time"]]);
    }
}
