//! One record as a rep sees it: what enrichment says first, then the rest, and beside it what it is linked to and what
//! happened to it.

use maud::{Markup, html};
use serde_json::Value;

use super::catalogue::{ID, LAST_ACTIVITY_TIME};
use super::ids;
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
                (history(core, seen))
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
        @for list in related_lists(seen.kind) {
            @let all = org.related_ids(seen.kind, seen.id, list, Sight::Latest);
            @if !all.is_empty() {
                section {
                    h2 { (list.name.replace('_', " ")) " (" (all.len()) ")" }
                    ul { @for id in all.iter().take(LINKS) { li { (link(org, *id)) } } }
                    @if all.len() > LINKS { small { "and " (all.len() - LINKS) " more" } }
                }
            }
        }
    }
}

/// The latest changes, newest first.
fn history(core: &Core, seen: &Seen<'_>) -> Markup {
    let changes = core.ledger.of_record(&seen.id.to_string(), CHANGES);
    html! {
        @if !changes.is_empty() {
            section {
                h2 { "History" }
                ul { @for change in &changes { (told(change)) } }
            }
        }
    }
}

fn told(change: &Value) -> Markup {
    let word = |key: &str| change[key].as_str().unwrap_or("").to_owned();
    let values = change["after"].as_object().cloned().unwrap_or_default();
    html! {
        li {
            (word("op")) " by " (word("by"))
            @for (name, value) in &values {
                br;
                (name) " → " @match value {
                    Value::String(text) => { (text) }
                    Value::Null => { "(cleared)" }
                    other => { (other) }
                }
            }
            br;
            small { (word("at")) }
        }
    }
}
