//! The schema and its migrations: each is one transaction, its number is the database's `user_version`.

use std::path::Path;

use rusqlite::Connection;

use super::error::StoreError;

/// Every migration in order; the position + 1 is the schema version it leads to. Only ever append.
const MIGRATIONS: &[&str] = &[
    TABLES,
    SEARCH,
    MOVED,
    COUNTED,
    ALTERATIONS,
    LISTS,
    DOUBTS,
    FORGETTING,
    CHANNELS,
    HEADS,
    NETWORKS,
    ENDPOINT_LIST,
    FILES,
    UPLOADS,
];

const TABLES: &str = "
CREATE TABLE identity (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    user TEXT NOT NULL, device INTEGER NOT NULL, class INTEGER NOT NULL, token TEXT NOT NULL
) STRICT;
CREATE TABLE device_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    cursor INTEGER NOT NULL, log_epoch INTEGER NOT NULL,
    answered_up_to INTEGER NOT NULL, highest_used INTEGER NOT NULL, last_local_no INTEGER NOT NULL,
    rebuild_at INTEGER, rebuild_log_epoch INTEGER, rebuild_after BLOB,
    settle_until INTEGER, settle_by_history INTEGER NOT NULL
) STRICT;
CREATE TABLE setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE endpoint (
    network TEXT PRIMARY KEY,
    transport INTEGER NOT NULL, host TEXT NOT NULL, port INTEGER NOT NULL, best_network TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    local_no INTEGER PRIMARY KEY,
    device INTEGER NOT NULL, conversation BLOB, sent_at INTEGER NOT NULL, body BLOB NOT NULL,
    -- 0 queued, 1 numbered (command_no), 2 failed (reason; command_no while unconfirmed)
    state INTEGER NOT NULL, command_no INTEGER,
    reason_code INTEGER, reason_detail TEXT, reason_retry_ms INTEGER,
    delete_wanted INTEGER NOT NULL
) STRICT;
CREATE INDEX outbox_by_conversation ON outbox (conversation, local_no);
CREATE TABLE conversation (
    id BLOB PRIMARY KEY,
    peer TEXT, title TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 0,
    member INTEGER NOT NULL DEFAULT 1, members INTEGER NOT NULL DEFAULT 0, role INTEGER NOT NULL DEFAULT 0,
    change_head INTEGER NOT NULL DEFAULT 0,
    -- the server was asked for every change up to here
    changes_asked INTEGER NOT NULL DEFAULT 0,
    -- the largest seq known to exist
    head INTEGER NOT NULL DEFAULT 0,
    read_up_to INTEGER NOT NULL DEFAULT 0,
    -- what the server counted: unread messages in (counted_read, counted_head]
    counted_head INTEGER NOT NULL DEFAULT 0, counted_read INTEGER NOT NULL DEFAULT 0,
    counted_unread INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    conversation BLOB NOT NULL, seq INTEGER NOT NULL,
    sender TEXT NOT NULL, device INTEGER NOT NULL, local_no INTEGER NOT NULL,
    sent_at INTEGER NOT NULL, server_time INTEGER NOT NULL,
    -- kind NULL: a tombstone
    kind INTEGER, body BLOB, mentions TEXT, reply_to INTEGER, expires_at INTEGER,
    inbox_seq INTEGER, own_local_no INTEGER, stored_offline INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0, not_on_server INTEGER NOT NULL DEFAULT 0,
    UNIQUE (conversation, seq)
) STRICT;
CREATE INDEX message_by_own_local_no ON message (own_local_no) WHERE own_local_no IS NOT NULL;
CREATE TABLE hidden (
    conversation BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (conversation, seq)
) STRICT, WITHOUT ROWID;
-- ranges of seqs that are known not to come: reason 0 is 'asked for and not given'
CREATE TABLE unavailable (
    conversation BLOB NOT NULL, from_seq INTEGER NOT NULL, to_seq INTEGER NOT NULL, reason INTEGER NOT NULL,
    PRIMARY KEY (conversation, from_seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE change (
    conversation BLOB NOT NULL, change_no INTEGER NOT NULL, after_seq INTEGER NOT NULL, version INTEGER NOT NULL,
    actor TEXT NOT NULL, at INTEGER NOT NULL,
    -- 1 created, 2 joined, 3 left, 4 removed; others are kept raw with their field number
    kind INTEGER NOT NULL, title TEXT, users TEXT, raw BLOB,
    PRIMARY KEY (conversation, change_no)
) STRICT, WITHOUT ROWID;
CREATE TABLE receipt (
    conversation BLOB NOT NULL, who TEXT NOT NULL, delivered INTEGER NOT NULL, read INTEGER NOT NULL,
    PRIMARY KEY (conversation, who)
) STRICT, WITHOUT ROWID;
CREATE TABLE unknown_event (inbox_seq INTEGER PRIMARY KEY, raw BLOB NOT NULL) STRICT;
-- what the app has not confirmed yet: 1 message (seq), 2 change (change_no), 3 unavailable (from_seq)
CREATE TABLE arrival (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL, conversation BLOB NOT NULL, position INTEGER NOT NULL
) STRICT;
";

/// Text search by trigrams, which needs no word boundaries and so works for Chinese.
const SEARCH: &str = "
CREATE VIRTUAL TABLE message_text USING fts5(text, content='', contentless_delete=1, tokenize='trigram');
INSERT INTO message_text (rowid, text)
    SELECT id, CAST(body AS TEXT) FROM message WHERE kind = 0 AND hidden = 0;
";

/// The log of the row that a rebuild stored last; 0: that of the cursor.
const MOVED: &str = "ALTER TABLE conversation ADD COLUMN log_epoch INTEGER NOT NULL DEFAULT 0;";

/// The version at which a group's members were counted; NULL: not known. A count made before is of unknown age.
const COUNTED: &str = "ALTER TABLE conversation ADD COLUMN members_version INTEGER;";

/// What changes make of messages. Of a change that altered a message (kind 5) only the number is kept: the message
/// holds what it did. Arrivals: 4 edited, 5 taken back, 6 reaction (all: seq), 7 pinned or unpinned (seq).
const ALTERATIONS: &str = "
ALTER TABLE message ADD COLUMN mention_all INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN altered_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN edits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN edited_at INTEGER;
ALTER TABLE message ADD COLUMN revoked_by TEXT;
ALTER TABLE message ADD COLUMN reactions TEXT;
ALTER TABLE conversation ADD COLUMN pinned TEXT NOT NULL DEFAULT '[]';
ALTER TABLE conversation ADD COLUMN mentioned INTEGER NOT NULL DEFAULT 0;
";

/// The user's own lists, requests to join groups, and what a group is. Each item holds the number of the change that
/// made it what it is. A draft is kept here from the moment it is saved until the change that carries it has come:
/// `local_no` once it is in the outbox, `change_no` once it is executed. Messages removed for oneself stand in `hidden`.
///
/// Changes: 6 group updated (details), 7 member altered (users, details), 8 dismissed; 9 an item, of which only the
/// number is kept.
const LISTS: &str = "
CREATE TABLE contact (
    user TEXT PRIMARY KEY,
    relation INTEGER NOT NULL, remark TEXT NOT NULL, blocked INTEGER NOT NULL, greeting TEXT NOT NULL,
    change_no INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE conversation_options (
    conversation BLOB PRIMARY KEY,
    pinned INTEGER NOT NULL, notify INTEGER NOT NULL,
    hidden_up_to INTEGER NOT NULL, cleared_up_to INTEGER NOT NULL, draft TEXT NOT NULL,
    change_no INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE own_settings (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    write_first INTEGER NOT NULL, last_seen INTEGER NOT NULL, show_read INTEGER NOT NULL,
    change_no INTEGER NOT NULL
) STRICT;
CREATE TABLE join_request (
    conversation BLOB NOT NULL, user TEXT NOT NULL,
    greeting TEXT NOT NULL, state INTEGER NOT NULL, change_no INTEGER NOT NULL,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE draft (
    conversation BLOB PRIMARY KEY, peer TEXT, text TEXT NOT NULL, local_no INTEGER, change_no INTEGER
) STRICT, WITHOUT ROWID;
ALTER TABLE change ADD COLUMN details TEXT;
-- everything that a group is was told here at least once
ALTER TABLE conversation ADD COLUMN group_known INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN avatar TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN announcement TEXT NOT NULL DEFAULT '';
ALTER TABLE conversation ADD COLUMN history_for_new_members INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN join_mode INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN admins_invite INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN muted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0;
";

/// Messages of which changes may have been missed, and up to where that may be true of own ones that are answered late.
const DOUBTS: &str = "
ALTER TABLE message ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_doubted ON message (conversation, seq) WHERE doubted = 1;
ALTER TABLE conversation ADD COLUMN doubted_up_to INTEGER NOT NULL DEFAULT 0;
";

/// Messages that are forgotten at a time: some time after they were read, or at one that is known. Whose words a
/// forwarded one holds.
const FORGETTING: &str = "
ALTER TABLE message ADD COLUMN burn_after_ms INTEGER;
ALTER TABLE message ADD COLUMN forwarded_from TEXT;
ALTER TABLE message ADD COLUMN forwarded_at INTEGER;
CREATE INDEX message_expiring ON message (expires_at) WHERE expires_at IS NOT NULL;
";

/// Channels: which groups are known to be one; of those that are followed, up to where everything is stored (NULL: not
/// followed); and which messages came by their channel's log, which is news as an entry of the inbox is.
const CHANNELS: &str = "
ALTER TABLE conversation ADD COLUMN channel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversation ADD COLUMN channel_seq INTEGER;
ALTER TABLE conversation ADD COLUMN channel_change_no INTEGER;
ALTER TABLE message ADD COLUMN by_channel INTEGER NOT NULL DEFAULT 0;
";

/// When the last message the server named was said, which need not be stored here.
const HEADS: &str = "ALTER TABLE conversation ADD COLUMN head_at INTEGER NOT NULL DEFAULT 0;";

/// How long each network lets a silent connection live, in seconds.
const NETWORKS: &str = "
CREATE TABLE network (
    name TEXT PRIMARY KEY,
    held INTEGER NOT NULL, failed INTEGER NOT NULL, doubts INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The servers' own list of their addresses, as it came: signed.
const ENDPOINT_LIST: &str = "
CREATE TABLE endpoint_list (
    one INTEGER PRIMARY KEY CHECK (one = 1), signed BLOB NOT NULL
) STRICT;
";

/// The files at the server that each message holds, 16 bytes each.
const FILES: &str = "ALTER TABLE message ADD COLUMN files BLOB;";

/// Uploads of files by their paths that are not complete: which file it was, and how far the server had it.
const UPLOADS: &str = "
CREATE TABLE upload (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL, bytes INTEGER NOT NULL, modified_ns INTEGER NOT NULL, sha256 BLOB,
    name TEXT NOT NULL, original INTEGER NOT NULL,
    file BLOB, sent INTEGER NOT NULL
) STRICT;
";

/// Brings the database to the newest schema.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let Some(done) = usize::try_from(found).ok().filter(|done| *done <= MIGRATIONS.len()) else {
        return Err(StoreError::TooNew { path: path.to_owned(), found, known });
    };
    for (version, migration) in (found + 1..).zip(&MIGRATIONS[done..]) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
        tracing::debug!(version, "migrated the local store");
    }
    Ok(())
}
