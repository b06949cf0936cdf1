//! The servers' list of their addresses: whose is believed, what it changes, when it is asked for (requirements E7, J3).

use std::time::Duration;

use anser_client::{AppEvent, Input, ListTrust, TransportKind};
use anser_proto::endpoint_list::ListSigner;
use anser_proto::v1;
use anser_types::{ErrorCode, Gateway, Refusal};
use bytes::Bytes;
use prost::Message;

use crate::server::{AHEAD_MS, START_MS};
use crate::world::World;

/// When lists of these tests are made: now, by the server's clock.
const MADE: u64 = START_MS + AHEAD_MS;
const WEEK_S: u32 = 7 * 24 * 3600;

fn signer() -> ListSigner {
    ListSigner::new(&[1; 32])
}

fn list(by: &ListSigner, version: u64, hosts: &[&str]) -> Bytes {
    let gateways: Vec<_> = hosts
        .iter()
        .map(|host| Gateway {
            host: (*host).to_owned(),
            tls: Some(7411),
            weight: 1,
            ..Gateway::default()
        })
        .collect();
    by.sign(version, WEEK_S, &gateways)
}

/// The host of the next connection, once the present one has ended.
fn goes_to(world: &mut World) -> String {
    world.input(Input::Stop);
    world.input(Input::Start);
    world.until("online", World::is_connected);
    world.connects.last().unwrap().1.host.clone()
}

