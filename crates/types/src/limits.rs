//! Every limit of the product, each with its reason. Checked before anything is allocated; the ones a client
//! must know are sent in Welcome.

/// Bytes of a user id. Fits a UUID, an e-mail address or a phone number; bounds every event that names a user.
pub const USER_ID_MAX_BYTES: usize = 64;
/// Bytes of one message's content. A long letter; anything larger is a file.
pub const CONTENT_MAX_BYTES: usize = 64 * 1024;
/// Bytes of one frame after its length. Must hold a page of one maximal message; bounds a connection's read buffer.
pub const FRAME_MAX_BYTES: usize = 256 * 1024;
/// Bytes of a Hello frame: before sign-in a stranger may make the server hold no more than this.
pub const HELLO_MAX_BYTES: usize = 4 * 1024;
/// Commands of one device on the wire without an answer; bounds the answers kept per device.
pub const COMMANDS_IN_FLIGHT: usize = 64;
/// Entries of a page when the client does not say.
pub const PAGE_DEFAULT: usize = 50;
/// Entries of a page at the most (`want`).
pub const PAGE_MAX: usize = 500;
/// Bytes of the entries of one page; leaves room for the envelope within a frame. At least one entry is always given.
pub const PAGE_MAX_BYTES: usize = 192 * 1024;
/// Members of an ordinary group: each message writes one inbox pointer per member.
pub const INBOX_FANOUT_MAX: usize = 200;
/// Members of a channel: each message writes nothing per member, but the member list is read by page and counted.
pub const CHANNEL_MEMBERS_MAX: usize = 100_000;
/// Owner and admins of a channel; they stand in its row.
pub const CHANNEL_STAFF_MAX: usize = 50;
/// Channels one session follows: each costs a place in the channel's list of followers.
pub const CHANNELS_PER_SESSION: usize = 1_000;
/// Channels named in one Hello, which must stay below [`HELLO_MAX_BYTES`]; more are followed after Welcome.
pub const FOLLOW_PER_HELLO: usize = 64;
/// Channels named in one Follow: each costs a look at a membership and at a head.
pub const FOLLOW_PER_FRAME: usize = 250;
/// Users named in one invite or removal.
pub const MEMBERS_PER_COMMAND: usize = 200;
/// Users mentioned by one message.
pub const MENTIONS_MAX: usize = 50;
/// Bytes of a reaction: the longest emoji (families with skin tones) have 35.
pub const REACTION_MAX_BYTES: usize = 48;
/// Different reactions to one message; more could not be shown.
pub const REACTIONS_MAX: usize = 20;
/// Bytes of all reactions to one message, with the names of those who used them: some 2,700 of names of ten. A message
/// is read and stored with them.
pub const REACTIONS_MAX_BYTES: usize = 32 * 1024;
/// How often one message may be edited; bounds what is kept of it and what a revocation must erase.
pub const EDITS_MAX: usize = 50;
/// How long after it was said a message may be edited by its sender, in milliseconds (two days).
pub const EDIT_WITHIN_MS: u64 = 48 * 3600 * 1000;
/// How long after it was said a message may be taken back by its sender, in milliseconds (a day). Owner and admins of a
/// group may at any time.
pub const REVOKE_WITHIN_MS: u64 = 24 * 3600 * 1000;
/// How far ahead a message may be told to expire, in milliseconds (a year and a day). Further is no promise anybody keeps.
pub const EXPIRES_WITHIN_MS: u64 = 366 * 24 * 3600 * 1000;
/// Shortest and longest time after it was read at which a message burns, in milliseconds (a second, a week): shorter
/// cannot be read, longer is an expiry.
pub const BURN_AFTER_MS: (u32, u32) = (1_000, 7 * 24 * 3600 * 1000);
/// Messages above the receiver's read position up to which one may be sent that burns: what a read position passes at
/// once begins to burn in one commit.
pub const BURN_UNREAD_MAX: u64 = 200;
/// Messages whose time is over that are erased in one step; each is a change of its conversation.
pub const EXPIRE_PER_STEP: usize = 256;
/// Bytes of a link to a file, or of its name at the server.
pub const FILE_LINK_MAX_BYTES: usize = 1024;
/// Bytes of one file, unless the operator says otherwise: a film.
pub const FILE_MAX_BYTES: u64 = 4 << 30;
/// Bytes of one user's files together, unless the operator says otherwise.
pub const FILES_PER_USER_BYTES: u64 = 16 << 30;
/// Files that one message holds: as many as it may forward messages.
pub const FILES_PER_MESSAGE: usize = 100;
/// Bytes of what a file is called.
pub const FILE_NAME_MAX_BYTES: usize = 255;
/// Bytes of what a client says about an upload beside its length (`Upload-Metadata`).
pub const UPLOAD_METADATA_MAX_BYTES: usize = 3 * 1024;
/// Uploads of one user that are not complete, the parts of one that comes in parts included.
pub const UPLOADS_PER_USER: usize = 64;
/// Parts of which one file is put together.
pub const UPLOAD_PARTS_MAX: usize = 32;
/// How long an upload waits for its next bytes before it is given up, in milliseconds (a day).
pub const UPLOAD_KEEP_MS: u64 = 24 * 3600 * 1000;
/// How long a file is kept that no message holds, in milliseconds (a week): it was uploaded before it was to be sent, or
/// the last message with it was taken back.
pub const FILE_UNHELD_KEEP_MS: u64 = 7 * 24 * 3600 * 1000;
/// Time in which everything that is kept of files is read again, in milliseconds (30 days).
pub const FILE_VERIFY_EVERY_MS: u64 = 30 * 24 * 3600 * 1000;
/// Silence in the middle of an upload or download after which it is cut, in milliseconds; what has arrived is kept.
pub const TRANSFER_STALL_MS: u64 = 30_000;
/// Bytes of an upload that may be lost with the process: so often it is noted how far it is.
pub const UPLOAD_NOTE_BYTES: u64 = 32 << 20;
/// Places of a file that are looked at to find one where somebody who asks for it may see it; who names the conversation
/// needs one.
pub const FILE_HOLDS_SEARCHED: usize = 256;
/// How long a link to a file is good for, in milliseconds (five minutes): a page loads its pictures at once.
pub const FILE_LINK_LIFE_MS: u64 = 300_000;
/// Pixels of a picture of which smaller ones are made; a larger one is refused as a picture: it would take 160 MB.
pub const PICTURE_MAX_PIXELS: u64 = 40_000_000;
/// Bytes of a picture that is looked at; a larger one is a plain file.
pub const PICTURE_MAX_BYTES: u64 = 32 << 20;
/// Pixels along one side of a picture: the most a JPEG can have; rows and columns cost beside pixels.
pub const PICTURE_MAX_SIDE: u32 = 65_535;
/// Bytes that a picture takes unpacked, with what its decoder needs beside: a progressive JPEG of [`PICTURE_MAX_PIXELS`]
/// takes 480 MB, the deepest PNG 320 MB.
pub const PICTURE_UNPACKED_MAX_BYTES: u64 = 500_000_000;
/// Scans of a JPEG, each a pass over the whole picture that may cost its sender a few bytes; cameras and encoders make
/// 1 to 12.
pub const PICTURE_SCANS_MAX: usize = 32;
/// Pixels of all frames of a moving picture, which everybody who sees it unpacks: 1,000 frames of full HD.
pub const PICTURE_FRAMES_MAX_PIXELS: u64 = 2_000_000_000;
/// How long the program that takes a picture out of a film may run, in milliseconds: 8K takes two seconds, a busy machine
/// makes them longer.
pub const POSTER_WAIT_MS: u64 = 10_000;
/// Address space of that program, in bytes: its libraries and some frames of 8K.
pub const POSTER_MEMORY_MAX_BYTES: u64 = 2 << 30;
/// Bytes that program may answer: a picture of [`crate::ThumbnailSize::Large`] without loss takes 5 MB.
pub const POSTER_MAX_BYTES: u64 = 8 << 20;
/// Bytes of the small picture sent with an image or a video: shown while the large one is fetched.
pub const THUMBNAIL_MAX_BYTES: usize = 16 * 1024;
/// Bytes of a voice's loudness over time: more steps than a screen shows.
pub const WAVEFORM_MAX_BYTES: usize = 256;
/// Bytes of what is said with a picture or a file, of an address, of a custom message's summary.
pub const CAPTION_MAX_BYTES: usize = 2 * 1024;
/// Messages that are forwarded as one.
pub const MERGED_MAX: usize = 100;
/// How deep forwarded messages hold forwarded ones; bounds what a reader unfolds.
pub const MERGED_DEPTH_MAX: usize = 3;
/// Words of an operator's list of what may not be said; bounds its memory (about 100 bytes each).
pub const FILTER_WORDS_MAX: usize = 200_000;
/// Bytes of one of them: a phrase.
pub const FILTER_WORD_MAX_BYTES: usize = 128;
/// Bytes of what somebody says with a report, and of what an operator notes: a paragraph.
pub const REPORT_TEXT_MAX_BYTES: usize = 2 * 1024;
/// Messages per second that a group may take over a while, from all its members together; each goes to everybody in it.
pub const GROUP_MESSAGES_PER_SECOND: u32 = 500;
/// Messages that a group may take at once above that rate.
pub const GROUP_MESSAGES_BURST: u32 = 5_000;
/// People one has nothing to do with whom one may begin to write to, or ask to be contacts, within an hour…
pub const STRANGERS_PER_HOUR: u32 = 60;
/// … and within a day.
pub const STRANGERS_PER_DAY: u32 = 300;
/// Reports of one user within a day.
pub const REPORTS_PER_DAY: u32 = 50;
/// Accounts made from one address within an hour: a class or an office, not a farm.
pub const REGISTRATIONS_PER_HOUR: u32 = 120;
/// New connections from one address within a minute: an office that comes back at once, not a flood.
pub const CONNECTIONS_PER_MINUTE: u32 = 6_000;
/// Users, groups or addresses whose pace is remembered, of each kind; bounds their memory (about 200 bytes each).
pub const PACED_MAX: usize = 100_000;
/// The first wait of who goes on while told to wait, in milliseconds; each further one is twice as long.
pub const PENALTY_FIRST_MS: u64 = 1_000;
/// The longest such wait, in milliseconds (a minute): who has learnt is let in again.
pub const PENALTY_MAX_MS: u64 = 60_000;
/// For so long one must keep to it until the waits get shorter by one step, in milliseconds.
pub const PENALTY_DECAY_MS: u64 = 60_000;
/// Messages pinned to one conversation; the list travels with its row.
pub const PINNED_MAX: usize = 50;
/// Bytes of a group's title.
pub const TITLE_MAX_BYTES: usize = 256;
/// Bytes of a group's avatar: a link or a file's name.
pub const AVATAR_MAX_BYTES: usize = 512;
/// Bytes of a group's announcement; it travels with the conversation's state.
pub const ANNOUNCEMENT_MAX_BYTES: usize = 4 * 1024;
/// Bytes of a member's name within a group, and of one's own name for a contact.
pub const ALIAS_MAX_BYTES: usize = 128;
/// Bytes of what is said with an application to be contacts or to join a group.
pub const GREETING_MAX_BYTES: usize = 512;
/// Contacts of one user, applications made by them included.
pub const CONTACTS_MAX: usize = 5_000;
/// Requests to join that wait in one group.
pub const JOIN_REQUESTS_MAX: usize = 500;
/// Bytes of a draft that is kept for one's other devices.
pub const DRAFT_MAX_BYTES: usize = 4 * 1024;
/// Messages that one command removes for oneself; each is an entry of one's own inbox.
pub const HIDE_PER_COMMAND: usize = 50;
/// Entries an inbox keeps; a device further behind rebuilds by SyncReset.
pub const INBOX_KEEP: u64 = 10_000;
/// Age of inbox entries that are kept, in milliseconds (30 days).
pub const INBOX_KEEP_MS: u64 = 30 * 24 * 3600 * 1000;
/// Unread messages counted by the server; above it says "999+".
pub const UNREAD_COUNT_MAX: u64 = 999;
/// Bytes of a text that is searched for: a sentence. Each word of it costs a look-up.
pub const SEARCH_TEXT_MAX_BYTES: usize = 256;
/// Conversations searched at once. Who is in more is told that the answer is not complete.
pub const SEARCH_CONVERSATIONS_MAX: usize = 10_000;

