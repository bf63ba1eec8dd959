//! A digest as text: plain, or HTML in which nothing that came from outside is markup.

use chrono_tz::Tz;

use super::digest::{Digest, LONGEST};

/// What the place that it is written to takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Plain,
    Html,
}

/// A heading with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) head: &'static str,
    pub(super) lines: Vec<String>,
}

/// Longest line, in characters; where a digest is too long, shorter and shorter.
const WIDTHS: [usize; 4] = [240, 120, 60, 30];

/// Writes a digest, at most `longest` and [`LONGEST`] characters with `ending`, which is a line of ours. Where that is too little,
/// lines become shorter, then the last ones fall away.
pub fn written(digest: &Digest, format: Format, zone: Tz, ending: &str, longest: usize) -> String {
    let mut sections = digest.sections(zone);
    let fits = |text: &str| text.chars().count() <= longest.min(LONGEST);
    for width in WIDTHS {
        let text = render(&sections, format, width, ending);
        if fits(&text) {
            return text;
        }
    }
    let shortest = WIDTHS.last().copied().unwrap_or_default();
    loop {
        let text = render(&sections, format, shortest, ending);
        if fits(&text) {
            return text;
        }
        let Some(last) = sections.last_mut() else { return String::new() };
        last.lines.pop();
        if last.lines.is_empty() {
            sections.pop();
        }
    }
}

fn render(sections: &[Section], format: Format, width: usize, ending: &str) -> String {
    let mut out = String::new();
    for Section { head, lines } in sections {
        let lines: Vec<String> = lines.iter().map(|line| cut(line, width)).collect();
        match (format, lines.as_slice()) {
            (Format::Plain, [only]) => out.push_str(&format!("{head}: {only}\n")),
            (Format::Plain, lines) => {
                out.push_str(&format!("{head}:\n"));
                lines.iter().for_each(|line| out.push_str(&format!("- {line}\n")));
            }
            (Format::Html, [only]) => out.push_str(&format!("<p><strong>{head}</strong>: {}</p>", escaped(only))),
            (Format::Html, lines) => {
                out.push_str(&format!("<p><strong>{head}</strong></p><ul>"));
                lines.iter().for_each(|line| out.push_str(&format!("<li>{}</li>", escaped(line))));
                out.push_str("</ul>");
            }
        }
    }
    match format {
        Format::Plain => out.push_str(ending),
        Format::Html if ending.is_empty() => {}
        Format::Html => out.push_str(&format!("<p>{}</p>", escaped(ending))),
    }
    out.trim_end().to_owned()
}

