//! Files as readers of messages fetch them.

use anser_types::{ErrorCode, UnixMs};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::client::Town;
use super::uploads::uploaded;
use crate::api::request;

async fn send(town: &Town, to: &Value, file: &str) -> u64 {
    let body = json!({"to": to, "body": {"kind": "file", "file": {"file": file, "name": "a.txt"}}});
    let said = town.done(&town.act("alice", "POST", "/v1/messages", &body).await);
    said["seq"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn requirement_h1_a_file_goes_by_its_name_in_a_message_and_is_fetched_by_who_reads_it() {
    let town = Town::of(&["alice", "bob", "carol"]).await;
    let file = uploaded(&town, "Brief – ä.txt", "dear bob").await;
    let content = format!("/v1/files/{file}/content");
    town.get("bob", &content).await.is_problem(404, ErrorCode::FileUnknown);
    send(&town, &json!({"user": "bob"}), &file).await;
    let page = town.get("bob", "/v1/conversations/user:alice/messages").await.json();
    assert_eq!(page["messages"][0]["content"]["files"], json!([file]));
    for at in ["", "?at=user:alice"] {
        let fetched = town.get("bob", &format!("{content}{at}")).await;
        assert_eq!((fetched.status, &*fetched.body), (200, "dear bob"));
    }
    town.get("bob", &format!("{content}?at=user:carol"))
        .await
        .is_problem(404, ErrorCode::FileUnknown);
    town.get("carol", &content).await.is_problem(404, ErrorCode::FileUnknown);
    let known = town.get("bob", &format!("/v1/files/{file}")).await.json();
    assert_eq!((&known["bytes"], &known["name"]), (&json!("8"), &json!("Brief – ä.txt")));
    let revoked =
        town.act("alice", "DELETE", "/v1/conversations/user:bob/messages/1", &Value::Null);
    town.done(&revoked.await);
    town.get("bob", &content).await.is_problem(404, ErrorCode::FileUnknown);
    for wrong in ["/v1/files/xyz", "/v1/files/00/content"] {
        town.get("bob", wrong).await.is_problem(400, ErrorCode::InvalidArgument);
    }
}

#[tokio::test]
async fn requirement_h2_a_download_goes_on_where_it_broke_off() {
    let town = Town::of(&["alice"]).await;
    let content = format!("/v1/files/{}/content", uploaded(&town, "a", "0123456789").await);
    let whole = town.get("alice", &content).await;
    let tag = whole.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", hex::encode(Sha256::digest("0123456789"))));
    let part = async |headers: String| town.ask("alice", "GET", &content, &headers, "").await;
    let rest = part(format!("range: bytes=4-\r\nif-range: {tag}\r\n")).await;
    assert_eq!((rest.status, &*rest.body), (206, "456789"));
    assert_eq!(rest.header("content-range"), Some("bytes 4-9/10"));
    assert_eq!(part("range: bytes=-3\r\n".into()).await.body, "789");
    let other = part("range: bytes=4-\r\nif-range: \"x\"\r\n".into()).await;
    assert_eq!((other.status, other.body.len()), (200, 10), "it is another file now");
    let outside = part("range: bytes=10-\r\n".into()).await;
    outside.is_problem(416, ErrorCode::InvalidArgument);
    assert_eq!(outside.header("content-range"), Some("bytes */10"));
    let same = part(format!("if-none-match: {tag}\r\n")).await;
    assert_eq!((same.status, &*same.body), (304, ""));
    let head = town.ask("alice", "HEAD", &content, "", "").await;
    assert_eq!((head.header("content-length"), &*head.body), (Some("10"), ""));
}

#[tokio::test]
async fn no_browser_takes_a_file_for_a_page_of_this_server() {
    let town = Town::of(&["alice"]).await;
    let file = uploaded(&town, "evil\"; x=.html", "<script>alert(1)</script>").await;
    let fetched = town.get("alice", &format!("/v1/files/{file}/content")).await;
    let disposition = fetched.header("content-disposition").unwrap();
    assert_eq!(disposition, "attachment; filename*=UTF-8''evil%22%3B%20x%3D.html");
    assert_eq!(fetched.header("x-content-type-options"), Some("nosniff"));
    assert!(fetched.header("content-security-policy").unwrap().contains("sandbox"));
    assert!(!fetched.header("content-type").unwrap().contains("html"));
}

#[tokio::test]
async fn a_link_needs_no_token_and_ends_after_some_minutes() {
    let town = Town::of(&["alice", "bob"]).await;
    let file = uploaded(&town, "a", "for your eyes").await;
    let links = format!("/v1/files/{file}/links");
    town.act("bob", "POST", &links, &Value::Null).await.is_problem(404, ErrorCode::FileUnknown);
    send(&town, &json!({"user": "bob"}), &file).await;
    let made = town.done(&town.act("bob", "POST", &links, &Value::Null).await);
    let link = made["content"].as_str().unwrap();
    let fetched = request(town.at, "GET", link, "", "").await;
    assert_eq!((fetched.status, &*fetched.body), (200, "for your eyes"));
    let expires: u64 = made["expires_at_ms"].as_str().unwrap().parse().unwrap();
    assert_eq!(UnixMs(expires), UnixMs(1_795_169_730_288 + 300_000));
    let broken = &link[..link.len() - 1];
    request(town.at, "GET", broken, "", "").await.is_problem(401, ErrorCode::LinkInvalid);
    town.world.clock.advance(300_000);
    request(town.at, "GET", link, "", "").await.is_problem(401, ErrorCode::LinkInvalid);
    let nobody = format!("/v1/files/{file}/content");
    request(town.at, "GET", &nobody, "", "").await.is_problem(401, ErrorCode::TokenInvalid);
}

#[tokio::test]
async fn requirement_h3_who_has_the_bytes_has_the_file_without_sending_them() {
    let town = Town::of(&["alice", "bob"]).await;
    let bytes = "nothing is sent twice";
    uploaded(&town, "a", bytes).await;
    let owned = json!({"sha256": hex::encode(Sha256::digest(bytes)), "bytes": "21"});
    let asked = town.done(&town.act("bob", "POST", "/v1/files/challenge", &owned).await);
    let nonce = STANDARD.decode(asked["nonce_base64"].as_str().unwrap()).unwrap();
    let mut hash = Sha256::new().chain_update(&nonce);
    for place in asked["places"].as_array().unwrap() {
        let number = |name: &str| -> usize { place[name].as_str().unwrap().parse().unwrap() };
        hash.update(&bytes.as_bytes()[number("offset")..number("offset") + number("bytes")]);
    }
    let mut claim = owned.clone();
    for field in ["nonce_base64", "expires_at_ms", "seal"] {
        claim[field] = asked[field].clone();
    }
    claim["proof"] = json!(hex::encode([0; 32]));
    let wrong = town.act("bob", "POST", "/v1/files/claim", &claim).await;
    wrong.is_problem(404, ErrorCode::NotInPossession);
    claim["proof"] = json!(hex::encode(hash.finalize()));
    let made = town.act("bob", "POST", "/v1/files/claim", &claim).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let file = made.json()["file"].as_str().unwrap().to_owned();
    assert_eq!(town.get("bob", &format!("/v1/files/{file}/content")).await.body, bytes);
    let usage = town.get("bob", "/v1/files/usage").await.json();
    assert_eq!((&usage["files"], &usage["bytes"]), (&json!("1"), &json!("21")));
}

#[tokio::test]
async fn a_picture_in_a_size_that_there_is_not_is_refused() {
    let town = Town::of(&["alice"]).await;
    let unknown =
        town.get("alice", "/v1/files/00000000000000000000000000000000/thumbnails/small").await;
    unknown.is_problem(404, ErrorCode::FileUnknown);
    let size =
        town.get("alice", "/v1/files/00000000000000000000000000000000/thumbnails/huge").await;
    size.is_problem(400, ErrorCode::InvalidArgument);
}
