//! Ways to recognise a person. Normalised by the constructors, so that two spellings of one address are one identifier.

use std::fmt;
use std::sync::Arc;

use connector::{ConnectionName, Object, RecordId};

use crate::model::blocked::{is_blocked, is_blocked_email, is_blocked_phone};
use crate::model::normal::{Region, email_sha256, normalise_email, normalise_phone};

/// Kinds of identifier, strongest first by default (`cdp-semantics` §2.2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    UserId,
    /// A record of a person at a connection: `crm:<connection>:<object>`.
    Crm {
        connection: ConnectionName,
        object: Object,
    },
    Email,
    /// SHA-256 of an address in hex, as ad platforms send it.
    EmailSha256,
    /// A person's id elsewhere, by its name: `loyalty_id`, and what `[identity.custom]` adds.
    Custom(Arc<str>),
    Phone,
    Device(DeviceId),
    AnonymousId,
}

/// Ids that belong to a device or browser, by the names of `context.externalIds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceId {
    IosId,
    IosIdfa,
    AndroidId,
    AndroidIdfa,
    GaClientId,
}

impl DeviceId {
    pub const ALL: [Self; 5] = [Self::IosId, Self::IosIdfa, Self::AndroidId, Self::AndroidIdfa, Self::GaClientId];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::IosId => "ios.id",
            Self::IosIdfa => "ios.idfa",
            Self::AndroidId => "android.id",
            Self::AndroidIdfa => "android.idfa",
            Self::GaClientId => "ga_client_id",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|id| id.as_str() == name)
    }
}

/// What rules about identifiers speak of: a kind, the connection, object or name left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    UserId,
    Crm,
    Email,
    EmailSha256,
    Custom,
    Phone,
    Device,
    AnonymousId,
}

impl Family {
    pub const ALL: [Self; 8] = [
        Self::UserId,
        Self::Crm,
        Self::Email,
        Self::EmailSha256,
        Self::Custom,
        Self::Phone,
        Self::Device,
        Self::AnonymousId,
    ];

    /// As files name it; `loyalty_id` stands for all named ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::Crm => "crm",
            Self::Email => "email",
            Self::EmailSha256 => "email_sha256",
            Self::Custom => LOYALTY_ID,
            Self::Phone => "phone",
            Self::Device => "device",
            Self::AnonymousId => "anonymous_id",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == name)
    }
}

/// The kind that every program has; others are made by `[identity.custom]`.
pub const LOYALTY_ID: &str = "loyalty_id";

impl IdentifierKind {
    pub fn family(&self) -> Family {
        match self {
            Self::UserId => Family::UserId,
            Self::Crm { .. } => Family::Crm,
            Self::Email => Family::Email,
            Self::EmailSha256 => Family::EmailSha256,
            Self::Custom(_) => Family::Custom,
            Self::Phone => Family::Phone,
            Self::Device(_) => Family::Device,
            Self::AnonymousId => Family::AnonymousId,
        }
    }

    /// Whether holding such an identifier makes a profile *known*.
    pub fn is_known(&self) -> bool {
        !self.is_of_device()
    }

    /// Whether it names a browser or device rather than a person.
    pub fn is_of_device(&self) -> bool {
        matches!(self, Self::Device(_) | Self::AnonymousId)
    }

    /// Whether it is a person's own: a phone is known, and yet colleagues share one.
    pub fn is_personal(&self) -> bool {
        self.is_known() && !self.is_shareable()
    }

