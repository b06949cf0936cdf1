//! The one catalogue of errors: number, name, whether a retry can help, who is to blame, text and next step.

/// Who can do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client program or its caller sent something wrong.
    Client,
    /// The person (or app) must decide or change something.
    User,
    /// The server or its operator.
    Server,
}

macro_rules! catalogue {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:ident, $retryable:literal, $blame:ident, $what:literal, $next:literal;)*) => {
        /// A catalogued error. The number and the upper-case name never change their meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $(#[doc = $what] $name,)* }

        impl ErrorCode {
            /// Every catalogued error, in number order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 { match self { $(Self::$name => $code,)* } }

            /// The stable upper-case name, as logs, JSON and the command line show it.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$name => stringify!($text),)* } }

            /// Whether the same request can succeed later without anybody changing it.
            #[must_use]
            pub const fn retryable(self) -> bool { match self { $(Self::$name => $retryable,)* } }

            /// Who is to blame.
            #[must_use]
            pub const fn blame(self) -> Blame { match self { $(Self::$name => Blame::$blame,)* } }

            /// What happened, in one sentence.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(Self::$name => $what,)* } }

            /// What to do next, in one sentence.
            #[must_use]
            pub const fn next_step(self) -> &'static str { match self { $(Self::$name => $next,)* } }
        }
    };
}

