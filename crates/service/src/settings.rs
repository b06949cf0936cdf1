//! What an operator (or a test) may choose about the service, with the product's defaults, and the port for
//! randomness.

use std::sync::Arc;

use anser_types::{DeviceClass, limits};

use crate::files::FileSettings;
use crate::moderation::Words;

/// The only source of randomness for product code: tokens, salts, group ids. Tests and the simulator bring a seeded
/// one; a server brings the operating system's.
pub trait Entropy: Send + Sync {
    /// Fills the slice with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Where passwords are hashed.
#[derive(Clone, Copy, Debug)]
pub enum HashPlace {
    /// Each on a thread of its own, which does this first: what a server knows to make it give way to its connections.
    OwnThread(fn()),
    /// On the runtime's blocking threads, so that no connection waits behind a hash.
    BlockingPool,
    /// On the calling task: for the simulator, where every step must happen in one thread.
    Inline,
}

/// What a password hash costs and how many run at once.
#[derive(Clone, Copy, Debug)]
pub struct Hashing {
    /// Memory of one hash, in KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes of one hash.
    pub lanes: u32,
    /// Hashes running at once; bounds the memory a storm of sign-ins can take.
    pub at_once: usize,
    /// Sign-ins waiting for their turn; more are answered `OVERLOADED`.
    pub waiting: usize,
    /// How long one waits for its turn before it is answered `OVERLOADED`.
    pub wait_ms: u64,
    /// Where they run.
    pub place: HashPlace,
}

impl Default for Hashing {
    fn default() -> Self {
        // OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
            at_once: 2,
            waiting: 256,
            // Whoever gets a turn still has half of the deadline for the hash and the store: none is made for nobody.
            wait_ms: limits::REQUEST_DEADLINE_MS / 2,
            place: HashPlace::BlockingPool,
        }
    }
}

/// How many devices of one class a user may have connected at once; the newest stay. Zero: as many as there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionsPerClass {
    /// Phones.
    pub phone: usize,
    /// Tablets.
    pub pad: usize,
    /// Programs on a computer.
    pub desktop: usize,
    /// Browsers.
    pub web: usize,
    /// Command lines.
    pub cli: usize,
    /// Programs that act by themselves.
    pub bot: usize,
}

impl Default for SessionsPerClass {
    fn default() -> Self {
        Self { phone: 1, pad: 1, desktop: 1, web: 1, cli: 0, bot: 0 }
    }
}

impl SessionsPerClass {
    /// Of this class; `None` for as many as there are.
    #[must_use]
    pub const fn of(&self, class: DeviceClass) -> Option<usize> {
        let most = match class {
            DeviceClass::Phone => self.phone,
            DeviceClass::Pad => self.pad,
            DeviceClass::Desktop => self.desktop,
            DeviceClass::Web => self.web,
            DeviceClass::Cli => self.cli,
            DeviceClass::Bot => self.bot,
        };
        if most == 0 { None } else { Some(most) }
    }
}

