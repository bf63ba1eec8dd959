//! Where a call goes: segments of the path, each perhaps with a key in parentheses.

use super::guid::Guid;
use super::query::Literal;
use super::refusal::Refusal;

#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub name: String,
    /// What stood in the parentheses; an empty text for `()`.
    pub key: Option<String>,
}

/// How a row is named in an address.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    Id(Guid),
    Pairs(Vec<(String, Literal)>),
}

/// A path still encoded, as segments decoded.
///
/// # Errors
/// 400 for parentheses that do not close.
pub fn segments(path: &str) -> Result<Vec<Segment>, Refusal> {
    path.split('/').filter(|part| !part.is_empty()).map(segment).collect()
}

fn segment(part: &str) -> Result<Segment, Refusal> {
    let text = decode(part);
    match text.split_once('(') {
        None => Ok(Segment { name: text, key: None }),
        Some((name, rest)) => match rest.strip_suffix(')') {
            Some(key) => Ok(Segment { name: name.to_owned(), key: Some(key.trim().to_owned()) }),
            None => Err(Refusal::query(format!("Bad Request - Error in query syntax: '{text}'."))),
        },
    }
}

/// Percent-decoded once; a plus stays a plus.
pub fn decode(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Key {
    /// A GUID, or `k1='x',k2=5`.
    ///
    /// # Errors
    /// 400 for neither.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if let Some(id) = Guid::parse(text) {
            return Ok(Self::Id(id));
        }
        let wrong = || Refusal::query(format!("Error encountered while parsing the key '{text}'."));
        let mut pairs = Vec::new();
        let mut rest = text;
        loop {
            let (name, value) = rest.split_once('=').ok_or_else(wrong)?;
            let (literal, after) = value_of(value).ok_or_else(wrong)?;
            pairs.push((name.trim().to_owned(), literal));
            match after.trim_start().strip_prefix(',') {
                Some(more) => rest = more,
                None if after.trim().is_empty() => return Ok(Self::Pairs(pairs)),
                None => return Err(wrong()),
            }
        }
    }
}

/// One constant at the start, and what follows it.
fn value_of(text: &str) -> Option<(Literal, &str)> {
    let text = text.trim_start();
    let Some(inner) = text.strip_prefix('\'') else {
        let end = text.find(',').unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end)?;
        return Some((Literal::bare(word.trim())?, rest));
    };
    let (mut value, mut rest) = (String::new(), inner);
    loop {
        let (before, after) = rest.split_once('\'')?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((Literal::Text(value), after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ids_or_pairs() {
        let segments = segments("contacts(emailaddress1='o%27%27hara%2Bx%40b.example',new_n=5)/$ref").unwrap();
        assert_eq!((segments[0].name.as_str(), segments[1].name.as_str()), ("contacts", "$ref"));
        let key = Key::parse(segments[0].key.as_deref().unwrap()).unwrap();
        let Key::Pairs(pairs) = key else { panic!("{key:?}") };
        assert_eq!(pairs[0], ("emailaddress1".into(), Literal::Text("o'hara+x@b.example".into())));
        assert_eq!(pairs[1].1, Literal::bare("5").unwrap());
        assert!(matches!(Key::parse("c0000000-0000-4000-8000-000000000001"), Ok(Key::Id(_))));
        assert!(Key::parse("x='a").is_err() && Key::parse("").is_err());
    }
}