/// Commands of one group commit. Larger batches gain nothing per fsync and lengthen everybody's wait.
pub const BATCH_MAX_COMMANDS: usize = 256;
/// Key-value operations of one group commit (≈ 5 µs each: 10 ms of work).
pub const BATCH_MAX_OPERATIONS: usize = 2_000;
/// Bytes of one group commit.
pub const BATCH_MAX_BYTES: usize = 1024 * 1024;
/// Commands waiting for the writer; a full queue makes the connection wait, then answers `OVERLOADED`.
pub const WRITER_QUEUE: usize = 4_096;
/// Commands of app servers waiting for the writer; their own queue, so that bulk sends delay nobody.
pub const BULK_QUEUE: usize = 1_024;
/// Events waiting for one session; beyond it the session falls back to reading pages (`CatchUp`).
pub const MAILBOX_EVENTS: usize = 256;
/// Events of channels waiting for one session; beyond it they are dropped and their channels' heads told instead.
pub const MAILBOX_CHANNEL_EVENTS: usize = 256;
/// Bytes waiting to be written to one connection; beyond it the session falls back to reading pages.
pub const OUTBOUND_MAX_BYTES: usize = 512 * 1024;
/// Ephemeral signals waiting for one session; beyond it the oldest is dropped and counted (guarantee G15).
pub const MAILBOX_SIGNALS: usize = 64;
/// Users one session may follow to learn whether they are online: more than a list shows. Bounds what a session costs the
/// server (some 100 bytes for each) and one query for presences.
pub const PRESENCE_PER_SESSION: usize = 500;
/// Follows of all sessions together; they take some 150 MB then. Beyond it one is told `OVERLOADED`: messages go first.
pub const PRESENCE_IN_ALL: usize = 1_000_000;
/// Commands per second one session may send over a while, and how many at once.
pub const SESSION_COMMANDS_PER_SECOND: u32 = 2_000;
/// Burst of commands of one session above its rate.
pub const SESSION_COMMANDS_BURST: u32 = 4_000;
/// Signals per second one session may send; more are dropped and counted.
pub const SESSION_SIGNALS_PER_SECOND: u32 = 20;

