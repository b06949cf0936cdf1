//! Where the server is, whom to trust, and where its clients keep their stores.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anser_sdk::{CertificatePin, ClientCertificate, Endpoint, SecretString, TlsTerms, Trust};
use anser_types::{ErrorCode, Refusal, UserId};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Environment variables, as a function so that tests bring their own.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What `anser serve` writes into its data directory when it listens.
#[derive(Clone, Debug, Default, Deserialize)]
struct ServerFile {
    tcp: Option<String>,
    tls: Option<String>,
    quic: Option<String>,
    http: Option<String>,
    https: Option<String>,
    certificate_sha256: Option<String>,
    api_key_file: Option<PathBuf>,
}

/// What was said on the command line about the server.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// `--server`.
    pub server: Option<ServerUrl>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--pin`.
    pub pin: Option<CertificatePin>,
    /// `--client-cert` and `--client-key`.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// `--api-key-file`.
    pub api_key_file: Option<PathBuf>,
    /// `--allow-plaintext`.
    pub allow_plaintext: bool,
}

/// A server's address as it is written on the command line: `https://host:port`, or `http`, `tls`, `quic`, `tcp`,
/// `ws`, `wss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerUrl(Endpoint);

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let how = || "write https://host:port (or http, tls, quic, tcp, ws, wss)".to_owned();
        let (scheme, rest) = url.split_once("://").ok_or_else(how)?;
        let url = match scheme {
            "https" => format!("wss://{rest}"),
            "http" => format!("ws://{rest}"),
            "tcp" | "tls" | "quic" | "ws" | "wss" => url.to_owned(),
            _ => return Err(how()),
        };
        url.parse().map(Self).map_err(|refusal: Refusal| format!("{}; {}", refusal.detail, how()))
    }
}

/// A server as its clients see it.
#[derive(Clone, Debug)]
pub struct Place {
    /// For people.
    pub shown: String,
    /// Name of the directory of its clients.
    pub directory: String,
    /// Where a session may be opened.
    pub session: Endpoint,
    /// The base of its HTTP API.
    pub http: String,
    /// Which certificates are accepted, and which is shown.
    pub tls: TlsTerms,
    /// Its API key, when this user of the machine may read it.
    pub api_key: Option<SecretString>,
    /// Plain connections to other machines are allowed.
    pub allow_plaintext: bool,
}

impl Place {
    /// Finds the server: the one named, else the one that was started on this machine.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when something is written wrongly, `UNREACHABLE` when no server was started on this machine.
    pub fn find(wanted: &Wanted, environment: Environment<'_>) -> Result<Self, Refusal> {
        let mut place = match &wanted.server {
            Some(server) => Self::named(server, wanted, environment)?,
            None => Self::on_this_machine(wanted, environment)?,
        };
        if let Some(pin) = &wanted.pin {
            place.tls.trust = Trust::Pinned(vec![*pin]);
        }
        if let Some((chain, key)) = &wanted.certificate {
            place.tls.certificate = Some(read_certificate(chain, key)?);
        }
        if let Some(file) = &wanted.api_key_file {
            place.api_key = Some(read_api_key(file)?);
        }
        place.allow_plaintext = wanted.allow_plaintext;
        Ok(place)
    }

    fn on_this_machine(wanted: &Wanted, environment: Environment<'_>) -> Result<Self, Refusal> {
        let data_dir = data_dir(wanted, environment)?;
        let Some(file) = read_server_file(&data_dir)? else {
            let why = format!(
                "no server has been started with the data directory {}: start one with 'anser serve', or name one with --server",
                data_dir.display()
            );
            return Err(Refusal::because(ErrorCode::Unreachable, why));
        };
        let listening = [
            ("tcp", &file.tcp),
            ("tls", &file.tls),
            ("quic", &file.quic),
            ("ws", &file.http),
            ("wss", &file.https),
        ];
        let (scheme, address) = listening
            .into_iter()
            .find_map(|(scheme, address)| Some((scheme, address.as_ref()?)))
            .ok_or_else(|| listens_nowhere(&data_dir))?;
        let http = match (&file.http, &file.https) {
            (Some(http), _) => format!("http://{http}"),
            (None, Some(https)) => format!("https://{https}"),
            (None, None) => return Err(listens_nowhere(&data_dir)),
        };
        let api_key = file.api_key_file.as_deref().map(read_api_key).and_then(Result::ok);
        Ok(Self {
            shown: address.clone(),
            directory: local_directory(&data_dir, api_key.as_ref()),
            session: format!("{scheme}://{address}").parse()?,
            http,
            tls: terms(trust_of(&file)?),
            api_key,
            allow_plaintext: false,
        })
    }

