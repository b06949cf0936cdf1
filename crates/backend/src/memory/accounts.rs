//! Users, devices and tokens.

use std::collections::BTreeMap;

use anser_types::limits::{TOKENS_PER_DEVICE, TOKENS_SUPERSEDED};
use anser_types::{DeviceNo, UnixMs, UserId, UserNo};

use super::backend::MemoryBackend;
use super::gate::{CommitKind, PendingCommit};
use super::state::{AccountTables, StoredToken};
use crate::Boxed;
use crate::accounts::{Accounts, CreateUser, Device, NewToken, Others, Token, User};
use crate::ledger::{DeviceKey, StoreError};

impl Accounts for MemoryBackend {
    fn create_user(
        &self,
        id: UserId,
        password_hash: Option<String>,
        at: UnixMs,
    ) -> Boxed<'_, Result<CreateUser, StoreError>> {
        Box::pin(self.write_account(move |tables| {
            if let Some(user) = tables.by_id(&id) {
                return Ok(Plan::nothing(CreateUser::Exists(user.clone())));
            }
            let no = UserNo(tables.users.keys().next_back().map_or(1, |last| last.0 + 1));
            let user = User { no, id, password_hash, created_at: at };
            let made = user.clone();
            Ok(Plan::write(CreateUser::Created(made), move |tables| {
                tables.numbers.insert(user.id.clone(), no);
                tables.users.insert(no, user);
            }))
        }))
    }

    fn user(&self, id: UserId) -> Boxed<'_, Result<Option<User>, StoreError>> {
        Box::pin(async move { self.read(|machine| machine.durable.accounts.by_id(&id).cloned()) })
    }

    fn user_by_no(&self, no: UserNo) -> Boxed<'_, Result<Option<User>, StoreError>> {
        Box::pin(
            async move { self.read(|machine| machine.durable.accounts.users.get(&no).cloned()) },
        )
    }

    fn set_password(
        &self,
        user: UserNo,
        password_hash: String,
    ) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(self.write_account(move |tables| {
            tables.known(user)?;
            Ok(Plan::write((), move |tables| {
                if let Some(user) = tables.users.get_mut(&user) {
                    user.password_hash = Some(password_hash);
                }
            }))
        }))
    }

    fn put_token(&self, token: NewToken) -> Boxed<'_, Result<DeviceNo, StoreError>> {
        Box::pin(self.write_account(move |tables| {
            tables.known(token.user)?;
            let last = tables.last_device.get(&token.user).copied().unwrap_or_default();
            let device = token.device.unwrap_or(DeviceNo(last.0 + 1));
            Ok(Plan::write(device, move |tables| {
                tables.last_device.insert(token.user, device.max(last));
                let held = tables.by_age(token.user, device);
                let age = held.last().map_or(0, |(newest, _)| newest + 1);
                let ending = match token.others {
                    Others::End => &held[..],
                    Others::EndWhenUsed => {
                        let younger = held.get(1..).unwrap_or_default();
                        &younger[..younger.len().saturating_sub(TOKENS_PER_DEVICE - 2)]
                    }
                };
                for (_, hash) in ending {
                    tables.tokens.remove(hash);
                }
                if token.others == Others::End {
                    for (_, hash) in tables.superseded(token.user, device) {
                        tables.tokens.remove(&hash);
                    }
                }
                tables.tokens.insert(token.hash, StoredToken::new(token, device, age));
            }))
        }))
    }

    fn token(&self, hash: [u8; 32]) -> Boxed<'_, Result<Option<Token>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let tables = &machine.durable.accounts;
                let stored = tables.tokens.get(&hash)?;
                Some(Token {
                    device: DeviceKey { user: stored.user, device: stored.device.device },
                    user_id: tables.users.get(&stored.user)?.id.clone(),
                    class: stored.device.class,
                    expires_at: stored.device.expires_at,
                    superseded_at: stored.superseded.map(|(_, at)| at),
                })
            })
        })
    }

    fn settle_token(&self, hash: [u8; 32], at: UnixMs) -> Boxed<'_, Result<bool, StoreError>> {
        Box::pin(self.write_account(move |tables| {
            let used = tables.tokens.get(&hash).filter(|used| used.superseded.is_none());
            let Some(used) = used else { return Ok(Plan::nothing(false)) };
            let (user, device) = (used.user, used.device.device);
            let held = tables.by_age(user, device);
            if held.first().is_none_or(|(_, oldest)| *oldest == hash) {
                return Ok(Plan::nothing(false));
            }
            Ok(Plan::write(true, move |tables| {
                let last = tables.superseded(user, device).last().map_or(0, |(order, _)| *order);
                let ended = held.iter().filter(|(_, other)| *other != hash);
                for (order, (_, other)) in (last + 1..).zip(ended) {
                    if let Some(token) = tables.tokens.get_mut(other) {
                        token.superseded = Some((order, at));
                    }
                }
                let known = tables.superseded(user, device);
                for (_, old) in &known[..known.len().saturating_sub(TOKENS_SUPERSEDED)] {
                    tables.tokens.remove(old);
                }
            }))
        }))
    }

    fn revoke(
        &self,
        user: UserNo,
        device: Option<DeviceNo>,
    ) -> Boxed<'_, Result<Vec<DeviceNo>, StoreError>> {
        Box::pin(self.write_account(move |tables| {
            let concerned = move |stored: &StoredToken| {
                stored.user == user && device.is_none_or(|only| only == stored.device.device)
            };
            let held = tables.tokens.values().filter(|t| concerned(t) && t.superseded.is_none());
            let mut ended: Vec<DeviceNo> = held.map(|token| token.device.device).collect();
            ended.sort_unstable();
            ended.dedup();
            if ended.is_empty() {
                return Ok(Plan::nothing(ended));
            }
            Ok(Plan::write(ended, move |tables| tables.tokens.retain(|_, t| !concerned(t))))
        }))
    }

    fn devices(&self, user: UserNo) -> Boxed<'_, Result<Vec<Device>, StoreError>> {
        Box::pin(async move {
            self.read(|machine| {
                let tokens = machine.durable.accounts.tokens.values();
                let mut newest: BTreeMap<DeviceNo, &StoredToken> = BTreeMap::new();
                let held = tokens.filter(|token| token.user == user && token.superseded.is_none());
                for token in held {
                    let listed = newest.entry(token.device.device).or_insert(token);
                    if listed.age < token.age {
                        *listed = token;
                    }
                }
                newest.into_values().map(|token| token.device.clone()).collect()
            })
        })
    }

    fn last_seen(&self, user: UserNo) -> Boxed<'_, Result<Vec<(DeviceNo, UnixMs)>, StoreError>> {
        Box::pin(
            async move { self.read(|machine| machine.process.soft.seen(&machine.durable, user)) },
        )
    }
}

