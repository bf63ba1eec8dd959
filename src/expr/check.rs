//! From the parser's tree to a checked one: every name against the scope's list, every operand's kind before anything runs.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators};

use crate::expr::error::{ExprError, ExprErrorCode};
use crate::expr::json::decimal;
use crate::expr::node::{Arithmetic, Compare, Literal, Node};
use crate::expr::predicate::EventPredicate;
use crate::expr::scope::{Kind, Scope};

pub(super) type Checked = Result<(Node, Kind), ExprError>;

pub(super) struct Checker<'c> {
    pub text: &'c str,
    pub scope: &'c Scope,
    pub source: &'c SourceInfo,
    /// The variable of the `exists` or `all` being read.
    pub item: Option<String>,
    pub found: Found,
}

/// What was found in an expression while it was checked.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Names of the scope that are read.
    pub names: BTreeSet<Arc<str>>,
    /// In the order of first mention, each once.
    pub predicates: Vec<EventPredicate>,
}

impl Checker<'_> {
    /// A condition: its kind is yes/no, or open JSON that may turn out to be.
    pub(super) fn condition(&mut self, expr: &IdedExpr, wanted_by: &str) -> Result<Node, ExprError> {
        let (node, kind) = self.check(expr)?;
        if matches!(kind, Kind::Bool | Kind::Any) {
            return Ok(node);
        }
        let message = format!("{wanted_by} needs yes or no, found {}", self.describe(expr, kind));
        Err(self.error(ExprErrorCode::E033, expr, message).help("compare it with something"))
    }

    /// An expression with a value of one kind.
    pub(super) fn value(&mut self, expr: &IdedExpr) -> Checked {
        let (node, kind) = self.check(expr)?;
        match kind {
            Kind::Any | Kind::Null | Kind::Span => {
                let message = format!("{} has no kind that a trait can have", self.describe(expr, kind));
                let help = "say which: int(…), double(…) or string(…)";
                Err(self.error(ExprErrorCode::E033, expr, message).help(help))
            }
            _ => Ok((node, kind)),
        }
    }

    pub(super) fn check(&mut self, expr: &IdedExpr) -> Checked {
        match &expr.expr {
            Ast::Literal(literal) => self.literal(expr, literal),
            Ast::Ident(_) | Ast::Select(_) => self.name(expr),
            Ast::List(list) => {
                let items = list.elements.iter().map(|item| Ok(self.check(item)?.0)).collect::<Result<_, _>>()?;
                Ok((Node::List(items), Kind::List))
            }
            Ast::Call(call) => self.call(expr, call),
            Ast::Map(_) | Ast::Struct(_) => {
                Err(self.error(ExprErrorCode::E031, expr, "`{…}` has no use here").help("lists are written `[…]`"))
            }
            Ast::Comprehension(_) | Ast::Unspecified => {
                Err(self.error(ExprErrorCode::E031, expr, "the expression cannot be read"))
            }
        }
    }

    fn literal(&self, expr: &IdedExpr, literal: &LiteralValue) -> Checked {
        Ok(match literal {
            LiteralValue::Null => (Node::Literal(Literal::Null), Kind::Null),
            LiteralValue::Boolean(flag) => (Node::Literal(Literal::Bool(*flag.inner())), Kind::Bool),
            LiteralValue::Int(number) => (Node::Literal(Literal::Int(*number.inner())), Kind::Integer),
            LiteralValue::UInt(number) => match i64::try_from(*number.inner()) {
                Ok(number) => (Node::Literal(Literal::Int(number)), Kind::Integer),
                Err(_) => return Err(self.error(ExprErrorCode::E031, expr, "the number is out of range")),
            },
            LiteralValue::Double(number) => match decimal(*number.inner()) {
                Some(number) => (Node::Literal(Literal::Dec(number)), Kind::Number),
                None => return Err(self.error(ExprErrorCode::E031, expr, "the number is out of range")),
            },
            LiteralValue::String(text) => (Node::Literal(Literal::Text(text.inner().into())), Kind::Text),
            LiteralValue::Bytes(_) => {
                let error = self.error(ExprErrorCode::E033, expr, "bytes compare with nothing here");
                return Err(error.help("leave the `b` before the quote out"));
            }
        })
    }

    /// `a.b.c`: the longest declared name that it begins with; what follows is looked up in open JSON.
    fn name(&mut self, expr: &IdedExpr) -> Checked {
        let mut members: Vec<&str> = Vec::new();
        let mut base = expr;
        while let Ast::Select(SelectExpr { operand, field, .. }) = &base.expr {
            members.push(field);
            base = operand;
        }
        members.reverse();
        let (mut node, mut kind, used) = match &base.expr {
            Ast::Ident(root) if self.item.as_deref() == Some(root) => (Node::Item, Kind::Any, 0),
            Ast::Ident(root) => {
                let found = (0..=members.len()).rev().find_map(|used| {
                    let name = dotted(root, members.get(..used).unwrap_or_default());
                    self.scope.kind(&name).map(|kind| (name, kind, used))
                });
                match found {
                    Some((name, kind, used)) => (self.read(&name, kind), kind, used),
                    None => return Err(self.unknown(expr, &dotted(root, &members), root)),
                }
            }
            _ => {
                let (node, kind) = self.check(base)?;
                (node, kind, 0)
            }
        };
        for (place, member) in members.iter().enumerate().skip(used) {
            if kind != Kind::Any {
                let whole = match &base.expr {
                    Ast::Ident(root) => dotted(root, members.get(..=place).unwrap_or_default()),
                    _ => (*member).to_owned(),
                };
                return Err(self.unknown(expr, &whole, &whole));
            }
            node = Node::Member(Box::new(node), Arc::from(*member));
            kind = Kind::Any;
        }
        Ok((node, kind))
    }

    pub(super) fn read(&mut self, name: &str, kind: Kind) -> Node {
        let name: Arc<str> = name.into();
        self.found.names.insert(Arc::clone(&name));
        let node = Node::Name(name);
        // Whole numbers keep CEL's integer division; a trait's value is a decimal whatever its kind.
        if kind == Kind::Integer { Node::Call(super::node::Function::Int, vec![node]) } else { node }
    }

    fn unknown(&self, expr: &IdedExpr, whole: &str, root: &str) -> ExprError {
        let error = self.error(ExprErrorCode::E032, expr, format!("unknown name \"{whole}\""));
        match self.scope.nearest(whole).or_else(|| self.scope.nearest(root)) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => {
                let names: Vec<&str> = self.scope.names().take(20).collect();
                if names.is_empty() { error } else { error.help(format!("one of: {}", names.join(", "))) }
            }
        }
    }

    fn call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        match (name, call.args.as_slice()) {
            (operators::LOGICAL_AND | operators::LOGICAL_OR, _) if call.target.is_none() => {
                let mut terms = Vec::new();
                for argument in &call.args {
                    self.terms(name, argument, &mut terms)?;
                }
                Ok((if name == operators::LOGICAL_AND { Node::And(terms) } else { Node::Or(terms) }, Kind::Bool))
            }
            (operators::LOGICAL_NOT, [inner]) => Ok((Node::Not(Box::new(self.condition(inner, "`!`")?)), Kind::Bool)),
            (operators::CONDITIONAL, [when, then, otherwise]) => {
                let when = self.condition(when, "`?`")?;
                let (then_node, then_kind) = self.check(then)?;
                let (else_node, else_kind) = self.check(otherwise)?;
                if !then_kind.compares_with(else_kind) && then_kind != Kind::Null && else_kind != Kind::Null {
                    let (a, b) = (self.describe(then, then_kind), self.describe(otherwise, else_kind));
                    let message = format!("both results of `? :` must be of one kind, found {a} and {b}");
                    return Err(self.error(ExprErrorCode::E033, expr, message));
                }
                let kind = match (then_kind, else_kind) {
                    (a, b) if a == b => a,
                    (Kind::Null, kind) | (kind, Kind::Null) => kind,
                    (a, b) if a.is_number() && b.is_number() => Kind::Number,
                    _ => Kind::Any,
                };
                Ok((Node::Choice(Box::new([when, then_node, else_node])), kind))
            }
            (operators::EQUALS, [a, b]) => self.compare(expr, Compare::Equal, "==", a, b),
            (operators::NOT_EQUALS, [a, b]) => self.compare(expr, Compare::Unequal, "!=", a, b),
            (operators::LESS, [a, b]) => self.compare(expr, Compare::Less, "<", a, b),
            (operators::LESS_EQUALS, [a, b]) => self.compare(expr, Compare::LessOrEqual, "<=", a, b),
            (operators::GREATER, [a, b]) => self.compare(expr, Compare::Greater, ">", a, b),
            (operators::GREATER_EQUALS, [a, b]) => self.compare(expr, Compare::GreaterOrEqual, ">=", a, b),
            (operators::IN, [needle, hay]) => self.within(expr, needle, hay),
            (operators::ADD, [a, b]) => self.arithmetic(expr, Arithmetic::Add, "+", a, b),
            (operators::SUBSTRACT, [a, b]) => self.arithmetic(expr, Arithmetic::Subtract, "-", a, b),
            (operators::MULTIPLY, [a, b]) => self.arithmetic(expr, Arithmetic::Multiply, "*", a, b),
            (operators::DIVIDE, [a, b]) => self.arithmetic(expr, Arithmetic::Divide, "/", a, b),
            (operators::MODULO, [a, b]) => self.arithmetic(expr, Arithmetic::Remainder, "%", a, b),
            (operators::NEGATE, [inner]) => {
                let (node, kind) = self.check(inner)?;
                if !kind.is_number() && !matches!(kind, Kind::Any | Kind::Span) {
                    let message = format!("`-` cannot be applied to {}", self.describe(inner, kind));
                    return Err(self.error(ExprErrorCode::E033, inner, message));
                }
                Ok((Node::Negate(Box::new(node)), kind))
            }
            (operators::INDEX, [base, key]) => {
                let (base_node, base_kind) = self.check(base)?;
                let (key_node, key_kind) = self.check(key)?;
                let fits = match base_kind {
                    Kind::List => key_kind.is_number() || key_kind == Kind::Any,
                    Kind::Any => key_kind.is_number() || matches!(key_kind, Kind::Any | Kind::Text),
                    _ => false,
                };
                if !fits {
                    let (a, b) = (self.describe(base, base_kind), self.describe(key, key_kind));
                    return Err(self.error(ExprErrorCode::E033, expr, format!("{a} has no place {b}")));
                }
                Ok((Node::Index(Box::new(base_node), Box::new(key_node)), Kind::Any))
            }
            _ => self.function(expr, call),
        }
    }

    /// Flattens what the parser balanced: `a && b && c` is one list of terms.
    fn terms(&mut self, operator: &str, expr: &IdedExpr, terms: &mut Vec<Node>) -> Result<(), ExprError> {
        match &expr.expr {
            Ast::Call(call) if call.func_name == operator => {
                call.args.iter().try_for_each(|argument| self.terms(operator, argument, terms))
            }
            _ => {
                let sign = if operator == operators::LOGICAL_AND { "`&&`" } else { "`||`" };
                terms.push(self.condition(expr, sign)?);
                Ok(())
            }
        }
    }

    fn compare(&mut self, expr: &IdedExpr, how: Compare, sign: &str, a: &IdedExpr, b: &IdedExpr) -> Checked {
        let (left, left_kind) = self.check(a)?;
        let (right, right_kind) = self.check(b)?;
        if left_kind == Kind::Null || right_kind == Kind::Null {
            let tested = if right_kind == Kind::Null { left } else { right };
            let node = Node::IsNull(Box::new(tested));
            return match how {
                Compare::Equal => Ok((node, Kind::Bool)),
                Compare::Unequal => Ok((Node::Not(Box::new(node)), Kind::Bool)),
                _ => {
                    let message = format!("`{sign}` has no answer for null");
                    Err(self.error(ExprErrorCode::E033, expr, message).help("test absence with `== null` or `has()`"))
                }
            };
        }
        if !left_kind.compares_with(right_kind) {
            return Err(self.mismatch(expr, (a, left_kind), (b, right_kind)));
        }
        let ordered = !matches!(how, Compare::Equal | Compare::Unequal);
        if ordered && (left_kind == Kind::List || right_kind == Kind::List) {
            let message = format!("lists have no order for `{sign}`");
            return Err(self.error(ExprErrorCode::E033, expr, message).help("compare `size(list)`"));
        }
        Ok((Node::Compare(how, Box::new([left, right])), Kind::Bool))
    }

    fn within(&mut self, expr: &IdedExpr, needle: &IdedExpr, hay: &IdedExpr) -> Checked {
        let (left, left_kind) = self.check(needle)?;
        let (right, right_kind) = self.check(hay)?;
        if !matches!(right_kind, Kind::List | Kind::Any) {
            let message = format!("`in` needs a list, found {}", self.describe(hay, right_kind));
            return Err(self.error(ExprErrorCode::E033, hay, message).help("lists are written `[\"a\", \"b\"]`"));
        }
        if let Ast::List(list) = &hay.expr {
            for item in &list.elements {
                let (_, kind) = self.check(item)?;
                if !left_kind.compares_with(kind) {
                    return Err(self.mismatch(item, (needle, left_kind), (item, kind)));
                }
            }
        } else if right_kind == Kind::List && !left_kind.compares_with(Kind::Text) {
            return Err(self.mismatch(expr, (needle, left_kind), (hay, right_kind)));
        }
        Ok((Node::In(Box::new([left, right])), Kind::Bool))
    }

    fn mismatch(&self, at: &IdedExpr, a: (&IdedExpr, Kind), b: (&IdedExpr, Kind)) -> ExprError {
        let message = format!("expression compares {} with {}", self.describe(a.0, a.1), self.describe(b.0, b.1));
        let error = self.error(ExprErrorCode::E033, at, message);
        match ((a.0, a.1), (b.0, b.1)) {
            ((_, Kind::Text), (literal, kind)) | ((literal, kind), (_, Kind::Text))
                if matches!(literal.expr, Ast::Literal(_)) && (kind.is_number() || kind == Kind::Bool) =>
            {
                error.help(format!("quote it: \"{}\"", self.snippet(literal)))
            }
            ((_, kind), (literal, Kind::Text)) | ((literal, Kind::Text), (_, kind))
                if matches!(literal.expr, Ast::Literal(_)) =>
            {
                match kind {
                    Kind::Integer | Kind::Number | Kind::Bool => error.help("write it without quotes"),
                    Kind::Date | Kind::Instant => error.help(format!("write timestamp({})", self.snippet(literal))),
                    Kind::List => error.help(format!("write {} in the list", self.snippet(literal))),
                    _ => error,
                }
            }
            _ => error,
        }
    }

    fn arithmetic(&mut self, expr: &IdedExpr, how: Arithmetic, sign: &str, a: &IdedExpr, b: &IdedExpr) -> Checked {
        use Arithmetic::{Add, Remainder, Subtract};
        let (left, left_kind) = self.check(a)?;
        let (right, right_kind) = self.check(b)?;
        let kind = match (left_kind, right_kind) {
            (Kind::Null, _) | (_, Kind::Null) => None,
            (Kind::Any, _) | (_, Kind::Any) => Some(Kind::Any),
            (Kind::Integer, Kind::Integer) => Some(Kind::Integer),
            (a, b) if a.is_number() && b.is_number() => (how != Remainder).then_some(Kind::Number),
            (Kind::Text, Kind::Text) => (how == Add).then_some(Kind::Text),
            (Kind::Span, Kind::Span) => matches!(how, Add | Subtract).then_some(Kind::Span),
            (Kind::Instant, Kind::Span) => matches!(how, Add | Subtract).then_some(Kind::Instant),
            (Kind::Span, Kind::Instant) => (how == Add).then_some(Kind::Instant),
            (Kind::Instant, Kind::Instant) => (how == Subtract).then_some(Kind::Span),
            _ => None,
        };
        match kind {
            Some(kind) => Ok((Node::Arithmetic(how, Box::new([left, right])), kind)),
            None => {
                let (a, b) = (self.describe(a, left_kind), self.describe(b, right_kind));
                let error = self.error(ExprErrorCode::E033, expr, format!("`{sign}` cannot be applied to {a} and {b}"));
                Err(if left_kind == Kind::Text || right_kind == Kind::Text {
                    error.help("convert with double(…) or string(…)")
                } else {
                    error
                })
            }
        }
    }

    /// `text \`country\``, `number 5`, `a list`.
    pub(super) fn describe(&self, expr: &IdedExpr, kind: Kind) -> String {
        match &expr.expr {
            Ast::Literal(_) => format!("{} {}", kind.word(), self.snippet(expr)),
            Ast::Ident(_) | Ast::Select(_) => format!("{} `{}`", kind.word(), self.snippet(expr)),
            _ => format!("a {}", kind.word()),
        }
    }

    pub(super) fn error(&self, code: ExprErrorCode, expr: &IdedExpr, message: impl Into<String>) -> ExprError {
        ExprError::new(code, self.span(expr), message)
    }

    pub(super) fn snippet(&self, expr: &IdedExpr) -> &str {
        self.text.get(self.span(expr)).unwrap_or_default()
    }

    /// The bytes an expression covers, its parts included.
    pub(super) fn span(&self, expr: &IdedExpr) -> Range<usize> {
        let (mut start, mut end) = (usize::MAX, 0);
        self.widen(expr, &mut start, &mut end);
        if start >= end {
            return 0..self.text.len();
        }
        // The parser names the first byte of the last character.
        let end = (end..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.text.len());
        start.min(end)..end
    }

    fn widen(&self, expr: &IdedExpr, start: &mut usize, end: &mut usize) {
        if let Some((from, to)) = self.source.offset_for(expr.id) {
            *start = (*start).min(from as usize);
            *end = (*end).max((to as usize).saturating_add(1));
        }
        match &expr.expr {
            Ast::Select(select) => {
                self.widen(&select.operand, start, end);
                // A selection is placed at its dot; the member follows.
                let rest = self.text.get(*end..).unwrap_or_default();
                if rest.trim_start().starts_with(select.field.as_str()) {
                    *end += rest.len() - rest.trim_start().len() + select.field.len();
                }
            }
            Ast::Call(call) => {
                let parts = call.target.as_deref().into_iter().chain(&call.args);
                parts.for_each(|part| self.widen(part, start, end));
            }
            Ast::List(list) => list.elements.iter().for_each(|item| self.widen(item, start, end)),
            _ => {}
        }
    }
}

fn dotted(root: &str, members: &[&str]) -> String {
    members.iter().fold(root.to_owned(), |name, member| format!("{name}.{member}"))
}
