//! Problems as text for people and as JSON for tools.

use std::fmt;

use serde::Serialize;

use crate::config::diagnostic::{Diagnostic, Place};
use crate::config::mask;

/// The code that points at a secret: what it marks is never shown.
const WRITTEN_SECRET: &str = "E020";

/// Longest part of a source line that is shown around the carets, in characters.
const WIDEST: usize = 120;

/// One block:
///
/// ```text
/// error[E011]: unknown CRM type "hubspt"
///   --> sync.toml:12:8
///    |
/// 12 | type = "hubspt"
///    |        ^^^^^^^^ did you mean "hubspot"?
///    = one of: hubspot
/// ```
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.is_error() { "error" } else { "warning" };
        write!(f, "{severity}[{}]: {}", self.code, self.message)?;
        let margin = match &self.place {
            Some(place) => {
                let position = place.position();
                let margin = position.line.to_string().len();
                write!(f, "\n{:margin$}--> {}:{}:{}", "", place.text.name(), position.line, position.column)?;
                let (line, carets) = excerpt(place, self.code == WRITTEN_SECRET);
                write!(f, "\n{:margin$} |\n{} | {line}\n{:margin$} | {carets}", "", position.line, "")?;
                if let Some(label) = &self.label {
                    write!(f, " {label}")?;
                }
                margin
            }
            None => {
                if let Some(label) = &self.label {
                    write!(f, "\n  = {label}")?;
                }
                1
            }
        };
        match &self.help {
            Some(help) => write!(f, "\n{:margin$} = {help}", ""),
            None => Ok(()),
        }
    }
}

/// The source line, masked and cut to what fits, and the carets under it.
fn excerpt(place: &Place, is_secret: bool) -> (String, String) {
    let position = place.position();
    let (line, start) = place.text.line(position.line);
    let before = position.column.saturating_sub(1);
    let mut shown: Vec<char> = mask::line(line).chars().collect();
    if is_secret {
        shown.iter_mut().skip(before).filter(|c| c.is_alphanumeric()).for_each(|c| *c = mask::MASK);
    }
    // A span over several lines is marked to the end of its first.
    let end = place.span.end.min(start + line.len());
    let wide = place.text.text().get(place.span.start..end).map_or(0, |marked| marked.chars().count()).max(1);
    let (skip, cut) = if shown.len() <= WIDEST {
        (0, shown.len())
    } else {
        let skip = before.saturating_sub(WIDEST / 3);
        (skip, (skip + WIDEST).min(shown.len()))
    };
    let mut excerpt: String = shown.get(skip..cut).unwrap_or_default().iter().collect();
    let mut indent = before - skip;
    if skip > 0 {
        excerpt.insert(0, '…');
        indent += 1;
    }
    if cut < shown.len() {
        excerpt.push('…');
    }
    let wide = wide.min((cut.saturating_sub(before)).max(1));
    (excerpt.trim_end().to_owned(), format!("{}{}", " ".repeat(indent), "^".repeat(wide)))
}

/// A problem as `--format json` prints it.
#[derive(Debug, Serialize)]
pub struct ProblemJson<'d> {
    pub file: Option<&'d str>,
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub code: &'static str,
    pub message: &'d str,
    /// The suggestion and the help, in one sentence.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn to_json(&self) -> ProblemJson<'_> {
        let position = self.place.as_ref().map(Place::position);
        let help: Vec<&str> = self.label.iter().chain(&self.help).map(String::as_str).collect();
        ProblemJson {
            file: self.place.as_ref().map(|place| place.text.name()),
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            code: self.code,
            message: &self.message,
            help: (!help.is_empty()).then(|| help.join(" ")),
        }
    }
}

/// All problems, one block each, with an empty line between.
pub fn blocks(problems: &[Diagnostic]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::text::SourceText;

    fn at(text: &str, marked: &str) -> Place {
        let start = text.find(marked).unwrap();
        Place::new(&Arc::new(SourceText::new("sync.toml", text)), start..start + marked.len())
    }

    #[test]
    fn a_block_is_as_the_reference_shows_it() {
        let text = format!("{}type = \"hubspt\"\n", "\n".repeat(11));
        let problem = Diagnostic::new("E011", "unknown CRM type \"hubspt\"")
            .at(&at(&text, "\"hubspt\""))
            .suggest(Some("hubspot"))
            .help("one of: salesforce, hubspot, dynamics, zoho, mock");
        let want = r#"error[E011]: unknown CRM type "hubspt"
  --> sync.toml:12:8
   |
12 | type = "hubspt"
   |        ^^^^^^^^ did you mean "hubspot"?
   = one of: salesforce, hubspot, dynamics, zoho, mock"#;
        assert_eq!(problem.to_string(), want);
        let json = serde_json::to_string(&problem.to_json()).unwrap();
        assert_eq!(
            json,
            r#"{"file":"sync.toml","line":12,"column":8,"code":"E011","message":"unknown CRM type \"hubspt\"","help":"did you mean \"hubspot\"? one of: salesforce, hubspot, dynamics, zoho, mock"}"#
        );
    }

    #[test]
    fn a_problem_without_a_place_has_no_carets() {
        let problem = Diagnostic::new("E001", "cannot read sync.toml").help("create one with `ferry init`");
        assert_eq!(problem.to_string(), "error[E001]: cannot read sync.toml\n  = create one with `ferry init`");
    }

    #[test]
    fn long_lines_are_cut_and_spans_end_with_their_line() {
        let text = format!("x = \"{}\" y\nnext", "a b ".repeat(200));
        let block = Diagnostic::new("E001", "m").at(&at(&text, "y\nnext")).to_string();
        assert!(block.lines().all(|line| line.chars().count() <= WIDEST + 10), "{block}");
        assert!(block.ends_with("^"), "{block}");
        let carets = block.lines().last().unwrap().chars().count();
        assert_eq!(block.lines().nth(3).unwrap().chars().count(), carets, "{block}");
    }

    #[test]
    fn the_end_of_the_file_has_a_caret() {
        let text = Arc::new(SourceText::new("sync.toml", "a ="));
        let block = Diagnostic::new("E001", "m").at(&Place::new(&text, 3..3)).to_string();
        assert!(block.ends_with("1 | a =\n  |    ^"), "{block}");
    }
}
