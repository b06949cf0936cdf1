//! A log, an index beside it, and words for what people say.

use std::path::PathBuf;
use std::sync::Arc;

use anser_backend::search::{Hit, Scope, Wanted};
use anser_backend::testing::{AppendBuilder, Person, direct_row};
use anser_backend::{Appended, Ledger as _, MemoryBackend};
use anser_search::{Follower, Found, Index, Logs};
use anser_types::{Alteration, Content, ConversationId, Role, Seq, UserNo};
use futures::executor::block_on;
use tempfile::TempDir;

pub struct World {
    pub store: MemoryBackend,
    pub alice: Person,
    pub bob: Person,
    directory: TempDir,
    said: u64,
}

impl World {
    pub fn new() -> Self {
        Self {
            store: MemoryBackend::new(),
            alice: Person::new(UserNo(1), "alice"),
            bob: Person::new(UserNo(2), "bob"),
            directory: tempfile::tempdir().unwrap(),
            said: 0,
        }
    }

    pub fn direct(&self) -> ConversationId {
        self.alice.direct(&self.bob)
    }

    pub fn logs(&self) -> Logs {
        logs(&self.store)
    }

    pub fn place(&self) -> PathBuf {
        self.directory.path().join("search")
    }

    pub fn run(&self, append: AppendBuilder) {
        let results = block_on(self.store.append_batch(vec![append.build()])).unwrap();
        assert!(matches!(results[0], Appended::Committed(_)), "{results:?}");
    }

    /// Each message is a second later than the one before.
    pub fn say_in(&mut self, id: ConversationId, who: &Person, text: &str) {
        self.said += 1;
        let said = AppendBuilder::internal().at(self.said * 1_000);
        self.run(said.says(id, who, self.said, text, &[]));
    }

    /// Alice says something to bob.
    pub fn say(&mut self, text: &str) {
        let (alice, bob) = (self.alice.clone(), self.bob.clone());
        if self.said == 0 {
            self.open(&alice, &bob);
        }
        self.say_in(self.direct(), &alice, text);
    }

    /// A conversation in which nothing was said yet.
    pub fn open(&self, one: &Person, other: &Person) -> ConversationId {
        let id = one.direct(other);
        let made = AppendBuilder::internal().row(direct_row(one, other));
        self.run(made.joins(id, one, Role::Member, true).joins(id, other, Role::Member, true));
        id
    }

    pub fn alter(&self, seq: u64, alteration: Alteration) {
        let altered = AppendBuilder::internal().at(self.said * 1_000);
        self.run(altered.alters(self.direct(), &self.alice, Seq(seq), alteration, &[]));
    }

    pub fn edit(&self, seq: u64, text: &str) {
        self.alter(seq, Alteration::Edit(Content::text(text)));
    }

    /// Opens the index and says what was there.
    pub fn open_index(&self) -> (Follower, Found) {
        let epoch = self.store.status().log_epoch;
        let (index, found) = Index::open(&self.place(), epoch).unwrap();
        (Follower::new(self.logs(), index), found)
    }

    /// Opens the index and brings it up to the log.
    pub fn index(&self) -> Follower {
        let (mut follower, _) = self.open_index();
        catch_up(&mut follower);
        follower
    }

    /// Numbers of what alice and bob said that holds this, newest first.
    pub fn found(&self, follower: &Follower, wanted: &str) -> Vec<u64> {
        let hits = newest(follower, wanted, vec![everything(self.direct())], None, 50);
        hits.iter().map(|hit| hit.seq.0).collect()
    }
}

pub fn logs(store: &MemoryBackend) -> Logs {
    let store = Arc::new(store.clone());
    Logs { ledger: Arc::clone(&store) as _, conversations: Arc::clone(&store) as _, inspect: store }
}

pub fn catch_up(follower: &mut Follower) {
    block_on(follower.catch_up()).unwrap();
}

pub fn everything(conversation: ConversationId) -> Scope {
    Scope { conversation, spans: vec![(Seq::ZERO, Seq::MAX)] }
}

pub fn newest(
    follower: &Follower,
    wanted: &str,
    scopes: Vec<Scope>,
    before: Option<Hit>,
    limit: usize,
) -> Vec<Hit> {
    let wanted = Wanted::new(wanted).unwrap();
    follower.index().reading().newest(&wanted, scopes, before, limit).unwrap()
}
