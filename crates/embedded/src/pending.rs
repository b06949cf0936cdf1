//! What is durable in the log but has not reached the tables yet: readers look here first, or wait.
//!
//! Single rows (accounts, positions, keys…) are kept here and read through. For logs and lists only the fact is kept
//! that a conversation or user was touched; whoever reads those waits until the tables have caught up with it.

use std::collections::{HashMap, VecDeque};

use anser_backend::StoreError;
use anser_types::{ConversationId, UserNo};
use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use crate::keys::Key;

/// Whose logs and lists a commit touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Messages, changes, row, members.
    Conversation(ConversationId),
    /// Inbox, list of conversations.
    User(UserNo),
    /// All of them.
    Everything,
}

/// A row as a commit left it; `None` if it was removed.
pub type Row = Option<Bytes>;

/// What one commit changed, for readers.
#[derive(Debug, Default)]
pub struct Touched {
    /// Single rows of the state table.
    pub rows: Vec<(Key, Row)>,
    /// Logs and lists.
    pub scopes: Vec<Scope>,
}

/// How far the tables are.
#[derive(Clone, Debug)]
struct Progress {
    applied: u64,
    failed: Option<StoreError>,
}

#[derive(Debug)]
struct Inner {
    rows: HashMap<Key, (u64, Row)>,
    scopes: HashMap<Scope, u64>,
    /// What to forget once a commit was applied, oldest first.
    commits: VecDeque<(u64, Vec<Key>, Vec<Scope>)>,
    /// The last commit that was published.
    newest: u64,
    progress: Progress,
}

/// See the module.
#[derive(Debug)]
pub struct Pending {
    inner: Mutex<Inner>,
    changed: Condvar,
    progress: watch::Sender<Progress>,
}

impl Pending {
    /// The tables hold everything up to `applied`.
    pub fn new(applied: u64) -> Self {
        let progress = Progress { applied, failed: None };
        Self {
            inner: Mutex::new(Inner {
                rows: HashMap::new(),
                scopes: HashMap::new(),
                commits: VecDeque::new(),
                newest: applied,
                progress: progress.clone(),
            }),
            changed: Condvar::new(),
            progress: watch::Sender::new(progress),
        }
    }

    /// A commit is durable: from now on readers see it.
    pub fn publish(&self, commit_no: u64, touched: Touched) {
        let mut inner = self.inner.lock();
        let keys = touched.rows.iter().map(|(key, _)| key.clone()).collect();
        for (key, row) in touched.rows {
            inner.rows.insert(key, (commit_no, row));
        }
        for scope in &touched.scopes {
            inner.scopes.insert(*scope, commit_no);
        }
        inner.commits.push_back((commit_no, keys, touched.scopes));
        inner.newest = commit_no;
    }

    /// These rows are on their way to the tables without a commit of their own, before the commit `next`.
    pub fn overlay(&self, next: u64, rows: &[(Key, Vec<u8>)]) {
        let mut inner = self.inner.lock();
        for (key, row) in rows {
            inner.rows.insert(key.clone(), (next, Some(Bytes::copy_from_slice(row))));
        }
        let keys = rows.iter().map(|(key, _)| key.clone()).collect();
        inner.commits.push_back((next, keys, Vec::new()));
    }

    /// The tables hold everything up to here.
    pub fn applied(&self, commit_no: u64) {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        while inner.commits.front().is_some_and(|(no, _, _)| *no <= commit_no) {
            let Some((no, keys, scopes)) = inner.commits.pop_front() else { break };
            for key in keys {
                if inner.rows.get(&key).is_some_and(|(newest, _)| *newest == no) {
                    inner.rows.remove(&key);
                }
            }
            for scope in scopes {
                if inner.scopes.get(&scope) == Some(&no) {
                    inner.scopes.remove(&scope);
                }
            }
        }
        inner.progress.applied = commit_no;
        self.progress.send_replace(inner.progress.clone());
        self.changed.notify_all();
    }

    /// The tables will never catch up.
    pub fn fail(&self, error: StoreError) {
        let mut inner = self.inner.lock();
        inner.progress.failed.get_or_insert(error);
        self.progress.send_replace(inner.progress.clone());
        self.changed.notify_all();
    }

    /// Why the tables have stopped for good, if they have.
    pub fn failure(&self) -> Option<StoreError> {
        self.inner.lock().progress.failed.clone()
    }

    /// A row that has not reached the tables; `None` if the tables have its newest state.
    pub fn row(&self, key: &[u8]) -> Option<Row> {
        self.inner.lock().rows.get(key).map(|(_, row)| row.clone())
    }

    /// The commit to wait for before the tables can be read for this scope; 0 for none.
    fn needed(&self, scope: Scope) -> u64 {
        let inner = self.inner.lock();
        match scope {
            Scope::Everything => inner.newest,
            _ => inner.scopes.get(&scope).copied().unwrap_or(0),
        }
    }

    /// Waits until the tables hold everything that is durable of this scope.
    pub async fn settle(&self, scope: Scope) -> Result<(), StoreError> {
        let needed = self.needed(scope);
        if needed == 0 {
            return Ok(());
        }
        let mut progress = self.progress.subscribe();
        let done = |progress: &Progress| progress.applied >= needed || progress.failed.is_some();
        let reached = progress.wait_for(done).await.map_err(|_| StoreError::Closed)?;
        reached.failed.clone().map_or(Ok(()), Err)
    }

    /// The same for the store's own thread.
    pub fn settle_blocking(&self, scope: Scope) -> Result<(), StoreError> {
        let mut inner = self.inner.lock();
        while inner.scopes.contains_key(&scope) {
            if let Some(error) = &inner.progress.failed {
                return Err(error.clone());
            }
            self.changed.wait(&mut inner);
        }
        Ok(())
    }
}
