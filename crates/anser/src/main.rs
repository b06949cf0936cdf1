//! One program: the server, its operator's commands and every client command.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Many small allocations per message: this allocator costs a third of the system's and gives memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Instant messaging that people host themselves
#[derive(Parser, Debug)]
#[command(name = "anser", version, arg_required_else_help = true)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    #[command(flatten)]
    Server(anser_server::Command),
    #[command(flatten)]
    Client(anser_cli::Command),
    #[command(flatten)]
    Help(anser_cli::PrintedHelp),
}

fn main() -> ExitCode {
    match Program::parse().command {
        Command::Server(command) => anser_server::run(&command),
        Command::Client(command) => anser_cli::run(command),
        Command::Help(help) => help.print(&mut Program::command()),
    }
}
