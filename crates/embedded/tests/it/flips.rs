//! Every flipped byte of every file of a small store is detected, with what it touches, or changes nothing; and nothing
//! ever panics, for a release build would end without a word.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anser_backend::StoreError;
use anser_backend::archive::{Header, RootHash, Writer};
use anser_backend::testing::{AppendBuilder, Person};
use anser_embedded::{EmbeddedStore, Found, OpenError, examine};
use anser_types::{CommandNo, CommitNo, LogEpoch, UnixMs, UserId, UserNo, Version};
use tempfile::TempDir;

use crate::conformance::small;
use crate::talk::{quick_directory, said, texts, try_history};

/// Three messages of two people with accounts; closed, so that everything is in table files, or killed, so that
/// everything is in the log.
fn small_store(closed: bool) -> TempDir {
    let dir = quick_directory();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = EmbeddedStore::open(&dir.path().join("store"), small()).unwrap();
    runtime.block_on(async {
        let (accounts, ledger) = (store.accounts(), store.ledger());
        let mut people = Vec::new();
        for id in ["alice", "bob"] {
            let made = accounts.create_user(UserId::new(id).unwrap(), None, UnixMs(1)).await;
            let anser_backend::CreateUser::Created(user) = made.unwrap() else { panic!() };
            people.push(Person { no: user.no, id: user.id });
        }
        let (alice, bob) = (&people[0], &people[1]);
        let id = alice.direct(bob);
        let epoch = ledger.open_session(alice.device(1)).await.unwrap().epoch;
        let opening = AppendBuilder::internal().opens_direct(alice, bob).build();
        ledger.append_batch(vec![opening]).await.unwrap();
        for n in 1..=3 {
            let message = AppendBuilder::command(alice.device(1), epoch, CommandNo(n))
                .expecting(id, Version(1))
                .says(id, alice, n, &said(n), &[alice, bob])
                .build();
            ledger.append_batch(vec![message]).await.unwrap();
        }
        if closed {
            store.close().await.unwrap();
        }
    });
    drop(store);
    dir
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.metadata().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// A directory tree in memory: each file without the zeros at its end, and its length.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Image(BTreeMap<PathBuf, (Vec<u8>, u64)>);

fn content_of(path: &Path) -> (Vec<u8>, u64) {
    let mut content = fs::read(path).unwrap();
    let len = content.len() as u64;
    let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    content.truncate(used);
    (content, len)
}

impl Image {
    fn of(dir: &Path) -> Self {
        let relative = |path: PathBuf| path.strip_prefix(dir).unwrap().to_owned();
        Self(files(dir).into_iter().map(|p| (relative(p.clone()), content_of(&p))).collect())
    }

    fn put(&self, dir: &Path) {
        if dir.exists() {
            fs::remove_dir_all(dir).unwrap();
        }
        for (name, (content, len)) in &self.0 {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            // Most of a file is room that was allocated: here it is a hole.
            File::options().write(true).open(&path).unwrap().set_len(*len).unwrap();
        }
    }
}

/// What a look at a store tells.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    /// No damage, and records with this hash.
    Sound(RootHash),
    /// Damage, in words.
    Damaged(Vec<String>),
}

/// A small store as a first look leaves it: lists of table files that are not used any more are gone.
fn looked_at(closed: bool) -> (TempDir, Image, Told) {
    let dir = small_store(closed);
    let store = dir.path().join("store");
    let sound = look(&store);
    assert!(matches!(sound, Told::Sound(_)), "{sound:?}");
    let image = Image::of(&store);
    (dir, image, sound)
}

fn look(dir: &Path) -> Told {
    let header = Header {
        log_epoch: LogEpoch(1),
        commit_no: CommitNo(1),
        starts: 1,
        made_at: UnixMs(1),
        program: String::new(),
    };
    let mut damages = Vec::new();
    let mut archive = Writer::begin(std::io::sink(), &header).unwrap();
    let looked = examine(dir, &mut |found| {
        match found {
            Found::Intact(entry) => archive.put(&entry).unwrap(),
            Found::Damage(damage) => {
                damages.push(format!("{} | {}", damage.place, damage.touches));
            }
        }
        Ok(())
    });
    if let Err(error) = looked {
        damages.push(format!("REFUSED {error}"));
    }
    if damages.is_empty() {
        Told::Sound(archive.finish().unwrap().1.root)
    } else {
        Told::Damaged(damages)
    }
}

/// A flipped bit: which one does not matter to a checksum, so each byte gets another one.
fn flip(at: usize) -> u8 {
    1 << (at % 8)
}

/// How many bytes of a file were flipped, and how many of those flips changed nothing.
#[derive(Clone, Copy, Debug)]
struct Flips {
    all: usize,
    harmless: usize,
}