/// One line of at most so many characters, without anything that moves or hides text.
fn cut(line: &str, width: usize) -> String {
    let hides =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let plain = line.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !hides(*c)).collect::<String>();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.chars().count() <= width {
        return plain;
    }
    let kept: String = plain.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use connector::Timestamp;

    use super::*;
    use crate::model::TimelineKind;
    use crate::timeline::{Colleague, Contact, Direction, Item, OpenDeal, Visibility};

    fn item(title: &str, detail: Option<&str>, kind: TimelineKind) -> Item {
        Item {
            id: title.into(),
            profile_id: None,
            company_id: None,
            occurred_at: Timestamp::parse_rfc3339("2026-03-04T23:30:00Z").unwrap(),
            recorded_at: Timestamp::EPOCH,
            kind,
            direction: Direction::In,
            title: title.into(),
            detail: detail.map(Into::into),
            actor: None,
            source: "website".into(),
            source_ref: None,
            importance: 3,
            dedupe_key: title.into(),
            visibility: Visibility::Sales,
        }
    }

    fn digest() -> Digest {
        let at = Timestamp::parse_rfc3339("2026-03-04T09:00:00Z").unwrap();
        Digest {
            why: Some(item("Score 65 (A3) → MQL", Some("Demo form +18.0; Company size +12.0"), TimelineKind::Score)),
            touches: vec![
                item("Demo form", None, TimelineKind::Web),
                item("Visited 2 pages, incl. Pricing — 10 min", Some("Home, Pricing"), TimelineKind::Web),
            ],
            pages: vec![("Pricing".into(), 2, at)],
            first_touch: Some("google / cpc / spring".into()),
            deals: vec![OpenDeal {
                name: "Big deal".into(),
                stage: Some("Offer".into()),
                amount: Some("12000 EUR".into()),
            }],
            last_contact: Some(Contact { at, what: "Call logged".into(), by: Some("Rita".into()) }),
            do_not_contact: vec!["no e-mail: unsubscribed".into()],
            colleagues: vec![Colleague { name: "Bob Brown".into(), last_active: at }],
        }
    }

    #[test]
    fn a_digest_reads_in_the_order_that_a_rep_asks() {
        let text = written(&digest(), Format::Plain, chrono_tz::Europe::Berlin, "[ferry:note:digest]", LONGEST);
        let want = "\
Why now:
- Score 65 (A3) → MQL on 5 Mar 2026
- Demo form +18.0; Company size +12.0
Do not contact: no e-mail: unsubscribed
Last touches:
- 5 Mar 2026: Demo form
- 5 Mar 2026: Visited 2 pages, incl. Pricing — 10 min
Pages of intent: Pricing ×2 (last 4 Mar 2026)
Came from: google / cpc / spring
Open deals: Big deal: Offer, 12000 EUR
Last contact: 4 Mar 2026: Call logged by Rita
Active colleagues: Bob Brown (4 Mar 2026)
[ferry:note:digest]";
        assert_eq!(text, want);
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let hostile = "<script>alert(\"x\")</script> & 'more'\u{202e}\u{0}\n<img src=x onerror=y>";
        let mut digest = digest();
        digest.touches = vec![item(hostile, Some(hostile), TimelineKind::Commerce)];
        digest.deals = vec![OpenDeal { name: hostile.into(), stage: Some(hostile.into()), amount: None }];
        digest.colleagues = vec![Colleague { name: hostile.into(), last_active: Timestamp::EPOCH }];
        digest.first_touch = Some(hostile.into());
        let html = written(&digest, Format::Html, chrono_tz::UTC, "", LONGEST);
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;more&#39;"), "{html}");
        let tags = html.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap_or_default());
        for tag in tags {
            assert!(["p", "/p", "strong", "/strong", "ul", "/ul", "li", "/li"].contains(&tag), "{tag}");
        }
        assert!(!html.contains('\u{202e}') && !html.contains('\u{0}'));
    }

    #[test]
    fn it_is_never_too_long() {
        let long: Arc<str> = "&\"<ü ".repeat(2_000).into();
        let mut digest = digest();
        digest.touches = vec![item(&long, Some(&long), TimelineKind::Offline); 3];
        digest.deals = vec![OpenDeal { name: long.clone(), stage: Some(long.clone()), amount: Some(long.clone()) }; 9];
        digest.do_not_contact = vec![long.clone(); 4];
        digest.colleagues = vec![Colleague { name: long.clone(), last_active: Timestamp::EPOCH }; 9];
        digest.pages = vec![(long, 3, Timestamp::EPOCH)];
        for format in [Format::Plain, Format::Html] {
            let text = written(&digest, format, chrono_tz::UTC, "[ferry:note:digest]", LONGEST);
            assert!(text.chars().count() <= LONGEST, "{}", text.chars().count());
            assert!(text.contains("Score 65 (A3) → MQL") && text.contains("[ferry:note:digest]"), "{text}");
            let short = written(&digest, format, chrono_tz::UTC, "", 255);
            assert!(short.chars().count() <= 255 && short.contains("Score 65 (A3) → MQL"), "{short}");
        }
    }

    #[test]
    fn without_anything_it_is_empty() {
        assert_eq!(written(&Digest::default(), Format::Html, chrono_tz::UTC, "", LONGEST), "");
        assert!(!Digest::default().has_news());
    }
}
