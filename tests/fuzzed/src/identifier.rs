//! Identifiers as people and forms write them: normal forms stay as they are.

use ferry::model::{
    DeviceId, Identifier, LOYALTY_ID, Region, email_sha256, gmail_canonical, normalise_email, normalise_phone,
};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    email(text);
    phone(text);
    let device = DeviceId::of_name("ios.id").expect("a device id of the format");
    let all = [
        Identifier::email(text),
        Identifier::email_sha256(text),
        Identifier::phone(text, None),
        Identifier::user_id(text),
        Identifier::anonymous_id(text),
        Identifier::device(device, text),
        Identifier::custom(&LOYALTY_ID.into(), text),
    ];
    for identifier in all.into_iter().flatten() {
        assert!(!identifier.value.is_empty() && identifier.value.trim() == &*identifier.value);
        let kind = identifier.kind.to_string();
        assert_eq!(Identifier::from_parts(&kind, &identifier.value), Some(identifier.clone()));
        assert!(!(identifier.kind.is_personal() && identifier.kind.is_shareable()));
    }
    if let Some(identifier) = Identifier::parse_key(text) {
        assert!(!identifier.value.is_empty());
    }
}

fn email(text: &str) {
    let Some(email) = normalise_email(text) else { return };
    assert_eq!(normalise_email(&email).as_deref(), Some(&*email), "a normal form is its own");
    let (local, domain) = email.split_once('@').expect("an address has an @");
    assert!(!local.is_empty() && domain.contains('.') && domain.is_ascii());
    assert!(!email.contains(char::is_whitespace) && !email.contains(char::is_control));
    assert!(gmail_canonical(&email).contains('@'));
    assert_eq!(Identifier::email_sha256(&email_sha256(&email)).map(|id| id.value.len()), Some(64));
}

fn phone(text: &str) {
    for region in [None, Some("DE"), Some("US"), Some("IT"), Some("RU")] {
        let region = region.and_then(Region::of_code);
        let Some(number) = normalise_phone(text, region) else { continue };
        let digits = number.strip_prefix('+').expect("E.164 begins with a plus");
        assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()), "{number}");
        assert_eq!(normalise_phone(&number, None).as_deref(), Some(&*number), "a normal form is its own");
    }
}
