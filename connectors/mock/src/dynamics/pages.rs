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
use crate::page_frame::{Frame, framed, when};
use crate::versions::Sight;

const FRAME: Frame =
    Frame { vendor: "Dynamics 365", accent: "#5b2d90", accent_dark: "#c3a6f0", mark: "#f3ecfb", mark_dark: "#261a38" };
const ROWS: usize = 25;
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
        let more = found.next().is_some();
        let body = html! {
            nav.tabs {
                @for each in SHOWN {
                    a href=(list_path(each)) aria-current=[(each == kind).then_some("page")] { (each.names().plural) }
                }
            }
            form.search action=(list_path(kind)) {
                input type="search" name="q" value=(words) aria-label="Search names, addresses, firms";
                button { "Search" }
            }
            @if rows.is_empty() {
                p.empty { "Nothing found." }
            } @else {
                table {
                    thead { tr {
                        th { "Name" }
                        @for column in columns(kind) { th { (label(self, kind, column)) } }
                        th { "Last changed" }
                    } }
                    tbody {
                        @for row in &rows {
                            tr {
                                td { a href=(row_path(row.kind, row.id)) { (title(*row)) } }
                                @for column in columns(kind) { td { (self.readable(*row, column)) } }
                                td.when { (when(row.stamp(), core.now)) }
                            }
                        }
                    }
                }
            }
            @if let (true, Some(last)) = (more, rows.last()) {
                p.more { a href=(next_path(kind, last.id, &words)) { "Next " (ROWS) " →" } }
            }
        };
        (200, kind.names().plural.to_owned(), body)
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

fn next_path(kind: Kind, last: Guid, words: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("after", &last.to_string());
    if !words.is_empty() {
        query.append_pair("q", words);
    }
    format!("{}?{}", list_path(kind), query.finish())
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
