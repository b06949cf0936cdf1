//! The server under strace: at a named system call, counted per thread, the kernel kills it or is slow.

use std::path::Path;
use std::process::Command;

/// One injection in the words of strace, perhaps only for calls on one file.
pub struct Injection {
    pub syscalls: &'static str,
    /// `signal=KILL`, `delay_enter=300000` …
    pub what: &'static str,
    /// Counted per thread.
    pub when: String,
    /// Only calls on these files, relative to the data directory.
    pub files: &'static [&'static str],
}

/// `program` under strace. With `-D` it stays this process's own child, and its end is its own.
pub fn under_strace(program: &Command, injection: &Injection, data_dir: &Path) -> Command {
    let Injection { syscalls, what, when, files } = injection;
    let mut command = Command::new("strace");
    command
        .env_clear()
        .envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))))
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["-D", "-f", "-qq", "-o", "/dev/null"])
        .args(["-e", &format!("trace={syscalls}")])
        .args(["-e", &format!("inject={syscalls}:{what}:when={when}")]);
    for file in *files {
        command.arg("-P").arg(data_dir.join(file));
    }
    command.arg(program.get_program()).args(program.get_args());
    command.stdin(std::process::Stdio::null());
    command
}