catalogue! {
    BadFrame = 100, BAD_FRAME, false, Client, "The bytes are no valid frame.", "Check the client's encoder against docs/protocol.md.";
    FrameTooLarge = 101, FRAME_TOO_LARGE, false, Client, "The frame is larger than the limit sent in Welcome.", "Send large content as a file.";
    WrongPhase = 102, WRONG_PHASE, false, Client, "This frame is not allowed in this phase of the session.", "Send Hello first, and only once.";
    UnsupportedVersion = 103, UNSUPPORTED_VERSION, false, Client, "Client and server share no protocol version.", "Update the older of the two.";
    Unsupported = 104, UNSUPPORTED, false, Client, "The server does not know this command or query.", "Update the server, or do without it.";
    Silent = 105, SILENT, true, Client, "Nothing was heard from the other side for too long.", "Reconnect.";
    OriginRefused = 106, ORIGIN_REFUSED, false, User, "This web page may not use the server.", "The operator must name its origin in listen.origins; programs that are no browser send no Origin.";
    TokenInvalid = 200, TOKEN_INVALID, false, User, "The token is not known.", "Sign in again.";
    TokenExpired = 201, TOKEN_EXPIRED, false, User, "The token has expired.", "Sign in again, or renew the token before it ends.";
    WrongCredentials = 202, WRONG_CREDENTIALS, false, User, "User and password do not match.", "Check both; passwords are case-sensitive.";
    UserExists = 203, USER_EXISTS, false, User, "This user id is taken.", "Choose another one, or sign in.";
    PasswordRefused = 204, PASSWORD_REFUSED, false, User, "The password is too short, too long, or easily guessed.", "Use 8 to 256 characters that are in no list of common passwords: several words that do not belong together will do.";
    ApiKeyInvalid = 205, API_KEY_INVALID, false, User, "The API key is missing or wrong.", "Send it as 'Authorization: Bearer …'; it stands in the file named by 'anser serve'.";
    RegistrationClosed = 206, REGISTRATION_CLOSED, false, User, "This server does not let strangers register.", "Ask its operator for an account.";
    Replaced = 207, REPLACED, false, User, "A newer session of this device or device class took over.", "Close the other one if this was not you, and sign in again.";
    SignedOut = 208, SIGNED_OUT, false, User, "This device was signed out.", "Sign in again.";
    TooManyDevices = 209, TOO_MANY_DEVICES, false, User, "This user has too many devices.", "Sign out one that is no longer used.";
    TokenReused = 210, TOKEN_REUSED, false, User, "A token that its device has replaced was used again: somebody else may hold a copy. The device was signed out.", "Sign in again; if the device was not restored from a copy, change the password.";
    Conflict = 300, CONFLICT, false, Client, "The same number or key was used for other content.", "A restored or copied store takes a new device; an Idempotency-Key is for one request.";
    AnswerForgotten = 301, ANSWER_FORGOTTEN, false, Client, "The command was executed, its answer was confirmed and is gone.", "A restored or copied store: take a new device.";
    OutOfOrder = 302, OUT_OF_ORDER, true, Client, "A command with a lower number is still missing.", "Send the expected number first.";
    Stale = 303, STALE, true, Server, "The conversation changed while the command was decided.", "Try again.";
    UserUnknown = 400, USER_UNKNOWN, false, User, "There is no such user.", "Check the spelling; ids are case-sensitive, and a user exists from the first sign-in on.";
    ConversationUnknown = 401, CONVERSATION_UNKNOWN, false, User, "There is no such conversation, or you are not in it.", "List your conversations.";
    NotAllowed = 402, NOT_ALLOWED, false, User, "Your role does not allow this.", "Ask an owner or admin of the group.";
    ContentTooLarge = 403, CONTENT_TOO_LARGE, false, User, "The message is larger than the limit.", "Shorten it, or send it as a file.";
    InvalidArgument = 404, INVALID_ARGUMENT, false, Client, "A field has a value that is not allowed.", "Read the detail; limits are listed in docs/operate/limits.md.";
    GroupFull = 405, GROUP_FULL, false, User, "The group would have more members than an ordinary group may have.", "Name fewer users, or remove members first.";
    ReadAboveHead = 406, READ_ABOVE_HEAD, false, Client, "The read position lies above the last message.", "Mark only messages that exist.";
    TargetMissing = 407, TARGET_MISSING, false, User, "The message referred to does not exist or is not visible to you.", "Refer to a message of this conversation.";
    TooLate = 408, TOO_LATE, false, User, "The time for this is over: the message is too old to be altered, or was to expire before it came.", "Send a correction, or send it again with a later time; an admin of the group may take back what is too old.";
    LimitReached = 409, LIMIT_REACHED, false, User, "There are as many of these as there may be.", "Remove one first; limits are listed in docs/operate/limits.md.";
    SenderRefused = 410, SENDER_REFUSED, false, User, "This user takes no messages from you.", "Ask to be contacts; whether and why somebody refuses is theirs to say.";
    Muted = 411, MUTED, false, User, "You may not speak in this group now.", "Wait until the time given, or ask an admin of the group.";
    ContentRefused = 412, CONTENT_REFUSED, false, User, "The operator of this server does not let this be said.", "Say it in other words.";
    GroupFlooded = 413, GROUP_FLOODED, false, User, "More is said in this group than it may take.", "Say it again after the time given.";
    TooManyStrangers = 414, TOO_MANY_STRANGERS, false, User, "You have begun to write to many people you have nothing to do with.", "Wait until the time given; those you have talked to before are not concerned.";
    TooManyReports = 415, TOO_MANY_REPORTS, false, User, "You have reported much in a short time.", "Report again after the time given.";
    FileUnknown = 416, FILE_UNKNOWN, false, User, "There is no such file, or you are in no conversation that holds it.", "Name the conversation where you saw it, or ask who sent it to send it again; what was never sent is kept for a week.";
    FileIncomplete = 417, FILE_INCOMPLETE, false, Client, "Not all of the file has arrived yet.", "Send the rest first; HEAD on the upload tells how much is here.";
    FileTooLarge = 418, FILE_TOO_LARGE, false, User, "The file is larger than this server takes.", "Send a smaller one; the detail names the limit.";
    QuotaExceeded = 419, QUOTA_EXCEEDED, false, User, "Your files would take more room than you have at this server.", "Take back messages with files you no longer need, or ask the operator for more room.";
    UploadConflict = 420, UPLOAD_CONFLICT, false, Client, "The upload does not go on where these bytes begin.", "Ask with HEAD where it goes on, and send from there.";
    UploadBusy = 421, UPLOAD_BUSY, true, Client, "Another request still writes to this upload.", "Try again after the time given.";
    ChecksumMismatch = 422, CHECKSUM_MISMATCH, false, Client, "The bytes are not those whose checksum was given; they were thrown away.", "Send them again.";
    PictureRefused = 423, PICTURE_REFUSED, false, User, "The picture cannot be shown safely: it is damaged, far too large when unpacked, or something else in disguise.", "Save it anew with a picture program, or send it as a plain file.";
    NotInPossession = 424, NOT_IN_POSSESSION, false, Client, "The server does not have these bytes, or the answer does not show that you have them.", "Upload the file.";
    LinkInvalid = 425, LINK_INVALID, false, Client, "The link is over, or was made for something else.", "Ask for another one.";
    Overloaded = 500, OVERLOADED, true, Server, "The server has more work than it can take.", "It is tried again by itself after the time given.";
    RateLimited = 501, RATE_LIMITED, true, User, "Too many requests in a short time.", "Slow down; it is tried again after the time given.";
    StorageFull = 502, STORAGE_FULL, true, Server, "The server's disk is nearly full; reading goes on.", "The operator must free space.";
    Draining = 503, DRAINING, true, Server, "The server is shutting down.", "Reconnect after the time given.";
    TooManyConnections = 504, TOO_MANY_CONNECTIONS, true, Server, "The server has no room for another connection.", "Reconnect after the time given.";
    FilesUnreachable = 505, FILES_UNREACHABLE, true, Server, "The place where this server keeps files cannot be reached; messages go on.", "It is tried again by itself; the operator should look at the disk or the object store.";
    LogBehindClient = 600, LOG_BEHIND_CLIENT, false, Server, "The client has seen more than the server's log holds: data was lost.", "The operator should run 'anser doctor'; the client rebuilds by itself.";
    StoreDamaged = 601, STORE_DAMAGED, false, Server, "The store is damaged; serving it could lose acknowledged messages.", "Stop, copy the data directory, and restore a backup.";
    StoreInUse = 602, STORE_IN_USE, false, User, "Another process uses this store.", "Close it, or name another directory.";
    StoreTooNew = 603, STORE_TOO_NEW, false, User, "The store was written by a newer version.", "Use that version.";
    StoreFailed = 604, STORE_FAILED, true, Server, "Writing to the disk failed; nothing more is acknowledged.", "The operator must look at the disk and restart the server.";
    StoreKeyWrong = 605, STORE_KEY_WRONG, false, User, "The local store cannot be opened with this key.", "Give the key it was made with; without it, remove the store and sign in again: messages come back from the server.";
    LocalDiskFull = 606, LOCAL_DISK_FULL, true, User, "This device's disk is full; nothing more can be stored.", "Free space; it is tried again by itself.";
    ArchiveDamaged = 607, ARCHIVE_DAMAGED, false, User, "The archive is damaged, cut off, or none at all; nothing was restored.", "Take another copy of it, or an older one; 'anser restore' changes nothing until all of it was checked.";
    ArchiveTooNew = 608, ARCHIVE_TOO_NEW, false, User, "The archive was written by a newer version.", "Restore it with that version.";
    NotEmpty = 609, NOT_EMPTY, false, User, "There is something already where this would be written.", "Name another place; nothing is ever overwritten.";
    FileDamaged = 610, FILE_DAMAGED, false, Server, "The server has lost the bytes of this file, or they are damaged; nobody is given what is wrong.", "Whoever has the file can upload it again: that mends it for everybody. The operator finds it with 'anser doctor --verify' and can put a copy back.";
    ConfigInvalid = 700, CONFIG_INVALID, false, User, "The configuration is not valid.", "Correct the line named in the detail.";
    CertificateRefused = 701, CERTIFICATE_REFUSED, false, User, "The server's certificate is not the one expected.", "Check the pin or the authority; do not go on if you cannot explain it.";
    Unreachable = 702, UNREACHABLE, true, User, "The server cannot be reached.", "Check the address and that 'anser serve' is running.";
    TimedOut = 703, TIMED_OUT, true, Server, "There was no answer in time.", "It may have happened or not: look before you try again.";
    ListenFailed = 704, LISTEN_FAILED, false, User, "The server cannot listen on an address.", "Stop the program that uses it, or set another address.";
    CommandLineInvalid = 705, COMMAND_LINE_INVALID, false, User, "The command line was not understood.", "Correct it as the detail says; --help lists what a command takes.";
    EndpointListRefused = 706, ENDPOINT_LIST_REFUSED, false, Server, "A list of the servers' addresses is not from the one who made the list known here; it is not used.", "The operator should look for the file 'endpoint-list.key' of the first server; the addresses known before go on.";
    ClientCertificateRefused = 707, CLIENT_CERTIFICATE_REFUSED, false, User, "The server lets only clients in whose certificate it knows.", "Show one that its operator gave you: --client-cert and --client-key, or ClientBuilder::client_certificate.";
    Internal = 900, INTERNAL, true, Server, "Something unforeseen went wrong.", "Report it with the time; the server's log of that moment names the cause.";
}

impl ErrorCode {
    /// The error with this number, if this version knows it.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// An honest "no": a catalogued code, what exactly was wrong, and when a retry may help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {} {detail}", code.text())]
pub struct Refusal {
    /// Which error.
    pub code: ErrorCode,
    /// What exactly, in English, without secrets; may be empty.
    pub detail: String,
    /// Earliest moment for another try.
    pub retry_after_ms: Option<u32>,
}

impl Refusal {
    /// A refusal that says no more than its code.
    #[must_use]
    pub const fn new(code: ErrorCode) -> Self {
        Self { code, detail: String::new(), retry_after_ms: None }
    }

    /// A refusal that says what exactly was wrong.
    #[must_use]
    pub fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after_ms: None }
    }

    /// The same refusal with a time for the next try.
    #[must_use]
    pub const fn retry_after(mut self, ms: u32) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }
}
