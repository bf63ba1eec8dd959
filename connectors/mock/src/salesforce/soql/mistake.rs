//! What is wrong with a query, in the vendor's words: the line, a caret under the place, row and column, the reason.

/// An error of a query: the vendor's code and its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub code: &'static str,
    pub message: String,
}

/// Lines longer than this are shown in part.
const SHOWN_WHOLE: usize = 120;
/// Characters shown on either side of the place in a long line.
const SHOWN_AROUND: usize = 40;

impl Mistake {
    /// An error that points nowhere.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new("MALFORMED_QUERY", message)
    }

    /// An error with a caret under the character at byte `at` of `source`. Rows and columns count characters from 1.
    pub fn at(code: &'static str, source: &str, at: usize, reason: &str) -> Self {
        let place = Place::of(source, at);
        let (shown, caret) = place.excerpt();
        let blank = " ".repeat(caret);
        let message = format!("\n{shown}\n{blank}^\nERROR at Row:{}:Column:{}\n{reason}", place.row, place.column + 1);
        Self::new(code, message)
    }

    /// The parser met something it has no rule for.
    pub fn unexpected(source: &str, at: usize, token: &str) -> Self {
        Self::at("MALFORMED_QUERY", source, at, &format!("unexpected token: '{token}'"))
    }

    /// The lexer met a character that starts nothing.
    pub fn no_viable(source: &str, at: usize) -> Self {
        let place = Place::of(source, at);
        match source.get(at..).and_then(|rest| rest.chars().next()) {
            Some(character) => Self::malformed(format!(
                "line {}:{} no viable alternative at character '{character}'",
                place.row, place.column
            )),
            None => Self::malformed(format!(
                "line {}:{} mismatched character '<EOF>' expecting '''",
                place.row, place.column
            )),
        }
    }
}

struct Place<'a> {
    line: &'a str,
    /// From 1.
    row: usize,
    /// Characters before the place in its line.
    column: usize,
}

impl<'a> Place<'a> {
    fn of(source: &'a str, at: usize) -> Self {
        let mut at = at.min(source.len());
        while !source.is_char_boundary(at) {
            at -= 1;
        }
        let (before, after) = source.split_at(at);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(source.len(), |newline| at + newline);
        let line = source.get(start..end).unwrap_or("");
        let column = before.get(start..).unwrap_or("").chars().count();
        Self { line, row: before.matches('\n').count() + 1, column }
    }

    /// The line, or the part of a long one around the place, and how many characters stand before the caret.
    fn excerpt(&self) -> (String, usize) {
        let length = self.line.chars().count();
        if length <= SHOWN_WHOLE {
            return (self.line.to_owned(), self.column);
        }
        let from = self.column.saturating_sub(SHOWN_AROUND);
        let shown = self.line.chars().skip(from).take(self.column - from + SHOWN_AROUND).collect();
        (shown, self.column - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_under_the_place() {
        let mistake = Mistake::unexpected("SELECT Id FORM Contact", 10, "FORM");
        assert_eq!(
            mistake.message,
            "\nSELECT Id FORM Contact\n          ^\nERROR at Row:1:Column:11\nunexpected token: 'FORM'"
        );
        assert_eq!(mistake.code, "MALFORMED_QUERY");
    }

    #[test]
    fn rows_and_columns_count_characters() {
        let mistake = Mistake::unexpected("SELECT Id\nFROM Ünder x y", "SELECT Id\nFROM Ünder x ".len(), "y");
        assert_eq!(
            mistake.message,
            "\nFROM Ünder x y\n             ^\nERROR at Row:2:Column:14\nunexpected token: 'y'"
        );
    }

    #[test]
    fn a_long_line_is_shown_in_part_and_the_column_counts_from_its_start() {
        let source = format!("SELECT {} FROM Contact", vec!["Id"; 100].join(","));
        let at = source.find("FROM").expect("a place");
        let mistake = Mistake::unexpected(&source, at, "FROM");
        let mut lines = mistake.message.lines().skip(1);
        let (shown, caret) = (lines.next().expect("a line"), lines.next().expect("a caret"));
        assert!(shown.len() <= 80, "{shown}");
        assert!(shown.get(caret.len() - 1..).is_some_and(|rest| rest.starts_with("FROM")), "{}", mistake.message);
        assert!(mistake.message.contains(&format!("Row:1:Column:{}", at + 1)));
    }

    #[test]
    fn a_place_past_the_end_or_inside_a_character_is_no_panic() {
        assert!(Mistake::unexpected("", 7, "<EOF>").message.contains("Row:1:Column:1"));
        assert!(Mistake::unexpected("é", 1, "x").message.contains("Column:1"));
        assert!(Mistake::no_viable("a ?", 2).message.starts_with("line 1:2 no viable"));
        assert!(Mistake::no_viable("'a", 2).message.contains("<EOF>"));
    }
}
