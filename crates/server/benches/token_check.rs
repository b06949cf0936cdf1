//! What it costs to look at a token (goal: at most 20 µs): `cargo bench -p anser-server --bench token_check`.
//!
//! On the store of the product, with as many devices as a large company has, asked in no order: some rows come from
//! memory, some from table files in the system's cache.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::time::Instant;

use anser_server::config::Config;
use anser_server::machine::{SystemClock, SystemEntropy};
use anser_server::store;
use anser_service::{Ports, Service, Settings};
use anser_types::{DeviceClass, UserId};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

const USERS: usize = 20_000;
const CHECKS: usize = 200_000;
const API_KEY: &str = "anser_bench_key";

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let opened = store::open(directory.path(), &Config::default()).unwrap();
    let ports = Ports {
        ledger: opened.ledger(),
        conversations: opened.conversations(),
        lists: opened.lists(),
        accounts: opened.accounts(),
        search: None,
        files: None,
    };
    let settings =
        Settings { api_keys: vec![Sha256::digest(API_KEY).into()], ..Settings::default() };
    let service = Service::start(ports, Arc::new(SystemClock), Arc::new(SystemEntropy), settings);
    let app = service.authenticate_app(API_KEY).unwrap();
    let mut tokens = Vec::with_capacity(USERS);
    // In groups, so that they share commits.
    for group in (0..USERS).collect::<Vec<_>>().chunks(256) {
        let minted = group.iter().map(|number| {
            let user = UserId::new(&format!("user-{number}")).unwrap();
            service.mint_token(&app, user, None, DeviceClass::Phone, String::new(), true)
        });
        let minted = futures::future::join_all(minted).await;
        tokens.extend(minted.into_iter().map(|signed_in| signed_in.unwrap().token));
    }
    let mut took = Vec::with_capacity(CHECKS);
    let mut at: usize = 1;
    for _ in 0..CHECKS {
        at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let token = &tokens[(at >> 33) % USERS];
        let begun = Instant::now();
        service.authenticate(token).await.unwrap();
        took.push(begun.elapsed());
    }
    took.sort_unstable();
    let micros = |share: usize| took[CHECKS * share / 1000].as_secs_f64() * 1e6;
    println!(
        "{CHECKS} checks of {USERS} tokens: p50 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs",
        micros(500),
        micros(990),
        micros(999)
    );
    service.stop().await;
    store::close(opened).await.unwrap();
}
