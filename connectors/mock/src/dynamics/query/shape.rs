//! What of a row is shown: `$select` and `$expand`.

use super::expr::Expr;
use super::parser::Parser;
use super::run::{Query, Sort};
use crate::clock::Millis;
use crate::dynamics::collections::{self, Link};
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::ColumnId;

/// `$expand` options one query may have.
const MOST_EXPANDS: usize = 15;

#[derive(Debug)]
pub struct Shape {
    pub kind: Kind,
    /// All there are when none.
    pub select: Option<Vec<ColumnId>>,
    pub expand: Vec<Expand>,
}

#[derive(Debug)]
pub struct Expand {
    pub nav: String,
    pub to: To,
    pub shape: Shape,
}

/// Where an expansion leads.
#[derive(Debug)]
pub enum To {
    /// Along a lookup.
    One(ColumnId, Kind),
    /// To the rows whose lookup leads here.
    Many { link: Link, filter: Option<Expr>, sort: Vec<Sort>, top: Option<usize> },
}

impl Shape {
    /// # Errors
    /// 400 for names the table does not have, and for too much.
    pub fn read(org: &Org, kind: Kind, options: &[(String, String)], now: Millis) -> Result<Self, Refusal> {
        let mut left = MOST_EXPANDS;
        Self::of(org, kind, options, now, &mut left)
    }

    fn of(org: &Org, kind: Kind, options: &[(String, String)], now: Millis, left: &mut usize) -> Result<Self, Refusal> {
        let given = |name: &str| options.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let select = match given("$select").map(str::trim) {
            None | Some("" | "*") => None,
            Some(names) => {
                let column = |name: &str| {
                    let found = org.schema(kind).property(name).map(|(column, _)| column);
                    found.ok_or_else(|| Refusal::no_property(name, kind.logical()))
                };
                let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                let mut columns: Vec<ColumnId> = names.map(column).collect::<Result<_, _>>()?;
                let mut seen = std::collections::HashSet::new();
                columns.retain(|column| seen.insert(*column));
                Some(columns)
            }
        };
        let mut expand = Vec::new();
        for part in split(given("$expand").unwrap_or(""), ',') {
            *left = left.checked_sub(1).ok_or_else(|| {
                Refusal::query(format!("The number of $expand options exceeded the maximum limit of {MOST_EXPANDS}."))
            })?;
            expand.push(Expand::read(org, kind, part, now, left)?);
        }
        Ok(Self { kind, select, expand })
    }

    /// What stands behind `#set` in a context: `(fullname,primarycontactid(name))`.
    pub fn context(&self, org: &Org) -> String {
        let mut names: Vec<String> = Vec::new();
        for column in self.select.iter().flatten() {
            names.extend(org.schema(self.kind).get(*column).map(|column| column.property()));
        }
        for each in &self.expand {
            let inner = each.shape.context(org);
            names.push(if inner.is_empty() { format!("{}()", each.nav) } else { format!("{}{inner}", each.nav) });
        }
        if names.is_empty() { String::new() } else { format!("({})", names.join(",")) }
    }
}

impl Expand {
    fn read(org: &Org, kind: Kind, part: &str, now: Millis, left: &mut usize) -> Result<Self, Refusal> {
        let (nav, inner) = match part.split_once('(') {
            Some((nav, rest)) => (nav.trim(), rest.trim_end().strip_suffix(')').unwrap_or(rest)),
            None => (part.trim(), ""),
        };
        let options: Vec<(String, String)> = split(inner, ';')
            .into_iter()
            .filter_map(|option| option.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
            .collect();
        let given = |name: &str| options.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if let Some((column, target)) = org.schema(kind).nav(nav) {
            let shape = Shape::of(org, target, &options, now, left)?;
            return Ok(Self { nav: nav.to_owned(), to: To::One(column, target), shape });
        }
        let link = collections::find(kind, nav).ok_or_else(|| {
            Refusal::query(format!(
                "Could not find a property named '{nav}' on type 'Microsoft.Dynamics.CRM.{}'.",
                kind.logical()
            ))
        })?;
        let filter = given("$filter").map(|source| Parser::filter(org, link.child, now, source, &[])).transpose()?;
        let sort = Query::sort(org, link.child, given("$orderby").unwrap_or(""))?;
        let top = given("$top").and_then(|top| top.parse().ok());
        let shape = Shape::of(org, link.child, &options, now, left)?;
        Ok(Self { nav: nav.to_owned(), to: To::Many { link, filter, sort, top }, shape })
    }
}

/// At separators outside parentheses and quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0usize, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            each if each == separator && depth == 0 && !quoted => {
                parts.extend(text.get(start..at));
                start = at + each.len_utf8();
            }
            _ => {}
        }
    }
    parts.extend(text.get(start..));
    parts.retain(|part| !part.trim().is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_cut_outside_parentheses() {
        assert_eq!(
            split("a($select=x,y;$expand=b($select=z)),c,d($filter=n eq 'u,v')", ','),
            ["a($select=x,y;$expand=b($select=z))", "c", "d($filter=n eq 'u,v')"]
        );
        assert!(split("", ',').is_empty());
    }
}
