//! The rows of accounts: users, a user's devices with their tokens, and tokens by hash.

use std::collections::BTreeMap;

use crate::{Device, DeviceKey, Others, Token, User};
use anser_types::limits::{DEVICES_PER_USER, TOKENS_PER_DEVICE, TOKENS_SUPERSEDED};
use anser_types::{DeviceClass, DeviceNo, UnixMs, UserNo};

use super::primitives::{Malformed, ROW_FORMAT, Reader, put_text, put_varint};

/// The format of rows that know of superseded tokens; others have no need of it.
const SUPERSEDED_FORMAT: u8 = 3;

/// Appends a user.
pub fn write_user(out: &mut Vec<u8>, user: &User) {
    out.push(ROW_FORMAT);
    put_text(out, user.id.as_str());
    put_varint(out, user.created_at.0);
    match &user.password_hash {
        None => out.push(0),
        Some(hash) => {
            out.push(1);
            put_text(out, hash);
        }
    }
}

/// Reads a user.
pub fn read_user(no: UserNo, bytes: &[u8]) -> Result<User, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let id = reader.user()?;
    let created_at = UnixMs(reader.varint()?);
    let password_hash = match reader.u8()? {
        0 => None,
        1 => Some(reader.text()?.to_owned()),
        _ => return Err(Malformed("a user has no known password flag")),
    };
    reader.end()?;
    Ok(User { no, id, password_hash, created_at })
}

/// A user's devices that hold a token, with the hash of that token; one row per user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// The highest device number ever used.
    pub last: DeviceNo,
    /// By device number, and by age: of a device that has several, the first is the one it is known to hold.
    pub present: Vec<(Device, [u8; 32])>,
    /// Those in whose place a newer one was used, the last few of each device, by age.
    pub superseded: Vec<Superseded>,
}

/// A token that ended because a newer one of its device was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// The device, as it was described then.
    pub device: Device,
    /// The token's hash.
    pub hash: [u8; 32],
    /// When that was.
    pub at: UnixMs,
}

fn class(reader: &mut Reader<'_>) -> Result<DeviceClass, Malformed> {
    DeviceClass::from_code(reader.u8()?).ok_or(Malformed("a device is of no known class"))
}

impl Devices {
    /// Adds a token as its device's newest. Returns the hashes of those that end with it.
    pub fn add(&mut self, device: Device, hash: [u8; 32], others: Others) -> Vec<[u8; 32]> {
        let number = device.device;
        let held = self.present.iter().filter(|(other, _)| other.device == number).count();
        let ending = match others {
            Others::End => 0..held,
            // The first stays, and as many of the newest as leave room for one more.
            Others::EndWhenUsed => 1..(held + 2).saturating_sub(TOKENS_PER_DEVICE).max(1),
        };
        let from = self.present.partition_point(|(other, _)| other.device < number);
        let ended = self.present.drain(from + ending.start..from + ending.end);
        let mut ended = ended.map(|(_, hash)| hash).collect::<Vec<_>>();
        if others == Others::End {
            ended.extend(self.forget(|device| device == number));
        }
        let to = self.present.partition_point(|(other, _)| other.device <= number);
        self.present.insert(to, (device, hash));
        self.last = self.last.max(number);
        ended
    }

    /// The token was used at this moment: unless it is its device's first, it stays alone, and the others are superseded.
    /// Returns those, and the hashes of those that are forgotten.
    pub fn settle(&mut self, hash: &[u8; 32], at: UnixMs) -> (Vec<Superseded>, Vec<[u8; 32]>) {
        let Some((used, _)) = self.present.iter().find(|(_, other)| other == hash) else {
            return (Vec::new(), Vec::new());
        };
        let number = used.device;
        let first = self.present.iter().find(|(device, _)| device.device == number);
        if first.is_some_and(|(_, first)| first == hash) {
            return (Vec::new(), Vec::new());
        }
        let ended = self.present.extract_if(.., |(d, other)| d.device == number && other != hash);
        let ended: Vec<_> = ended.map(|(device, hash)| Superseded { device, hash, at }).collect();
        self.superseded.extend(ended.iter().cloned());
        let of_device = self.superseded.iter().filter(|one| one.device.device == number).count();
        let mut too_many = of_device.saturating_sub(TOKENS_SUPERSEDED);
        let forgotten = self.forget(|device| {
            let one = device == number && too_many > 0;
            too_many -= usize::from(one);
            one
        });
        let still_known = ended.into_iter().filter(|one| !forgotten.contains(&one.hash)).collect();
        (still_known, forgotten)
    }

    /// Ends the tokens of these devices, superseded ones too. Returns the devices that held one, each once, and all hashes.
    pub fn revoke(
        &mut self,
        concerned: impl Fn(DeviceNo) -> bool,
    ) -> (Vec<DeviceNo>, Vec<[u8; 32]>) {
        let ended = self.present.extract_if(.., |(device, _)| concerned(device.device));
        let (mut devices, mut hashes): (Vec<_>, Vec<_>) =
            ended.map(|(device, hash)| (device.device, hash)).unzip();
        devices.dedup();
        hashes.extend(self.forget(concerned));
        (devices, hashes)
    }

