//! Reports by users: once, durable, with what the reporter saw, and for nobody but the operators.

use anser_service::{Answered, Settings};
use anser_types::Clock as _;
use anser_types::report::{About, Report, ReportReason, Reported};
use anser_types::{
    Alteration, Command, Content, ConversationId, ErrorCode, Outcome, Seq, Target, UnixMs,
};

use crate::world::{Device, World, id, kick, quick_settings, to};

fn about_message(at: Target, seq: u64) -> Command {
    let about = Reported::Message { at, seq: Seq(seq) };
    Command::Report { about, reason: ReportReason::Abuse, text: "look at this".to_owned() }
}

fn about(about: Reported) -> Command {
    Command::Report { about, reason: ReportReason::Spam, text: String::new() }
}

async fn reports(world: &World, closed_too: bool) -> Vec<Report> {
    let page = world.service.reports(&world.app(), None, closed_too).await.unwrap();
    if let Some(last) = page.next {
        let rest = world.service.reports(&world.app(), Some(last), closed_too).await.unwrap();
        assert!(rest.reports.is_empty());
    }
    page.reports
}

async fn talk() -> (World, Device, Device) {
    let world = World::new();
    world.users(&["alice", "bob", "carol"]).await;
    let (mut alice, bob) = (world.connect("alice").await, world.connect("bob").await);
    alice.say(to("bob"), "an insult").await;
    (world, alice, bob)
}

#[tokio::test]
async fn requirement_g5_a_report_holds_what_the_reporter_saw_and_only_operators_see_it() {
    let (mut world, mut alice, mut bob) = talk().await;
    let heard = world.inbox_head(&alice).await;
    let request = bob.request(about_message(to("alice"), 1));
    let first = bob.session.submit(request.clone()).await.await;
    let again = bob.session.submit(request).await.await;
    assert!(matches!(first, Answered::Final { duplicate: false, .. }));
    assert!(matches!(again, Answered::Final { duplicate: true, .. }), "exactly once");
    assert_eq!(world.inbox_head(&alice).await, heard, "who is reported hears nothing");
    // What becomes of the message afterwards changes nothing in the report, nor does the end of the server.
    let revoke =
        Command::Alter { at: to("bob"), seq: Seq(1), of: None, alteration: Alteration::Revoke };
    alice.done(revoke).await;
    world.crash();
    let found = reports(&world, false).await;
    let [report] = found.as_slice() else { panic!("{found:?}") };
    let About::Message { conversation, seq, sender, content, .. } = &report.about else { panic!() };
    assert_eq!(*conversation, ConversationId::direct(&id("alice"), &id("bob")));
    assert_eq!((*seq, sender, content), (Seq(1), &id("alice"), &Content::text("an insult")));
    assert_eq!((&report.by, report.reason), (&id("bob"), ReportReason::Abuse));
    assert_eq!((report.text.as_str(), report.closed_at), ("look at this", None));
    // Nobody reads them as a conversation.
    let mut bob = world.connect("bob").await;
    let here = Target::Conversation(ConversationId::REPORTS);
    assert_eq!(
        bob.refused(about(Reported::Conversation(here))).await,
        ErrorCode::ConversationUnknown
    );
}

#[tokio::test]
async fn requirement_g5_only_what_one_sees_is_reported() {
    let (world, mut alice, bob) = talk().await;
    let mut carol = world.connect("carol").await;
    let group = alice.create_group("g", &["bob", "carol"]).await;
    let here = || Target::Conversation(group);
    alice.say(here(), "one").await;
    alice.done(kick(group, &["carol"])).await;
    alice.say(here(), "two").await;
    // A former member reports what they saw, not what was said since.
    carol.done(about_message(here(), 1)).await;
    carol.done(about(Reported::Conversation(here()))).await;
    carol.done(about(Reported::User(id("alice")))).await;
    let at = || Target::Conversation(ConversationId::direct(&id("alice"), &id("bob")));
    let mut devices = [carol, bob, alice];
    for (who, command, code) in [
        (0, about_message(here(), 2), ErrorCode::TargetMissing),
        (0, about_message(at(), 1), ErrorCode::ConversationUnknown),
        (0, about_message(to("bob"), 1), ErrorCode::TargetMissing),
        (1, about_message(to("alice"), 2), ErrorCode::TargetMissing),
        (2, about_message(to("bob"), 1), ErrorCode::InvalidArgument),
        (2, about(Reported::User(id("alice"))), ErrorCode::InvalidArgument),
        (2, about(Reported::User(id("nobody"))), ErrorCode::UserUnknown),
    ] {
        let said = format!("{command:?}");
        assert_eq!(devices[who].refused(command).await, code, "{said}");
    }
    let [_, mut bob, mut alice] = devices;
    let over = Some(UnixMs(world.clock.now().0 + 1_000));
    let content = Content { expires_at: over, ..Content::text("for a second") };
    alice.done(Command::SendMessage { to: to("bob"), content }).await;
    world.clock.forward(1_000);
    assert_eq!(bob.refused(about_message(to("alice"), 2)).await, ErrorCode::TargetMissing);
    assert_eq!(reports(&world, true).await.len(), 3);
}

#[tokio::test]
async fn operators_close_what_they_have_dealt_with() {
    let (world, _alice, mut bob) = talk().await;
    bob.done(about_message(to("alice"), 1)).await;
    bob.done(about(Reported::User(id("alice")))).await;
    let open = reports(&world, false).await;
    assert_eq!(open.len(), 2);
    let app = world.app();
    let closed = world.service.close_report(&app, open[0].id, "warned".to_owned()).await.unwrap();
    assert_eq!((closed.note.as_str(), closed.closed_at.is_some()), ("warned", true));
    assert_eq!(reports(&world, false).await, open[1..]);
    assert_eq!(reports(&world, true).await, [closed, open[1].clone()]);
    let mut missing = open[0].id;
    missing.at.0 += 1;
    let refused = world.service.close_report(&app, missing, String::new()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TargetMissing);
}

#[tokio::test]
async fn requirement_g5_nobody_reports_without_end() {
    let world = World::with(Settings { reports_per_day: 2, ..quick_settings() });
    world.users(&["alice", "bob"]).await;
    let mut bob = world.connect("bob").await;
    for _ in 0..2 {
        bob.done(about(Reported::User(id("alice")))).await;
    }
    let Answered::Final { answer, .. } = bob.run(about(Reported::User(id("alice")))).await else {
        panic!("it is for good: the number is used up")
    };
    let Outcome::Refused(refusal) = answer.outcome else { panic!() };
    assert_eq!(refusal.code, ErrorCode::TooManyReports);
    assert!(refusal.retry_after_ms.unwrap() > 3_600_000);
}
