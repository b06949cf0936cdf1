//! The judge of every run: journals of what clients did and saw, three final readings, verdicts.
//!
//! Plain data in, verdicts out. It knows nothing of the simulator, so a test that kills real processes uses it just
//! as well: clients append [`Journal`] lines to a file, the store is read with [`dump_store`], and [`check`] says
//! what broke. Promises refer to docs/guarantees: G1 and G9 (`Lost`), G2 (`Phantom`), G3 and G10 (`Duplicate`), G7
//! (`Reordered`), G5 and G11 (`Hole`), G6 (`DivergingOrder`), G14 (receipts), G25 (`VisibleAfterRemoval`), and for
//! alterations of messages G8 and G12 (`WrongState`, `WentBack`, `NotTakenBack`). A user's lists are judged by what every
//! device holds of them at the end (`WrongList`), what they put away by what is shown to them (`NotPutAway`), whom they
//! block and whether they show how far they have read by when that was committed (`HeardThoughBlocked`, `ReadTold`). What
//! must be forgotten is judged by the server's clock (`NotForgotten`, `ForgottenEarly`), what followers are told by who is
//! connected in the end (`WrongPresence`).

mod alterations;
mod altering;
mod check;
mod commits;
mod counts;
mod dump;
mod evidence;
mod forgetting;
mod index;
mod journal;
mod lines;
mod lists;
mod order;
mod presence;
mod put_away;
mod readers;
mod receipts;
mod shapes;
mod timeline;
mod verdict;

pub use altering::{How, Shape, rest_of};
pub use check::check;
pub use commits::{Commit, Written};
pub use counts::Counts;
pub use dump::dump_store;
pub use evidence::{
    BodyHash, ChangeDump, ConversationDump, Editions, Evidence, History, ListReading, MemberDump,
    Restore, Stored, UnreadReading,
};
pub use journal::{Entry, Journal, MessageKey, What};
pub use lines::BadLine;
pub use presence::PresenceReading;
pub use put_away::PutAway;
pub use verdict::{Kind, Verdict, report};
