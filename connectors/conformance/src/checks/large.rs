//! Pushes of more than one call's worth, and what may help to send them well.

use connector::{Hints, Outcome, Write};

use super::steps::{ensure, failed, holds, is_done, people, push, truth, update};
use super::table;
use crate::subject::{Checked, Subject};
use crate::suite::Check;

pub(super) fn checks() -> Vec<Check> {
    table![
        [5] a_push_beyond_one_call_has_an_outcome_for_each_write_in_order,
        [8] a_write_with_hints_does_what_it_does_without,
    ]
}

async fn a_push_beyond_one_call_has_an_outcome_for_each_write_in_order(s: &dyn Subject) -> Checked {
    let words = s.words();
    let ids = people(s, s.beyond_one_call()).await?;
    // Gone records all over the batch: their refusals must stay where their writes are.
    let gone: Vec<usize> = (0..ids.len()).step_by(ids.len().div_ceil(5).max(2)).collect();
    for at in &gone {
        s.delete(&words.person, &ids[*at]).await?;
    }
    let value = |at: usize| format!("number {at}");
    let write = |(at, id)| update(s, id, [(words.text.clone(), value(at).as_str())]);
    let writes: Vec<Write> = ids.iter().enumerate().map(write).collect();
    for (at, outcome) in push(s, &writes).await?.iter().enumerate() {
        match outcome {
            Outcome::Rejected(_) if gone.contains(&at) => {}
            Outcome::Done { id, .. } if *id == ids[at] && !gone.contains(&at) => {}
            other => return failed(format!("write {at} of {} was told as {other:?}", ids.len())),
        }
    }
    for at in [1, ids.len() / 2 + 1, ids.len() - 1].into_iter().filter(|at| !gone.contains(at)) {
        holds(s, &ids[at], &words.text, &value(at).as_str().into()).await?;
    }
    Ok(())
}

async fn a_write_with_hints_does_what_it_does_without(s: &dyn Subject) -> Checked {
    let words = s.words();
    let ids = people(s, 2).await?;
    let parent = Some(s.seed_company("Parent").await?);
    let before = [truth(s, &ids[0], &words.other_text).await?, truth(s, &ids[1], &words.other_text).await?];
    let plain = |at: usize| update(s, &ids[at], [(words.text.clone(), "hinted")]);
    let hinted = Write { hints: Hints { parent, crm_assigns: false }, ..plain(0) };
    for outcome in push(s, &[hinted, plain(1)]).await? {
        ensure!(!is_done(&outcome)?.1, "an update made a record");
    }
    for (id, before) in ids.iter().zip(&before) {
        holds(s, id, &words.text, &"hinted".into()).await?;
        let after = truth(s, id, &words.other_text).await?;
        ensure!(after == *before, "a field that the write does not name went from {before:?} to {after:?}");
    }
    Ok(())
}
