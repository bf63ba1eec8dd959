//! The search API's criteria: `((Email:equals:ana%40x.example)or(Phone:starts_with:\+34))`.

use serde_json::json;

use super::filter::{Filter, Op};
use super::kind::Kind;
use super::literals::literal;
use super::org::Org;
use super::refusal::Refusal;
use super::schema::FieldType;

const MOST: usize = 10;
/// Brackets within brackets.
const DEEPEST: usize = 12;

/// # Errors
/// `INVALID_QUERY` for what cannot be read, names no field, or compares it with what it cannot be.
pub fn parse(org: &Org, kind: Kind, text: &str) -> Result<Filter, Refusal> {
    let mut reader = Reader { text, at: 0 };
    let filter = reader.group(org, kind, 0)?;
    if reader.at < text.len() {
        return Err(unreadable());
    }
    if filter.tests() > MOST {
        return Err(Refusal::new(400, "LIMIT_EXCEEDED", "too many criteria").with("limit", MOST));
    }
    Ok(filter)
}

fn unreadable() -> Refusal {
    Refusal::new(400, "INVALID_QUERY", "Invalid query formed").with("param_name", "criteria")
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn eat(&mut self, word: &str) -> bool {
        let is = self.rest().get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word));
        if is {
            self.at += word.len();
        }
        is
    }

    /// `( group and group … )`, or `( field:comparator:value )`.
    fn group(&mut self, org: &Org, kind: Kind, depth: usize) -> Result<Filter, Refusal> {
        if depth > DEEPEST || !self.eat("(") {
            return Err(unreadable());
        }
        if !self.rest().starts_with('(') {
            let content = self.content()?;
            return test(org, kind, &content);
        }
        let mut parts = vec![self.group(org, kind, depth + 1)?];
        let mut every = None;
        loop {
            if self.eat(")") {
                break;
            }
            let and = self.eat("and");
            if !and && !self.eat("or") || every.is_some_and(|every| every != and) {
                return Err(unreadable());
            }
            every = Some(and);
            parts.push(self.group(org, kind, depth + 1)?);
        }
        Ok(match (every, parts.pop()) {
            (None, Some(only)) => only,
            (Some(false), last) => Filter::Any(parts.into_iter().chain(last).collect()),
            (_, last) => Filter::All(parts.into_iter().chain(last).collect()),
        })
    }

    /// What stands before the closing bracket, pieces parted at colons; backslashes keep brackets and commas.
    fn content(&mut self) -> Result<[String; 3], Refusal> {
        let mut pieces = [String::new(), String::new(), String::new()];
        let (mut piece, mut characters) = (0, self.rest().char_indices());
        while let Some((offset, character)) = characters.next() {
            let slot = pieces.get_mut(piece).ok_or_else(unreadable)?;
            match character {
                '\\' => {
                    slot.push('\\');
                    slot.extend(characters.next().map(|(_, next)| next));
                }
                ')' => {
                    self.at += offset + 1;
                    return if piece == 2 { Ok(pieces) } else { Err(unreadable()) };
                }
                '(' => return Err(unreadable()),
                ':' if piece < 2 => piece += 1,
                other => slot.push(other),
            }
        }
        Err(unreadable())
    }
}

fn test(org: &Org, kind: Kind, [name, comparator, value]: &[String; 3]) -> Result<Filter, Refusal> {
    let op = match comparator.as_str() {
        "equals" => Op::Equal,
        "not_equal" => Op::NotEqual,
        "starts_with" => Op::StartsWith,
        "in" => Op::In,
        "between" => Op::Between,
        "greater_than" => Op::Greater,
        "greater_equal" => Op::GreaterEqual,
        "less_than" => Op::Less,
        "less_equal" => Op::LessEqual,
        _ => return Err(unreadable()),
    };
    let (path, field) = org.path(kind, name).ok_or_else(unreadable)?;
    // A long text is not in the index.
    if field.is_some_and(|field| field.ty == FieldType::TextArea) {
        return Err(unreadable());
    }
    let raw = match op {
        Op::In | Op::Between => parted(value),
        _ => vec![plain(value)],
    };
    let values = raw.iter().map(|text| match text.as_str() {
        "${EMPTY}" => Some(super::datum::Datum::Null),
        text => literal(field, &json!(text)),
    });
    let values: Option<Vec<_>> = values.collect();
    let values = values.filter(|values| op != Op::Between || values.len() == 2).ok_or_else(unreadable)?;
    Ok(Filter::Test { path, op, values })
}

/// At commas that no backslash stands before.
fn parted(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ',' => parts.push(String::new()),
            '\\' => {
                if let (Some(part), Some(next)) = (parts.last_mut(), characters.next()) {
                    part.push(next);
                }
            }
            other => {
                if let Some(part) = parts.last_mut() {
                    part.push(other);
                }
            }
        }
    }
    parts
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next()),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_keeps_what_would_part_a_value() {
        assert_eq!(parted(r"a\,b,c"), ["a,b", "c"]);
        assert_eq!(plain(r"\(x\)\\"), r"(x)\");
    }
}
