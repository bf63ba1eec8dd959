//! Whole numbers beyond 64 bits keep their digits. JSON readers hold such a number as the nearest float, which is another id;
//! so where there is one, the text is gone through once more, number by number, beside what was read of it.

use std::borrow::Cow;

use super::Json;

/// Whether a float may stand for a whole number that no `i64` holds.
pub(super) fn is_beyond(number: f64) -> bool {
    number.abs() >= 9_223_372_036_854_775_808.0
}

/// Puts the digits of such numbers back; `value` is what was read of `text`.
pub(super) fn restore<'a>(text: &'a str, value: &mut Json<'a>) {
    put_back(value, &mut Numbers(text));
}

/// Goes no deeper than the reader did.
fn put_back<'a>(value: &mut Json<'a>, numbers: &mut Numbers<'a>) {
    match value {
        Json::Int(_) => {
            numbers.next();
        }
        Json::Float(number) => {
            let written = numbers.next().filter(|_| is_beyond(*number));
            if let Some(digits) = written.filter(|text| text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()))
            {
                *value = Json::Digits(Cow::Borrowed(digits));
            }
        }
        Json::List(items) => items.iter_mut().for_each(|item| put_back(item, numbers)),
        Json::Object(members) => members.iter_mut().for_each(|(_, value)| put_back(value, numbers)),
        Json::Null | Json::Bool(_) | Json::Digits(_) | Json::Text(_) => {}
    }
}

/// The numbers of a valid JSON text as they are written, in their order.
struct Numbers<'a>(&'a str);

impl<'a> Iterator for Numbers<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let start = self.0.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            let rest = self.0.get(start..)?;
            let is_text = rest.starts_with('"');
            let end = if is_text { end_of_text(rest) } else { rest.find(|c: char| !is_of_number(c)) };
            let (found, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
            self.0 = after;
            if !is_text {
                return Some(found);
            }
        }
    }
}

fn is_of_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E')
}

/// Behind the closing quote of the text that this begins with.
fn end_of_text(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    let closes = |(_, c): &(usize, char)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    };
    quoted.char_indices().skip(1).find(closes).map(|(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_beyond_64_bits_are_themselves() {
        let text = r#"{"a 1":"x \"-2\\\" 3","b":[7,12345678901234567891,-0],"c":12345678901234567999,"d":1e300,
            "e":{"f":-9223372036854775809,"g":9223372036854775807,"h":1.5},"i":99999999999999999999.5,"c":18446744073709551616}"#;
        let json = Json::parse(text).unwrap();
        let digits = |path: &[&str]| json.at(path).and_then(Json::as_digits).map(Cow::into_owned);
        assert_eq!(digits(&["c"]).as_deref(), Some("18446744073709551616"));
        assert_eq!(digits(&["e", "f"]).as_deref(), Some("-9223372036854775809"));
        assert_eq!(digits(&["e", "g"]).as_deref(), Some("9223372036854775807"));
        assert_eq!((digits(&["d"]), digits(&["e", "h"]), digits(&["i"])), (None, None, None));
        let Some(Json::List(items)) = json.get("b") else { panic!("{json:?}") };
        let shown: Vec<_> = items.iter().map(|item| item.as_digits().map(Cow::into_owned)).collect();
        assert_eq!(shown, [Some("7".to_owned()), Some("12345678901234567891".to_owned()), None]);
        assert_eq!(json.get("c").and_then(Json::as_decimal), "18446744073709551616".parse().ok());
        assert_eq!(Json::parse(&"9".repeat(60)).unwrap().as_decimal(), None);
    }

    proptest! {
        #[test]
        fn any_whole_number_is_its_digits(numbers in proptest::collection::vec(any::<i128>(), 0..6), shift in 0_u32..80) {
            let numbers: Vec<String> = numbers.iter().map(|number| (number >> shift).to_string()).collect();
            let text = format!("[{}]", numbers.join(" , "));
            let Json::List(items) = Json::parse(&text).unwrap() else { panic!("{text}") };
            let read: Vec<String> = items.iter().map(|item| item.as_digits().unwrap().into_owned()).collect();
            prop_assert_eq!(read, numbers);
        }
    }
}
