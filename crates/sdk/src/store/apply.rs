//! One record of the client core → SQL. Called in order within one transaction; every record is an upsert.

use anser_client::records::Record;
use anser_types::{ChangeNo, ConversationId, Seq};
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::values::number;
use super::{
    change_rows, channel_rows, conversation_rows, coverage, device_rows, draft_rows, item_rows,
    message_rows, outbox_rows,
};

/// Applies one record.
pub(super) fn apply(connection: &Connection, record: &Record) -> Result<(), StoreError> {
    match record {
        Record::OutboxPut(item) => {
            draft_rows::note_composed(connection, item)?;
            outbox_rows::put(connection, item)
        }
        Record::OutboxState { local_no, state } => {
            outbox_rows::set_state(connection, *local_no, state)
        }
        Record::OutboxDeleteWanted { local_no } => outbox_rows::want_deleted(connection, *local_no),
        Record::OutboxSettled { local_no, how } => {
            draft_rows::note_settled(connection, *local_no, how)?;
            outbox_rows::remove(connection, *local_no)
        }
        Record::MessageStored(stored) => message_rows::store(connection, stored),
        Record::MessageHidden { conversation, seq } => {
            message_rows::hide(connection, *conversation, *seq).map(drop)
        }
        Record::ChangeStored { change, .. } => change_rows::store(connection, change),
        Record::ChannelPosition { conversation, position } => {
            channel_rows::place(connection, *conversation, *position)
        }
        Record::ChannelLeft { conversation } => channel_rows::leave(connection, *conversation),
        Record::ItemsForgotten => item_rows::forget_own(connection),
        Record::ItemStored(change) => item_rows::replace(connection, change),
        Record::ReadPosition { conversation, up_to } => {
            conversation_rows::raise_read(connection, *conversation, *up_to)
        }
        Record::ReceiptMoved { conversation, who, delivered, read } => {
            conversation_rows::raise_receipt(connection, *conversation, who, *delivered, *read)
        }
        Record::ConversationUpserted(row) => conversation_rows::upsert(connection, row),
        Record::UnavailableStored(range) => coverage::store_unavailable(connection, range),
        Record::NotOnServer { conversation, above } => {
            mark_not_on_server(connection, *conversation, *above)
        }
        Record::UnknownStored(event) => device_rows::store_unknown(connection, event),
        Record::UnknownResolved { inbox_seq } => {
            device_rows::remove_unknown(connection, *inbox_seq)
        }
        Record::DeviceState(state) => device_rows::store_state(connection, state),
        Record::IdentityTaken(identity) => device_rows::store_identity(connection, identity),
        Record::EndpointRemembered { network, endpoint } => {
            device_rows::store_endpoint(connection, network, endpoint)
        }
        Record::EndpointListTaken { signed } => {
            device_rows::store_endpoint_list(connection, signed)
        }
        Record::NatLearned { network, known } => {
            device_rows::store_network(connection, network, *known)
        }
    }
}

/// Marks what the server has lost, and forgets everything that was known about numbers it will give again.
fn mark_not_on_server(
    connection: &Connection,
    conversation: ConversationId,
    above: Seq,
) -> Result<(), StoreError> {
    let key = params![conversation.0, number(above.0)];
    for statement in [
        "UPDATE message SET not_on_server = 1 WHERE conversation = ?1 AND seq > ?2",
        "DELETE FROM unavailable WHERE conversation = ?1 AND to_seq > ?2",
        // Their numbers are given to other messages; what stands here itself stays removed.
        "DELETE FROM hidden WHERE conversation = ?1 AND seq > ?2",
        "UPDATE conversation_options SET cleared_up_to = min(cleared_up_to, ?2) WHERE conversation = ?1",
        "UPDATE receipt SET delivered = min(delivered, ?2), read = min(read, ?2) WHERE conversation = ?1",
        "UPDATE conversation SET head = min(head, ?2), read_up_to = min(read_up_to, ?2),
             counted_head = min(counted_head, ?2), counted_read = min(counted_read, ?2)
         WHERE id = ?1",
    ] {
        connection.prepare_cached(statement)?.execute(key)?;
    }
    if above == Seq::ZERO {
        // The whole conversation is gone; if it comes again, its changes are numbered from the start.
        change_rows::forget_above(connection, conversation, ChangeNo::ZERO)?;
    }
    Ok(())
}
