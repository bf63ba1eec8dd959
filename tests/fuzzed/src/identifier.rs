//! Identifiers as people and forms write them: normal forms stay as they are.

use ferry::model::{Identifier, normalise_email};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(email) = normalise_email(text) {
        assert_eq!(normalise_email(&email).as_deref(), Some(&*email), "a normal form is its own");
        let (local, domain) = email.split_once('@').expect("an address has an @");
        assert!(!local.is_empty() && domain.contains('.') && domain.is_ascii());
        assert!(!email.contains(char::is_whitespace) && !email.contains(char::is_control));
    }
    for identifier in [Identifier::email(text), Identifier::user_id(text), Identifier::anonymous_id(text)] {
        let Some(identifier) = identifier else { continue };
        assert!(!identifier.value.is_empty() && identifier.value.trim() == &*identifier.value);
        let kind = identifier.kind.to_string();
        assert_eq!(Identifier::from_parts(&kind, &identifier.value), Some(identifier.clone()));
    }
    if let Some(identifier) = Identifier::parse_key(text) {
        assert!(!identifier.value.is_empty());
    }
}
