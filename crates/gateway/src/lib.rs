//! Listeners, the connection actor and the HTTP doors.
//!
//! Bytes come in at [`listen`], one [`conn`] actor per connection turns them into requests, [`translate`] turns wire
//! values into domain values (they go no further), and everything is decided in `anser-service`. This crate never
//! reaches a store.

pub mod backup;
pub mod config;
pub mod conn;
mod gateways;
pub mod http;
pub mod listen;
pub mod metrics;
mod origins;
mod places;
mod proxies;
mod quic;
pub mod translate;

pub use backup::{BackupSource, BackupStream, BeginBackup};
pub use config::{GatewayConfig, ListenerConfig, ListenerKind, TlsSource};
pub use conn::{Farewell, Incoming, Outgoing, Received, Settings, Stream, Transport, run};
pub use gateways::{GatewayList, PublishedList};
pub use listen::{Gateway, ListenError};
pub use origins::{NoOrigin, Origins};
pub use proxies::{NotProxies, Proxies, ProxyHeader};
pub use quic::ResetKey;
pub use translate::bodies::read_body;
