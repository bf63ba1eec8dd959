//! The account: checking it, credentials, and what a call may cost.

use connector::ErrorKind;
use futures::future::join_all;

use super::steps::{ask_people, ensure, failed, fails, people, person, push, read_one, update, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [1] check_names_the_account,
        [1] check_changes_nothing_and_is_cheap,
        [1] check_tells_unreachable_from_auth,
        [1, 9] check_tells_auth_from_unreachable,
        [9] an_expired_token_is_renewed_and_the_call_replayed,
        [9] one_renewal_serves_all_callers,
        [9] a_revoked_credential_is_auth_at_every_door,
        [9] a_connector_works_again_after_the_credential_does,
        [1] budget_asks_nobody,
    ]
}

async fn check_names_the_account(s: &dyn Subject) -> Checked {
    let account = works("check", s.connector().check().await)?;
    ensure!(!account.id.is_empty(), "the account has no id");
    Ok(())
}

async fn check_changes_nothing_and_is_cheap(s: &dyn Subject) -> Checked {
    // The first call of all may have to get a token.
    works("check", s.connector().check().await)?;
    let (changes, requests) = (s.changes().await?, s.requests().await?);
    works("check", s.connector().check().await)?;
    ensure!(s.changes().await? == changes, "check changed records");
    let spent = s.requests().await? - requests;
    ensure!(spent <= 2, "check cost {spent} requests, at most 2 are allowed");
    ensure!(spent > 0, "check did not reach the CRM");
    Ok(())
}

async fn check_tells_unreachable_from_auth(s: &dyn Subject) -> Checked {
    s.inject(Trouble::ServerError).await?;
    let error = fails("check of a CRM that answers 5xx", s.connector().check().await)?;
    ensure!(error.kind == ErrorKind::Transient, "5xx should be transient, it was {}", error.kind.as_str());
    Ok(())
}

async fn check_tells_auth_from_unreachable(s: &dyn Subject) -> Checked {
    s.inject(Trouble::Revoked).await?;
    let error = fails("check with a revoked credential", s.connector().check().await)?;
    ensure!(error.kind == ErrorKind::Auth, "a revoked credential should be auth, it was {}", error.kind.as_str());
    Ok(())
}

async fn an_expired_token_is_renewed_and_the_call_replayed(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    works("check", s.connector().check().await)?;
    s.inject(Trouble::ExpiredToken).await?;
    let record = read_one(s, &id, &[&words.email]).await?;
    ensure!(record.is_some(), "the read after the renewal gave no record");
    s.inject(Trouble::ExpiredToken).await?;
    let outcomes = push(s, &[update(s, &id, [(words.text.clone(), "renewed")])]).await?;
    super::steps::is_done(&outcomes[0])?;
    super::steps::holds(s, &id, &words.text, &"renewed".into()).await
}

async fn one_renewal_serves_all_callers(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let words = s.words();
    works("check", s.connector().check().await)?;
    let before = s.refreshes().await?;
    s.inject(Trouble::ExpiredToken).await?;
    let fields = [&words.email];
    for record in join_all((0..8).map(|_| read_one(s, &id, &fields))).await {
        ensure!(record?.is_some(), "a read during the renewal gave no record");
    }
    let renewals = s.refreshes().await? - before;
    ensure!(renewals == 1, "8 callers at once cost {renewals} renewals");
    Ok(())
}

async fn a_revoked_credential_is_auth_at_every_door(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let (words, connector) = (s.words(), s.connector());
    s.inject(Trouble::Revoked).await?;
    let write = update(s, &id, [(words.text.clone(), "revoked")]);
    let errors = [
        ("describe", connector.describe(&words.person).await.err()),
        ("pull", connector.pull(&ask_people(s)).await.err()),
        ("read", read_error(s, &id).await),
        ("push", connector.push(&[write]).await.err()),
    ];
    for (door, error) in errors {
        match error {
            Some(error) if error.kind == ErrorKind::Auth => {}
            Some(error) => return failed(format!("{door} should be auth, it was {}", error.kind.as_str())),
            None => return failed(format!("{door} succeeded with a revoked credential")),
        }
    }
    s.mend().await?;
    super::steps::holds(s, &id, &words.text, &connector::Value::Null).await
}

async fn read_error(s: &dyn Subject, id: &connector::RecordId) -> Option<connector::Error> {
    let request = connector::ReadRequest {
        object: s.words().person.clone(),
        fields: Vec::new(),
        by: connector::ReadKey::Ids(vec![id.clone()]),
    };
    s.connector().read(&request).await.err()
}

async fn a_connector_works_again_after_the_credential_does(s: &dyn Subject) -> Checked {
    s.inject(Trouble::Revoked).await?;
    fails("check with a revoked credential", s.connector().check().await)?;
    s.mend().await?;
    works("check after the credential was restored", s.connector().check().await)?;
    Ok(())
}

async fn budget_asks_nobody(s: &dyn Subject) -> Checked {
    people(s, 1).await?;
    works("check", s.connector().check().await)?;
    let before = s.requests().await?;
    let budget = s.connector().budget();
    ensure!(s.requests().await? == before, "asking for the budget sent a request");
    ensure!(
        budget.daily.is_none_or(|pool| pool.used <= pool.limit),
        "the budget says that more was used than is allowed"
    );
    Ok(())
}
