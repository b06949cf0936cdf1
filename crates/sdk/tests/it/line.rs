//! A line to the server that can be cut after so many bytes, and counts what it carries.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// One direction of it.
#[derive(Default)]
struct Way {
    carried: AtomicU64,
    /// Bytes after which it is cut.
    cut_at: AtomicU64,
}

#[derive(Default)]
struct State {
    up: Way,
    down: Way,
    cut: AtomicBool,
    cutting: Notify,
    /// What something before the server says instead of it.
    instead: Mutex<Option<String>>,
    /// Something before the server does not know that a part of a file can be asked for.
    knows_no_ranges: AtomicBool,
}

/// The line. It ends with the test.
pub struct Line {
    address: SocketAddr,
    state: Arc<State>,
}

impl Line {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        state.up.cut_at.store(u64::MAX, Ordering::SeqCst);
        state.down.cut_at.store(u64::MAX, Ordering::SeqCst);
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if shared.cut.load(Ordering::SeqCst) {
                    continue;
                }
                let instead = shared.instead.lock().unwrap().clone();
                if let Some(instead) = instead {
                    tokio::spawn(answer(near, instead));
                    continue;
                }
                if let Ok(far) = TcpStream::connect(server).await {
                    tokio::spawn(carry(near, far, Arc::clone(&shared)));
                }
            }
        });
        Self { address, state }
    }

    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Cuts it once so many more bytes went to the server.
    pub fn cut_after_sent(&self, bytes: u64) {
        let way = &self.state.up;
        way.cut_at.store(way.carried.load(Ordering::SeqCst) + bytes, Ordering::SeqCst);
    }

    /// Cuts it once so many more bytes came from the server.
    pub fn cut_after_received(&self, bytes: u64) {
        let way = &self.state.down;
        way.cut_at.store(way.carried.load(Ordering::SeqCst) + bytes, Ordering::SeqCst);
    }

    pub fn mend(&self) {
        self.state.up.cut_at.store(u64::MAX, Ordering::SeqCst);
        self.state.down.cut_at.store(u64::MAX, Ordering::SeqCst);
        *self.state.instead.lock().unwrap() = None;
        self.state.cut.store(false, Ordering::SeqCst);
    }

    /// From now on something before the server answers every request with this status, and the server none.
    pub fn answer_instead(&self, status: &str) {
        let answer =
            format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno");
        *self.state.instead.lock().unwrap() = Some(answer);
        self.state.cut.store(false, Ordering::SeqCst);
        self.state.cutting.notify_waiters();
    }

    /// From now on something before the server takes away what asks for a part of a file.
    pub fn forget_ranges(&self) {
        self.state.knows_no_ranges.store(true, Ordering::SeqCst);
    }

    /// Bytes that went to the server so far.
    pub fn sent(&self) -> u64 {
        self.state.up.carried.load(Ordering::SeqCst)
    }

    /// Bytes that came from the server so far.
    pub fn received(&self) -> u64 {
        self.state.down.carried.load(Ordering::SeqCst)
    }
}

/// Answers one request, and hears the rest of it.
async fn answer(mut near: TcpStream, instead: String) {
    let mut buffer = vec![0; 16 * 1024];
    let Ok(1..) = near.read(&mut buffer).await else { return };
    if near.write_all(instead.as_bytes()).await.is_ok() {
        near.shutdown().await.ok();
        while let Ok(1..) = near.read(&mut buffer).await {}
    }
}

async fn carry(near: TcpStream, far: TcpStream, state: Arc<State>) {
    let (from_near, to_near) = near.into_split();
    let (from_far, to_far) = far.into_split();
    let cut = state.cutting.notified();
    tokio::select! {
        () = copy(from_near, to_far, &state, &state.up) => {}
        () = copy(from_far, to_near, &state, &state.down) => {}
        () = cut => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, state: &State, way: &Way) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        let before = way.carried.load(Ordering::SeqCst);
        let room = way.cut_at.load(Ordering::SeqCst).saturating_sub(before);
        let taken = usize::try_from(room).unwrap_or(usize::MAX).min(read);
        if state.knows_no_ranges.load(Ordering::SeqCst) {
            forget_ranges(&mut buffer[..read]);
        }
        if to.write_all(&buffer[..taken]).await.is_err() {
            return;
        }
        way.carried.fetch_add(taken as u64, Ordering::SeqCst);
        if taken < read {
            state.cut.store(true, Ordering::SeqCst);
            state.cutting.notify_waiters();
            return;
        }
    }
}

/// Makes a header that nobody knows of one that asks for a part.
fn forget_ranges(head: &mut [u8]) {
    const ASKS: &[u8] = b"\r\nrange:";
    let at = head.windows(ASKS.len()).position(|window| window.eq_ignore_ascii_case(ASKS));
    if let Some(at) = at {
        head[at + 2] = b'x';
    }
}
