//! Ways to recognise a person. Normalised by the constructors, so that two spellings of one address are one identifier.

use std::fmt;
use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId};
use unicode_normalization::UnicodeNormalization;

/// Kinds of identifier, strongest first (`cdp-semantics` §2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    UserId,
    /// A record of a person at a connection: `crm:<connection>:<object>`.
    Crm {
        connection: ConnectionName,
        object: Object,
    },
    Email,
    Phone,
    AnonymousId,
}

impl IdentifierKind {
    /// Whether holding such an identifier makes a profile *known*.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::AnonymousId)
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserId => f.write_str("user_id"),
            Self::Crm { connection, object } => write!(f, "crm:{connection}:{object}"),
            Self::Email => f.write_str("email"),
            Self::Phone => f.write_str("phone"),
            Self::AnonymousId => f.write_str("anonymous_id"),
        }
    }
}

/// One identifier: a kind and a normalised value. Sorts strongest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier {
    pub kind: IdentifierKind,
    pub value: Arc<str>,
}

/// `email:ada@northwind.example`, `crm:hubspot:contact:501`
impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.value)
    }
}

impl Identifier {
    /// An e-mail address, or nothing where it is not one or its value is blocked.
    pub fn email(raw: &str) -> Option<Self> {
        let value = normalise_email(raw)?;
        (!is_blocked_email(&value)).then(|| Self { kind: IdentifierKind::Email, value: value.into() })
    }

    /// A user id: trimmed, case-sensitive; nothing where blocked.
    pub fn user_id(raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::UserId, raw)
    }

    /// An anonymous id: trimmed, case-sensitive; nothing where blocked.
    pub fn anonymous_id(raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::AnonymousId, raw)
    }

    /// A CRM record of a person.
    pub fn crm(connection: &ConnectionName, object: &Object, id: &RecordId) -> Self {
        Self {
            kind: IdentifierKind::Crm { connection: connection.clone(), object: object.clone() },
            value: id.as_str().into(),
        }
    }

    fn opaque(kind: IdentifierKind, raw: &str) -> Option<Self> {
        let value = raw.trim();
        (!is_blocked(value)).then(|| Self { kind, value: value.into() })
    }

    /// Reads a KEY of the command line: `email:…`, `user_id:…`, `anonymous_id:…`, `crm:conn:object:ID` or a bare e-mail.
    /// `None` where it is none of these (it may still be a profile id).
    pub fn parse_key(key: &str) -> Option<Self> {
        let opaque = |kind, value: &str| (!value.trim().is_empty()).then(|| Self { kind, value: value.trim().into() });
        match key.split_once(':') {
            Some(("email", value)) => Some(Self { kind: IdentifierKind::Email, value: normalise_email(value)?.into() }),
            Some(("user_id", value)) => opaque(IdentifierKind::UserId, value),
            Some(("anonymous_id", value)) => opaque(IdentifierKind::AnonymousId, value),
            Some(("crm", rest)) => {
                let mut parts = rest.splitn(3, ':');
                let (connection, object, id) = (parts.next()?, parts.next()?, parts.next()?);
                let kind = IdentifierKind::Crm { connection: connection.into(), object: object.parse().ok()? };
                opaque(kind, id)
            }
            _ => Some(Self { kind: IdentifierKind::Email, value: normalise_email(key)?.into() }),
        }
    }

    /// Reads back what [`fmt::Display`] of the kind wrote.
    pub fn from_parts(kind: &str, value: &str) -> Option<Self> {
        let kind = match kind {
            "user_id" => IdentifierKind::UserId,
            "email" => IdentifierKind::Email,
            "phone" => IdentifierKind::Phone,
            "anonymous_id" => IdentifierKind::AnonymousId,
            crm => {
                let (connection, object) = crm.strip_prefix("crm:")?.rsplit_once(':')?;
                IdentifierKind::Crm { connection: connection.into(), object: object.parse().ok()? }
            }
        };
        Some(Self { kind, value: value.into() })
    }
}

