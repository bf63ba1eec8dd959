//! Query options: `$filter` from text to rows, `$select`, `$expand` and `$orderby`, and the pages they come in.

mod eval;
mod expr;
mod functions;
mod lexer;
mod like;
mod literal;
mod pages;
mod parser;
mod road;
mod run;
mod shape;

pub use lexer::{Token, tokens};
pub use literal::Literal;
pub use pages::{Cookie, Place, sum};
pub(super) use parser::Parser;
pub use run::Query;
pub use shape::{Expand, Shape, To};
