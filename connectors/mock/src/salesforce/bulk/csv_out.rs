//! CSV as the Bulk API writes it: every value in quotes, inner quotes doubled, null and empty alike.

use super::dialect::Dialect;

/// A file being written; `row` appends one line.
pub struct Sheet {
    dialect: Dialect,
    text: Vec<u8>,
}

impl Sheet {
    pub fn new(dialect: Dialect) -> Self {
        Self { dialect, text: Vec::new() }
    }

    pub fn row<'a>(&mut self, values: impl IntoIterator<Item = &'a str>) {
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push(self.dialect.delimiter.byte());
            }
            self.text.push(b'"');
            for (piece, part) in value.split('"').enumerate() {
                if piece > 0 {
                    self.text.extend_from_slice(b"\"\"");
                }
                self.text.extend_from_slice(part.as_bytes());
            }
            self.text.push(b'"');
        }
        self.text.extend_from_slice(self.dialect.ending.text().as_bytes());
    }

    pub fn finish(self) -> Vec<u8> {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{Delimiter, LineEnding};
    use super::*;

    #[test]
    fn every_value_is_quoted_and_inner_quotes_are_doubled() {
        let mut sheet = Sheet::new(Dialect { delimiter: Delimiter::Pipe, ending: LineEnding::Crlf });
        sheet.row(["Id", "Name"]);
        sheet.row(["1", "O'Neil \"Red\"\nline"]);
        sheet.row(["2", ""]);
        let text = String::from_utf8(sheet.finish()).unwrap();
        assert_eq!(text, "\"Id\"|\"Name\"\r\n\"1\"|\"O'Neil \"\"Red\"\"\nline\"\r\n\"2\"|\"\"\r\n");
    }
}
