//! One order: names proved, certificate fetched, both parts in one file.

use std::time::Duration;

use anser_gateway::TlsSource;
use anser_types::ErrorCode;
use instant_acme::{
    AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use zeroize::Zeroizing;

use super::account::{self, said};
use super::proof::Shown;
use super::terms::Terms;
use crate::data_dir::{SECRET, write_whole};
use crate::failure::Failure;

/// How long an authority may look at the proofs, and then make the certificate; the public ones take seconds.
const PATIENCE: Duration = Duration::from_secs(120);
/// An order with everything that belongs to it.
const WHOLE: Duration = Duration::from_secs(600);

/// Asks for a certificate; when this returns, it is in its file, with the key it was made for.
///
/// # Errors
/// `UNREACHABLE` with what the authority has said, `CONFIG_INVALID` and `INTERNAL` about files.
pub(super) async fn obtain(terms: &Terms, source: &TlsSource) -> Result<(), Failure> {
    let both = tokio::time::timeout(WHOLE, fetch(terms, source))
        .await
        .unwrap_or_else(|_| Err(refused("the authority did not finish within ten minutes")))?;
    write_whole(&terms.certificate, both.as_bytes(), SECRET).map_err(|error| {
        let path = terms.certificate.display();
        Failure::new(ErrorCode::Internal, format!("cannot write {path}: {error}"))
            .next("Give the server's user the right to write in the data directory.")
    })
}

async fn fetch(terms: &Terms, source: &TlsSource) -> Result<Zeroizing<String>, Failure> {
    let account = account::open(terms).await?;
    let names: Vec<_> = terms.domains.iter().cloned().map(Identifier::Dns).collect();
    let retries = RetryPolicy::default().timeout(PATIENCE);
    let mut order = account.new_order(&NewOrder::new(&names)).await.map_err(|e| said(&e))?;
    let shown = prove(&mut order, source).await?;
    let ready = order.poll_ready(&retries).await;
    // Whatever came of it, the proofs have been looked at.
    drop(shown);
    if !matches!(ready, Ok(OrderStatus::Ready)) {
        return Err(unproved(&mut order, ready).await);
    }
    let key = order.finalize().await.map(Zeroizing::new).map_err(|error| said(&error))?;
    let chain = order.poll_certificate(&retries).await.map_err(|error| said(&error))?;
    Ok(Zeroizing::new(format!("{chain}\n{}", key.as_str())))
}

/// Shows the proofs that the order asks for, and says so.
async fn prove(order: &mut Order, source: &TlsSource) -> Result<Shown, Failure> {
    let mut shown = Shown::new(source);
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(|error| said(&error))?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .ok_or_else(|| refused("the authority does not take proofs by TLS-ALPN-01"))?;
        let domain = challenge.identifier().to_string();
        shown.add(&domain, challenge.key_authorization().digest().as_ref())?;
        challenge.set_ready().await.map_err(|error| said(&error))?;
    }
    Ok(shown)
}

/// Why a name was not proved, in the authority's words.
async fn unproved(order: &mut Order, ready: Result<OrderStatus, instant_acme::Error>) -> Failure {
    let mut why = match ready {
        Err(error) => format!("the names were not proved: {error}"),
        Ok(status) => format!("the names were not proved: the order is {status:?}"),
    };
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let name = authorization.identifier().to_string();
        // What was known of it is from before the authority looked.
        let Ok(state) = authorization.refresh().await else { break };
        if let Some(problem) =
            state.challenges.iter().find_map(|challenge| challenge.error.as_ref())
        {
            why = format!("{name} was not proved: {problem}");
            break;
        }
    }
    refused(&why).next(
        "The authority must reach listen.https at port 443 of each name; it is tried again by itself, and the \
         certificate in use stays.",
    )
}

fn refused(what: &str) -> Failure {
    Failure::new(ErrorCode::Unreachable, format!("ACME: {what}"))
        .next("It is tried again by itself, and the certificate in use stays.")
}
