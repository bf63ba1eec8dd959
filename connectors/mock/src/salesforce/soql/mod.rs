//! SOQL: from the text of a query to its rows.
//!
//! `lexer` and `parser` read the text into `ast`; `bind` looks up every name as the integration user sees it and makes a
//! `plan`; `road` chooses the index that leads to the fewest rows; `run` and `groups` find the rows; `shape` writes them as
//! JSON for REST, `sheet` as columns for bulk jobs. Whatever is wrong is a [`Mistake`] in the vendor's words.

mod answer;
mod ast;
mod bind;
mod bind_filter;
mod bind_groups;
mod conditions;
mod date_word;
mod eval;
mod groups;
mod lexer;
mod literals;
mod mistake;
mod names;
mod parser;
mod pattern;
mod plan;
mod print;
mod road;
mod run;
mod shape;
pub mod sheet;
#[cfg(test)]
mod soup;
mod view;

pub use answer::{Answer, Patience};
pub use ast::{Comparand, Condition, Item, Literal, LiteralValue, Operand, Operator};
pub use mistake::Mistake;
pub use parser::parse;
pub use sheet::Sheet;
pub use view::View;
