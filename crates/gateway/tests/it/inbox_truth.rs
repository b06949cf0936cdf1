//! The inbox is the truth and a push only a hint: nothing is pushed twice, nothing leaves before it is acknowledged.

use anser_types::DeviceClass;

use crate::peer::texts;
use crate::world::World;

#[tokio::test(start_paused = true)]
async fn requirement_a7_what_is_not_acknowledged_is_not_pushed_again() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "once").await;
    assert_eq!(texts(&bob.batch().await), ["alice: once"]);
    // Bob lives and says nothing about it: the server keeps no timer for a message.
    for _ in 0..10 {
        tokio::time::sleep(std::time::Duration::from_secs(20)).await;
        assert_eq!(bob.pong().await, 0);
        assert_eq!(alice.pong().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn requirement_a5_an_entry_stays_in_the_inbox_until_it_is_acknowledged() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let device = world.device("bob", DeviceClass::Phone).await;
    let (mut bob, _) = world.connect(64 * 1024);
    let welcome = bob.sign_in(&device).await;
    alice.send("bob", "first").await;
    let first = bob.batch().await;
    bob.store(&first).await;
    alice.send("bob", "second").await;
    assert_eq!(texts(&bob.batch().await), ["alice: second"]);
    // The connection breaks between push and acknowledgement, again and again.
    let stored = bob.cursor;
    for _ in 0..3 {
        let (mut again, _) = world.connect(64 * 1024);
        again.hello(&device, welcome.log_epoch, stored).await;
        assert_eq!(again.welcome().await.inbox_head, stored + 1);
        assert_eq!(texts(&again.batch().await), ["alice: second"]);
    }
    let (mut last, _) = world.connect(64 * 1024);
    last.hello(&device, welcome.log_epoch, stored).await;
    last.welcome().await;
    let second = last.batch().await;
    last.store(&second).await;
    let (mut after, _) = world.connect(64 * 1024);
    after.hello(&device, welcome.log_epoch, stored + 1).await;
    after.welcome().await;
    assert_eq!(after.pong().await, 0, "nothing is left to be sent");
}
