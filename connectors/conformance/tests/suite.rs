//! The reference connector passes the suite.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use connector_conformance::{
    MemorySubject, checks, erase_checks, lead_object_checks, list_checks, note_checks, run, run_some, task_checks,
};

#[tokio::test]
async fn the_in_memory_connector_keeps_the_contract() {
    let report = run(|| async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(
        report.skipped(),
        ["more_than_a_search_can_walk_is_delivered", "another_host_is_never_contacted", "no_secret_leaves_in_an_error"],
        "{report}"
    );
}

#[tokio::test]
async fn a_connector_that_answers_only_text_passes_too() {
    let report = run(|| async {
        let subject = MemorySubject::fresh();
        subject.crm().set_answers_text(true);
        Ok(subject)
    })
    .await;
    assert!(report.is_green(), "{report}");
}

#[tokio::test]
async fn the_in_memory_connector_keeps_lists() {
    let report = run_some(&list_checks(), || async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test]
async fn the_in_memory_connector_keeps_notes() {
    let report = run_some(&note_checks(), || async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test]
async fn the_in_memory_connector_erases() {
    let report = run_some(&erase_checks(), || async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[tokio::test]
async fn the_in_memory_connector_makes_lead_objects_or_refuses_them() {
    let report = run_some(&lead_object_checks(), || async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.skipped(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
    let without = || async { Ok(MemorySubject::around(|inner| inner.with_capability(|can| can.leads.clear()))) };
    let report = run_some(&lead_object_checks(), without).await;
    assert!(report.is_green(), "{report}");
    assert_eq!(report.passed(), ["lead_objects_are_refused_where_there_are_none"], "{report}");
}

#[tokio::test]
async fn the_in_memory_connector_makes_tasks() {
    let report = run_some(&task_checks(), || async { Ok(MemorySubject::fresh()) }).await;
    assert!(report.is_green() && report.skipped().is_empty(), "{report}");
}

#[test]
fn checks_have_names_of_their_own_and_every_promise_has_a_check() {
    let checks = [checks(), note_checks(), task_checks(), list_checks(), erase_checks(), lead_object_checks()].concat();
    assert!(checks.len() >= 65, "{} checks", checks.len());
    let mut names: Vec<_> = checks.iter().map(|check| check.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), checks.len());
    for promise in 1..=15 {
        assert!(checks.iter().any(|check| check.promises.contains(&promise)), "promise {promise} has no check");
    }
}