/// Settings of a [`crate::Service`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether strangers may register.
    pub registration: bool,
    /// A development server: only this machine reaches it, and whoever is on it gets tokens for any user.
    pub development: bool,
    /// SHA-256 of every accepted API key.
    pub api_keys: Vec<[u8; 32]>,
    /// What a password hash costs.
    pub hashing: Hashing,
    /// Life of a device token.
    pub token_life_ms: u64,
    /// Sessions at once; more are refused with `TOO_MANY_CONNECTIONS`.
    pub sessions: usize,
    /// Sessions opened per second; more wait a moment, or are told when to come back (`OVERLOADED`).
    pub sessions_per_second: u32,
    /// Devices of one user.
    pub devices_per_user: usize,
    /// Devices of one class that a user may have connected at once.
    pub sessions_per_class: SessionsPerClass,
    /// Members of an ordinary group.
    pub group_members: usize,
    /// Members of a channel.
    pub channel_members: usize,
    /// Time between two comparisons of followed channels with their logs.
    pub sweep_ms: u64,
    /// Commands waiting for the writer.
    pub writer_queue: usize,
    /// Commands of app servers waiting for the writer.
    pub bulk_queue: usize,
    /// How long a command waits for room in a full queue before it is answered `OVERLOADED`.
    pub queue_wait_ms: u64,
    /// Events waiting for one session.
    pub mailbox_events: usize,
    /// Commands per second of one session over a while.
    pub commands_per_second: u32,
    /// Commands of one session at once above its rate.
    pub commands_burst: u32,
    /// Messages per second that a group takes over a while.
    pub group_messages_per_second: u32,
    /// Messages a group takes at once above its rate.
    pub group_messages_burst: u32,
    /// Strangers whom one may begin to have to do with within an hour.
    pub strangers_per_hour: u32,
    /// The same within a day.
    pub strangers_per_day: u32,
    /// Reports of one user within a day.
    pub reports_per_day: u32,
    /// Signals per second of one session.
    pub signals_per_second: u32,
    /// Users one session may follow, and one query may ask about.
    pub presence_per_session: usize,
    /// Follows of all sessions together.
    pub presence_in_all: usize,
    /// How long after their last session ended a user still counts as online.
    pub offline_grace_ms: u64,
    /// Members held by the cache of member lists; bounds its memory (about 100 bytes each).
    pub cached_members: usize,
    /// Entries an inbox keeps.
    pub inbox_keep: u64,
    /// Age of inbox entries that are kept.
    pub inbox_keep_ms: u64,
    /// Time between two steps of trimming.
    pub trim_every_ms: u64,
    /// Inboxes looked at in one step of trimming.
    pub trim_inboxes: usize,
    /// Time between two rounds through all Idempotency-Keys, for those whose time is over.
    pub expire_every_ms: u64,
    /// Idempotency-Keys looked at in one step of a round.
    pub expire_keys: usize,
    /// Time between two steps of a round.
    pub expire_pause_ms: u64,
    /// Time between two looks for messages whose time is over.
    pub erase_every_ms: u64,
    /// Time between two writes of soft positions.
    pub soft_write_ms: u64,
    /// An app server says who may talk to whom: users make no contacts by themselves, and who writes first is not
    /// asked. Whom somebody blocks is still not heard.
    pub relations_by_app: bool,
    /// Words that may not be said; see [`crate::Service::set_words`].
    pub words: Option<Arc<Words>>,
    /// How long after it was said a message may be edited by its sender.
    pub edit_within_ms: u64,
    /// How long after it was said a message may be taken back by its sender.
    pub revoke_within_ms: u64,
    /// How much room files may take, and how long they stay.
    pub files: FileSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            registration: true,
            development: false,
            api_keys: Vec::new(),
            hashing: Hashing::default(),
            token_life_ms: limits::TOKEN_LIFE_MS,
            sessions: 100_000,
            sessions_per_second: limits::SESSIONS_PER_SECOND,
            devices_per_user: limits::DEVICES_PER_USER,
            sessions_per_class: SessionsPerClass::default(),
            group_members: limits::INBOX_FANOUT_MAX,
            channel_members: limits::CHANNEL_MEMBERS_MAX,
            sweep_ms: limits::SWEEP_MS,
            writer_queue: limits::WRITER_QUEUE,
            bulk_queue: limits::BULK_QUEUE,
            queue_wait_ms: 2_000,
            mailbox_events: limits::MAILBOX_EVENTS,
            commands_per_second: limits::SESSION_COMMANDS_PER_SECOND,
            commands_burst: limits::SESSION_COMMANDS_BURST,
            group_messages_per_second: limits::GROUP_MESSAGES_PER_SECOND,
            group_messages_burst: limits::GROUP_MESSAGES_BURST,
            strangers_per_hour: limits::STRANGERS_PER_HOUR,
            strangers_per_day: limits::STRANGERS_PER_DAY,
            reports_per_day: limits::REPORTS_PER_DAY,
            signals_per_second: limits::SESSION_SIGNALS_PER_SECOND,
            presence_per_session: limits::PRESENCE_PER_SESSION,
            presence_in_all: limits::PRESENCE_IN_ALL,
            offline_grace_ms: limits::OFFLINE_GRACE_MS,
            cached_members: 262_144,
            inbox_keep: limits::INBOX_KEEP,
            inbox_keep_ms: limits::INBOX_KEEP_MS,
            trim_every_ms: 10_000,
            trim_inboxes: 256,
            expire_every_ms: 3600 * 1000,
            expire_keys: 4_096,
            expire_pause_ms: 100,
            erase_every_ms: 10_000,
            soft_write_ms: limits::SOFT_WRITE_MS,
            relations_by_app: false,
            words: None,
            edit_within_ms: limits::EDIT_WITHIN_MS,
            revoke_within_ms: limits::REVOKE_WITHIN_MS,
            files: FileSettings::default(),
        }
    }
}
