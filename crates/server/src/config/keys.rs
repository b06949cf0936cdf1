//! Every setting of the server: its key, its meaning, its default. The example file and the reference page are
//! made from this table, so what is written here is what an operator reads.

use serde::{Deserialize, Serialize};

use super::alternatives::Alternatives;
use super::domains::Domains;
use super::origins::WebOrigins;
use super::value::{
    ForwardedIn, ListenAddress, LogFormat, MinVersion, Setting, Shape, TrustedProxies, Within,
};

/// A section of the configuration file.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name, as in `[listen]`.
    pub name: &'static str,
    /// What it is about.
    pub doc: String,
    /// Its settings, in file order.
    pub keys: Vec<Key>,
}

/// One setting.
#[derive(Clone, Debug)]
pub struct Key {
    /// The section it stands in.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// What it means.
    pub doc: String,
    /// What may be written.
    pub expects: String,
    /// The default as TOML.
    pub default: String,
    /// How it is written.
    pub shape: Shape,
}

impl Key {
    /// `section.name`, as flags and messages name it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The environment variable that sets it.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("ANSER_{}_{}", self.section, self.name).to_uppercase()
    }
}

/// Doc comment lines as one text, without the blank each begins with.
fn joined(lines: &[&str]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

fn as_toml(value: &impl Serialize) -> String {
    toml::Value::try_from(value).map_or_else(|error| error.to_string(), |value| value.to_string())
}

macro_rules! settings {
    ($($(#[doc = $section_doc:literal])+ $section:ident: $Section:ident {
        $($(#[doc = $doc:literal])+ $key:ident: $ty:ty = $default:expr;)+
    })+) => {
        /// All settings, with every layer applied.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct Config {
            $($(#[doc = $section_doc])+ pub $section: $Section,)+
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $ty,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }
        )+

        impl Default for Config {
            fn default() -> Self {
                Self { $($section: $Section::default(),)+ }
            }
        }

        /// Every section with every key, in file order.
        #[must_use]
        pub fn sections() -> Vec<Section> {
            let defaults = Config::default();
            vec![$(Section {
                name: stringify!($section),
                doc: joined(&[$($section_doc),+]),
                keys: vec![$(Key {
                    section: stringify!($section),
                    name: stringify!($key),
                    doc: joined(&[$($doc),+]),
                    expects: <$ty as Setting>::expects(),
                    default: as_toml(&defaults.$section.$key),
                    shape: <$ty as Setting>::SHAPE,
                }),+],
            }),+]
        }
    };
}

settings! {
    /// Where the server listens. Port 0 takes a free one; "off" does not listen.
    /// Addresses other than this machine's own are allowed only for `tls`, `quic` and `https`.
    listen: Listen {
        /// The protocol over plain TCP, for this machine only.
        tcp: ListenAddress = ListenAddress::loopback(7410);
        /// The protocol over TCP with TLS.
        tls: ListenAddress = ListenAddress::loopback(7411);
        /// The protocol over QUIC (UDP), with TLS: a client that changes its network keeps its session.
        quic: ListenAddress = ListenAddress::loopback(7411);
        /// Plain HTTP and WebSocket (`/v1/ws`), for this machine only; a reverse proxy can stand before it.
        http: ListenAddress = ListenAddress::loopback(7480);
        /// HTTP and WebSocket (`/v1/ws`) with TLS.
        https: ListenAddress = ListenAddress::loopback(7443);
        /// Reverse proxies whose word is taken for where a request comes from. Limits per address then count their
        /// clients by the last address in the header that is no trusted proxy; without this all of them count as one.
        /// Name only proxies that write the header themselves: whoever is named here can choose the address.
        trusted_proxies: TrustedProxies = TrustedProxies::default();
        /// The header in which trusted proxies name the client. The other one is not looked at: many proxies pass it
        /// on as the client wrote it.
        proxy_header: ForwardedIn = ForwardedIn::XForwardedFor;
        /// Web pages that may use the HTTP API and `/v1/ws`: their origins, or "*" for every page. Pages of this server
        /// itself always may; programs that are no browser name no origin and are not asked.
        origins: WebOrigins = WebOrigins::default();
        /// Session addresses of other servers of this installation: named to clients that find no place here, or that
        /// are sent away because this server stops. They try them the way they came here.
        alternatives: Alternatives = Alternatives::default();
        /// Whether pages and long messages are compressed for clients that ask for it. It saves a quarter to a half of
        /// their bytes and costs some processor time; without it somebody who sees only lengths on the wire learns a little
        /// less.
        compression: bool = true;
    }

    /// Where this installation's servers are, for clients: they try these before the addresses they came with
    /// (docs/operate/gateways.md).
    gateways: Gateways {
        /// File that names them. The list is signed with a key that the first start makes in the data directory
        /// (endpoint-list.key), and pushed to every client. Send SIGHUP to the server after a change. Relative to the data
        /// directory; empty for none.
        file: String = String::new();
        /// Hours for which a client may use a list without hearing of another one.
        ttl_hours: Within<1, 8760> = Within::new(168);
    }

    /// The certificate for `tls`, `quic` and `https`. Send SIGHUP to the server after replacing the files.
    tls: Tls {
        /// Certificate chain, PEM, the server's own first. Relative to the data directory.
        certificate: String = "cert.pem".into();
        /// Its private key, PEM. Relative to the data directory.
        key: String = "key.pem".into();
        /// The oldest TLS that `tls` and `https` speak. "1.2" is for clients that have nothing newer: then with ECDHE and
        /// AEAD alone. QUIC has 1.3 in any case.
        min_version: MinVersion = MinVersion::Tls13;
        /// File with certificates of authorities, PEM: then only clients that show a certificate signed by one of them
        /// are let in, on `tls`, `quic` and `https` (mTLS). Relative to the data directory; empty to ask for none.
        client_authorities: String = String::new();
        /// Names for which a certificate is fetched and renewed by ACME, from Let's Encrypt unless another authority is named;
        /// then `certificate` and `key` are used only until the first one has come (docs/operate/tls.md). Who sets this
        /// accepts the authority's terms. `https` must be reached at port 443 of these names.
        acme_domains: Domains = Domains::default();
        /// A mail address where the authority may write to, such as "me@example.org"; may be empty.
        acme_contact: String = String::new();
        /// The directory of the authority.
        acme_directory: String = "https://acme-v02.api.letsencrypt.org/directory".into();
        /// File with the certificate, PEM, that vouches for that directory where the system's authorities do not. Relative to
        /// the data directory; empty for the system's.
        acme_authority: String = String::new();
    }

    /// Who may have an account.
    accounts: Accounts {
        /// Whether people may register themselves. If false, only an app server with an API key makes users.
        registration: bool = true;
        /// A server to develop against: anybody on this machine gets a token for any user (POST /v1/dev/token). It starts only
        /// if every listener is for this machine alone and no proxy is trusted.
        development: bool = false;
        /// Days until a device must have renewed its token.
        token_life_days: Within<1, 3650> = Within::new(30);
        /// Devices one user may have signed in at once.
        devices_per_user: Within<1, 1024> = Within::new(anser_types::limits::DEVICES_PER_USER as u64);
        /// Passwords checked at once. Each check takes 19 MiB of memory and a processor for some 30 ms.
        password_checks: Within<1, 256> = Within::new(2);
    }

    /// How many devices of each class one user may have connected at once; 0 for as many as they have. The newest stay, and
    /// the oldest is told that it was replaced, and why.
    sessions: Sessions {
        /// Phones.
        phone: Within<0, 1024> = Within::new(1);
        /// Tablets.
        pad: Within<0, 1024> = Within::new(1);
        /// Programs on a computer.
        desktop: Within<0, 1024> = Within::new(1);
        /// Browsers.
        web: Within<0, 1024> = Within::new(1);
        /// Command lines.
        cli: Within<0, 1024> = Within::new(0);
        /// Programs that act by themselves.
        bot: Within<0, 1024> = Within::new(0);
    }

    /// The app-server door: a program of yours that makes users, mints tokens and sends on behalf of users.
    app: App {
        /// File with the API keys, one per line; lines beginning with # are left out. Relative to the data directory.
        key_file: String = "api-key".into();
    }

    /// How long each user's inbox is kept. A device further behind rebuilds from its conversations; messages
    /// themselves stay.
    inbox: Inbox {
        /// Entries kept per user.
        keep_entries: Within<100, 1_000_000> = Within::new(anser_types::limits::INBOX_KEEP);
        /// Days an entry is kept.
        keep_days: Within<1, 3650> = Within::new(anser_types::limits::INBOX_KEEP_MS / (24 * 3600 * 1000));
    }

    /// What may be done to messages that were said.
    messages: Messages {
        /// Minutes after which a message can no longer be edited by its sender.
        edit_within_minutes: Within<0, 5_256_000> =
            Within::new(anser_types::limits::EDIT_WITHIN_MS / 60_000);
        /// Minutes after which a message can no longer be taken back by its sender; owner and admins of a group may at
        /// any time.
        revoke_within_minutes: Within<0, 5_256_000> =
            Within::new(anser_types::limits::REVOKE_WITHIN_MS / 60_000);
    }

    /// What the operator does not let be said.
    moderation: Moderation {
        /// File with words that may not be said, one word or phrase a line; lines beginning with # are left out.
        /// Messages, edits, reactions, names of groups, announcements, aliases, remarks and greetings that hold one are
        /// refused (CONTENT_REFUSED), captions, names and what is forwarded included. Without regard to case and width;
        /// Chinese and the like anywhere in a text, elsewhere whole words. Send SIGHUP to the server after a change.
        /// Relative to the data directory; empty for none.
        words: String = String::new();
    }

    /// Who may talk to whom.
    contacts: Contacts {
        /// An app server keeps the relations between users: they make no contacts by themselves, and who may write
        /// first is not asked. Whom somebody blocks is not heard in any case.
        by_app: bool = false;
    }

    /// Searching what was said, beside the log. The index is built from the log and can be removed at any time while the
    /// server is stopped.
    search: Search {
        /// Whether people may search at the server. If false, searches are answered UNSUPPORTED and nothing is indexed.
        enabled: bool = true;
        /// The directory of the index. Relative to the data directory.
        directory: String = "search".into();
    }

    /// Files beside messages: pictures, voices, videos, whatever is sent (docs/operate/file-storage.md).
    files: Files {
        /// Whether the server keeps files. If false, whatever is about files is answered UNSUPPORTED.
        enabled: bool = true;
        /// The directory of files: those on their way, and, without a bucket, those that are complete. Relative to the data
        /// directory.
        directory: String = "files".into();
        /// MiB that one file may have.
        file_mib: Within<1, 1_048_576> = Within::new(anser_types::limits::FILE_MAX_BYTES >> 20);
        /// MiB that all files of one user may take.
        user_mib: Within<1, 1_073_741_824> =
            Within::new(anser_types::limits::FILES_PER_USER_BYTES >> 20);
        /// Hours that an upload waits for its next bytes.
        upload_hours: Within<1, 8760> =
            Within::new(anser_types::limits::UPLOAD_KEEP_MS / (3600 * 1000));
        /// Days that a file is kept that no message holds: it was never sent, or what held it was taken back.
        unsent_days: Within<1, 3650> =
            Within::new(anser_types::limits::FILE_UNHELD_KEEP_MS / (24 * 3600 * 1000));
        /// Days in which everything that is kept is read again, to find what the disk has changed or lost; 0 is never.
        verify_days: Within<0, 3650> =
            Within::new(anser_types::limits::FILE_VERIFY_EVERY_MS / (24 * 3600 * 1000));
        /// A bucket of an object store that speaks S3: complete files are kept there. Empty for the directory.
        bucket: String = String::new();
        /// The object store's address, such as "https://s3.example.org"; empty for Amazon's own.
        bucket_endpoint: String = String::new();
        /// Its region.
        bucket_region: String = "us-east-1".into();
        /// What the names of this installation's objects begin with.
        bucket_prefix: String = "anser".into();
        /// File with the access key and, on the next line, its secret. Relative to the data directory.
        bucket_key_file: String = "bucket-key".into();
    }

    /// The disk.
    store: Store {
        /// Free space in MiB below which nothing more is accepted (STORAGE_FULL); reading goes on.
        min_free_mib: Within<64, 1_048_576> = Within::new(256);
    }

    /// What one server takes on before it refuses newcomers.
    limits: Limits {
        /// Connections at once, of all kinds. The server also needs as many open files (see `anser doctor`).
        connections: Within<1, 1_000_000> = Within::new(100_000);
        /// Connections at once from one address; this machine's own and those of trusted proxies are exempt. WebSockets
        /// behind a trusted proxy count for their clients.
        connections_per_address: Within<1, 1_000_000> = Within::new(2_000);
        /// Registrations and sign-ins per minute from one address.
        sign_ins_per_minute: Within<1, 1_000_000> = Within::new(120);
        /// Registrations per hour from one address.
        registrations_per_hour: Within<1, 1_000_000> =
            Within::new(anser_types::limits::REGISTRATIONS_PER_HOUR as u64);
        /// New connections per minute from one address; this machine's own and those of trusted proxies are exempt.
        connections_per_minute: Within<1, 10_000_000> =
            Within::new(anser_types::limits::CONNECTIONS_PER_MINUTE as u64);
        /// Sessions opened per second, of all users together: what the machine can take beside its other work. More wait
        /// for up to four seconds, or are told when to come back (OVERLOADED).
        sessions_per_second: Within<1, 1_000_000> =
            Within::new(anser_types::limits::SESSIONS_PER_SECOND as u64);
        /// Messages per second that a group takes over a while, from all its members together; more are answered
        /// GROUP_FLOODED.
        group_messages_per_second: Within<1, 1_000_000> =
            Within::new(anser_types::limits::GROUP_MESSAGES_PER_SECOND as u64);
        /// Messages a group takes at once above that rate.
        group_messages_burst: Within<1, 1_000_000> =
            Within::new(anser_types::limits::GROUP_MESSAGES_BURST as u64);
        /// People one has nothing to do with whom one may begin to write to, or ask to be contacts, per hour; more are
        /// answered TOO_MANY_STRANGERS.
        strangers_per_hour: Within<1, 1_000_000> =
            Within::new(anser_types::limits::STRANGERS_PER_HOUR as u64);
        /// The same per day.
        strangers_per_day: Within<1, 1_000_000> =
            Within::new(anser_types::limits::STRANGERS_PER_DAY as u64);
        /// Reports of one user per day; more are answered TOO_MANY_REPORTS.
        reports_per_day: Within<1, 1_000_000> =
            Within::new(anser_types::limits::REPORTS_PER_DAY as u64);
        /// Members of a group.
        group_members: Within<2, { anser_types::limits::INBOX_FANOUT_MAX as u64 }> =
            Within::new(anser_types::limits::INBOX_FANOUT_MAX as u64);
        /// Members of a channel: a group whose messages are in nobody's inbox.
        channel_members: Within<2, { anser_types::limits::CHANNEL_MEMBERS_MAX as u64 }> =
            Within::new(anser_types::limits::CHANNEL_MEMBERS_MAX as u64);
        /// Commands per second that one session may send over a while; more are answered RATE_LIMITED.
        commands_per_second: Within<1, 1_000_000> =
            Within::new(anser_types::limits::SESSION_COMMANDS_PER_SECOND as u64);
        /// Commands one session may send at once above that rate.
        commands_burst: Within<64, 1_000_000> =
            Within::new(anser_types::limits::SESSION_COMMANDS_BURST as u64);
    }

    /// Log lines, on standard error.
    log: Log {
        /// What is logged: error, warn, info, debug, trace, or by part, such as "info,anser_gateway=debug".
        level: String = "info".into();
        /// How lines look: "human", "json", or "auto" (human on a terminal, else JSON).
        format: LogFormat = LogFormat::Auto;
    }

    /// The process.
    process: Process {
        /// Threads that work; 0 takes one per processor.
        worker_threads: Within<0, 1024> = Within::new(0);
        /// Seconds that connections get to finish after SIGTERM.
        drain_seconds: Within<0, 600> = Within::new(anser_types::limits::DRAIN_MS / 1000);
    }
}

/// Every key, in file order.
#[must_use]
pub fn keys() -> Vec<Key> {
    sections().into_iter().flat_map(|section| section.keys).collect()
}
