//! From a table's rows to the rows of a [`Design`]: every column by its shape, and pairs of columns by the cell of a grid.

use serde::{Deserialize, Serialize};

use super::design::Design;
use super::shape::{Seen, Shape};
use super::table::{Cell, Data, RARE, Table};

/// One column's place in a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub column: String,
    pub shape: Shape,
    /// Whether a gap has a coefficient of its own, after those of the shape.
    pub gap: bool,
}

/// Two columns that say more together than each alone: one coefficient per cell of a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    pub left: Cut,
    pub right: Cut,
}

/// A column cut into a few groups; the last group is for gaps and strangers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    pub column: String,
    pub by: By,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Group n holds what is at or above edge n − 1 and below edge n.
    Edges(Vec<f64>),
    /// One group each; ascending.
    Levels(Vec<String>),
}

/// All of it, in the order of the coefficients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    pub parts: Vec<Part>,
    pub pairs: Vec<Pair>,
}

impl Part {
    pub fn width(&self) -> u32 {
        self.shape.width() + u32::from(self.gap)
    }

    fn terms(&self, seen: Seen, start: u32, into: &mut Vec<(u32, f64)>) {
        match seen {
            Seen::Gap if self.gap => into.push((start + self.shape.width(), 1.0)),
            Seen::Gap => {}
            seen => self.shape.terms(seen, start, into),
        }
    }
}

impl Cut {
    /// Groups, that of gaps and strangers counted.
    pub fn groups(&self) -> u32 {
        match &self.by {
            By::Edges(edges) => edges.len() as u32 + 2,
            By::Levels(levels) => levels.len() as u32 + 1,
        }
    }

    /// The group of a value.
    pub fn group(&self, cell: Cell<'_>) -> u32 {
        match &self.by {
            By::Edges(edges) => {
                let number = cell.number();
                if number.is_nan() {
                    edges.len() as u32 + 1
                } else {
                    edges.partition_point(|edge| *edge <= number) as u32
                }
            }
            By::Levels(levels) => {
                let find = |text: &str| {
                    levels.binary_search_by(|level| level.as_str().cmp(text)).unwrap_or(levels.len()) as u32
                };
                match cell {
                    Cell::Gap => levels.len() as u32,
                    Cell::Text(text) => find(super::table::shortened(text)),
                    Cell::Number(number) => find(&number.to_string()),
                }
            }
        }
    }

    /// The group of every row of a table.
    pub fn groups_of(&self, table: &Table) -> Vec<u32> {
        match table.column(&self.column).map(|column| &column.data) {
            Some(Data::Texts { codes, levels }) => {
                let by_code: Vec<u32> = levels.iter().map(|text| self.group(Cell::Text(text))).collect();
                let stranger = self.group(Cell::Gap);
                codes.iter().map(|code| by_code.get(*code as usize).copied().unwrap_or(stranger)).collect()
            }
            Some(data) => (0..table.len()).map(|row| self.group(data.cell(row))).collect(),
            None => vec![self.group(Cell::Gap); table.len()],
        }
    }
}

impl Pair {
    pub fn width(&self) -> u32 {
        self.left.groups() * self.right.groups()
    }

    pub fn cell(&self, left: u32, right: u32) -> u32 {
        left * self.right.groups() + right
    }

    pub fn name(&self) -> String {
        format!("{} × {}", self.left.column, self.right.column)
    }
}

impl Encoder {
    /// Columns of the design, the intercept among them.
    pub fn width(&self) -> u32 {
        1 + self.parts.iter().map(Part::width).sum::<u32>() + self.pairs.iter().map(Pair::width).sum::<u32>()
    }

    /// Where each part's coefficients begin.
    pub fn part_starts(&self) -> impl Iterator<Item = (&Part, u32)> {
        self.parts.iter().scan(1, |next, part| {
            let start = *next;
            *next += part.width();
            Some((part, start))
        })
    }

    /// Where each pair's coefficients begin.
    pub fn pair_starts(&self) -> impl Iterator<Item = (&Pair, u32)> {
        let first = 1 + self.parts.iter().map(Part::width).sum::<u32>();
        self.pairs.iter().scan(first, |next, pair| {
            let start = *next;
            *next += pair.width();
            Some((pair, start))
        })
    }

