//! The list of an object's records, as every mock shows it to people: tabs over the objects, a search, a table, and the
//! way to the next page.

use maud::{Markup, html};

use crate::clock::Millis;
use crate::page_frame::when;

/// Records on one page.
pub const ROWS: usize = 25;

/// One page of the list.
pub struct Listing {
    pub tabs: Vec<Tab>,
    /// Where a search goes: the object's own list.
    pub path: String,
    /// What a search looks through: `names, addresses, firms`.
    pub searched: &'static str,
    /// What was searched for.
    pub words: String,
    /// Heads of the columns, the record's name first.
    pub columns: Vec<String>,
    pub lines: Vec<Line>,
    /// Where the next page is.
    pub next: Option<String>,
}

/// Another object's list.
pub struct Tab {
    pub path: String,
    pub name: String,
    pub current: bool,
}

/// One record: its name leads to its own page, the other cells follow it.
pub struct Line {
    pub path: String,
    pub title: String,
    pub cells: Vec<Markup>,
    pub changed: Millis,
}

impl Listing {
    pub fn body(&self, now: Millis) -> Markup {
        html! {
            nav.tabs {
                @for tab in &self.tabs {
                    a href=(tab.path) aria-current=[tab.current.then_some("page")] { (tab.name) }
                }
            }
            form.search action=(self.path) {
                input type="search" name="q" value=(self.words) aria-label={ "Search " (self.searched) };
                button { "Search" }
            }
            @if self.lines.is_empty() {
                p.empty { "Nothing found." }
            } @else {
                table {
                    thead { tr {
                        @for column in &self.columns { th { (column) } }
                        th { "Last changed" }
                    } }
                    tbody {
                        @for line in &self.lines {
                            tr {
                                td { a href=(line.path) { (line.title) } }
                                @for cell in &line.cells { td { (cell) } }
                                td.when { (when(line.changed, now)) }
                            }
                        }
                    }
                }
            }
            @if let Some(next) = &self.next {
                p.more { a href=(next) { "Next " (ROWS) " →" } }
            }
        }
    }
}

/// The list at `path` for the same words, from the record that `parameter` names.
pub fn turned(path: &str, (parameter, record): (&str, &str), words: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(parameter, record);
    if !words.is_empty() {
        query.append_pair("q", words);
    }
    format!("{path}?{}", query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_words_as_words_and_keeps_them_on_the_next() {
        let next = turned("/list", ("after", "7"), "a&b");
        assert_eq!(next, "/list?after=7&q=a%26b");
        assert_eq!(turned("/list", ("from", "7"), ""), "/list?from=7");
        let line = Line { path: "/7".into(), title: "<b>".into(), cells: vec![html! { "–" }], changed: 0 };
        let tab = |name: &str, current| Tab { path: format!("/{name}"), name: name.into(), current };
        let page = Listing {
            tabs: vec![tab("one", true), tab("two", false)],
            path: "/list".into(),
            searched: "names",
            words: "a&b".into(),
            columns: vec!["Name".into(), "Owner".into()],
            lines: vec![line],
            next: Some(next),
        };
        let html = page.body(0).into_string();
        assert!(html.contains(r#"<a href="/7">&lt;b&gt;</a></td><td>–</td>"#), "{html}");
        assert!(html.contains(r#"<a href="/one" aria-current="page">one</a><a href="/two">two</a>"#), "{html}");
        assert!(html.contains(r#"value="a&amp;b" aria-label="Search names""#) && html.contains("Next 25"), "{html}");
        assert!(Listing { lines: Vec::new(), next: None, ..page }.body(0).into_string().contains("Nothing found."));
    }
}
