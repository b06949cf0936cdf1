//! Who a command acts as: a stored device of the user, or a new one by API key or password.
//!
//! The chat has a store of its own. Other commands take the first store that no other process uses (`cli-0`, `cli-1`,
//! …), so that they run beside an open chat and beside each other.

use std::path::PathBuf;
use std::sync::Arc;

use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection};
use anser_sdk::store::StoreError;
use anser_sdk::{
    AppServerDevices, CertificatePin, Client, ClientBuilder, Error, ListTrust, SecretString,
    SyncMode,
};
use anser_types::{DeviceClass, ErrorCode, Refusal, UserId};
use clap::Args;
use secrecy::ExposeSecret;

use crate::place::{self, Environment, Place, ServerUrl, Wanted};

/// Stores of commands of one user that may be in use at once; each is a device, and a user has at most 64.
const SLOTS: usize = 32;
/// Where a password may stand instead of being typed.
const PASSWORD_VARIABLE: &str = "ANSER_PASSWORD";
/// Where one to change to may stand.
const NEW_PASSWORD_VARIABLE: &str = "ANSER_NEW_PASSWORD";

/// Which server: the same for every command that talks to one.
#[derive(Args, Clone, Debug, Default)]
pub struct Where {
    /// The server: https://host:port (or http, tls, quic, tcp, ws, wss). Default: the one started on this machine
    #[arg(long, env = "ANSER_SERVER", value_name = "URL")]
    pub server: Option<ServerUrl>,
    /// The server's data directory, to find the server started on this machine
    #[arg(long, env = "ANSER_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Accept exactly this server certificate: the 64 hexadecimal digits of its SHA-256
    #[arg(long, value_name = "SHA256", value_parser = pin)]
    pub pin: Option<CertificatePin>,
    /// The certificate to show to a server that asks for one, PEM, its own first
    #[arg(long, env = "ANSER_CLIENT_CERT", value_name = "FILE", requires = "client_key")]
    pub client_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, env = "ANSER_CLIENT_KEY", value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
    /// A file with the server's API key, for servers that are not on this machine
    #[arg(long, env = "ANSER_API_KEY_FILE", value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Allow unencrypted connections to other machines: everybody on the way can read along
    #[arg(long)]
    pub allow_plaintext: bool,
}

/// A pin as the argument parser wants it: what is wrong, without the error's name.
fn pin(text: &str) -> Result<CertificatePin, String> {
    text.parse().map_err(|refusal: Refusal| refusal.detail)
}

impl Where {
    /// Finds the server.
    ///
    /// # Errors
    /// `CONFIG_INVALID`, or `UNREACHABLE` when no server was started on this machine.
    pub fn find(&self) -> Result<Place, Refusal> {
        let wanted = Wanted {
            server: self.server.clone(),
            data_dir: self.data_dir.clone(),
            pin: self.pin,
            certificate: self.client_cert.clone().zip(self.client_key.clone()),
            api_key_file: self.api_key_file.clone(),
            allow_plaintext: self.allow_plaintext,
        };
        Place::find(&wanted, &variable)
    }
}

/// As whom, and where: the same for every command that signs in.
#[derive(Args, Clone, Debug)]
pub struct Who {
    /// The user to act as
    #[arg(long = "as", value_name = "USER")]
    pub user: UserId,
    /// At which server.
    #[command(flatten)]
    pub place: Where,
    /// Sign in with a password (asked for, or in ANSER_PASSWORD) instead of the server's API key
    #[arg(long)]
    pub password: bool,
    /// Register the user with that password first
    #[arg(long, requires = "password")]
    pub register: bool,
    /// At a first login, or after a long absence, read messages only of the conversations that are opened
    #[arg(long)]
    pub on_demand: bool,
}

/// What commands take that say nothing more of how they run.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// As whom, and where.
    #[command(flatten)]
    pub who: Who,
    /// Seconds to wait for the connection
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub timeout: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A variable of the environment; one that is no text counts as not set.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What kind of program opens a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The chat: one at a time for a user.
    Chat,
    /// Anything else: any number at a time.
    Command,
}

impl Purpose {
    const fn class(self) -> DeviceClass {
        match self {
            Self::Chat => DeviceClass::Desktop,
            Self::Command => DeviceClass::Cli,
        }
    }

    /// The names of the stores it may take, in order.
    pub fn slots(self) -> Vec<String> {
        match self {
            Self::Chat => vec!["chat".to_owned()],
            Self::Command => (0..SLOTS).map(|number| format!("cli-{number}")).collect(),
        }
    }
}

/// How a device comes to be when the store holds none.
#[derive(Clone)]
enum Credentials {
    Password(SecretString),
    Register(SecretString),
    ApiKey(SecretString),
    /// Only a stored device can be used.
    None,
}

