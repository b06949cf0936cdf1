//! Reporting in the chat: about what, why, and how it is told that it was done.

use anser_cli::chat::asked::Asked;
use anser_cli::chat::reporting::Report;
use anser_cli::chat::slash::{Slash, complete, parse};
use anser_cli::chat::step::{Effect, Input};
use anser_cli::chat::texts::{Language, Text, Texts};
use anser_types::report::{ReportReason, Reported};
use anser_types::{ConversationId, Seq, Target};

use crate::support::{Chat, said, to_bob, user};

fn problem(line: &str) -> String {
    parse(line).unwrap_err().say(Texts(Language::En))
}

fn report(about: Reported, whom: Option<&str>, reason: ReportReason, text: &str) -> [Effect; 1] {
    let (whom, text) = (whom.map(user), text.to_owned());
    [Effect::Ask(Asked::Report(Report { about, whom, reason, text }))]
}

#[test]
fn a_report_is_about_the_last_message_of_somebody_else() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "buy this"), said("bob", 2, "now"), said("alice", 3, "no")]);
    let about = Reported::Message { at: to_bob(), seq: Seq(2) };
    assert_eq!(
        chat.enter("/report message spam he goes on"),
        report(about, Some("bob"), ReportReason::Spam, "he goes on")
    );
    chat.with_bob(vec![said("alice", 1, "hello?")]);
    assert_eq!(chat.enter("/report message abuse"), [], "bob said nothing");
    assert!(chat.model.notice.is_some());
}

#[test]
fn users_and_the_open_group_are_reported_too() {
    let mut chat = Chat::new();
    let about = Reported::User(user("eve"));
    assert_eq!(
        chat.enter("/report user eve impersonation"),
        report(about, Some("eve"), ReportReason::Impersonation, "")
    );
    assert_eq!(chat.enter("/report group illegal"), [], "no group is open");
    let team = ConversationId::group([7; 16]);
    chat.step(Input::GroupMade(team, "Team".to_owned()));
    let about = Reported::Conversation(Target::Conversation(team));
    assert_eq!(chat.enter("/report group illegal"), report(about, None, ReportReason::Illegal, ""));
}

#[test]
fn a_report_has_a_reason_of_the_known_ones() {
    let reasons = "other, spam, abuse, sexual, violence, illegal, impersonation";
    for line in ["/report message", "/report message rude he is", "/report group"] {
        let name = line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        assert_eq!(problem(line), format!("{name} takes one of: {reasons}"));
    }
    assert_eq!(problem("/report user"), "/report user needs a user: /report user USER");
    assert_eq!(problem("/report"), "/report needs one of: message, user, group");
    assert_eq!(
        parse("/report user bob other"),
        Ok(Slash::ReportUser(user("bob"), ReportReason::Other, String::new()))
    );
    let line = |text: &str| complete(text, &[user("bob")], &[]).line;
    assert_eq!(line("/report me"), "/report message ");
    assert_eq!(line("/report message sp"), "/report message spam ");
    assert_eq!(line("/report user b"), "/report user bob ");
    assert_eq!(line("/report user bob imp"), "/report user bob impersonation ");
}

#[test]
fn what_was_reported_is_told() {
    let mut chat = Chat::new();
    chat.step(Input::Done(Text::DoneReportMessage, vec![user("bob")]));
    assert_eq!(chat.lines_with("reported to the operators: a message of bob").len(), 1);
    let mut chat = Chat::sized(Language::Zh, 80, 24);
    chat.step(Input::Done(Text::DoneReportUser, vec![user("bob")]));
    assert_eq!(chat.lines_with("已向管理方举报：bob").len(), 1);
}
