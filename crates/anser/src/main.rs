//! One program: the server and every client command.

fn main() {}