/// Alters the tables at the commit.
type TableWrite = Box<dyn FnOnce(&mut AccountTables) + Send>;

/// What an account write answers, and what it writes, if anything.
struct Plan<T> {
    answer: T,
    write: Option<TableWrite>,
}

impl<T> Plan<T> {
    fn nothing(answer: T) -> Self {
        Self { answer, write: None }
    }

    fn write(answer: T, write: impl FnOnce(&mut AccountTables) + Send + 'static) -> Self {
        Self { answer, write: Some(Box::new(write)) }
    }
}

impl MemoryBackend {
    async fn write_account<T: Send>(
        &self,
        plan: impl FnOnce(&AccountTables) -> Result<Plan<T>, StoreError> + Send,
    ) -> Result<T, StoreError> {
        let turn = self.writer().await;
        let Plan { answer, write } = self.read(|machine| plan(&machine.durable.accounts))??;
        if let Some(write) = write {
            let pending = PendingCommit { kind: CommitKind::Account, appends: 0 };
            self.commit(&turn, pending, |machine| write(&mut machine.durable.accounts)).await?;
        }
        Ok(answer)
    }
}

impl AccountTables {
    fn by_id(&self, id: &UserId) -> Option<&User> {
        self.users.get(self.numbers.get(id)?)
    }

    /// The tokens of a device, the oldest first.
    fn by_age(&self, user: UserNo, device: DeviceNo) -> Vec<(u64, [u8; 32])> {
        let of_device = self.of_device(user, device);
        let held = of_device.filter(|(_, token)| token.superseded.is_none());
        let mut held: Vec<_> = held.map(|(hash, token)| (token.age, *hash)).collect();
        held.sort_unstable();
        held
    }

    /// Those of a device that are superseded, in the order in which they were.
    fn superseded(&self, user: UserNo, device: DeviceNo) -> Vec<(u64, [u8; 32])> {
        let known = self.of_device(user, device);
        let mut known: Vec<_> =
            known.filter_map(|(hash, token)| Some((token.superseded?.0, *hash))).collect();
        known.sort_unstable();
        known
    }

    fn of_device(
        &self,
        user: UserNo,
        device: DeviceNo,
    ) -> impl Iterator<Item = (&[u8; 32], &StoredToken)> {
        self.tokens.iter().filter(move |(_, t)| t.user == user && t.device.device == device)
    }

    /// Refuses a number that was never given: the caller holds it from another store.
    fn known(&self, user: UserNo) -> Result<(), StoreError> {
        if self.users.contains_key(&user) {
            return Ok(());
        }
        Err(StoreError::Damaged(format!("there is no user number {}", user.0)))
    }
}

impl StoredToken {
    fn new(token: NewToken, device: DeviceNo, age: u64) -> Self {
        Self {
            user: token.user,
            device: Device {
                device,
                class: token.class,
                name: token.name,
                created_at: token.created_at,
                expires_at: token.expires_at,
            },
            age,
            superseded: None,
        }
    }
}
