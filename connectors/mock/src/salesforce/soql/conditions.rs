//! The conditions of WHERE and HAVING. AND and OR do not mix without parentheses, and NOT stands alone within its own.

use super::ast::{At, Comparand, Condition, Literal, LiteralValue, Operator};
use super::date_word::{Counted, DateWord};
use super::lexer::{TokenKind, pattern, plain};
use super::mistake::Mistake;
use super::parser::{Level, Parser};

impl Parser<'_> {
    /// Tests joined by one connective.
    pub(super) fn chain(&mut self) -> Result<Condition, Mistake> {
        if self.eat_word("NOT") {
            return Ok(Condition::Not(Box::new(self.nested(Self::single)?)));
        }
        let first = self.single()?;
        let Some(connective) = ["AND", "OR"].into_iter().find(|word| self.is_word(0, word)) else {
            return Ok(first);
        };
        let mut parts = vec![first];
        while self.eat_word(connective) {
            parts.push(self.single()?);
        }
        Ok(if connective == "AND" { Condition::All(parts) } else { Condition::Any(parts) })
    }

    fn single(&mut self) -> Result<Condition, Mistake> {
        if self.eat_sign("(") {
            let inner = self.nested(Self::chain)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        let operator = self.operator()?;
        let right = self.comparand(operator)?;
        Ok(Condition::Test { left, operator, right })
    }

    fn operator(&mut self) -> Result<Operator, Mistake> {
        let found = match &self.peek().kind {
            TokenKind::Sign(sign) => match *sign {
                "=" => Some(Operator::Equal),
                "!=" => Some(Operator::NotEqual),
                "<" => Some(Operator::Less),
                "<=" => Some(Operator::LessEqual),
                ">" => Some(Operator::Greater),
                ">=" => Some(Operator::GreaterEqual),
                _ => None,
            },
            TokenKind::Name(name) => match name.to_ascii_uppercase().as_str() {
                "LIKE" => Some(Operator::Like),
                "IN" => Some(Operator::In),
                "INCLUDES" => Some(Operator::Includes),
                "EXCLUDES" => Some(Operator::Excludes),
                "NOT" if self.is_word(1, "IN") => Some(Operator::NotIn),
                _ => None,
            },
            _ => None,
        };
        let Some(operator) = found else { return Err(self.unexpected()) };
        self.advance();
        if operator == Operator::NotIn {
            self.advance();
        }
        Ok(operator)
    }

    fn comparand(&mut self, operator: Operator) -> Result<Comparand, Mistake> {
        if self.is_sign(0, ":") {
            return Err(Mistake::malformed("Bind variables only allowed in Apex code"));
        }
        if !operator.takes_list() {
            return self.literal(operator == Operator::Like).map(Comparand::One);
        }
        let at = self.at();
        self.expect_sign("(")?;
        if self.is_word(0, "SELECT") && matches!(operator, Operator::In | Operator::NotIn) {
            let inner = self.nested(|parser| parser.query(Level::Chosen))?;
            self.expect_sign(")")?;
            return Ok(Comparand::Chosen(at, Box::new(inner)));
        }
        let mut list = vec![self.literal(false)?];
        while self.eat_sign(",") {
            list.push(self.literal(false)?);
        }
        self.expect_sign(")")?;
        Ok(Comparand::List(list))
    }

    fn literal(&mut self, like: bool) -> Result<Literal, Mistake> {
        let at = self.at();
        let value = match &self.peek().kind {
            TokenKind::Text(raw) if like => LiteralValue::Pattern(pattern(raw)),
            TokenKind::Text(raw) => match plain(raw) {
                Ok(text) => LiteralValue::Text(text),
                // Past the quote and the backslash.
                Err(offset) => return Err(Mistake::no_viable(self.source, at.0 + offset + 2)),
            },
            TokenKind::Number(number) => LiteralValue::Number(*number),
            TokenKind::Date(day) => LiteralValue::Date(*day),
            TokenKind::Instant(instant) => LiteralValue::Instant(*instant),
            TokenKind::Name(name) => return self.word(at, &name.to_ascii_uppercase()),
            TokenKind::Sign(_) | TokenKind::End => return Err(self.unexpected()),
        };
        self.advance();
        Ok(Literal { at, value })
    }

    /// TRUE, FALSE, NULL and the date words.
    fn word(&mut self, at: At, name: &str) -> Result<Literal, Mistake> {
        let value = match name {
            "NULL" => LiteralValue::Null,
            "TRUE" => LiteralValue::Bool(true),
            "FALSE" => LiteralValue::Bool(false),
            _ => match (DateWord::parse(name), Counted::parse(name)) {
                (Some(word), _) => LiteralValue::Word(word),
                (None, Some(counted)) => return self.counted(at, counted),
                (None, None) => return Err(self.unexpected()),
            },
        };
        self.advance();
        Ok(Literal { at, value })
    }

    fn counted(&mut self, at: At, counted: Counted) -> Result<Literal, Mistake> {
        self.advance();
        self.expect_sign(":")?;
        let number = match &self.peek().kind {
            TokenKind::Number(number) if number.is_integer() => u32::try_from(*number).ok(),
            _ => None,
        };
        let Some(number) = number.filter(|number| *number > 0) else { return Err(self.unexpected()) };
        self.advance();
        Ok(Literal { at, value: LiteralValue::Word(DateWord::Counted(counted, number)) })
    }
}
