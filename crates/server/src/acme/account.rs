//! The account at the authority: made once, then kept beside the certificate.

use std::fs;
use std::io;

use anser_types::ErrorCode;
use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::terms::Terms;
use crate::data_dir::{SECRET, write_whole};
use crate::failure::Failure;

/// The file: an account is good at the authority where it was made.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

/// The account of before, or a new one; its key is on the disk before this returns.
///
/// # Errors
/// `CONFIG_INVALID` about files, `UNREACHABLE` about the authority.
pub(super) async fn open(terms: &Terms) -> Result<Account, Failure> {
    if let Some(kept) = read(terms)?.filter(|kept| kept.directory == terms.directory) {
        return builder(terms)?.from_credentials(kept.credentials).await.map_err(|e| said(&e));
    }
    let contact: Vec<&str> = terms.contact.iter().map(String::as_str).collect();
    let asked = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let directory = terms.directory.clone();
    let made = builder(terms)?.create(&asked, directory.clone(), None).await;
    let (account, credentials) = made.map_err(|error| said(&error))?;
    let kept = serde_json::to_vec(&Kept { directory, credentials }).map(Zeroizing::new);
    kept.map_err(io::Error::from)
        .and_then(|kept| write_whole(&terms.account, &kept, SECRET))
        .map_err(|error| file(terms, &error))?;
    Ok(account)
}

fn read(terms: &Terms) -> Result<Option<Kept>, Failure> {
    match fs::read(&terms.account).map(Zeroizing::new) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| file(terms, &io::Error::from(error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file(terms, &error)),
    }
}

fn builder(terms: &Terms) -> Result<AccountBuilder, Failure> {
    // The library's HTTP client takes the process' cryptography; whoever was first chose the same.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    match &terms.authority {
        None => Account::builder(),
        Some(authority) => Account::builder_with_root(authority),
    }
    .map_err(|error| {
        Failure::new(ErrorCode::ConfigInvalid, format!("ACME cannot be spoken: {error}"))
            .next("Look at tls.acme_authority, or at the system's certificate authorities.")
    })
}

fn file(terms: &Terms, error: &io::Error) -> Failure {
    let path = terms.account.display();
    Failure::new(ErrorCode::ConfigInvalid, format!("{path}: {error}"))
        .next("Give the server's user the right to it, or remove it: the next order makes another account.")
}

/// What the authority, or the way to it, has said.
pub(super) fn said(error: &instant_acme::Error) -> Failure {
    Failure::new(ErrorCode::Unreachable, format!("ACME: {error}")).next(
        "Look at tls.acme_directory and tls.acme_domains; it is tried again by itself, and the certificate in use stays.",
    )
}
