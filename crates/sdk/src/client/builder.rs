//! Opens a client: where the server is, whom to trust, where to store, who one is.

use std::path::PathBuf;
use std::sync::Arc;

use anser_client::core::Core;
use anser_client::io::{Config, Identity, ListTrust};
use anser_client::records::Snapshot;
use anser_types::{Clock, DeviceClass, ErrorCode, Refusal, UserId};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, watch};

use super::devices::{AppServerDevices, DeviceSource, PasswordDevices};
use super::handle::{Client, Inner};
use super::state::ConnectionState;
use crate::clock::SystemClock;
use crate::driver::{Credentials, CredentialsTask, Driver, DriverParts, GatewayLists};
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::events::{Event, EventQueue};
use crate::files::RunningUploads;
use crate::http::{
    AccountClient, AppServerClient, DeviceDescription, FilesClient, HttpConnection, SignedIn,
};
use crate::store::{Store, StoreOptions};
use crate::tls::{ClientCertificate, TlsTerms};
use crate::transports::Dialer;
use crate::trust::Trust;

/// Requests waiting for the driver; a full queue makes the caller wait.
const REQUESTS: usize = 64;
/// Needs of new credentials: one under way and one noticed meanwhile.
const NEEDS: usize = 2;

/// Settings of a client; ends with one of the `login…` functions.
#[derive(Clone, Debug)]
pub struct ClientBuilder {
    endpoints: Vec<Endpoint>,
    http: Option<String>,
    tls: TlsTerms,
    allow_plaintext: bool,
    store: Option<StoreOptions>,
    device: DeviceDescription,
    program: String,
    network: String,
    background: bool,
    sync: SyncMode,
    compression: bool,
    list_trust: ListTrust,
    clock: Arc<dyn Clock>,
}

/// What a client reads when it comes: whatever happened, or what is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SyncMode {
    /// Everything that was missed, with the last message of each conversation when it is new.
    #[default]
    Whole,
    /// First the conversations, with what is unread in each; messages of a conversation when it is opened
    /// ([`Client::history`]). So a new device, and one that was away for long, is ready after as few bytes as there are
    /// conversations, however much was said; who missed little reads it as usual.
    OnDemand,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            http: None,
            tls: TlsTerms::default(),
            allow_plaintext: false,
            store: None,
            device: DeviceDescription { class: DeviceClass::Desktop, name: String::new() },
            program: concat!("anser-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            network: String::new(),
            background: false,
            sync: SyncMode::Whole,
            compression: true,
            list_trust: ListTrust::First,
            clock: Arc::new(SystemClock),
        }
    }
}

/// Who the client is, before the store was looked at.
enum Who {
    /// The device in the store; a new one by this source if there is none.
    BySource(Arc<dyn DeviceSource>),
    /// This device, whatever the store says.
    Device(SignedIn),
    /// The device in the store.
    Stored,
}

impl ClientBuilder {
    /// Adds an address of the server; the last one that worked on this network is tried first, then the others. Several
    /// transports of one host are tried beside each other: QUIC first, 250 ms later TLS, then WebSocket; whichever is ready
    /// first is taken.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// The base URL of the HTTP API. Needed for passwords, renewal and sign-out; WebSocket endpoints imply theirs.
    #[must_use]
    pub fn http(mut self, base: impl Into<String>) -> Self {
        self.http = Some(base.into());
        self
    }

