//! The suite is strict: for each way in which a connector may break the contract, the check that stands for it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod flawed;

use connector_conformance::{
    Check, MemorySubject, Verdict, checks, lead_object_checks, note_checks, run_some, task_checks,
};

use self::flawed::{Flaw, Flawed};

async fn verdict(flaw: Flaw, name: &str) -> Verdict {
    let all = [checks(), note_checks(), task_checks(), lead_object_checks()].concat();
    let check: Vec<Check> = all.into_iter().filter(|check| check.name == name).collect();
    assert_eq!(check.len(), 1, "there is no check {name}");
    let report = run_some(&check, || async { Ok(MemorySubject::around(move |inner| Flawed::new(inner, flaw))) }).await;
    report.findings[0].verdict.clone()
}

#[tokio::test]
async fn every_flaw_is_found_by_its_check() {
    let flaws = [
        (Flaw::CheckIsDear, "check_changes_nothing_and_is_cheap"),
        (Flaw::RevokedIsTransient, "check_tells_auth_from_unreachable"),
        (Flaw::RevokedIsTransient, "a_revoked_credential_is_auth_at_every_door"),
        (Flaw::DropsLastRecord, "a_full_load_is_complete"),
        (Flaw::SkipsEverySecondPage, "a_full_load_goes_over_several_pages"),
        (Flaw::SkipsEverySecondPage, "resuming_from_any_page_loses_nothing"),
        (Flaw::NeverDone, "a_full_load_says_when_it_is_done"),
        (Flaw::AlwaysDone, "a_full_load_says_when_it_is_done"),
        (Flaw::CursorLivesInMemory, "a_cursor_survives_a_restart"),
        (Flaw::StartsOverOnForeignCursor, "a_foreign_cursor_is_refused"),
        (Flaw::EmptyResume, "an_empty_page_has_a_cursor_that_works"),
        (Flaw::PagesByStampAlone, "equal_stamps_are_all_delivered"),
        (Flaw::PagesByStampAlone, "resuming_from_any_page_of_changes_loses_nothing"),
        (Flaw::ResumesFromNow, "a_change_that_becomes_visible_late_is_not_lost"),
        (Flaw::AlwaysFull, "an_incremental_pull_brings_little_else"),
        (Flaw::LeavesOutNulls, "a_field_without_a_value_is_null"),
        (Flaw::NamesNothingUndefined, "a_field_the_crm_does_not_define_is_absent_and_named"),
        (Flaw::MergeIsDeletion, "a_merge_is_told_and_is_not_a_deletion"),
        (Flaw::MergeIsDeletion, "a_merged_id_reads_as_the_survivor"),
        (Flaw::NoTombstones, "a_deletion_leaves_a_tombstone"),
        (Flaw::LinksAlways, "associations_are_delivered"),
        (Flaw::LostIsWon, "deals_are_open_won_or_lost"),
        (Flaw::TouchesMore, "a_field_not_named_is_not_touched"),
        (Flaw::IgnoresNull, "null_clears_a_field"),
        (Flaw::SpoilsText, "unicode_survives_the_round_trip"),
        (Flaw::CutsText, "long_text_survives_the_round_trip"),
        (Flaw::WholeNumbers, "numbers_survive_the_round_trip"),
        (Flaw::KeptIsWhatWasSent, "what_was_kept_is_what_is_there"),
        (Flaw::OutcomesReversed, "outcomes_come_in_the_order_of_the_writes"),
        (Flaw::OutcomeMissing, "outcomes_come_in_the_order_of_the_writes"),
        (Flaw::OneBadFailsAll, "one_bad_write_does_not_fail_its_neighbours"),
        (Flaw::OneBadFailsAll, "an_unknown_field_is_refused"),
        (Flaw::CreatesWhatIsGone, "an_update_of_a_missing_record_is_gone_and_creates_nothing"),
        (Flaw::CreatesWhatIsGone, "an_update_of_a_deleted_record_is_gone_and_creates_nothing"),
        (Flaw::CreatesAnything, "a_create_is_refused_where_the_capability_does_not_allow_it"),
        (Flaw::WriteByWrite, "the_largest_batch_is_taken_whole"),
        (Flaw::LostAnswerIsSuccess, "a_lost_answer_after_the_write_is_ambiguous"),
        (Flaw::LostAnswerIsSuccess, "a_lost_answer_before_the_write_is_never_success"),
        (Flaw::LostAnswerIsSuccess, "a_broken_off_answer_to_a_write_is_ambiguous"),
        (Flaw::SendsCreatesAgain, "a_create_without_an_answer_is_not_sent_again"),
        (Flaw::FailureIsRefusal, "a_server_error_on_a_write_is_neither_done_nor_refused"),
        (Flaw::QuotaWithoutEnd, "a_quota_error_says_when_to_return"),
        (Flaw::GoesOnAfterDrop, "a_dropped_call_sends_nothing_later"),
        (Flaw::EverythingWritable, "describe_tells_what_can_be_written"),
        (Flaw::AlwaysCreated, "creating_a_field_twice_creates_one"),
        (Flaw::FailuresLast, "a_push_beyond_one_call_has_an_outcome_for_each_write_in_order"),
        (Flaw::OutcomesReversed, "a_push_beyond_one_call_has_an_outcome_for_each_write_in_order"),
        (Flaw::HintIsWritten, "a_write_with_hints_does_what_it_does_without"),
        (Flaw::RecoverIsDear, "recovering_where_nothing_is_left_costs_nothing"),
        (Flaw::RecoveredAtOnce, "after_recovering_nothing_is_under_way"),
        (Flaw::RecoverSendsAgain, "a_push_without_an_answer_is_neither_lost_nor_applied_again"),
        (Flaw::RecoverEndsAll, "recovering_leaves_a_push_under_way_alone"),
        (Flaw::ConversionIsDeletion, "a_conversion_is_told_with_the_object_it_goes_on_as"),
        (Flaw::ConversionStaysALead, "a_conversion_is_told_with_the_object_it_goes_on_as"),
        (Flaw::LooksForNothing, "a_note_is_written_in_place"),
        (Flaw::LooksForNothing, "a_note_whose_answer_was_lost_is_found_again"),
        (Flaw::LooksForNothing, "a_task_is_made_once"),
        (Flaw::LooksForNothing, "a_task_that_is_done_is_not_made_again"),
        (Flaw::LooksForNothing, "a_task_whose_answer_was_lost_is_found_again"),
        (Flaw::TasksAreNobodys, "a_task_says_whose_it_is_and_when_it_is_due"),
        (Flaw::OneTaskEach, "another_marker_is_another_task"),
        (Flaw::OneBadFailsAll, "tasks_of_many_records_go_out_together"),
        (Flaw::LooksForNothing, "a_lead_object_is_made_once_and_goes_on_to_another_owner"),
        (Flaw::LooksForNothing, "a_lead_object_whose_answer_was_lost_is_found_again"),
        (Flaw::LooksForNothing, "a_lead_object_is_erased_by_its_id_or_its_marker_and_once_more_is_done"),
        (Flaw::OneBadFailsAll, "lead_objects_of_many_records_go_out_together"),
        (Flaw::ConvertedIsGone, "an_update_of_a_converted_record_says_that_it_goes_on_and_creates_nothing"),
    ];
    let mut unseen = Vec::new();
    for (flaw, name) in flaws {
        if !matches!(verdict(flaw, name).await, Verdict::Failed(_)) {
            unseen.push((flaw, name));
        }
        assert_eq!(verdict(Flaw::None, name).await, Verdict::Passed, "without a flaw, {name}");
    }
    assert_eq!(unseen, [], "these flaws are not found by these checks");
}