    /// Whether several people may honestly have the same one.
    pub fn is_shareable(&self) -> bool {
        matches!(self, Self::Phone | Self::Device(_) | Self::AnonymousId)
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UserId => f.write_str("user_id"),
            Self::Crm { connection, object } => write!(f, "crm:{connection}:{object}"),
            Self::Email => f.write_str("email"),
            Self::EmailSha256 => f.write_str("email_sha256"),
            Self::Custom(name) => f.write_str(name),
            Self::Phone => f.write_str("phone"),
            Self::Device(id) => write!(f, "device:{}", id.as_str()),
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

    /// The SHA-256 of an address, 64 hex digits; nothing where it is not one.
    pub fn email_sha256(raw: &str) -> Option<Self> {
        let value = raw.trim().to_ascii_lowercase();
        let hex = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
        (hex && !is_blocked(&value)).then(|| Self { kind: IdentifierKind::EmailSha256, value: value.into() })
    }

    /// The hash under which ad platforms know an address; `None` for what is no address.
    pub fn hashed(&self) -> Option<Self> {
        (self.kind == IdentifierKind::Email)
            .then(|| Self { kind: IdentifierKind::EmailSha256, value: email_sha256(&self.value).into() })
    }

    /// A valid phone number in E.164; nothing where it is not one, is blocked, or has no country code and no region is given.
    pub fn phone(raw: &str, region: Option<Region>) -> Option<Self> {
        let value = normalise_phone(raw, region)?;
        (!is_blocked_phone(&value)).then(|| Self { kind: IdentifierKind::Phone, value: value.into() })
    }

    /// A user id: trimmed, case-sensitive; nothing where blocked.
    pub fn user_id(raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::UserId, raw)
    }

    /// An anonymous id: trimmed, case-sensitive; nothing where blocked.
    pub fn anonymous_id(raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::AnonymousId, raw)
    }

    /// An id of a device: trimmed, case-sensitive; nothing where blocked.
    pub fn device(id: DeviceId, raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::Device(id), raw)
    }

    /// A loyalty card or another named id: trimmed, case-sensitive; nothing where blocked.
    pub fn custom(name: &Arc<str>, raw: &str) -> Option<Self> {
        Self::opaque(IdentifierKind::Custom(name.clone()), raw)
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

    /// Whether it is an address that many people read: it may name a profile and never joins two (`cdp-semantics` §2.3).
    pub fn is_role_address(&self) -> bool {
        const ROLES: &[&str] =
            &["info", "sales", "support", "office", "admin", "contact", "billing", "hello", "noreply", "postmaster"];
        let local = self.value.split('@').next().unwrap_or_default();
        self.kind == IdentifierKind::Email && ROLES.contains(&local)
    }

    /// Reads a KEY of the command line: `email:…`, `user_id:…`, `anonymous_id:…`, `phone:+49…`, `device:ios.id:…`,
    /// `loyalty_id:…` or another named id, `crm:conn:object:ID`, or a bare e-mail. `None` where it is none of these (it may still
    /// be a profile id).
    pub fn parse_key(key: &str) -> Option<Self> {
        let bare = || Some(Self { kind: IdentifierKind::Email, value: normalise_email(key)?.into() });
        let opaque = |kind, value: &str| (!value.trim().is_empty()).then(|| Self { kind, value: value.trim().into() });
        let Some((kind, value)) = key.split_once(':') else { return bare() };
        match kind {
            "email" => Some(Self { kind: IdentifierKind::Email, value: normalise_email(value)?.into() }),
            "email_sha256" => Self::email_sha256(value),
            "phone" => Some(Self { kind: IdentifierKind::Phone, value: normalise_phone(value, None)?.into() }),
            "user_id" => opaque(IdentifierKind::UserId, value),
            "anonymous_id" => opaque(IdentifierKind::AnonymousId, value),
            "device" => {
                let (id, value) = value.split_once(':')?;
                opaque(IdentifierKind::Device(DeviceId::of_name(id)?), value)
            }
            "crm" => {
                let mut parts = value.splitn(3, ':');
                let (connection, object, id) = (parts.next()?, parts.next()?, parts.next()?);
                let kind = IdentifierKind::Crm { connection: connection.into(), object: object.parse().ok()? };
                opaque(kind, id)
            }
            name if is_custom_name(name) => opaque(IdentifierKind::Custom(name.into()), value),
            _ => bare(),
        }
    }

    /// Reads back what [`fmt::Display`] of the kind wrote.
    pub fn from_parts(kind: &str, value: &str) -> Option<Self> {
        let kind = match kind {
            "user_id" => IdentifierKind::UserId,
            "email" => IdentifierKind::Email,
            "email_sha256" => IdentifierKind::EmailSha256,
            "phone" => IdentifierKind::Phone,
            "anonymous_id" => IdentifierKind::AnonymousId,
            other => match other.split_once(':') {
                Some(("device", id)) => IdentifierKind::Device(DeviceId::of_name(id)?),
                Some(("crm", place)) => {
                    let (connection, object) = place.rsplit_once(':')?;
                    IdentifierKind::Crm { connection: connection.into(), object: object.parse().ok()? }
                }
                _ => IdentifierKind::Custom(is_custom_name(other).then(|| other.into())?),
            },
        };
        Some(Self { kind, value: value.into() })
    }
}

