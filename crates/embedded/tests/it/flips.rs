//! Every flipped byte of a small store is detected, with what it touches, or changes nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anser_backend::archive::{Header, RootHash, Writer};
use anser_backend::testing::{AppendBuilder, Person};
use anser_embedded::{EmbeddedStore, Found, examine};
use anser_types::{CommandNo, CommitNo, LogEpoch, UnixMs, UserId, Version};
use tempfile::TempDir;

use crate::conformance::small;
use crate::talk::{quick_directory, said};

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

/// A directory tree in memory: put down anew before every look, because looking may tidy it.
/// Each file without the zeros at its end, and its length.
#[derive(Clone)]
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
    let looked = catch_unwind(AssertUnwindSafe(|| {
        examine(dir, &mut |found| {
            match found {
                Found::Intact(entry) => archive.put(&entry).unwrap(),
                Found::Damage(damage) => {
                    damages.push(format!("{} | {}", damage.place, damage.touches));
                }
            }
            Ok(())
        })
    }));
    match looked {
        Err(panic) => damages.push(format!("PANIC {:?}", panic.downcast_ref::<String>())),
        Ok(Err(error)) => damages.push(format!("REFUSED {error}")),
        Ok(Ok(_)) => {}
    }
    if damages.is_empty() {
        Told::Sound(archive.finish().unwrap().1.root)
    } else {
        Told::Damaged(damages)
    }
}

/// Flips a few bytes of every wanted file of a store, one at a time, and looks each time.
fn flip_everywhere(closed: bool, flips_per_file: usize, wanted: impl Fn(&str) -> bool) {
    let dir = small_store(closed);
    let image = Image::of(&dir.path().join("store"));
    let place = dir.path().join("looked-at");
    image.put(&place);
    let sound = look(&place);
    assert!(matches!(sound, Told::Sound(_)), "{sound:?}");
    for (name, (content, _)) in image.0.iter().filter(|(name, _)| wanted(name.to_str().unwrap())) {
        let used = content.len();
        for nth in 0..flips_per_file.min(used) {
            let at = (2 * nth + 1) * used / (2 * flips_per_file.min(used));
            let mut flipped = image.clone();
            flipped.0.get_mut(name).unwrap().0[at] ^= 1 << (nth % 8);
            flipped.put(&place);
            if let told @ Told::Sound(_) = look(&place) {
                assert_eq!(told, sound, "a flip of byte {at} of {} is silent", name.display());
            }
        }
    }
}

/// The tables' own journal (`*.jnl`) is left out: the tree store stops with an assertion when it does not read, which
/// is loud, but no report. Nothing rests on it after a checkpoint.
#[test]
fn a_flipped_byte_of_a_table_file_is_detected_or_harmless() {
    flip_everywhere(true, 40, |name| name.starts_with("tables/") && !name.ends_with(".jnl"));
}

#[test]
fn a_flipped_byte_of_the_log_is_detected_or_harmless() {
    flip_everywhere(false, 48, |name| name.starts_with("log/") || name == "format");
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
