//! Certificates by ACME (RFC 8555): asked for, proved by TLS-ALPN-01 (RFC 8737) on the listener for HTTPS, renewed before
//! two thirds of their life are over. Whatever fails, the certificate in use stays.

mod account;
mod keeper;
mod order;
mod proof;
mod terms;

pub use keeper::{Renewals, is_due, keep};
pub use terms::Terms;
