//! Commands and queries of those who have no session.

use std::time::Duration;

use anser_service::{Caller, Executed, KeyedCommand, Query, Reply, Settings};
use anser_types::{
    Command, ContactAct, DeviceClass, DeviceNo, ErrorCode, Event, Refusal, Seq, Target,
};

use crate::world::{Device, World, id, quick_settings, send, to};

async fn ask(
    world: &World,
    caller: &Caller,
    key: &str,
    command: Command,
) -> Result<Executed, Refusal> {
    let hash = crate::world::sha256(&format!("{command:?}"))[..16].try_into().unwrap();
    world.service.execute(caller, KeyedCommand { key: key.to_owned(), hash, command }).await
}

async fn caller(world: &World, user: &str) -> Caller {
    let device = world.token(user, DeviceClass::Phone).await;
    world.service.authenticate(&device.token).await.unwrap()
}

#[tokio::test]
async fn what_a_device_says_without_a_session_reaches_everybody_and_its_own_devices_once() {
    let world = World::new();
    world.user("bob").await;
    let device = world.token("alice", DeviceClass::Phone).await;
    let mut session = Device::connect(&world.service, &device, anser_types::InboxSeq::ZERO).await;
    let mut bob = world.connect("bob").await;
    let alice = world.service.authenticate(&device.token).await.unwrap();
    session.say(to("bob"), "by session").await;
    let first = ask(&world, &alice, "k", send(to("bob"), "without")).await.unwrap();
    assert_eq!((first.done.seq, first.duplicate, first.stored_offline), (Seq(2), false, false));
    let again = ask(&world, &alice, "k", send(to("bob"), "without")).await.unwrap();
    assert_eq!((again.done, again.duplicate), (first.done, true));
    assert_eq!(bob.hears().await, ["alice: by session", "alice: without"]);
    // The same device hears of it as of another one's: its own compose counter does not know it.
    let own = session.events().await;
    let devices: Vec<DeviceNo> = own
        .iter()
        .filter_map(|delivery| match &delivery.event {
            Event::Message(message) => Some(message.id.device),
            _ => None,
        })
        .collect();
    assert_eq!(devices, [device.device, DeviceNo(0)]);
    let query = Query::History {
        of: to("bob"),
        after: Seq::ZERO,
        before: Seq::ZERO,
        limit: 9,
        oldest_first: true,
    };
    match world.service.query(&alice, query).await.unwrap() {
        Reply::History { messages, .. } => assert_eq!(messages.len(), 2),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_g5_a_key_is_not_used_up_by_who_comes_too_fast() {
    let world = World::with(Settings { strangers_per_hour: 1, ..quick_settings() });
    world.users(&["a", "b"]).await;
    let alice = caller(&world, "alice").await;
    ask(&world, &alice, "1", send(to("a"), "hello")).await.unwrap();
    let refused = ask(&world, &alice, "2", send(to("b"), "hello")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::TooManyStrangers);
    let wait = u64::from(refused.retry_after_ms.unwrap());
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let done = ask(&world, &alice, "2", send(to("b"), "hello")).await.unwrap();
    assert!(!done.duplicate);
    // A refusal that no waiting helps is the answer for as long as the key is kept.
    tokio::time::sleep(Duration::from_millis(wait)).await;
    let early = ask(&world, &alice, "3", send(to("c"), "hello")).await.unwrap_err();
    world.user("c").await;
    let again = ask(&world, &alice, "3", send(to("c"), "hello")).await.unwrap_err();
    assert_eq!((early.code, again.code), (ErrorCode::UserUnknown, ErrorCode::UserUnknown));
}

#[tokio::test(start_paused = true)]
async fn app_servers_answer_for_themselves_and_users_are_counted_over_all_their_devices() {
    let world = World::with(Settings {
        strangers_per_hour: 1,
        group_messages_per_second: 1,
        group_messages_burst: 1,
        commands_per_second: 1,
        commands_burst: 2,
        ..quick_settings()
    });
    world.users(&["shop", "a", "b", "c"]).await;
    let shop = world.service.act_for(&world.app(), id("shop")).await.unwrap();
    let mut group = None;
    for (n, user) in ["a", "b", "c"].into_iter().enumerate() {
        let act = ContactAct::Apply { greeting: String::new() };
        ask(&world, &shop, &format!("c{n}"), Command::Contact { user: id(user), act })
            .await
            .unwrap();
        let members = vec![id(user)];
        let (title, history_for_new_members) = ("g".to_owned(), false);
        let make = Command::CreateGroup { title, members, history_for_new_members };
        group = ask(&world, &shop, &format!("g{n}"), make).await.unwrap().done.conversation;
    }
    for n in 0..5 {
        let here = Target::Conversation(group.unwrap());
        ask(&world, &shop, &format!("s{n}"), send(here, "news")).await.unwrap();
        assert_eq!(world.service.count_request(&shop).unwrap(), None);
    }
    let unknown = world.service.act_for(&world.app(), id("nobody")).await.unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UserUnknown);

    let (phone, pad) = (caller(&world, "alice").await, caller(&world, "alice").await);
    let left = world.service.count_request(&phone).unwrap().unwrap();
    assert_eq!((left.burst, left.left, left.window_s), (2, 1, 2));
    world.service.count_request(&pad).unwrap();
    let (refused, told) = world.service.count_request(&phone).unwrap_err();
    assert_eq!((refused.code, refused.retry_after_ms), (ErrorCode::RateLimited, Some(1_001)));
    assert_eq!((told.unwrap().left, told.unwrap().wait_s), (0, 2));
    tokio::time::sleep(Duration::from_millis(1_001)).await;
    world.service.count_request(&phone).unwrap();
}
