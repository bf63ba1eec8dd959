//! How rows look in JSON: `attributes` first, then what was selected in its order, parents as objects within.

use super::eval::{leaf, parent};
use super::plan::{Column, GroupColumn, Leaf, Plan, Way};
use super::run::among;
use super::view::View;
use crate::salesforce::datum::Datum;
use crate::salesforce::records::Seen;
use crate::salesforce::render;
use crate::salesforce::schema::{FieldId, FieldType};

/// A plan's columns as a tree.
pub struct Shape<'p> {
    entries: Vec<Entry<'p>>,
}

enum Entry<'p> {
    Value { key: &'p str, leaf: &'p Leaf, ty: FieldType },
    Parent { key: &'p str, field: FieldId, polymorphic: bool, shape: Shape<'p> },
    Children { key: &'p str, field: FieldId, plan: &'p Plan, shape: Shape<'p> },
}

impl<'p> Shape<'p> {
    pub fn of(columns: &'p [Column]) -> Self {
        let mut shape = Self { entries: Vec::new() };
        for column in columns {
            match column {
                Column::Value(way) => shape.place(way, 0),
                Column::Children { name, field, plan } => {
                    let inner = match &plan.output {
                        super::plan::Output::Rows(columns) => Self::of(columns),
                        _ => Self { entries: Vec::new() },
                    };
                    shape.entries.push(Entry::Children { key: name, field: *field, plan, shape: inner });
                }
            }
        }
        shape
    }

    fn place(&mut self, way: &'p Way, depth: usize) {
        let Some(step) = way.steps.get(depth) else {
            let key = way.name.rsplit('.').next().unwrap_or("");
            self.entries.push(Entry::Value { key, leaf: &way.leaf, ty: way.ty });
            return;
        };
        let known = self.entries.iter_mut().find_map(|entry| match entry {
            Entry::Parent { field, shape, .. } if *field == step.field => Some(shape),
            _ => None,
        });
        if let Some(shape) = known {
            return shape.place(way, depth + 1);
        }
        let mut shape = Self { entries: Vec::new() };
        shape.place(way, depth + 1);
        let (key, field, polymorphic) = (step.name.as_str(), step.field, step.polymorphic);
        self.entries.push(Entry::Parent { key, field, polymorphic, shape });
    }

    /// Appends one record. `base` is the version's root path.
    pub fn write(&self, out: &mut String, view: View<'_>, base: &str, row: &Seen<'_>) {
        render::open_envelope(out, base, row.id());
        self.write_entries(out, view, base, row);
    }

    fn write_entries(&self, out: &mut String, view: View<'_>, base: &str, row: &Seen<'_>) {
        for entry in &self.entries {
            match entry {
                Entry::Value { key, ty: FieldType::Address, leaf: Leaf::Field(field) } => {
                    render::key(out, key);
                    view.write_address(out, row, *field);
                }
                Entry::Value { key, leaf: way_end, .. } => {
                    render::key(out, key);
                    render::datum(out, &leaf(row, way_end));
                }
                Entry::Parent { key, field, polymorphic, shape } => {
                    render::key(out, key);
                    match parent(view, row, *field) {
                        // Whatever a polymorphic reference leads to shows itself as a mere name.
                        Some(parent) if *polymorphic => {
                            let (object, id) = (parent.kind.name(), parent.id());
                            let url = format!("{base}/sobjects/{object}/{id}");
                            out.push_str(&format!("{{\"attributes\":{{\"type\":\"Name\",\"url\":\"{url}\"}}"));
                            shape.write_entries(out, view, base, &parent);
                        }
                        Some(parent) => shape.write(out, view, base, &parent),
                        None => out.push_str("null"),
                    }
                }
                Entry::Children { key, field, plan, shape } => {
                    render::key(out, key);
                    let candidates = view.by_value(plan.kind, *field, &Datum::Id(row.id()));
                    let numbers = among(view, plan, candidates);
                    if numbers.is_empty() {
                        out.push_str("null");
                        continue;
                    }
                    out.push_str(&format!("{{\"totalSize\":{},\"done\":true,\"records\":[", numbers.len()));
                    shape.write_all(out, view, base, plan, &numbers);
                    out.push_str("]}");
                }
            }
        }
        out.push('}');
    }

    /// Appends records with commas between them; those that are no longer there are left out.
    pub fn write_all(&self, out: &mut String, view: View<'_>, base: &str, plan: &Plan, numbers: &[u64]) {
        let rows = numbers.iter().filter_map(|number| view.row(plan.kind, *number));
        for (index, row) in rows.enumerate() {
            if index > 0 {
                out.push(',');
            }
            self.write(out, view, base, &row);
        }
    }
}

/// Appends one row of an aggregate answer.
pub fn write_group(out: &mut String, columns: &[GroupColumn], row: &[Datum]) {
    out.push_str("{\"attributes\":{\"type\":\"AggregateResult\"}");
    for (column, datum) in columns.iter().zip(row) {
        render::key(out, &column.key);
        render::datum(out, datum);
    }
    out.push('}');
}
