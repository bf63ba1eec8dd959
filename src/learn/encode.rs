//! From a table's rows to the rows of a [`Design`]: every column by its shape, and pairs of columns by the cell of a grid.

use std::collections::HashMap;

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

/// Columns that say more together than each alone: one coefficient per cell of a grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Together {
    pub cuts: Vec<Cut>,
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
    pub together: Vec<Together>,
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

impl Together {
    pub fn width(&self) -> u32 {
        self.cuts.iter().fold(1, |cells, cut| cells.saturating_mul(cut.groups()))
    }

    /// The cell of one group per cut, in their order.
    pub fn cell(&self, groups: impl Iterator<Item = u32>) -> u32 {
        self.cuts
            .iter()
            .zip(groups)
            .fold(0, |cell, (cut, group)| cell.saturating_mul(cut.groups()).saturating_add(group))
    }

    /// The cell of every row of a table, from the groups of every row by cut.
    pub fn cells(&self, groups: &[&Vec<u32>], rows: usize) -> Vec<u32> {
        (0..rows).map(|row| self.cell(groups.iter().map(|of| of.get(row).copied().unwrap_or_default()))).collect()
    }

    pub fn name(&self) -> String {
        self.cuts.iter().map(|cut| cut.column.as_str()).collect::<Vec<_>>().join(" × ")
    }

    /// What each cell holds, in words.
    fn names(&self) -> Vec<String> {
        let column = self.name();
        let cells = self.cuts.iter().fold(vec![String::new()], |so_far, cut| {
            let names = cut.names();
            let longer = so_far.iter().flat_map(|before| names.iter().map(move |name| (before, name)));
            longer
                .map(|(before, name)| if before.is_empty() { name.clone() } else { format!("{before} × {name}") })
                .collect()
        });
        cells.into_iter().map(|cell| format!("{column}: {cell}")).collect()
    }
}

impl Encoder {
    /// Columns of the design, the intercept among them.
    pub fn width(&self) -> u32 {
        1 + self.parts.iter().map(Part::width).sum::<u32>() + self.together.iter().map(Together::width).sum::<u32>()
    }

    /// Where each part's coefficients begin.
    pub fn part_starts(&self) -> impl Iterator<Item = (&Part, u32)> {
        self.parts.iter().scan(1, |next, part| {
            let start = *next;
            *next += part.width();
            Some((part, start))
        })
    }

    /// Where the coefficients of each grid begin.
    pub fn grid_starts(&self) -> impl Iterator<Item = (&Together, u32)> {
        let first = 1 + self.parts.iter().map(Part::width).sum::<u32>();
        self.together.iter().scan(first, |next, together| {
            let start = *next;
            *next += together.width();
            Some((together, start))
        })
    }

    /// Every row of the table. A column that the table has not is a gap everywhere.
    pub fn encode(&self, table: &Table) -> Design {
        let seers: Vec<(&Part, u32, Seer<'_>)> =
            self.part_starts().map(|(part, start)| (part, start, Seer::of(part, table))).collect();
        let grids: Vec<(u32, Vec<u32>)> = self
            .grid_starts()
            .map(|(together, start)| {
                let groups: Vec<Vec<u32>> = together.cuts.iter().map(|cut| cut.groups_of(table)).collect();
                (start, together.cells(&groups.iter().collect::<Vec<_>>(), table.len()))
            })
            .collect();
        let mut design = Design::new(self.width() as usize);
        let mut terms = Vec::new();
        for row in 0..table.len() {
            terms.clear();
            for (part, start, seer) in &seers {
                part.terms(seer.see(part, row), *start, &mut terms);
            }
            for (start, cells) in &grids {
                terms.push((start + cells.get(row).copied().unwrap_or_default(), 1.0));
            }
            design.push(&terms);
        }
        design
    }

    /// One row whose values are asked for by name: the terms of each part, then of each grid, in their order.
    pub fn terms_of<'a>(&self, value: impl Fn(&str) -> Cell<'a>) -> Vec<Vec<(u32, f64)>> {
        // Hundreds of grids ask for the same few columns.
        let mut known: HashMap<&str, Cell<'a>> = HashMap::new();
        for cut in self.together.iter().flat_map(|together| &together.cuts) {
            known.entry(&cut.column).or_insert_with(|| value(&cut.column));
        }
        let of = |column: &str| known.get(column).copied().unwrap_or(Cell::Gap);
        let parts = self.part_starts().map(|(part, start)| {
            let mut terms = Vec::new();
            part.terms(part.shape.see(value(&part.column)), start, &mut terms);
            terms
        });
        let grids = self.grid_starts().map(|(together, start)| {
            let cell = together.cell(together.cuts.iter().map(|cut| cut.group(of(&cut.column))));
            vec![(start + cell, 1.0)]
        });
        parts.chain(grids).collect()
    }

    /// What parts and grids are called, each name once: trees and pairs may be over the same columns. And for each part,
    /// then each grid, the place of its name.
    pub fn terms_by_name(&self) -> (Vec<String>, Vec<usize>) {
        let parts = self.parts.iter().map(|part| part.column.clone());
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut names = Vec::new();
        let places = parts.chain(self.together.iter().map(Together::name)).map(|name| {
            *known.entry(name).or_insert_with_key(|name| {
                names.push(name.clone());
                names.len() - 1
            })
        });
        let places = places.collect();
        (names, places)
    }

    /// What each coefficient stands for, the intercept first.
    pub fn names(&self) -> Vec<String> {
        let mut names = vec!["intercept".to_owned()];
        for part in &self.parts {
            names.extend(part.shape.names(&part.column));
            names.extend(part.gap.then(|| format!("{} (missing)", part.column)));
        }
        for together in &self.together {
            names.extend(together.names());
        }
        // A column may be called so, too.
        for name in names.iter_mut().skip(1).filter(|name| *name == "intercept") {
            name.push_str(" (column)");
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
