//! Pages for people: the list of a module's records, and which page a path is.

use maud::{Markup, html};

use super::datum::Datum;
use super::ids::{self, ORG_ID};
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
    Frame { vendor: "Zoho CRM", accent: "#15803d", accent_dark: "#4ade80", mark: "#effaf2", mark_dark: "#16251b" };
const SHOWN: [Kind; 8] = Kind::ALL;

impl Org {
    /// The page at this path, if there is one: `/`, `/tab/Contacts`, `/tab/Contacts/{id}`, with or without `/crm/org{…}`.
    pub fn page(&self, core: &Core, call: &Call) -> Option<Reply> {
        if call.method != "GET" {
            return None;
        }
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let inner = match path.as_slice() {
            ["crm", org, rest @ ..] if *org == format!("org{ORG_ID}") => rest,
            all => all,
        };
        let (status, title, body) = match inner {
            [] => self.list_page(core, call, Kind::Contacts),
            ["tab", module] => self.list_page(core, call, Kind::parse(module)?),
            ["tab", module, id] => {
                let kind = Kind::parse(module)?;
                let id = ids::parse(id).filter(|id| ids::kind_of(*id) == Some(kind));
                match id.and_then(|id| self.seen(kind, id, Sight::Latest)) {
                    Some(seen) => (200, self.heading(&seen), page_record::body(self, core, &seen)),
                    None => (404, "No such record".to_owned(), html! { p.empty { "There is no such record here." } }),
                }
            }
            _ => return None,
        };
        Some(framed(&FRAME, &format!("org {ORG_ID}"), status, &title, &body))
    }

    pub fn heading(&self, seen: &Seen<'_>) -> String {
        let title = seen.title();
        if title.is_empty() { format!("{} {}", seen.kind.singular(), seen.id) } else { title }
    }

    fn list_page(&self, core: &Core, call: &Call, kind: Kind) -> (u16, String, Markup) {
        let words = call.parameter("q").unwrap_or_default();
        let wanted = words.trim().to_lowercase();
        let start = call.parameter("from").and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        // People look at the records themselves, not at the lagging index.
        let ids = self.table(kind).all_ids(&self.people).filter(|id| *id >= start);
        let live = ids.filter_map(|id| self.live(kind, id, Sight::Latest));
        let mut found = live.filter(|seen| wanted.is_empty() || self.says(seen, &wanted));
        let rows: Vec<Seen<'_>> = found.by_ref().take(ROWS).collect();
        let next = found.next().map(|seen| seen.id);
        let path = list_path(kind);
        let line = |seen: &Seen<'_>| Line {
            path: record_path(seen.id),
            title: self.heading(seen),
            cells: columns(kind).iter().map(|column| html! { (self.readable(seen, column)) }).collect(),
            changed: seen.modified(),
        };
        let tab = |each: Kind| Tab { path: list_path(each), name: each.name().to_owned(), current: each == kind };
        let heads = columns(kind).iter().map(|column| column.replace('_', " "));
        let listing = Listing {
            tabs: SHOWN.map(tab).into(),
            searched: "names, addresses, numbers",
            columns: std::iter::once("Name".to_owned()).chain(heads).collect(),
            lines: rows.iter().map(line).collect(),
            next: next.map(|next| turned(&path, ("from", &next.to_string()), &words)),
            path,
            words,
        };
        (200, kind.name().to_owned(), listing.body(core.now))
    }

    /// A value as a person reads it: lookups by name, choices by what they are called.
    pub fn readable(&self, seen: &Seen<'_>, name: &str) -> String {
        let Some((id, field)) = self.schema(seen.kind).get(name) else { return "–".to_owned() };
        let datum = seen.get(id);
        if datum.is_null() {
            return "–".to_owned();
        }
        if let Some(target) = datum.as_ref_id().filter(|_| field.ty.is_lookup()) {
            return self.title_of(target).unwrap_or_else(|| "–".to_owned());
        }
        let text = datum.plain(self.knobs.offset_min);
        let named = field.choices.iter().find(|choice| field.ty == FieldType::Picklist && choice.actual == text);
        let several = matches!(datum, Datum::List(_));
        named.map_or(if several { text.replace(';', ", ") } else { text }, |choice| choice.display.clone())
    }
}

fn list_path(kind: Kind) -> String {
    format!("/tab/{}", kind.name())
}

pub fn record_path(id: u64) -> String {
    format!("/tab/{}/{id}", ids::kind_of(id).map_or("", Kind::name))
}

fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Accounts => &["Website", "Industry", "Billing_Country", "Owner"],
        Kind::Deals => &["Stage", "Amount", "Account_Name", "Owner"],
        Kind::Leads => &["Email", "Company", "Lead_Status", "Owner"],
        Kind::Tasks => &["Status", "Due_Date", "Who_Id", "Owner"],
        Kind::Calls => &["Call_Type", "Call_Start_Time", "Who_Id", "Owner"],
        Kind::Events => &["Start_DateTime", "End_DateTime", "Who_Id", "Owner"],
        Kind::Notes => &["Note_Content", "Parent_Id", "Owner"],
        _ => &["Email", "Title", "Account_Name", "Owner"],
    }
}
