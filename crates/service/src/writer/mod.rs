//! The writer: everything a command causes joins a batch, one durable commit per batch, and only then is anybody told.
//!
//! | file | what |
//! |---|---|
//! | `queue` | the way to the writer: two bounded queues of jobs |
//! | `batch` | a job, and how a batch is cut from the queues |
//! | `actor` | the loop: cut, append, hand on |
//! | `publish` | after the commit: askers are answered, mailboxes filled |

pub(crate) mod actor;
pub(crate) mod batch;
pub(crate) mod publish;
pub(crate) mod queue;
