//! Whole clients and a real server, with a translator between them that makes one of them, or both, speak as the next
//! version would: more versions, fields, cases and capabilities than this one knows.

use std::net::SocketAddr;

use anser_gateway::ListenerKind;
use anser_proto::codec::FrameDecoder;
use anser_sdk::{Client, PageBounds};
use anser_types::limits::FRAME_MAX_BYTES;
use bytes::Bytes;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::newer;
use crate::world::{World, id, soon, texts};

/// Says every frame of this version as the next one would.
type Say = fn(&Bytes) -> Bytes;

const NEWER_CLIENT: Say = newer::from_client;
const NEWER_SERVER: Say = |frame| {
    // The server behind took the highest version of those it and the client speak.
    let chosen = newer::chosen(frame);
    assert!(chosen.is_none_or(|version| version == 1), "{chosen:?}");
    newer::from_server(frame, 1)
};
const AS_IT_IS: Say = |frame| frame.clone();

async fn translator(server: SocketAddr, client_says: Say, server_says: Say) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(there) = TcpStream::connect(server).await else { continue };
            let ((from, to), (back, forth)) = (client.into_split(), there.into_split());
            tokio::spawn(translate(from, forth, client_says));
            tokio::spawn(translate(back, to, server_says));
        }
    });
    address
}

async fn translate(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, say: Say) {
    let mut decoder = FrameDecoder::new(FRAME_MAX_BYTES);
    let mut buffer = vec![0; 64 * 1024];
    let mut greeted = false;
    while let Ok(read) = from.read(&mut buffer).await
        && read > 0
    {
        decoder.push(&buffer[..read]);
        while let Some(frame) = decoder.next().unwrap() {
            let mut said = vec![say(&frame)];
            if greeted && said[0] != frame {
                said.extend(newer::unknown_frames());
            }
            greeted = true;
            for frame in said {
                let mut bytes = Vec::new();
                prost::encode_length_delimiter(frame.len(), &mut bytes).unwrap();
                bytes.extend_from_slice(&frame);
                if to.write_all(&bytes).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn two_people_talk(client_says: Say, server_says: Say) {
    let world = World::new();
    let address = translator(world.address(ListenerKind::Tcp), client_says, server_says).await;
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let online = async |user: &str, store: &std::path::Path| {
        let tcp = format!("tcp://{address}").parse().unwrap();
        let builder = Client::builder().endpoint(tcp).http(world.http_base());
        let client = builder.store_directory(store).login_with(world.devices(user)).await.unwrap();
        soon(client.wait_synced()).await.unwrap();
        client
    };
    let (alice, bob) = (online("alice", a.path()).await, online("bob", b.path()).await);
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    let long = "Something that is long enough to be compressed. ".repeat(40);
    for text in ["hello", &long] {
        soon(alice.send_text(id("bob"), text)).await.unwrap();
        assert_eq!(texts(&mut of_bob, 1).await, [text]);
        soon(bob.send_text(id("alice"), text)).await.unwrap();
        assert_eq!(texts(&mut of_alice, 1).await, [text]);
    }
    let group = soon(alice.create_group("friends", vec![id("bob")], false)).await.unwrap();
    soon(alice.send_text(group, "all of you")).await.unwrap();
    assert_eq!(texts(&mut of_bob, 1).await, ["all of you"]);

    // A device that comes back reads what it missed, and its history.
    bob.close().await;
    soon(alice.send_text(id("bob"), "missed")).await.unwrap();
    let bob = online("bob", b.path()).await;
    let page = soon(bob.history(id("alice"), PageBounds::newest(50))).await.unwrap();
    let said: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!(said, ["hello", "hello", &long, &long, "missed"]);
}

#[tokio::test]
async fn requirement_f3_clients_and_servers_of_this_version_talk() {
    two_people_talk(AS_IT_IS, AS_IT_IS).await;
}

#[tokio::test]
async fn requirement_f3_newer_clients_talk_through_a_server_of_this_version() {
    two_people_talk(NEWER_CLIENT, AS_IT_IS).await;
}

#[tokio::test]
async fn requirement_f3_clients_of_this_version_talk_through_a_newer_server() {
    two_people_talk(AS_IT_IS, NEWER_SERVER).await;
}

#[tokio::test]
async fn requirement_f3_what_both_sides_say_more_harms_neither() {
    two_people_talk(NEWER_CLIENT, NEWER_SERVER).await;
}
