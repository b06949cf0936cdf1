//! Uploads as tus 1.0.0 says them.

use anser_types::ErrorCode;
use anser_types::limits::UPLOADS_PER_USER;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::client::Town;
use crate::api::{Response, request};

/// What a body with bytes of an upload is.
pub const BYTES: &str = "content-type: application/offset+octet-stream\r\n";

/// What alice begins with these headers; the address.
async fn begun(town: &Town, headers: &str) -> String {
    let made = town.ask("alice", "POST", "/v1/uploads", headers, "").await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.header("location").unwrap().to_owned()
}

async fn patch(town: &Town, at: &str, offset: usize, more: &str, bytes: &str) -> Response {
    let headers = format!("{BYTES}upload-offset: {offset}\r\n{more}");
    town.ask("alice", "PATCH", at, &headers, bytes).await
}

/// A file of alice's, sent at once; its name.
pub async fn uploaded(town: &Town, name: &str, bytes: &str) -> String {
    let metadata = format!("upload-metadata: filename {}\r\n", STANDARD.encode(name));
    let headers = format!("{BYTES}upload-length: {}\r\n{metadata}", bytes.len());
    let made = town.ask("alice", "POST", "/v1/uploads", &headers, bytes).await;
    assert_eq!((made.status, made.header("upload-offset")), (201, Some(&*bytes.len().to_string())));
    made.json()["stored"]["file"].as_str().expect("it is complete").to_owned()
}

#[tokio::test]
async fn requirement_h2_an_upload_comes_in_pieces_and_every_answer_says_how_far_it_is() {
    let town = Town::of(&["alice", "bob"]).await;
    let at = begun(&town, "tus-resumable: 1.0.0\r\nupload-length: 10\r\n").await;
    let so_far = town.ask("alice", "HEAD", &at, "tus-resumable: 1.0.0\r\n", "").await;
    assert_eq!((so_far.status, &*so_far.body), (200, ""));
    assert_eq!(
        (so_far.header("upload-offset"), so_far.header("upload-length")),
        (Some("0"), Some("10"))
    );
    assert_eq!(so_far.header("cache-control"), Some("no-store"));
    let taken = patch(&town, &at, 0, "", "01234").await;
    assert_eq!((taken.status, taken.header("upload-offset")), (204, Some("5")));
    assert_eq!(taken.header("tus-resumable"), Some("1.0.0"));
    assert!(taken.header("upload-expires").unwrap().ends_with(" GMT"));
    patch(&town, &at, 0, "", "01234").await.is_problem(409, ErrorCode::UploadConflict);
    patch(&town, &at, 5, "", "567890").await.is_problem(400, ErrorCode::InvalidArgument);
    let here = town.get("alice", &at).await.json()["offset"].as_str().unwrap().parse().unwrap();
    let last = patch(&town, &at, here, "", &"0123456789"[here..]).await;
    assert_eq!((last.status, last.header("upload-expires")), (204, None));
    let stored = town.get("alice", &at).await.json()["stored"].clone();
    assert_eq!(stored["sha256"], hex::encode(Sha256::digest("0123456789")));
    assert_eq!(town.get("bob", &at).await.status, 404);
}

