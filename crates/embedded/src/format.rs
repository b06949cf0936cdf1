//! The file that says what a directory is: the store's format version, its log epoch and its salt.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use anser_types::LogEpoch;

use crate::disk::{Directory, Disk as _};
use crate::log::Salt;

/// The newest format this version reads and writes.
pub const FORMAT: u32 = 1;
/// The file's name.
pub const FORMAT_FILE: &str = "format";

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Raised when the log may have gone back.
    pub log_epoch: LogEpoch,
    /// Mixed into every checksum of the log.
    pub salt: Salt,
}

/// Why the file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// A newer version wrote it.
    TooNew(u32),
    /// It is not what was written.
    Damaged,
}

impl Format {
    /// A new store's.
    pub fn fresh() -> Self {
        // The salt is no secret and repeats nothing: any number other stores and users do not know will do.
        Self { log_epoch: LogEpoch(1), salt: Salt(RandomState::new().hash_one(FORMAT_FILE)) }
    }

    /// Makes the file of a new store.
    pub fn create_in(self, dir: &Path) -> std::io::Result<()> {
        Directory::open(dir)?.replace(FORMAT_FILE, self.write().as_bytes())
    }

    /// The file's content.
    pub fn write(self) -> String {
        let body = format!(
            "anser-store {FORMAT}\nlog-epoch {}\nsalt {:016x}\n",
            self.log_epoch.0, self.salt.0
        );
        format!("{body}crc32c {:08x}\n", crc32c::crc32c(body.as_bytes()))
    }

    /// Reads the file's content.
    pub fn read(content: &[u8]) -> Result<Self, FormatError> {
        let text = std::str::from_utf8(content).map_err(|_| FormatError::Damaged)?;
        // The checksum comes first: a damaged version number must not be taken for a newer version.
        let (body, checksum) = text.rsplit_once("crc32c ").ok_or(FormatError::Damaged)?;
        if format!("{:08x}\n", crc32c::crc32c(body.as_bytes())) != checksum {
            return Err(FormatError::Damaged);
        }
        let mut lines = body.lines();
        let mut value = |name: &str| {
            let line = lines.next()?.strip_prefix(name)?;
            line.strip_prefix(' ')
        };
        let version = value("anser-store").and_then(|text| text.parse().ok());
        match version {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => return Err(FormatError::TooNew(newer)),
            _ => return Err(FormatError::Damaged),
        }
        let log_epoch = value("log-epoch").and_then(|text| text.parse().ok());
        let salt = value("salt").and_then(|text| u64::from_str_radix(text, 16).ok());
        match (log_epoch, salt) {
            (Some(log_epoch), Some(salt)) => {
                Ok(Self { log_epoch: LogEpoch(log_epoch), salt: Salt(salt) })
            }
            _ => Err(FormatError::Damaged),
        }
    }
}