/// Opens the client of a user: the stored device of the first free slot, or a new one. A token that has ended is
/// renewed the same way while the client runs.
///
/// # Errors
/// What is wrong with place, password or key; `STORE_IN_USE` when every slot is taken.
pub async fn open(who: &Who, place: &Place, purpose: Purpose) -> Result<Client, Refusal> {
    let credentials = credentials(who, place)?;
    let clients = place::client_dir(&variable as Environment<'_>)?;
    let mut in_use = None;
    for slot in purpose.slots() {
        let directory = place::store_directory(&clients, &place.directory, &who.user, &slot);
        let mode = if who.on_demand { SyncMode::OnDemand } else { SyncMode::Whole };
        let builder = builder(place, purpose).store_directory(directory).sync_mode(mode);
        match sign_in(builder, who, place, purpose, credentials.clone()).await {
            Ok(client) => return Ok(client),
            Err(Error::Store(error @ StoreError::InUse { .. })) => in_use = Some(error),
            Err(error) => return Err(explain(error, who, place, &credentials)),
        }
    }
    Err(in_use.map_or_else(|| Refusal::new(ErrorCode::StoreInUse), Refusal::from))
}

/// Opens every store of a user's commands that is there and that no other process uses, one after the other: what an
/// interrupted command left may lie in any of them.
///
/// # Errors
/// What is wrong with place, password or key.
pub async fn open_each(
    who: &Who,
    place: &Place,
    mut work: impl AsyncFnMut(Client) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let credentials = credentials(who, place)?;
    let clients = place::client_dir(&variable as Environment<'_>)?;
    for slot in Purpose::Command.slots() {
        let directory = place::store_directory(&clients, &place.directory, &who.user, &slot);
        if !directory.is_dir() {
            continue;
        }
        let builder = builder(place, Purpose::Command).store_directory(directory);
        let client = match sign_in(builder, who, place, Purpose::Command, credentials.clone()).await
        {
            Ok(client) => client,
            Err(Error::Store(StoreError::InUse { .. })) => continue,
            Err(error) => return Err(explain(error, who, place, &credentials).into()),
        };
        let result = work(client.clone()).await;
        client.close().await;
        result?;
    }
    Ok(())
}

fn builder(place: &Place, purpose: Purpose) -> ClientBuilder {
    Client::builder()
        .endpoint(place.session.clone())
        .list_trust(list_trust(place))
        .http(place.http.clone())
        .tls(place.tls.clone())
        .allow_plaintext(place.allow_plaintext)
        .device(purpose.class(), device_name(purpose))
        .program(concat!("anser/", env!("CARGO_PKG_VERSION")))
}

/// Who names this machine itself stays on it: the list is for those who come from elsewhere.
fn list_trust(place: &Place) -> ListTrust {
    if place.session.is_loopback() { ListTrust::Nobody } else { ListTrust::First }
}

async fn sign_in(
    builder: ClientBuilder,
    who: &Who,
    place: &Place,
    purpose: Purpose,
    credentials: Credentials,
) -> Result<Client, Error> {
    match credentials {
        Credentials::Password(password) => {
            builder.login_with_password(who.user.clone(), password).await
        }
        Credentials::Register(password) => builder.register(who.user.clone(), password).await,
        Credentials::ApiKey(key) => {
            let device = DeviceDescription { class: purpose.class(), name: device_name(purpose) };
            let source = AppServerDevices::new(app_server(place, key)?, who.user.clone(), device);
            builder.login_with(Arc::new(source)).await
        }
        Credentials::None => builder.resume().await,
    }
}

/// The app-server door of a place.
///
/// # Errors
/// `CONFIG_INVALID` when its address cannot be used.
pub fn app_server(place: &Place, key: SecretString) -> Result<AppServerClient, Refusal> {
    Ok(AppServerClient::new(http(place)?, key))
}

fn http(place: &Place) -> Result<HttpConnection, Refusal> {
    HttpConnection::new(&place.http, &place.tls, place.allow_plaintext)
}

fn credentials(who: &Who, place: &Place) -> Result<Credentials, Refusal> {
    if who.password {
        let password = password(&who.user)?;
        return Ok(if who.register {
            Credentials::Register(password)
        } else {
            Credentials::Password(password)
        });
    }
    Ok(place.api_key.clone().map_or(Credentials::None, Credentials::ApiKey))
}

/// The password from the environment, else asked for without showing it.
///
/// # Errors
/// `CONFIG_INVALID` when nobody can be asked.
pub fn password(user: &UserId) -> Result<SecretString, Refusal> {
    ask(PASSWORD_VARIABLE, &format!("Password of {user}: "))
}

/// The password to change to, likewise; asked for twice.
///
/// # Errors
/// `CONFIG_INVALID` when nobody can be asked, or two different ones were typed.
pub fn new_password(user: &UserId) -> Result<SecretString, Refusal> {
    let new = ask(NEW_PASSWORD_VARIABLE, &format!("New password of {user}: "))?;
    let again = ask(NEW_PASSWORD_VARIABLE, "The same again: ")?;
    if new.expose_secret() != again.expose_secret() {
        let why = "the two new passwords differ; nothing was changed";
        return Err(Refusal::because(ErrorCode::ConfigInvalid, why));
    }
    Ok(new)
}

fn ask(variable_name: &str, prompt: &str) -> Result<SecretString, Refusal> {
    if let Some(password) = variable(variable_name) {
        return Ok(SecretString::from(password));
    }
    rpassword::prompt_password(prompt).map(SecretString::from).map_err(|error| {
        let why = format!("no password can be asked for here ({error}): set {variable_name}");
        Refusal::because(ErrorCode::ConfigInvalid, why)
    })
}

/// Says what is missing when nobody could have signed in.
fn explain(error: Error, who: &Who, place: &Place, credentials: &Credentials) -> Refusal {
    let refusal = Refusal::from(error);
    match (refusal.code, credentials) {
        (ErrorCode::TokenInvalid, Credentials::None) => Refusal::because(
            ErrorCode::TokenInvalid,
            format!(
                "{} is not signed in at {} on this machine: add --password (and --register for a new user), or \
                 --api-key-file",
                who.user, place.shown
            ),
        ),
        _ => refusal,
    }
}

/// What the user sees in a list of devices.
fn device_name(purpose: Purpose) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match purpose {
        Purpose::Chat => format!("anser chat on {host}"),
        Purpose::Command => format!("anser command line on {host}"),
    }
}
