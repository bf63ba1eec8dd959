//! The closed list of functions, with what they take.

use std::sync::Arc;
use std::time::Duration;

use cel::common::ast::{CallExpr, Expr as Ast, IdedExpr, LiteralValue, operators};
use regex::RegexBuilder;

use crate::expr::check::{Checked, Checker};
use crate::expr::error::{ExprError, ExprErrorCode};
use crate::expr::node::{Function, Literal, Node};
use crate::expr::predicate::EventPredicate;
use crate::expr::scope::{Kind, SEGMENTS, Scope};
use crate::expr::value::{parse_instant, parse_span};
use crate::expr::{Expr, nearest};

const NAMES: &[&str] = &[
    "all",
    "coalesce",
    "contains",
    "count",
    "days_since",
    "double",
    "duration",
    "endsWith",
    "exists",
    "has",
    "in_segment",
    "int",
    "lower",
    "matches",
    "max",
    "min",
    "size",
    "startsWith",
    "string",
    "sum",
    "timestamp",
];

/// Functions of the language that this build lacks.
const LATER: &[&str] = &["map", "filter", "exists_one", "existsOne"];

/// How functions with arguments that are not obvious are called.
fn usage(name: &str) -> Option<&'static str> {
    match name {
        "count" => Some("count(\"Trial Started\", \"14d\")"),
        "sum" => Some("sum(\"Order Completed\", \"revenue\", \"90d\")"),
        "in_segment" => Some("in_segment(\"customers\")"),
        "coalesce" => Some("coalesce(ltv, 0)"),
        _ => None,
    }
}

/// Most compiled bytes of a pattern.
const MAX_PATTERN: usize = 1 << 18;

