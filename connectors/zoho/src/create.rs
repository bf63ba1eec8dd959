//! What a new record cannot do without. Pure.
//!
//! Zoho creates no contact or lead without a last name, and most layouts want a lead's company. Where the mapping writes
//! neither, the configured stand-ins are used — but only once Zoho has said that something is missing: an upsert that finds
//! its record must not overwrite what people have written there.

use connector::{Creation, Fields, Object, Value};

/// The fields with a stand-in for the missing one; `None` where there is none to give.
pub(crate) fn complete(object: &Object, fields: &Fields, missing: &str, creation: &Creation) -> Option<Fields> {
    let value = match (object, missing) {
        (Object::Contact | Object::Lead, "Last_Name") => creation.last_name(text(fields, "Email"), 80),
        (Object::Lead, "Company") => creation.company(text(fields, "Website"), 200),
        _ => return None,
    };
    let mut whole = fields.clone();
    whole.set(missing, value.as_str());
    (whole != *fields).then_some(whole)
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_text).map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(object: Object, pairs: &[(&str, &str)], missing: &str) -> Option<String> {
        let fields: Fields = pairs.iter().map(|(name, value)| (*name, *value)).collect();
        complete(&object, &fields, missing, &Creation::default())?.get(missing).map(ToString::to_string)
    }

    #[test]
    fn what_is_missing_gets_a_stand_in() {
        let check = |object, pairs: &[(&str, &str)], missing, expected: Option<&str>| {
            assert_eq!(completed(object, pairs, missing).as_deref(), expected, "{pairs:?} {missing}");
        };
        check(Object::Lead, &[("Email", "m.ruiz@acme.example")], "Last_Name", Some("m.ruiz"));
        check(Object::Contact, &[], "Last_Name", Some("Unknown"));
        check(Object::Contact, &[("Email", "@x")], "Last_Name", Some("Unknown"));
        check(Object::Lead, &[("Website", "https://www.acme.example/x")], "Company", Some("acme.example"));
        check(Object::Lead, &[("Website", "none")], "Company", Some("[not provided]"));
        check(Object::Contact, &[], "Company", None);
        check(Object::Lead, &[], "Industry", None);
        let long = format!("{}@x.example", "a".repeat(200));
        assert_eq!(completed(Object::Lead, &[("Email", &long)], "Last_Name").unwrap().len(), 80);
    }
}
