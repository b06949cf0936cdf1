//! Groups: who comes, who goes, and what they may see.

use anser_service::{Query, Reply};
use anser_types::event::UnavailableReason;
use anser_types::{
    ChangeNo, Command, ConversationId, ErrorCode, Role, Seq, Target, Version, limits,
};

use crate::world::{Device, World, create, id, invite, kick, quick_settings, send};

fn at(group: ConversationId) -> Target {
    Target::Conversation(group)
}

async fn members(device: &Device, group: ConversationId) -> Vec<(String, Role)> {
    let query = Query::Members { conversation: group, known: Version::ZERO, after: None, limit: 0 };
    let Reply::Members { members, .. } = device.query(query).await else { panic!() };
    members.unwrap().into_iter().map(|m| (m.user.as_str().to_owned(), m.role)).collect()
}

#[tokio::test]
async fn requirement_g1_a_group_from_its_making_to_its_last_member() {
    let world = World::new();
    world.users(&["alice", "bob", "carol", "dave"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let mut carol = world.connect("carol").await;
    let group = alice.create_group("hike", &["bob", "bob", "alice"]).await;
    assert_eq!(
        members(&bob, group).await,
        [("alice".into(), Role::Owner), ("bob".into(), Role::Member)]
    );
    alice.say(at(group), "hello").await;
    bob.done(invite(group, &["carol", "alice"])).await;
    carol.say(at(group), "thanks").await;
    assert_eq!(
        bob.hears().await,
        ["alice made hike with alice, bob", "alice: hello", "bob added carol", "carol: thanks"]
    );
    assert_eq!(carol.hears().await, ["bob added carol", "carol: thanks"]);
    alice.done(Command::Leave { conversation: group }).await;
    assert_eq!(bob.hears().await, ["alice left; bob owns it"]);
    bob.done(kick(group, &["carol"])).await;
    bob.done(Command::Leave { conversation: group }).await;
    assert_eq!(carol.hears().await, ["alice left; bob owns it", "bob removed carol"]);
    assert_eq!(bob.hears().await, ["bob removed carol", "bob left"]);
}

#[tokio::test]
async fn every_change_raises_the_version_by_one() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let group = alice.create_group("all", &["bob"]).await;
    alice.done(invite(group, &["carol"])).await;
    alice.done(kick(group, &["bob"])).await;
    alice.done(invite(group, &["carol"])).await;
    let query = Query::Members { conversation: group, known: Version::ZERO, after: None, limit: 0 };
    let Reply::Members { version, .. } = alice.query(query).await else { panic!() };
    assert_eq!(version, Version(3), "an invitation of somebody who is in it changes nothing");
    let unchanged = alice
        .query(Query::Members { conversation: group, known: version, after: None, limit: 0 })
        .await;
    assert!(matches!(unchanged, Reply::Members { members: None, .. }));
    let changes = Query::Changes { conversation: group, after: ChangeNo(1), limit: 1 };
    let Reply::Changes { changes, more } = alice.query(changes).await else { panic!() };
    assert_eq!((changes.len(), changes[0].version, more), (1, Version(2), true));
}

#[tokio::test]
async fn after_removal_nothing_newer_is_visible_by_any_path() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    alice.say(at(group), "seen").await;
    alice.done(kick(group, &["bob"])).await;
    alice.say(at(group), "unseen").await;
    alice.done(invite(group, &["carol"])).await;
    alice.done(kick(group, &["carol"])).await;

    assert_eq!(bob.hears().await.last().unwrap(), "alice removed bob");
    let history = |after, before| Query::History {
        of: at(group),
        after: Seq(after),
        before: Seq(before),
        limit: 0,
        oldest_first: true,
    };
    let Reply::History { messages, unavailable, head, more, .. } = bob.query(history(0, 0)).await
    else {
        panic!()
    };
    assert_eq!((messages.len(), head, more), (1, Seq(1), false));
    assert!(unavailable.is_empty(), "what happened later is not even named");
    let Reply::Changes { changes, more } =
        bob.query(Query::Changes { conversation: group, after: ChangeNo(0), limit: 0 }).await
    else {
        panic!()
    };
    assert_eq!((changes.len(), more), (2, false), "made, and removed");
    let Reply::Conversations { page, .. } =
        bob.query(Query::Conversations { after: None, limit: 0 }).await
    else {
        panic!()
    };
    assert!(!page[0].member);
    assert_eq!((page[0].head, page[0].change_head, page[0].members), (Seq(1), ChangeNo(2), 0));
    let refused = bob.session.query(Query::Members {
        conversation: group,
        known: Version::ZERO,
        after: None,
        limit: 0,
    });
    assert_eq!(refused.await.unwrap_err().code, ErrorCode::ConversationUnknown);
    let Reply::Receipts(receipts) = bob.query(Query::Receipts { of: vec![at(group)] }).await else {
        panic!()
    };
    assert!(receipts[0].members.is_empty());
    for command in [
        send(at(group), "let me in"),
        invite(group, &["carol"]),
        kick(group, &["alice"]),
        Command::Leave { conversation: group },
        Command::MarkRead { at: at(group), up_to: Seq(1) },
    ] {
        assert_eq!(bob.refused(command).await, ErrorCode::ConversationUnknown);
    }
}

