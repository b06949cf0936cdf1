//! Every command and every query has a route: one without a row here does not compile.

use std::collections::BTreeSet;

use anser_service::Query;
use anser_types::report::{ReportReason, Reported};
use anser_types::{
    Alteration, ChangeNo, Command, ContactAct, Content, ConversationId, InboxSeq, ItemKey,
    ItemKind, LogEpoch, MemberAct, Seq, SetGroup, SetOptions, SetSettings, Target, UserId, Version,
};
use serde_json::{Value, json};

use super::client::{Town, spec};

/// The routes by which a command is asked for.
fn routes_of_command(command: &Command) -> &'static [&'static str] {
    match command {
        Command::SendMessage { .. } => &["POST /v1/messages"],
        Command::MarkRead { .. } => &["POST /v1/conversations/{at}/read"],
        Command::CreateGroup { .. } => &["POST /v1/groups"],
        Command::Invite { .. } => &["POST /v1/groups/{conversation}/members"],
        Command::Leave { .. } => &["POST /v1/groups/{conversation}/leave"],
        Command::Kick { .. } => &["POST /v1/groups/{conversation}/members/remove"],
        Command::Alter { alteration, .. } => match alteration {
            Alteration::Edit(_) => &["PATCH /v1/conversations/{at}/messages/{seq}"],
            Alteration::Revoke => &["DELETE /v1/conversations/{at}/messages/{seq}"],
            Alteration::React { .. } => &[
                "PUT /v1/conversations/{at}/messages/{seq}/reactions/{emoji}",
                "DELETE /v1/conversations/{at}/messages/{seq}/reactions/{emoji}",
            ],
            Alteration::Pin { .. } => &[
                "PUT /v1/conversations/{at}/pins/{seq}",
                "DELETE /v1/conversations/{at}/pins/{seq}",
            ],
            // Only ever told.
            Alteration::Gone | Alteration::Burn(_) | Alteration::Expire => &[],
        },
        Command::UpdateGroup { .. } => &["PATCH /v1/groups/{conversation}"],
        Command::AlterMember { .. } => &["PATCH /v1/groups/{conversation}/members/{user}"],
        Command::Dismiss { .. } => &["DELETE /v1/groups/{conversation}"],
        Command::Join { .. } => &["POST /v1/groups/{conversation}/join"],
        Command::AnswerJoin { .. } => &["PUT /v1/groups/{conversation}/join-requests/{user}"],
        Command::Contact { .. } => &["POST /v1/contacts/{user}"],
        Command::SetOptions { .. } => &["PATCH /v1/conversations/{at}/options"],
        Command::SetSettings(_) => &["PATCH /v1/settings"],
        Command::Hide { .. } => &["POST /v1/conversations/{at}/messages/hide"],
        Command::Report { .. } => &["POST /v1/reports"],
        // What a session's frame says that cannot be read; a request that cannot is refused at once.
        Command::Unknown | Command::Invalid(_) => &[],
    }
}

/// The routes by which a query is asked.
fn routes_of_query(query: &Query) -> &'static [&'static str] {
    match query {
        Query::History { .. } => &["GET /v1/conversations/{at}/messages"],
        Query::Conversations { .. } => &["GET /v1/conversations"],
        Query::Members { .. } => &["GET /v1/groups/{conversation}/members"],
        Query::Receipts { .. } => &["GET /v1/receipts"],
        Query::SyncPage { .. } => &["GET /v1/sync"],
        Query::Editions { .. } => &["GET /v1/conversations/{at}/messages/{seq}/editions"],
        Query::Items { prefix, .. } => match prefix.0.first().copied() {
            Some(kind) if kind == ItemKind::Contact as u8 => &["GET /v1/contacts"],
            Some(kind) if kind == ItemKind::Options as u8 => &["GET /v1/options"],
            Some(kind) if kind == ItemKind::Settings as u8 => &["GET /v1/settings"],
            Some(kind) if kind == ItemKind::Hidden as u8 => &["GET /v1/hidden"],
            Some(kind) if kind == ItemKind::JoinRequest as u8 => {
                &["GET /v1/groups/{conversation}/join-requests"]
            }
            _ => &[],
        },
        Query::Changes { .. } => &["GET /v1/conversations/{at}/changes"],
        Query::Readers { .. } => &["GET /v1/conversations/{at}/messages/{seq}/readers"],
        Query::Presence { .. } => &["GET /v1/presence"],
        Query::Search { .. } => &["GET /v1/search"],
    }
}

