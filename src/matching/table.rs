//! The records to be matched: fields by number, values cleaned and shared.

use std::collections::HashMap;
use std::io::Read;

use super::clean::clean;
use super::spec::MatchSpec;

/// Cleaned values, one row per record; a value is the number of a text, equal texts of a field have equal numbers.
#[derive(Debug, Default)]
pub struct Table {
    names: Vec<String>,
    rows: usize,
    /// By field, then record.
    cells: Vec<Vec<Option<u32>>>,
    /// By field, then number.
    texts: Vec<Vec<Box<str>>>,
    /// How many records hold each text.
    counts: Vec<Vec<u32>>,
    /// The truth column, where one was named; an empty truth is nobody known.
    pub truth: Vec<Box<str>>,
}

/// Why a file is no table.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("{0}")]
    Csv(#[from] csv::Error),
    #[error("there is no column `{column}`; the file has {}", present.join(", "))]
    NoColumn { column: String, present: Vec<String> },
    #[error("more than {MOST_RECORDS} records")]
    TooMany,
}

/// Records a table may have: places are 32 bits.
const MOST_RECORDS: usize = 10_000_000;

impl Table {
    /// Reads CSV with a header line; column names and values are trimmed. `truth` names a column that tells who is who.
    pub fn from_csv(input: impl Read, spec: &MatchSpec, truth: Option<&str>) -> Result<Self, TableError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(input);
        let present: Vec<String> =
            reader.headers()?.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
        let place = |column: &str| {
            present
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| TableError::NoColumn { column: column.to_owned(), present: present.clone() })
        };
        let mut sources = Vec::new();
        for field in spec.fields.values() {
            sources.push(field.sources().map(|column| place(column)).collect::<Result<Vec<_>, _>>()?);
        }
        let truth = truth.map(place).transpose()?;
        let mut table = Self::empty(spec);
        let mut numbers: Vec<HashMap<Box<str>, u32>> = vec![HashMap::new(); spec.fields.len()];
        let mut line = csv::StringRecord::new();
        while reader.read_record(&mut line)? {
            if table.rows == MOST_RECORDS {
                return Err(TableError::TooMany);
            }
            for (at, (field, columns)) in spec.fields.values().zip(&sources).enumerate() {
                let parts: Vec<&str> = columns.iter().filter_map(|column| line.get(*column)).collect();
                let value = clean(&parts.join(" "), &field.clean);
                table.put(at, value, &mut numbers);
            }
            if let Some(truth) = truth {
                table.truth.push(line.get(truth).unwrap_or_default().into());
            }
            table.rows += 1;
        }
        Ok(table)
    }

    fn empty(spec: &MatchSpec) -> Self {
        let fields = spec.fields.len();
        Self {
            names: spec.fields.keys().cloned().collect(),
            cells: vec![Vec::new(); fields],
            texts: vec![Vec::new(); fields],
            counts: vec![Vec::new(); fields],
            ..Self::default()
        }
    }

    fn put(&mut self, field: usize, value: Option<Box<str>>, numbers: &mut [HashMap<Box<str>, u32>]) {
        let (Some(cells), Some(texts), Some(counts), Some(numbers)) =
            (self.cells.get_mut(field), self.texts.get_mut(field), self.counts.get_mut(field), numbers.get_mut(field))
        else {
            return;
        };
        let number = value.map(|text| {
            *numbers.entry(text.clone()).or_insert_with(|| {
                texts.push(text);
                counts.push(0);
                (texts.len() - 1) as u32
            })
        });
        if let Some(count) = number.and_then(|number| counts.get_mut(number as usize)) {
            *count += 1;
        }
        cells.push(number);
    }

    pub fn len(&self) -> usize {
        self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Pairs of different records there are.
    pub fn pairs(&self) -> f64 {
        let rows = self.rows as f64;
        rows * (rows - 1.0) / 2.0
    }

    /// The place of a field by its name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|each| each == name)
    }

    /// The number of a record's value; equal numbers are equal values.
    pub fn number(&self, field: usize, record: u32) -> Option<u32> {
        self.cells.get(field)?.get(record as usize).copied()?
    }

    pub fn text(&self, field: usize, record: u32) -> Option<&str> {
        let number = self.number(field, record)?;
        self.texts.get(field)?.get(number as usize).map(AsRef::as_ref)
    }

    /// The share of records with a value in this field that hold this very value.
    pub fn frequency(&self, field: usize, number: u32) -> Option<f64> {
        let counts = self.counts.get(field)?;
        let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        Some(f64::from(*counts.get(number as usize)?) / all as f64)
    }
}
