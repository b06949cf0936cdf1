//! Users, devices and tokens. Every row is read by its key; every write is a job of the store's thread.

use anser_backend::{
    Accounts, Boxed, CreateUser, Device, DeviceKey, NewToken, StoreError, Token, User,
};
use anser_types::{DeviceNo, UnixMs, UserId, UserNo};

use crate::codec::{
    Devices, LastSeen, read_number, read_token, read_user, write_number, write_token, write_user,
};
use crate::core::Core;
use crate::keys;
use crate::store::EmbeddedStore;
use crate::tables::TableError;
use crate::writer::{Fault, Stage};

fn staged_user(stage: &Stage<'_>, no: UserNo) -> Result<User, Fault> {
    let row = stage.row(&keys::user(no))?;
    let row = row.ok_or_else(|| {
        // The caller holds a number of another store; this one is sound.
        Fault::Refused(StoreError::Damaged(format!("there is no user number {}", no.0)))
    })?;
    Ok(read_user(no, &row)?)
}

fn staged_devices(stage: &Stage<'_>, no: UserNo) -> Result<Devices, Fault> {
    let row = stage.row(&keys::devices(no))?;
    Ok(row.map(|row| Devices::read(&row)).transpose()?.unwrap_or_default())
}

fn put_user(stage: &mut Stage<'_>, user: User) {
    stage.put_row(keys::user(user.no), |out| write_user(out, &user));
    stage.user_changed(user);
}

fn create_user(
    stage: &mut Stage<'_>,
    id: UserId,
    password_hash: Option<String>,
    at: UnixMs,
) -> Result<CreateUser, Fault> {
    if let Some(row) = stage.row(&keys::user_id(&id))? {
        return Ok(CreateUser::Exists(staged_user(stage, UserNo(read_number(&row)?))?));
    }
    let last = stage.row(&keys::last_user())?;
    let no = UserNo(last.map(|row| read_number(&row)).transpose()?.unwrap_or(0) + 1);
    stage.put_row(keys::last_user(), |out| write_number(out, no.0));
    stage.put_row(keys::user_id(&id), |out| write_number(out, no.0));
    let user = User { no, id, password_hash, created_at: at };
    put_user(stage, user.clone());
    Ok(CreateUser::Created(user))
}

fn put_token(stage: &mut Stage<'_>, token: NewToken) -> Result<DeviceNo, Fault> {
    let user = staged_user(stage, token.user)?;
    let mut devices = staged_devices(stage, token.user)?;
    let number = token.device.unwrap_or(DeviceNo(devices.last.0 + 1));
    let device = Device {
        device: number,
        class: token.class,
        name: token.name,
        created_at: token.created_at,
        expires_at: token.expires_at,
    };
    for hash in devices.add(device, token.hash, token.others) {
        stage.remove_row(keys::token(&hash));
    }
    stage.put_row(keys::devices(token.user), |out| devices.write(out));
    let stored = Token {
        device: DeviceKey { user: token.user, device: number },
        user_id: user.id,
        class: token.class,
        expires_at: token.expires_at,
        superseded_at: None,
    };
    stage.put_row(keys::token(&token.hash), |out| write_token(out, &stored));
    Ok(number)
}

fn settle_token(stage: &mut Stage<'_>, hash: [u8; 32], at: UnixMs) -> Result<bool, Fault> {
    let Some(row) = stage.row(&keys::token(&hash))? else { return Ok(false) };
    let used = read_token(&row)?;
    let user = used.device.user;
    let mut devices = staged_devices(stage, user)?;
    let (superseded, forgotten) = devices.settle(&hash, at);
    if superseded.is_empty() {
        return Ok(false);
    }
    for hash in &forgotten {
        stage.remove_row(keys::token(hash));
    }
    for one in superseded {
        let token = Token {
            class: one.device.class,
            expires_at: one.device.expires_at,
            superseded_at: Some(at),
            ..used.clone()
        };
        stage.put_row(keys::token(&one.hash), |out| write_token(out, &token));
    }
    stage.put_row(keys::devices(user), |out| devices.write(out));
    Ok(true)
}

