//! What there is once per store: identity, numbers and positions, remembered endpoints, entries kept for a later
//! version, and the SDK's own settings.

use anser_client::NatKnown;
use anser_client::io::{Endpoint, Identity, TransportKind};
use anser_client::records::{DeviceState, Rebuild, UnknownEvent};
use anser_types::{
    CommandNo, ConversationId, DeviceClass, DeviceNo, InboxSeq, LocalNo, LogEpoch, UnixMs, UserId,
};
use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::values::{number, read_number, read_optional, read_user};
use super::worker::Store;

/// Name of the setting that says when the token should be renewed.
const RENEW_AT: &str = "renew_at";

pub(super) fn store_identity(
    connection: &Connection,
    identity: &Identity,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO identity (one, user, device, class, token) VALUES (1, ?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            identity.user.as_str(),
            number(identity.device.0),
            identity.class.code(),
            identity.token,
        ])?;
    Ok(())
}

pub(super) fn read_identity(connection: &Connection) -> Result<Option<Identity>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT * FROM identity")?
        .query_row([], |row| {
            Ok(Identity {
                user: read_user(row, "user")?,
                device: DeviceNo(read_number(row, "device")?),
                // An unknown class can only come from a newer version; the server knows the device's own.
                class: DeviceClass::from_code(row.get("class")?).unwrap_or(DeviceClass::Cli),
                token: row.get("token")?,
            })
        })
        .optional()?)
}

/// Whose store this is.
pub(super) fn user(connection: &Connection) -> Result<UserId, StoreError> {
    Ok(connection
        .prepare_cached("SELECT user FROM identity")?
        .query_row([], |row| read_user(row, "user"))?)
}

pub(super) fn store_state(connection: &Connection, state: &DeviceState) -> Result<(), StoreError> {
    let rebuild = state.rebuild.as_ref();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO device_state (one, cursor, log_epoch, answered_up_to, highest_used,
                 last_local_no, rebuild_at, rebuild_log_epoch, rebuild_after, settle_until,
                 settle_by_history)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            number(state.cursor.0),
            number(state.log_epoch.0),
            number(state.answered_up_to.0),
            number(state.highest_used.0),
            number(state.last_local_no.0),
            rebuild.map(|rebuild| number(rebuild.at.0)),
            rebuild.map(|rebuild| number(rebuild.log_epoch.0)),
            rebuild.and_then(|rebuild| rebuild.after).map(|conversation| conversation.0),
            state.settle_until.map(|seq| number(seq.0)),
            state.settle_by_history,
        ])?;
    Ok(())
}

pub(super) fn read_state(connection: &Connection) -> Result<DeviceState, StoreError> {
    let state = connection
        .prepare_cached("SELECT * FROM device_state")?
        .query_row([], |row| {
            Ok(DeviceState {
                cursor: InboxSeq(read_number(row, "cursor")?),
                log_epoch: LogEpoch(read_number(row, "log_epoch")?),
                answered_up_to: CommandNo(read_number(row, "answered_up_to")?),
                highest_used: CommandNo(read_number(row, "highest_used")?),
                last_local_no: LocalNo(read_number(row, "last_local_no")?),
                rebuild: read_rebuild(row)?,
                settle_until: read_optional(row, "settle_until")?.map(InboxSeq),
                settle_by_history: row.get("settle_by_history")?,
            })
        })
        .optional()?;
    Ok(state.unwrap_or_default())
}

fn read_rebuild(row: &Row<'_>) -> rusqlite::Result<Option<Rebuild>> {
    let Some(at) = read_optional(row, "rebuild_at")? else { return Ok(None) };
    Ok(Some(Rebuild {
        at: InboxSeq(at),
        log_epoch: LogEpoch(read_number(row, "rebuild_log_epoch")?),
        after: row.get::<_, Option<[u8; 16]>>("rebuild_after")?.map(ConversationId),
    }))
}

pub(super) fn store_unknown(
    connection: &Connection,
    event: &UnknownEvent,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO unknown_event (inbox_seq, raw) VALUES (?1, ?2)")?
        .execute(params![number(event.inbox_seq.0), event.raw.as_ref()])?;
    Ok(())
}

pub(super) fn remove_unknown(connection: &Connection, no: InboxSeq) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM unknown_event WHERE inbox_seq = ?1")?
        .execute([number(no.0)])?;
    Ok(())
}

