//! One record as a rep sees it: what enrichment says first, then the rest, and beside it what it is linked to and what
//! happened to it.

use maud::{Markup, html};
use serde_json::Value;

use super::datum::Datum;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::pages::{record_path, title};
use super::records::{SYSTEM_MODSTAMP, Seen, Sight};
use super::schema::{Access, Field, FieldType};
use crate::desk::Core;

/// Links of one object shown before the rest is only counted.
const LINKS: usize = 12;
/// Changes shown in the history.
const CHANGES: usize = 12;
/// Fields written by enrichment carry this prefix, in any capitals.
const ENRICHED: &str = "cdp_";

pub fn body(org: &Org, core: &Core, seen: Seen<'_>) -> Markup {
    let schema = org.schema(seen.kind);
    let filled: Vec<&Field> = schema
        .all_fields()
        .filter(|(id, field)| *id > SYSTEM_MODSTAMP && field.ty != FieldType::Address && !seen.get(*id).is_null())
        .map(|(_, field)| field)
        .collect();
    let (enriched, plain): (Vec<&Field>, Vec<&Field>) =
        filled.into_iter().partition(|field| field.name.to_ascii_lowercase().starts_with(ENRICHED));
    let system: Vec<&Field> =
        schema.all_fields().filter(|(id, _)| *id <= SYSTEM_MODSTAMP).map(|(_, field)| field).collect();
    html! {
        (fate(org, seen))
        div.columns {
            div {
                @if !enriched.is_empty() {
                    section.enriched {
                        h2 { "Enrichment" span.tag { "written by Ferry" } }
                        (fields(org, seen, &enriched))
                    }
                }
                section {
                    h2 { "About this " (seen.kind.name().to_lowercase()) }
                    (fields(org, seen, &plain))
                }
                section {
                    h2 { "System" }
                    (fields(org, seen, &system))
                }
            }
            div {
                (related(org, seen))
                (history(org, core, seen))
            }
        }
    }
}

/// What became of a record that is no longer what it was.
fn fate(org: &Org, seen: Seen<'_>) -> Markup {
    let continued: Vec<Id> = ["ConvertedContactId", "ConvertedAccountId", "ConvertedOpportunityId"]
        .into_iter()
        .filter_map(|name| seen.named(name).as_id())
        .collect();
    html! {
        @if let Some(winner) = seen.named("MasterRecordId").as_id() {
            p.gone { "This record was merged into " (org.link(winner)) "." }
        } @else if seen.is_deleted() {
            p.gone { "This record is in the recycle bin." }
        }
        @if seen.named("IsConverted").is_true() {
            p.gone {
                "This lead was converted on " (org.readable(seen, "ConvertedDate")) ": "
                @for (at, id) in continued.iter().enumerate() {
                    @if at > 0 { ", " }
                    (id.kind().map_or("", Kind::name).to_lowercase()) " " (org.link(*id))
                }
                "."
            }
        }
    }
}

fn fields(org: &Org, seen: Seen<'_>, fields: &[&Field]) -> Markup {
    html! {
        dl {
            @for field in fields {
                dt title=(&*field.name) { (label(field)) }
                dd {
                    (org.readable(seen, &field.name))
                    @match field.access {
                        Access::None => span.tag { "hidden from the integration user" },
                        Access::Read => span.tag { "read only for the integration user" },
                        Access::Edit => {}
                    }
                }
            }
        }
    }
}

/// A lookup shows a name, so its label says nothing of an Id.
fn label(field: &Field) -> &str {
    if field.ty == FieldType::Id { &field.label } else { field.label.trim_end_matches(" ID") }
}

