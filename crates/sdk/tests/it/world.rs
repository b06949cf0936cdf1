//! A real server in this process (service, gateway, in-memory backend) and clients that talk to it over sockets.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{MemoryBackend, MemoryBlobs};
use anser_gateway::{Gateway, GatewayConfig, ListenerConfig, ListenerKind, PublishedList};
use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection, SignedIn};
use anser_sdk::{
    AppServerDevices, CertificatePin, Client, ClientBuilder, Event, Events, SecretString,
    SystemClock, Trust,
};
use anser_service::{Entropy, FilePorts, HashPlace, Hashing, Ports, Service, Settings};
use anser_types::{DeviceClass, UserId};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use sha2::{Digest, Sha256};

pub const API_KEY: &str = "anser_a_key_for_tests";
const KINDS: [ListenerKind; 5] = [
    ListenerKind::Tcp,
    ListenerKind::Tls,
    ListenerKind::Quic,
    ListenerKind::Http,
    ListenerKind::Https,
];

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).unwrap();
    }
}

/// A certificate a server made for itself.
pub struct Certificate {
    pub pin: CertificatePin,
    /// Its length.
    pub bytes: u64,
    pub config: Arc<rustls::ServerConfig>,
}

impl Certificate {
    pub fn new() -> Self {
        Self::asking(WebPkiClientVerifier::no_client_auth())
    }

    /// The same, with clients that this one accepts.
    pub fn asking(clients: Arc<dyn ClientCertVerifier>) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let der = made.cert.der().clone();
        let pin = CertificatePin::of(&der);
        let bytes = u64::try_from(der.len()).unwrap();
        let key = made.signing_key.serialize_der().try_into().unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![der], key)
            .unwrap();
        Self { pin, bytes, config: Arc::new(config) }
    }
}

/// The server.
pub struct World {
    backend: MemoryBackend,
    blobs: MemoryBlobs,
    change: fn(&mut Settings),
    compression: bool,
    /// The list of addresses that the server gives.
    pub gateways: PublishedList,
    running: Option<(Arc<Service>, Gateway)>,
    addresses: Vec<(ListenerKind, SocketAddr)>,
    certificate: Certificate,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    pub fn with(change: fn(&mut Settings)) -> Self {
        Self::made(change, true, Certificate::new())
    }

    /// A server whose operator wants no frame compressed, or which does not know yet that they could be.
    pub fn without_compression() -> Self {
        Self::made(|_| (), false, Certificate::new())
    }

    /// A server with this certificate.
    pub fn with_certificate(certificate: Certificate) -> Self {
        Self::made(|_| (), true, certificate)
    }

