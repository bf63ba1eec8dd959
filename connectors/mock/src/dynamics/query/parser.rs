//! `$filter` from tokens to conditions on columns. What binds tighter stands lower: `or`, `and`, `not`, one condition.

use super::expr::{Expr, Op, Reach, Side, TextOp};
use super::functions;
use super::lexer::{Token, tokens};
use super::literal::Literal;
use crate::clock::Millis;
use crate::dynamics::collections;
use crate::dynamics::kind::Kind;
use crate::dynamics::org::Org;
use crate::dynamics::refusal::Refusal;
use crate::dynamics::schema::Column;

/// More conditions than this are too many for one query.
const MOST_CONDITIONS: usize = 500;
const DEEPEST: usize = 100;

pub struct Parser<'a> {
    pub org: &'a Org,
    pub kind: Kind,
    pub now: Millis,
    tokens: std::vec::IntoIter<Token>,
    next: Option<Token>,
    /// Values of `@p1` and its like.
    aliases: &'a [(String, String)],
    /// The name a lambda gives its rows.
    variable: Option<String>,
    conditions: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// # Errors
    /// 400 with the place or the name that is wrong.
    pub fn filter(
        org: &'a Org,
        kind: Kind,
        now: Millis,
        source: &str,
        aliases: &'a [(String, String)],
    ) -> Result<Expr, Refusal> {
        let mut tokens = tokens(source).map_err(Refusal::query)?.into_iter();
        let next = tokens.next();
        let mut parser = Self { org, kind, now, tokens, next, aliases, variable: None, conditions: 0, depth: 0 };
        let expr = parser.any_of()?;
        match parser.next {
            None => Ok(expr),
            Some(_) => Err(parser.syntax()),
        }
    }

    fn syntax(&self) -> Refusal {
        match &self.next {
            Some(token) => Refusal::query(format!("Syntax error at '{}' in the filter expression.", shown(token))),
            None => Refusal::query("Syntax error: the filter expression ends too early."),
        }
    }

    fn advance(&mut self) -> Option<Token> {
        std::mem::replace(&mut self.next, self.tokens.next())
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.next, Some(Token::Word(each)) if each == word)
    }

    fn is_mark(&self, mark: char) -> bool {
        self.next == Some(Token::Mark(mark))
    }

    fn take(&mut self, mark: char) -> Result<(), Refusal> {
        if self.is_mark(mark) {
            self.advance();
            return Ok(());
        }
        Err(self.syntax())
    }

    fn any_of(&mut self) -> Result<Expr, Refusal> {
        let mut left = self.all_of()?;
        while self.is_word("or") {
            self.advance();
            left = Expr::Or(Box::new(left), Box::new(self.all_of()?));
        }
        Ok(left)
    }

    fn all_of(&mut self) -> Result<Expr, Refusal> {
        let mut left = self.not()?;
        while self.is_word("and") {
            self.advance();
            left = Expr::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expr, Refusal> {
        if self.is_word("not") {
            self.advance();
            return Ok(Expr::Not(Box::new(self.not()?)));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::query("The filter expression is nested too deeply."));
        }
        let expr = if self.is_mark('(') {
            self.advance();
            let inner = self.any_of()?;
            self.take(')')?;
            inner
        } else {
            self.condition()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn condition(&mut self) -> Result<Expr, Refusal> {
        self.conditions += 1;
        if self.conditions > MOST_CONDITIONS {
            return Err(Refusal::query("Number of conditions in query exceeded maximum limit."));
        }
        let Some(Token::Word(word)) = self.advance() else { return Err(self.syntax()) };
        if self.is_mark('(') {
            return self.call(&word);
        }
        if let Some(literal) = Literal::bare(&word) {
            // A constant may stand on the left as well.
            let op = self.operator()?;
            let Some(Token::Word(path)) = self.advance() else { return Err(self.syntax()) };
            let (reach, column) = self.reach(&path)?;
            let value = literal.of(column).map_err(Refusal::query)?;
            return Ok(Expr::Compare(turned(op), reach, Side::Value(value)));
        }
        let (reach, column) = self.reach(&word)?;
        let column = column.clone();
        if !matches!(&self.next, Some(Token::Word(op)) if operator(op).is_some()) {
            // A yes-no column may stand alone.
            let yes = Literal::Bool(true).of(&column).map_err(Refusal::query)?;
            return Ok(Expr::Compare(Op::Eq, reach, Side::Value(yes)));
        }
        let op = self.operator()?;
        if let Some(Token::Word(other)) = &self.next
            && !other.starts_with('@')
            && Literal::bare(other).is_none()
        {
            let other = other.clone();
            let (right, with) = self.reach(&other)?;
            if with.ty.edm() != column.ty.edm() {
                let (left, right) = (column.ty.edm(), with.ty.edm());
                return Err(Refusal::query(format!(
                    "A binary operator with incompatible types was detected. Found operand types '{left}' and '{right}' for \
                     operator kind 'Equal'."
                )));
            }
            self.advance();
            return Ok(Expr::Compare(op, reach, Side::Column(right)));
        }
        let value = self.literal()?.of(&column).map_err(Refusal::query)?;
        Ok(Expr::Compare(op, reach, Side::Value(value)))
    }

    fn operator(&mut self) -> Result<Op, Refusal> {
        let op = match &self.next {
            Some(Token::Word(word)) => operator(word),
            _ => None,
        };
        let op = op.ok_or_else(|| self.syntax())?;
        self.advance();
        Ok(op)
    }

    /// A constant, in quotes, bare, or behind an alias.
    fn literal(&mut self) -> Result<Literal, Refusal> {
        let literal = match &self.next {
            Some(Token::Text(text)) => Some(Literal::Text(text.clone())),
            Some(Token::Word(word)) if word.starts_with('@') => {
                let value = self.aliases.iter().find(|(name, _)| name == word).map(|(_, value)| value.as_str());
                match value.map(tokens) {
                    Some(Ok(tokens)) => match tokens.as_slice() {
                        [Token::Text(text)] => Some(Literal::Text(text.clone())),
                        [Token::Word(word)] => Literal::bare(word),
                        _ => None,
                    },
                    _ => None,
                }
            }
            Some(Token::Word(word)) => Literal::bare(word),
            _ => None,
        };
        let literal = literal.ok_or_else(|| self.syntax())?;
        self.advance();
        Ok(literal)
    }

    /// A property of the row, or `nav/property` of the row a lookup leads to.
    fn reach(&self, path: &str) -> Result<(Reach, &'a Column), Refusal> {
        let path = match &self.variable {
            Some(variable) => path.strip_prefix(&format!("{variable}/")).unwrap_or(path),
            None => path,
        };
        let unknown = |name: &str, kind: Kind| Refusal::no_property(name, kind.logical());
        match path.split_once('/') {
            None => {
                let schema = self.org.schema(self.kind);
                let (column, definition) = schema.property(path).ok_or_else(|| unknown(path, self.kind))?;
                Ok((Reach { via: None, column }, definition))
            }
            Some((nav, name)) => {
                let (via, target) = self.org.schema(self.kind).nav(nav).ok_or_else(|| unknown(nav, self.kind))?;
                let (column, definition) =
                    self.org.schema(target).property(name).ok_or_else(|| unknown(name, target))?;
                Ok((Reach { via: Some((via, target)), column }, definition))
            }
        }
    }

    fn call(&mut self, name: &str) -> Result<Expr, Refusal> {
        let text = match name {
            "contains" => Some(TextOp::Contains),
            "startswith" => Some(TextOp::Starts),
            "endswith" => Some(TextOp::Ends),
            _ => None,
        };
        if let Some(op) = text {
            self.take('(')?;
            let Some(Token::Word(path)) = self.advance() else { return Err(self.syntax()) };
            let (reach, column) = self.reach(&path)?;
            let edm = column.ty.edm();
            self.take(',')?;
            let Literal::Text(value) = self.literal()? else { return Err(self.syntax()) };
            self.take(')')?;
            if edm != "Edm.String" {
                return Err(Refusal::query(format!(
                    "No function signature for the function with name '{name}' matches the specified arguments. The \
                     function signatures considered are: {name}(Edm.String Nullable=true, Edm.String Nullable=true)."
                )));
            }
            return Ok(Expr::Text(op, reach, value));
        }
        if let Some(function) = name.strip_prefix("Microsoft.Dynamics.CRM.") {
            return self.function(function);
        }
        if let Some((nav, quantifier @ ("any" | "all"))) = name.rsplit_once('/') {
            return self.lambda(nav, quantifier);
        }
        Err(Refusal::query(format!(
            "An unknown function with name '{name}' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed."
        )))
    }

    /// `(PropertyName='x',PropertyValue='v')`, or `PropertyValues=["a","b"]`.
    fn function(&mut self, name: &str) -> Result<Expr, Refusal> {
        self.take('(')?;
        let (mut property, mut values) = (String::new(), Vec::new());
        while !self.is_mark(')') {
            let Some(Token::Word(argument)) = self.advance() else { return Err(self.syntax()) };
            self.take('=')?;
            if self.is_mark('[') {
                self.advance();
                while !self.is_mark(']') {
                    values.push(self.literal()?);
                    if self.is_mark(',') {
                        self.advance();
                    }
                }
                self.take(']')?;
            } else {
                match (argument.as_str(), self.literal()?) {
                    ("PropertyName", Literal::Text(path)) => property = path,
                    (_, literal) => values.push(literal),
                }
            }
            if self.is_mark(',') {
                self.advance();
            }
        }
        self.take(')')?;
        let (reach, column) = self.reach(&property)?;
        functions::bind(name, reach, column, &values, self.now)
    }

    /// `nav/any(o:o/name eq 'x')`, `nav/any()`, `nav/all(…)`.
    fn lambda(&mut self, nav: &str, quantifier: &str) -> Result<Expr, Refusal> {
        let link = collections::find(self.kind, nav).ok_or_else(|| Refusal::no_property(nav, self.kind.logical()))?;
        let column = self.org.schema(link.child).column(link.column).map(|(column, _)| column);
        let column = column.ok_or_else(|| Refusal::no_property(link.column, link.child.logical()))?;
        self.take('(')?;
        if self.is_mark(')') && quantifier == "any" {
            self.advance();
            return Ok(Expr::Some { kind: link.child, column, inner: None });
        }
        // The name and the first path are one word: `o:o/name`.
        let Some(Token::Word(word)) = self.advance() else { return Err(self.syntax()) };
        let Some((variable, first)) = word.split_once(':') else { return Err(self.syntax()) };
        let outer = (self.kind, self.variable.replace(variable.to_owned()));
        self.kind = link.child;
        if !first.is_empty() {
            // Puts the first path back in front.
            let left: Vec<Token> = self.next.take().into_iter().chain(self.tokens.by_ref()).collect();
            self.tokens = left.into_iter();
            self.next = Some(Token::Word(first.to_owned()));
        }
        let inner = Box::new(self.any_of()?);
        self.take(')')?;
        (self.kind, self.variable) = outer;
        Ok(match quantifier {
            "any" => Expr::Some { kind: link.child, column, inner: Some(inner) },
            _ => Expr::Every { kind: link.child, column, inner },
        })
    }
}

fn operator(word: &str) -> Option<Op> {
    Some(match word {
        "eq" => Op::Eq,
        "ne" => Op::Ne,
        "gt" => Op::Gt,
        "ge" => Op::Ge,
        "lt" => Op::Lt,
        "le" => Op::Le,
        _ => return None,
    })
}

/// The same comparison with its sides exchanged.
fn turned(op: Op) -> Op {
    match op {
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        same => same,
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Word(text) | Token::Text(text) => text.clone(),
        Token::Mark(mark) => mark.to_string(),
    }
}
