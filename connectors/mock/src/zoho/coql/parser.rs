//! From tokens to what was asked, names not yet looked up.

use serde_json::{Value, json};

use super::super::filter::Op;
use super::super::refusal::Refusal;
use super::lexer::{Placed, Token, tokens, unexpected};
use super::{DEFAULT_LIMIT, MOST_ROWS, REACH};

/// Brackets within brackets.
const DEEPEST: usize = 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Count,
    Total,
    Max,
    Min,
    Avg,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub sum: Option<Sum>,
    /// `*` under COUNT.
    pub name: String,
    pub alias: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    All(Box<Tree>, Box<Tree>),
    Any(Box<Tree>, Box<Tree>),
    Test { name: String, op: Op, values: Vec<Value> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub items: Vec<Item>,
    pub module: String,
    pub tree: Tree,
    pub group: Vec<String>,
    /// With whether it descends.
    pub order: Vec<(String, bool)>,
    pub limit: u64,
    pub offset: u64,
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Placed>,
    at: usize,
}

/// # Errors
/// `SYNTAX_ERROR` with the place, or `LIMIT_EXCEEDED`.
pub fn parse(source: &str) -> Result<Asked, Refusal> {
    let mut parser = Parser { source, tokens: tokens(source)?, at: 0 };
    parser.keyword("select")?;
    let mut items = vec![parser.item()?];
    while parser.sign(",") {
        items.push(parser.item()?);
    }
    parser.keyword("from")?;
    let module = parser.name()?;
    if !parser.is_keyword("where") {
        return Err(Refusal::new(400, "SYNTAX_ERROR", "missing clause").with("clause", "where"));
    }
    parser.at += 1;
    let tree = parser.level(0)?;
    let mut group = Vec::new();
    if parser.takes("group") {
        parser.keyword("by")?;
        group.push(parser.name()?);
        while parser.sign(",") {
            group.push(parser.name()?);
        }
    }
    let mut order = Vec::new();
    if parser.takes("order") {
        parser.keyword("by")?;
        loop {
            let name = parser.name()?;
            let down = parser.takes("desc");
            let _ = down || parser.takes("asc");
            order.push((name, down));
            if !parser.sign(",") {
                break;
            }
        }
    }
    let (limit, offset) = parser.window()?;
    if parser.peek() != &Token::End {
        return Err(parser.wrong());
    }
    Ok(Asked { items, module, tree, group, order, limit, offset })
}

