//! Calls that fail: kinds, quotas, cancellation, strangers and secrets.

use std::time::Duration;

use connector::{Error, ErrorKind, Outcome, Value};
use futures::poll;

use super::steps::{ask_people, ensure, failed, fails, holds, people, person, update, walk, works};
use super::table;
use crate::subject::{Checked, Subject, Trouble};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [9] a_server_error_is_transient,
        [5, 9] a_server_error_on_a_write_is_neither_done_nor_refused,
        [9] a_quota_error_says_when_to_return,
        [5, 9] a_push_without_quota_applies_nothing,
        [9] trouble_ends_when_it_ends,
        [11] a_dropped_call_sends_nothing_later,
        [14] another_host_is_never_contacted,
        [14] no_secret_leaves_in_an_error,
    ]
}

async fn a_server_error_is_transient(s: &dyn Subject) -> Checked {
    people(s, 1).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::ServerError).await?;
    let error = fails("a pull from a CRM that answers 5xx", s.connector().pull(&ask_people(s)).await)?;
    ensure!(error.kind == ErrorKind::Transient, "5xx should be transient, it was {}", error.kind.as_str());
    ensure!(!error.attempted.is_empty() && !error.cause.is_empty(), "the error does not say what failed and why");
    Ok(())
}

async fn a_server_error_on_a_write_is_neither_done_nor_refused(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let text = &s.words().text;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::ServerError).await?;
    match s.connector().push(&[update(s, &id, [(text.clone(), "5xx")])]).await {
        Err(error) => ensure!(error.kind == ErrorKind::Transient, "5xx was a {} error", error.kind.as_str()),
        Ok(outcomes) => ensure!(
            matches!(outcomes.as_slice(), [Outcome::Ambiguous(_) | Outcome::Deferred(_)]),
            "a write answered 5xx was told as {outcomes:?}"
        ),
    }
    s.mend().await?;
    holds(s, &id, text, &Value::Null).await
}

/// The error of a call refused for want of quota.
fn is_quota(error: &Error) -> Checked {
    ensure!(error.kind == ErrorKind::Quota, "a refusal for want of quota was a {} error", error.kind.as_str());
    ensure!(error.retry_at.is_some(), "the quota error does not say when to return");
    Ok(())
}

async fn a_quota_error_says_when_to_return(s: &dyn Subject) -> Checked {
    people(s, 1).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::Quota).await?;
    is_quota(&fails("a pull without quota", s.connector().pull(&ask_people(s)).await)?)
}

async fn a_push_without_quota_applies_nothing(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let text = &s.words().text;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::Quota).await?;
    match s.connector().push(&[update(s, &id, [(text.clone(), "no quota")])]).await {
        Err(error) => is_quota(&error)?,
        Ok(outcomes) => match outcomes.as_slice() {
            [Outcome::Deferred(error)] => is_quota(error)?,
            other => return failed(format!("a write without quota was told as {other:?}")),
        },
    }
    s.mend().await?;
    holds(s, &id, text, &Value::Null).await
}

async fn trouble_ends_when_it_ends(s: &dyn Subject) -> Checked {
    let ids = people(s, 3).await?;
    super::steps::settle(s).await?;
    works("check", s.connector().check().await)?;
    for trouble in [Trouble::ServerError, Trouble::Quota] {
        s.inject(trouble).await?;
        let error = fails("a pull in trouble", s.connector().pull(&ask_people(s)).await)?;
        s.mend().await?;
        // The instant the connector itself named is when it must work again.
        let wait = error.retry_at.map_or(Duration::from_secs(60), |_| Duration::from_secs(24 * 3_600));
        s.advance(wait).await?;
        super::steps::all_there(&ids, &walk(s, &ask_people(s)).await?.ids())?;
    }
    Ok(())
}

async fn a_dropped_call_sends_nothing_later(s: &dyn Subject) -> Checked {
    let id = person(s, 1).await?;
    let text = &s.words().text;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::Stall).await?;
    let before = s.requests().await?;
    let request = ask_people(s);
    let writes = [update(s, &id, [(text.clone(), "dropped")])];
    {
        let mut pull = s.connector().pull(&request);
        let mut push = s.connector().push(&writes);
        let mut polls = 0u32;
        // Until both requests are on their way.
        while s.requests().await? < before + 2 {
            ensure!(poll!(&mut pull).is_pending(), "a pull was answered by a CRM that does not answer");
            ensure!(poll!(&mut push).is_pending(), "a push was answered by a CRM that does not answer");
            polls += 1;
            ensure!(polls < 100_000, "the calls sent no request");
            tokio::task::yield_now().await;
        }
    }
    s.mend().await?;
    let before = s.requests().await?;
    s.advance(Duration::from_secs(3_600)).await?;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let later = s.requests().await? - before;
    ensure!(later == 0, "{later} requests were sent after the calls were dropped");
    Ok(())
}

async fn another_host_is_never_contacted(s: &dyn Subject) -> Checked {
    let ids = people(s, s.more_than_two_pages()).await?;
    works("check", s.connector().check().await)?;
    s.inject(Trouble::PointElsewhere).await?;
    let before = s.foreign_requests().await?;
    // Whether these succeed is the connector's business; where they go is not.
    let mut request = ask_people(s);
    for _ in 0..10 {
        match s.connector().pull(&request).await {
            Ok(page) if page.more => request.cursor = Some(page.resume),
            _ => break,
        }
    }
    let _ = s.connector().check().await;
    let _ = s.connector().push(&[update(s, &ids[0], [(s.words().text.clone(), "elsewhere")])]).await;
    let contacts = s.foreign_requests().await? - before;
    ensure!(contacts == 0, "{contacts} requests went to a host that an answer named");
    Ok(())
}

async fn no_secret_leaves_in_an_error(s: &dyn Subject) -> Checked {
    let secrets = s.secrets()?;
    ensure!(secrets.iter().all(|secret| secret.len() >= 6), "a secret is too short to be looked for");
    let id = person(s, 1).await?;
    let troubles = [
        Trouble::ServerError,
        Trouble::Quota,
        Trouble::LostAnswer { applied: false },
        Trouble::Truncated,
        Trouble::Revoked,
    ];
    let mut seen = 0;
    for trouble in troubles {
        s.inject(trouble).await?;
        let write = update(s, &id, [(s.words().text.clone(), "secret")]);
        let texts = [
            format!("{:?}", s.connector().check().await),
            format!("{:?}", s.connector().pull(&ask_people(s)).await.map_err(|error| (error.to_string(), error))),
            format!("{:?}", s.connector().push(&[write]).await.map_err(|error| (error.to_string(), error))),
            format!("{:?}", s.connector()),
        ];
        seen += texts.iter().filter(|text| text.starts_with("Err")).count();
        s.mend().await?;
        let leak = texts.iter().find(|text| secrets.iter().any(|secret| text.contains(secret)));
        ensure!(leak.is_none(), "under {trouble:?} a secret shows in an error or in the connector's debug form");
    }
    ensure!(seen > 0, "none of the calls in trouble failed");
    Ok(())
}
