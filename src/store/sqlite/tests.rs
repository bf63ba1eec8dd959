//! The engine contract, run on SQLite.

use std::path::PathBuf;
use std::sync::Arc;

use connector::SeededEntropy;

use super::{OpenOptions, SqliteStore};
use crate::store::Store;
use crate::store::contract_tests::{Engine, contract};

/// A store in a directory of its own.
#[derive(Debug)]
struct File {
    dir: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("ferry.db")
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path(), OpenOptions::default(), Arc::new(SeededEntropy::new(7))).unwrap()
    }
}

impl Engine for File {
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }
}

fn fresh() -> File {
    File::new()
}

contract! { super::fresh;
    activities:
        an_activity_is_told_once_of_each_person,
        an_activity_ends_with_its_record,
        activities_follow_people_who_become_one,
        erasure_takes_activities_along,
        old_activities_go;
    pages:
        a_page_commits_with_its_checkpoint,
        a_reset_forgets_the_cursor_only,
        an_unchanged_page_asks_nobody,
        a_changed_record_is_known_and_keeps_history,
        two_records_of_one_page_meet,
        the_guard_undoes_the_page,
        the_guard_counts_each_deletion_once,
        a_tombstone_archives_and_a_live_record_lifts_it,
        an_old_tombstone_does_not_archive_a_restored_record,
        a_sweep_archives_what_it_has_not_seen,
        an_identifier_of_another_stays_there,
        a_decision_on_an_unknown_profile_is_refused,
        nobodys_records_are_kept;
    events:
        an_event_is_appended_once_for_ever,
        an_event_reads_back_whole,
        facts_come_by_time_and_only_the_wanted,
        an_event_of_nobody_is_kept,
        an_event_joins_the_person_of_a_record,
        an_event_merges_two_profiles,
        one_dead_letter_per_code_and_subject,
        a_new_rule_is_matched_from_the_log;
    sources:
        what_a_source_has_sent_is_counted_for_ever,
        a_silence_is_told_once_and_ends_with_a_new_event;
    compute:
        only_the_stale_are_computed_and_only_once,
        the_same_result_writes_nothing,
        a_changed_value_marks_the_records,
        a_due_profile_comes_up_in_time,
        all_goes_on_where_it_stopped,
        deals_count_while_they_live;
    staging:
        marks_are_looked_at_once,
        a_limit_leaves_more,
        a_newer_intent_replaces_a_queued_one,
        a_queued_intent_is_withdrawn,
        creates_are_for_the_known_without_a_record,
        an_archived_record_forbids_a_create,
        a_record_that_shows_up_cancels_its_create,
        archiving_drops_what_is_queued,
        a_plan_reads_and_changes_nothing,
        a_decision_may_take_the_crms_side,
        apply_queues_its_own_and_nothing_else,
        a_retried_dead_letter_thaws_its_field;
    leases:
        a_lease_is_durable_before_it_is_handed_out,
        a_lease_that_ran_out_is_ambiguous,
        after_a_crash_the_crm_is_asked_first,
        a_pause_is_kept,
        a_lease_has_one_kind_of_operation,
        a_newer_generation_waits_for_the_one_in_flight,
        an_unknown_fate_has_the_record_looked_at_again,
        a_run_that_broke_off_gives_back_what_it_had,
        a_persons_entry_names_its_company;
    settling:
        a_finished_write_moves_mirror_and_journal,
        each_field_has_its_own_outcome,
        a_page_older_than_the_write_is_left,
        a_reverted_write_is_a_change,
        a_value_in_flight_is_known_to_the_pull,
        a_create_links_its_record,
        a_record_pulled_while_its_create_was_out_stays_one,
        a_gone_record_is_never_written_again,
        a_merged_record_hands_over_to_the_survivor,
        a_record_merged_into_an_unseen_one_is_renamed,
        a_refused_write_makes_no_page_older,
        a_record_found_in_place_of_a_create_is_not_older;
    merges:
        a_merge_at_the_crm_merges_everything,
        an_update_of_a_merged_id_reaches_the_survivor,
        chains_of_merges_end_at_the_last,
        a_merge_seen_after_its_loser_was_archived_still_joins,
        a_tombstone_may_say_merged,
        better_traits_survive_and_the_others_are_history,
        a_merge_leaves_one_create,
        associations_follow_their_newest_reading,
        a_moved_record_leaves_its_old_profile,
        a_merge_is_followed_after_the_loser_was_reported_deleted,
        a_winner_known_only_from_an_association_takes_what_is_stored;
    conversions:
        a_converted_lead_and_its_contact_are_one_person,
        a_page_that_still_shows_a_converted_lead_does_nothing,
        what_was_queued_for_a_lead_is_decided_again_for_its_contact,
        a_write_out_to_a_lead_is_settled_after_its_conversion,
        a_conversion_learned_from_a_write_joins_both,
        a_contact_not_pulled_yet_is_the_leads_person,
        a_contact_that_was_merged_since_is_followed,
        a_lead_nobody_knows_leaves_its_contact_alone,
        a_conversion_forbids_a_new_lead;
    side:
        what_the_crm_was_told_is_not_told_again,
        a_newer_wish_waits_behind_the_one_on_its_way,
        what_was_on_its_way_in_a_crash_is_looked_at,
        calls_are_of_one_kind_and_of_records_that_are_there,
        what_a_record_was_told_goes_on_with_its_survivor,
        a_task_is_told_once;
    places:
        a_place_is_wished_for_where_fields_are_staged,
        a_place_that_was_found_is_never_taken,
        a_place_that_was_lost_is_wished_for_again;
    notes:
        a_note_outlives_the_process,
        each_connection_has_its_own_notes;
    order:
        any_order_is_consistent;
    reading:
        a_profile_is_found_by_any_key,
        nobody_is_no_error,
        a_timeline_tells_it_newest_first,
        runs_are_found_by_a_beginning,
        a_run_shows_what_it_wrote,
        schedules_and_notes_are_kept,
        old_records_of_work_are_pruned,
        counts_keep_up;
    deaths:
        what_was_answered_is_there_after_reopening,
        many_at_once_are_all_kept,
        a_failing_neighbour_takes_nobody_with_it,
        two_handles_see_each_other;
}
