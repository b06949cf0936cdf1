//! The operator's commands as the command line knows them, and how each is carried out.

use std::io::{self, BufWriter, Write as _};
use std::path::PathBuf;

use anser_gateway::http::manual::chapters;
use anser_gateway::http::openapi::description;
use anser_types::{ErrorCode, exit};
use clap::{Args, Subcommand};

use crate::backup;
use crate::config::{Config, keys, reference};
use crate::doctor::{self, Verdict};
use crate::dump::{self, Counts, Selection, WalkError};
use crate::errors_page;
use crate::failure::Failure;
use crate::first_start;
use crate::limits_page;
use crate::machine::{SystemClock, SystemEntropy, host_name, runtime};
use crate::reports::{self, Wanted};
use crate::serve::serve;
use crate::setup::{Place, Setup, Shortcuts, environment};
use crate::store;
use crate::voice::{Event, Voice};

/// Commands of the people who run a server.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Make a data directory: configuration, API key, certificate. Never overwrites anything
    Init(Options),
    /// Run the server; makes what is missing first
    Serve(Serve),
    /// Show, check or explain the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look at everything a server needs; each line OK, WARN or FAIL with the fix
    Doctor(Doctor),
    /// Write everything the store holds into one file, while the server runs or when it is stopped
    Backup(Backup),
    /// Make the store of a data directory that has none from a backup
    Restore(Restore),
    /// Print what users have reported, and close what was dealt with (needs the running server)
    Reports(Reports),
    /// Read the raw store of a stopped server: every user, inbox, conversation, message and change
    Dump(Dump),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi {
        /// A page of docs/http instead: http, accounts, messages, conversations, groups, people, app, admin, watching or values
        #[arg(long, value_name = "NAME")]
        page: Option<String>,
    },
}

/// What most commands take.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What `serve` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Serve {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    shortcuts: Shortcuts,
}

/// What `doctor` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Doctor {
    #[command(flatten)]
    options: Options,
    /// Read every byte of a stopped server's store and of its files instead, and name each damage with what it touches
    #[arg(long)]
    verify: bool,
    /// Read the store likewise, and write what is intact in it to a new file as JSON lines
    #[arg(long, requires = "to", conflicts_with = "verify")]
    salvage: bool,
    /// The new file of --salvage
    #[arg(long, value_name = "FILE", requires = "salvage")]
    to: Option<PathBuf>,
}

/// What `dump` takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Dump {
    #[command(flatten)]
    options: Options,
    /// Also print every entry of every inbox
    #[arg(long)]
    inbox_entries: bool,
}

/// What `reports` takes.
#[derive(Args, Clone, Debug)]
pub struct Reports {
    #[command(flatten)]
    options: Options,
    /// Closed ones too
    #[arg(long, conflicts_with = "close")]
    all: bool,
    /// Close this one
    #[arg(long, value_name = "REPORT")]
    close: Option<String>,
    /// What to remember of how it was dealt with
    #[arg(long, requires = "close", default_value = "", hide_default_value = true)]
    note: String,
}

