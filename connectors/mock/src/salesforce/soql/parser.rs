//! From tokens to a query: the clauses in their order. Conditions are in `conditions`.
//!
//! Depth is bounded, so that no nesting can exhaust the stack, and chains lie flat.

use super::ast::{At, Call, Condition, FieldSet, Function, Item, Operand, Order, Path, Query};
use super::lexer::{Token, TokenKind, tokens};
use super::mistake::Mistake;

/// The longest query, in characters.
const MAX_QUERY: usize = 100_000;
/// Parentheses within parentheses.
const MAX_DEPTH: usize = 100;

/// Names that end what stands before them, and so are nobody's alias.
const RESERVED: [&str; 24] = [
    "AND", "ASC", "DESC", "EXCLUDES", "FIRST", "FROM", "GROUP", "HAVING", "IN", "INCLUDES", "LAST", "LIKE", "LIMIT",
    "NOT", "NULL", "NULLS", "OFFSET", "OR", "SELECT", "UPDATE", "USING", "WHERE", "WITH", "ALL",
];
const CLAUSE_STARTS: [&str; 11] =
    ["WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "ALL", "USING", "UPDATE"];

/// Reads a query.
///
/// # Errors
/// `MALFORMED_QUERY`, with the place.
pub fn parse(source: &str) -> Result<Query, Mistake> {
    if source.len() > MAX_QUERY && source.chars().count() > MAX_QUERY {
        return Err(Mistake::malformed(format!("SOQL statements cannot be longer than {MAX_QUERY} characters.")));
    }
    let mut parser = Parser { source, tokens: tokens(source)?, next: 0, depth: 0 };
    let query = parser.query(Level::Top)?;
    match parser.peek().kind {
        TokenKind::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
}

/// Where a SELECT stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Top,
    /// In a select list.
    Children,
    /// After IN.
    Chosen,
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

const END: Token = Token { at: usize::MAX, kind: TokenKind::End };

impl Parser<'_> {
    pub(super) fn ahead(&self, by: usize) -> &Token {
        self.tokens.get(self.next + by).or(self.tokens.last()).unwrap_or(&END)
    }

    pub(super) fn peek(&self) -> &Token {
        self.ahead(0)
    }

    pub(super) fn advance(&mut self) {
        self.next += 1;
    }

    pub(super) fn at(&self) -> At {
        At(self.peek().at)
    }

    pub(super) fn unexpected(&self) -> Mistake {
        Mistake::unexpected(self.source, self.peek().at, &self.peek().shown())
    }

    pub(super) fn is_word(&self, by: usize, word: &str) -> bool {
        matches!(&self.ahead(by).kind, TokenKind::Name(name) if name.eq_ignore_ascii_case(word))
    }

    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let here = self.is_word(0, word);
        self.next += usize::from(here);
        here
    }

    pub(super) fn eat_sign(&mut self, sign: &str) -> bool {
        let here = self.is_sign(0, sign);
        self.next += usize::from(here);
        here
    }

    pub(super) fn is_sign(&self, by: usize, sign: &str) -> bool {
        matches!(&self.ahead(by).kind, TokenKind::Sign(found) if *found == sign)
    }

    pub(super) fn expect_word(&mut self, word: &str) -> Result<(), Mistake> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn expect_sign(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.eat_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Runs `inner` one level down.
    pub(super) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        if self.depth >= MAX_DEPTH {
            return Err(Mistake::at("MALFORMED_QUERY", self.source, self.peek().at, "the query is nested too deeply"));
        }
        self.depth += 1;
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn name(&mut self) -> Result<String, Mistake> {
        match &self.peek().kind {
            TokenKind::Name(name) => {
                let name = name.clone();
                self.advance();
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn path(&mut self) -> Result<Path, Mistake> {
        let at = self.at();
        let mut parts = vec![self.name()?];
        while self.eat_sign(".") {
            parts.push(self.name()?);
        }
        Ok(Path { at, parts })
    }

    /// A field, or a function of one.
    pub(super) fn operand(&mut self) -> Result<Operand, Mistake> {
        match self.function() {
            Some(function) => Ok(Operand::Aggregate(self.call(function)?)),
            None => Ok(Operand::Field(self.path()?)),
        }
    }

    fn function(&self) -> Option<Function> {
        match &self.peek().kind {
            TokenKind::Name(name) if self.is_sign(1, "(") => Function::parse(name),
            _ => None,
        }
    }

    /// `MAX(CreatedDate)`, its function already known and not yet passed.
    fn call(&mut self, function: Function) -> Result<Call, Mistake> {
        let at = self.at();
        self.advance();
        self.expect_sign("(")?;
        let path = self.path()?;
        self.expect_sign(")")?;
        Ok(Call { at, function, path })
    }

    pub(super) fn query(&mut self, level: Level) -> Result<Query, Mistake> {
        self.expect_word("SELECT")?;
        let mut select = vec![self.item(level)?];
        while self.eat_sign(",") {
            select.push(self.item(level)?);
        }
        self.expect_word("FROM")?;
        let from = self.path()?;
        let alias = self.object_alias()?;
        let filter = if self.eat_word("WHERE") { Some(self.condition()?) } else { None };
        let mut query = Query {
            select,
            from,
            alias,
            filter,
            group: Vec::new(),
            having: None,
            order: Vec::new(),
            limit: None,
            offset: None,
            all_rows: false,
        };
        self.tail(&mut query)?;
        Ok(query)
    }

    fn item(&mut self, level: Level) -> Result<Item, Mistake> {
        if self.is_sign(0, "(") {
            if level != Level::Top {
                return Err(self.unexpected());
            }
            self.advance();
            let inner = self.nested(|parser| parser.query(Level::Children))?;
            self.expect_sign(")")?;
            return Ok(Item::Children(Box::new(inner)));
        }
        if self.is_word(0, "FIELDS") && self.is_sign(1, "(") {
            return self.field_set();
        }
        if self.is_word(0, "COUNT") && self.is_sign(1, "(") && self.is_sign(2, ")") {
            let at = self.at();
            self.next += 3;
            return Ok(Item::Count(at));
        }
        if let Some(function) = self.function() {
            let call = self.call(function)?;
            return Ok(Item::Aggregate { call, alias: self.item_alias() });
        }
        if ["SELECT", "FROM", "WHERE"].iter().any(|word| self.is_word(0, word)) {
            return Err(self.unexpected());
        }
        let path = self.path()?;
        Ok(Item::Field { path, alias: self.item_alias() })
    }

    /// A name is an alias only when the list goes on or ends behind it: in `SELECT Id FORM Contact`, FORM is none.
    fn item_alias(&mut self) -> Option<String> {
        let TokenKind::Name(name) = &self.peek().kind else { return None };
        let goes_on = self.is_sign(1, ",") || self.is_word(1, "FROM");
        if !goes_on || RESERVED.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            return None;
        }
        let name = name.clone();
        self.advance();
        Some(name)
    }

    fn field_set(&mut self) -> Result<Item, Mistake> {
        let at = self.at();
        self.next += 2;
        let set = match &self.peek().kind {
            TokenKind::Name(name) => match name.to_ascii_uppercase().as_str() {
                "ALL" => FieldSet::All,
                "STANDARD" => FieldSet::Standard,
                "CUSTOM" => FieldSet::Custom,
                _ => return Err(self.unexpected()),
            },
            _ => return Err(self.unexpected()),
        };
        self.advance();
        self.expect_sign(")")?;
        Ok(Item::Fields(at, set))
    }

    fn object_alias(&mut self) -> Result<Option<String>, Mistake> {
        if self.eat_word("AS") {
            return self.name().map(Some);
        }
        match &self.peek().kind {
            TokenKind::Name(name) if !CLAUSE_STARTS.iter().any(|word| word.eq_ignore_ascii_case(name)) => {
                let name = name.clone();
                self.advance();
                Ok(Some(name))
            }
            _ => Ok(None),
        }
    }

    /// What follows WHERE, each clause once and in this order.
    fn tail(&mut self, query: &mut Query) -> Result<(), Mistake> {
        if self.eat_word("GROUP") {
            self.expect_word("BY")?;
            query.group.push(self.path()?);
            while self.eat_sign(",") {
                query.group.push(self.path()?);
            }
            if self.eat_word("HAVING") {
                query.having = Some(self.condition()?);
            }
        }
        if self.eat_word("ORDER") {
            self.expect_word("BY")?;
            query.order.push(self.order()?);
            while self.eat_sign(",") {
                query.order.push(self.order()?);
            }
        }
        if self.eat_word("LIMIT") {
            query.limit = Some(self.count()?);
        }
        if self.is_word(0, "OFFSET") {
            let at = self.at();
            self.advance();
            query.offset = Some((at, self.count()?));
        }
        if self.eat_word("FOR") && !["VIEW", "REFERENCE"].iter().any(|word| self.eat_word(word)) {
            return Err(self.unexpected());
        }
        if self.eat_word("ALL") {
            self.expect_word("ROWS")?;
            query.all_rows = true;
        }
        Ok(())
    }

    fn order(&mut self) -> Result<Order, Mistake> {
        let by = self.operand()?;
        let descending = self.eat_word("DESC");
        if !descending {
            self.eat_word("ASC");
        }
        let mut nulls_last = None;
        if self.eat_word("NULLS") {
            nulls_last = Some(self.eat_word("LAST"));
            if nulls_last == Some(false) {
                self.expect_word("FIRST")?;
            }
        }
        Ok(Order { by, descending, nulls_last })
    }

    fn count(&mut self) -> Result<u64, Mistake> {
        match &self.peek().kind {
            TokenKind::Number(number) if number.is_integer() => match u64::try_from(*number) {
                Ok(count) => {
                    self.advance();
                    Ok(count)
                }
                Err(_) => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    /// A condition that reaches as far as it can.
    fn condition(&mut self) -> Result<Condition, Mistake> {
        self.nested(Self::chain)
    }
}
