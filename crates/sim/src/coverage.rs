//! The rare paths that a simulation must reach, counted: a run that never got there proves nothing about them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Declares the paths with what each is, for people.
macro_rules! rare_paths {
    ($($name:ident: $text:literal,)*) => {
        /// A path that is rarely taken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rare {
            $(#[doc = $text] $name,)*
        }

        impl Rare {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it is, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

rare_paths! {
    ServerDiedBetweenCommits: "server killed between commits",
    ServerDiedCommitKept: "server killed inside a commit that survived",
    ServerDiedCommitLost: "server killed inside a commit that was lost",
    DiskFull: "server disk full: a commit was refused, later it was healed",
    StoreFailed: "server disk error: the store is poisoned, the process ends and is started again",
    SlowDisk: "a commit that took longer than a request may",
    DeviceKilled: "device killed",
    TransactionSurvived: "device killed inside a transaction that survived",
    TransactionLost: "device killed inside a transaction that was lost",
    DeviceDiskFull: "device disk full: a transaction was refused",
    DeviceRestored: "device restored from an old copy of its store",
    NewDeviceTaken: "the old copy was noticed (StoreWasRestored) and a new device taken",
    DeviceReplaced: "device lost with its store, another one signed in",
    SettledByEcho: "a message of an old copy was found to be sent already",
    CutMidFrame: "connection cut inside a frame",
    Stalled: "a chunk that waited for up to a minute",
    Refused: "connection attempt refused",
    FrameDuplicated: "frame duplicated on its way",
    HintLost: "the hint of a committed entry lost",
    ServerClockJumped: "server clock jumped by up to 30 minutes",
    DeviceClockJumped: "device clock jumped by up to 30 minutes",
    AnswerRepeated: "a repeated command got its first answer",
    RulesRanAgain: "a conversation changed while a command was decided (Stale)",
    SessionFenced: "a command of an older session was fenced",
    OutOfOrder: "a command came before one it must follow",
    CommandRefused: "a command refused for good",
    MessageResent: "a failed message sent again by its user",
    ComposedOffline: "composed while the device was offline",
    BothOffline: "composed while all devices of a user with several were offline",
    CaughtUp: "a device caught up by pages",
    InboxTrimmed: "inbox entries trimmed",
    SyncReset: "a device fell below the trim and rebuilt (SyncReset)",
    SyncResetInterrupted: "a rebuild interrupted and finished later",
    ServerRestored: "server restored from a backup",
    LogReplaced: "a device that had seen more than the backup holds learned it (NotOnServer)",
    CameBackLater: "the same, when others had written on in the restored log",
    SignedInAgain: "a device that the restored server does not know signed in anew",
    LostResent: "a message that a restore had taken away sent again by its user",
    EditedOffline: "a message edited while its author's device was offline",
    TakenBackUnseen: "a message taken back before a receiver had it",
    AlterationKnown: "an alteration heard of a message that had come with it",
    AlterationUnheld: "an alteration heard of a message that the device does not hold",
    AlterationsMissed: "a device learned that it missed alterations, and read the messages again",
    MemberRemoved: "member left or was removed",
    MemberJoined: "member came back",
    BecameChannel: "a group became a channel",
    CameByChannel: "a message came by a channel's log",
    CalledInChannel: "a message that calls somebody by name came by the inbox and by the channel",
    MessageRemoved: "a message removed for oneself",
    ConversationCleared: "a conversation cleared for oneself",
    ConversationHidden: "a conversation left out of the list",
    PutAwayRebuilt: "a device that had put something away rebuilt its lists",
    Blocked: "somebody blocked",
    BlockedRefused: "something refused because its sender is blocked",
    ReadKept: "reading shown to nobody any more",
    ReadUnseen: "read while it is shown to nobody",
    BeganToBurn: "a message that burns was read",
    Erased: "a message erased whose time was over",
    Forgotten: "a message forgotten by a device whose time was over",
    PresenceOnline: "a follower told that somebody came",
    PresenceOffline: "a follower told that somebody went",
    DeliveryReceipt: "delivery receipt shown",
    ReadReceipt: "read receipt shown",
}

/// How often each path was taken. Clones share one count.
#[derive(Clone, Debug, Default)]
pub struct Coverage(Arc<Mutex<BTreeMap<Rare, u64>>>);

impl Coverage {
    /// The path was taken.
    pub fn note(&self, path: Rare) {
        *self.0.lock().entry(path).or_default() += 1;
    }

    /// Adds what another run reached.
    pub fn add(&self, other: &Self) {
        let other = other.0.lock().clone();
        let mut counts = self.0.lock();
        for (path, count) in other {
            *counts.entry(path).or_default() += count;
        }
    }

    /// How often.
    #[must_use]
    pub fn count(&self, path: Rare) -> u64 {
        self.0.lock().get(&path).copied().unwrap_or_default()
    }

    /// Paths that were never taken.
    #[must_use]
    pub fn missing(&self) -> Vec<Rare> {
        Rare::ALL.iter().copied().filter(|path| self.count(*path) == 0).collect()
    }

    /// One line per path.
    #[must_use]
    pub fn report(&self) -> String {
        let line = |path: &Rare| format!("{:>8}  {}\n", self.count(*path), path.text());
        Rare::ALL.iter().map(line).collect()
    }
}
