//! The list of the servers' addresses that is believed (requirements E7, J3): the newest one of the signer whose list was
//! the first, or of the one that the program was built to believe. It comes in a session, after Welcome or when it has
//! changed, and by the host, who asks the HTTP API while no known address leads to a session.

use std::time::Duration;

use anser_proto::endpoint_list::SignedList;
use anser_types::{ErrorCode, Refusal, UnixMs};
use bytes::Bytes;

use crate::core::Core;
use crate::io::{AppEvent, ListTrust, Now, Output};
use crate::records::Record;
use crate::store::Then;

/// How long after the host was asked for a list it is not asked again.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// What is believed.
#[derive(Debug)]
pub(crate) struct KnownList {
    trust: ListTrust,
    list: Option<SignedList>,
    /// When the host was asked for a list.
    asked_at: Option<Duration>,
}

impl KnownList {
    /// The list that was stored, unless the program believes somebody else.
    pub(crate) fn new(trust: ListTrust, stored: Option<&Bytes>) -> Self {
        let list = stored.and_then(|signed| SignedList::open(signed).ok());
        let list = list.filter(|list| match trust {
            ListTrust::Nobody => false,
            ListTrust::First => true,
            ListTrust::Only(key) => key == list.key,
        });
        Self { trust, list, asked_at: None }
    }

    /// The list.
    pub(crate) const fn list(&self) -> Option<&SignedList> {
        self.list.as_ref()
    }

    /// Its version; zero if there is none.
    pub(crate) fn version(&self) -> u64 {
        self.list.as_ref().map_or(0, |list| list.version)
    }

    /// Whether its time is over.
    pub(crate) fn is_stale(&self, server_time: UnixMs) -> bool {
        self.list.as_ref().is_some_and(|list| {
            let ends = list.version.saturating_add(u64::from(list.ttl_s).saturating_mul(1000));
            ends < server_time.0
        })
    }

    /// Takes a list in; `None` if it is not newer than the one known.
    ///
    /// # Errors
    /// `ENDPOINT_LIST_REFUSED`: it is nobody's, or somebody else's. The one known stays.
    fn take(&mut self, signed: &[u8]) -> Result<Option<&SignedList>, Refusal> {
        let signer = match (self.trust, &self.list) {
            (ListTrust::Nobody, _) => return Ok(None),
            (ListTrust::Only(key), _) => Some(key),
            (ListTrust::First, known) => known.as_ref().map(|known| known.key),
        };
        let list = SignedList::open(signed)?;
        if signer.is_some_and(|known| known != list.key) {
            let detail = "it is signed by another key than the list known here";
            return Err(Refusal::because(ErrorCode::EndpointListRefused, detail));
        }
        if self.list.as_ref().is_some_and(|known| known.version >= list.version) {
            return Ok(None);
        }
        Ok(Some(self.list.insert(list)))
    }

    /// Whether the host should be asked now.
    fn asks(&mut self, now: Duration) -> bool {
        let too_soon = self.asked_at.is_some_and(|at| now < at + ASK_AGAIN_AFTER);
        if too_soon || self.trust == ListTrust::Nobody {
            return false;
        }
        self.asked_at = Some(now);
        true
    }
}

impl Core {
    /// A list came, from wherever.
    pub(crate) fn endpoint_list_came(&mut self, signed: &Bytes) {
        match self.known_list.take(signed) {
            Ok(Some(list)) => {
                let (version, gateways) = (list.version, list.gateways.len());
                self.endpoints.set_listed(&list.gateways, self.me.user.as_str());
                self.store.put(Record::EndpointListTaken { signed: signed.clone() });
                self.store.after(Then::Tell(AppEvent::EndpointListChanged { version, gateways }));
            }
            Ok(None) => {}
            Err(reason) => self.tell(AppEvent::EndpointListRefused { reason }),
        }
    }

    /// No address known leads to a session: perhaps the HTTP API knows others.
    pub(crate) fn ask_for_endpoints(&mut self, now: Now) {
        if self.endpoints.all_failed(now.mono) && self.known_list.asks(now.mono) {
            self.outputs.push_back(Output::AskEndpointList);
        }
    }
}