/// What `backup` takes.
#[derive(Args, Clone, Debug)]
pub struct Backup {
    #[command(flatten)]
    options: Options,
    /// The new file; it holds all messages, and passwords and tokens as hashes
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

/// What `restore` takes.
#[derive(Args, Clone, Debug)]
pub struct Restore {
    #[command(flatten)]
    options: Options,
    /// A file that 'anser backup' made
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Read everything back from the new store and compare counts and root hash
    #[arg(long)]
    verify: bool,
}

/// Commands about the configuration.
#[derive(Subcommand, Clone, Debug)]
pub enum ConfigCommand {
    /// Print every setting in force
    Show {
        /// Where, and whether as JSON.
        #[command(flatten)]
        options: Options,
        /// Also print where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Look for mistakes
    Check(Options),
    /// Print the example file, or the pages docs/operate/configuration.md, limits.md and errors.md
    Reference {
        /// The commented example file
        #[arg(long, group = "what")]
        example: bool,
        /// The page about every key
        #[arg(long, group = "what")]
        markdown: bool,
        /// The page about fixed limits
        #[arg(long, group = "what")]
        limits: bool,
        /// The page about every error
        #[arg(long, group = "what")]
        errors: bool,
    },
}

impl Command {
    /// Whether it was asked to speak JSON.
    #[must_use]
    pub const fn wants_json(&self) -> bool {
        match self {
            Self::Init(options) | Self::Config(ConfigCommand::Check(options)) => options.json,
            Self::Config(ConfigCommand::Show { options, .. }) => options.json,
            Self::Config(ConfigCommand::Reference { .. }) | Self::Openapi { .. } => false,
            Self::Serve(serve) => serve.options.json,
            Self::Doctor(doctor) => doctor.options.json,
            Self::Backup(backup) => backup.options.json,
            Self::Reports(reports) => reports.options.json,
            Self::Restore(restore) => restore.options.json,
            Self::Dump(dump) => dump.options.json,
        }
    }
}

/// Carries out a command and says with which status to exit.
///
/// # Errors
/// Why it did not do its work; nothing was told of that yet.
pub fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Init(options) => init(options),
        Command::Serve(serve) => start_server(serve),
        Command::Config(ConfigCommand::Show { options, origin }) => show(options, *origin),
        Command::Config(ConfigCommand::Check(options)) => check(options),
        Command::Config(ConfigCommand::Reference { markdown, limits, errors, .. }) => {
            print_reference(*markdown, *limits, *errors)
        }
        Command::Doctor(doctor) => examine(doctor),
        Command::Backup(backup) => back_up(backup),
        Command::Reports(reports) => tell_reports(reports),
        Command::Restore(restore) => bring_back(restore),
        Command::Dump(dump) => dump_store(dump),
        Command::Openapi { page } => print_openapi(page.as_deref()),
    }
}

fn read(options: &Options) -> Result<Setup, Failure> {
    Setup::read(&options.place, &Shortcuts::default(), &environment())
}

fn init(options: &Options) -> Result<u8, Failure> {
    let setup = read(options)?;
    let voice = Voice { json: options.json };
    let made = first_start::prepare(
        &setup.data_dir,
        &setup.loaded.config,
        host_name().as_deref(),
        &SystemClock,
        &SystemEntropy,
    )?;
    let flag =
        options.place.data_dir.as_ref().map_or_else(String::new, |_| {
            format!(" --data-dir {}", setup.data_dir.root().display())
        });
    let next = [format!("anser serve{flag}"), "anser chat --as alice".to_owned()];
    let nothing = made.is_empty().then_some(Event::NothingToMake);
    let events = made.iter().map(Event::Made).chain(nothing);
    for event in events.chain(next.iter().map(|command| Event::Next(command))) {
        voice.tell(&event).map_err(|error| output(&error))?;
    }
    Ok(exit::OK)
}

fn start_server(options: &Serve) -> Result<u8, Failure> {
    let setup = Setup::read(&options.options.place, &options.shortcuts, &environment())?;
    serve(&setup, Voice { json: options.options.json })?;
    Ok(exit::OK)
}

fn show(options: &Options, origin: bool) -> Result<u8, Failure> {
    let setup = read(options)?;
    let loaded = &setup.loaded;
    let values = in_force(&loaded.config)?;
    let mut text = String::new();
    if options.json {
        let by_key: serde_json::Map<_, _> = values
            .into_iter()
            .map(|(path, value)| {
                let shown = match (origin, loaded.origins.get(&path)) {
                    (true, Some(from)) => {
                        serde_json::json!({"value": value, "origin": from.to_string()})
                    }
                    _ => value,
                };
                (path, shown)
            })
            .collect();
        text = serde_json::Value::from(by_key).to_string();
        text.push('\n');
    } else {
        for (path, value) in values {
            let from = loaded.origins.get(&path).filter(|_| origin);
            let from = from.map_or_else(String::new, |from| format!("   # {from}"));
            text.push_str(&format!("{path} = {value}{from}\n"));
        }
    }
    print(&text)
}

/// Every key with its value, in file order.
fn in_force(config: &Config) -> Result<Vec<(String, serde_json::Value)>, Failure> {
    let all = serde_json::to_value(config)
        .map_err(|error| Failure::new(ErrorCode::Internal, error.to_string()))?;
    Ok(keys().iter().map(|key| (key.path(), all[key.section][key.name].clone())).collect())
}

fn check(options: &Options) -> Result<u8, Failure> {
    let setup = read(options)?;
    crate::listeners::from_config(&setup.loaded.config)?;
    print(if options.json { "{\"valid\":true}\n" } else { "the configuration is valid\n" })
}

