//! Help that is printed for other programs: shell completions and the manual page. Needs the whole command line, which
//! only the program knows.

use std::io::{self, Write};
use std::process::ExitCode;

use anser_types::exit;
use clap::Subcommand;
use clap_complete::Shell;

use crate::failure;

/// Completions and manual.
#[derive(Clone, Debug, Subcommand)]
pub enum PrintedHelp {
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print a manual page: anser man send | man -l -
    Man {
        /// Of which command; none for the program itself
        command: Vec<String>,
    },
}

impl PrintedHelp {
    /// Prints it for this command line.
    #[must_use]
    pub fn print(self, program: &mut clap::Command) -> ExitCode {
        let result = match self {
            Self::Completions { shell } => completions(program, shell),
            Self::Man { command } => manual(program, &command),
        };
        match result {
            Ok(()) => ExitCode::from(exit::OK),
            Err(error) => ExitCode::from(failure::report(&error.into(), false)),
        }
    }
}

/// Prints completions of this command line for a shell.
///
/// # Errors
/// The output cannot be written.
pub fn completions(program: &mut clap::Command, shell: Shell) -> io::Result<()> {
    let name = program.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, program, name, &mut text);
    io::stdout().lock().write_all(&text)
}

/// Prints the manual page of one command.
fn manual(program: &mut clap::Command, path: &[String]) -> io::Result<()> {
    program.build();
    let mut command = &*program;
    for name in path {
        command = command.find_subcommand(name).ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("there is no command '{name}'"))
        })?;
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    io::stdout().lock().write_all(&page)
}
