//! Who has read a message of a group: counted and paged, as far as everybody lets it be known.

use anser_service::{Query, Reply, Settings};
use anser_types::{Command, ConversationId, ErrorCode, Seq, SetSettings, Target, UserId};

use crate::world::{Device, World, id, invite, kick, quick_settings, to};

struct Page {
    read: usize,
    unread: usize,
    users: Vec<String>,
    next: Option<UserId>,
}

fn query(
    conversation: ConversationId,
    seq: u64,
    unread: bool,
    after: Option<UserId>,
    limit: usize,
) -> Query {
    Query::Readers { conversation, seq: Seq(seq), unread, after, limit }
}

async fn ask(device: &Device, query: Query) -> Page {
    let Reply::Readers { read, unread, users, next } = device.query(query).await else { panic!() };
    Page { read, unread, users: users.iter().map(ToString::to_string).collect(), next }
}

async fn refused(device: &Device, query: Query) -> ErrorCode {
    device.session.query(query).await.unwrap_err().code
}

fn mark(group: ConversationId, up_to: u64) -> Command {
    Command::MarkRead { at: Target::Conversation(group), up_to: Seq(up_to) }
}

#[tokio::test]
async fn requirement_d3_who_has_read_and_who_has_not_is_counted_and_paged() {
    let world = World::with(Settings { group_members: 100, ..quick_settings() });
    let mut alice = world.connect("alice").await;
    let names: Vec<String> = (0..40).map(|n| format!("m{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    world.users(&names).await;
    let group = alice.create_group("all", &names).await;
    alice.say(Target::Conversation(group), "one").await;
    alice.say(Target::Conversation(group), "two").await;
    for name in &names[..15] {
        world.connect(name).await.done(mark(group, 1)).await;
    }
    let (mut got, mut after) = (Vec::new(), None);
    loop {
        let page = ask(&alice, query(group, 1, false, after, 4)).await;
        assert_eq!((page.read, page.unread), (15, 25), "the sender is in neither");
        assert!(page.users.len() <= 4);
        got.extend(page.users);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(got, names[..15], "each once");
    let page = ask(&alice, query(group, 1, true, Some(id("m37")), 50)).await;
    assert_eq!((page.users, page.next), (vec!["m38".to_owned(), "m39".to_owned()], None));
    let second = ask(&alice, query(group, 2, false, None, 50)).await;
    assert_eq!((second.read, second.unread), (0, 40));
    let of_another = world.connect("m00").await;
    assert_eq!(ask(&of_another, query(group, 1, false, None, 1)).await.read, 15, "all members ask");
}

#[tokio::test]
async fn requirement_d3_who_hides_or_may_not_see_the_message_counts_on_neither_side() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let (mut carol, eve) = (world.connect("carol").await, world.connect("eve").await);
    world.users(&["late", "gone"]).await;
    let group = alice.create_group("all", &["bob", "carol", "gone"]).await;
    alice.say(Target::Conversation(group), "one").await;
    alice.done(invite(group, &["late"])).await;
    alice.done(kick(group, &["gone"])).await;
    bob.done(mark(group, 1)).await;
    carol.done(mark(group, 1)).await;
    let page = ask(&alice, query(group, 1, false, None, 9)).await;
    assert_eq!((page.read, page.unread, page.users), (2, 0, vec!["bob".into(), "carol".into()]));
    let hide =
        |on| Command::SetSettings(SetSettings { show_read: Some(on), ..SetSettings::default() });
    carol.done(hide(false)).await;
    let page = ask(&alice, query(group, 1, false, None, 9)).await;
    assert_eq!((page.read, page.unread, page.users), (1, 0, vec!["bob".into()]));
    assert_eq!(ask(&carol, query(group, 1, false, None, 9)).await.read, 2, "but for herself");
    carol.done(hide(true)).await;
    assert_eq!(ask(&alice, query(group, 1, false, None, 9)).await.read, 2, "and shown again");
    let late = world.connect("late").await;
    assert_eq!(refused(&late, query(group, 1, false, None, 9)).await, ErrorCode::TargetMissing);
    assert_eq!(refused(&alice, query(group, 9, false, None, 9)).await, ErrorCode::TargetMissing);
    assert_eq!(refused(&eve, query(group, 1, true, None, 9)).await, ErrorCode::ConversationUnknown);
    let direct = alice.say(to("bob"), "hi").await.conversation.unwrap();
    assert_eq!(refused(&alice, query(direct, 1, true, None, 9)).await, ErrorCode::InvalidArgument);
}
