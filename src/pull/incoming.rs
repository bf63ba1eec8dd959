//! Records as delivered → records ready for a decision: identifiers found, content hashed.

use connector::{Record, Value};
use xxhash_rust::xxh3::Xxh3;

use crate::mapping::ObjectMapping;
use crate::model::{Identifier, IdentityRules, ProfileUid, Region};
use crate::store::Incoming;

/// Prepares a page. `seed` is the mapping's fingerprint: a changed mapping changes every hash, so that every record is decided
/// anew under it.
pub fn of_page(mapping: &ObjectMapping, rules: &IdentityRules, seed: u64, records: Vec<Record>) -> Vec<Incoming> {
    records
        .into_iter()
        .map(|record| {
            let hash = content_hash(seed, &record);
            let identifiers = identifiers(mapping, rules, &record);
            let carried = carried(mapping, &record);
            Incoming { record, hash, identifiers, carried }
        })
        .collect()
}

/// What tells whose a record of a person is, beside its own id: its addresses, the first one first, and its phone.
fn identifiers(mapping: &ObjectMapping, rules: &IdentityRules, record: &Record) -> Vec<Identifier> {
    if !mapping.object.is_person() {
        return Vec::new();
    }
    let text = |attribute: &str| {
        let mapping = mapping.of_attribute(attribute)?;
        record.fields.get(&mapping.field).and_then(Value::as_text)
    };
    let mut found: Vec<Identifier> = text("email").and_then(Identifier::email).into_iter().collect();
    found.extend(record.other_emails.iter().filter_map(|address| Identifier::email(address)));
    let region = rules.default_region.or_else(|| text("country").and_then(Region::of_code));
    found.extend(text("phone").and_then(|phone| Identifier::phone(phone, region)));
    found
}

/// The profile id on a record of a person; text that is none was not written by Ferry.
fn carried(mapping: &ObjectMapping, record: &Record) -> Option<ProfileUid> {
    let text = record.fields.get(mapping.key_field().filter(|_| mapping.object.is_person())?)?.as_text()?;
    text.trim().parse().ok().map(ProfileUid)
}

/// 64 bits over everything that is kept of the record: fields, links, deal, user, activity, merged ids; not the change stamp, which
/// moves on our own writes too.
fn content_hash(seed: u64, record: &Record) -> i64 {
    let mut hash = Xxh3::with_seed(seed);
    let mut text = |bytes: &[u8]| {
        hash.update(&(bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (name, value) in record.fields.iter() {
        text(name.as_bytes());
        match value {
            Value::Null => text(b"n"),
            Value::Text(value) => {
                text(b"t");
                text(value.as_bytes());
            }
            other => text(format!("{other:?}").as_bytes()),
        }
    }
    if record.links.is_some()
        || record.deal.is_some()
        || record.user.is_some()
        || !record.merged_ids.is_empty()
        || !record.other_emails.is_empty()
    {
        let mut links = record.links.clone();
        if let Some(links) = &mut links {
            links.sort();
        }
        text(format!("{:?}", (links, &record.deal, &record.user, &record.merged_ids, &record.other_emails)).as_bytes());
    }
    if let Some(activity) = &record.activity {
        text(format!("{activity:?}").as_bytes());
    }
    hash.digest().cast_signed()
}

#[cfg(test)]
mod tests {
    use connector::{Fields, Object};

    use super::*;
    use crate::mapping::{FieldMapping, Kind, Source};

    fn mapping() -> ObjectMapping {
        ObjectMapping::new(Object::Contact, vec![FieldMapping::new("email", "email", Kind::Text, Source::Declared)])
    }

    fn record(fields: Fields) -> Record {
        Record::new("7", fields)
    }

    #[test]
    fn the_hash_sees_content_and_nothing_else() {
        let mut stamped = record(Fields::from([("email", "ada@acme.example")]));
        let plain = content_hash(1, &stamped);
        stamped.modified_at = Some(connector::Timestamp::from_secs(9));
        assert_eq!(content_hash(1, &stamped), plain);
        assert_ne!(content_hash(2, &stamped), plain, "another mapping is another look");
        assert_ne!(content_hash(1, &record(Fields::from([("email", Value::Null)]))), plain);
        assert_ne!(
            content_hash(1, &record(Fields::new())),
            content_hash(1, &record(Fields::from([("email", Value::Null)])))
        );
    }

    #[test]
    fn a_person_is_known_by_addresses_and_phone() {
        let mut fields = mapping().fields;
        fields.push(FieldMapping::new("phone", "phone", Kind::Text, Source::Declared));
        fields.push(FieldMapping::new("country", "country", Kind::Text, Source::Declared));
        let mapping = ObjectMapping::new(Object::Contact, fields);
        let mut record =
            record(Fields::from([("email", " Ada@Acme.example "), ("phone", "030 123456"), ("country", "DE")]));
        record.other_emails = vec!["Ada.L@acme.example".into()];
        let found = identifiers(&mapping, &IdentityRules::default(), &record);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["email:ada@acme.example", "email:ada.l@acme.example", "phone:+4930123456"]);
    }
}