fn print_reference(markdown: bool, limits: bool, errors: bool) -> Result<u8, Failure> {
    print(&if markdown {
        reference::page()
    } else if limits {
        limits_page::page()
    } else if errors {
        errors_page::page()
    } else {
        reference::example_file()
    })
}

fn print_openapi(page: Option<&str>) -> Result<u8, Failure> {
    let Some(name) = page else {
        return print(&format!("{}\n", description()));
    };
    let chapters = chapters();
    match chapters.iter().find(|chapter| chapter.name == name) {
        Some(chapter) => print(&chapter.text),
        None => {
            let names: Vec<_> = chapters.iter().map(|chapter| chapter.name.as_str()).collect();
            let detail = format!("--page: one of {}", names.join(", "));
            Err(Failure::new(ErrorCode::CommandLineInvalid, detail))
        }
    }
}

fn examine(asked: &Doctor) -> Result<u8, Failure> {
    let options = &asked.options;
    let setup = read(options)?;
    let findings = match &asked.to {
        Some(to) => doctor::salvage(&setup, to)?,
        None if asked.verify => doctor::verify(&setup)?,
        None => doctor::examine(&setup, &SystemClock),
    };
    let mut text = String::new();
    for finding in &findings {
        let line = if options.json { finding.as_json().to_string() } else { finding.to_string() };
        text.push_str(&line);
        text.push('\n');
    }
    print(&text)?;
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if failed { exit::DOCTOR } else { exit::OK })
}

fn tell_reports(asked: &Reports) -> Result<u8, Failure> {
    let wanted = match &asked.close {
        Some(report) => Wanted::Close { report: report.clone(), note: asked.note.clone() },
        None => Wanted::List { all: asked.all },
    };
    print(&reports::run(&read(&asked.options)?, &wanted, asked.options.json)?)
}

fn back_up(backup: &Backup) -> Result<u8, Failure> {
    let setup = read(&backup.options)?;
    print(&backup::commands::back_up(&setup, &backup.to, backup.options.json)?)
}

fn bring_back(restore: &Restore) -> Result<u8, Failure> {
    let (setup, json) = (read(&restore.options)?, restore.options.json);
    print(&backup::commands::bring_back(&setup, &restore.from, restore.verify, json)?)
}

fn dump_store(options: &Dump) -> Result<u8, Failure> {
    let setup = read(&options.options)?;
    let runtime = runtime()?;
    let opened = store::open_existing(&setup.data_dir.store(), &setup.loaded.config)?;
    let ports = dump::Ports {
        inspect: opened.inspect(),
        conversations: opened.conversations(),
        accounts: opened.accounts(),
    };
    let json = options.options.json;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut tell = |line: &serde_json::Value| {
        if json { writeln!(out, "{line}") } else { Ok(()) }
    };
    let selection = Selection { inbox_entries: options.inbox_entries };
    let walked = runtime.block_on(dump::walk(&ports, selection, &mut tell));
    let told = match walked {
        Ok(_) if json => out.flush(),
        Ok(counts) => write!(out, "{}", summary(counts)).and_then(|()| out.flush()),
        Err(WalkError::Output(error)) => Err(error),
        Err(WalkError::Store(error)) => {
            return Err(Failure::new(ErrorCode::StoreDamaged, error.to_string()));
        }
    };
    read_or_enough(told)?;
    drop(ports);
    runtime.block_on(store::close(opened))?;
    Ok(exit::OK)
}

fn summary(counts: Counts) -> String {
    format!(
        "users          {}\nconversations  {}\nmessages       {}\nchanges        {}\ninbox entries  {}\n",
        counts.users, counts.conversations, counts.messages, counts.changes, counts.inbox_entries
    )
}

fn print(text: &str) -> Result<u8, Failure> {
    let mut out = io::stdout().lock();
    read_or_enough(out.write_all(text.as_bytes()).and_then(|()| out.flush()))?;
    Ok(exit::OK)
}

/// Whoever reads the output may have enough of it (`anser dump … | head`): that is no failure.
fn read_or_enough(told: io::Result<()>) -> Result<(), Failure> {
    match told {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(output(&error)),
        _ => Ok(()),
    }
}

fn output(error: &io::Error) -> Failure {
    Failure::new(ErrorCode::Internal, format!("standard output: {error}"))
        .next("Give the command somewhere to write to.")
}
