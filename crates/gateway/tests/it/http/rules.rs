//! The rules are those of sessions, whoever asks and by which door.

use anser_service::{Answered, CommandRequest, Hello, Query, Session};
use anser_types::{
    Alteration, ChangeNo, Command, CommandNo, Content, ConversationId, ErrorCode, InboxSeq,
    ItemKey, ItemKind, LocalNo, LogEpoch, Outcome, Seq, SetGroup, SetOptions, Target, UnixMs,
    UserId, Version,
};
use serde_json::{Value, json};

use super::client::Town;
use crate::api::{bearer, request};
use crate::world::API_KEY;

/// What is asked by HTTP, and the same as a session asks it.
struct Asked {
    request: String,
    body: Value,
    command: Option<Command>,
    query: Option<Query>,
}

fn act(request: impl Into<String>, body: Value, command: Command) -> Asked {
    Asked { request: request.into(), body, command: Some(command), query: None }
}

fn read(request: impl Into<String>, query: Query) -> Asked {
    Asked { request: request.into(), body: Value::Null, command: None, query: Some(query) }
}

fn of_the_group(group: &str) -> Vec<Asked> {
    let conversation: ConversationId = group.parse().unwrap();
    let at = || Target::Conversation(conversation);
    let users = || vec![UserId::new("mallory").unwrap()];
    let (here, in_list) = (format!("/v1/groups/{group}"), format!("/v1/conversations/{group}"));
    let alter = |alteration| Command::Alter { at: at(), seq: Seq(1), of: None, alteration };
    let (limit, after, prefix) = (9, None, ItemKey::all(ItemKind::JoinRequest));
    let say = json!({"to": {"conversation": group}, "text": "let me in"});
    let title = SetGroup { title: Some("mine".into()), ..SetGroup::default() };
    vec![
        act(
            "POST /v1/messages",
            say,
            Command::SendMessage { to: at(), content: Content::text("let me in") },
        ),
        act(
            format!("POST {in_list}/read"),
            json!({"up_to": "1"}),
            Command::MarkRead { at: at(), up_to: Seq(1) },
        ),
        act(format!("DELETE {in_list}/messages/1"), Value::Null, alter(Alteration::Revoke)),
        act(
            format!("PATCH {in_list}/messages/1"),
            json!({"text": "x"}),
            alter(Alteration::Edit(Content::text("x"))),
        ),
        act(format!("PUT {in_list}/pins/1"), Value::Null, alter(Alteration::Pin { on: true })),
        act(
            format!("POST {here}/members"),
            json!({"users": ["mallory"]}),
            Command::Invite { conversation, users: users() },
        ),
        act(
            format!("POST {here}/members/remove"),
            json!({"users": ["mallory"]}),
            Command::Kick { conversation, users: users() },
        ),
        act(
            format!("PATCH {here}"),
            json!({"title": "mine"}),
            Command::UpdateGroup { conversation, set: title },
        ),
        act(format!("POST {here}/leave"), Value::Null, Command::Leave { conversation }),
        act(format!("DELETE {here}"), Value::Null, Command::Dismiss { conversation }),
        act(
            format!("PATCH {in_list}/options"),
            json!({"pinned": true}),
            Command::SetOptions {
                at: at(),
                set: SetOptions { pinned: Some(true), ..SetOptions::default() },
            },
        ),
        read(
            format!("GET {in_list}/messages"),
            Query::History { of: at(), after: Seq(0), before: Seq(0), limit, oldest_first: false },
        ),
        read(
            format!("GET {in_list}/changes"),
            Query::Changes { conversation, after: ChangeNo(0), limit },
        ),
        read(
            format!("GET {in_list}/messages/1/editions"),
            Query::Editions { of: at(), seq: Seq(1) },
        ),
        read(
            format!("GET {in_list}/messages/1/readers"),
            Query::Readers { conversation, seq: Seq(1), unread: false, after: None, limit },
        ),
        read(
            format!("GET {here}/members"),
            Query::Members { conversation, known: Version(0), after: None, limit },
        ),
        read(
            format!("GET {here}/join-requests"),
            Query::Items {
                conversation: Some(conversation),
                prefix,
                after: ItemKey::default(),
                limit,
            },
        ),
        read(
            format!("GET /v1/search?text=secret&in={group}"),
            Query::Search { text: "secret".into(), of: Some(at()), before: after, limit },
        ),
    ]
}

async fn session(town: &Town, user: &str) -> Session {
    let device = town.device(user);
    let hello = Hello {
        token: device.token.clone(),
        device: device.device,
        log_epoch: LogEpoch::ZERO,
        inbox_cursor: InboxSeq(0),
        rebuild_above: 0,
        arrived: town.world.service.arrival(),
    };
    town.world.service.open_session(hello).await.unwrap().0
}

