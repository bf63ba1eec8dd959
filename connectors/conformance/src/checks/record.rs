//! What pages and reads say of records: values, deletions, merges, associations, deals, users.

use connector::{DealStatus, FieldName, Link, Object, PullRequest, ReadKey, ReadRequest, Stream, Timestamp, Value};
use rust_decimal::Decimal;

use super::steps::{
    Walk, all_there, ask, ask_people, email, ensure, failed, people, person, read_one, settle, skipped, walk, works,
};
use super::table;
use crate::subject::{Checked, DealSeed, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [13] a_field_without_a_value_is_null,
        [13] a_field_the_crm_does_not_define_is_absent_and_named,
        [13] only_the_fields_asked_for_are_delivered,
        [2] records_carry_their_change_stamp,
        [12] a_read_leaves_out_what_is_not_there,
        [12] a_read_by_unique_field_finds_the_record,
        [4] a_deletion_leaves_a_tombstone,
        [4] a_deleted_record_is_no_longer_live,
        [4] a_restored_record_comes_back,
        [4] a_merge_is_told_and_is_not_a_deletion,
        [4, 12] a_merged_id_reads_as_the_survivor,
        [2] associations_are_delivered,
        [2] an_association_taken_away_is_gone_in_the_next_sweep,
        [2] deals_are_open_won_or_lost,
        [2] users_are_delivered,
    ]
}

async fn a_field_without_a_value_is_null(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    settle(s).await?;
    let field = &s.words().text;
    let walked = walk(s, &ask_people(s)).await?;
    let pulled = walked.record(&id)?.fields.get(field);
    ensure!(pulled == Some(&Value::Null), "a pull gave {pulled:?} for a field without a value");
    let read = read_one(s, &id, &[field]).await?;
    let read = read.as_ref().and_then(|record| record.fields.get(field));
    ensure!(read == Some(&Value::Null), "a read gave {read:?} for a field without a value");
    Ok(())
}

async fn a_field_the_crm_does_not_define_is_absent_and_named(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    settle(s).await?;
    let words = s.words();
    let nowhere = FieldName::from("no_such_field_of_the_suite");
    let walked = walk(s, &ask(Stream::Records(words.person.clone()), &[&words.email, &nowhere])).await?;
    ensure!(walked.record(&id)?.fields.get(&nowhere).is_none(), "an undefined field has a value");
    ensure!(walked.pages.iter().any(|page| page.undefined.contains(&nowhere)), "no page names the undefined field");
    let wrong = walked.pages.iter().any(|page| page.undefined.contains(&words.email));
    ensure!(!wrong, "a field that exists is called undefined");
    let read = read_one(s, &id, &[&words.email, &nowhere]).await?;
    ensure!(read.is_some_and(|record| record.fields.get(&nowhere).is_none()), "a read gave an undefined field");
    Ok(())
}

async fn only_the_fields_asked_for_are_delivered(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    settle(s).await?;
    let words = s.words();
    let walked = walk(s, &ask(Stream::Records(words.person.clone()), &[&words.text])).await?;
    let names: Vec<_> = walked.record(&id)?.fields.names().cloned().collect();
    ensure!(names == std::slice::from_ref(&words.text), "one field was asked for, these came: {names:?}");
    Ok(())
}

async fn records_carry_their_change_stamp(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    settle(s).await?;
    let request = ask_people(s);
    let first = walk(s, &request).await?;
    let before = first.record(&id)?.modified_at;
    s.edit(&s.words().person, &id, [(s.words().text.clone(), "later")].into()).await?;
    settle(s).await?;
    let second = walk(s, &first.next(&request)).await?;
    let after = second.record(&id)?.modified_at;
    ensure!(before.is_some(), "the record has no change stamp");
    ensure!(after > before, "the stamp did not move with the change ({before:?}, {after:?})");
    Ok(())
}

async fn a_read_leaves_out_what_is_not_there(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let request = ReadRequest {
        object: s.words().person.clone(),
        fields: vec![s.words().email.clone()],
        by: ReadKey::Ids(vec![s.words().no_such_id.clone(), id.clone()]),
    };
    let records = works("a read", s.connector().read(&request).await)?;
    let ids: Vec<_> = records.iter().map(|record| &record.id).collect();
    ensure!(ids == [&id], "one of two ids exists, the read gave {ids:?}");
    Ok(())
}

async fn a_read_by_unique_field_finds_the_record(s: &dyn Subject) -> Checked {
    let ids = people(s, 3).await?;
    let words = s.words();
    let values = [email(1), email(99)].map(|mail| Value::from(mail.as_str())).to_vec();
    let by = ReadKey::Unique { field: words.email.clone(), values };
    let request = ReadRequest { object: words.person.clone(), fields: vec![words.email.clone()], by };
    let records = works("a read", s.connector().read(&request).await)?;
    let found: Vec<_> = records.iter().map(|record| &record.id).collect();
    ensure!(found == [&ids[1]], "one of two addresses exists, the read gave {found:?}");
    Ok(())
}

