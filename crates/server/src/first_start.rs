//! The first start: makes whatever is missing (directory, configuration, API key, certificate), says what it made,
//! and never touches what is there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anser_service::Entropy;
use anser_types::{Clock, ErrorCode};
use zeroize::Zeroizing;

use crate::config::{Config, Tls, reference};
use crate::data_dir::{DataDir, OPEN, SECRET, write_whole};
use crate::failure::Failure;
use crate::secret_file::{self, random_bits};
use crate::{api_key, certificate};

/// What to do about a key of QUIC that is no good.
pub const QUIC_KEY_LOST: &str = "Remove the file: the next start makes a new one.";

/// Something that was made, for telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What it is.
    pub what: &'static str,
    /// Where it lies.
    pub path: PathBuf,
}

/// Makes what is missing in the data directory; what is there stays untouched. Returns what was made.
///
/// # Errors
/// `CONFIG_INVALID` when files are half there or name places where nothing is made; `INTERNAL` when the file system
/// refuses.
pub fn prepare(
    data_dir: &DataDir,
    config: &Config,
    host: Option<&str>,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Vec<Made>, Failure> {
    let mut made = Vec::new();
    let mut note = |what, path: &Path| made.push(Made { what, path: path.to_owned() });

    let root = data_dir.root();
    if data_dir.create().map_err(|error| refused("make", root, &error))? {
        note("data directory, for this user alone", root);
    }
    let _lock = data_dir.lock_for_setup().map_err(|error| refused("lock", root, &error))?;

    let file = data_dir.config_file();
    if !exists(&file)? {
        write(&file, reference::example_file().as_bytes(), OPEN)?;
        note("configuration, every key explained", &file);
    }
    let keys = data_dir.resolve(&config.app.key_file);
    if !exists(&keys)? {
        own_place(data_dir, &keys, "app.key_file")?;
        let line = Zeroizing::new(format!("{}\n", *api_key::from_random(&random_bits(entropy))));
        write(&keys, line.as_bytes(), SECRET)?;
        note("API key for app servers, secret", &keys);
    }
    if needs_certificate(config) {
        for (what, path) in make_certificate(data_dir, config, host, clock)? {
            note(what, &path);
        }
    }
    let quic = data_dir.quic_key();
    if config.listen.quic.address().is_some() && !exists(&quic)? {
        write(&quic, secret_file::from_random(&random_bits(entropy)).as_bytes(), SECRET)?;
        note("key of QUIC, secret", &quic);
    }
    Ok(made)
}

/// Whether a listener with TLS is configured.
#[must_use]
pub fn needs_certificate(config: &Config) -> bool {
    let listen = &config.listen;
    [listen.tls, listen.quic, listen.https].iter().any(|listener| listener.address().is_some())
}

fn make_certificate(
    data_dir: &DataDir,
    config: &Config,
    host: Option<&str>,
    clock: &dyn Clock,
) -> Result<Vec<(&'static str, PathBuf)>, Failure> {
    let Tls { certificate, key, .. } = &config.tls;
    let (certificate, key) = (data_dir.resolve(certificate), data_dir.resolve(key));
    match (exists(&certificate)?, exists(&key)?) {
        (true, true) => return Ok(Vec::new()),
        (false, false) => {}
        (true, false) => return Err(half(&certificate, &key)),
        // Left by a crash between the two writes below, or by somebody's hand: nobody can tell.
        (false, true) => return Err(half(&key, &certificate)),
    }
    own_place(data_dir, &certificate, "tls.certificate")?;
    own_place(data_dir, &key, "tls.key")?;
    let made = certificate::self_signed(host, clock.now())?;
    write(&key, made.key.as_bytes(), SECRET)?;
    write(&certificate, made.certificate.as_bytes(), OPEN)?;
    Ok(vec![("self-signed certificate", certificate), ("its private key, secret", key)])
}

/// Secrets are made only inside the data directory: a name elsewhere that leads nowhere is a mistake of typing.
fn own_place(data_dir: &DataDir, path: &Path, key: &str) -> Result<(), Failure> {
    if path.parent() == Some(data_dir.root()) {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::ConfigInvalid, format!("{key}: there is no file {}", path.display()))
        .next("Put the file there or correct the path; only files directly in the data directory are made."))
}

fn half(there: &Path, missing: &Path) -> Failure {
    Failure::new(
        ErrorCode::ConfigInvalid,
        format!("{} is there, {} is not", there.display(), missing.display()),
    )
    .next(format!(
        "Bring the missing file back, or remove {} to have both made anew.",
        there.display()
    ))
}

fn exists(path: &Path) -> Result<bool, Failure> {
    fs::exists(path).map_err(|error| refused("look at", path, &error))
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    write_whole(path, content, mode).map_err(|error| refused("write", path, &error))
}

fn refused(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(ErrorCode::Internal, format!("cannot {verb} {}: {error}", path.display()))
        .next("Give this user the right to write there, or name another place with --data-dir.")
}
