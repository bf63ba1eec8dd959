//! Schemas: what fields there are, and making new ones.

use connector::{CreatedField, FieldKind, NewField, Object};

use super::steps::{ensure, failed, fails, holds, is_done, person, push_one, skipped, update, works};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [13] describe_knows_fields_and_kinds,
        [13] describe_tells_what_can_be_written,
        [9] describe_of_an_unknown_object_fails,
        [6] creating_a_field_twice_creates_one,
        [6] creating_a_field_that_exists_leaves_it_alone,
    ]
}

async fn describe_knows_fields_and_kinds(s: &dyn Subject) -> Checked {
    let words = s.words();
    let schema = works("describe", s.connector().describe(&words.person).await)?;
    ensure!(schema.object == words.person, "asked for {}, the schema is of {}", words.person, schema.object);
    let texts = [&words.text, &words.other_text, &words.email].map(|name| (name.clone(), FieldKind::Text));
    for (name, kind) in texts.iter().chain(&words.typed) {
        let Some(spec) = schema.fields.get(name) else { return failed(format!("the schema does not know {name}")) };
        ensure!(spec.name == *name, "the field {name} is called {} inside", spec.name);
        // Options and scales are the CRM's own business; the family is not.
        let same = std::mem::discriminant(&spec.kind) == std::mem::discriminant(kind);
        let number = |kind: &FieldKind| matches!(kind, FieldKind::Integer | FieldKind::Decimal { .. });
        ensure!(
            same || (number(&spec.kind) && number(kind)),
            "{name} is a {} field, the schema says {}",
            kind.word(),
            spec.kind.word()
        );
    }
    ensure!(!schema.fields.contains_key("no_such_field_of_the_suite"), "the schema knows a field nobody defined");
    Ok(())
}

async fn describe_tells_what_can_be_written(s: &dyn Subject) -> Checked {
    let words = s.words();
    let schema = works("describe", s.connector().describe(&words.person).await)?;
    for name in [&words.text, &words.other_text].into_iter().chain(words.typed.iter().map(|(name, _)| name)) {
        ensure!(schema.fields.get(name).is_some_and(|spec| spec.writable), "{name} is not told to be writable");
    }
    if let Some(key) = &words.key {
        ensure!(schema.fields.get(key).is_some_and(|spec| spec.unique), "{key} is not told to be unique");
    }
    let Some(name) = &words.read_only else { return skipped("the subject names no read-only field") };
    ensure!(schema.fields.get(name).is_some_and(|spec| !spec.writable), "{name} is not told to be read only");
    Ok(())
}

async fn describe_of_an_unknown_object_fails(s: &dyn Subject) -> Checked {
    works("check", s.connector().check().await)?;
    let object = Object::Other("no_such_object_of_the_suite".into());
    fails("describe of an object nobody defined", s.connector().describe(&object).await)?;
    Ok(())
}

fn score() -> NewField {
    NewField {
        name: "cdp_conformance".into(),
        label: "CDP conformance".into(),
        description: "Made by the conformance suite".into(),
        kind: FieldKind::Decimal { scale: None },
        unique: false,
    }
}

async fn creating_a_field_twice_creates_one(s: &dyn Subject) -> Checked {
    let (words, connector) = (s.words(), s.connector());
    if !connector.capability().creates_fields {
        return skipped("the connector creates no fields");
    }
    let name = match works("creating a field", connector.create_field(&words.person, &score()).await)? {
        CreatedField::Created(name) => name,
        CreatedField::Existed(name) => return failed(format!("{name} was told to exist before it was created")),
    };
    let again = works("creating it again", connector.create_field(&words.person, &score()).await)?;
    ensure!(again == CreatedField::Existed(name.clone()), "creating it again was told as {again:?}");
    let schema = works("describe", connector.describe(&words.person).await)?;
    ensure!(schema.fields.get(&name).is_some_and(|spec| spec.writable), "the new field cannot be written");
    let id = person(s, 1).await?;
    is_done(&push_one(s, &update(s, &id, [(name.clone(), 87)])).await?)?;
    holds(s, &id, &name, &connector::Value::from(87)).await
}

async fn creating_a_field_that_exists_leaves_it_alone(s: &dyn Subject) -> Checked {
    let (words, connector) = (s.words(), s.connector());
    if !connector.capability().creates_fields {
        return skipped("the connector creates no fields");
    }
    let before = works("describe", connector.describe(&words.person).await)?;
    let taken = NewField { name: words.text.clone(), ..score() };
    match works("creating a field that exists", connector.create_field(&words.person, &taken).await)? {
        CreatedField::Existed(name) => ensure!(name == words.text, "{} was told to exist as {name}", words.text),
        CreatedField::Created(name) => return failed(format!("{name} was created although it exists")),
    }
    let after = works("describe", connector.describe(&words.person).await)?;
    ensure!(before.fields.get(&words.text) == after.fields.get(&words.text), "the existing field was changed");
    Ok(())
}
