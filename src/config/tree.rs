//! The configuration as a tree in which every key and value knows its place.

use std::sync::Arc;

use crate::config::diagnostic::Place;
use crate::config::text::{SourceText, Span};

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub value: Value,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    /// As written, without underscores: money and shares must not pass through f64.
    Float(String),
    Bool(bool),
    /// As written: `2026-09-01` or a longer form.
    Datetime(String),
    Array(Vec<Node>),
    Table(Table),
}

/// A table's entries in the order of the file; each key once.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub key_place: Place,
    pub node: Node,
}

impl Table {
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Node {
    pub fn new(value: Value, text: &Arc<SourceText>, span: Span) -> Self {
        Self { value, place: Place::new(text, span) }
    }

    /// `string`, `integer 1`: what messages say was found. Strings are not quoted: they may be secrets.
    pub fn found(&self) -> String {
        match &self.value {
            Value::Text(_) => "string".into(),
            Value::Integer(number) => format!("integer {number}"),
            Value::Float(number) => format!("number {number}"),
            Value::Bool(flag) => format!("boolean {flag}"),
            Value::Datetime(at) => format!("date {at}"),
            Value::Array(_) => "array".into(),
            Value::Table(_) => "table".into(),
        }
    }
}