fn commands() -> Vec<Command> {
    let (conversation, seq) = (ConversationId([1; 16]), Seq(1));
    let at = || Target::Conversation(conversation);
    let user = UserId::new("bob").unwrap();
    let alter = |alteration| Command::Alter { at: at(), seq, of: None, alteration };
    let (title, text, greeting) = (String::new(), String::new(), String::new());
    vec![
        Command::SendMessage { to: at(), content: Content::text("x") },
        Command::MarkRead { at: at(), up_to: seq },
        Command::CreateGroup { title, members: Vec::new(), history_for_new_members: false },
        Command::Invite { conversation, users: Vec::new() },
        Command::Leave { conversation },
        Command::Kick { conversation, users: Vec::new() },
        alter(Alteration::Edit(Content::text("x"))),
        alter(Alteration::Revoke),
        alter(Alteration::React { emoji: "x".into(), on: true }),
        alter(Alteration::Pin { on: true }),
        Command::UpdateGroup { conversation, set: SetGroup::default() },
        Command::AlterMember {
            conversation,
            user: user.clone(),
            act: MemberAct::Alias(String::new()),
        },
        Command::Dismiss { conversation },
        Command::Join { conversation, greeting },
        Command::AnswerJoin { conversation, user: user.clone(), accept: true },
        Command::Contact { user: user.clone(), act: ContactAct::Block },
        Command::SetOptions { at: at(), set: SetOptions::default() },
        Command::SetSettings(SetSettings::default()),
        Command::Hide { at: at(), seqs: Vec::new() },
        Command::Report { about: Reported::User(user), reason: ReportReason::Spam, text },
    ]
}

fn queries() -> Vec<Query> {
    let (conversation, seq, limit) = (ConversationId([1; 16]), Seq(1), 1);
    let of = || Target::Conversation(conversation);
    let mut queries = vec![
        Query::History { of: of(), after: seq, before: seq, limit, oldest_first: true },
        Query::Conversations { after: None, limit },
        Query::Members { conversation, known: Version(0), after: None, limit },
        Query::Receipts { of: Vec::new() },
        Query::SyncPage {
            at: InboxSeq(0),
            since: LogEpoch(0),
            after: None,
            limit,
            heads_only: true,
        },
        Query::Editions { of: of(), seq },
        Query::Changes { conversation, after: ChangeNo(0), limit },
        Query::Readers { conversation, seq, unread: true, after: None, limit },
        Query::Presence { of: Vec::new() },
        Query::Search { text: String::new(), of: None, before: None, limit },
    ];
    let kinds = [
        ItemKind::Contact,
        ItemKind::Options,
        ItemKind::Settings,
        ItemKind::Hidden,
        ItemKind::JoinRequest,
    ];
    queries.extend(kinds.map(|kind| Query::Items {
        conversation: None,
        prefix: ItemKey::all(kind),
        after: ItemKey::default(),
        limit,
    }));
    queries
}

