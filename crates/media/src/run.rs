//! Another program, run within limits: of time, of what it may answer, and, where the system has `prlimit`, of memory,
//! processor time and files.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anser_types::limits;

use crate::posters::NoPoster;

/// Bytes of what a program complains that are kept.
const COMPLAINT_BYTES: u64 = 1024;

/// A program's file in the first folder of a list like `PATH` that has it.
pub(crate) fn find(program: &str, folders: &std::ffi::OsStr) -> Option<PathBuf> {
    // A relative folder would mean another one tomorrow.
    let folders = std::env::split_paths(folders).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs a program without a shell, an input or our environment; what it answers, or why not. It does not outlive this call.
pub(crate) fn run(
    program: &Path,
    arguments: &[OsString],
    prlimit: Option<&Path>,
    patience: Duration,
) -> Result<Vec<u8>, NoPoster> {
    let mut command = limited(program, prlimit, patience);
    command.args(arguments).env_clear().current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(NoPoster::NotRun)?;
    let ended = wait(&mut child, patience);
    // It has ended, or has to; a process that is gone already cannot be killed, and that is well.
    let _gone = child.kill();
    let status = child.wait().map_err(NoPoster::NotRun)?;
    let (answer, complaint) = ended?;
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint).trim().to_owned();
        return Err(NoPoster::Failed { status, complaint });
    }
    Ok(answer)
}

/// A command that replaces itself by the program once the limits are set.
fn limited(program: &Path, prlimit: Option<&Path>, patience: Duration) -> Command {
    let Some(prlimit) = prlimit else {
        return Command::new(program);
    };
    let mut command = Command::new(prlimit);
    command.arg(format!("--as={}", limits::POSTER_MEMORY_MAX_BYTES));
    command.arg(format!("--cpu={}", patience.as_secs().max(1)));
    // It writes no file, and leaves none when it crashes.
    command.args(["--fsize=0", "--core=0", "--"]).arg(program);
    command
}

/// What the program says on both ways until it closes them, or that it takes too long.
fn wait(child: &mut Child, patience: Duration) -> Result<(Vec<u8>, Vec<u8>), NoPoster> {
    let until = Instant::now() + patience;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    // As many as there are ways to hear from it.
    let (said, hear) = sync_channel(2);
    for (way, from, keep) in [
        (0, stdout.map(boxed), limits::POSTER_MAX_BYTES + 1),
        (1, stderr.map(boxed), COMPLAINT_BYTES),
    ] {
        let (said, Some(mut from)) = (said.clone(), from) else { continue };
        thread::spawn(move || {
            let mut kept = Vec::new();
            let read = from.by_ref().take(keep).read_to_end(&mut kept);
            if way == 1 {
                // So that it is not held up by what it says beyond.
                let _ignored = std::io::copy(&mut from, &mut std::io::sink());
            }
            // Who waits may have given up.
            let _heard = said.send((way, read.map(|_| kept)));
        });
    }
    drop(said);
    let mut both = (Vec::new(), Vec::new());
    loop {
        match hear.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok((_, Err(error))) => return Err(NoPoster::NotRun(error)),
            Ok((0, Ok(answer))) => {
                if u64::try_from(answer.len()).is_ok_and(|n| n > limits::POSTER_MAX_BYTES) {
                    return Err(NoPoster::TooLong);
                }
                both.0 = answer;
            }
            Ok((_, Ok(complaint))) => both.1 = complaint,
            Err(RecvTimeoutError::Disconnected) => return Ok(both),
            Err(RecvTimeoutError::Timeout) => return Err(NoPoster::TookTooLong(patience)),
        }
    }
}

fn boxed(from: impl Read + Send + 'static) -> Box<dyn Read + Send> {
    Box::new(from)
}
