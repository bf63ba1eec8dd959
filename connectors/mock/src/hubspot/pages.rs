//! Pages for people: the list of an object's records, and which page a path is.

use maud::{Markup, html};

use super::kind::Kind;
use super::page_record;
use super::portal::Portal;
use super::records::Seen;
use super::refusal::PORTAL_ID;
use super::search::Question;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::page_frame::{Frame, framed};
use crate::page_list::{Line, Listing, ROWS, Tab, turned};

const FRAME: Frame =
    Frame { vendor: "HubSpot", accent: "#c2410c", accent_dark: "#fb923c", mark: "#fff4ec", mark_dark: "#2b2018" };
const SHOWN: [Kind; 3] = [Kind::Contact, Kind::Company, Kind::Deal];

impl Portal {
    /// The page at this path, if there is one.
    pub fn page(&self, core: &Core, call: &Call) -> Option<Reply> {
        if call.method != "GET" {
            return None;
        }
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (status, title, body) = match path.as_slice() {
            [] => self.list_page(core, call, Kind::Contact),
            ["records", kind] => self.list_page(core, call, Kind::parse(kind)?),
            ["contacts", portal, "record", kind, id] if *portal == PORTAL_ID.to_string() => {
                let (kind, id) = (Kind::parse(kind)?, id.parse().ok());
                // An old id of a merged record shows the survivor, as in the real thing.
                match id.and_then(|id: u64| self.seen(kind, self.table(kind).survivor(id))) {
                    Some(seen) if !seen.view().is_some_and(|view| view.erased) => {
                        (200, self.title(seen), page_record::body(self, seen))
                    }
                    _ => (404, "No such record".to_owned(), html! { p.empty { "There is no such record here." } }),
                }
            }
            _ => return None,
        };
        let place = format!("portal {PORTAL_ID}");
        Some(framed(&FRAME, &place, status, &title, &body))
    }

    /// What a person calls the record.
    pub fn title(&self, seen: Seen<'_>) -> String {
        let get = |name: &str| seen.get(name).map(|value| value.to_string()).unwrap_or_default();
        let title = match seen.kind {
            Kind::Contact => format!("{} {}", get("firstname"), get("lastname")).trim().to_owned(),
            Kind::Company => get("name"),
            Kind::Deal => get("dealname"),
            Kind::LineItem => get("name"),
            Kind::Lead => get("hs_lead_name"),
            Kind::Ticket => get("subject"),
            _ => String::new(),
        };
        let fallback =
            || if get("email").is_empty() { format!("{} {}", seen.kind.singular(), seen.id) } else { get("email") };
        if title.is_empty() { fallback() } else { title }
    }

    pub fn owner_name(&self, id: &str) -> Option<String> {
        let owner = self.owners.iter().find(|owner| owner.id.to_string() == id)?;
        Some(format!("{} {}", owner.first_name, owner.last_name).trim().to_owned())
    }

    pub fn stage_label(&self, kind: Kind, id: &str) -> Option<String> {
        let stage = self.pipelines(kind).iter().find_map(|pipeline| pipeline.stage(id))?;
        Some(stage.label.clone())
    }

    fn list_page(&self, core: &Core, call: &Call, kind: Kind) -> (u16, String, Markup) {
        let words = call.parameter("q").unwrap_or_default();
        let start = call.parameter("from").and_then(|text| text.parse().ok()).unwrap_or(0);
        let text = Some(words.trim().to_lowercase()).filter(|text| !text.is_empty());
        let question = Question { text, ..Question::default() };
        let (table, schema) = (self.table(kind), self.schema(kind));
        // People look at the records themselves, not at the lagging index.
        let live = table.ids_from(&self.people, start).filter_map(|id| table.live(&self.people, id));
        let mut found = live.filter(|seen| question.matches(*seen, schema));
        let rows: Vec<Seen<'_>> = found.by_ref().take(ROWS).collect();
        let next = found.next().map(|seen| seen.id);
        let path = list_path(kind);
        let line = |seen: &Seen<'_>| Line {
            path: record_path(kind, seen.id),
            title: self.title(*seen),
            cells: columns(kind).iter().skip(1).map(|column| html! { (self.readable(*seen, column.0)) }).collect(),
            changed: seen.modified(),
        };
        let tab = |each: Kind| Tab { path: list_path(each), name: heading(each).to_owned(), current: each == kind };
        let listing = Listing {
            tabs: SHOWN.map(tab).into(),
            searched: "names, addresses, domains",
            columns: columns(kind).iter().map(|column| column.1.to_owned()).collect(),
            lines: rows.iter().map(line).collect(),
            next: next.map(|next| turned(&path, ("from", &next.to_string()), &words)),
            path,
            words,
        };
        (200, heading(kind).to_owned(), listing.body(core.now))
    }

    /// A value as a person reads it.
    pub fn readable(&self, seen: Seen<'_>, name: &str) -> String {
        let Some(value) = seen.get(name) else { return "–".to_owned() };
        let named = match name {
            "hubspot_owner_id" => self.owner_name(&value),
            "dealstage" => self.stage_label(Kind::Deal, &value),
            "hs_pipeline_stage" => self.stage_label(seen.kind, &value),
            _ => None,
        };
        let choices = self.schema(seen.kind).get(name).map(|property| property.choices.as_slice()).unwrap_or_default();
        let labelled = || choices.iter().find(|choice| choice.value == *value).map(|choice| choice.label.clone());
        named.or_else(labelled).unwrap_or_else(|| value.to_string())
    }
}

pub fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::Contact => "Contacts",
        Kind::Company => "Companies",
        Kind::Deal => "Deals",
        Kind::Ticket => "Tickets",
        Kind::Note => "Notes",
        Kind::Task => "Tasks",
        Kind::Call => "Calls",
        Kind::Meeting => "Meetings",
        Kind::Email => "Emails",
        Kind::LineItem => "Line items",
        Kind::Lead => "Leads",
    }
}

fn list_path(kind: Kind) -> String {
    format!("/records/{}", kind.plural())
}

pub fn record_path(kind: Kind, id: u64) -> String {
    format!("/contacts/{PORTAL_ID}/record/{}/{id}", kind.type_id())
}

fn columns(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Company => {
            &[("name", "Name"), ("domain", "Domain"), ("country", "Country"), ("hubspot_owner_id", "Owner")]
        }
        Kind::Deal => {
            &[("dealname", "Deal"), ("dealstage", "Stage"), ("amount", "Amount"), ("hubspot_owner_id", "Owner")]
        }
        _ => &[
            ("email", "Name"),
            ("email", "Email"),
            ("jobtitle", "Job title"),
            ("lifecyclestage", "Lifecycle stage"),
            ("hubspot_owner_id", "Owner"),
        ],
    }
}
