//! What the client core loads at the start.

use anser_client::records::{ConversationMark, Snapshot};
use anser_types::{LogEpoch, Seq};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::values::{read_conversation, read_number, read_optional_user};
use super::worker::Store;
use super::{channel_rows, device_rows, outbox_rows};

impl Store {
    /// Everything the core needs; `None` before the first sign-in.
    ///
    /// # Errors
    /// The store failed.
    pub async fn snapshot(&self) -> Result<Option<Snapshot>, StoreError> {
        self.run(|connection| {
            let Some(identity) = device_rows::read_identity(connection)? else { return Ok(None) };
            Ok(Some(Snapshot {
                device: device_rows::read_state(connection)?,
                outbox: outbox_rows::read_all(connection)?,
                conversations: read_marks(connection, identity.user.as_str())?,
                unknown: device_rows::read_unknown(connection)?,
                endpoints: device_rows::read_endpoints(connection)?,
                endpoint_list: device_rows::read_endpoint_list(connection)?,
                networks: device_rows::read_networks(connection)?,
                identity,
            }))
        })
        .await
    }
}

fn read_marks(connection: &Connection, me: &str) -> Result<Vec<ConversationMark>, StoreError> {
    let marks = connection
        .prepare_cached(
            "SELECT conversation.id, conversation.peer, conversation.head, conversation.read_up_to,
                    conversation.log_epoch,
                    conversation.channel_seq, conversation.channel_change_no,
                    CASE WHEN conversation.channel_seq IS NULL THEN 0 ELSE
                        coalesce((SELECT server_time FROM message WHERE message.conversation = conversation.id
                                  ORDER BY seq DESC LIMIT 1), 0) END AS active,
                    coalesce((SELECT max(seq) FROM message WHERE message.conversation = conversation.id
                              AND message.sender = ?1 AND message.not_on_server = 0), 0) AS last_own,
                    coalesce(receipt.delivered, 0) AS delivered, coalesce(receipt.read, 0) AS read
             FROM conversation
             LEFT JOIN receipt ON receipt.conversation = conversation.id AND receipt.who = conversation.peer
             ORDER BY conversation.id",
        )?
        .query_map(params![me], |row| {
            Ok(ConversationMark {
                conversation: read_conversation(row, "id")?,
                peer: read_optional_user(row, "peer")?,
                head: Seq(read_number(row, "head")?),
                read_up_to: Seq(read_number(row, "read_up_to")?),
                last_own: Seq(read_number(row, "last_own")?),
                peer_delivered: Seq(read_number(row, "delivered")?),
                peer_read: Seq(read_number(row, "read")?),
                log_epoch: LogEpoch(read_number(row, "log_epoch")?),
                channel: channel_rows::read_mark(row)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(marks)
}
