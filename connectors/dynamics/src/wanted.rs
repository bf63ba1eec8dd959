//! Which columns are asked for: those the caller wants, and those the connector needs for itself; and which of them the
//! table does not define. Pure.

use connector::{FieldKind, FieldName};

use crate::schema::{Column as Known, Described};
use crate::tables::{LINKS, needs};

/// One column to ask for.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// As rows name it.
    pub wire: String,
    pub logical: FieldName,
    pub kind: FieldKind,
    /// The caller's name for its value, where the caller asked for that.
    pub value_as: Option<FieldName>,
    /// The caller's name for its text.
    pub text_as: Option<FieldName>,
    /// Whether its text is read, for the caller or for the connector itself.
    pub with_text: bool,
    /// Whether the table its value points to is read.
    pub with_table: bool,
}

/// The columns of one request, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    columns: Vec<Column>,
    /// Asked for by the caller and not defined.
    pub undefined: Vec<FieldName>,
    /// The column of the primary key.
    pub key: String,
}

/// Its text is what people call the deal's stage.
const STAGE: &str = "statuscode";

impl Wanted {
    /// Everything for records of this table.
    pub fn new(described: &Described, fields: &[FieldName]) -> Self {
        let mut wanted = Self::only(described, &["modifiedon", "createdon"]);
        for name in needs(&described.table) {
            wanted.add_inner(described, name);
        }
        for name in fields {
            if !wanted.add_public(described, name) && !wanted.undefined.contains(name) {
                wanted.undefined.push(name.clone());
            }
        }
        wanted
    }

    /// The primary key and these, where they are defined: what a sweep needs.
    pub fn only(described: &Described, names: &[&str]) -> Self {
        let mut wanted = Self { key: described.key.clone(), ..Self::default() };
        wanted.add_inner(described, &described.key.clone());
        for name in names {
            wanted.add_inner(described, name);
        }
        wanted
    }

    fn place(&mut self, known: &Known) -> &mut Column {
        let wire = known.wire();
        let at = self.columns.iter().position(|column| column.wire == wire).unwrap_or_else(|| {
            let name = known.spec.name.clone();
            self.columns.push(Column {
                with_table: LINKS.contains(&&*name),
                with_text: &*name == STAGE,
                logical: name,
                kind: known.spec.kind.clone(),
                value_as: None,
                text_as: None,
                wire,
            });
            self.columns.len() - 1
        });
        &mut self.columns[at]
    }

    pub fn add_inner(&mut self, described: &Described, name: &str) {
        if let Some(known) = described.column(name) {
            self.place(known);
        }
    }

    pub fn add_public(&mut self, described: &Described, name: &FieldName) -> bool {
        if let Some(known) = described.column(name) {
            let column = self.place(known);
            column.value_as.get_or_insert_with(|| name.clone());
            return true;
        }
        let Some(known) = described.labelled(name) else { return false };
        let column = self.place(known);
        column.with_text = true;
        column.text_as.get_or_insert_with(|| name.clone());
        true
    }

    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The list in `$select`.
    pub fn select(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.wire.as_str()).collect();
        names.join(",")
    }

    /// What a delta link is tied to: another list of columns needs another link.
    pub fn fingerprint(&self) -> String {
        // FNV-1a: it tells lists apart, it hides nothing.
        let hash = self
            .select()
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
        format!("{hash:016x}")
    }

    /// The annotations that are read, as the preference names them; `None` where none is.
    pub fn annotations(&self) -> Option<&'static str> {
        let texts = self.columns.iter().any(|column| column.with_text);
        let tables = self.columns.iter().any(|column| column.with_table);
        match (texts, tables) {
            (true, true) => Some("OData.Community.Display.V1.FormattedValue,Microsoft.Dynamics.CRM.lookuplogicalname"),
            (true, false) => Some("OData.Community.Display.V1.FormattedValue"),
            (false, true) => Some("Microsoft.Dynamics.CRM.lookuplogicalname"),
            (false, false) => None,
        }
    }

    /// The place of a column by its name in rows. Rows mostly come in the order asked, so the one after the last found is
    /// tried first.
    pub fn find(&self, wire: &str, hint: usize) -> Option<usize> {
        if self.columns.get(hint).is_some_and(|column| column.wire == wire) {
            return Some(hint);
        }
        self.columns.iter().position(|column| column.wire == wire)
    }

    /// The place of one of the connector's own columns.
    pub fn inner(&self, logical: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.logical == logical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::tests::contact;

    #[test]
    fn what_both_want_is_asked_once_and_what_nobody_defines_is_told() {
        let names: Vec<FieldName> =
            ["emailaddress1", "nope", "parentcustomerid", "leadsourcecodename", "nope"].map(FieldName::from).to_vec();
        let wanted = Wanted::new(&contact(), &names);
        assert_eq!(
            wanted.select(),
            "contactid,modifiedon,createdon,merged,_masterid_value,_parentcustomerid_value,emailaddress1,leadsourcecode"
        );
        assert_eq!(wanted.undefined, [FieldName::from("nope")]);
        let company = &wanted.columns()[wanted.inner("parentcustomerid").unwrap()];
        assert!(company.with_table && !company.with_text);
        assert_eq!(company.value_as.as_deref(), Some("parentcustomerid"));
        let source = &wanted.columns()[wanted.inner("leadsourcecode").unwrap()];
        assert_eq!((source.value_as.as_deref(), source.text_as.as_deref()), (None, Some("leadsourcecodename")));
    }

    #[test]
    fn a_sweep_asks_for_no_annotations_and_lists_are_told_apart() {
        let contact = contact();
        let sweep = Wanted::only(&contact, &["merged", "masterid"]);
        assert_eq!((sweep.select().as_str(), sweep.annotations()), ("contactid,merged,_masterid_value", None));
        assert_ne!(sweep.fingerprint(), Wanted::only(&contact, &["merged"]).fingerprint());
        assert!(Wanted::new(&contact, &[]).annotations().is_some_and(|names| names.contains("lookuplogicalname")));
    }
}
