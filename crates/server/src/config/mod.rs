//! Configuration: the table of settings, the layers they come from, what is wrong with them, and the reference.

pub mod alternatives;
pub mod domains;
pub mod file;
pub mod keys;
pub mod layers;
pub mod origins;
pub mod problem;
pub mod reference;
pub mod value;

pub use keys::*;
pub use layers::{Layers, Loaded, Origin, load};
pub use problem::Problem;
pub use value::{ListenAddress, LogFormat, MinVersion, Setting, Shape, Within};