    /// A server by its URL. If it is the one on this machine, its API key and its certificate are known as well.
    fn named(
        ServerUrl(session): &ServerUrl,
        wanted: &Wanted,
        environment: Environment<'_>,
    ) -> Result<Self, Refusal> {
        let session = session.clone();
        let local = data_dir(wanted, environment).ok().and_then(|dir| {
            let file = read_server_file(&dir).ok().flatten()?;
            listens_at(&file, &session.authority()).then_some((dir, file))
        });
        let http = match (&local, session.http_base()) {
            (_, Some(base)) => base,
            (Some((_, ServerFile { http: Some(http), .. })), None) => format!("http://{http}"),
            (Some((_, ServerFile { https: Some(https), .. })), None) => format!("https://{https}"),
            // Accounts live beside sessions: the default port of the HTTP API on the same host.
            (_, None) => {
                let scheme = if session.scheme.is_encrypted() { "wss" } else { "ws" };
                let (open, close) = if session.host.contains(':') { ("[", "]") } else { ("", "") };
                let beside: Endpoint =
                    format!("{scheme}://{open}{}{close}", session.host).parse()?;
                beside.http_base().ok_or_else(|| has_no_accounts(&session))?
            }
        };
        let api_key =
            local.as_ref().and_then(|(_, file)| read_api_key(file.api_key_file.as_deref()?).ok());
        let directory = match &local {
            Some((dir, _)) => local_directory(dir, api_key.as_ref()),
            None => file_name(&session.authority()),
        };
        let trust = local.as_ref().map(|(_, file)| trust_of(file)).transpose()?.unwrap_or_default();
        let shown = session.authority();
        let tls = terms(trust);
        Ok(Self { shown, directory, session, http, tls, api_key, allow_plaintext: false })
    }
}

/// The data directory of the server on this machine.
fn data_dir(wanted: &Wanted, environment: Environment<'_>) -> Result<PathBuf, Refusal> {
    match &wanted.data_dir {
        Some(dir) => Ok(dir.clone()),
        None => Ok(home_of("ANSER_DATA_DIR", "server", environment)?),
    }
}

/// Where all clients of this user of the machine keep their stores.
///
/// # Errors
/// `CONFIG_INVALID` when the environment names no home.
pub fn client_dir(environment: Environment<'_>) -> Result<PathBuf, Refusal> {
    home_of("ANSER_CLIENT_DIR", "client", environment)
}

fn home_of(variable: &str, part: &str, environment: Environment<'_>) -> Result<PathBuf, Refusal> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set(variable) {
        return Ok(dir);
    }
    let data = set("XDG_DATA_HOME").filter(|dir| dir.is_absolute());
    data.or_else(|| set("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("anser").join(part))
        .ok_or_else(|| {
            let why = format!("neither {variable} nor HOME is set: set one of them");
            Refusal::because(ErrorCode::ConfigInvalid, why)
        })
}

fn read_server_file(data_dir: &Path) -> Result<Option<ServerFile>, Refusal> {
    let path = data_dir.join("server.json");
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| unreadable(&path, &error))
}

/// The first key of an API key file: one per line, `#` begins a comment.
fn read_api_key(path: &Path) -> Result<SecretString, Refusal> {
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|key| SecretString::from(key.to_owned()))
        .ok_or_else(|| unreadable(path, &"it holds no key"))
}

fn read_certificate(chain: &Path, key: &Path) -> Result<ClientCertificate, Refusal> {
    let read = |path: &Path| fs::read(path).map_err(|error| unreadable(path, &error));
    ClientCertificate::from_pem(&read(chain)?, &Zeroizing::new(read(key)?))
        .map_err(|refusal| unreadable(chain, &refusal.detail))
}

const fn terms(trust: Trust) -> TlsTerms {
    TlsTerms { trust, certificate: None }
}

fn unreadable(path: &Path, why: &dyn std::fmt::Display) -> Refusal {
    Refusal::because(ErrorCode::ConfigInvalid, format!("{}: {why}", path.display()))
}

fn listens_nowhere(data_dir: &Path) -> Refusal {
    let why = format!(
        "the server of {} listens at no address for {}",
        data_dir.display(),
        "sessions and accounts: turn on 'tcp' and 'http', or 'https'"
    );
    Refusal::because(ErrorCode::ConfigInvalid, why)
}

fn has_no_accounts(session: &Endpoint) -> Refusal {
    let why = format!("{session}: nothing is known of its HTTP API; write https://host:port");
    Refusal::because(ErrorCode::ConfigInvalid, why)
}

fn listens_at(file: &ServerFile, authority: &str) -> bool {
    [&file.tcp, &file.tls, &file.quic, &file.http, &file.https]
        .into_iter()
        .any(|address| address.as_deref() == Some(authority))
}

fn trust_of(file: &ServerFile) -> Result<Trust, Refusal> {
    match &file.certificate_sha256 {
        Some(pin) => Ok(Trust::Pinned(vec![pin.parse::<CertificatePin>()?])),
        None => Ok(Trust::System),
    }
}

/// Names the server on this machine by its API key: a data directory that was made anew is another server, whose
/// clients must not go on with the old one's stores.
fn local_directory(data_dir: &Path, api_key: Option<&SecretString>) -> String {
    let name = match api_key {
        Some(key) => Sha256::digest(key.expose_secret()),
        None => Sha256::digest(data_dir.as_os_str().as_encoded_bytes()),
    };
    format!("local-{}", hex::encode(&name[..6]))
}

/// A text as a file name: letters, digits and a few signs stay, other bytes become `%` and two digits.
fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'@' | b'+')
            || (byte == b'.' && at > 0);
        if plain {
            name.push(char::from(byte));
        } else {
            name.push('%');
            name.push_str(&hex::encode([byte]));
        }
    }
    name
}

/// The directory of one store.
#[must_use]
pub fn store_directory(clients: &Path, server: &str, user: &UserId, slot: &str) -> PathBuf {
    clients.join(server).join(file_name(user.as_str())).join(slot)
}