/// Flips every byte of every wanted file of a store, one at a time, and looks each time.
fn look_at_every_flip(closed: bool, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Flips> {
    let (dir, image, sound) = looked_at(closed);
    let place = dir.path().join("looked-at");
    image.put(&place);
    let mut flips = BTreeMap::new();
    for (name, (content, _)) in &image.0 {
        let shown = name.to_str().unwrap();
        if content.is_empty() || !wanted(shown) {
            continue;
        }
        let mut harmless = 0;
        for (at, byte) in content.iter().enumerate() {
            let write = |byte| {
                let file = File::options().write(true).open(place.join(name)).unwrap();
                file.write_all_at(&[byte], at as u64).unwrap();
            };
            write(byte ^ flip(at));
            let told = look(&place);
            write(*byte);
            match told {
                Told::Sound(_) => {
                    assert_eq!(told, sound, "a flip of byte {at} of {shown} is silent");
                    harmless += 1;
                }
                Told::Damaged(damages) => assert!(!damages.is_empty()),
            }
        }
        flips.insert(shown.to_owned(), Flips { all: content.len(), harmless });
    }
    assert!(Image::of(&place) == image, "looking changes nothing");
    assert!(!flips.is_empty());
    flips
}

/// Flips every byte of every wanted file, one at a time, and starts the store each time: it refuses and says so, or
/// everything that was accepted is there.
fn start_after_every_flip(closed: bool, wanted: impl Fn(&str) -> bool) {
    let (dir, image, _) = looked_at(closed);
    let place = dir.path().join("started");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
    let mut flips = 0;
    for (name, (content, _)) in image.0.iter().filter(|(name, _)| wanted(name.to_str().unwrap())) {
        for at in 0..content.len() {
            let mut flipped = image.clone();
            flipped.0.get_mut(name).unwrap().0[at] ^= flip(at);
            flipped.put(&place);
            flips += 1;
            match EmbeddedStore::open(&place, small()) {
                Err(error) => assert!(
                    matches!(error, OpenError::Damaged(_) | OpenError::TooNew { .. }),
                    "byte {at} of {}: {error}",
                    name.display()
                ),
                Ok(store) => match try_history(&runtime, &store, &alice, &bob) {
                    Ok(said) => assert_eq!(said, texts(3), "byte {at} of {}", name.display()),
                    Err(error) => assert!(
                        is_table_file(name.to_str().unwrap())
                            && matches!(error, StoreError::Damaged(_)),
                        "byte {at} of {}: {error}",
                        name.display()
                    ),
                },
            }
        }
    }
    assert!(flips > 0);
}

/// Rows of these are compared with their checksums only when somebody reads them.
fn is_table_file(name: &str) -> bool {
    name.contains("/tables/")
}

#[test]
fn a_flipped_byte_of_a_table_file_or_of_a_list_of_them_is_always_told() {
    let wanted = |name: &str| name.starts_with("tables/") && !name.ends_with(".jnl");
    for (name, flips) in look_at_every_flip(true, wanted) {
        assert_eq!(flips.harmless, 0, "{name}");
    }
}

#[test]
fn a_flipped_byte_of_the_journal_of_the_tables_is_harmless() {
    let flips = look_at_every_flip(false, |name| is_journal(Path::new(name)));
    assert!(flips.values().all(|flips| flips.harmless == flips.all), "{flips:?}");
    assert!(
        flips.values().any(|flips| flips.all > 1_000),
        "a killed store has rows there: {flips:?}"
    );
}

fn is_journal(name: &Path) -> bool {
    name.extension().is_some_and(|extension| extension == "jnl")
}

#[test]
fn a_flipped_byte_of_the_log_is_detected_or_harmless() {
    for closed in [false, true] {
        let wanted = |name: &str| name.starts_with("log/") || name == "format";
        for (name, flips) in look_at_every_flip(closed, wanted) {
            // Of the two notes of the last commit one may go; everything else is always told.
            assert!(flips.harmless == 0 || name == "log/durable", "{name}: {flips:?}");
        }
    }
}

#[test]
fn a_store_that_was_stopped_starts_whole_or_not_at_all_after_every_flip() {
    start_after_every_flip(true, |name| !is_table_file(name));
}

#[test]
fn a_store_that_was_killed_starts_whole_or_not_at_all_after_every_flip() {
    start_after_every_flip(false, |name| !is_table_file(name));
}

#[test]
fn a_flipped_byte_of_a_table_file_is_never_read_as_something_else() {
    start_after_every_flip(true, is_table_file);
}

#[test]
fn a_damage_says_what_it_touches_and_what_is_intact_is_still_told() {
    let dir = small_store(true);
    let store = dir.path().join("store");
    let mut image = Image::of(&store);
    // A message in the middle of the only block of its table.
    let hit = image.0.iter_mut().find_map(|(name, (content, _))| {
        let at = content.windows(9).position(|window| window == b"message 2")?;
        (name.to_str()?.contains("keyspaces") && name.to_str()?.contains("tables")).then_some(())?;
        content[at] ^= 1;
        Some(())
    });
    assert_eq!(hit, Some(()), "the text is found in a table file");
    image.put(&store);
    let (mut intact, mut damages) = (0, Vec::new());
    let told = examine(&store, &mut |found| {
        match found {
            Found::Intact(_) => intact += 1,
            Found::Damage(damage) => damages.push(damage.touches),
        }
        Ok(())
    });
    assert_eq!(told.unwrap().damages, damages.len() as u64);
    assert!(damages.iter().any(|touches| touches.starts_with("messages")), "{damages:?}");
    assert!(intact > 10, "users, members, inbox entries are still told: {intact}");
}
