//! An index that cannot be trusted is thrown away and built anew from the log.

use std::fs;
use std::path::PathBuf;

use anser_backend::{Ledger as _, MemoryBackend};
use anser_search::{FollowError, Found};
use futures::executor::block_on;

use crate::world::{World, catch_up};

fn talked() -> World {
    let mut world = World::new();
    for text in ["今天下午开会", "hello world", "再见"] {
        world.say(text);
    }
    drop(world.index());
    world
}

fn is_rebuilt(world: &World) -> String {
    let (mut index, found) = world.open_index();
    let Found::Unusable(why) = found else { panic!("{found:?}") };
    assert_eq!(world.found(&index, "开会"), [] as [u64; 0]);
    catch_up(&mut index);
    assert_eq!(world.found(&index, "开会"), [1]);
    assert_eq!(world.found(&index, "hello"), [2]);
    why
}

#[test]
fn a_removed_index_is_built_again() {
    let world = talked();
    fs::remove_dir_all(world.place()).unwrap();
    let (mut index, found) = world.open_index();
    assert_eq!(found, Found::Nothing);
    catch_up(&mut index);
    assert_eq!(world.found(&index, "开会"), [1]);
}

#[test]
fn a_flipped_byte_of_any_file_is_noticed() {
    for kind in ["fast", "fieldnorm", "idx", "pos", "store", "term"] {
        let world = talked();
        let file = segment_file(&world, kind);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
        assert!(!is_rebuilt(&world).is_empty(), "{kind}");
    }
}

#[test]
fn files_cut_off_missing_or_no_index_at_all_are_noticed() {
    for harm in [cut_off, remove_a_segment, garble_the_list] {
        let world = talked();
        harm(&world);
        is_rebuilt(&world);
    }
}

fn segment_file(world: &World, kind: &str) -> PathBuf {
    let files = fs::read_dir(world.place()).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|end| end == kind)).min().unwrap()
}

fn cut_off(world: &World) {
    let file = fs::File::options().write(true).open(segment_file(world, "idx")).unwrap();
    file.set_len(10).unwrap();
}

fn remove_a_segment(world: &World) {
    fs::remove_file(segment_file(world, "idx")).unwrap();
}

fn garble_the_list(world: &World) {
    fs::write(world.place().join("meta.json"), "{}").unwrap();
}

#[test]
fn the_index_of_another_log_is_not_used() {
    let mut world = talked();
    world.store.restore(&world.store.image());
    world.store = world.store.reopen();
    let why = is_rebuilt(&world);
    assert!(why.contains("log epoch"), "{why}");
}

#[test]
fn an_index_ahead_of_its_log_is_noticed() {
    let mut world = talked();
    // The same epoch, and fewer messages: the log is another one.
    world.store = MemoryBackend::new();
    let (alice, bob) = (world.alice.clone(), world.bob.clone());
    world.open(&alice, &bob);
    let (mut index, found) = world.open_index();
    assert_eq!(found, Found::Sound);
    let error = block_on(index.catch_up()).unwrap_err();
    assert!(matches!(error, FollowError::Ahead(id) if id == world.direct()), "{error}");
    assert_eq!(world.store.status().log_epoch.0, 1);
}
