//! The frame every page for people stands in, whatever vendor the mock plays. No script, no outside resource.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::clock::Millis;
use crate::exchange::Reply;

/// What tells one vendor's pages from another's at a glance: a name and two colours, for light and for dark.
pub struct Frame {
    pub vendor: &'static str,
    pub accent: &'static str,
    pub accent_dark: &'static str,
    pub mark: &'static str,
    pub mark_dark: &'static str,
}

impl Frame {
    fn colours(&self) -> String {
        format!(
            ":root{{--accent:{};--mark:{}}}@media(prefers-color-scheme:dark){{:root{{--accent:{};--mark:{}}}}}",
            self.accent, self.mark, self.accent_dark, self.mark_dark
        )
    }
}

/// A whole page. `place` says which account this is.
pub fn framed(frame: &Frame, place: &str, status: u16, title: &str, body: &Markup) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · mock " (frame.vendor) }
                style { (PreEscaped(frame.colours())) (PreEscaped(STYLE)) }
            }
            body {
                header { a href="/" { "mock " (frame.vendor) } span { (place) " · invented people" } }
                main { h1 { (title) } (body) }
            }
        }
    };
    Reply::html(status, page.into_string())
        .with(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
        )
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
}

/// A stamp as people say it: how long ago, or the day.
pub fn when(at: Millis, now: Millis) -> String {
    const MINUTE: i64 = 60_000;
    match now - at {
        ago if ago < 0 => crate::clock::iso(at),
        ago if ago < MINUTE => "just now".to_owned(),
        ago if ago < 60 * MINUTE => format!("{} min ago", ago / MINUTE),
        ago if ago < 24 * 60 * MINUTE => format!("{} h ago", ago / (60 * MINUTE)),
        _ => crate::clock::iso_date(at),
    }
}

const STYLE: &str = "
:root{--ink:#1f2a37;--soft:#667085;--line:#e4e7ec;--paper:#fff;--wash:#f6f7f9}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ee;--soft:#98a2b3;--line:#2c3442;--paper:#171c25;--wash:#10141b}}
*{box-sizing:border-box}
body{margin:0;background:var(--wash);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header{display:flex;gap:1rem;align-items:baseline;padding:.75rem 1.5rem;background:var(--paper);
border-bottom:1px solid var(--line)}
header a{font-weight:650;color:var(--accent);text-decoration:none}header span{color:var(--soft);font-size:.85rem}
main{max-width:70rem;margin:1.5rem auto;padding:0 1.5rem}
h1{font-size:1.5rem;margin:0 0 1rem}h2{font-size:1rem;margin:0 0 .5rem}
a{color:var(--accent)}
.tabs{display:flex;gap:1.25rem;margin-bottom:1rem}.tabs a{color:var(--soft);text-decoration:none;padding-bottom:.25rem}
.tabs a[aria-current]{color:var(--ink);border-bottom:2px solid var(--accent)}
.search{display:flex;gap:.5rem;margin-bottom:1rem}
input,button{font:inherit;padding:.4rem .7rem;border:1px solid var(--line);border-radius:6px;background:var(--paper);
color:inherit}input{flex:1;max-width:26rem}button{cursor:pointer}
table{width:100%;border-collapse:collapse;background:var(--paper);border:1px solid var(--line);border-radius:8px}
th,td{text-align:left;padding:.5rem .75rem;border-top:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
thead th{border-top:0;color:var(--soft);font-weight:500;font-size:.85rem}
.when,.empty,small{color:var(--soft)}.more{text-align:right}
.columns{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,1fr);gap:1.5rem}
@media(max-width:50rem){.columns{grid-template-columns:1fr}}
section{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:1rem 1.25rem;margin-bottom:1rem}
section.enriched{background:var(--mark);border-color:var(--accent)}
dl{display:grid;grid-template-columns:minmax(9rem,1fr) 2fr;gap:.4rem 1rem;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-line}.note{margin:.2rem 0 .6rem;white-space:pre-line}
.tag{font-size:.75rem;border:1px solid var(--accent);color:var(--accent);border-radius:99px;padding:.05rem .5rem;
margin-left:.5rem;font-weight:500}
.gone{color:var(--accent)}ul{margin:0;padding-left:1.1rem}
";