impl Checker<'_> {
    pub(super) fn function(&mut self, expr: &IdedExpr, call: &CallExpr) -> Checked {
        let name = call.func_name.as_str();
        // A method call is a call whose first argument stands before the dot.
        let arguments: Vec<&IdedExpr> = call.target.as_deref().into_iter().chain(&call.args).collect();
        match (name, arguments.as_slice()) {
            ("has", [inner]) => {
                if !matches!(inner.expr, Ast::Ident(_) | Ast::Select(_)) {
                    return Err(self.error(ExprErrorCode::E033, inner, "`has` needs a name"));
                }
                let (node, _) = self.check(inner)?;
                Ok((Node::Not(Box::new(Node::IsNull(Box::new(node)))), Kind::Bool))
            }
            ("exists" | "all", [list, item, condition]) if call.target.is_some() => {
                self.each(expr, name == "all", list, item, condition)
            }
            ("matches", [text, pattern]) => self.matches(text, pattern),
            ("startsWith", [_, _]) => self.simple(Function::StartsWith, name, &arguments, &[Kind::Text], Kind::Bool),
            ("endsWith", [_, _]) => self.simple(Function::EndsWith, name, &arguments, &[Kind::Text], Kind::Bool),
            ("contains", [_, _]) => self.simple(Function::Contains, name, &arguments, &[Kind::Text], Kind::Bool),
            ("lower", [_]) => self.simple(Function::Lower, name, &arguments, &[Kind::Text], Kind::Text),
            ("size", [_]) => self.simple(Function::Size, name, &arguments, &[Kind::Text, Kind::List], Kind::Integer),
            ("days_since", [_]) => {
                self.simple(Function::DaysSince, name, &arguments, &[Kind::Instant, Kind::Date], Kind::Integer)
            }
            ("int", [_]) => {
                self.simple(Function::Int, name, &arguments, &[Kind::Text, Kind::Integer, Kind::Number], Kind::Integer)
            }
            ("double", [_]) => {
                let takes = [Kind::Text, Kind::Integer, Kind::Number];
                self.simple(Function::Double, name, &arguments, &takes, Kind::Number)
            }
            ("string", [_]) => {
                let takes = [Kind::Text, Kind::Integer, Kind::Number, Kind::Bool, Kind::Date, Kind::Instant];
                self.simple(Function::Text, name, &arguments, &takes, Kind::Text)
            }
            ("timestamp", [text]) => self.constant(name, text, "RFC 3339, e.g. \"2026-03-01T00:00:00Z\"", |text| {
                parse_instant(text).map(|at| (Literal::Instant(at), Kind::Instant))
            }),
            ("duration", [text]) => self.constant(name, text, "a duration, e.g. \"36h\" or \"14d\"", |text| {
                parse_span(text).map(|micros| (Literal::Span(micros), Kind::Span))
            }),
            ("count" | "sum" | "in_segment", _) if !self.scope.is_of_people() => {
                let message = format!("`{name}` looks at all of a person; a `where` sees one event");
                Err(self.error(ExprErrorCode::E035, expr, message).help("use it in a `when` or a `formula`"))
            }
            ("count", [event, rest @ ..]) if call.target.is_none() && rest.len() <= 2 => {
                self.events(name, event, None, rest)
            }
            ("sum", [event, property, rest @ ..]) if call.target.is_none() && rest.len() <= 2 => {
                self.events(name, event, Some(property), rest)
            }
            ("in_segment", [key]) if call.target.is_none() => self.in_segment(key),
            ("coalesce", [_, _, ..]) => self.alike(Function::Coalesce, name, &arguments, true),
            ("max", [_, ..]) => self.alike(Function::Max, name, &arguments, false),
            ("min", [_, ..]) => self.alike(Function::Min, name, &arguments, false),
            _ => Err(self.no_such_function(expr, name)),
        }
    }

    fn no_such_function(&self, expr: &IdedExpr, name: &str) -> ExprError {
        if LATER.contains(&name) {
            let error = self.error(ExprErrorCode::E035, expr, format!("`{name}` is not in this version"));
            return error.help("`exists` and `all` are there");
        }
        if name == operators::OPT_INDEX || name == operators::OPT_SELECT {
            return self.error(ExprErrorCode::E031, expr, "`?` before a name or place is not supported");
        }
        if NAMES.contains(&name) {
            let error = self.error(ExprErrorCode::E035, expr, format!("`{name}` is called with the wrong arguments"));
            return match usage(name) {
                Some(usage) => error.help(format!("like {usage}")),
                None => error,
            };
        }
        let error = self.error(ExprErrorCode::E035, expr, format!("unknown function \"{name}\""));
        match nearest(name, NAMES.iter().copied()) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error.help(format!("one of: {}", NAMES.join(", "))),
        }
    }

    fn simple(
        &mut self,
        function: Function,
        name: &str,
        arguments: &[&IdedExpr],
        takes: &[Kind],
        gives: Kind,
    ) -> Checked {
        let mut nodes = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let (node, kind) = self.check(argument)?;
            if kind != Kind::Any && !takes.contains(&kind) {
                let wanted: Vec<&str> = takes.iter().map(|kind| kind.word()).collect();
                let mut wanted = wanted;
                wanted.dedup();
                let message =
                    format!("`{name}` needs {}, found {}", wanted.join(" or "), self.describe(argument, kind));
                return Err(self.error(ExprErrorCode::E033, argument, message));
            }
            nodes.push(node);
        }
        Ok((Node::Call(function, nodes), gives))
    }

    /// Functions whose arguments must be of one kind, which is also what they give.
    fn alike(&mut self, function: Function, name: &str, arguments: &[&IdedExpr], null: bool) -> Checked {
        let mut nodes = Vec::with_capacity(arguments.len());
        let mut first: Option<(&IdedExpr, Kind)> = None;
        let mut gives = None;
        for argument in arguments {
            let (node, kind) = self.check(argument)?;
            nodes.push(node);
            if null && kind == Kind::Null {
                continue;
            }
            let fits = match first {
                None => kind != Kind::Null,
                Some((_, before)) => kind.compares_with(before),
            };
            if !fits {
                let message = format!(
                    "the arguments of `{name}` must be of one kind, found {}",
                    match first {
                        Some((before, kind_before)) => {
                            format!("{} and {}", self.describe(before, kind_before), self.describe(argument, kind))
                        }
                        None => self.describe(argument, kind),
                    }
                );
                return Err(self.error(ExprErrorCode::E033, argument, message));
            }
            first.get_or_insert((argument, kind));
            gives = Some(match gives {
                None => kind,
                Some(before) if before == kind => kind,
                Some(before) if before != Kind::Any && kind.is_number() && kind != Kind::Any => {
                    if before == Kind::Integer && kind == Kind::Integer { Kind::Integer } else { Kind::Number }
                }
                Some(_) => Kind::Any,
            });
        }
        Ok((Node::Call(function, nodes), gives.unwrap_or(Kind::Null)))
    }

    fn each(&mut self, expr: &IdedExpr, all: bool, list: &IdedExpr, item: &IdedExpr, condition: &IdedExpr) -> Checked {
        let name = if all { "all" } else { "exists" };
        if self.item.is_some() {
            let message = format!("`{name}` inside another `exists` or `all` is not supported");
            return Err(self.error(ExprErrorCode::E035, expr, message));
        }
        let (list_node, kind) = self.check(list)?;
        if !matches!(kind, Kind::List | Kind::Any) {
            let message = format!("`{name}` needs a list, found {}", self.describe(list, kind));
            return Err(self.error(ExprErrorCode::E033, list, message));
        }
        let Ast::Ident(variable) = &item.expr else {
            let message = format!("the first argument of `{name}` names the item");
            return Err(self
                .error(ExprErrorCode::E033, item, message)
                .help(format!("e.g. list.{name}(x, x == \"a\")")));
        };
        self.item = Some(variable.clone());
        let condition = self.condition(condition, &format!("`{name}`"));
        self.item = None;
        Ok((Node::Each(Box::new(list_node), all, Box::new(condition?)), Kind::Bool))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Checked {
        let (node, kind) = self.check(text)?;
        if !matches!(kind, Kind::Text | Kind::Any) {
            let message = format!("`matches` needs text, found {}", self.describe(text, kind));
            return Err(self.error(ExprErrorCode::E033, text, message));
        }
        let Ast::Literal(LiteralValue::String(literal)) = &pattern.expr else {
            return Err(self.error(ExprErrorCode::E033, pattern, "the pattern of `matches` must be a quoted text"));
        };
        match RegexBuilder::new(literal.inner()).size_limit(MAX_PATTERN).nest_limit(50).build() {
            Ok(regex) => Ok((Node::Matches(Box::new(node), regex), Kind::Bool)),
            Err(error) => {
                // The crate's text shows the pattern with a caret over several lines; its last line is the reason.
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                Err(self.error(ExprErrorCode::E034, pattern, format!("regex error in `matches`: {reason}")))
            }
        }
    }

    /// `count("Event", "14d")`, `sum("Event", "property", "14d")`: a window and a condition on the event may follow, in any order.
    fn events(&mut self, name: &str, event: &IdedExpr, property: Option<&IdedExpr>, rest: &[&IdedExpr]) -> Checked {
        let event = self.quoted(name, event, "the name of an event")?;
        let property = property.map(|property| self.quoted(name, property, "a property's name")).transpose()?;
        let (mut window, mut condition) = (None, None);
        for argument in rest {
            let text = self.quoted(name, argument, "a window or a condition")?;
            // A window is one word that begins with a digit, as no condition is.
            let digit = text.starts_with(|c: char| c.is_ascii_digit());
            match parse_span(&text).and_then(|micros| u64::try_from(micros).ok()).filter(|micros| *micros > 0) {
                Some(micros) if window.is_none() => window = Some(Duration::from_micros(micros)),
                None if !digit && condition.is_none() => {
                    let inner = Expr::compile(&text, &Scope::event()).map_err(|error| {
                        let outer = self.error(error.code, argument, error.message);
                        error.help.into_iter().fold(outer, ExprError::help)
                    })?;
                    condition = Some(inner);
                }
                _ => {
                    let message = format!("`{name}` takes one window, e.g. \"14d\", and one condition on the event");
                    return Err(self.error(ExprErrorCode::E033, argument, message));
                }
            }
        }
        let is_sum = property.is_some();
        let predicate = EventPredicate { event, property, window, condition };
        let place = self.found.predicates.iter().position(|have| *have == predicate).unwrap_or_else(|| {
            self.found.predicates.push(predicate);
            self.found.predicates.len() - 1
        });
        let events = Node::Events(place);
        // Counts keep CEL's integer division.
        Ok(if is_sum { (events, Kind::Number) } else { (Node::Call(Function::Int, vec![events]), Kind::Integer) })
    }

    fn quoted(&self, name: &str, argument: &IdedExpr, what: &str) -> Result<Arc<str>, ExprError> {
        if let Ast::Literal(LiteralValue::String(literal)) = &argument.expr
            && !literal.inner().trim().is_empty()
        {
            return Ok(literal.inner().into());
        }
        let message = format!("`{name}` needs {what} in quotes");
        let error = self.error(ExprErrorCode::E033, argument, message);
        Err(usage(name).into_iter().fold(error, |error, usage| error.help(format!("like {usage}"))))
    }

    /// Membership is a computed yes/no, and who was never judged is in no segment.
    fn in_segment(&mut self, key: &IdedExpr) -> Checked {
        let segment = self.quoted("in_segment", key, "a segment's name")?;
        let name = format!("{SEGMENTS}{segment}");
        if self.scope.kind(&name).is_none() {
            let error = self.error(ExprErrorCode::E032, key, format!("unknown segment \"{segment}\""));
            let known: Vec<&str> = self.scope.names().filter_map(|name| name.strip_prefix(SEGMENTS)).collect();
            return Err(match nearest(&segment, known.iter().copied()) {
                Some(near) => error.help(format!("did you mean \"{near}\"?")),
                None if known.is_empty() => error.help("there are no segments to ask for here"),
                None => error.help(format!("one of: {}", known.join(", "))),
            });
        }
        let member = self.read(&name, Kind::Bool);
        Ok((Node::Call(Function::Coalesce, vec![member, Node::Literal(Literal::Bool(false))]), Kind::Bool))
    }

    /// A constant written as a call on a literal.
    fn constant(
        &self,
        name: &str,
        text: &IdedExpr,
        wanted: &str,
        read: impl Fn(&str) -> Option<(Literal, Kind)>,
    ) -> Checked {
        if let Ast::Literal(LiteralValue::String(literal)) = &text.expr
            && let Some((literal, kind)) = read(literal.inner())
        {
            return Ok((Node::Literal(literal), kind));
        }
        let message = format!("`{name}` needs {wanted}");
        Err(self.error(ExprErrorCode::E033, text, message))
    }
}
