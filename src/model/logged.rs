//! The log of identity: everything that has ever told who is who, in the order in which it came.

use std::sync::Arc;

use connector::Timestamp;
use serde_json::{Value as Json, json};

use crate::model::{Event, Identifier, IdentifierKind, RecordKey};

/// One line of the log of identity, in the order in which it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Logged {
    Event(Box<Event>),
    /// A record of a person was pulled.
    Record(LoggedRecord),
    /// The CRM says that one record goes on as another: merged, or converted.
    WentOn {
        from: Identifier,
        into: Identifier,
        at: Timestamp,
    },
    /// A record is gone at the CRM.
    Gone(Identifier),
    /// A person said that these are one.
    Joined(Identifier, Identifier),
    /// A person said that the first must never be in one profile with any of the others.
    Apart(Identifier, Vec<Identifier>),
    /// A person took the first from its profile, whose others these were: its part of the log was told again without.
    Unlinked(Identifier, Vec<Identifier>),
    /// A person said that many people have it.
    Shared(Identifier),
    /// A person said that it is its holder's alone.
    Settled(Identifier),
    /// From here on these rules decided ([`crate::model::IdentityRules::to_text`]).
    Rules(Arc<str>),
}

/// What a pulled record told of its person.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedRecord {
    pub key: RecordKey,
    pub at: Timestamp,
    /// Addresses and phones, in the record's order.
    pub identifiers: Vec<Identifier>,
    /// Ids of records merged into it.
    pub merged: Vec<Identifier>,
    /// The strongest identifier, then, of the profile whose id it carried.
    pub carried: Option<Identifier>,
}

/// A line's place: the event it is or comes after, then its number among the lines that are no events. 0, 0 is before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPlace {
    pub event: i64,
    pub line: i64,
}

impl Logged {
    /// As the log keeps it; `None` for an event, which is a log of its own.
    pub fn to_text(&self) -> Option<String> {
        let all = |ids: &[Identifier]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let body = match self {
            Self::Event(_) => return None,
            Self::Record(record) => {
                let own = Identifier::crm(&record.key.connection, &record.key.object, &record.key.id);
                let mut body = json!({ "record": own.to_string(), "at": record.at.micros() });
                if let Json::Object(members) = &mut body {
                    for (name, ids) in [("ids", &record.identifiers), ("merged", &record.merged)] {
                        if !ids.is_empty() {
                            members.insert(name.into(), json!(all(ids)));
                        }
                    }
                    if let Some(carried) = &record.carried {
                        members.insert("carried".into(), json!(carried.to_string()));
                    }
                }
                body
            }
            Self::WentOn { from, into, at } => {
                json!({ "went_on": from.to_string(), "into": into.to_string(), "at": at.micros() })
            }
            Self::Gone(record) => json!({ "gone": record.to_string() }),
            Self::Joined(one, other) => json!({ "joined": [one.to_string(), other.to_string()] }),
            Self::Apart(one, others) => json!({ "apart": one.to_string(), "from": all(others) }),
            Self::Unlinked(one, others) => json!({ "unlinked": one.to_string(), "from": all(others) }),
            Self::Shared(identifier) => json!({ "shared": identifier.to_string() }),
            Self::Settled(phone) => json!({ "settled": phone.to_string() }),
            Self::Rules(text) => json!({ "rules": text }),
        };
        Some(body.to_string())
    }