/// Routes of users in the description.
fn described() -> BTreeSet<String> {
    let of_users = ["messages", "conversations", "groups", "people"];
    let mut routes = BTreeSet::new();
    for (path, methods) in spec()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if of_users.contains(&operation["tags"][0].as_str().unwrap()) {
                routes.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    routes
}

#[test]
fn requirement_e2_every_command_and_query_of_a_session_has_a_route() {
    let of_commands = commands().into_iter().flat_map(|one| routes_of_command(&one).iter());
    let of_queries = queries().into_iter().flat_map(|one| routes_of_query(&one).iter());
    let routes: BTreeSet<String> = of_commands.chain(of_queries).map(|r| (*r).to_owned()).collect();
    assert_eq!(routes, described(), "nothing is missing, and nothing else is there");
}

/// A day of people who have nothing but HTTP. Every route of users answers at least once.
#[tokio::test]
async fn requirement_e2_people_live_by_http_alone() {
    let town = Town::of(&["alice", "bob", "carol", "dave"]).await;
    talk(&town).await;
    groups(&town).await;
    lists(&town).await;
    let missed: Vec<String> = described().difference(&town.used.borrow()).cloned().collect();
    assert!(missed.is_empty(), "{missed:?}");
}

async fn ok(town: &Town, user: &str, request: &str, body: Value) -> Value {
    let (method, path) = request.split_once(' ').unwrap();
    let response = match method {
        "GET" => town.get(user, path).await,
        _ => town.act(user, method, path, &body).await,
    };
    assert_eq!(response.status, 200, "{request}: {}", response.body);
    response.json()
}

async fn talk(town: &Town) {
    let said =
        ok(town, "alice", "POST /v1/messages", json!({"to": {"user": "bob"}, "text": "lunch?"}))
            .await;
    assert_eq!((said["seq"].as_str(), said["duplicate"].as_bool()), (Some("1"), Some(false)));
    assert_eq!(said["stored_offline"], true, "bob has no session");
    ok(town, "bob", "POST /v1/conversations/user:alice/read", json!({"up_to": "1"})).await;
    let receipts = ok(town, "alice", "GET /v1/receipts?at=user:bob", Value::Null).await;
    assert_eq!(receipts["receipts"][0]["read_up_to"], "1", "{receipts}");
    let at = "/v1/conversations/user:bob";
    ok(town, "alice", &format!("PATCH {at}/messages/1"), json!({"text": "supper?"})).await;
    let editions = ok(town, "alice", &format!("GET {at}/messages/1/editions"), Value::Null).await;
    assert_eq!(
        editions["editions"][0]["content"]["body"],
        json!({"kind": "text", "text": "lunch?"})
    );
    // Emoji as clients put them into a path.
    let heart = "PUT /v1/conversations/user:alice/messages/1/reactions/%E2%9D%A4%EF%B8%8F";
    ok(town, "bob", heart, Value::Null).await;
    let history = ok(town, "bob", "GET /v1/conversations/user:alice/messages", Value::Null).await;
    let message = &history["messages"][0];
    assert_eq!(message["content"]["body"]["text"], "supper?");
    assert_eq!((&message["sender"], &message["peer"]), (&json!("alice"), &json!("alice")));
    assert_eq!(message["altered"]["reactions"], json!([{"emoji": "❤️", "users": ["bob"]}]));
    let changes = ok(town, "bob", "GET /v1/conversations/user:alice/changes", Value::Null).await;
    let how: Vec<&Value> = changes["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["what"]["alteration"]["how"])
        .collect();
    assert_eq!(how, ["edit", "react"]);
    ok(town, "bob", &heart.replace("PUT", "DELETE"), Value::Null).await;
    ok(town, "alice", &format!("PUT {at}/pins/1"), Value::Null).await;
    let list = ok(town, "bob", "GET /v1/conversations", Value::Null).await;
    assert_eq!(list["conversations"][0]["pinned"], json!(["1"]));
    ok(town, "alice", &format!("DELETE {at}/pins/1"), Value::Null).await;
    let found = ok(town, "bob", "GET /v1/search?text=supper", Value::Null).await;
    assert_eq!(found["messages"][0]["seq"], "1", "{found}");
    ok(
        town,
        "alice",
        &format!(
            "DELETE {at}/messages/1?client_msg_id={}",
            message["client_msg_id"].as_str().unwrap()
        ),
        Value::Null,
    )
    .await;
    let history = ok(town, "bob", "GET /v1/conversations/user:alice/messages", Value::Null).await;
    let gone = &history["messages"][0];
    assert!(gone.get("content").is_none() && gone["altered"]["revoked_by"] == "alice", "{gone}");
    ok(town, "bob", "POST /v1/conversations/user:alice/messages/hide", json!({"seqs": ["1"]}))
        .await;
    let hidden = ok(town, "bob", "GET /v1/hidden", Value::Null).await;
    assert_eq!(hidden["hidden"][0]["seq"], "1");
    let history = ok(town, "bob", "GET /v1/conversations/user:alice/messages", Value::Null).await;
    assert_eq!(history["unavailable"][0]["reason"], "put_away");
    ok(town, "bob", "GET /v1/sync?at=0", Value::Null).await;
}

async fn groups(town: &Town) {
    let group = town.group(&["alice", "bob", "carol"]).await;
    let at = format!("/v1/groups/{group}");
    ok(town, "alice", &format!("PATCH {at}"), json!({"title": "friends", "join": "approval"}))
        .await;
    let body = json!({"to": {"conversation": group}, "text": "hello all", "mentions": ["bob"]});
    ok(town, "alice", "POST /v1/messages", body).await;
    let list = ok(town, "bob", "GET /v1/conversations", Value::Null).await;
    let of_group = |list: &Value| {
        let all = list["conversations"].as_array().unwrap();
        all.iter().find(|one| one["conversation"] == group.as_str()).unwrap().clone()
    };
    let state = of_group(&list);
    assert_eq!(
        (&state["group"]["title"], &state["mentioned_seq"]),
        (&json!("friends"), &json!("1"))
    );
    let read = format!("POST /v1/conversations/{group}/read");
    ok(town, "bob", &read, json!({"up_to": "1"})).await;
    let readers = ok(
        town,
        "alice",
        &format!("GET /v1/conversations/{group}/messages/1/readers"),
        Value::Null,
    )
    .await;
    assert_eq!((&readers["users"], &readers["unread"]), (&json!(["bob"]), &json!("1")));
    ok(town, "dave", &format!("POST {at}/join"), json!({"greeting": "may I?"})).await;
    let asked = ok(town, "alice", &format!("GET {at}/join-requests"), Value::Null).await;
    let request = json!({"user": "dave", "greeting": "may I?", "state": "waiting"});
    assert_eq!(asked["join_requests"], json!([request]));
    ok(town, "alice", &format!("PUT {at}/join-requests/dave"), json!({"accept": true})).await;
    ok(town, "alice", &format!("PATCH {at}/members/bob"), json!({"role": "admin"})).await;
    ok(town, "alice", &format!("PATCH {at}/members/bob"), json!({"alias": "bobby"})).await;
    ok(town, "bob", &format!("POST {at}/members/remove"), json!({"users": ["carol"]})).await;
    ok(town, "bob", &format!("POST {at}/members"), json!({"users": ["carol"]})).await;
    let members = ok(town, "alice", &format!("GET {at}/members"), Value::Null).await;
    let bob = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["user"] == "bob")
        .unwrap()
        .clone();
    assert_eq!((&bob["role"], &bob["alias"]), (&json!("admin"), &json!("bobby")));
    ok(town, "dave", &format!("POST {at}/leave"), Value::Null).await;
    ok(town, "alice", &format!("DELETE {at}"), Value::Null).await;
    let list = ok(town, "bob", "GET /v1/conversations", Value::Null).await;
    assert_eq!(
        (of_group(&list)["member"].clone(), of_group(&list)["group"]["dismissed"].clone()),
        (json!(false), json!(true))
    );
}

async fn lists(town: &Town) {
    ok(town, "alice", "POST /v1/contacts/bob", json!({"act": "apply", "greeting": "hi"})).await;
    ok(town, "bob", "POST /v1/contacts/alice", json!({"act": "accept"})).await;
    ok(town, "alice", "POST /v1/contacts/bob", json!({"act": "remark", "remark": "Bob"})).await;
    let contacts = ok(town, "alice", "GET /v1/contacts", Value::Null).await;
    let bob = &contacts["contacts"][0];
    assert_eq!((&bob["relation"], &bob["remark"]), (&json!("contact"), &json!("Bob")));
    assert_eq!(ok(town, "alice", "GET /v1/settings", Value::Null).await["last_seen"], "everybody");
    ok(town, "alice", "PATCH /v1/settings", json!({"last_seen": "nobody"})).await;
    assert_eq!(ok(town, "alice", "GET /v1/settings", Value::Null).await["last_seen"], "nobody");
    let presence = ok(town, "alice", "GET /v1/presence?user=bob&user=nobody", Value::Null).await;
    let told =
        json!([{"user": "bob", "presence": "offline"}, {"user": "nobody", "presence": "unknown"}]);
    assert_eq!(presence["users"], told);
    let options = "/v1/conversations/user:bob/options";
    ok(town, "alice", &format!("PATCH {options}"), json!({"pinned": true, "notify": "nothing"}))
        .await;
    let options = ok(town, "alice", "GET /v1/options", Value::Null).await;
    assert_eq!(
        (&options["options"][0]["pinned"], &options["options"][0]["notify"]),
        (&json!(true), &json!("nothing"))
    );
    let report = json!({"about": {"user": "dave"}, "reason": "spam", "text": "again"});
    ok(town, "alice", "POST /v1/reports", report).await;
}
