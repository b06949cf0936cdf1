//! Help that is printed for other programs: shell completions and the manual page. Needs the whole command line, which
//! only the program knows.

use std::io::{self, Write};
use std::process::ExitCode;

use anser_types::exit;
use clap::Subcommand;
use clap_complete::Shell;

use crate::failure;

/// Completions and manual.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum PrintedHelp {
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page (for `man -l -`)
    Man,
}

impl PrintedHelp {
    /// Prints it for this command line.
    #[must_use]
    pub fn print(self, program: &mut clap::Command) -> ExitCode {
        let result = match self {
            Self::Completions { shell } => completions(program, shell),
            Self::Man => manual(program),
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

/// Prints the manual: the program's page, then one section per command.
fn manual(program: &clap::Command) -> io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(program.clone()).render(&mut page)?;
    io::stdout().lock().write_all(&page)
}
