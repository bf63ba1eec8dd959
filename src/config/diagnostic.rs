//! One thing that is wrong with the configuration, where it stands, and what to do about it.

use std::cell::RefCell;
use std::sync::Arc;

use crate::config::text::{Position, SourceText, Span};

/// A problem. Codes beginning with `E` are errors, with `W` warnings (`docs/configuration.md` lists them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where; `None` for what has no place in a text (the file cannot be read).
    pub place: Option<Place>,
    /// Short words shown beside the carets: usually the suggestion.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
}

/// A span of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub text: Arc<SourceText>,
    pub span: Span,
}

impl Place {
    pub fn new(text: &Arc<SourceText>, span: Span) -> Self {
        Self { text: text.clone(), span }
    }

    pub fn position(&self) -> Position {
        self.text.position(self.span.start)
    }
}

impl Diagnostic {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), place: None, label: None, help: None }
    }

    pub fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// `did you mean "x"?` beside the carets, if there is a suggestion.
    pub fn suggest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.label(format!("did you mean \"{name}\"?")),
            None => self,
        }
    }

    /// `did you mean `x`?`, for keys and sections.
    pub fn suggest_key(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.label(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    pub fn is_error(&self) -> bool {
        self.code.starts_with('E')
    }
}

/// Collects problems while a file is read: all of them, at once.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Diagnostic>>);

impl Problems {
    /// More are never useful, and a hostile file must not fill the screen.
    const MOST: usize = 200;

    pub fn add(&self, problem: Diagnostic) {
        let mut all = self.0.borrow_mut();
        if all.len() < Self::MOST {
            all.push(problem);
        }
    }

    pub fn has_errors(&self) -> bool {
        self.0.borrow().iter().any(Diagnostic::is_error)
    }

    /// (errors, warnings), each in the order of the file, the same one once.
    pub fn into_sorted(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let mut all = self.0.into_inner();
        all.sort_by_cached_key(|problem| {
            let place = problem.place.as_ref();
            (place.map(|place| place.text.name().to_owned()), place.map(|place| place.span.start), problem.code)
        });
        all.dedup();
        all.into_iter().partition(Diagnostic::is_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_out_in_the_order_of_the_file() {
        let text = Arc::new(SourceText::new("sync.toml", "a = 1\nb = 2\n"));
        let problems = Problems::default();
        for (code, start) in [("E006", 6), ("W101", 3), ("E003", 0), ("E003", 0)] {
            problems.add(Diagnostic::new(code, "m").at(&Place::new(&text, start..start + 1)));
        }
        assert!(problems.has_errors());
        let (errors, warnings) = problems.into_sorted();
        assert_eq!(errors.iter().map(|e| e.code).collect::<Vec<_>>(), ["E003", "E006"]);
        assert_eq!(warnings.len(), 1);
    }
}