fn refusals(world: &World) -> Vec<Refusal> {
    let events = world.heard.events.iter();
    events
        .filter_map(|event| match event {
            AppEvent::EndpointListRefused { reason } => Some(reason.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn requirement_e7_the_list_that_is_pushed_is_used_first_and_survives_a_restart() {
    let mut world = World::new();
    world.server.endpoint_list = Some(list(&signer(), MADE, &["10.0.0.5"]));
    world.input(Input::Start);
    world.until("online", World::is_connected);
    let told = AppEvent::EndpointListChanged { version: MADE, gateways: 1 };
    world.until("told", |world| world.heard.events.contains(&told));
    assert_eq!(world.connects[0].1.host, "127.0.0.1", "what the program came with");
    assert_eq!(goes_to(&mut world), "10.0.0.5");
    assert_eq!(world.connects.last().unwrap().1.transport, TransportKind::Tls);
    world.restart();
    world.until("online", World::is_connected);
    assert_eq!(world.connects.last().unwrap().1.host, "10.0.0.5");
    let said: Vec<u64> = world.server.hellos.iter().map(|h| h.endpoint_list_version).collect();
    assert_eq!(said, [0, MADE, MADE], "the server need not send it again");
    let told = world.heard.events.iter().filter(|event| **event == told).count();
    assert_eq!(told, 1, "what is known already is no news");
}

#[test]
fn requirement_e7_a_poisoned_list_is_refused_with_a_reason_and_the_previous_one_stays() {
    let mut world = World::new();
    world.server.endpoint_list = Some(list(&signer(), MADE, &["10.0.0.5"]));
    world.input(Input::Start);
    world.until("online", World::is_connected);

    let unsigned = v1::SignedEndpointList {
        list: v1::SignedEndpointList::decode(list(&signer(), MADE + 1, &["6.6.6.6"])).unwrap().list,
        ..v1::SignedEndpointList::default()
    };
    let mut altered = list(&signer(), MADE + 1, &["10.0.0.6"]).to_vec();
    let at = altered.windows(8).position(|part| part == b"10.0.0.6").unwrap();
    altered[at..at + 8].copy_from_slice(b"6.6.6.6.");
    let elsewhere = list(&ListSigner::new(&[2; 32]), MADE + 1, &["6.6.6.6"]);
    let poisoned = [
        (Bytes::from(unsigned.encode_to_vec()), "it is not signed"),
        (Bytes::from(altered), "its signature is not that of its key"),
        (elsewhere, "it is signed by another key than the list known here"),
        (Bytes::from_static(&[0xff; 9]), "it cannot be read"),
    ];
    for (index, (list, why)) in poisoned.into_iter().enumerate() {
        world.server.endpoint_list = Some(list);
        assert_eq!(goes_to(&mut world), "10.0.0.5", "{why}");
        world.secs(1);
        let told = refusals(&world);
        assert_eq!(told.len(), index + 1, "{why}");
        assert_eq!(told[index].code, ErrorCode::EndpointListRefused);
        assert!(told[index].detail.starts_with(why), "{}", told[index].detail);
        assert!(world.is_connected(), "the session goes on");
    }
    assert!(world.connects.iter().all(|(_, endpoint)| !endpoint.host.starts_with('6')));
    // Said again by somebody who kept it: old, and so no news.
    world.server.endpoint_list = Some(list(&signer(), MADE - 1, &["10.0.0.4"]));
    assert_eq!(goes_to(&mut world), "10.0.0.5");
    assert_eq!(goes_to(&mut world), "10.0.0.5");
    // And the right one's next list is taken as if nothing had been.
    world.server.endpoint_list = Some(list(&signer(), MADE + 9, &["10.0.0.9"]));
    assert_eq!(goes_to(&mut world), "10.0.0.5");
    assert_eq!(goes_to(&mut world), "10.0.0.9");
}

#[test]
fn an_app_that_names_the_key_believes_nobody_else() {
    let mut world = World::new();
    world.list_trust = ListTrust::Only(signer().key());
    world.boot();
    world.server.endpoint_list = Some(list(&ListSigner::new(&[2; 32]), MADE, &["6.6.6.6"]));
    world.input(Input::Start);
    world.until("online", World::is_connected);
    world.until("told", |world| refusals(world).len() == 1);
    world.server.endpoint_list = Some(list(&signer(), MADE, &["10.0.0.5"]));
    assert_eq!(goes_to(&mut world), "127.0.0.1");
    assert_eq!(goes_to(&mut world), "10.0.0.5");
}

#[test]
fn an_app_that_keeps_to_its_own_addresses_takes_no_list_and_asks_for_none() {
    let mut world = World::new();
    world.list_trust = ListTrust::Nobody;
    world.boot();
    world.server.endpoint_list = Some(list(&signer(), MADE, &["10.0.0.5"]));
    world.input(Input::Start);
    world.until("online", World::is_connected);
    assert_eq!(goes_to(&mut world), "127.0.0.1");
    world.input(Input::Stop);
    world.refuse_connections = true;
    world.input(Input::Start);
    world.secs(60);
    assert_eq!((world.list_asked_for.len(), refusals(&world).len()), (0, 0));
}

#[test]
fn requirement_e7_a_list_whose_time_is_over_comes_after_what_the_program_came_with() {
    let mut world = World::new();
    // By the server's clock, whatever the device's says, it ends a minute after the start.
    let made = MADE - (u64::from(WEEK_S) - 60) * 1000;
    world.server.endpoint_list = Some(list(&signer(), made, &["10.0.0.5"]));
    world.input(Input::Start);
    world.until("online", World::is_connected);
    world.server.endpoint_list = None;
    assert_eq!(goes_to(&mut world), "10.0.0.5");
    world.secs(90);
    assert_eq!(goes_to(&mut world), "10.0.0.5", "the device does not know it yet");
    assert_eq!(goes_to(&mut world), "127.0.0.1");
}

#[test]
fn requirement_e7_the_list_is_asked_for_over_http_while_no_address_answers() {
    let mut world = World::new();
    world.refuse_connections = true;
    world.input(Input::Start);
    world.secs(50);
    assert_eq!(world.list_asked_for.len(), 1, "at once, then not for a minute");
    world.secs(100);
    let asked = &world.list_asked_for;
    assert!(asked.len() >= 2, "{asked:?}");
    assert!(asked.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(60)), "{asked:?}");
    world.refuse_connections = false;
    world.input(Input::EndpointList(list(&signer(), MADE, &["10.0.0.5"])));
    world.until("online", World::is_connected);
    assert_eq!(world.connects.last().unwrap().1.host, "10.0.0.5");
}
