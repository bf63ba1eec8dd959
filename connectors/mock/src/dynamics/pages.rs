//! Pages for people: the list of a table's rows, and which page a path is. They show what is in the org, whatever the
//! integration user may see of it.

use maud::{Markup, html};

use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::page_record;
use super::schema::Ty;
use super::seen::Seen;
use crate::desk::Core;
use crate::exchange::{Call, Reply};
use crate::page_frame::{Frame, framed};
use crate::page_list::{Line, Listing, ROWS, Tab, turned};
use crate::versions::Sight;

const FRAME: Frame =
    Frame { vendor: "Dynamics 365", accent: "#5b2d90", accent_dark: "#c3a6f0", mark: "#f3ecfb", mark_dark: "#261a38" };
const SHOWN: [Kind; 7] =
    [Kind::Contact, Kind::Lead, Kind::Account, Kind::Opportunity, Kind::Task, Kind::Annotation, Kind::SystemUser];

impl Org {
    /// The page at this path, if there is one.
    pub fn page(&self, core: &Core, call: &Call) -> Option<Reply> {
        if call.method != "GET" {
            return None;
        }
        let segments = call.segments();
        let path: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (status, title, body) = match path.as_slice() {
            [] => self.list_page(core, call, Kind::Contact),
            // What a link in the real product looks like.
            ["main.aspx"] => {
                let kind = call.parameter("etn").and_then(|name| Kind::of_logical(&name));
                match call.parameter("id").and_then(|id| Guid::parse(&id)) {
                    Some(id) => self.record_page(core, kind.or_else(|| self.kind_of_row(id))?, id),
                    None => self.list_page(core, call, kind?),
                }
            }
            ["app", table] => self.list_page(core, call, Kind::of_logical(table)?),
            ["app", table, id] => self.record_page(core, Kind::of_logical(table)?, Guid::parse(id)?),
            _ => return None,
        };
        Some(framed(&FRAME, "environment acme", status, &title, &body))
    }

    fn record_page(&self, core: &Core, kind: Kind, id: Guid) -> (u16, String, Markup) {
        match self.whatever(kind, id, Sight::Latest) {
            Some(row) => (200, title(row), page_record::body(self, core, row)),
            None => (404, "No such row".to_owned(), html! { p.empty { "There is no such row here." } }),
        }
    }

    fn list_page(&self, core: &Core, call: &Call, kind: Kind) -> (u16, String, Markup) {
        let words = call.parameter("q").unwrap_or_default();
        let wanted = words.trim().to_lowercase();
        let after = call.parameter("after").and_then(|text| Guid::parse(&text));
        let live = self.ids(kind, after).filter_map(|id| self.row(kind, id, Sight::Latest));
        let mut found = live.filter(|row| wanted.is_empty() || mentions(*row, &wanted));
        let rows: Vec<Seen<'_>> = found.by_ref().take(ROWS).collect();
        let next = found.next().and(rows.last()).map(|last| last.id.to_string());
        let path = list_path(kind);
        let line = |row: &Seen<'_>| Line {
            path: row_path(row.kind, row.id),
            title: title(*row),
            cells: columns(kind).iter().map(|column| self.readable(*row, column)).collect(),
            changed: row.stamp(),
        };
        let tab =
            |each: Kind| Tab { path: list_path(each), name: each.names().plural.to_owned(), current: each == kind };
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
        (200, kind.names().plural.to_owned(), listing.body(core.now))
    }

    /// A value as a person reads it; rows by their name.
    pub fn readable(&self, row: Seen<'_>, name: &str) -> Markup {
        let Some((column, definition)) = self.schema(row.kind).column(name) else { return html! { "–" } };
        match row.get(column) {
            Datum::Null => html! { "–" },
            Datum::Ref(kind, id) => self.link(kind, id),
            Datum::Instant(_) | Datum::Guid(_) => html! { (row.get(column).plain()) },
            other => match row.formatted(column) {
                Some(text) if definition.ty != Ty::BigInt => html! { (text) },
                _ => html! { (other.plain()) },
            },
        }
    }

    /// A link to a row under its name, or the bare id where there is none to see.
    pub fn link(&self, kind: Kind, id: Guid) -> Markup {
        match self.row(kind, id, Sight::Latest) {
            Some(row) => html! { a href=(row_path(kind, id)) { (title(row)) } },
            None => html! { (id.to_string()) },
        }
    }
}

/// What a person calls the row.
pub fn title(row: Seen<'_>) -> String {
    let name = row.title();
    if name.is_empty() { format!("{} {}", row.kind.names().label, row.id) } else { name }
}

pub fn row_path(kind: Kind, id: Guid) -> String {
    format!("/app/{}/{id}", kind.logical())
}

fn list_path(kind: Kind) -> String {
    format!("/app/{}", kind.logical())
}

fn mentions(row: Seen<'_>, wanted: &str) -> bool {
    let searched =
        ["name", "fullname", "emailaddress1", "companyname", "subject", "websiteurl", "internalemailaddress"];
    searched.into_iter().any(|name| row.named(name).as_str().is_some_and(|text| text.to_lowercase().contains(wanted)))
}

pub fn label(org: &Org, kind: Kind, name: &str) -> String {
    org.schema(kind).column(name).map_or_else(|| name.to_owned(), |(_, column)| column.label.clone())
}

fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Contact => &["emailaddress1", "jobtitle", "parentcustomerid", "ownerid"],
        Kind::Lead => &["emailaddress1", "companyname", "statecode", "ownerid"],
        Kind::Account => &["websiteurl", "industrycode", "address1_country", "ownerid"],
        Kind::Opportunity => &["statecode", "estimatedvalue", "estimatedclosedate", "customerid", "ownerid"],
        Kind::Task => &["statecode", "scheduledend", "regardingobjectid", "ownerid"],
        Kind::Annotation => &["objectid", "ownerid"],
        Kind::SystemUser => &["internalemailaddress", "isdisabled"],
        _ => &[],
    }
}