    fn made(change: fn(&mut Settings), compression: bool, certificate: Certificate) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut world = Self {
            backend: MemoryBackend::new(),
            blobs: MemoryBlobs::default(),
            change,
            compression,
            gateways: PublishedList::default(),
            running: None,
            addresses: KINDS.iter().map(|kind| (*kind, address)).collect(),
            certificate,
        };
        world.start();
        world
    }

    /// Starts the server where it listened before, on the same disk.
    pub fn start(&mut self) {
        let ports = Ports {
            ledger: Arc::new(self.backend.clone()),
            conversations: Arc::new(self.backend.clone()),
            lists: Arc::new(self.backend.clone()),
            accounts: Arc::new(self.backend.clone()),
            search: Some(Arc::new(self.backend.clone())),
            files: Some(FilePorts {
                known: Arc::new(self.backend.clone()),
                bytes: Arc::new(self.blobs.clone()),
            }),
        };
        let cheap = Hashing {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
            place: HashPlace::Inline,
            ..Hashing::default()
        };
        let mut settings = Settings {
            api_keys: vec![Sha256::digest(API_KEY).into()],
            hashing: cheap,
            ..Settings::default()
        };
        (self.change)(&mut settings);
        let service =
            Service::start(ports, Arc::new(SystemClock), Arc::new(SystemEntropy), settings);
        let config = GatewayConfig {
            listeners: self
                .addresses
                .iter()
                .map(|(kind, address)| ListenerConfig { address: *address, kind: *kind })
                .collect(),
            tls: Some(Arc::new(arc_swap::ArcSwap::new(Arc::clone(&self.certificate.config)))),
            connection: anser_gateway::Settings {
                compression: self.compression,
                gateways: self.gateways.clone(),
                ..anser_gateway::Settings::default()
            },
            ..GatewayConfig::default()
        };
        let gateway = Gateway::start(config, Arc::clone(&service)).unwrap();
        self.addresses = gateway.addresses();
        self.running = Some((service, gateway));
    }

    /// Kills the server: what was not committed is gone, every connection breaks. The next one listens for QUIC elsewhere:
    /// the socket of this one stays until its connections are forgotten.
    pub fn kill(&mut self) {
        self.backend.crash();
        self.running = None;
        for (kind, address) in &mut self.addresses {
            if *kind == ListenerKind::Quic {
                address.set_port(0);
            }
        }
        self.backend = self.backend.reopen();
    }

    /// The server's inside, to prepare what would take long over a socket.
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.running.as_ref().unwrap().0)
    }

    pub fn address(&self, kind: ListenerKind) -> SocketAddr {
        self.addresses.iter().find(|(other, _)| *other == kind).unwrap().1
    }

    pub fn pin(&self) -> CertificatePin {
        self.certificate.pin
    }

    pub const fn certificate_bytes(&self) -> u64 {
        self.certificate.bytes
    }

    pub fn url(&self, kind: ListenerKind) -> String {
        let scheme = match kind {
            ListenerKind::Tcp => "tcp",
            ListenerKind::Tls => "tls",
            ListenerKind::Quic => "quic",
            ListenerKind::Http => "ws",
            ListenerKind::Https => "wss",
        };
        format!("{scheme}://{}", self.address(kind))
    }

    pub fn http_base(&self) -> String {
        format!("http://{}", self.address(ListenerKind::Http))
    }

    pub fn app_server(&self) -> AppServerClient {
        let connection = HttpConnection::new(&self.http_base(), &Trust::System, false).unwrap();
        AppServerClient::new(connection, SecretString::from(API_KEY))
    }

    pub async fn device(&self, user: &str) -> SignedIn {
        let device = DeviceDescription { class: DeviceClass::Bot, name: "a test".to_owned() };
        self.app_server().mint_token(&id(user), &device, true, None).await.unwrap()
    }

    pub fn devices(&self, user: &str) -> Arc<AppServerDevices> {
        let device = DeviceDescription { class: DeviceClass::Bot, name: "a test".to_owned() };
        Arc::new(AppServerDevices::new(self.app_server(), id(user), device))
    }

    pub fn builder(&self, kind: ListenerKind, store: &Path) -> ClientBuilder {
        self.builder_at(&self.url(kind), store)
    }

    /// The same for another way to the server.
    pub fn builder_at(&self, url: &str, store: &Path) -> ClientBuilder {
        Client::builder()
            .endpoint(url.parse().unwrap())
            .http(self.http_base())
            .trust(Trust::Pinned(vec![self.pin()]))
            .device(DeviceClass::Bot, "a test")
            .store_directory(store)
    }

    /// A client of this user over TCP, connected if the server runs; the store decides whether it is a new device. A new
    /// device is told of what comes once it is there: what came before, it reads.
    pub async fn client(&self, user: &str, store: &Path) -> Client {
        let builder = self.builder(ListenerKind::Tcp, store);
        let client = builder.login_with(self.devices(user)).await.unwrap();
        if self.running.is_some() {
            soon(client.wait_connected()).await.unwrap();
        }
        client
    }
}

pub fn id(user: &str) -> UserId {
    UserId::new(user).unwrap()
}

/// Guards a wait that should end by itself.
pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("waited for too long")
}

/// Takes events until one fits.
pub async fn until<T>(events: &mut Events, mut fits: impl FnMut(&Event) -> Option<T>) -> T {
    soon(async {
        loop {
            let delivery = events.next().await.expect("the stream goes on");
            if let Some(found) = fits(delivery.event()) {
                return found;
            }
        }
    })
    .await
}

/// The text of a new message.
pub fn new_text(event: &Event) -> Option<String> {
    match event {
        Event::NewMessage(message) => message.text().map(str::to_owned),
        _ => None,
    }
}

/// Takes the next texts that come.
pub async fn texts(events: &mut Events, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    while texts.len() < count {
        texts.push(until(events, new_text).await);
    }
    texts
}
