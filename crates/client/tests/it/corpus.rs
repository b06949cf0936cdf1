//! What the fuzzer kept of the client core, run again.

#[path = "../../../../fuzz/targets/bodies/client_core.rs"]
mod client_core;
#[path = "../../../../fuzz/targets/bodies/replay.rs"]
mod replay;

#[test]
fn the_core_holds_for_its_corpus() {
    replay::replay("client_core", client_core::run);
}
