//! The sans-IO client core: outbox, sync, reconnect, order.
