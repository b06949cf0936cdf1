//! Asks the HTTP API where the servers are, while none of the addresses known leads to a session.

use tokio::sync::mpsc;

use super::requests::Request;
use crate::http::AccountClient;

/// Who asks, and who is given the answer.
pub(crate) struct GatewayLists {
    pub(crate) http: Option<AccountClient>,
    pub(crate) taker: mpsc::WeakSender<Request>,
}

impl GatewayLists {
    /// Asks once, on the side. The core asks again while nothing helps.
    pub(super) fn ask(&self) {
        let (Some(http), taker) = (self.http.clone(), self.taker.clone()) else { return };
        tokio::spawn(async move {
            match http.endpoint_list().await {
                Ok(Some(signed)) => {
                    if let Some(taker) = taker.upgrade()
                        && taker.send(Request::EndpointList(signed)).await.is_err()
                    {
                        tracing::debug!("the client has closed meanwhile");
                    }
                }
                Ok(None) => tracing::debug!("the servers keep no list of their addresses"),
                Err(refusal) => tracing::debug!(%refusal, "no list of the servers can be had"),
            }
        });
    }
}