/// How long a new connection may take to say Hello.
pub const HELLO_TIMEOUT_MS: u64 = 10_000;
/// Sessions opened per second, of all users: below what one core takes (some 4,500), so that those who are connected do
/// not wait for those who come.
pub const SESSIONS_PER_SECOND: u32 = 3_000;
/// Heartbeat interval a client should use in the foreground.
pub const HEARTBEAT_MS: u64 = 30_000;
/// Smallest and largest heartbeat interval a client may choose: 10 % of what the most forgetful networks suffer, 90 % of
/// what the most patient ones do (28 minutes).
pub const HEARTBEAT_RANGE_MS: (u64, u64) = (6_000, 1_512_000);
/// Silence after which a foreground connection counts as half-open (one interval and a half).
pub const HALF_OPEN_MS: u64 = 45_000;
/// Silence after which a background connection counts as half-open when nothing is outstanding, unless its client has
/// said that it may be silent for longer: then one and a half of that.
pub const BACKGROUND_IDLE_MS: u64 = 405_000;
/// Every request ends by then, with an answer or an error (guarantees G4, G18).
pub const REQUEST_DEADLINE_MS: u64 = 10_000;
/// How long the actor waits for an event it has heard of before it reads the log itself.
pub const HINT_GRACE_MS: u64 = 20;
/// Reactions in a channel within this time reach who follows it together: nobody waits for a reaction.
pub const REACTIONS_BEAT_MS: u64 = 250;
/// Reactions of one channel that wait for the beat; more go out at once.
pub const HELD_REACTIONS: usize = 64;
/// How often each session's position is compared with its inbox head.
pub const SWEEP_MS: u64 = 30_000;
/// How long after their last session ended a user still counts as online: who changes from Wi-Fi to mobile or drives
/// through a tunnel has not gone.
pub const OFFLINE_GRACE_MS: u64 = 10_000;
/// How often it is noted that a device is still connected: a server that is killed sets back by no more than this (and a
/// sweep and a soft write) when it was last. Seldom, so that thousands of idle devices write next to nothing.
pub const LAST_SEEN_EVERY_MS: u64 = 300_000;
/// Soft positions (cursors, delivered, last seen) are written with the next batch or after this.
pub const SOFT_WRITE_MS: u64 = 1_000;
/// How long a session that its own device replaced, or a Hello that it had overtaken, stays away: if two of a device
/// live, each gets a turn long enough to find out that one store is a copy.
pub const REPLACED_PAUSE_MS: u32 = 5_000;
/// How long a draining server waits for its sessions.
pub const DRAIN_MS: u64 = 10_000;
/// Tokens of one device: the one it uses, and the newest of those that were made by renewals whose answers may have
/// been lost. A repetition may overtake what it repeats, so one is not enough.
pub const TOKENS_PER_DEVICE: usize = 4;
/// Tokens of one device that ended because a newer one was used, and are still known: whoever uses one holds a copy.
pub const TOKENS_SUPERSEDED: usize = 4;
/// For how long after that a superseded token is taken for a late one, in milliseconds (five minutes): what was on its way
/// when its device changed to the new one.
pub const TOKEN_REUSE_GRACE_MS: u64 = 300_000;
/// Life of a device token.
pub const TOKEN_LIFE_MS: u64 = 30 * 24 * 3600 * 1000;
/// How long the answer to an Idempotency-Key is kept.
pub const IDEMPOTENCY_KEEP_MS: u64 = 72 * 3600 * 1000;
/// Bytes of an Idempotency-Key.
pub const IDEMPOTENCY_KEY_MAX_BYTES: usize = 128;
/// Servers that a list of addresses names: it is pushed to every session, about 40 bytes for each.
pub const GATEWAYS_MAX: usize = 64;
/// Bytes of a server's host name (RFC 1035).
pub const HOST_MAX_BYTES: usize = 253;
/// Bytes of a network's name, as clients say it and operators write it: a Wi-Fi's name has 32.
pub const NETWORK_MAX_BYTES: usize = 64;
/// Devices of one user; the oldest unused one must be signed out before another is added.
pub const DEVICES_PER_USER: usize = 64;
/// Wrong passwords that may be tried for one user at once: enough for fingers that slip.
pub const PASSWORD_TRIES: u32 = 10;
/// The wait after them, in milliseconds; twice as long after each further one.
pub const PASSWORD_WAIT_FIRST_MS: u64 = 1_000;
/// The longest such wait, in milliseconds: a million guesses take two years then, and its owner waits a minute.
pub const PASSWORD_WAIT_MAX_MS: u64 = 60_000;
/// After so long without another try they are forgotten, in milliseconds (an hour).
pub const PASSWORD_TRIES_FORGOTTEN_MS: u64 = 3_600_000;
/// Bytes a device may call itself by; its user sees it in a list.
pub const DEVICE_NAME_MAX_BYTES: usize = 128;
/// Shortest and longest password, in characters and bytes.
pub const PASSWORD_CHARS: (usize, usize) = (8, 256);
/// Restores from backups that a conversation remembers by themselves: more than anybody restores while a device that
/// has not come back since is still of interest.
pub const CUTS_MAX: usize = 8;
