//! One record as a rep sees it: what enrichment says first, then the rest, and beside it what it is linked to and what
//! happened to it.

use maud::{Markup, html};
use serde_json::Value;

use super::catalogue::{ID, LAST_ACTIVITY_TIME};
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::pages::record_path;
use super::records::{Fate, Seen, Sight};
use super::related_api::related_lists;
use super::schema::{Field, FieldId};
use crate::desk::Core;

/// Links of one list shown before the rest is only counted.
const LINKS: usize = 12;
/// Changes shown in the history.
const CHANGES: usize = 12;
/// Fields written by enrichment begin with this, in any capitals.
const ENRICHED: &str = "cdp_";

type Named<'a> = Vec<(FieldId, &'a Field)>;

pub fn body(org: &Org, core: &Core, seen: &Seen<'_>) -> Markup {
    let all = org.schema(seen.kind).all().filter(|(id, _)| *id != ID && !seen.get(*id).is_null());
    let (system, own): (Named<'_>, Named<'_>) = all.partition(|(id, _)| *id <= LAST_ACTIVITY_TIME);
    let (enriched, plain): (Named<'_>, Named<'_>) =
        own.into_iter().partition(|(_, field)| field.name.to_ascii_lowercase().starts_with(ENRICHED));
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
                    h2 { "About this " (seen.kind.singular().to_lowercase()) }
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
fn fate(org: &Org, seen: &Seen<'_>) -> Markup {
    let became: Vec<u64> = ["Converted_Contact", "Converted_Account", "Converted_Deal"]
        .into_iter()
        .filter_map(|name| seen.named(name).as_ref_id())
        .collect();
    html! {
        @match seen.fate() {
            Fate::Live => {}
            Fate::Recycled { .. } => { p.gone { "This record is in the recycle bin." } }
            Fate::Erased { .. } => { p.gone { "This record was deleted for good." } }
        }
        @if seen.named("Converted__s").is_true() {
            p.gone {
                "This lead was converted: "
                @for (at, id) in became.iter().enumerate() { @if at > 0 { ", " } (link(org, *id)) }
                "."
            }
        }
    }
}

/// A record by its name, as long as it is there.
fn link(org: &Org, id: u64) -> Markup {
    html! {
        @match org.title_of(id) {
            Some(title) if ids::is_user(id) => { (title) }
            Some(title) => { a href=(record_path(id)) { (title) } }
            None => { "–" }
        }
    }
}

fn fields(org: &Org, seen: &Seen<'_>, fields: &[(FieldId, &Field)]) -> Markup {
    html! {
        dl {
            @for (id, field) in fields {
                dt title=(&*field.name) { (field.label) }
                dd {
                    @match seen.get(*id).as_ref_id().filter(|_| field.ty.is_lookup()) {
                        Some(target) => { (link(org, target)) }
                        None => { (org.readable(seen, &field.name)) }
                    }
                }
            }
        }
    }
}

fn related(org: &Org, seen: &Seen<'_>) -> Markup {
    html! {
        @if seen.kind == Kind::Deals { (parts(org, seen.id)) }
        @for list in related_lists(seen.kind) {
            @let all = org.related_ids(seen.kind, seen.id, list, Sight::Latest);
            @if !all.is_empty() {
                section {
                    h2 { (list.name.replace('_', " ")) " (" (all.len()) ")" }
                    ul { @for id in all.iter().take(LINKS) { li { (link(org, *id)) (said(org, list.kind, *id)) } } }
                    @if all.len() > LINKS { small { "and " (all.len() - LINKS) " more" } }
                }
            }
        }
    }
}

/// What a note says.
fn said(org: &Org, kind: Kind, id: u64) -> Markup {
    let note = org.live(kind, id, Sight::Latest).filter(|_| kind == Kind::Notes);
    html! { @if let Some(note) = note { p.note { (org.readable(&note, "Note_Content")) } } }
}

/// Everybody with a part in a deal.
fn parts(org: &Org, deal: u64) -> Markup {
    let parts = org.parts(deal, Sight::Latest);
    html! {
        @if !parts.is_empty() {
            section {
                h2 { "Contact Roles (" (parts.len()) ")" }
                ul { @for (contact, role) in &parts { li { (link(org, *contact)) " " span.tag { (role) } } } }
            }
        }
    }
}

/// The latest changes, newest first.
fn history(org: &Org, core: &Core, seen: &Seen<'_>) -> Markup {
    let changes = core.ledger.of_record(&seen.id.to_string(), CHANGES);
    html! {
        @if !changes.is_empty() {
            section {
                h2 { "History" }
                ul { @for change in &changes { (told(org, seen, change)) } }
            }
        }
    }
}

fn told(org: &Org, seen: &Seen<'_>, change: &Value) -> Markup {
    let word = |key: &str| change[key].as_str().unwrap_or("").to_owned();
    let values = change["after"].as_object().cloned().unwrap_or_default();
    let label =
        |name: &str| org.schema(seen.kind).get(name).map_or_else(|| name.to_owned(), |(_, f)| f.label.to_string());
    html! {
        li {
            @for (name, value) in &values {
                (label(name)) " → " @match value {
                    Value::String(text) => { (text) }
                    Value::Null => { "(cleared)" }
                    other => { (other) }
                }
                br;
            }
            small { (word("at")) " · " (word("op")) " by " (word("by")) }
        }
    }
}
