//! The judge of every run: journals of what clients did and saw, three final readings, verdicts.
//!
//! Plain data in, verdicts out. It knows nothing of the simulator, so a test that kills real processes uses it just
//! as well: clients append [`Journal`] lines to a file, the store is read with [`dump_store`], and [`check`] says
//! what broke. Promises refer to docs/guarantees: G1 and G9 (`Lost`), G2 (`Phantom`), G3 and G10 (`Duplicate`), G7
//! (`Reordered`), G5 and G11 (`Hole`), G6 (`DivergingOrder`), G14 (receipts), G25 (`VisibleAfterRemoval`), and for
//! alterations of messages G8 and G12 (`WrongState`, `WentBack`, `NotTakenBack`). A user's lists are judged by what every
//! device holds of them at the end (`WrongList`).

mod alterations;
mod altering;
mod check;
mod counts;
mod dump;
mod evidence;
mod index;
mod journal;
mod lines;
mod lists;
mod order;
mod readers;
mod receipts;
mod shapes;
mod timeline;
mod verdict;

pub use altering::{How, Shape, rest_of};
pub use check::check;
pub use counts::Counts;
pub use dump::dump_store;
pub use evidence::{
    BodyHash, ChangeDump, ConversationDump, Editions, Evidence, History, ListReading, MemberDump,
    Restore, Stored, UnreadReading,
};
pub use journal::{Entry, Journal, MessageKey, What};
pub use lines::BadLine;
pub use verdict::{Kind, Verdict, report};
