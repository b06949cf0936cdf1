//! What the fuzzer kept of the wire's decoders, run again.

#[path = "../../../../fuzz/targets/bodies/client_session.rs"]
mod client_session;
#[path = "../../../../fuzz/targets/bodies/contents.rs"]
mod contents;
#[path = "../../../../fuzz/targets/bodies/frame_decoder.rs"]
mod frame_decoder;
#[path = "../../../../fuzz/targets/bodies/replay.rs"]
mod replay;
#[path = "../../../../fuzz/targets/bodies/server_session.rs"]
mod server_session;

use replay::replay;

#[test]
fn the_frame_decoder_holds_for_its_corpus() {
    replay("frame_decoder", frame_decoder::run);
}

#[test]
fn the_servers_half_of_a_session_holds_for_its_corpus() {
    replay("server_session", server_session::run);
}

#[test]
fn the_clients_half_of_a_session_holds_for_its_corpus() {
    replay("client_session", client_session::run);
}

#[test]
fn contents_of_every_kind_hold_for_their_corpus() {
    replay("contents", contents::run);
}