    /// Which server certificates are accepted (default: the system's authorities).
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.tls.trust = trust;
        self
    }

    /// Shows this certificate where the server asks for one (mTLS), over TLS, QUIC, WebSocket and HTTP alike: its chain, its
    /// own first, and its private key, both PEM.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when one of them cannot be read, or they do not belong together.
    pub fn client_certificate(mut self, chain: &[u8], key: &[u8]) -> Result<Self, Refusal> {
        self.tls.certificate = Some(ClientCertificate::from_pem(chain, key)?);
        Ok(self)
    }

    /// How TLS is spoken, in one: trust and certificate.
    #[must_use]
    pub fn tls(mut self, terms: TlsTerms) -> Self {
        self.tls = terms;
        self
    }

    /// Allows unencrypted connections to other machines. Everybody on the way can then read messages and token.
    #[must_use]
    pub const fn allow_plaintext(mut self, allow: bool) -> Self {
        self.allow_plaintext = allow;
        self
    }

    /// The directory of the local store, one per (user, device); its key lies in a file beside it.
    #[must_use]
    pub fn store_directory(self, directory: impl Into<PathBuf>) -> Self {
        self.store(StoreOptions::with_key_file(directory))
    }

    /// The local store with a key of the app's own.
    #[must_use]
    pub fn store(mut self, options: StoreOptions) -> Self {
        self.store = Some(options);
        self
    }

    /// What this device is and how its user knows it (default: a desktop without a name).
    #[must_use]
    pub fn device(mut self, class: DeviceClass, name: impl Into<String>) -> Self {
        self.device = DeviceDescription { class, name: name.into() };
        self
    }

    /// Program and version, for the server's logs.
    #[must_use]
    pub fn program(mut self, program: impl Into<String>) -> Self {
        self.program = program.into();
        self
    }

    /// The network at the start: `wifi:<name>`, `mobile:<operator>`, or empty when unknown.
    #[must_use]
    pub fn network(mut self, network: impl Into<String>) -> Self {
        self.network = network.into();
        self
    }

    /// What is read when the client comes; [`SyncMode::Whole`] if not said.
    #[must_use]
    pub const fn sync_mode(mut self, mode: SyncMode) -> Self {
        self.sync = mode;
        self
    }

    /// Starts in the background: heartbeats are rarer.
    #[must_use]
    pub const fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// Whether long messages and pages may be compressed, as far as the server does; true if not said. Without it somebody
    /// who sees only lengths on the wire learns a little less of what is said.
    #[must_use]
    pub const fn compression(mut self, on: bool) -> Self {
        self.compression = on;
        self
    }

    /// Whose lists of the servers' addresses are believed; if not said, those of the first. They are tried before the
    /// addresses named by [`endpoint`](Self::endpoint), always encrypted, and their certificates must be as
    /// [`trust`](Self::trust) has it.
    #[must_use]
    pub const fn list_trust(mut self, trust: ListTrust) -> Self {
        self.list_trust = trust;
        self
    }

    /// Another wall clock (for tests and simulations).
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The account client with these settings.
    ///
    /// # Errors
    /// `CONFIG_INVALID` when no HTTP base is known or it is not valid.
    pub fn account(&self) -> Result<AccountClient, Error> {
        Ok(AccountClient::new(self.http_connection()?.ok_or_else(no_http)?))
    }

    /// Opens the client with a device token from one's own app server (or `anser token`).
    ///
    /// The token is exchanged for a fresh one at once, which says which device it belongs to. If the store already
    /// holds a device of this user that device is used and `token` is not.
    ///
    /// # Errors
    /// `TOKEN_INVALID`, `TOKEN_EXPIRED`, `STORE_IN_USE` and what else can be wrong with store or server.
    pub async fn login(self, user: UserId, token: SecretString) -> Result<Client, Error> {
        let account = self.account()?;
        let store = self.open_store().await?;
        if store.identity().await?.is_some_and(|identity| identity.user == user) {
            return self.start(store, Who::Stored).await;
        }
        let signed_in = account.renew(&token).await?;
        if signed_in.user != user {
            let whose = format!("the token belongs to {}, not to {user}", signed_in.user);
            return Err(Refusal::because(ErrorCode::TokenInvalid, whose).into());
        }
        self.start(store, Who::Device(signed_in)).await
    }

    /// Opens the client as a device that was signed in just now by other means.
    ///
    /// # Errors
    /// `STORE_IN_USE` and what else can be wrong with the store.
    pub async fn login_as(self, signed_in: SignedIn) -> Result<Client, Error> {
        let store = self.open_store().await?;
        self.start(store, Who::Device(signed_in)).await
    }

    /// Opens the client of the user with this password. The first time the device is signed in; later starts go on
    /// with the stored device, also offline. The password is kept in memory to sign in again when that is needed.
    ///
    /// # Errors
    /// `WRONG_CREDENTIALS`, `STORE_IN_USE` and what else can be wrong with store or server.
    pub async fn login_with_password(
        self,
        user: UserId,
        password: SecretString,
    ) -> Result<Client, Error> {
        let source = PasswordDevices {
            account: self.account()?,
            user,
            password,
            device: self.device.clone(),
        };
        self.login_with(Arc::new(source)).await
    }

    /// Makes an account and opens its client.
    ///
    /// # Errors
    /// `USER_EXISTS`, `PASSWORD_REFUSED`, `REGISTRATION_CLOSED`, `STORE_IN_USE` and what else can be wrong.
    pub async fn register(self, user: UserId, password: SecretString) -> Result<Client, Error> {
        let account = self.account()?;
        let store = self.open_store().await?;
        let signed_in = account.register(&user, &password, &self.device).await?;
        self.start(store, Who::Device(signed_in)).await
    }

    /// Opens the client of a bot, or of any user on the server's own machine, with the server's API key. An unknown
    /// user is made; devices are taken as they are needed.
    ///
    /// # Errors
    /// `API_KEY_INVALID`, `STORE_IN_USE` and what else can be wrong with store or server.
    pub async fn login_with_api_key(
        self,
        user: UserId,
        api_key: SecretString,
    ) -> Result<Client, Error> {
        let connection = self.http_connection()?.ok_or_else(no_http)?;
        let app_server = AppServerClient::new(connection, api_key);
        let source = AppServerDevices::new(app_server, user, self.device.clone());
        self.login_with(Arc::new(source)).await
    }

    /// Opens the client with devices from this source, asked only when the store holds none that can be used.
    ///
    /// # Errors
    /// What the source says, `STORE_IN_USE` and what else can be wrong with the store.
    pub async fn login_with(self, source: Arc<dyn DeviceSource>) -> Result<Client, Error> {
        let store = self.open_store().await?;
        self.start(store, Who::BySource(source)).await
    }

    /// Opens the client of the device in the store; works offline.
    ///
    /// # Errors
    /// `TOKEN_INVALID` when the store holds no device yet, `STORE_IN_USE` and what else can be wrong with the store.
    pub async fn resume(self) -> Result<Client, Error> {
        let store = self.open_store().await?;
        self.start(store, Who::Stored).await
    }

    async fn open_store(&self) -> Result<Store, Error> {
        let options = self.store.clone().ok_or_else(|| {
            let what = "no store was named: call store_directory(…)";
            Refusal::because(ErrorCode::ConfigInvalid, what)
        })?;
        Ok(Store::open(options).await?)
    }

    fn http_connection(&self) -> Result<Option<HttpConnection>, Error> {
        let implied = || self.endpoints.iter().find_map(Endpoint::http_base);
        let Some(base) = self.http.clone().or_else(implied) else { return Ok(None) };
        Ok(Some(HttpConnection::new(&base, &self.tls, self.allow_plaintext)?))
    }

    /// Starts the client; on an error the store's lock is released before this returns.
    async fn start(self, store: Store, who: Who) -> Result<Client, Error> {
        let result = self.try_start(store.clone(), who).await;
        if result.is_err() {
            store.close().await;
        }
        result
    }

    async fn try_start(self, store: Store, who: Who) -> Result<Client, Error> {
        if self.endpoints.is_empty() {
            let what = "no server was named: call endpoint(…)";
            return Err(Refusal::because(ErrorCode::ConfigInvalid, what).into());
        }
        for endpoint in &self.endpoints {
            endpoint.require_private(self.allow_plaintext)?;
        }
        let dialer = Dialer::new(&self.tls, self.allow_plaintext)?;
        let stored = store.identity().await?;
        let chosen = self.choose_device(stored, who).await?;
        let credentials = match &chosen.fresh {
            Some(fresh) => Credentials::fresh(fresh, self.clock.now()),
            None => Credentials {
                token: SecretString::from(chosen.identity.token.clone()),
                renew_at: store.renewal().await?,
            },
        };
        if chosen.first {
            store.keep_identity(chosen.identity.clone(), credentials.renew_at).await?;
        } else if chosen.fresh.is_some() {
            store.keep_renewal(credentials.renew_at).await?;
        }
        let snapshot = store.snapshot().await?.unwrap_or_else(|| Snapshot::new(chosen.identity));
        let core = Core::new(self.config()?, snapshot);
        self.assemble(
            store,
            dialer,
            core,
            credentials,
            chosen.source,
            chosen.fresh.filter(|_| !chosen.first),
        )
        .await
    }

    /// Decides which device the client is: the stored one, or a new one.
    async fn choose_device(&self, stored: Option<Identity>, who: Who) -> Result<Chosen, Error> {
        let (fresh, source) = match who {
            Who::Stored => (None, None),
            Who::Device(signed_in) => (Some(signed_in), None),
            Who::BySource(source) => {
                require_owner(stored.as_ref(), source.user())?;
                // A signed-out device has no token; it cannot be used again.
                let usable = stored.as_ref().is_some_and(|identity| !identity.token.is_empty());
                let fresh = if usable { None } else { Some(source.new_device().await?) };
                (fresh, Some(source))
            }
        };
        if let Some(fresh) = &fresh {
            require_owner(stored.as_ref(), &fresh.user)?;
        }
        let first = stored.is_none();
        let identity = match (stored, &fresh) {
            (Some(stored), _) => stored,
            (None, Some(fresh)) => Identity {
                user: fresh.user.clone(),
                device: fresh.device,
                class: self.device.class,
                token: fresh.token.expose_secret().to_owned(),
            },
            (None, None) => {
                let what = "the store holds no device yet: log in first";
                return Err(Refusal::because(ErrorCode::TokenInvalid, what).into());
            }
        };
        Ok(Chosen { identity, first, fresh, source })
    }

    fn config(&self) -> Result<Config, Error> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|error| {
            Refusal::because(ErrorCode::Internal, format!("no randomness: {error}"))
        })?;
        Ok(Config {
            endpoints: self.endpoints.iter().map(Endpoint::to_core).collect(),
            list_trust: self.list_trust,
            client: self.program.clone(),
            network: self.network.clone(),
            background: self.background,
            page_entries: 50,
            on_demand: self.sync == SyncMode::OnDemand,
            compression: self.compression,
            seed: u64::from_le_bytes(seed),
        })
    }

    async fn assemble(
        self,
        store: Store,
        dialer: Dialer,
        core: Core,
        credentials: Credentials,
        source: Option<Arc<dyn DeviceSource>>,
        take: Option<SignedIn>,
    ) -> Result<Client, Error> {
        let http = self.http_connection()?;
        let (account, files) = (http.clone().map(AccountClient::new), http.map(FilesClient::new));
        let queue = Arc::new(EventQueue::new(store.newest_arrival().await?));
        if let Some(path) = store.key_file_made() {
            queue.push(Event::KeyFileMade(path.clone()));
        }
        let (requests, requests_for_driver) = mpsc::channel(REQUESTS);
        let (needs, needs_for_task) = mpsc::channel(NEEDS);
        let (state_from, state) = watch::channel(ConnectionState::Connecting);
        let (synced_from, synced) = watch::channel(false);
        let user = core.identity().user.clone();
        let kept_drafts = store.kept_drafts().await?;
        // Before anybody reads: what expired while this client did not run is not shown once more.
        let next_expiry = store.forget_expired(self.clock.now()).await?.next;
        let driver = Driver::new(DriverParts {
            core,
            store: store.clone(),
            dialer,
            clock: Arc::clone(&self.clock),
            queue: Arc::clone(&queue),
            state: state_from,
            synced: synced_from,
            requests: requests_for_driver,
            needs: needs.clone(),
            gateways: GatewayLists { http: account.clone(), taker: requests.downgrade() },
            kept_drafts,
            next_expiry,
            take,
        });
        let task = CredentialsTask {
            credentials,
            account: account.clone(),
            source,
            clock: self.clock,
            store: store.clone(),
            queue: Arc::clone(&queue),
            needs: needs_for_task,
            requests: requests.downgrade(),
        };
        tokio::spawn(driver.run());
        tokio::spawn(task.run());
        Ok(Client::new(Inner {
            user,
            store,
            requests,
            queue,
            state,
            synced,
            account,
            files,
            running_uploads: RunningUploads::default(),
            needs,
        }))
    }
}

/// The device a client will be.
struct Chosen {
    /// As stored, or as it will be stored first.
    identity: Identity,
    /// The store held no device.
    first: bool,
    /// Credentials had just now.
    fresh: Option<SignedIn>,
    source: Option<Arc<dyn DeviceSource>>,
}

fn no_http() -> Refusal {
    let what = "no HTTP base URL is known: give one with http(…), or use a WebSocket endpoint";
    Refusal::because(ErrorCode::ConfigInvalid, what)
}

fn require_owner(stored: Option<&Identity>, user: &UserId) -> Result<(), Refusal> {
    match stored {
        Some(identity) if identity.user != *user => Err(Refusal::because(
            ErrorCode::ConfigInvalid,
            format!("this store belongs to {}; name another directory for {user}", identity.user),
        )),
        _ => Ok(()),
    }
}
