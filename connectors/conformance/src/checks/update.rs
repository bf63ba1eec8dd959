//! Updates: exactly the fields named, values kept whole, read back at once.

use std::sync::Arc;

use chrono::NaiveDate;
use connector::{FieldKind, Fields, Outcome, Timestamp, Value};
use rust_decimal::Decimal;

use super::steps::{ensure, holds, is_done, people, person, push, push_one, read_one, skipped, truth, update};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;
use crate::value::same;

pub(super) fn checks() -> Vec<Check> {
    table![
        [8] an_update_changes_the_field_named,
        [8] a_field_not_named_is_not_touched,
        [8] null_clears_a_field,
        [12] a_read_shows_what_was_pushed,
        [12] unicode_survives_the_round_trip,
        [12] long_text_survives_the_round_trip,
        [8, 12] numbers_survive_the_round_trip,
        [8, 12] flags_survive_the_round_trip,
        [8, 12] dates_survive_the_round_trip,
        [8, 12] instants_survive_the_round_trip,
        [8, 12] lists_survive_the_round_trip,
        [12] what_was_kept_is_what_is_there,
        [6] the_same_update_twice_is_one_update,
    ]
}

async fn an_update_changes_the_field_named(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    let text = &s.words().text;
    let (id, created) = is_done(&push_one(s, &update(s, &ids[0], [(text.clone(), "written")])).await?)?;
    ensure!(id == ids[0] && !created, "the update of {} was told as {id}, created: {created}", ids[0]);
    holds(s, &ids[0], text, &"written".into()).await?;
    holds(s, &ids[1], text, &Value::Null).await
}

async fn a_field_not_named_is_not_touched(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    let both = Fields::from([(words.text.clone(), Value::from("mine")), (words.other_text.clone(), "theirs".into())]);
    s.edit(&words.person, &id, both).await?;
    is_done(&push_one(s, &update(s, &id, [(words.text.clone(), "new")])).await?)?;
    holds(s, &id, &words.text, &"new".into()).await?;
    holds(s, &id, &words.other_text, &"theirs".into()).await?;
    holds(s, &id, &words.email, &super::steps::email(1).as_str().into()).await
}

async fn null_clears_a_field(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    let both = Fields::from([(words.text.clone(), Value::from("mine")), (words.other_text.clone(), "theirs".into())]);
    s.edit(&words.person, &id, both).await?;
    is_done(&push_one(s, &update(s, &id, [(words.text.clone(), Value::Null)])).await?)?;
    holds(s, &id, &words.text, &Value::Null).await?;
    holds(s, &id, &words.other_text, &"theirs".into()).await
}

async fn a_read_shows_what_was_pushed(s: &dyn Subject) -> Checked {
    let ids = people(s, 3).await?;
    let text = &s.words().text;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(text.clone(), format!("of {id}").as_str())])).collect();
    push(s, &writes).await?.iter().try_for_each(|outcome| is_done(outcome).map(drop))?;
    for id in &ids {
        let record = read_one(s, id, &[text]).await?;
        let read = record.as_ref().and_then(|record| record.fields.get(text));
        ensure!(read == Some(&Value::from(format!("of {id}").as_str())), "{id} reads {read:?} after the push");
    }
    Ok(())
}

async fn text_round_trip(s: &dyn Subject, texts: &[&str]) -> Checked {
    let id = person(s, 1).await?;
    let field = &s.words().text;
    for wanted in texts {
        is_done(&push_one(s, &update(s, &id, [(field.clone(), *wanted)])).await?)?;
        let record = read_one(s, &id, &[field]).await?;
        let read = record.as_ref().and_then(|record| record.fields.get(field));
        ensure!(read == Some(&Value::from(*wanted)), "{wanted:?} was read back as {read:?}");
        holds(s, &id, field, &Value::from(*wanted)).await?;
    }
    Ok(())
}

async fn unicode_survives_the_round_trip(s: &dyn Subject) -> Checked {
    let texts = [
        "Zoë Müller-Łukasz",
        "👩\u{200d}🚀 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} 🇩🇪",
        "مرحبا بالعالم",
        "שלום, Ada",
        "e\u{301} and é",
        "日本語テキスト 𠮷野家",
        "a \"quoted\" <b>&amp;</b> 'text' \\ with {json: [1, 2]}",
        "50 % off; a+b=c?d#e/f",
    ];
    text_round_trip(s, &texts).await
}

async fn long_text_survives_the_round_trip(s: &dyn Subject) -> Checked {
    text_round_trip(s, &["ü".repeat(200).as_str()]).await
}

