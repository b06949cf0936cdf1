//! A wire that is listened to: a relay before the server that keeps every byte of both directions.

use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What passed, in order: from the client (`true`) or to it.
pub type Heard = Arc<Mutex<Vec<(bool, Vec<u8>)>>>;

/// A wire to the server.
pub struct Wire {
    pub address: SocketAddr,
    pub heard: Heard,
}

impl Wire {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
        let keep = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(there) = TcpStream::connect(server).await else { continue };
                let ((from, to), (back, forth)) = (client.into_split(), there.into_split());
                tokio::spawn(carry(from, forth, true, Arc::clone(&keep)));
                tokio::spawn(carry(back, to, false, Arc::clone(&keep)));
            }
        });
        Self { address, heard }
    }

    /// Bytes of both directions together.
    pub fn bytes(&self) -> usize {
        self.heard.lock().iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// How often one side spoke after it had heard the other: 1 is one round trip.
    pub fn round_trips(&self) -> usize {
        let heard = self.heard.lock();
        let mut turns: Vec<bool> = heard.iter().map(|(from_client, _)| *from_client).collect();
        turns.dedup();
        turns.iter().filter(|from_client| **from_client).count()
    }

    /// Whether the server has sent these bytes since the wire was listened to last.
    pub fn carried(&self, text: &str) -> bool {
        let heard = self.heard.lock();
        let sent = heard.iter().filter(|(from_client, _)| !from_client);
        let sent: Vec<u8> = sent.flat_map(|(_, bytes)| bytes.clone()).collect();
        sent.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn forget(&self) {
        self.heard.lock().clear();
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    from_client: bool,
    heard: Heard,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer).await
        && read > 0
    {
        heard.lock().push((from_client, buffer[..read].to_vec()));
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}