/// Also what this server does not look at, and what is said without a value.
#[tokio::test]
async fn requirement_h2_what_was_said_of_an_upload_is_told_as_it_was_said() {
    let town = Town::of(&["alice"]).await;
    let metadata = format!("filename {},mood aGFwcHk=,empty", STANDARD.encode("Gruß.txt"));
    let said = format!("upload-metadata: {metadata}\r\n");
    let at = begun(&town, &format!("upload-length: 2\r\n{said}")).await;
    patch(&town, &at, 0, "", "a").await;
    let so_far = town.ask("alice", "HEAD", &at, "", "").await;
    assert_eq!(so_far.header("upload-metadata"), Some(&*metadata));
    let long = format!("upload-metadata: mood {}\r\n", STANDARD.encode("x".repeat(3_000)));
    let headers = format!("upload-length: 2\r\n{long}");
    let refused = town.ask("alice", "POST", "/v1/uploads", &headers, "").await;
    refused.is_problem(400, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn a_checksum_that_is_wrong_leaves_nothing_of_its_bytes() {
    let town = Town::of(&["alice"]).await;
    let at = begun(&town, "upload-length: 6\r\n").await;
    let right = STANDARD.encode(Sha256::digest("abc"));
    let sha256 = format!("upload-checksum: sha256 {right}\r\n");
    assert_eq!(patch(&town, &at, 0, &sha256, "abc").await.status, 204);
    patch(&town, &at, 3, &sha256, "abd").await.is_problem(460, ErrorCode::ChecksumMismatch);
    let so_far = town.ask("alice", "HEAD", &at, "", "").await;
    assert_eq!(so_far.header("upload-offset"), Some("3"));
    let unknown = patch(&town, &at, 3, "upload-checksum: crc32 AAAA\r\n", "def").await;
    unknown.is_problem(400, ErrorCode::InvalidArgument);
    // As RFC 3174 gives it for "abc".
    let sha1 = STANDARD.encode(hex::decode("a9993e364706816aba3e25717850c26c9cd0d89d").unwrap());
    let sha1 = format!("upload-checksum: sha1 {sha1}\r\n");
    let last = patch(&town, &at, 3, &sha1, "abc").await;
    assert_eq!((last.status, last.header("upload-offset")), (204, Some("6")));
}

#[tokio::test]
async fn an_upload_whose_checksum_cannot_be_read_is_not_begun() {
    let town = Town::of(&["alice"]).await;
    let headers = format!("upload-length: 3\r\nupload-checksum: crc32 AAAA\r\n{BYTES}");
    for _ in 0..UPLOADS_PER_USER {
        let refused = town.ask("alice", "POST", "/v1/uploads", &headers, "abc").await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
    }
    begun(&town, "upload-length: 3\r\n").await;
}

#[tokio::test]
async fn parts_deferred_lengths_and_other_methods_work_as_the_protocol_says() {
    let town = Town::of(&["alice"]).await;
    let mut parts = Vec::new();
    for bytes in ["one ", "two"] {
        let length = format!("upload-concat: partial\r\nupload-length: {}\r\n", bytes.len());
        let at = begun(&town, &length).await;
        assert_eq!(patch(&town, &at, 0, "", bytes).await.status, 204);
        let so_far = town.ask("alice", "HEAD", &at, "", "").await;
        assert_eq!(so_far.header("upload-concat"), Some("partial"));
        parts.push(at);
    }
    let concat = format!("upload-concat: final;{} http://x{}\r\n", parts[0], parts[1]);
    let whole = town.ask("alice", "POST", "/v1/uploads", &concat, "").await;
    let stored = &whole.json()["stored"];
    assert_eq!((whole.status, &stored["bytes"]), (201, &serde_json::json!("7")));
    assert_eq!(stored["sha256"], hex::encode(Sha256::digest("one two")));

    let growing = begun(&town, "upload-defer-length: 1\r\n").await;
    let so_far = patch(&town, &growing, 0, "", "abc").await;
    assert_eq!(
        (so_far.header("upload-defer-length"), so_far.header("upload-length")),
        (Some("1"), None)
    );
    let last =
        format!("{BYTES}upload-offset: 3\r\nupload-length: 4\r\nx-http-method-override: PATCH\r\n");
    assert_eq!(town.ask("alice", "POST", &growing, &last, "d").await.status, 204);
    assert!(town.get("alice", &growing).await.json()["stored"].is_object());

    assert_eq!(town.ask("alice", "DELETE", &growing, "", "").await.status, 204);
    town.get("alice", &growing).await.is_problem(404, ErrorCode::FileUnknown);
    let able = request(town.at, "OPTIONS", "/v1/uploads", "", "").await;
    assert_eq!((able.status, able.header("tus-version")), (204, Some("1.0.0")));
    assert_eq!(able.header("tus-max-size"), Some("4294967296"));
}

#[tokio::test]
async fn what_an_upload_says_that_makes_no_sense_is_refused_by_name() {
    let town = Town::of(&["alice"]).await;
    let other = "tus-resumable: 0.2.2\r\nupload-length: 1\r\n";
    let refused = town.ask("alice", "POST", "/v1/uploads", other, "").await;
    assert_eq!((refused.status, refused.header("tus-version")), (412, Some("1.0.0")));
    for (headers, named) in [
        ("", "Upload-Length"),
        ("upload-length: ten\r\n", "upload-length"),
        ("upload-length: -1\r\n", "upload-length"),
        ("upload-length: 1\r\nupload-defer-length: 1\r\n", "Upload-Defer-Length"),
        ("upload-defer-length: 2\r\n", "Upload-Defer-Length"),
        ("upload-length: 1\r\nupload-metadata: filename ?\r\n", "filename"),
        ("upload-length: 1\r\nupload-metadata: sha256 YWJj\r\n", "sha256"),
        ("upload-length: 1\r\nupload-concat: half\r\n", "Upload-Concat"),
        ("upload-concat: final;\r\n", "parts"),
        ("upload-concat: final;/v1/uploads/x\r\n", "Upload-Concat"),
    ] {
        let refused = town.ask("alice", "POST", "/v1/uploads", headers, "").await;
        refused.is_problem(400, ErrorCode::InvalidArgument);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(named), "{headers:?}: {detail}");
    }
    let large = format!("upload-length: {}\r\n", u64::MAX);
    let refused = town.ask("alice", "POST", "/v1/uploads", &large, "").await;
    refused.is_problem(413, ErrorCode::FileTooLarge);
    let at = begun(&town, "upload-length: 3\r\n").await;
    let json = town.ask("alice", "PATCH", &at, "upload-offset: 0\r\n", "{}").await;
    json.is_problem(415, ErrorCode::InvalidArgument);
    let nowhere = town.ask("alice", "PATCH", &at, BYTES, "abc").await;
    nowhere.is_problem(400, ErrorCode::InvalidArgument);
    let stranger = request(town.at, "POST", "/v1/uploads", "upload-length: 3\r\n", "").await;
    stranger.is_problem(401, ErrorCode::TokenInvalid);
}

#[tokio::test]
async fn a_page_of_another_server_may_upload_if_its_origin_is_named_and_asks_first() {
    let town = Town::of(&["alice"]).await;
    // What a browser asks is answered by the rules for origins, not by the protocol of uploads.
    let asks = "origin: https://elsewhere\r\naccess-control-request-method: PATCH\r\n";
    let answered = request(town.at, "OPTIONS", "/v1/uploads/x", asks, "").await;
    assert_eq!(
        (answered.header("tus-version"), answered.header("access-control-allow-origin")),
        (None, None)
    );
    let allowed = answered.header("access-control-allow-headers").unwrap();
    for header in ["upload-offset", "tus-resumable", "authorization"] {
        assert!(allowed.contains(header), "{allowed}");
    }
}