    /// Reads back what [`Self::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let body: Json = serde_json::from_str(text).ok()?;
        let one = |name: &str| body.get(name).and_then(Json::as_str).and_then(Identifier::parse_key);
        let many = |name: &str| -> Option<Vec<Identifier>> {
            let Some(list) = body.get(name) else { return Some(Vec::new()) };
            list.as_array()?.iter().map(|id| id.as_str().and_then(Identifier::parse_key)).collect()
        };
        let at = || body.get("at").and_then(Json::as_i64).map(Timestamp::from_micros);
        if let Some(rules) = body.get("rules") {
            return Some(Self::Rules(rules.as_str()?.into()));
        }
        if let Some(own) = one("record") {
            let IdentifierKind::Crm { connection, object } = own.kind else { return None };
            return Some(Self::Record(LoggedRecord {
                key: RecordKey { connection, object, id: (&*own.value).into() },
                at: at()?,
                identifiers: many("ids")?,
                merged: many("merged")?,
                carried: one("carried"),
            }));
        }
        if let Some(from) = one("went_on") {
            return Some(Self::WentOn { from, into: one("into")?, at: at()? });
        }
        if let Some(joined) = body.get("joined").and(many("joined")) {
            let [one, other] = <[Identifier; 2]>::try_from(joined).ok()?;
            return Some(Self::Joined(one, other));
        }
        if let Some(apart) = one("apart") {
            return Some(Self::Apart(apart, many("from")?));
        }
        if let Some(unlinked) = one("unlinked") {
            return Some(Self::Unlinked(unlinked, many("from")?));
        }
        one("gone")
            .map(Self::Gone)
            .or_else(|| one("shared").map(Self::Shared))
            .or_else(|| one("settled").map(Self::Settled))
    }

    /// Whether it bears on everybody, whatever it names.
    pub fn is_for_all(&self) -> bool {
        matches!(self, Self::Rules(_))
    }

    /// What it names; an event's identifiers, a record's own id.
    pub fn names(&self) -> Vec<Identifier> {
        match self {
            Self::Event(event) => event.identifiers.clone(),
            Self::Record(record) => {
                let own = Identifier::crm(&record.key.connection, &record.key.object, &record.key.id);
                let mut names = vec![own];
                names.extend(record.identifiers.iter().chain(&record.merged).chain(&record.carried).cloned());
                names
            }
            Self::WentOn { from, into, .. } => vec![from.clone(), into.clone()],
            Self::Joined(one, other) => vec![one.clone(), other.clone()],
            Self::Apart(one, others) | Self::Unlinked(one, others) => {
                std::iter::once(one).chain(others).cloned().collect()
            }
            Self::Gone(one) | Self::Shared(one) | Self::Settled(one) => vec![one.clone()],
            Self::Rules(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back() {
        let id = |key: &str| Identifier::parse_key(key).unwrap();
        let record = LoggedRecord {
            key: RecordKey { connection: "hubspot".into(), object: connector::Object::Contact, id: "7:x".into() },
            at: Timestamp::from_secs(5),
            identifiers: vec![id("email:zoë@acme.example"), id("phone:+4930123456")],
            merged: vec![id("crm:hubspot:contact:6")],
            carried: Some(id("user_id:u:1")),
        };
        let lines = [
            Logged::Record(LoggedRecord { identifiers: vec![], merged: vec![], carried: None, ..record.clone() }),
            Logged::Record(record),
            Logged::WentOn { from: id("crm:sf:lead:L"), into: id("crm:sf:contact:C"), at: Timestamp::from_secs(1) },
            Logged::Gone(id("crm:sf:lead:L")),
            Logged::Joined(id("user_id:a"), id("loyalty_id:b")),
            Logged::Apart(id("device:ios.id:a"), vec![id("user_id:a"), id("anonymous_id:b")]),
            Logged::Unlinked(id("email:a@one.example"), vec![id("user_id:a")]),
            Logged::Shared(id("phone:+4930123456")),
            Logged::Settled(id("phone:+4930123456")),
            Logged::Rules(crate::model::IdentityRules::default().to_text().into()),
        ];
        for line in lines {
            assert_eq!(Logged::from_text(&line.to_text().unwrap()), Some(line));
        }
        for broken in ["", "{}", r#"{"record":"email:a@b.example","at":1}"#, r#"{"joined":["user_id:a"]}"#] {
            assert_eq!(Logged::from_text(broken), None, "{broken}");
        }
    }
}