#[tokio::test]
async fn who_comes_back_sees_both_periods_and_the_gap_is_named() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob"]).await;
    for text in ["1", "2"] {
        alice.say(at(group), text).await;
    }
    alice.done(kick(group, &["bob"])).await;
    for text in ["3", "4", "5"] {
        alice.say(at(group), text).await;
    }
    alice.done(invite(group, &["bob"])).await;
    alice.say(at(group), "6").await;
    let Reply::History { messages, unavailable, head, .. } = bob
        .query(Query::History {
            of: at(group),
            after: Seq(0),
            before: Seq(0),
            limit: 10,
            oldest_first: false,
        })
        .await
    else {
        panic!()
    };
    let seqs: Vec<u64> = messages.iter().map(|message| message.seq.0).collect();
    assert_eq!((seqs, head), (vec![1, 2, 6], Seq(6)));
    assert_eq!(unavailable.len(), 1);
    let gap = &unavailable[0];
    assert_eq!((gap.from, gap.to, gap.reason), (Seq(3), Seq(5), UnavailableReason::NotVisible));
    let heard = bob.hears().await;
    assert!(heard.contains(&"alice: 6".to_owned()) && !heard.contains(&"alice: 4".to_owned()));
}

#[tokio::test]
async fn history_for_new_members_is_the_groups_choice() {
    let world = World::new();
    world.user("bob").await;
    let mut alice = world.connect("alice").await;
    let bob = world.connect("bob").await;
    for open in [true, false] {
        let group = alice.done(create("all", &[], open)).await.conversation.unwrap();
        alice.say(at(group), "before").await;
        alice.done(invite(group, &["bob"])).await;
        let Reply::History { messages, unavailable, .. } = bob
            .query(Query::History {
                of: at(group),
                after: Seq(0),
                before: Seq(0),
                limit: 0,
                oldest_first: false,
            })
            .await
        else {
            panic!()
        };
        assert_eq!(messages.len(), usize::from(open));
        assert!(unavailable.is_empty());
    }
}

#[tokio::test]
async fn requirement_k5_roles_decide_who_may_remove_whom() {
    let world = World::new();
    world.users(&["bob", "carol"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob", "carol"]).await;
    assert_eq!(bob.refused(kick(group, &["carol"])).await, ErrorCode::NotAllowed);
    assert_eq!(alice.refused(kick(group, &["alice"])).await, ErrorCode::InvalidArgument);
    let nothing = alice.done(kick(group, &["nobody"])).await;
    assert_eq!(nothing.change_no, ChangeNo::ZERO);
    alice.done(kick(group, &["carol"])).await;
    assert_eq!(members(&alice, group).await.len(), 2);
}

#[tokio::test]
async fn a_group_goes_to_who_has_been_in_it_longest_whether_or_not_history_is_open() {
    for open in [true, false] {
        let world = World::new();
        // Accounts are older in another order than memberships.
        world.users(&["dave", "carol", "bob"]).await;
        let mut alice = world.connect("alice").await;
        let group = alice.done(create("all", &["dave"], open)).await.conversation.unwrap();
        for name in ["bob", "carol"] {
            alice.done(invite(group, &[name])).await;
        }
        // Dave has been in it for less time than bob by now.
        alice.done(kick(group, &["dave"])).await;
        alice.done(invite(group, &["dave"])).await;
        alice.done(Command::Leave { conversation: group }).await;
        let bob = world.connect("bob").await;
        let owner = members(&bob, group).await.into_iter().find(|(_, role)| *role == Role::Owner);
        assert_eq!(owner.unwrap().0, "bob", "open {open}");
    }
}

#[tokio::test]
async fn groups_have_limits() {
    let settings = anser_service::Settings { group_members: 3, ..quick_settings() };
    let world = World::with(settings);
    world.users(&["bob", "carol", "dave"]).await;
    let mut alice = world.connect("alice").await;
    assert_eq!(
        alice.refused(create("all", &["bob", "carol", "dave"], true)).await,
        ErrorCode::GroupFull
    );
    let group = alice.create_group("all", &["bob", "carol"]).await;
    assert_eq!(alice.refused(invite(group, &["dave"])).await, ErrorCode::GroupFull);
    assert_eq!(alice.refused(invite(group, &["nobody"])).await, ErrorCode::UserUnknown);
    let many = vec!["bob"; limits::MEMBERS_PER_COMMAND + 1];
    assert_eq!(alice.refused(invite(group, &many)).await, ErrorCode::InvalidArgument);
    let long = "x".repeat(limits::TITLE_MAX_BYTES + 1);
    for title in ["", " ", "a\nb", &long] {
        assert_eq!(alice.refused(create(title, &[], true)).await, ErrorCode::InvalidArgument);
    }
    alice
        .done(Command::SendMessage {
            to: Target::User(id("bob")),
            content: anser_types::Content::text("direct"),
        })
        .await;
    let direct = ConversationId::direct(&id("alice"), &id("bob"));
    assert_eq!(alice.refused(invite(direct, &["carol"])).await, ErrorCode::NotAllowed);
    assert_eq!(alice.refused(Command::Leave { conversation: direct }).await, ErrorCode::NotAllowed);
}

#[tokio::test]
async fn two_who_change_the_same_group_at_once_both_succeed() {
    let world = World::new();
    world.users(&["bob", "carol", "dave"]).await;
    let mut alice = world.connect("alice").await;
    let mut bob = world.connect("bob").await;
    let group = alice.create_group("all", &["bob"]).await;
    world.gate.hold();
    let one = alice.submit(invite(group, &["carol"])).await;
    let two = bob.submit(invite(group, &["dave"])).await;
    world.gate.release();
    crate::world::done(one.await);
    crate::world::done(two.await);
    assert_eq!(members(&alice, group).await.len(), 4);
}
