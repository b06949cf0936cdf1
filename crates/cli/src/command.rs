//! The commands, their options, and which function runs each.

use std::io::Write;

use anser_types::{Failure, exit};
use clap::Subcommand;

use crate::alter::{self, EditOptions, PinOptions, ReactOptions, Which};
use crate::bench::{self, BenchOptions};
use crate::chat::{self, ChatOptions};
use crate::contact::{self, ContactCommand};
use crate::devices::{self, DevicesCommand};
use crate::download::{self, DownloadOptions};
use crate::failure;
use crate::forward::{self, ForwardOptions};
use crate::group::{self, GroupCommand};
use crate::history::{self, HistoryOptions};
use crate::list::{self, ListOptions};
use crate::logging;
use crate::mine::{self, ForgetOptions, Of, OptionsOptions};
use crate::password::{self, PasswordOptions};
use crate::presence::{self, PresenceOptions};
use crate::readers;
use crate::report::{self, ReportOptions};
use crate::search::{self, SearchOptions};
use crate::send::{self, SendOptions};
use crate::settings::{self, SettingsOptions};
use crate::tail::{self, TailOptions};
use crate::token::{self, TokenOptions};
use crate::upload::{self, UploadOptions};

/// What a client can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Chat in the terminal
    Chat(ChatOptions),
    /// Send one message and wait until the server has stored it
    Send(SendOptions),
    /// List your conversations, with what is unread
    List(ListOptions),
    /// Print messages as they come
    ///
    /// Also what becomes of them, of your groups, contacts and settings. With --json every line has an "event": message,
    /// edited, revoked, reaction, pinned, unpinned, change (of a group), unavailable, contact_applied, contact,
    /// join_request, settings, options (of a conversation).
    Tail(TailOptions),
    /// Print what was said
    History(HistoryOptions),
    /// Find messages by their words, at the server or here
    Search(SearchOptions),
    /// Send files to the server, to be said something with later
    ///
    /// Prints each file's id. What breaks off goes on by itself; after Ctrl+C or a crash with --resume. A file that no
    /// message holds is kept for a week, and nobody but you gets it.
    Upload(UploadOptions),
    /// Fetch a file, by its id or by the message it came with
    ///
    /// What breaks off goes on by itself, and where it stopped when the command is typed again. Nothing is overwritten.
    Download(DownloadOptions),
    /// Forward messages to somebody, one by one or as one
    Forward(ForwardOptions),
    /// Replace the text of a message of yours
    Edit(EditOptions),
    /// Take a message back for everybody
    Revoke(Which),
    /// Add a reaction to a message, or take yours away
    React(ReactOptions),
    /// Pin a message to its conversation, or unpin it
    Pin(PinOptions),
    /// Print what a message said before it was edited
    Editions(Which),
    /// Print who has read a message, and who has not
    Readers(Which),
    /// Report a message, a user or a group to the operators of the server
    Report(ReportOptions),
    /// Print who is online, and when they were last
    Presence(PresenceOptions),
    /// List your devices that are signed in, and sign them out
    #[command(subcommand)]
    Devices(DevicesCommand),
    /// Change your password; your other devices are signed out
    Password(PasswordOptions),
    /// Remove messages for yourself; others keep them
    Forget(ForgetOptions),
    /// Clear a conversation for yourself; others keep it
    Clear(Of),
    /// Print or change how a conversation is shown to you
    Options(OptionsOptions),
    /// Ask users to be your contacts, answer, name and block them
    #[command(subcommand)]
    Contact(ContactCommand),
    /// Make, list and change groups
    #[command(subcommand)]
    Group(GroupCommand),
    /// Print or change what you let others do and see
    Settings(SettingsOptions),
    /// Print a device token for a user, for trying things out (needs the server's API key)
    Token(TokenOptions),
    /// Measure a server
    Bench(BenchOptions),
}

impl Command {
    /// Whether it was asked to speak JSON.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        match self {
            Self::Chat(_) => false,
            Self::Send(options) => options.json,
            Self::List(options) => options.json,
            Self::Tail(options) => options.json,
            Self::History(options) => options.json,
            Self::Search(options) => options.json,
            Self::Upload(options) => options.json,
            Self::Download(options) => options.json,
            Self::Forward(options) => options.json,
            Self::Edit(options) => options.which.json,
            Self::Revoke(which) | Self::Editions(which) | Self::Readers(which) => which.json,
            Self::React(options) => options.which.json,
            Self::Pin(options) => options.which.json,
            Self::Report(options) => options.json,
            Self::Presence(options) => options.common.json,
            Self::Devices(command) => command.json(),
            Self::Password(options) => options.common.json,
            Self::Forget(options) => options.json,
            Self::Clear(of) => of.json,
            Self::Options(options) => options.of.json,
            Self::Contact(command) => command.json(),
            Self::Group(command) => command.json(),
            Self::Settings(options) => options.json,
            Self::Token(options) => options.json,
            Self::Bench(options) => options.json,
        }
    }
}

/// Runs a command to its end and says with which status to exit.
///
/// # Errors
/// Why it did not do its work; nothing was told of that yet.
pub fn run(command: Command) -> Result<u8, Failure> {
    ended(match command {
        Command::Bench(options) => run_bench(&options),
        other => on_a_runtime(other),
    })
}

pub(crate) fn ended(result: anyhow::Result<()>) -> Result<u8, Failure> {
    match result.map_err(|error| failure::of(&error)) {
        Ok(()) | Err(None) => Ok(exit::OK),
        Err(Some(failure)) => Err(failure),
    }
}

fn on_a_runtime(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Chat(_) => logging::to_file()?,
        _ => logging::to_standard_error(),
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::Chat(options) => chat::run(options).await,
            Command::Send(options) => send::run(options).await,
            Command::List(options) => list::run(options).await,
            Command::Tail(options) => tail::run(options).await,
            Command::History(options) => history::run(options).await,
            Command::Search(options) => search::run(options).await,
            Command::Upload(options) => upload::run(options).await,
            Command::Download(options) => download::run(options).await,
            Command::Forward(options) => forward::run(options).await,
            Command::Edit(options) => alter::edit(options).await,
            Command::Revoke(which) => alter::revoke(which).await,
            Command::React(options) => alter::react(options).await,
            Command::Pin(options) => alter::pin(options).await,
            Command::Editions(which) => alter::editions(which).await,
            Command::Readers(which) => readers::run(which).await,
            Command::Report(options) => report::run(options).await,
            Command::Presence(options) => presence::run(options).await,
            Command::Devices(command) => devices::run(command).await,
            Command::Password(options) => password::run(options).await,
            Command::Forget(options) => mine::forget(options).await,
            Command::Clear(of) => mine::clear(of).await,
            Command::Options(options) => mine::options(options).await,
            Command::Contact(command) => contact::run(command).await,
            Command::Group(command) => group::run(command).await,
            Command::Settings(options) => settings::run(options).await,
            Command::Token(options) => token::run(options).await,
            Command::Bench(_) => unreachable!("runs on a runtime of its own"),
        }
    })
}

fn run_bench(options: &BenchOptions) -> anyhow::Result<()> {
    let report = bench::run(options)?;
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", serde_json::to_string(&report)?)?;
    } else {
        write!(out, "{}", report.table())?;
    }
    anyhow::ensure!(report.is_clean(), "messages were lost, doubled or out of order");
    Ok(())
}
