//! What the fuzzer kept of the records of a store, run again.

#[path = "../../../../fuzz/targets/bodies/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/bodies/store_records.rs"]
mod store_records;

#[test]
fn the_records_of_a_store_hold_for_their_corpus() {
    replay::replay("store_records", store_records::run);
}
