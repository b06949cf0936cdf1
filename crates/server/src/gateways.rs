//! The list of this installation's servers (requirement J3): written by the operator, signed by this server, read again at
//! every SIGHUP.
//!
//! A list that says what the last one said keeps its version until half of its time is over, also over a restart:
//! otherwise every start of a server would send the same list to every client again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anser_gateway::GatewayList;
use anser_proto::endpoint_list::{ListSigner, SignedList, fault};
use anser_service::Entropy;
use anser_types::limits::GATEWAYS_MAX;
use anser_types::{Clock, ErrorCode, Gateway};
use bytes::Bytes;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::data_dir::{DataDir, OPEN, SECRET, write_whole};
use crate::doctor::Finding;
use crate::failure::Failure;
use crate::secret_file;
use crate::setup::Setup;

/// The secret by which lists are signed: 64 hexadecimal digits. Clients keep to it, so it moves with the server.
const KEY_FILE: &str = "endpoint-list.key";
/// The last list, as clients were given it.
const SIGNED_FILE: &str = "endpoint-list.signed";

/// The file that the operator writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    gateway: Vec<WrittenGateway>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGateway {
    host: String,
    tls: Option<u16>,
    quic: Option<u16>,
    https: Option<u16>,
    #[serde(default)]
    network: String,
    #[serde(default = "one")]
    weight: u32,
}

const fn one() -> u32 {
    1
}

/// The file's path; `None` if there is to be no list.
fn path(setup: &Setup) -> Option<PathBuf> {
    let name = &setup.loaded.config.gateways.file;
    (!name.is_empty()).then(|| setup.data_dir.resolve(name))
}

/// Reads the list; `None` if there is to be none.
fn read(setup: &Setup) -> Result<Option<Vec<Gateway>>, Failure> {
    let Some(path) = path(setup) else { return Ok(None) };
    let wrong = |why: String| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {why}", path.display())).next(
            "Correct the file (docs/operate/gateways.md shows one), or set gateways.file = \"\"; then send SIGHUP or \
             start again.",
        )
    };
    let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let Written { gateway } =
        toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    if gateway.len() > GATEWAYS_MAX {
        return Err(wrong(format!(
            "{} servers; at most {GATEWAYS_MAX} may be named",
            gateway.len()
        )));
    }
    let mut read = Vec::with_capacity(gateway.len());
    for (index, WrittenGateway { host, tls, quic, https, network, weight }) in (1..).zip(gateway) {
        let one = Gateway { host, tls, quic, https, network, weight };
        if let Some(fault) = fault(&one) {
            return Err(wrong(format!("server {index} ({:?}): {fault}", one.host)));
        }
        read.push(one);
    }
    Ok(Some(read))
}

/// The list that is to be given now, signed; what is needed for it is made in the data directory.
///
/// # Errors
/// `CONFIG_INVALID` names the file and what is wrong with it; `INTERNAL` when the file system refuses.
pub fn load(
    setup: &Setup,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<Option<GatewayList>, Failure> {
    match read(setup)? {
        Some(gateways) => sign(setup, &gateways, clock, entropy).map(Some),
        None => Ok(None),
    }
}

/// The same list with a later version, if half of its time is over; else as it is.
///
/// # Errors
/// As [`load`], but for the operator's file, which is not read.
pub fn renew(
    setup: &Setup,
    list: &GatewayList,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<GatewayList, Failure> {
    sign(setup, list.gateways(), clock, entropy)
}

fn sign(
    setup: &Setup,
    gateways: &[Gateway],
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<GatewayList, Failure> {
    let signer = ListSigner::new(&*secret(&setup.data_dir, entropy)?);
    let last = setup.data_dir.resolve(SIGNED_FILE);
    let known = fs::read(&last).ok().map(Bytes::from).and_then(|signed| {
        let list = SignedList::open(&signed).ok().filter(|list| list.key == signer.key())?;
        Some((list, signed))
    });
    let ttl_s = setup.loaded.config.gateways.ttl_hours.as_u32().saturating_mul(3600);
    let now = clock.now().0;
    let signed = match known {
        Some((list, signed))
            if list.gateways == gateways
                && list.ttl_s == ttl_s
                && now < list.version.saturating_add(u64::from(ttl_s) * 1000 / 2) =>
        {
            signed
        }
        known => {
            // Later than the last one, whatever the clock says.
            let version = known.map_or(now, |(list, _)| now.max(list.version + 1));
            let signed = signer.sign(version, ttl_s, gateways);
            write(&last, &signed, OPEN)?;
            signed
        }
    };
    GatewayList::new(signed)
        .map_err(|refusal| Failure::new(ErrorCode::Internal, refusal.to_string()))
}

/// The secret, made if there is none.
fn secret(data_dir: &DataDir, entropy: &dyn Entropy) -> Result<Zeroizing<[u8; 32]>, Failure> {
    let path = data_dir.resolve(KEY_FILE);
    if !fs::exists(&path).map_err(|error| refused("look at", &path, &error))? {
        write(
            &path,
            secret_file::from_random(&secret_file::random_bits(entropy)).as_bytes(),
            SECRET,
        )?;
    }
    let lost = "Bring the file back from a copy. A new key is made if it is removed, but clients that know the old one \
                refuse lists of the new one.";
    secret_file::read(&path, lost)
}

fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    write_whole(path, content, mode).map_err(|error| refused("write", path, &error))
}

fn refused(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::new(ErrorCode::Internal, format!("cannot {verb} {}: {error}", path.display()))
        .next("Give this user the right to read and write there.")
}

/// What the doctor says about it.
#[must_use]
pub fn examine(setup: &Setup) -> Finding {
    let check = "gateway list";
    match read(setup) {
        Ok(None) => Finding::ok(check, "none: clients use the addresses they came with"),
        Ok(Some(gateways)) => Finding::ok(check, format!("names {} servers", gateways.len())),
        Err(failure) => Finding::fail(check, failure.detail, failure.next_step),
    }
}
