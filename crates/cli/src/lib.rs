//! The command line: chat, scripting commands, load generator.
