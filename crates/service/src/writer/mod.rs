//! The writer: everything a command causes joins a batch, one durable commit per batch, and only then is anybody told.

pub(crate) mod actor;
pub(crate) mod batch;
pub(crate) mod publish;
pub(crate) mod queue;
