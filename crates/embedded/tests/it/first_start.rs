//! A first start that was killed: the next one makes what is missing, and never throws away what was accepted.

use anser_embedded::{EmbeddedStore, OpenError};

use crate::conformance::small;
use crate::talk::Talk;

#[test]
fn tables_that_a_killed_first_start_left_half_made_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    // What is there between the tables' first journal file and their version file.
    drop(EmbeddedStore::open(dir.path(), small()).unwrap());
    for part in ["log", "tables"] {
        std::fs::remove_dir_all(dir.path().join(part)).unwrap();
        std::fs::create_dir(dir.path().join(part)).unwrap();
    }
    std::fs::write(dir.path().join("tables/0.jnl"), "").unwrap();
    drop(EmbeddedStore::open(dir.path(), small()).unwrap());
    assert!(dir.path().join("tables.unfinished-1").is_dir(), "nothing is thrown away");
    drop(EmbeddedStore::open(dir.path(), small()).unwrap());
}

#[test]
fn tables_of_a_store_that_was_used_are_never_made_again() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    let Talk { dir, disk, store, .. } = talk;
    drop(store);
    std::fs::remove_dir_all(dir.path().join("tables")).unwrap();
    std::fs::create_dir(dir.path().join("tables")).unwrap();
    std::fs::write(dir.path().join("tables/0.jnl"), "").unwrap();
    let error = crate::talk::open(dir.path(), &disk).unwrap_err();
    assert!(matches!(error, OpenError::Io(_) | OpenError::Damaged(_)), "{error}");
    assert!(dir.path().join("tables/0.jnl").is_file());
}