/// The matching form of an address (`cdp-semantics` §2.3): trimmed, without `mailto:` and `<>`, NFKC, lower-case whole,
/// domain in ASCII (UTS 46) without a trailing dot. `None` where it is no address. `+tags` and dots are kept.
pub fn normalise_email(raw: &str) -> Option<String> {
    if raw.len() > 1_000 {
        return None;
    }
    let trimmed = raw.trim();
    let trimmed = match trimmed.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &trimmed[7..],
        _ => trimmed,
    };
    let trimmed = trimmed.trim_start_matches('<').trim_end_matches('>').trim();
    // The common case needs no Unicode tables and one allocation.
    if trimmed.bytes().all(|b| b.is_ascii_graphic()) {
        let lower = trimmed.to_ascii_lowercase();
        let (local, domain) = lower.split_once('@')?;
        let domain_plain = domain.strip_suffix('.').unwrap_or(domain);
        let plain = domain_plain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        if plain && !domain_plain.contains("xn--") {
            let good = !local.is_empty() && is_domain(domain_plain);
            return good.then(|| lower.strip_suffix('.').map_or_else(|| lower.clone(), str::to_owned));
        }
    }
    let text: String = trimmed.nfkc().collect::<String>().to_lowercase();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    if local.is_empty() || domain.contains('@') {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    is_domain(domain).then(|| format!("{local}@{domain}"))
}

fn is_domain(domain: &str) -> bool {
    domain.contains('.') && domain.split('.').all(|label| !label.is_empty())
}

/// Values that identify nobody (`cdp-semantics` §2.4), case-insensitive.
fn is_blocked(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "-1",
        "null",
        "(null)",
        "none",
        "nil",
        "undefined",
        "nan",
        "n/a",
        "na",
        "anonymous",
        "unknown",
        "guest",
        "test",
        "void",
        "abc123",
        "[object object]",
        "true",
        "false",
    ];
    value.bytes().all(|b| b == b'0' || b == b'-') || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word))
}

fn is_blocked_email(address: &str) -> bool {
    const LOCALS: &[&str] = &["test", "none", "null", "na", "noreply", "no-reply", "donotreply"];
    const DOMAINS: &[&str] = &["example.com", "example.org", "example.net", "test.com", "localhost", "mailinator.com"];
    address.split_once('@').is_none_or(|(local, domain)| LOCALS.contains(&local) || DOMAINS.contains(&domain))
        || is_blocked(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_normalise() {
        let cases = [
            (" Ada@Northwind.Example\u{a0}", Some("ada@northwind.example")),
            ("mailto:<Ada+news@Gmail.com>", Some("ada+news@gmail.com")),
            ("zoë@BÜCHER.example", Some("zoë@xn--bcher-kva.example")),
            ("ada@northwind.example.", Some("ada@northwind.example")),
            ("a@b@c.de", None),
            ("@c.de", None),
            ("ada@localhost", None),
            ("a da@c.de", None),
            ("ada@c..de", None),
            ("", None),
        ];
        for (raw, want) in cases {
            assert_eq!(normalise_email(raw).as_deref(), want, "{raw:?}");
        }
    }

    #[test]
    fn blocked_values_identify_nobody() {
        for raw in ["", "00000000-0000-0000-0000-000000000000", "NULL", "[object Object]", " guest "] {
            assert_eq!(Identifier::user_id(raw), None, "{raw:?}");
        }
        assert_eq!(Identifier::email("test@acme.example"), None);
        assert_eq!(Identifier::email("ada@example.com"), None);
        assert!(Identifier::email("ada@acme.example").is_some());
    }

    #[test]
    fn keys_read_back() {
        for key in ["email:ada@acme.example", "user_id:u-1", "anonymous_id:a-1", "crm:hubspot:contact:501"] {
            let identifier = Identifier::parse_key(key).unwrap();
            assert_eq!(identifier.to_string(), key);
            let again = Identifier::from_parts(&identifier.kind.to_string(), &identifier.value).unwrap();
            assert_eq!(again, identifier);
        }
        assert_eq!(Identifier::parse_key("Ada@Acme.example").unwrap().to_string(), "email:ada@acme.example");
        assert_eq!(Identifier::parse_key("0199aa10-1111-7abc-8def-000000000001"), None);
    }
}
