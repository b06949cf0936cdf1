//! The ports on one directory: commit log, fjall, local bus.
