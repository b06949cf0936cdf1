//! The files in the data directory: there, readable by nobody else, and sound.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anser_types::{Clock, UnixMs};

use super::finding::Finding;
use crate::certificate::Terms;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::{api_key, certificate, first_start, secret_file};

/// A certificate that ends sooner is worth a warning.
const CERTIFICATE_WARN_MS: i64 = 30 * 24 * 3600 * 1000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// The directory: there, and closed to others.
#[must_use]
pub fn directory(data_dir: &DataDir) -> Finding {
    let check = "data directory";
    let root = data_dir.root();
    match fs::metadata(root) {
        Err(error) => Finding::fail(
            check,
            format!("{}: {error}", root.display()),
            "Type: anser init (or name another directory with --data-dir)",
        ),
        Ok(found) if found.permissions().mode() & 0o077 != 0 => Finding::warn(
            check,
            format!("{} is open to other users of this machine", root.display()),
            format!("Type: chmod 700 {}", root.display()),
        ),
        Ok(_) => Finding::ok(check, root.display().to_string()),
    }
}

/// The file with the API keys.
#[must_use]
pub fn api_keys(data_dir: &DataDir, config: &Config) -> Finding {
    let check = "API key";
    let path = data_dir.resolve(&config.app.key_file);
    match api_key::read_hashes(&path) {
        Err(failure) => Finding::fail(check, failure.detail, failure.next_step),
        Ok(keys) => secret(check, &path, format!("{} in {}", keys.len(), path.display())),
    }
}

/// The key of QUIC, when it is there; the next start makes a missing one.
#[must_use]
pub fn quic_key(data_dir: &DataDir) -> Option<Finding> {
    let (check, path) = ("key of QUIC", data_dir.quic_key());
    path.exists().then(|| match secret_file::read(&path, first_start::QUIC_KEY_LOST) {
        Err(failure) => Finding::fail(check, failure.detail, failure.next_step),
        Ok(_) => secret(check, &path, path.display().to_string()),
    })
}

/// Certificate and key, when a listener needs them.
#[must_use]
pub fn certificate(data_dir: &DataDir, config: &Config, clock: &dyn Clock) -> Finding {
    let check = "certificate";
    if !first_start::needs_certificate(config) {
        return Finding::ok(check, "not needed: listen.tls, listen.quic and listen.https are off");
    }
    let terms = Terms::of(config, data_dir);
    match certificate::load(&terms) {
        Err(failure) => Finding::fail(check, failure.detail, failure.next_step),
        Ok(identity) => match expiry(identity.not_after, clock.now()) {
            Ok(found) => secret(check, &terms.key, found),
            Err(finding) => finding,
        },
    }
}

fn expiry(not_after: UnixMs, now: UnixMs) -> Result<String, Finding> {
    let left = not_after.since(now);
    let fix = "Replace certificate and key, then send SIGHUP to the server (self-signed: remove both, start again).";
    if left <= 0 {
        Err(Finding::fail("certificate", format!("ended {} days ago", -left / DAY_MS), fix))
    } else if left < CERTIFICATE_WARN_MS {
        Err(Finding::warn("certificate", format!("ends in {} days", left / DAY_MS), fix))
    } else {
        Ok(format!("good for {} days", left / DAY_MS))
    }
}

fn secret(check: &'static str, path: &Path, found: String) -> Finding {
    match fs::metadata(path) {
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Finding::warn(
            check,
            format!("{} can be read by other users of this machine", path.display()),
            format!("Type: chmod 600 {}", path.display()),
        ),
        Ok(_) => Finding::ok(check, found),
        Err(error) => {
            Finding::fail(check, format!("{}: {error}", path.display()), "Type: anser init")
        }
    }
}
