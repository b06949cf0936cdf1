//! The native client SDK: tokio driver, transports, encrypted store, typed events.
