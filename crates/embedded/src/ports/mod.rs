//! The ports of anser-backend on the store, one file each.

mod accounts;
mod conversations;
mod inbox;
mod inspect;
mod lists;
mod ledger;
mod reading;