/// The code with which a session is refused; nothing if it is not.
async fn by_session(session: &mut Session, command_no: u64, asked: &Asked) -> Option<ErrorCode> {
    if let Some(query) = &asked.query {
        return session.query(query.clone()).await.err().map(|refusal| refusal.code);
    }
    let request = CommandRequest {
        command_no: CommandNo(command_no),
        answered_up_to: CommandNo(command_no - 1),
        local_no: LocalNo(command_no),
        sent_at: UnixMs(0),
        hash: [0; 16],
        command: asked.command.clone().unwrap(),
    };
    match session.submit(request).await.await {
        Answered::Final { answer, .. } => match answer.outcome {
            Outcome::Done(_) => None,
            Outcome::Refused(refusal) => Some(refusal.code),
        },
        Answered::Refused { refusal, .. } => panic!("{refusal}"),
    }
}

#[tokio::test]
async fn requirement_k5_somebody_elses_conversation_is_refused_over_http_as_over_a_session() {
    let town = Town::of(&["alice", "bob", "mallory"]).await;
    let group = town.group(&["alice", "bob"]).await;
    let secret = json!({"to": {"conversation": group}, "text": "secret"});
    town.done(&town.act("alice", "POST", "/v1/messages", &secret).await);
    let mut mallory = session(&town, "mallory").await;
    let mut command_no = 0;
    for asked in of_the_group(&group) {
        let (method, path) = asked.request.split_once(' ').unwrap();
        let answer = match method {
            "GET" => town.get("mallory", path).await,
            _ => town.act("mallory", method, path, &asked.body).await,
        };
        command_no += u64::from(asked.command.is_some());
        let refused = by_session(&mut mallory, command_no, &asked).await;
        let code = refused.unwrap_or_else(|| panic!("{}: the session was let in", asked.request));
        assert_eq!(code, ErrorCode::ConversationUnknown, "{}", asked.request);
        answer.is_problem(404, code);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
    // Who asks how far others are is told nothing of what is not theirs.
    let receipts = town.get("mallory", &format!("/v1/receipts?at={group}")).await.json();
    let nothing =
        json!({"conversation": group, "delivered_up_to": "0", "read_up_to": "0", "members": []});
    assert_eq!(receipts, json!({"receipts": [nothing]}));
    let history = town.get("bob", &format!("/v1/conversations/{group}/messages")).await.json();
    assert_eq!((&history["head"], history["messages"].as_array().unwrap().len()), (&json!("1"), 1));
}

#[tokio::test]
async fn requirement_k5_nobody_asks_without_a_token_or_with_one_that_is_over() {
    let town = Town::with(&["alice"], |settings| settings.token_life_ms = 1_000).await;
    for headers in [String::new(), bearer("guess"), bearer(API_KEY)] {
        let refused = request(town.at, "GET", "/v1/conversations", &headers, "").await;
        refused.is_problem(401, ErrorCode::TokenInvalid);
        assert!(refused.head.contains("www-authenticate: Bearer"));
    }
    town.world.clock.advance(2_000);
    town.get("alice", "/v1/conversations").await.is_problem(401, ErrorCode::TokenExpired);
}

#[tokio::test]
async fn requirement_i2_the_app_server_does_all_that_its_users_may_do() {
    let town = Town::of(&["alice", "bob"]).await;
    let app = |method: &'static str, path: &'static str, key: &'static str, body: Value| {
        let headers = format!("{}idempotency-key: {key}\r\n", bearer(API_KEY));
        let at = town.at;
        async move { request(at, method, path, &headers, &body.to_string()).await }
    };
    let made =
        app("POST", "/v1/groups?as=alice", "1", json!({"title": "shop", "members": ["bob"]})).await;
    let group = town.done(&made)["conversation"].as_str().unwrap().to_owned();
    let members = town.get("alice", &format!("/v1/groups/{group}/members")).await.json();
    let owner = members["members"].as_array().unwrap().iter().find(|one| one["role"] == "owner");
    assert_eq!(owner.unwrap()["user"], "alice");
    let sent =
        app("POST", "/v1/messages?as=alice", "2", json!({"to": {"user": "bob"}, "text": "hi"}))
            .await;
    assert_eq!(town.done(&sent)["seq"], "1");
    let read = app("GET", "/v1/conversations/user:alice/messages?as=bob", "3", Value::Null).await;
    assert_eq!(read.json()["messages"][0]["content"]["body"]["text"], "hi");
    // In nobody's name, in a stranger's, with a device's token, in two names.
    let stranger = app("GET", "/v1/conversations?as=nobody", "4", Value::Null).await;
    stranger.is_problem(404, ErrorCode::UserUnknown);
    app("GET", "/v1/conversations", "5", Value::Null)
        .await
        .is_problem(401, ErrorCode::TokenInvalid);
    let device = town.get("bob", "/v1/conversations?as=alice").await;
    device.is_problem(401, ErrorCode::ApiKeyInvalid);
    let two = app("GET", "/v1/conversations?as=alice&as=bob", "6", Value::Null).await;
    two.is_problem(400, ErrorCode::InvalidArgument);
}
