//! Search over what was said: an index beside the log, fed from the log, rebuilt from it whenever it is missing or not
//! to be trusted.
//!
//! Nothing here decides what somebody may see, and nothing here is needed to accept or deliver a message: [`Search`]
//! runs on two threads of its own that give way to everybody else. [`Follower`] is the part that reads the log, one
//! conversation at a time, without a thread or a clock; [`Index`] is the part on the disk.

mod fields;
mod follow;
mod hints;
mod index;
mod metrics;
mod newest;
mod query;
mod reading;
mod terms;
mod threads;

pub use follow::{FollowError, Follower, Logs, Progress};
pub use hints::Hints;
pub use index::{Found, Index, IndexError, Position};
pub use metrics::names as metric_names;
pub use reading::Reading;
pub use threads::{Pace, Search};
