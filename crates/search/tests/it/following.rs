//! The index follows the log: what is new, what is altered, where it stopped.

use anser_search::{Found, Position, Progress};
use anser_types::{Alteration, ChangeNo, Seq};
use futures::executor::block_on;

use crate::world::{World, catch_up};

#[test]
fn an_edited_text_is_found_by_its_new_words_only() {
    let mut world = World::new();
    world.say("三点开会");
    let mut index = world.index();
    world.edit(1, "四点散步");
    catch_up(&mut index);
    assert_eq!(world.found(&index, "散步"), [1]);
    assert_eq!(world.found(&index, "开会"), [] as [u64; 0]);
    // Edited before it was ever indexed.
    world.say("first");
    world.edit(2, "second");
    catch_up(&mut index);
    assert_eq!(world.found(&index, "second"), [2]);
    assert_eq!(world.found(&index, "first"), [] as [u64; 0]);
}

#[test]
fn what_was_taken_back_is_not_found() {
    let mut world = World::new();
    world.say("秘密");
    world.say("also a secret");
    let mut index = world.index();
    world.alter(1, Alteration::Revoke);
    world.edit(2, "nothing to see");
    world.alter(2, Alteration::Revoke);
    catch_up(&mut index);
    for wanted in ["秘密", "secret", "nothing"] {
        assert_eq!(world.found(&index, wanted), [] as [u64; 0], "{wanted}");
    }
}

#[test]
fn reactions_and_pins_leave_a_message_where_it_is() {
    let mut world = World::new();
    world.say("hello");
    let mut index = world.index();
    world.alter(1, Alteration::React { emoji: "👍".to_owned(), on: true });
    world.alter(1, Alteration::Pin { on: true });
    catch_up(&mut index);
    assert_eq!(world.found(&index, "hello"), [1]);
    let position = index.index().position(world.direct()).unwrap();
    assert_eq!(position, Position { seq: Seq(1), change_no: ChangeNo(2) });
}

#[test]
fn a_restart_goes_on_where_the_last_commit_was() {
    let mut world = World::new();
    for round in 0..1_200 {
        world.say(&format!("round {round}"));
    }
    let (mut index, found) = world.open_index();
    assert_eq!(found, Found::Nothing);
    // A page is read and committed, another one is read and lost with the process.
    assert_eq!(block_on(index.follow(world.direct())).unwrap(), Progress::More);
    index.commit().unwrap();
    assert_eq!(block_on(index.follow(world.direct())).unwrap(), Progress::More);
    drop(index);

    let (mut index, found) = world.open_index();
    assert_eq!(found, Found::Sound);
    let position = index.index().position(world.direct()).unwrap();
    assert_eq!(position, Position { seq: Seq(500), change_no: ChangeNo::ZERO });
    catch_up(&mut index);
    assert_eq!(index.index().reading().documents(), 1_200 + 1);
    assert_eq!(world.found(&index, "1199"), [1_200]);
    assert_eq!(world.found(&index, "400").len(), 1);
}

#[test]
fn nothing_new_costs_no_commit() {
    let mut world = World::new();
    world.say("hello");
    let mut index = world.index();
    assert_eq!(block_on(index.follow(world.direct())).unwrap(), Progress::Done);
    assert!(!index.index().has_news());
}