impl Sum {
    /// As a query writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Total => "SUM",
            Self::Max => "MAX",
            Self::Min => "MIN",
            Self::Avg => "AVG",
        }
    }
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |placed| &placed.token)
    }

    fn wrong(&self) -> Refusal {
        match self.tokens.get(self.at) {
            Some(placed) => unexpected(self.source, placed.at, &placed.shown),
            None => unexpected(self.source, self.source.len(), ""),
        }
    }

    fn is_keyword(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(each) if each.eq_ignore_ascii_case(word))
    }

    fn takes(&mut self, word: &str) -> bool {
        let is = self.is_keyword(word);
        self.at += usize::from(is);
        is
    }

    fn keyword(&mut self, word: &str) -> Result<(), Refusal> {
        if self.takes(word) { Ok(()) } else { Err(self.wrong()) }
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Token::Sign(each) if *each == sign);
        self.at += usize::from(is);
        is
    }

    fn demand(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.sign(sign) { Ok(()) } else { Err(self.wrong()) }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        const KEYWORDS: [&str; 12] =
            ["select", "from", "where", "and", "or", "not", "in", "order", "group", "by", "limit", "offset"];
        match self.peek().clone() {
            Token::Word(word) if !KEYWORDS.iter().any(|each| each.eq_ignore_ascii_case(&word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.wrong()),
        }
    }

    fn item(&mut self) -> Result<Item, Refusal> {
        let name = self.name()?;
        let sum = match name.to_ascii_uppercase().as_str() {
            "COUNT" => Some(Sum::Count),
            "SUM" => Some(Sum::Total),
            "MAX" => Some(Sum::Max),
            "MIN" => Some(Sum::Min),
            "AVG" => Some(Sum::Avg),
            _ => None,
        };
        let (sum, name) = if sum.is_some() && self.sign("(") {
            let inner = if self.sign("*") { "*".to_owned() } else { self.name()? };
            self.demand(")")?;
            (sum, inner)
        } else {
            (None, name)
        };
        let alias = if self.takes("as") { Some(self.name()?) } else { None };
        Ok(Item { sum, name, alias })
    }

    /// One test or bracket, or two of them joined: more must be bracketed in pairs.
    fn level(&mut self, depth: usize) -> Result<Tree, Refusal> {
        let first = self.piece(depth)?;
        let and = self.takes("and");
        if !and && !self.takes("or") {
            return Ok(first);
        }
        let second = self.piece(depth)?;
        if self.is_keyword("and") || self.is_keyword("or") {
            return Err(self.wrong());
        }
        let (first, second) = (Box::new(first), Box::new(second));
        Ok(if and { Tree::All(first, second) } else { Tree::Any(first, second) })
    }

    fn piece(&mut self, depth: usize) -> Result<Tree, Refusal> {
        if depth > DEEPEST {
            return Err(self.wrong());
        }
        if self.sign("(") {
            let inner = self.level(depth + 1)?;
            self.demand(")")?;
            return Ok(inner);
        }
        let name = self.name()?;
        let (op, values) = self.comparison()?;
        Ok(Tree::Test { name, op, values })
    }

    fn comparison(&mut self) -> Result<(Op, Vec<Value>), Refusal> {
        for (sign, op) in [
            ("=", Op::Equal),
            ("!=", Op::NotEqual),
            (">=", Op::GreaterEqual),
            ("<=", Op::LessEqual),
            (">", Op::Greater),
            ("<", Op::Less),
        ] {
            if self.sign(sign) {
                return Ok((op, vec![self.value()?]));
            }
        }
        if self.takes("is") {
            let not = self.takes("not");
            self.keyword("null")?;
            return Ok((if not { Op::NotNull } else { Op::Null }, Vec::new()));
        }
        let not = self.takes("not");
        if self.takes("like") {
            return Ok((if not { Op::NotLike } else { Op::Like }, vec![self.value()?]));
        }
        if self.takes("between") {
            let low = self.value()?;
            self.keyword("and")?;
            return Ok((if not { Op::NotBetween } else { Op::Between }, vec![low, self.value()?]));
        }
        if self.takes("in") {
            self.demand("(")?;
            let mut values = vec![self.value()?];
            while self.sign(",") {
                values.push(self.value()?);
            }
            self.demand(")")?;
            return Ok((if not { Op::NotIn } else { Op::In }, values));
        }
        let mut refusal = self.wrong();
        if let Some(placed) = self.tokens.get(self.at) {
            refusal = refusal.with("operator", placed.shown.as_str());
        }
        Err(refusal)
    }

    fn value(&mut self) -> Result<Value, Refusal> {
        let value = match self.peek() {
            Token::Text(text) => json!(text),
            // Ids have more digits than a number of JSON is sure of.
            Token::Number(text) => json!(text),
            Token::Word(word) if word.eq_ignore_ascii_case("true") => json!(true),
            Token::Word(word) if word.eq_ignore_ascii_case("false") => json!(false),
            Token::Word(word) if word.eq_ignore_ascii_case("null") => Value::Null,
            _ => return Err(self.wrong()),
        };
        self.at += 1;
        Ok(value)
    }

    /// `limit n`, `limit offset, n`, `limit n offset m`, or an offset alone.
    fn window(&mut self) -> Result<(u64, u64), Refusal> {
        let (mut limit, mut offset) = (DEFAULT_LIMIT, 0);
        if self.takes("limit") {
            limit = self.count()?;
            if self.sign(",") {
                offset = limit;
                limit = self.count()?;
            }
        }
        if self.takes("offset") {
            offset = self.count()?;
        }
        let exceeded = |clause: &str, most: u64| {
            Refusal::new(400, "LIMIT_EXCEEDED", format!("{clause} exceeds its limit"))
                .with("clause", clause)
                .with("limit", most)
        };
        if limit > MOST_ROWS {
            return Err(exceeded("limit", MOST_ROWS));
        }
        if offset.saturating_add(limit) > REACH {
            return Err(exceeded("offset", REACH));
        }
        Ok((limit, offset))
    }

    fn count(&mut self) -> Result<u64, Refusal> {
        let number = match self.peek() {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong())?;
        self.at += 1;
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_apart() {
        let asked = parse(
            "select Last_Name, Account_Name.Website, COUNT(id) as n from Contacts \
             where ((Email is not null and Title in ('a','b')) or id > 12) group by Title order by id asc, Title desc limit 10, 20",
        )
        .unwrap();
        assert_eq!((asked.module.as_str(), asked.limit, asked.offset), ("Contacts", 20, 10));
        assert_eq!(asked.items[2], Item { sum: Some(Sum::Count), name: "id".into(), alias: Some("n".into()) });
        assert_eq!(asked.order, [("id".to_owned(), false), ("Title".to_owned(), true)]);
        assert!(matches!(asked.tree, Tree::Any(..)));
        let other = parse("select id from Leads where id is not null limit 5 offset 3").unwrap();
        assert_eq!((other.limit, other.offset), (5, 3));
    }

    #[test]
    fn what_is_wrong_is_placed() {
        let place = |source: &str| {
            let refusal = parse(source).unwrap_err();
            (refusal.code, refusal.details.get("column").and_then(Value::as_u64), refusal.details.get("near").cloned())
        };
        assert_eq!(place("select Email form Contacts"), ("SYNTAX_ERROR", Some(14), Some(json!("form"))));
        assert_eq!(parse("select Email from Contacts").unwrap_err().details["clause"], "where");
        let loose = "select Email from Contacts where id > 1 and id < 9 and id != 5";
        assert_eq!(place(loose), ("SYNTAX_ERROR", Some(52), Some(json!("and"))));
        assert_eq!(parse("select Email from Contacts where id is null limit 2001").unwrap_err().code, "LIMIT_EXCEEDED");
        assert_eq!(parse("select Email from Contacts where id ~ 1").unwrap_err().code, "SYNTAX_ERROR");
        let deep = format!("select id from Leads where {}id = 1{}", "(".repeat(99), ")".repeat(99));
        assert_eq!(parse(&deep).unwrap_err().code, "SYNTAX_ERROR");
    }
}
