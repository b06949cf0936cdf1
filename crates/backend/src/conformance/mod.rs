//! What every backend must do, as named properties and as random runs against the in-memory reference.
//!
//! A backend implements [`Harness`] in its tests and says `anser_backend::conformance_tests!(make)`, which gives one
//! test per property, or calls [`run_all`]. The suite knows nothing of the backend but its ports.

pub mod accounts;
pub mod alterations;
pub mod blobs;
pub mod channels;
pub mod exactly_once;
pub mod files;
mod harness;
pub mod keys;
pub mod lists;
pub mod membership;
pub mod numbering;
pub mod pages;
pub mod random;
mod random_plan;

mod subject;

pub use harness::{Harness, MemoryHarness, Ports, block_on};
pub use subject::{Pen, Subject};

/// How much the random runs cost.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Random runs.
    pub cases: u32,
    /// Steps of each run, at the most.
    pub steps: usize,
}

impl Default for Settings {
    /// Cheap enough for a store that syncs every batch to a disk.
    fn default() -> Self {
        Self { cases: 12, steps: 30 }
    }
}

macro_rules! properties {
    ($d:tt $($module:ident::$name:ident)*) => {
        /// Runs every property, each on a fresh store, then the random runs.
        ///
        /// # Panics
        /// With the first property that does not hold.
        pub fn run_all<H: Harness>(settings: Settings, make: impl Fn() -> H) {
            $($module::$name(&mut Subject::over(make()));)*
            random::stores_agree_with_the_reference(settings, &make);

        }

        /// One test per property for the backend that `make()` gives: `conformance_tests!(make)` with the default
        /// [`Settings`](crate::conformance::Settings), or `conformance_tests!(make, settings)`.
        #[macro_export]
        macro_rules! conformance_tests {
            ($d make:expr) => {
                $crate::conformance_tests!($d make, $crate::conformance::Settings::default());
            };
            ($d make:expr, $d settings:expr) => {
                $(
                    #[test]
                    fn $name() {
                        let mut subject = $crate::conformance::Subject::over($d make());
                        $crate::conformance::$module::$name(&mut subject);
                    }
                )*

                #[test]
                fn stores_agree_with_the_reference() {
                    $crate::conformance::random::stores_agree_with_the_reference($d settings, &$d make);
                }
            };
        }
    };
}

properties! { $
    exactly_once::commands_execute_in_order
    exactly_once::a_repetition_gets_its_first_answer
    exactly_once::other_bytes_under_a_used_number_conflict
    exactly_once::confirmed_answers_are_forgotten
    exactly_once::a_repetition_confirms_nothing
    exactly_once::a_false_confirmation_forgets_nothing_new
    exactly_once::as_many_answers_are_kept_as_may_be_in_flight
    exactly_once::a_permanent_refusal_uses_its_number
    exactly_once::a_newer_session_fences_the_older
    exactly_once::session_epochs_grow_across_restarts
    exactly_once::a_stale_append_uses_no_number
    exactly_once::a_batch_sees_its_own_earlier_appends
    exactly_once::a_refused_append_leaves_its_neighbours_alone
    exactly_once::devices_number_by_themselves
    exactly_once::a_batch_cut_short_is_whole_or_absent
    keys::a_key_executes_once
    keys::keys_of_different_users_never_meet
    keys::a_key_is_new_again_after_its_time
    keys::a_key_keeps_refusals_and_survives_staleness
    keys::old_keys_are_removed_and_younger_ones_stay
    numbering::numbers_are_dense_per_conversation_and_inbox
    numbering::changes_have_their_own_counter
    numbering::time_never_goes_back_within_a_conversation
    numbering::numbers_go_on_after_everything_was_trimmed
    numbering::trimming_keeps_what_it_is_told
    numbering::trimming_drops_what_is_too_old
    numbering::what_was_never_written_is_empty
    membership::the_first_direct_message_is_unread_and_visible
    membership::periods_follow_joins_and_leaves
    membership::roles_change_in_place
    membership::conversations_are_listed_in_pages
    channels::a_group_becomes_a_channel_and_keeps_everybody
    channels::members_of_a_channel_come_one_by_one_and_in_pages
    channels::a_dissolved_channel_has_nobody_in_it
    membership::read_positions_move_forward_only
    membership::soft_positions_show_at_once_and_last_when_flushed
    pages::message_pages_respect_bounds_and_order
    pages::pages_stop_at_their_byte_limit
    pages::inbox_pages_join_across_the_floor
    pages::change_pages_go_on_after_a_number
    pages::contents_come_back_as_they_were
    pages::the_raw_store_lists_everything
    alterations::a_message_shows_what_changes_made_of_it
    alterations::replaced_contents_are_kept
    alterations::a_revocation_leaves_nothing
    alterations::alterations_of_a_batch_see_each_other
    alterations::a_missing_target_is_left_alone
    alterations::what_is_over_is_found_and_erased
    files::a_file_is_kept_as_it_was_put
    files::nobody_takes_more_room_than_they_may
    files::messages_hold_their_files
    files::what_is_taken_back_holds_nothing
    files::a_missing_file_is_held_by_nothing
    files::bytes_are_listed_by_their_hashes
    files::unheld_files_go_with_their_bytes
    lists::an_item_is_its_last_change
    lists::items_come_in_pages_by_key
    lists::an_answer_speaks_of_its_own_conversation
    lists::what_is_said_of_members_is_kept
    accounts::users_are_created_once
    accounts::passwords_are_replaced_durably
    accounts::a_new_token_replaces_the_devices_older_one
    accounts::a_renewed_token_ends_the_others_at_its_first_use
    accounts::device_numbers_are_never_given_twice
    accounts::revoked_tokens_end
    accounts::when_devices_were_seen_moves_forward_only
}
