//! The ports of anser-backend on the store, one file each.

mod accounts;
mod conversations;
mod files;
mod inbox;
mod inspect;
mod ledger;
mod lists;
mod reading;