pub(super) fn read_unknown(connection: &Connection) -> Result<Vec<UnknownEvent>, StoreError> {
    let events = connection
        .prepare_cached("SELECT * FROM unknown_event ORDER BY inbox_seq")?
        .query_map([], |row| {
            Ok(UnknownEvent {
                inbox_seq: InboxSeq(read_number(row, "inbox_seq")?),
                raw: row.get::<_, Vec<u8>>("raw")?.into(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(events)
}

/// Stable numbers of the transports in the store.
const TRANSPORTS: [(TransportKind, u8); 5] = [
    (TransportKind::Tcp, 1),
    (TransportKind::Tls, 2),
    (TransportKind::Ws, 3),
    (TransportKind::Wss, 4),
    (TransportKind::Quic, 5),
];

pub(super) fn store_endpoint(
    connection: &Connection,
    network: &str,
    endpoint: &Endpoint,
) -> Result<(), StoreError> {
    let code =
        TRANSPORTS.iter().find(|(kind, _)| *kind == endpoint.transport).map(|(_, code)| code);
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO endpoint (network, transport, host, port, best_network)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![network, code, endpoint.host, endpoint.port, endpoint.network])?;
    Ok(())
}

pub(super) fn read_endpoints(
    connection: &Connection,
) -> Result<Vec<(String, Endpoint)>, StoreError> {
    let rows: Vec<(String, u8, Endpoint)> = connection
        .prepare_cached("SELECT * FROM endpoint ORDER BY network")?
        .query_map([], |row| {
            let endpoint = Endpoint {
                transport: TransportKind::Tcp,
                host: row.get("host")?,
                port: row.get("port")?,
                network: row.get("best_network")?,
            };
            Ok((row.get("network")?, row.get("transport")?, endpoint))
        })?
        .collect::<Result<_, _>>()?;
    Ok(rows
        .into_iter()
        .filter_map(|(network, code, endpoint)| {
            let (transport, _) = TRANSPORTS.iter().find(|(_, known)| *known == code)?;
            Some((network, Endpoint { transport: *transport, ..endpoint }))
        })
        .collect())
}

pub(super) fn store_endpoint_list(
    connection: &Connection,
    signed: &Bytes,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO endpoint_list (one, signed) VALUES (1, ?1)")?
        .execute([signed.as_ref()])?;
    Ok(())
}

pub(super) fn read_endpoint_list(connection: &Connection) -> Result<Option<Bytes>, StoreError> {
    let signed: Option<Vec<u8>> = connection
        .prepare_cached("SELECT signed FROM endpoint_list")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(signed.map(Bytes::from))
}

pub(super) fn store_network(
    connection: &Connection,
    network: &str,
    known: NatKnown,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO network (name, held, failed, doubts) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![network, known.held, known.failed, known.doubts])?;
    Ok(())
}

pub(super) fn read_networks(
    connection: &Connection,
) -> Result<Vec<(String, NatKnown)>, StoreError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<(String, NatKnown)> {
        let (held, failed, doubts) = (row.get("held")?, row.get("failed")?, row.get("doubts")?);
        Ok((row.get("name")?, NatKnown { held, failed, doubts }))
    };
    let mut statement = connection.prepare_cached("SELECT * FROM network ORDER BY name")?;
    Ok(statement.query_map([], read)?.collect::<Result<_, _>>()?)
}

impl Store {
    /// Who this store belongs to; `None` before the first sign-in.
    ///
    /// # Errors
    /// The store failed.
    pub async fn identity(&self) -> Result<Option<Identity>, StoreError> {
        self.run(|connection| read_identity(connection)).await
    }

    /// Keeps the identity and when its token should be renewed (`None`: not known).
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep_identity(
        &self,
        identity: Identity,
        renew_at: Option<UnixMs>,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            store_identity(&transaction, &identity)?;
            store_renewal(&transaction, renew_at)?;
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    /// Keeps a renewed token of this device and when it should be renewed in turn. Without effect if the store belongs
    /// to another device by now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep_renewed_token(
        &self,
        device: DeviceNo,
        token: String,
        renew_at: Option<UnixMs>,
    ) -> Result<(), StoreError> {
        self.run(move |connection| {
            let transaction = connection.transaction()?;
            let kept = transaction
                .prepare_cached("UPDATE identity SET token = ?2 WHERE device = ?1")?
                .execute(params![number(device.0), token])?;
            if kept > 0 {
                store_renewal(&transaction, renew_at)?;
            }
            transaction.commit()?;
            Ok(())
        })
        .await
    }

    /// Keeps when the token should be renewed.
    ///
    /// # Errors
    /// The store failed.
    pub async fn keep_renewal(&self, renew_at: Option<UnixMs>) -> Result<(), StoreError> {
        self.run(move |connection| store_renewal(connection, renew_at)).await
    }

    /// When the token should be renewed, if that is known.
    ///
    /// # Errors
    /// The store failed.
    pub async fn renewal(&self) -> Result<Option<UnixMs>, StoreError> {
        self.run(|connection| {
            let value: Option<i64> = connection
                .prepare_cached("SELECT value FROM setting WHERE name = ?1")?
                .query_row([RENEW_AT], |row| row.get(0))
                .optional()?;
            Ok(value.map(|ms| UnixMs(ms.cast_unsigned())))
        })
        .await
    }
}

fn store_renewal(connection: &Connection, renew_at: Option<UnixMs>) -> Result<(), StoreError> {
    match renew_at {
        Some(at) => connection
            .prepare_cached("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)")?
            .execute(params![RENEW_AT, number(at.0)])?,
        None => {
            connection.prepare_cached("DELETE FROM setting WHERE name = ?1")?.execute([RENEW_AT])?
        }
    };
    Ok(())
}