fn revoke(
    stage: &mut Stage<'_>,
    user: UserNo,
    only: Option<DeviceNo>,
) -> Result<Vec<DeviceNo>, Fault> {
    let mut devices = staged_devices(stage, user)?;
    let (ended, hashes) = devices.revoke(|device| only.is_none_or(|only| only == device));
    for hash in &hashes {
        stage.remove_row(keys::token(hash));
    }
    if !hashes.is_empty() {
        stage.put_row(keys::devices(user), |out| devices.write(out));
    }
    Ok(ended)
}

fn last_seen(core: &Core, user: UserNo) -> Result<Vec<(DeviceNo, UnixMs)>, TableError> {
    // Noted first: what a flush moves from memory to disk meanwhile is then seen at least once.
    let noted: Vec<(DeviceNo, UnixMs)> = core.soft.lock().seen(user).collect();
    let row = core.row(&keys::seen(user))?;
    let mut seen = row.map(|row| LastSeen::read(&row)).transpose()?.unwrap_or_default();
    for (device, at) in noted {
        seen.raise(device, at);
    }
    Ok(seen.listed())
}

impl Accounts for EmbeddedStore {
    fn create_user(
        &self,
        id: UserId,
        password_hash: Option<String>,
        at: UnixMs,
    ) -> Boxed<'_, Result<CreateUser, StoreError>> {
        Box::pin(async move {
            let job = move |stage: &mut Stage<'_>| create_user(stage, id, password_hash, at);
            self.inner.writer()?.run(true, job).await
        })
    }

    fn user(&self, id: UserId) -> Boxed<'_, Result<Option<User>, StoreError>> {
        Box::pin(async move { self.read(|core| core.user(&id)) })
    }

    fn user_by_no(&self, no: UserNo) -> Boxed<'_, Result<Option<User>, StoreError>> {
        Box::pin(async move { self.read(|core| core.user_by_no(no)) })
    }

    fn set_password(
        &self,
        user: UserNo,
        password_hash: String,
    ) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let job = move |stage: &mut Stage<'_>| {
                let password_hash = Some(password_hash);
                let user = User { password_hash, ..staged_user(stage, user)? };
                put_user(stage, user);
                Ok(())
            };
            self.inner.writer()?.run(true, job).await
        })
    }

    fn put_token(&self, token: NewToken) -> Boxed<'_, Result<DeviceNo, StoreError>> {
        Box::pin(async move {
            self.inner.writer()?.run(true, move |stage| put_token(stage, token)).await
        })
    }

    fn token(&self, hash: [u8; 32]) -> Boxed<'_, Result<Option<Token>, StoreError>> {
        Box::pin(async move {
            self.read(|core| {
                let row = core.row(&keys::token(&hash))?;
                Ok(row.map(|row| read_token(&row)).transpose()?)
            })
        })
    }

    fn settle_token(&self, hash: [u8; 32], at: UnixMs) -> Boxed<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            // Looked at first: nearly every use finds nothing to end, and must not wait for the store's thread.
            let waits = self.read(|core| {
                let Some(row) = core.row(&keys::token(&hash))? else { return Ok(false) };
                let Some(row) = core.row(&keys::devices(read_token(&row)?.device.user))? else {
                    return Ok(false);
                };
                Ok(!Devices::read(&row)?.settle(&hash, at).0.is_empty())
            })?;
            if !waits {
                return Ok(false);
            }
            self.inner.writer()?.run(false, move |stage| settle_token(stage, hash, at)).await
        })
    }

    fn revoke(
        &self,
        user: UserNo,
        device: Option<DeviceNo>,
    ) -> Boxed<'_, Result<Vec<DeviceNo>, StoreError>> {
        Box::pin(async move {
            // Signing somebody out must work on a full disk too.
            self.inner.writer()?.run(false, move |stage| revoke(stage, user, device)).await
        })
    }

    fn devices(&self, user: UserNo) -> Boxed<'_, Result<Vec<Device>, StoreError>> {
        Box::pin(async move {
            self.read(|core| {
                let row = core.row(&keys::devices(user))?;
                let devices = row.map(|row| Devices::read(&row)).transpose();
                let devices = devices.map_err(TableError::from)?.unwrap_or_default();
                Ok(devices.listed())
            })
        })
    }

    fn last_seen(&self, user: UserNo) -> Boxed<'_, Result<Vec<(DeviceNo, UnixMs)>, StoreError>> {
        Box::pin(async move { self.read(|core| last_seen(core, user)) })
    }
}