/// Whether a kind of one's own may have this name: it stands in configuration, keys and tables.
pub fn is_custom_name(name: &str) -> bool {
    const TAKEN: &[&str] = &[
        "user_id",
        "crm",
        "email",
        "email_sha256",
        "phone",
        "device",
        "anonymous_id",
        "group_id",
        "company",
        "mailto",
    ];
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !TAKEN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocked_values_identify_nobody() {
        for raw in ["", "00000000-0000-0000-0000-000000000000", "NULL", "[object Object]", " guest "] {
            assert_eq!(Identifier::user_id(raw), None, "{raw:?}");
        }
        assert_eq!(Identifier::email("test@acme.example"), None);
        assert_eq!(Identifier::email("ada@example.com"), None);
        assert!(Identifier::email("ada@acme.example").is_some());
        assert_eq!(Identifier::device(DeviceId::IosIdfa, "00000000-0000-0000-0000-000000000000"), None);
    }

    #[test]
    fn keys_read_back() {
        let keys = [
            "email:ada@acme.example",
            "email_sha256:8c3a4f6f0e4ac5c4bb86b5b1d5a4ba6b8d2f9d6cf0a33d1b2b2b1d2c8f0a1b2c",
            "user_id:u-1",
            "anonymous_id:a-1",
            "phone:+4930123456",
            "device:ios.id:A1B2",
            "loyalty_id:LOY-1",
            "crm:hubspot:contact:501",
        ];
        for key in keys {
            let identifier = Identifier::parse_key(key).unwrap();
            assert_eq!(identifier.to_string(), key);
            let again = Identifier::from_parts(&identifier.kind.to_string(), &identifier.value).unwrap();
            assert_eq!(again, identifier);
        }
        assert_eq!(Identifier::parse_key("Ada@Acme.example").unwrap().to_string(), "email:ada@acme.example");
        assert_eq!(Identifier::parse_key("mailto:Ada@Acme.example").unwrap().to_string(), "email:ada@acme.example");
        for key in ["0199aa10-1111-7abc-8def-000000000001", "device:toaster:1", "phone:12345", "company:7"] {
            assert_eq!(Identifier::parse_key(key), None, "{key}");
        }
    }

    #[test]
    fn an_address_and_its_hash_are_one_person() {
        let address = Identifier::email("Ada@Northwind.Example").unwrap();
        let hash = address.hashed().unwrap();
        assert_eq!(Identifier::email_sha256(&hash.value.to_uppercase()), Some(hash.clone()));
        assert_eq!(hash.hashed(), None);
    }

    #[test]
    fn role_addresses_are_told_from_people() {
        for (address, role) in
            [("info@acme.example", true), ("ada.info@acme.example", false), ("sales@acme.example", true)]
        {
            assert_eq!(Identifier::email(address).unwrap().is_role_address(), role, "{address}");
        }
    }
}