fn tombstones_of(s: &dyn Subject) -> Checked<PullRequest> {
    let person = &s.words().person;
    if s.connector().capability().deletions.contains(person) {
        Ok(ask(Stream::Deletions(person.clone()), &[]))
    } else {
        skipped(format!("the connector tells no deletions of {person}"))
    }
}

async fn a_deletion_leaves_a_tombstone(s: &dyn Subject) -> Checked {
    let request = tombstones_of(s)?;
    let ids = people(s, 3).await?;
    settle(s).await?;
    let next = walk(s, &request).await?.next(&request);
    s.delete(&s.words().person, &ids[1]).await?;
    settle(s).await?;
    let walked = walk(s, &next).await?;
    let told = walked.tombstones().find(|tombstone| tombstone.id == ids[1]);
    ensure!(told.is_some_and(|one| one.merged_into.is_none()), "the deletion was told as {told:?}");
    let wrong = walked.tombstones().find(|one| one.id == ids[0] || one.id == ids[2]);
    ensure!(wrong.is_none(), "a live record was called deleted: {wrong:?}");
    Ok(())
}

async fn a_deleted_record_is_no_longer_live(s: &dyn Subject) -> Checked {
    let ids = people(s, 2).await?;
    s.delete(&s.words().person, &ids[0]).await?;
    settle(s).await?;
    let seen = walk(s, &ask_people(s)).await?.ids();
    ensure!(!seen.contains(&ids[0]), "a full load delivered a deleted record");
    all_there(&ids[1..], &seen)?;
    ensure!(read_one(s, &ids[0], &[]).await?.is_none(), "a read gave a deleted record");
    Ok(())
}

async fn a_restored_record_comes_back(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    s.delete(&s.words().person, &id).await?;
    settle(s).await?;
    let request = ask_people(s);
    let next = walk(s, &request).await?.next(&request);
    s.restore(&s.words().person, &id).await?;
    settle(s).await?;
    ensure!(read_one(s, &id, &[]).await?.is_some(), "a read does not give the restored record");
    all_there(&[id], &walk(s, &next).await?.ids())
}

/// Two people merged; the survivor's id and the ids that went away.
async fn merged(s: &dyn Subject) -> Checked<(connector::RecordId, Vec<connector::RecordId>)> {
    let ids = people(s, 2).await?;
    settle(s).await?;
    let survivor = s.merge(&s.words().person, &ids[0], &ids[1]).await?;
    let gone = ids.into_iter().filter(|id| *id != survivor).collect();
    settle(s).await?;
    Ok((survivor, gone))
}

async fn a_merge_is_told_and_is_not_a_deletion(s: &dyn Subject) -> Checked {
    let request = ask_people(s);
    let start = walk(s, &request).await?.next(&request);
    let (survivor, gone) = merged(s).await?;
    let records = walk(s, &start).await?;
    let aliases = &records.record(&survivor)?.merged_ids;
    let tombstones = match tombstones_of(s) {
        Ok(request) => walk(s, &request).await?,
        Err(_) => Walk::default(),
    };
    for id in gone {
        let stone = tombstones.tombstones().find(|stone| stone.id == id);
        let into = stone.and_then(|stone| stone.merged_into.as_ref());
        let told_by_stone = into.is_some_and(|into| into.id == survivor && into.object == s.words().person);
        ensure!(
            aliases.contains(&id) || told_by_stone,
            "{id} was merged into {survivor}; the survivor lists {aliases:?}, its tombstone is {stone:?}"
        );
    }
    Ok(())
}

async fn a_merged_id_reads_as_the_survivor(s: &dyn Subject) -> Checked {
    let (survivor, gone) = merged(s).await?;
    for id in gone {
        match read_one(s, &id, &[]).await? {
            Some(record) if record.id == survivor => {
                ensure!(record.merged_ids.contains(&id), "the survivor of {id} does not list it as merged");
            }
            Some(record) => return failed(format!("{id} reads as {}, it was merged into {survivor}", record.id)),
            None => return failed(format!("{id} was merged into {survivor} and reads as nothing")),
        }
    }
    Ok(())
}

fn sweep_of(s: &dyn Subject) -> Checked<PullRequest> {
    let person = &s.words().person;
    if s.connector().capability().associations.contains(person) {
        let links = vec![Object::Company];
        Ok(PullRequest { links, ..ask(Stream::Associations(person.clone()), &[]) })
    } else {
        skipped(format!("the connector tells no associations of {person}"))
    }
}