    fn forget(&mut self, mut concerned: impl FnMut(DeviceNo) -> bool) -> Vec<[u8; 32]> {
        let forgotten = self.superseded.extract_if(.., |one| concerned(one.device.device));
        forgotten.map(|one| one.hash).collect()
    }

    /// Every device once, as its newest token describes it.
    #[must_use]
    pub fn listed(self) -> Vec<Device> {
        let mut listed: Vec<Device> = Vec::with_capacity(self.present.len());
        for (device, _) in self.present {
            match listed.last_mut() {
                Some(older) if older.device == device.device => *older = device,
                _ => listed.push(device),
            }
        }
        listed
    }

    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(if self.superseded.is_empty() { ROW_FORMAT } else { SUPERSEDED_FORMAT });
        put_varint(out, self.last.0);
        put_varint(out, self.present.len() as u64);
        for (device, hash) in &self.present {
            put_device(out, device, hash);
        }
        if !self.superseded.is_empty() {
            put_varint(out, self.superseded.len() as u64);
            for Superseded { device, hash, at } in &self.superseded {
                put_device(out, device, hash);
                put_varint(out, at.0);
            }
        }
    }

    /// Reads the row.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (mut reader, knows_superseded) = Reader::row_or(SUPERSEDED_FORMAT, bytes)?;
        let last = DeviceNo(reader.varint()?);
        let count = reader.count()?;
        // Grows as they are read: a count alone must not allocate many times what there is.
        let mut present = Vec::new();
        for _ in 0..count {
            present.push(device_and_hash(&mut reader)?);
        }
        let mut superseded = Vec::new();
        if knows_superseded {
            for _ in 0..reader.count()? {
                let (device, hash) = device_and_hash(&mut reader)?;
                superseded.push(Superseded { device, hash, at: UnixMs(reader.varint()?) });
            }
        }
        reader.end()?;
        Ok(Self { last, present, superseded })
    }
}

fn put_device(out: &mut Vec<u8>, device: &Device, hash: &[u8; 32]) {
    put_varint(out, device.device.0);
    out.push(device.class.code());
    put_text(out, &device.name);
    put_varint(out, device.created_at.0);
    put_varint(out, device.expires_at.0);
    out.extend_from_slice(hash);
}

fn device_and_hash(reader: &mut Reader<'_>) -> Result<(Device, [u8; 32]), Malformed> {
    let device = Device {
        device: DeviceNo(reader.varint()?),
        class: class(reader)?,
        name: reader.text()?.to_owned(),
        created_at: UnixMs(reader.varint()?),
        expires_at: UnixMs(reader.varint()?),
    };
    Ok((device, reader.array()?))
}

/// When a user's devices were connected last, as far as it was noted; one row per user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastSeen(BTreeMap<DeviceNo, UnixMs>);

impl LastSeen {
    /// A device was connected at this moment. Forward only; returns whether that was news. Of more devices than a user
    /// may have, those that were seen longest ago are forgotten, so what is forgotten never was the latest.
    pub fn raise(&mut self, device: DeviceNo, at: UnixMs) -> bool {
        let latest = self.0.entry(device).or_default();
        if at <= *latest {
            return false;
        }
        *latest = at;
        if self.0.len() > DEVICES_PER_USER
            && let Some(oldest) =
                self.0.iter().min_by_key(|(_, at)| **at).map(|(device, _)| *device)
        {
            self.0.remove(&oldest);
        }
        true
    }

    /// By device.
    #[must_use]
    pub fn listed(&self) -> Vec<(DeviceNo, UnixMs)> {
        self.0.iter().map(|(device, at)| (*device, *at)).collect()
    }

    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(ROW_FORMAT);
        put_varint(out, self.0.len() as u64);
        for (device, at) in &self.0 {
            put_varint(out, device.0);
            put_varint(out, at.0);
        }
    }

    /// Reads the row.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::row(bytes)?;
        let mut seen = BTreeMap::new();
        for _ in 0..reader.count()? {
            let device = DeviceNo(reader.varint()?);
            if seen.last_key_value().is_some_and(|(last, _)| *last >= device) {
                return Err(Malformed("devices that were seen are out of order"));
            }
            seen.insert(device, UnixMs(reader.varint()?));
        }
        reader.end()?;
        Ok(Self(seen))
    }
}

/// Appends a token.
pub fn write_token(out: &mut Vec<u8>, token: &Token) {
    out.push(if token.superseded_at.is_none() { ROW_FORMAT } else { SUPERSEDED_FORMAT });
    put_varint(out, token.device.user.0);
    put_varint(out, token.device.device.0);
    put_text(out, token.user_id.as_str());
    out.push(token.class.code());
    put_varint(out, token.expires_at.0);
    if let Some(at) = token.superseded_at {
        put_varint(out, at.0);
    }
}

/// Reads a token.
pub fn read_token(bytes: &[u8]) -> Result<Token, Malformed> {
    let (mut reader, is_superseded) = Reader::row_or(SUPERSEDED_FORMAT, bytes)?;
    let user = UserNo(reader.varint()?);
    let device = DeviceKey { user, device: DeviceNo(reader.varint()?) };
    let token = Token {
        device,
        user_id: reader.user()?,
        class: class(&mut reader)?,
        expires_at: UnixMs(reader.varint()?),
        superseded_at: if is_superseded { Some(UnixMs(reader.varint()?)) } else { None },
    };
    reader.end()?;
    Ok(token)
}
