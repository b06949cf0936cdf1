//! The list of the servers' addresses that this server gives to clients: after Welcome to those who have another one, with
//! the next heartbeat when it has changed, and over HTTP.

use std::sync::Arc;

use anser_proto::endpoint_list::SignedList;
use anser_types::{Gateway, Refusal};
use arc_swap::ArcSwapOption;
use bytes::Bytes;

/// A list as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayList {
    pub(crate) version: u64,
    pub(crate) ttl_s: u32,
    pub(crate) gateways: Vec<Gateway>,
    /// For programs that check it themselves, and for sessions.
    pub(crate) signed: Bytes,
}

impl GatewayList {
    /// The list in the bytes of a `SignedEndpointList`.
    ///
    /// # Errors
    /// `ENDPOINT_LIST_REFUSED`: no client would take it.
    pub fn new(signed: Bytes) -> Result<Self, Refusal> {
        let SignedList { version, ttl_s, gateways, .. } = SignedList::open(&signed)?;
        Ok(Self { version, ttl_s, gateways, signed })
    }

    /// The servers it names.
    #[must_use]
    pub fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }
}

/// The place of the present list, shared between whoever renews it and every session.
#[derive(Clone, Debug, Default)]
pub struct PublishedList(Arc<ArcSwapOption<GatewayList>>);

impl PublishedList {
    /// From now on this one is given; `None`: none is. Sessions that had another one are given it with their next
    /// heartbeat, so that not all are written to at once.
    pub fn publish(&self, list: Option<GatewayList>) {
        self.0.store(list.map(Arc::new));
    }

    /// The list.
    #[must_use]
    pub fn now(&self) -> Option<Arc<GatewayList>> {
        self.0.load_full()
    }

    /// Its version; zero if there is none.
    pub(crate) fn version(&self) -> u64 {
        self.0.load().as_ref().map_or(0, |list| list.version)
    }
}

impl PartialEq for PublishedList {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PublishedList {}
