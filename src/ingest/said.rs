//! Members of a message by the name of the trait that they become: `Email`, `EMAIL` and `email` are one trait, so they name one
//! person.

use super::traits::{is_noise, snake_case};
use crate::expr::Json;

/// The member of `holder` that becomes the trait `name`: of several the one that the trait has in the end.
pub(super) fn said<'a, 'j>(holder: &'a Json<'j>, name: &str) -> Option<&'a Json<'j>> {
    let Json::Object(members) = holder else { return None };
    let found = members.iter().rev().find(|(key, value)| is_named(key, name) && !says_nothing(value));
    found.map(|(_, value)| value)
}

/// Nearly all keys are the name itself, or differ from it in their first letter.
fn is_named(key: &str, name: &str) -> bool {
    key == name || (letters(key).eq(letters(name)) && snake_case(key) == name)
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// An empty text leaves what was said before it.
fn says_nothing(value: &Json<'_>) -> bool {
    matches!(value, Json::Text(text) if text.chars().all(|c| c.is_whitespace() || is_noise(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_found_by_the_name_of_its_trait() {
        let cases = [
            (r#"{"email":"a"}"#, "email", Some("a")),
            (r#"{"EMAIL":"a"}"#, "email", Some("a")),
            (r#"{" $Email ":"a"}"#, "email", Some("a")),
            (r#"{"loyaltyID":"a"}"#, "loyalty_id", Some("a")),
            (r#"{"Loyalty Id":"a"}"#, "loyalty_id", Some("a")),
            (r#"{"LOYALTY_ID":"a"}"#, "loyalty_id", Some("a")),
            (r#"{"email":"a","Email":"b"}"#, "email", Some("b")),
            (r#"{"Email":"a","email":"b"}"#, "email", Some("b")),
            (r#"{"Email":"a","email":" \u0000"}"#, "email", Some("a")),
            (r#"{"Email":"a","email":null}"#, "email", None),
            (r#"{"e-mail":"a"}"#, "email", None),
            (r#"{"loyaltyid":"a"}"#, "loyalty_id", None),
            (r#"{"emails":"a"}"#, "email", None),
            (r#"["email"]"#, "email", None),
        ];
        for (text, name, want) in cases {
            let json = Json::parse(text).unwrap();
            assert_eq!(said(&json, name).and_then(Json::as_text), want, "{text}");
        }
    }
}
