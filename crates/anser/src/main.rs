//! One program: the server, its operator's commands and every client command.

mod ending;

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
    let command = match Program::try_parse() {
        Ok(program) => program.command,
        Err(error) => return ending::not_parsed(&error, std::env::args_os()),
    };
    let (ended, as_json) = match command {
        Command::Server(command) => (anser_server::run(&command), command.wants_json()),
        Command::Client(command) => {
            let as_json = command.wants_json();
            (anser_cli::run(command), as_json)
        }
        Command::Help(help) => (help.print(&mut Program::command()), false),
    };
    match ended {
        Ok(status) => ExitCode::from(status),
        Err(failure) => ending::failed(&failure, as_json),
    }
}