/// Round trips of the values through every field of a family of kinds.
async fn typed_round_trip(
    s: &dyn Subject,
    family: &str,
    values: impl Fn(&FieldKind) -> Option<Vec<Value>> + Send + Sync,
) -> Checked {
    let fields: Vec<_> =
        s.words().typed.iter().filter_map(|(name, kind)| values(kind).map(|values| (name, kind, values))).collect();
    if fields.is_empty() {
        return skipped(format!("the subject names no field for {family}"));
    }
    let id = person(s, 1).await?;
    for (name, kind, values) in fields {
        for wanted in values.iter().chain([&Value::Null]) {
            is_done(&push_one(s, &update(s, &id, [(name.clone(), wanted.clone())])).await?)?;
            let record = read_one(s, &id, &[name]).await?;
            let read = record.as_ref().and_then(|record| record.fields.get(name)).cloned();
            let read = read.map_or_else(|| super::steps::failed(format!("{name} was not read back")), Ok)?;
            ensure!(same(kind, wanted, &read), "{name}: {wanted:?} was read back as {read:?}");
            let held = truth(s, &id, name).await?;
            ensure!(same(kind, wanted, &held), "{name}: {wanted:?} is held as {held:?}");
        }
    }
    Ok(())
}

async fn numbers_survive_the_round_trip(s: &dyn Subject) -> Checked {
    let number = |mantissa: i64, scale: u32| Value::Number(Decimal::new(mantissa, scale));
    typed_round_trip(s, "numbers", move |kind| match kind {
        FieldKind::Integer => Some(vec![number(0, 0), number(42, 0), number(-7, 0), number(1_234_567, 0)]),
        FieldKind::Decimal { scale } if scale.is_none_or(|scale| scale >= 1) => {
            Some(vec![number(0, 0), number(875, 1), number(-15, 1), number(12_345_675, 1)])
        }
        FieldKind::Decimal { .. } => Some(vec![number(0, 0), number(87, 0)]),
        _ => None,
    })
    .await
}

async fn flags_survive_the_round_trip(s: &dyn Subject) -> Checked {
    typed_round_trip(s, "yes/no", |kind| match kind {
        FieldKind::Bool => Some(vec![Value::Bool(true), Value::Bool(false)]),
        _ => None,
    })
    .await
}

async fn dates_survive_the_round_trip(s: &dyn Subject) -> Checked {
    let days = [(2026, 2, 28), (2024, 2, 29), (2026, 12, 31), (1999, 1, 1)];
    typed_round_trip(s, "dates", move |kind| match kind {
        FieldKind::Date => {
            Some(days.iter().filter_map(|(y, m, d)| NaiveDate::from_ymd_opt(*y, *m, *d)).map(Value::Date).collect())
        }
        _ => None,
    })
    .await
}

async fn instants_survive_the_round_trip(s: &dyn Subject) -> Checked {
    // Whole seconds: not every CRM keeps milliseconds.
    typed_round_trip(s, "instants", |kind| match kind {
        FieldKind::Instant => {
            Some([1_790_000_000, 1_774_746_000, 946_684_800].map(Timestamp::from_secs).map(Value::Instant).to_vec())
        }
        _ => None,
    })
    .await
}

async fn lists_survive_the_round_trip(s: &dyn Subject) -> Checked {
    typed_round_trip(s, "lists", |kind| match kind {
        FieldKind::MultiChoice { options } => {
            let some = |count: usize| Value::List(options.iter().take(count).cloned().collect::<Vec<Arc<str>>>());
            // The second write shrinks the list: a CRM that appends would keep the rest.
            Some(vec![some(options.len()), some(1)])
        }
        FieldKind::Choice { options } => Some(options.iter().map(|one| Value::Text(one.clone())).collect()),
        _ => None,
    })
    .await
}

async fn what_was_kept_is_what_is_there(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    let mut fields = Fields::from([(words.text.clone(), "kept")]);
    for (name, kind) in &words.typed {
        if let FieldKind::Decimal { .. } = kind {
            fields.set(name.clone(), Value::Number(Decimal::new(123_456_789, 5)));
        }
    }
    let outcome = push_one(s, &update(s, &id, fields.clone())).await?;
    let Outcome::Done { kept, .. } = &outcome else {
        return super::steps::failed(format!("expected a write to be done, it was {outcome:?}"));
    };
    if kept.is_empty() {
        return skipped("the CRM's answer does not tell what it kept");
    }
    for (name, told) in kept.iter() {
        ensure!(fields.get(name).is_some(), "the outcome tells {name}, which was not written");
        let held = truth(s, &id, name).await?;
        let kind = words.typed.iter().find(|(typed, _)| typed == name).map_or(&FieldKind::Text, |(_, kind)| kind);
        ensure!(same(kind, told, &held), "{name} was told to be kept as {told:?} and holds {held:?}");
    }
    Ok(())
}

async fn the_same_update_twice_is_one_update(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    let words = s.words();
    let count = s.count(&words.person).await?;
    let writes: Vec<_> = ids.iter().map(|id| update(s, id, [(words.text.clone(), "once")])).collect();
    for _ in 0..2 {
        for (outcome, id) in push(s, &writes).await?.iter().zip(&ids) {
            let (told, created) = is_done(outcome)?;
            ensure!(told == *id && !created, "the update of {id} was told as {told}, created: {created}");
        }
    }
    ensure!(s.count(&words.person).await? == count, "sending an update twice changed the number of records");
    for id in &ids {
        holds(s, id, &words.text, &"once".into()).await?;
    }
    Ok(())
}