async fn associations_are_delivered(s: &dyn Subject) -> Checked {
    let sweep = sweep_of(s)?;
    let ids = people(s, 2).await?;
    let company = s.seed_company("Conformance Works").await?;
    s.link((&s.words().person, &ids[0]), (&Object::Company, &company), true).await?;
    settle(s).await?;
    let link = vec![Link { object: Object::Company, id: company }];
    let swept = walk(s, &sweep).await?;
    let told = &swept.record(&ids[0])?.links;
    ensure!(*told == Some(link.clone()), "a sweep gave {told:?} instead of one company");
    let none = swept.record(&ids[1])?.links.clone();
    ensure!(none.as_ref().is_some_and(Vec::is_empty), "a record without associations came with {none:?}");
    ensure!(swept.pages.last().is_some_and(|page| page.full_load_done), "the sweep did not say that it is done");

    let with_links = PullRequest { links: vec![Object::Company], ..ask_people(s) };
    let pulled = walk(s, &with_links).await?;
    let told = &pulled.record(&ids[0])?.links;
    ensure!(*told == Some(link), "a pull with associations gave {told:?} instead of one company");
    let without = walk(s, &ask_people(s)).await?;
    ensure!(without.record(&ids[0])?.links.is_none(), "associations came unasked");
    Ok(())
}

async fn an_association_taken_away_is_gone_in_the_next_sweep(s: &dyn Subject) -> Checked {
    let sweep = sweep_of(s)?;
    let id = person(s, 1).await?;
    let company = s.seed_company("Conformance Works").await?;
    let ends = ((&s.words().person, &id), (&Object::Company, &company));
    s.link(ends.0, ends.1, true).await?;
    settle(s).await?;
    let first = walk(s, &sweep).await?;
    ensure!(first.record(&id)?.links.as_ref().is_some_and(|links| links.len() == 1), "the association did not come");
    s.link(ends.0, ends.1, false).await?;
    settle(s).await?;
    let second = walk(s, &first.next(&sweep)).await?;
    let links = &second.record(&id)?.links;
    ensure!(links.as_ref().is_some_and(Vec::is_empty), "an association taken away still comes: {links:?}");
    Ok(())
}

async fn deals_are_open_won_or_lost(s: &dyn Subject) -> Checked {
    if !s.connector().capability().objects.contains(&Object::Deal) {
        return skipped("the connector pulls no deals");
    }
    let closed_at = Timestamp::from_secs(1_780_000_000);
    let mut seeded = Vec::new();
    for status in [DealStatus::Open, DealStatus::Won, DealStatus::Lost] {
        let deal = DealSeed {
            name: format!("Conformance {}", status.as_str()),
            amount: Decimal::new(1_200_050, 2),
            currency: "EUR".into(),
            status,
            closed_at: (status != DealStatus::Open).then_some(closed_at),
        };
        seeded.push((s.seed_deal(deal.clone()).await?, deal));
    }
    settle(s).await?;
    let walked = walk(s, &ask(Stream::Records(Object::Deal), &[])).await?;
    for (id, deal) in seeded {
        let word = deal.status.as_str();
        let Some(facts) = &walked.record(&id)?.deal else { return failed(format!("deal {id} came without facts")) };
        ensure!(facts.status == deal.status, "a deal that is {word} was told as {}", facts.status.as_str());
        ensure!(facts.amount == Some(deal.amount), "amount {} was told as {:?}", deal.amount, facts.amount);
        ensure!(facts.currency.as_deref() == Some("EUR"), "currency EUR was told as {:?}", facts.currency);
        ensure!(facts.name.as_deref() == Some(&*deal.name), "the name was told as {:?}", facts.name);
        ensure!(facts.closed_at.is_some() == deal.closed_at.is_some(), "{word} deal closed at {:?}", facts.closed_at);
    }
    Ok(())
}

async fn users_are_delivered(s: &dyn Subject) -> Checked {
    if !s.connector().capability().objects.contains(&Object::User) {
        return skipped("the connector pulls no users");
    }
    let id = s.seed_user("rep@conformance.example", "Rita Rep", true).await?;
    settle(s).await?;
    let walked = walk(s, &ask(Stream::Records(Object::User), &[])).await?;
    let Some(user) = &walked.record(&id)?.user else { return failed("the user came without facts") };
    ensure!(user.email.as_deref() == Some("rep@conformance.example"), "the user's address is {:?}", user.email);
    ensure!(user.name.as_deref() == Some("Rita Rep"), "the user's name is {:?}", user.name);
    ensure!(user.active, "an active user came as inactive");
    Ok(())
}