    /// Every row of the table. A column that the table has not is a gap everywhere.
    pub fn encode(&self, table: &Table) -> Design {
        let seers: Vec<(&Part, u32, Seer<'_>)> =
            self.part_starts().map(|(part, start)| (part, start, Seer::of(part, table))).collect();
        let grids: Vec<(&Pair, u32, Vec<u32>, Vec<u32>)> = self
            .pair_starts()
            .map(|(pair, start)| (pair, start, pair.left.groups_of(table), pair.right.groups_of(table)))
            .collect();
        let mut design = Design::new(self.width() as usize);
        let mut terms = Vec::new();
        for row in 0..table.len() {
            terms.clear();
            for (part, start, seer) in &seers {
                part.terms(seer.see(part, row), *start, &mut terms);
            }
            for (pair, start, left, right) in &grids {
                if let (Some(left), Some(right)) = (left.get(row), right.get(row)) {
                    terms.push((start + pair.cell(*left, *right), 1.0));
                }
            }
            design.push(&terms);
        }
        design
    }

    /// One row whose values are asked for by name: the terms of each part, then of each pair, in their order.
    pub fn terms_of<'a>(&self, value: impl Fn(&str) -> Cell<'a>) -> Vec<Vec<(u32, f64)>> {
        let parts = self.part_starts().map(|(part, start)| {
            let mut terms = Vec::new();
            part.terms(part.shape.see(value(&part.column)), start, &mut terms);
            terms
        });
        let pairs = self.pair_starts().map(|(pair, start)| {
            let cell =
                pair.cell(pair.left.group(value(&pair.left.column)), pair.right.group(value(&pair.right.column)));
            vec![(start + cell, 1.0)]
        });
        parts.chain(pairs).collect()
    }

    /// What each coefficient stands for, the intercept first.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec!["intercept".to_owned()];
        for part in &self.parts {
            names.extend(part.shape.names(&part.column));
            names.extend(part.gap.then(|| format!("{} (missing)", part.column)));
        }
        for pair in &self.pairs {
            for left in pair.left.names() {
                names.extend(
                    pair.right
                        .names()
                        .iter()
                        .map(|right| format!("{} × {}: {left} × {right}", pair.left.column, pair.right.column)),
                );
            }
        }
        names
    }
}

impl Cut {
    /// What each group holds, in words.
    pub fn names(&self) -> Vec<String> {
        let short = super::shape::short;
        match &self.by {
            By::Edges(edges) => {
                let first = edges.first().map_or_else(|| "any".to_owned(), |edge| format!("< {}", short(*edge)));
                let middle = edges.windows(2).filter_map(|pair| match pair {
                    [from, to] => Some(format!("{} to < {}", short(*from), short(*to))),
                    _ => None,
                });
                let last = edges.last().map(|edge| format!("≥ {}", short(*edge)));
                [first]
                    .into_iter()
                    .chain(middle)
                    .chain(last)
                    .chain(edges.is_empty().then(|| "never".into()))
                    .take(edges.len() + 1)
                    .chain(["missing".to_owned()])
                    .collect()
            }
            By::Levels(levels) => levels.iter().cloned().chain(["other or missing".to_owned()]).collect(),
        }
    }
}

/// A column of a table as a part sees it, texts looked up once each.
enum Seer<'a> {
    Cells(&'a Data),
    ByCode(&'a [u32], Vec<Seen>),
    Absent,
}

impl<'a> Seer<'a> {
    fn of(part: &Part, table: &'a Table) -> Self {
        match table.column(&part.column).map(|column| &column.data) {
            Some(Data::Texts { codes, levels }) => {
                Self::ByCode(codes, levels.iter().map(|text| part.shape.see(Cell::Text(text))).collect())
            }
            Some(data) => Self::Cells(data),
            None => Self::Absent,
        }
    }

    fn see(&self, part: &Part, row: usize) -> Seen {
        match self {
            Self::Cells(data) => part.shape.see(data.cell(row)),
            Self::ByCode(codes, by_code) => match codes.get(row) {
                Some(&RARE) => Seen::Other,
                Some(code) => by_code.get(*code as usize).copied().unwrap_or(Seen::Gap),
                None => Seen::Gap,
            },
            Self::Absent => Seen::Gap,
        }
    }
}
