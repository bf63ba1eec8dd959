//! `$filter` on definitions: comparisons of members, `and`, `or`, `not`, no more than twenty-five of them.

use serde_json::{Map, Value};

use crate::dynamics::query::{Literal, Token, tokens};
use crate::dynamics::refusal::Refusal;

const MOST_CONDITIONS: usize = 25;

pub struct Filter {
    tokens: Vec<Token>,
}

impl Filter {
    /// # Errors
    /// 400 for more than this service reads.
    pub fn parse(source: &str) -> Result<Self, Refusal> {
        let tokens = tokens(source).map_err(Refusal::query)?;
        let is_operator = |token: &&Token| matches!(token, Token::Word(word) if word == "eq" || word == "ne");
        if tokens.iter().filter(is_operator).count() > MOST_CONDITIONS {
            let message = "The number of conditions in the metadata query exceeds the limit.";
            return Err(Refusal::new(400, "0x80044183", message));
        }
        let filter = Self { tokens };
        // Read once against nothing: what cannot be read is refused, not silently false.
        filter.fits(&Map::new())?;
        Ok(filter)
    }

    /// Whether a definition fits.
    ///
    /// # Errors
    /// 400 for a filter that cannot be read.
    pub fn fits(&self, body: &Map<String, Value>) -> Result<bool, Refusal> {
        let mut reader = Reader { tokens: &self.tokens, body };
        let fits = reader.any_of()?;
        if reader.tokens.is_empty() { Ok(fits) } else { Err(reader.wrong()) }
    }
}

struct Reader<'a> {
    tokens: &'a [Token],
    body: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn wrong(&self) -> Refusal {
        Refusal::query(format!("Syntax error in the metadata filter at {:?}.", self.tokens.first()))
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.first(), Some(Token::Word(word)) if word == wanted);
        if found {
            self.advance();
        }
        found
    }

    fn mark(&mut self, wanted: char) -> bool {
        let found = self.tokens.first() == Some(&Token::Mark(wanted));
        if found {
            self.advance();
        }
        found
    }

    fn advance(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn any_of(&mut self) -> Result<bool, Refusal> {
        let mut value = self.all_of()?;
        while self.word("or") {
            value |= self.all_of()?;
        }
        Ok(value)
    }

    fn all_of(&mut self) -> Result<bool, Refusal> {
        let mut value = self.one()?;
        while self.word("and") {
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, Refusal> {
        if self.word("not") {
            return Ok(!self.one()?);
        }
        if self.mark('(') {
            let value = self.any_of()?;
            return if self.mark(')') { Ok(value) } else { Err(self.wrong()) };
        }
        let Some(Token::Word(path)) = self.advance() else { return Err(self.wrong()) };
        let equal = if self.word("eq") {
            true
        } else if self.word("ne") {
            false
        } else {
            return Err(self.wrong());
        };
        let wanted = match self.advance() {
            Some(Token::Text(text)) => Value::from(text),
            Some(Token::Word(word)) => match Literal::bare(&word) {
                Some(Literal::Bool(flag)) => Value::from(flag),
                Some(Literal::Null) => Value::Null,
                Some(Literal::Guid(id)) => Value::from(id.to_string()),
                Some(Literal::Number(number)) => serde_json::from_str(&number.to_string()).unwrap_or(Value::Null),
                // Enumerations: `Microsoft.Dynamics.CRM.AttributeTypeCode'String'` is a word and a text.
                _ => match self.advance() {
                    Some(Token::Text(text)) => Value::from(text),
                    _ => return Err(self.wrong()),
                },
            },
            _ => return Err(self.wrong()),
        };
        let mut at = self.body.get(path.split('/').next().unwrap_or(""));
        for step in path.split('/').skip(1) {
            at = at.and_then(|value| value.get(step));
        }
        Ok((at.unwrap_or(&Value::Null) == &wanted) == equal)
    }
}
