//! Rows as JSON, written straight to text: the order of members and the digits of money are the vendor's.

use std::fmt::Write as _;

use super::datum::{Datum, write_text};
use super::org::Org;
use super::prefer::Patterns;
use super::query::{Expand, Query, Shape, To};
use super::records::ID;
use super::schema::{ColumnId, Ty};
use super::seen::Seen;
use crate::versions::Sight;

/// Rows an expanded collection shows before it links to the rest.
const EXPANDED: usize = 5_000;
const FORMATTED: &str = "OData.Community.Display.V1.FormattedValue";
const LOGICAL_NAME: &str = "Microsoft.Dynamics.CRM.lookuplogicalname";
const NAVIGATION: &str = "Microsoft.Dynamics.CRM.associatednavigationproperty";

pub struct Canvas<'a> {
    pub org: &'a Org,
    pub root: &'a str,
    pub annotations: &'a Patterns,
    pub sight: Sight,
    pub out: String,
}

impl<'a> Canvas<'a> {
    pub fn new(org: &'a Org, root: &'a str, annotations: &'a Patterns, sight: Sight) -> Self {
        Self { org, root, annotations, sight, out: String::new() }
    }

    /// One row; `context` stands first where the row is the whole answer.
    pub fn row(&mut self, row: Seen<'_>, shape: &Shape, context: Option<&str>) {
        self.out.push('{');
        if let Some(context) = context {
            let _ = write!(self.out, "\"@odata.context\":\"{}$metadata#{context}\",", self.root);
        }
        let _ = write!(self.out, "\"@odata.etag\":\"W/\\\"{}\\\"\"", row.version());
        let schema = self.org.schema(row.view);
        match &shape.select {
            None => {
                for (column, each) in schema.columns() {
                    if each.is_shown() {
                        self.property(row, column);
                    }
                }
            }
            Some(columns) => {
                for column in columns {
                    self.property(row, *column);
                }
                // An amount says nothing without its currency.
                let money = columns.iter().any(|column| schema.get(*column).is_some_and(|each| each.ty == Ty::Money));
                if let Some((currency, _)) = schema.column("transactioncurrencyid")
                    && money
                    && !columns.contains(&currency)
                {
                    self.property(row, currency);
                }
                if !columns.contains(&ID) {
                    self.property(row, ID);
                }
            }
        }
        for each in &shape.expand {
            self.expand(row, each);
        }
        self.out.push('}');
    }

    fn property(&mut self, row: Seen<'_>, column: ColumnId) {
        let Some(definition) = self.org.schema(row.view).get(column) else { return };
        let datum = row.get(column);
        let name = definition.property();
        if !self.annotations.is_empty() && !datum.is_null() {
            if let Datum::Ref(kind, _) = &datum {
                let navs = &definition.navs;
                let nav = navs.iter().find(|nav| nav.target == *kind).or(navs.first());
                if self.annotations.want(NAVIGATION)
                    && let Some(nav) = nav
                {
                    let _ = write!(self.out, ",\"{name}@{NAVIGATION}\":\"{}\"", nav.name);
                }
                if self.annotations.want(LOGICAL_NAME) {
                    let _ = write!(self.out, ",\"{name}@{LOGICAL_NAME}\":\"{}\"", kind.logical());
                }
            }
            if self.annotations.want(FORMATTED)
                && let Some(text) = row.formatted(column)
            {
                let _ = write!(self.out, ",\"{name}@{FORMATTED}\":");
                write_text(&mut self.out, &text);
            }
        }
        let _ = write!(self.out, ",\"{name}\":");
        datum.write_json(&mut self.out, Seen::digits(definition));
    }

    fn expand(&mut self, row: Seen<'_>, expand: &Expand) {
        let _ = write!(self.out, ",\"{}\":", expand.nav);
        match &expand.to {
            To::One(column, target) => {
                let found = row.get(*column).as_lookup().filter(|(kind, _)| kind == target);
                match found.and_then(|(kind, id)| self.org.row(kind, id, self.sight)) {
                    Some(found) => self.row(found, &expand.shape, None),
                    None => self.out.push_str("null"),
                }
            }
            To::Many { link, filter, sort, top } => {
                self.out.push('[');
                let column = self.org.schema(link.child).column(link.column).map(|(column, _)| column);
                let ids = column.map_or_else(Vec::new, |column| {
                    self.org.find(link.child, column, &Datum::Guid(row.id), self.sight)
                });
                let rows = ids.into_iter().filter_map(|id| self.org.row(link.child, id, self.sight));
                let fits = |row: &Seen<'_>| filter.as_ref().is_none_or(|filter| filter.holds(*row, self.sight));
                let mut rows: Vec<Seen<'_>> = rows.filter(fits).collect();
                Query::arrange(&mut rows, sort);
                let most = top.unwrap_or(EXPANDED).min(EXPANDED);
                for (at, child) in rows.iter().take(most).enumerate() {
                    if at > 0 {
                        self.out.push(',');
                    }
                    self.row(*child, &expand.shape, None);
                }
                self.out.push(']');
                let _ = write!(
                    self.out,
                    ",\"{}@odata.nextLink\":\"{}{}({})/{}",
                    expand.nav,
                    self.root,
                    row.view.set(),
                    row.id,
                    expand.nav
                );
                self.out.push('"');
            }
        }
    }
}
