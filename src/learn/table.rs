//! A table of foreign data: columns of numbers or of texts, each with gaps.
//!
//! Whether a column is one of numbers is decided when all of it has been seen: it is where at least 95 % of what is there
//! can be read as a finite number. What cannot is then a gap, and counted.

use std::collections::HashMap;

/// Rows by number, columns by place.
#[derive(Clone, Debug, Default)]
pub struct Table {
    pub columns: Vec<Column>,
    rows: usize,
    /// Lines with fewer or more cells than the header; what is missing is a gap, what is more is dropped.
    pub ragged: usize,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub data: Data,
    /// Cells of a column of numbers that were no numbers, and became gaps.
    pub unreadable: usize,
}

#[derive(Clone, Debug)]
pub enum Data {
    /// A gap is NaN; everything else is finite.
    Numbers(Vec<f64>),
    /// By row, a place in `levels`, or the largest number where it is missing. Equal texts have equal codes.
    Texts { codes: Vec<u32>, levels: Vec<Box<str>> },
}

/// The code of an empty cell.
pub const GAP: u32 = u32::MAX;
/// The code of a text that came when [`MOST_LEVELS`] others were already there.
pub const RARE: u32 = u32::MAX - 1;
/// Different texts of one column that are told apart.
pub const MOST_LEVELS: usize = 20_000;
/// Characters of a text that are kept.
const LONGEST_TEXT: usize = 200;
/// The share of cells that must be numbers for a column to be one of numbers.
const MOSTLY: f64 = 0.95;
/// Larger numbers would overflow when squared and summed.
const LARGEST: f64 = 1e120;
/// What people and programs write where there is nothing.
const NOTHING: &[&str] = &["", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "#n/a", "\\n"];

/// One value, as it comes in and as a model takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    Gap,
    Number(f64),
    Text(&'a str),
}

impl<'a> Cell<'a> {
    /// What a number column makes of this value.
    pub fn number(self) -> f64 {
        match self {
            Self::Number(number) if number.is_finite() && number.abs() <= LARGEST => number,
            Self::Text(text) => number(text).unwrap_or(f64::NAN),
            Self::Gap | Self::Number(_) => f64::NAN,
        }
    }

    /// A cell of a file: nothing, or the text that is there.
    pub fn of_text(text: &'a str) -> Self {
        let text = text.trim();
        if is_nothing(text) { Self::Gap } else { Self::Text(text) }
    }
}

fn is_nothing(text: &str) -> bool {
    text.len() <= 4 && NOTHING.iter().any(|nothing| text.eq_ignore_ascii_case(nothing))
}

/// A finite number, or nothing.
pub fn number(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number.abs() <= LARGEST).then_some(number)
}

/// The first characters of a text, so that no cell is kept whole however long it is.
pub fn shortened(text: &str) -> &str {
    text.char_indices().nth(LONGEST_TEXT).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}

impl Table {
    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Puts finished columns together. Columns of another length are not taken.
    pub fn of_columns(columns: Vec<Column>, rows: usize) -> Self {
        let columns = columns.into_iter().filter(|column| column.data.len() == rows).collect();
        Self { columns, rows, ragged: 0 }
    }

    /// The rows whose numbers are given, in that order.
    pub fn rows(&self, wanted: &[u32]) -> Self {
        let columns = self.columns.iter().map(|column| Column {
            name: column.name.clone(),
            data: column.data.rows(wanted),
            unreadable: column.unreadable,
        });
        Self { columns: columns.collect(), rows: wanted.len(), ragged: self.ragged }
    }
}

impl Data {
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts { codes, .. } => codes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Self::Numbers(numbers) => match numbers.get(row) {
                Some(number) if !number.is_nan() => Cell::Number(*number),
                _ => Cell::Gap,
            },
            Self::Texts { codes, levels } => match codes.get(row) {
                None | Some(&GAP) => Cell::Gap,
                Some(code) => Cell::Text(levels.get(*code as usize).map_or("(rare)", AsRef::as_ref)),
            },
        }
    }

    fn rows(&self, wanted: &[u32]) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(
                wanted.iter().map(|row| numbers.get(*row as usize).copied().unwrap_or(f64::NAN)).collect(),
            ),
            Self::Texts { codes, levels } => Self::Texts {
                codes: wanted.iter().map(|row| codes.get(*row as usize).copied().unwrap_or(GAP)).collect(),
                levels: levels.clone(),
            },
        }
    }
}

/// A column while its cells come in. Both readings are kept until the end.
#[derive(Debug, Default)]
pub struct Growing {
    numbers: Vec<f64>,
    codes: Vec<u32>,
    levels: Vec<Box<str>>,
    known: HashMap<Box<str>, u32>,
    texts: usize,
    filled: usize,
}

impl Growing {
    pub fn push(&mut self, cell: Cell<'_>) {
        let (number, code) = match cell {
            Cell::Gap => (f64::NAN, GAP),
            Cell::Number(_) => (cell.number(), GAP),
            Cell::Text(text) => (number(text).unwrap_or(f64::NAN), self.code(shortened(text))),
        };
        self.filled += usize::from(cell != Cell::Gap);
        self.texts += usize::from(number.is_nan() && cell != Cell::Gap);
        self.numbers.push(number);
        self.codes.push(code);
    }

    fn code(&mut self, text: &str) -> u32 {
        if let Some(code) = self.known.get(text) {
            return *code;
        }
        if self.levels.len() == MOST_LEVELS {
            return RARE;
        }
        let code = self.levels.len() as u32;
        self.levels.push(text.into());
        self.known.insert(text.into(), code);
        code
    }

    pub fn finish(self, name: String) -> Column {
        let numeric = self.filled == 0 || (self.filled - self.texts) as f64 >= MOSTLY * self.filled as f64;
        let unreadable = if numeric { self.texts } else { 0 };
        let data =
            if numeric { Data::Numbers(self.numbers) } else { Data::Texts { codes: self.codes, levels: self.levels } };
        Column { name, data, unreadable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(cells: &[&str]) -> Column {
        let mut growing = Growing::default();
        cells.iter().for_each(|text| growing.push(Cell::of_text(text)));
        growing.finish("c".into())
    }

    #[test]
    fn numbers_with_gaps_are_numbers_and_words_are_not() {
        let Data::Numbers(numbers) = column(&["1", " 2.5 ", "", "NA", "-3e2"]).data else { panic!("texts") };
        assert_eq!(numbers[..2], [1.0, 2.5]);
        assert!(numbers[2].is_nan() && numbers[3].is_nan());
        assert_eq!(numbers[4], -300.0);
        let Data::Texts { codes, levels } = column(&["1", "b", "1", "?"]).data else { panic!("numbers") };
        assert_eq!((codes, levels.len()), (vec![0, 1, 0, GAP], 2));
    }

    #[test]
    fn a_stray_word_among_numbers_is_a_gap_and_counted() {
        let cells: Vec<String> = (0..40).map(|n| n.to_string()).chain(["oops".into(), "inf".into()]).collect();
        let column = column(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(&column.data, Data::Numbers(numbers) if numbers[40].is_nan() && numbers[41].is_nan()));
        assert_eq!(column.unreadable, 2);
    }

    #[test]
    fn a_text_is_kept_short_on_a_character() {
        let long = "ä".repeat(1_000);
        assert_eq!(shortened(&long).chars().count(), LONGEST_TEXT);
        assert_eq!(shortened("short"), "short");
    }
}