fn related(org: &Org, seen: Seen<'_>) -> Markup {
    let me = Datum::Id(seen.id());
    let mut lists: Vec<(String, Vec<Seen<'_>>)> = Vec::new();
    for kind in Kind::ALL {
        for (id, field) in org.schema(kind).all_fields().filter(|(_, field)| field.reference_to.contains(&seen.kind)) {
            let heading = match &field.child_relationship {
                Some(children) => spaced(children),
                None if &*field.name == "MasterRecordId" => "Merged into this record".to_owned(),
                None => continue,
            };
            let merged = &*field.name == "MasterRecordId";
            let numbers = org.find(kind, id, &me, Sight::Latest).into_iter();
            let rows: Vec<Seen<'_>> = numbers
                .filter_map(|number| org.seen(kind, number, Sight::Latest))
                .filter(|each| merged || !each.is_deleted())
                .collect();
            if !rows.is_empty() {
                lists.push((heading, rows));
            }
        }
    }
    html! {
        @for (heading, rows) in &lists {
            section {
                h2 { (heading) " (" (rows.len()) ")" }
                ul {
                    @for row in rows.iter().take(LINKS) { li { (row_link(org, seen.kind, *row)) } }
                }
                @if rows.len() > LINKS { small { "and " (rows.len() - LINKS) " more" } }
            }
        }
    }
}

/// A contact role stands for the record at its other end; everything else for itself.
fn row_link(org: &Org, from: Kind, row: Seen<'_>) -> Markup {
    let other = match (row.kind, from) {
        (Kind::OpportunityContactRole, Kind::Contact) => row.named("OpportunityId").as_id(),
        (Kind::OpportunityContactRole, _) => row.named("ContactId").as_id(),
        (Kind::CampaignMember, Kind::Campaign) => {
            row.named("ContactId").as_id().or_else(|| row.named("LeadId").as_id())
        }
        (Kind::CampaignMember, _) => row.named("CampaignId").as_id(),
        _ => None,
    };
    let words = ["Role", "StageName", "Status", "Email"];
    let note = words.into_iter().find_map(|name| row.named(name).as_str().map(str::to_owned));
    html! {
        @match other {
            Some(id) => (org.link(id)),
            None => a href=(record_path(row.id())) { (title(row)) },
        }
        @if let Some(note) = note { " " small { (note) } }
        @if row.named("IsPrimary").is_true() { span.tag { "Primary" } }
    }
}

/// The latest changes, newest first, as the ledger has them.
fn history(org: &Org, core: &Core, seen: Seen<'_>) -> Markup {
    let record = seen.id().to_string();
    let changes = core.ledger.of_record(&record, CHANGES);
    html! {
        @if !changes.is_empty() {
            section {
                h2 { "History" }
                ul {
                    @for change in &changes {
                        li {
                            @if word(change, "op") == "merge" {
                                (value(org, &change["before"]["secondary"])) " was merged into this record"
                            } @else {
                                (summary(org, seen.kind, change))
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
    let after = change["after"].as_object();
    let label = |name: &str| {
        let field = org.schema(kind).any(name).map(|(_, field)| label(field).to_owned());
        field.unwrap_or_else(|| name.to_owned())
    };
    html! {
        @match after {
            Some(fields) => {
                @for (at, (name, value)) in fields.iter().enumerate() {
                    @if at > 0 { br; }
                    (label(name)) " → " (self::value(org, value))
                }
            }
            None => (word(change, "op")),
        }
    }
}

/// A changed value: records by their names, numbers without an empty fraction.
fn value(org: &Org, value: &Value) -> Markup {
    html! {
        @match value {
            Value::Null => "(cleared)",
            Value::String(text) => @match Id::parse(text).filter(|id| id.kind().is_some()) {
                Some(id) => (org.link(id)),
                None => (text),
            },
            other => (other.to_string().trim_end_matches(".0")),
        }
    }
}

fn word<'a>(change: &'a Value, key: &str) -> &'a str {
    change[key].as_str().unwrap_or("")
}

/// `OpportunityContactRoles` → `Opportunity Contact Roles`.
fn spaced(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push(' ');
        }
        out.push(letter);
    }
    out
}
