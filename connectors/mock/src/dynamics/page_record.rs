//! One row as a rep sees it: what enrichment says first, then the rest, and beside it what is linked to it and what
//! happened to it.

use maud::{Markup, html};
use serde_json::Value;

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::pages::{row_path, title};
use super::records::VERSION;
use super::schema::{Column, ColumnId, Ty};
use super::seen::Seen;
use crate::desk::Core;
use crate::versions::Sight;

/// Links of one table shown before the rest is only counted.
const LINKS: usize = 12;
/// Changes shown in the history.
const CHANGES: usize = 12;
/// Columns written by enrichment carry this after the publisher's prefix.
const ENRICHED: &str = "_cdp_";

type Shown<'a> = Vec<(ColumnId, &'a Column)>;

pub fn body(org: &Org, core: &Core, row: Seen<'_>) -> Markup {
    let schema = org.schema(row.kind);
    let filled = schema.columns().filter(|(id, column)| *id > VERSION && column.is_shown() && !row.get(*id).is_null());
    let (enriched, plain): (Shown<'_>, Shown<'_>) =
        filled.partition(|(_, column)| column.custom && column.logical.contains(ENRICHED));
    let plain = plain.into_iter().filter(|(_, column)| column.base_of.is_none() && column.ty != Ty::BigInt).collect();
    let system = schema.columns().filter(|(id, _)| *id <= VERSION).collect();
    html! {
        (fate(org, row))
        div.columns {
            div {
                @if !enriched.is_empty() {
                    section.enriched {
                        h2 { "Enrichment" span.tag { "written by Ferry" } }
                        (columns(org, row, enriched))
                    }
                }
                section {
                    h2 { "About this " (row.kind.names().label.to_lowercase()) }
                    (columns(org, row, plain))
                }
                section {
                    h2 { "System" }
                    (columns(org, row, system))
                }
            }
            div {
                (related(org, row))
                (history(org, core, row))
            }
        }
    }
}

/// What became of a row that is no longer what it was.
fn fate(org: &Org, row: Seen<'_>) -> Markup {
    let continued =
        [("parentcontactid", "contact"), ("parentaccountid", "account"), ("qualifyingopportunityid", "deal")];
    html! {
        @if let Some((kind, winner)) = row.reference("masterid") {
            p.gone { "This row was merged into " (org.link(kind, winner)) "." }
        } @else if row.row.is_some_and(|row| row.deleted) {
            p.gone { "This row was deleted." }
        }
        @if row.kind == Kind::Lead && row.int("statecode") == 1 {
            p.gone {
                "This lead was qualified: "
                @for (at, (name, what)) in continued.into_iter().filter(|(name, _)| row.reference(name).is_some()).enumerate() {
                    @if at > 0 { ", " }
                    (what) " " (org.readable(row, name))
                }
                "."
            }
        }
    }
}

fn columns(org: &Org, row: Seen<'_>, columns: Shown<'_>) -> Markup {
    html! {
        dl {
            @for (_, column) in columns {
                dt title=(&*column.logical) { (column.label) }
                dd {
                    (org.readable(row, &column.logical))
                    @if column.secured { span.tag { "read only for the integration user" } }
                }
            }
        }
    }
}

fn related(org: &Org, row: Seen<'_>) -> Markup {
    let mut lists: Vec<(String, Vec<Seen<'_>>)> = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_owned()) {
        for (id, column) in org.schema(kind).columns().filter(|(id, _)| *id > VERSION) {
            if !column.navs.iter().any(|nav| nav.target == row.kind) || column.ty == Ty::Owner {
                continue;
            }
            let ids = org.find(kind, id, &Datum::Guid(row.id), Sight::Latest).into_iter();
            let rows: Vec<Seen<'_>> = ids.filter_map(|id| org.row(kind, id, Sight::Latest)).collect();
            if !rows.is_empty() {
                lists.push((format!("{} ({})", kind.names().plural, column.label), rows));
            }
        }
    }
    html! {
        @for (heading, rows) in &lists {
            section {
                h2 { (heading) " – " (rows.len()) }
                ul {
                    @for row in rows.iter().take(LINKS) { li { a href=(row_path(row.kind, row.id)) { (title(*row)) } } }
                }
                @if rows.len() > LINKS { small { "and " (rows.len() - LINKS) " more" } }
            }
        }
    }
}

/// The latest changes, newest first, as the ledger has them.
fn history(org: &Org, core: &Core, row: Seen<'_>) -> Markup {
    let changes = core.ledger.of_record(&row.id.to_string(), CHANGES);
    html! {
        @if !changes.is_empty() {
            section {
                h2 { "History" }
                ul {
                    @for change in &changes {
                        li {
                            @if word(change, "op") == "merge" {
                                (value(org, &change["before"]["secondary"])) " was merged into this row"
                            } @else {
                                (summary(org, row.kind, change))
                            }
                            br;
                            small { (word(change, "at")) " · " (word(change, "op")) " by " (word(change, "by")) }
                        }
                    }
                }
            }
        }
    }
}

fn summary(org: &Org, kind: Kind, change: &Value) -> Markup {
    html! {
        @match change["after"].as_object() {
            Some(columns) => {
                @for (at, (name, value)) in columns.iter().enumerate() {
                    @if at > 0 { br; }
                    (super::pages::label(org, kind, name)) " → " (self::value(org, value))
                }
            }
            None => (word(change, "op")),
        }
    }
}

/// A changed value: rows by their names.
fn value(org: &Org, value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => "(cleared)",
            Value::String(text) => @match Guid::parse(text).and_then(|id| Some((org.kind_of_row(id)?, id))) {
                Some((kind, id)) => (org.link(kind, id)),
                None => (text),
            },
            other => (other.to_string()),
        }
    }
}

fn word<'a>(change: &'a Value, key: &str) -> &'a str {
    change[key].as_str().unwrap_or("")
}
