//! A wire that is listened to: a relay before the server that keeps every byte of both directions.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What passed, in order: over which connection, from the client (`true`) or to it.
type Heard = Arc<Mutex<Vec<(usize, bool, Vec<u8>)>>>;

/// A wire to the server.
pub struct Wire {
    pub address: SocketAddr,
    heard: Heard,
    connections: Arc<AtomicUsize>,
    since: AtomicUsize,
}

impl Wire {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Heard::default());
        let connections = Arc::new(AtomicUsize::new(0));
        let (keep, count) = (Arc::clone(&heard), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let Ok(there) = TcpStream::connect(server).await else { continue };
                let ((from, to), (back, forth)) = (client.into_split(), there.into_split());
                tokio::spawn(carry(from, forth, (number, true), Arc::clone(&keep)));
                tokio::spawn(carry(back, to, (number, false), Arc::clone(&keep)));
            }
        });
        Self { address, heard, connections, since: AtomicUsize::new(0) }
    }

    /// What passed over the connections that came since.
    fn heard(&self) -> Vec<(bool, Vec<u8>)> {
        let since = self.since.load(Ordering::SeqCst);
        let heard = self.heard.lock();
        let heard = heard.iter().filter(|(connection, ..)| *connection >= since);
        heard.map(|(_, from_client, bytes)| (*from_client, bytes.clone())).collect()
    }

    /// Bytes of both directions together.
    pub fn bytes(&self) -> usize {
        self.heard().iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// How often the client spoke after it had heard the server, the first time included: 1 is one round trip.
    pub fn round_trips(&self) -> usize {
        let mut turns: Vec<bool> =
            self.heard().iter().map(|(from_client, _)| *from_client).collect();
        turns.dedup();
        turns.iter().filter(|from_client| **from_client).count()
    }

    /// Whether the server has sent these bytes.
    pub fn carried(&self, text: &str) -> bool {
        let sent = self.heard().into_iter().filter(|(from_client, _)| !from_client);
        let sent: Vec<u8> = sent.flat_map(|(_, bytes)| bytes).collect();
        sent.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// From here on only connections count that come from here on.
    pub fn forget(&self) {
        self.since.store(self.connections.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    (connection, from_client): (usize, bool),
    heard: Heard,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read) = from.read(&mut buffer).await
        && read > 0
    {
        heard.lock().push((connection, from_client, buffer[..read].to_vec()));
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}
