//! Help that is printed for other programs: shell completions and the manual page. Needs the whole command line, which
//! only the program knows.

use std::io::{self, Write};

use anser_types::{ErrorCode, Failure};
use clap::Subcommand;
use clap_complete::Shell;

use crate::command::ended;

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
    ///
    /// # Errors
    /// `COMMAND_LINE_INVALID` when there is no such command.
    pub fn print(self, program: &mut clap::Command) -> Result<u8, Failure> {
        let result = match self {
            Self::Completions { shell } => completions(program, shell),
            Self::Man { command } => {
                program.build();
                match find(program, &command) {
                    Ok(found) => manual(found),
                    Err(name) => {
                        let what = format!("there is no command '{name}'");
                        return Err(Failure::new(ErrorCode::CommandLineInvalid, what));
                    }
                }
            }
        };
        ended(result.map_err(Into::into))
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

/// The command with this path, or the first name that is none.
fn find<'a>(program: &'a clap::Command, path: &'a [String]) -> Result<&'a clap::Command, &'a str> {
    path.iter()
        .try_fold(program, |command, name| command.find_subcommand(name).ok_or(name.as_str()))
}

/// Prints the manual page of one command.
fn manual(command: &clap::Command) -> io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    io::stdout().lock().write_all(&page)
}
