//! What a tail tells of contacts, settings and the like: shapes of JSON that programs rely on, and lines for people.

use anser_cli::news::News;
use anser_sdk::store::ConversationOptions;
use anser_types::{
    Audience, Contact, ConversationId, JoinRequest, JoinState, Notify, Relation, Settings,
};
use serde_json::json;

use crate::support::{direct, user};

fn bob(relation: Relation) -> Contact {
    Contact { relation, ..Contact::stranger(user("bob")) }
}

#[test]
fn who_asks_to_be_a_contact_and_what_becomes_of_it_is_told() {
    let asks = Contact { greeting: "we\nmet".to_owned(), ..bob(Relation::Asked) };
    let told = News::applied(&asks);
    assert_eq!(told.line, "* bob (asks to be your contact): we met");
    assert_eq!(
        told.json,
        json!({
            "event": "contact_applied", "user": "bob", "relation": "asked", "remark": "",
            "blocked": false, "greeting": "we\nmet",
        })
    );
    let named = Contact { remark: "Bobby".to_owned(), ..bob(Relation::Contact) };
    let told = News::contact(&named);
    assert_eq!(told.line, "* contact: bob \"Bobby\" (contact)");
    assert_eq!(
        (&told.json["event"], &told.json["relation"]),
        (&json!("contact"), &json!("contact"))
    );
    let gone = Contact { blocked: true, ..bob(Relation::None) };
    let told = News::contact(&gone);
    assert_eq!(told.line, "* contact: bob (no contact, blocked)");
    assert_eq!((&told.json["relation"], &told.json["blocked"]), (&json!("none"), &json!(true)));
}

#[test]
fn settings_and_options_are_told_as_they_are_now() {
    let settings = Settings { write_first: Audience::Contacts, ..Settings::default() };
    let told = News::settings(&settings);
    assert_eq!(told.line, "* settings: write-first contacts, last-seen everybody, show-read on");
    assert_eq!(
        told.json,
        json!({
            "event": "settings", "write_first": "contacts", "last_seen": "everybody",
            "show_read": true,
        })
    );
    let options = ConversationOptions {
        notify: Notify::Nothing,
        draft: "so\nfar".to_owned(),
        ..ConversationOptions::default()
    };
    let told = News::options(direct("bob"), "bob", &options);
    assert_eq!(told.line, "* options of bob: pinned off, notify nothing, hidden off, draft so far");
    assert_eq!(
        told.json,
        json!({
            "event": "options", "conversation": direct("bob").to_string(), "pinned": false,
            "notify": "nothing", "hidden": false, "cleared_up_to": 0, "draft": "so\nfar",
        })
    );
}

#[test]
fn who_asks_to_come_into_a_group_is_told() {
    let team = ConversationId::group([7; 16]);
    let request = JoinRequest {
        user: user("dora"),
        greeting: "let me in".to_owned(),
        state: JoinState::Waiting,
    };
    let told = News::join_request(team, "Our\u{1b}team", &request);
    assert_eq!(told.line, "* request to join Our\u{fffd}team: dora (waiting): let me in");
    assert_eq!(
        told.json,
        json!({
            "event": "join_request", "conversation": team.to_string(), "user": "dora",
            "greeting": "let me in", "state": "waiting",
        })
    );
}
