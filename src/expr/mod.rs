//! FLOOR 1 — conditions and formulas in `sync.toml`, written in CEL. Pure.
//!
//! The crate `cel` parses; checking and evaluation are ours. Its interpreter has no fuel, reads a missing key as an error and
//! numbers as f64; here names and kinds are checked before anything runs, missing means null, and money is a decimal.
//! Standard CEL otherwise: a comparison with null has no answer, `&&` and `||` absorb what has none if another term decides,
//! and a condition that ends without an answer is false.

mod check;
mod digits;
mod error;
#[cfg(test)]
mod formula_tests;
mod functions;
mod input;
mod json;
mod lexical;
mod nearest;
mod node;
mod order;
mod predicate;
mod scope;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use connector::Value;

pub use error::{ExprError, ExprErrorCode};
pub use input::{EventInput, ProfileInput};
pub use json::{Json, MAX_JSON_DEPTH};
pub use lexical::{MAX_CHAIN, MAX_LENGTH, MAX_NESTING};
pub use nearest::nearest;
pub use node::Input;
pub use order::in_order;
pub use predicate::EventPredicate;
pub use scope::{Kind, Scope};
pub use value::Val;

/// Bytes of address space, used as far as an expression needs it.
const PARSER_STACK: usize = 64 << 20;

/// A checked condition or formula. Cheap to clone.
#[derive(Clone)]
pub struct Expr {
    text: Arc<str>,
    checked: Arc<CheckedExpr>,
}

struct CheckedExpr {
    root: node::Node,
    kind: Kind,
    found: check::Found,
}

/// What an expression is to give.
#[derive(Clone, Copy)]
enum Wanted {
    Condition,
    Value,
    Anything,
}

impl Expr {
    /// Reads and checks a condition. The first problem found is returned, with its place in `text`.
    pub fn compile(text: &str, scope: &Scope) -> Result<Self, ExprError> {
        Self::read(text, scope, Wanted::Condition)
    }

    /// Reads and checks a formula: an expression whose value is of one kind, which [`Expr::kind`] tells.
    pub fn compile_value(text: &str, scope: &Scope) -> Result<Self, ExprError> {
        Self::read(text, scope, Wanted::Value)
    }

    /// The names that an expression reads, whatever it gives: for those who do not know the kind of every name yet.
    pub fn names_in(text: &str, scope: &Scope) -> Result<BTreeSet<Arc<str>>, ExprError> {
        Ok(Self::read(text, scope, Wanted::Anything)?.checked.found.names.clone())
    }

    fn read(text: &str, scope: &Scope, wanted: Wanted) -> Result<Self, ExprError> {
        lexical::check(text)?;
        // The parser takes some 150 KiB of stack per bracket in a debug build; sixteen do not fit a worker's stack.
        let checked = std::thread::scope(|threads| {
            let parser = std::thread::Builder::new().stack_size(PARSER_STACK);
            let parsing = parser.spawn_scoped(threads, || parse(text, scope, wanted));
            match parsing.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(checked)) => checked,
                Ok(Err(_)) | Err(_) => {
                    let message = "the expression could not be read: the parser gave up";
                    Err(ExprError::new(ExprErrorCode::E031, 0..text.len(), message).help("write it in a simpler way"))
                }
            }
        })?;
        Ok(Self { text: text.into(), checked: Arc::new(checked) })
    }

    /// The expression as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The kind of its values.
    pub fn kind(&self) -> Kind {
        self.checked.kind
    }

    /// The names of the scope that it reads, sorted; `in_segment("x")` reads `segments.x`.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.checked.found.names.iter()
    }

    /// What it asks of events: the input is asked by the place in this list ([`Input::events`]).
    pub fn predicates(&self) -> &[EventPredicate] {
        &self.checked.found.predicates
    }

    /// Whether the condition is true of the input. Where it has no answer it is false.
    pub fn holds(&self, input: &dyn Input) -> bool {
        self.checked.root.truth(node::Place { input, item: None }) == Ok(true)
    }

    /// The formula's value. Where it has no answer (a name is null, a division by zero, a number out of range) it is null.
    pub fn value(&self, input: &dyn Input) -> Value {
        let place = node::Place { input, item: None };
        self.checked.root.eval(place).map_or(Value::Null, Val::into_value)
    }
}

fn parse(text: &str, scope: &Scope, wanted: Wanted) -> Result<CheckedExpr, ExprError> {
    // Without macros: `has`, `exists` and `all` stay the calls they are written as.
    let program = cel::Env::default().parser().parse_with_source_info(text);
    let (tree, source) = program.map_err(|errors| {
        let at = errors.errors.first().map_or((1, 1), |error| error.pos);
        lexical::syntax_error(text, byte_at(text, at))
    })?;
    let mut checker = check::Checker { text, scope, source: &source, item: None, found: check::Found::default() };
    let (root, kind) = match wanted {
        Wanted::Condition => (checker.condition(&tree, "a condition")?, Kind::Bool),
        Wanted::Value => checker.value(&tree)?,
        Wanted::Anything => checker.check(&tree)?,
    };
    Ok(CheckedExpr { root, kind, found: checker.found })
}

/// Two expressions are the same when their text is.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expr").field(&self.text).finish()
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The byte of a line and column, both counted from one, the column in characters.
fn byte_at(text: &str, (line, column): (isize, isize)) -> usize {
    let before: usize =
        text.split_inclusive('\n').take(usize::try_from(line.saturating_sub(1)).unwrap_or(0)).map(str::len).sum();
    let column = usize::try_from(column.saturating_sub(1)).unwrap_or(0);
    let rest = text.get(before..).unwrap_or_default();
    before + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}
