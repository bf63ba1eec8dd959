//! What a new record cannot do without. Pure.
//!
//! Salesforce creates no contact without a last name and no lead without a last name and a company. Where the mapping
//! writes neither, the configured stand-ins are used — but only once Salesforce has said that it would have to create the
//! record: an upsert that finds its record must not overwrite what people have written there.

use connector::{Creation, Fields, Object, Value};

/// The fields with everything a new record of this object needs; `None` where nothing is missing that could be added.
pub(crate) fn complete(object: &Object, fields: &Fields, creation: &Creation) -> Option<Fields> {
    let mut whole = fields.clone();
    if matches!(object, Object::Contact | Object::Lead) && is_blank(fields, "LastName") {
        set(&mut whole, "LastName", &creation.last_name(text(fields, "Email"), 80));
    }
    if *object == Object::Lead && is_blank(fields, "Company") {
        set(&mut whole, "Company", &creation.company(text(fields, "Website"), 255));
    }
    (whole != *fields).then_some(whole)
}

fn find<'a>(fields: &'a Fields, name: &str) -> Option<&'a Value> {
    fields.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    find(fields, name)?.as_text().map(str::trim).filter(|text| !text.is_empty())
}

fn is_blank(fields: &Fields, name: &str) -> bool {
    find(fields, name).is_none_or(|value| value.to_string().trim().is_empty())
}

fn set(fields: &mut Fields, name: &str, value: &str) {
    let said = fields.names().find(|have| have.eq_ignore_ascii_case(name)).cloned();
    fields.set(said.unwrap_or_else(|| name.into()), value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(object: Object, pairs: &[(&str, &str)]) -> Option<(Option<String>, Option<String>)> {
        let fields: Fields = pairs.iter().map(|(name, value)| (*name, *value)).collect();
        let whole = complete(&object, &fields, &Creation::default())?;
        let of = |name: &str| whole.get(name).map(ToString::to_string);
        Some((of("LastName"), of("Company")))
    }

    #[test]
    fn a_lead_gets_a_name_and_a_company() {
        let check = |pairs: &[(&str, &str)], last: &str, company: &str| {
            assert_eq!(completed(Object::Lead, pairs), Some((Some(last.into()), Some(company.into()))), "{pairs:?}");
        };
        check(&[("Email", "m.ruiz@acme.example")], "m.ruiz", "[not provided]");
        check(&[], "Unknown", "[not provided]");
        check(&[("LastName", " "), ("Website", "https://www.acme.example/x")], "Unknown", "acme.example");
        check(&[("LastName", "Ruiz"), ("Website", "none")], "Ruiz", "[not provided]");
        check(&[("Email", "@x"), ("Company", "Acme")], "Unknown", "Acme");
        let long = format!("{}@x.example", "a".repeat(200));
        assert_eq!(completed(Object::Lead, &[("Email", &long)]).unwrap().0.unwrap().len(), 80);
    }

    #[test]
    fn what_is_there_stays_and_other_objects_get_nothing() {
        assert_eq!(completed(Object::Lead, &[("lastname", "Ruiz"), ("company", "Acme")]), None);
        assert_eq!(completed(Object::Contact, &[("LastName", "Ruiz")]), None);
        assert_eq!(completed(Object::Contact, &[("Email", "a@b.example")]).unwrap(), (Some("a".into()), None));
        assert_eq!(completed(Object::Company, &[("Phone", "1")]), None);
    }
}
