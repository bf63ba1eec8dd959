//! One record as a rep sees it: what enrichment says first, then the rest, and beside it what it is linked to.

use std::sync::Arc;

use maud::{Markup, html};

use super::kind::Kind;
use super::pages::{heading, record_path};
use super::portal::Portal;
use super::records::Seen;
use super::schema::Property;

/// Links of one object shown before the rest is only counted.
const LINKS: usize = 12;
/// Changes shown in the history.
const CHANGES: usize = 12;
/// Fields written by enrichment carry this prefix.
const ENRICHED: &str = "cdp_";

pub fn body(portal: &Portal, seen: Seen<'_>) -> Markup {
    let schema = portal.schema(seen.kind);
    let filled = |property: &&Property| !property.hidden && !property.archived && seen.get(&property.name).is_some();
    let (enriched, plain): (Vec<&Property>, Vec<&Property>) =
        schema.properties.values().filter(filled).partition(|property| property.name.starts_with(ENRICHED));
    html! {
        @if seen.archived().is_some() { p.gone { "This record is archived." } }
        div.columns {
            div {
                @if !enriched.is_empty() {
                    section.enriched {
                        h2 { "Enrichment" span.tag { "written by Ferry" } }
                        (fields(portal, seen, &enriched))
                    }
                }
                section {
                    h2 { "About this " (seen.kind.singular()) }
                    (fields(portal, seen, &plain))
                }
            }
            div {
                (links(portal, seen))
                (lists(portal, seen))
                (history(portal, seen))
            }
        }
    }
}

fn fields(portal: &Portal, seen: Seen<'_>, properties: &[&Property]) -> Markup {
    html! {
        dl {
            @for property in properties {
                dt title=(&*property.name) { (property.label) }
                dd { (portal.readable(seen, &property.name)) }
            }
        }
    }
}

fn links(portal: &Portal, seen: Seen<'_>) -> Markup {
    html! {
        @for to in Kind::ALL {
            @let all = portal.live_links(seen.kind, seen.id, to);
            @if !all.is_empty() {
                section {
                    h2 { (heading(to)) " (" (all.len()) ")" }
                    ul {
                        @for link in all.iter().take(LINKS) {
                            @if let Some(other) = portal.live(to, link.to) {
                                li {
                                    a href=(record_path(to, link.to)) { (portal.title(other)) }
                                    @if link.types.iter().any(|id| portal.associations.label(*id) == Some("Primary")) {
                                        span.tag { "Primary" }
                                    }
                                }
                            }
                        }
                    }
                    @if all.len() > LINKS { small { "and " (all.len() - LINKS) " more" } }
                }
            }
        }
    }
}

fn lists(portal: &Portal, seen: Seen<'_>) -> Markup {
    let on = portal.lists_with(seen.kind, seen.id);
    html! {
        @if !on.is_empty() {
            section {
                h2 { "Lists (" (on.len()) ")" }
                ul {
                    @for (list, at) in on.iter().take(LINKS) {
                        li { (list.name) " " small { "since " (crate::clock::iso(*at)) } }
                    }
                }
            }
        }
    }
}

/// The latest changes, newest first.
fn history(portal: &Portal, seen: Seen<'_>) -> Markup {
    let table = portal.table(seen.kind);
    let properties = portal.schema(seen.kind).properties.values();
    let mut changes: Vec<(i64, &str, Arc<str>, &'static str)> = properties
        .flat_map(|property| {
            let past = table.history(seen.id, &property.name).into_iter();
            past.map(|past| (past.at, property.label.as_str(), past.value.clone(), past.source.type_name()))
        })
        .collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.0));
    html! {
        @if !changes.is_empty() {
            section {
                h2 { "History" }
                ul {
                    @for (at, label, value, source) in changes.iter().take(CHANGES) {
                        li {
                            (label) " → " @if value.is_empty() { "(cleared)" } @else { (value) }
                            br;
                            small { (crate::clock::iso(*at)) " · " (source) }
                        }
                    }
                }
            }
        }
    }
}
