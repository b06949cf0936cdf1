//! The limits that the description tells are those that are enforced.

use serde_json::{Value, json};

use super::client::{Town, spec};
use crate::api::{Response, bearer, request};
use crate::world::API_KEY;

/// A request whose size is at a limit.
struct Case {
    /// Where the description tells the limit.
    told: &'static str,
    request: &'static str,
    body: fn(usize) -> Value,
}

const fn case(told: &'static str, request: &'static str, body: fn(usize) -> Value) -> Case {
    Case { told, request, body }
}

fn long(length: usize) -> String {
    "x".repeat(length)
}

/// A password of this length that is in no list.
fn unguessed(length: usize) -> String {
    "Vq7kZ2pw9Xr4Tb6m".chars().cycle().take(length).collect()
}

fn people(count: usize) -> Value {
    (0..count).map(|n| format!("u{n}")).collect()
}

fn file_with(field: &str, text: &str) -> Value {
    json!({"to": {"user": "bob"}, "body": {"kind": "file", "file": {"file": "x"}, field: text}})
}

const CASES: &[Case] = &[
    case(
        "NewGroup/properties/title/maxLength",
        "POST /v1/groups",
        |n| json!({"title": long(n), "members": []}),
    ),
    case(
        "NewGroup/properties/members/maxItems",
        "POST /v1/groups",
        |n| json!({"title": "x", "members": people(n)}),
    ),
    case(
        "Users/properties/users/maxItems",
        "POST /v1/groups/{group}/members",
        |n| json!({"users": people(n)}),
    ),
    case(
        "SetGroup/properties/title/maxLength",
        "PATCH /v1/groups/{group}",
        |n| json!({"title": long(n)}),
    ),
    case(
        "SetGroup/properties/avatar/maxLength",
        "PATCH /v1/groups/{group}",
        |n| json!({"avatar": long(n)}),
    ),
    case(
        "SetGroup/properties/announcement/maxLength",
        "PATCH /v1/groups/{group}",
        |n| json!({"announcement": long(n)}),
    ),
    case(
        "MemberAct/properties/alias/maxLength",
        "PATCH /v1/groups/{group}/members/alice",
        |n| json!({"alias": long(n)}),
    ),
    case(
        "Joining/properties/greeting/maxLength",
        "POST /v1/groups/{group}/join",
        |n| json!({"greeting": long(n)}),
    ),
    case(
        "NewContent/properties/text/maxLength",
        "POST /v1/messages",
        |n| json!({"to": {"user": "bob"}, "text": long(n)}),
    ),
    case(
        "NewContent/properties/mentions/maxItems",
        "POST /v1/messages",
        |n| json!({"to": {"user": "bob"}, "text": "x", "mentions": people(n)}),
    ),
    case(
        "File/properties/file/maxLength",
        "POST /v1/messages",
        |n| json!({"to": {"user": "bob"}, "body": {"kind": "file", "file": {"file": long(n)}}}),
    ),
    case("Picture/properties/caption/maxLength", "POST /v1/messages", |n| {
        file_with("caption", &long(n))
    }),
    case(
        "Hiding/properties/seqs/maxItems",
        "POST /v1/conversations/user:bob/messages/hide",
        |n| json!({"seqs": (1..=n).map(|seq| seq.to_string()).collect::<Vec<_>>()}),
    ),
    case(
        "SetOptions/properties/draft/maxLength",
        "PATCH /v1/conversations/user:bob/options",
        |n| json!({"draft": long(n)}),
    ),
    case(
        "ContactAct/oneOf/0/properties/greeting/maxLength",
        "POST /v1/contacts/carol",
        |n| json!({"act": "apply", "greeting": long(n)}),
    ),
    case(
        "ContactAct/oneOf/3/properties/remark/maxLength",
        "POST /v1/contacts/carol",
        |n| json!({"act": "remark", "remark": long(n)}),
    ),
    case(
        "NewReport/properties/text/maxLength",
        "POST /v1/reports",
        |n| json!({"about": {"user": "bob"}, "reason": "spam", "text": long(n)}),
    ),
    case("Emoji/maxLength", "PUT /v1/conversations/user:bob/messages/1/reactions/{long}", |_| {
        Value::Null
    }),
    case("SearchText/maxLength", "GET /v1/search?text={long}", |_| Value::Null),
    case("UserName/maxLength", "GET /v1/presence?user={long}", |_| Value::Null),
    case("PageSize/maximum", "GET /v1/conversations?limit={number}", |_| Value::Null),
];

async fn ask(town: &Town, group: &str, case: &Case, size: usize) -> Response {
    let request = case
        .request
        .replace("{group}", group)
        .replace("{long}", &long(size))
        .replace("{number}", &size.to_string());
    let (method, path) = request.split_once(' ').unwrap();
    match method {
        "GET" => town.get("alice", path).await,
        _ => town.act("alice", method, path, &(case.body)(size)).await,
    }
}

fn is_refused_for_size(response: &Response) -> bool {
    response.status == 413
        || (response.status == 400 && response.json()["code"] == "INVALID_ARGUMENT")
}

#[tokio::test]
async fn the_limits_that_are_told_are_those_that_are_enforced() {
    let town = Town::of(&["alice", "bob", "carol"]).await;
    let group = town.group(&["alice", "bob"]).await;
    let hello = json!({"to": {"user": "bob"}, "text": "hello"});
    town.done(&town.act("alice", "POST", "/v1/messages", &hello).await);
    let spec = spec();
    for case in CASES {
        let told = format!("/components/schemas/{}", case.told);
        let most = spec.pointer(&told).and_then(Value::as_u64).unwrap_or_else(|| panic!("{told}"));
        let most = usize::try_from(most).unwrap();
        let at_most = ask(&town, &group, case, most).await;
        assert!(!is_refused_for_size(&at_most), "{told} is {most}: {}", at_most.body);
        let above = ask(&town, &group, case, most + 1).await;
        assert!(is_refused_for_size(&above), "{told} is {most}: {} {}", above.status, above.body);
    }
}

/// Limits of what makes accounts and tokens.
#[tokio::test]
async fn the_limits_of_accounts_are_told_as_they_are() {
    let town = Town::of(&[]).await;
    let spec = spec();
    let told = |pointer: &str| {
        let told = spec.pointer(&format!("/components/schemas/{pointer}")).unwrap();
        usize::try_from(told.as_u64().unwrap()).unwrap()
    };
    let register = |user: &'static str, password: String, name: String| async move {
        let body = json!({
            "user": user, "password": password, "device_class": "phone", "device_name": name,
        });
        request(town.at, "POST", "/v1/register", "", &body.to_string()).await.status
    };
    let password = "Credentials/properties/password";
    let least = told(&format!("{password}/minLength"));
    let most = told(&format!("{password}/maxLength"));
    let name = told("Credentials/properties/device_name/maxLength");
    assert_eq!(register("a", unguessed(least), long(name)).await, 201);
    assert_eq!(register("b", unguessed(least - 1), String::new()).await, 400);
    assert_eq!(register("c", unguessed(most), String::new()).await, 201);
    assert_eq!(register("d", unguessed(most + 1), String::new()).await, 400);
    assert_eq!(register("e", unguessed(least), long(name + 1)).await, 400);
    let name = told("NewToken/properties/device_name/maxLength");
    let mint = |name: String| async move {
        let body = json!({"user": "f", "device_class": "bot", "create": true, "device_name": name});
        request(town.at, "POST", "/v1/app/tokens", &bearer(API_KEY), &body.to_string()).await.status
    };
    assert_eq!((mint(long(name)).await, mint(long(name + 1)).await), (201, 400));
}
