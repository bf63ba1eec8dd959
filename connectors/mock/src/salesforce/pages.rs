//! Pages for people: the list of an object's records, and which page a path is. They show what is in the org, whatever
//! the integration user may see of it.

use maud::{Markup, html};

use super::datum::Datum;
use super::ids::Id;
use super::kind::Kind;
use super::org::Org;
use super::page_record;
use super::records::{Seen, Sight};
use super::schema::FieldType;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::page_frame::{Frame, framed};
use crate::page_list::{Line, Listing, ROWS, Tab, turned};

const FRAME: Frame =
    Frame { vendor: "Salesforce", accent: "#0b5cab", accent_dark: "#7cb7ff", mark: "#eaf3ff", mark_dark: "#142338" };
const SHOWN: [Kind; 7] =
    [Kind::Contact, Kind::Lead, Kind::Account, Kind::Opportunity, Kind::Task, Kind::Campaign, Kind::User];

impl Org {
    /// The page at this path, if there is one.
    pub fn page(&self, core: &Core, call: &Call) -> Option<Reply> {
        if call.method != "GET" {
            return None;
        }
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (status, title, body) = match path.as_slice() {
            [] | ["lightning", "page", "home"] => self.list_page(core, call, Kind::Contact),
            ["lightning", "o", object, "list"] => self.list_page(core, call, Kind::parse(object)?),
            ["lightning", "r", _, id, "view"] | ["lightning", "r", id, "view"] => self.record_page(core, id),
            [id] if Id::parse(id).is_some_and(|id| id.kind().is_some()) => self.record_page(core, id),
            _ => return None,
        };
        Some(framed(&FRAME, "org Acme", status, &title, &body))
    }

    fn record_page(&self, core: &Core, id: &str) -> (u16, String, Markup) {
        match Id::parse(id).and_then(|id| self.by_id(id, Sight::Latest)) {
            Some(seen) => (200, title(seen), page_record::body(self, core, seen)),
            None => (404, "No such record".to_owned(), html! { p.empty { "There is no such record here." } }),
        }
    }

    fn list_page(&self, core: &Core, call: &Call, kind: Kind) -> (u16, String, Markup) {
        let words = call.parameter("q").unwrap_or_default();
        let wanted = words.trim().to_lowercase();
        let after = call.parameter("after").and_then(|text| Id::parse(&text)).map(|id| id.number);
        let live = self.numbers(kind, after).filter_map(|number| self.live(kind, number, Sight::Latest));
        let mut found = live.filter(|seen| wanted.is_empty() || mentions(*seen, &wanted));
        let rows: Vec<Seen<'_>> = found.by_ref().take(ROWS).collect();
        let next = found.next().and(rows.last()).map(|last| last.id().to_string());
        let path = list_path(kind);
        let line = |seen: &Seen<'_>| Line {
            path: record_path(seen.id()),
            title: title(*seen),
            cells: columns(kind).iter().map(|column| self.readable(*seen, column)).collect(),
            changed: seen.stamp(),
        };
        let tab = |each: Kind| Tab { path: list_path(each), name: each.plural_label(), current: each == kind };
        let heads = columns(kind).iter().map(|column| label(self, kind, column));
        let listing = Listing {
            tabs: SHOWN.map(tab).into(),
            searched: "names, addresses, firms",
            columns: std::iter::once("Name".to_owned()).chain(heads).collect(),
            lines: rows.iter().map(line).collect(),
            next: next.map(|last| turned(&path, ("after", &last), &words)),
            path,
            words,
        };
        (200, kind.plural_label(), listing.body(core.now))
    }

    /// A value as a person reads it; records by their name.
    pub fn readable(&self, seen: Seen<'_>, name: &str) -> Markup {
        let currency = self.schema(seen.kind).any(name).is_some_and(|(_, field)| field.ty == FieldType::Currency);
        match seen.named(name) {
            Datum::Null => html! { "–" },
            Datum::Bool(flag) => html! { (if flag { "Yes" } else { "No" }) },
            Datum::Id(id) if name != "Id" => self.link(id),
            Datum::Number(number) if currency => html! { (format!("${number:.2}")) },
            Datum::Number(number) => html! { (number.normalize()) },
            other => html! { (other.csv()) },
        }
    }

    /// A link to a record under its name, or the bare Id where there is none to see.
    pub fn link(&self, id: Id) -> Markup {
        match self.by_id(id, Sight::Latest) {
            Some(seen) => html! { a href=(record_path(id)) { (title(seen)) } },
            None => html! { (id) },
        }
    }
}

/// What a person calls the record.
pub fn title(seen: Seen<'_>) -> String {
    let named = ["Name", "Subject", "MasterLabel", "Label", "Email"];
    let text = named.into_iter().find_map(|name| seen.named(name).as_str().map(str::to_owned));
    text.unwrap_or_else(|| format!("{} {}", seen.kind.name(), seen.id()))
}

pub fn record_path(id: Id) -> String {
    let object = id.kind().map_or("-", Kind::name);
    format!("/lightning/r/{object}/{id}/view")
}

fn list_path(kind: Kind) -> String {
    format!("/lightning/o/{}/list", kind.name())
}

fn mentions(seen: Seen<'_>, wanted: &str) -> bool {
    let searched = ["Name", "Email", "Company", "Website", "Subject", "Phone"];
    searched.into_iter().any(|name| seen.named(name).as_str().is_some_and(|text| text.to_lowercase().contains(wanted)))
}

fn label(org: &Org, kind: Kind, name: &str) -> String {
    let label = org.schema(kind).any(name).map(|(_, field)| field.label.as_str()).unwrap_or(name);
    label.trim_end_matches(" ID").to_owned()
}

fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contact => &["Email", "Title", "AccountId", "OwnerId"],
        Kind::Lead => &["Email", "Company", "Status", "OwnerId"],
        Kind::Account => &["Website", "Industry", "BillingCountry", "OwnerId"],
        Kind::Opportunity => &["StageName", "Amount", "CloseDate", "AccountId", "OwnerId"],
        Kind::Task => &["Status", "ActivityDate", "WhoId", "OwnerId"],
        Kind::Campaign => &["Type", "Status", "IsActive"],
        Kind::User => &["Username", "Email", "IsActive"],
        _ => &[],
    }
}
