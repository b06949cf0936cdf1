//! `cargo xtask contract`: a running server keeps to its own description of the HTTP API. The description is checked
//! against the rules of OpenAPI, then schemathesis asks a server everything that fits it and much that does not.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::files::root;
use crate::packages;

/// What asks, and what judges the description.
const PACKAGES: [&str; 2] = ["schemathesis==4.32.5", "openapi-spec-validator==0.9.0"];
/// The same requests in every run.
const SEED: &str = "1";
/// Requests of each kind for each route; the whole run stays well below 90 s.
const EXAMPLES: &str = "8";
/// What is not asked of the server: cursors mean nothing to a client, so a description cannot tell good ones from bad
/// ones; and what is made under a key is there under its id, not under the path that made it.
const NOT_CHECKED: &str = "positive_data_acceptance,use_after_free,ensure_resource_availability";
/// These would end the token that asks, or are no HTTP after their first answer.
const NOT_ASKED: [&str; 4] =
    ["/v1/sign-out", "/v1/devices/sign-out", "/v1/app/passwords", "/v1/ws"];
/// Who is asked as.
const USER: &str = "somebody";
/// Those whom the examples name.
const OTHERS: [&str; 3] = ["alice", "bob", "carol"];
const OF_USERS: [&str; 5] = ["messages", "conversations", "groups", "people", "files"];
/// All its headers may be absent: one that means nothing to it is no wrong request.
const TAKES_ANY_HEADER: &str = "POST /v1/uploads";

/// Runs it.
pub fn run() -> anyhow::Result<()> {
    let started = Instant::now();
    let tools = packages::pypi("contract/python", &PACKAGES)?;
    let place = root().join("target/contract");
    let mut build = Command::new("cargo");
    build.args(["build", "--locked", "--bin", "anser", "-p", "anser"]).current_dir(root());
    done(&mut build)?;
    let server = Server::start(&place)?;
    let description = server.program(&["openapi"])?;
    let (whole, of_devices) = (place.join("openapi.json"), place.join("of-devices.json"));
    fs::write(&whole, &description)?;
    fs::write(&of_devices, without_app_server(&description)?)?;
    done(Command::new(tools.join("openapi-spec-validator")).args(["--schema", "3.1"]).arg(&whole))?;
    let asking = Asking { tools: &tools, place: &place, server: &server };
    let key = fs::read_to_string(server.said("api_key_file")?)?;
    let token: Value =
        serde_json::from_str(&server.program(&["token", "--user", USER, "--json"])?)?;
    let token = token["token"].as_str().context("no token")?;
    for user in OTHERS {
        server.program(&["token", "--user", user])?;
    }
    asking.ask(&whole, key.trim(), &["app", "admin", "watching"], "examples,coverage,fuzzing")?;
    let of_devices_tags = [&["accounts"][..], &OF_USERS].concat();
    asking.ask(&of_devices, token, &of_devices_tags, "examples,coverage,fuzzing")?;
    asking.ask(&whole, key.trim(), &OF_USERS, "coverage")?;
    println!("── contract of the HTTP API: ok, {} s", started.elapsed().as_secs());
    Ok(())
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let status = command.status().with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "{} failed ({status})", program.display());
    Ok(())
}

/// The description as a device needs it: it does not ask in anybody's name.
fn without_app_server(description: &str) -> anyhow::Result<String> {
    let mut spec: Value = serde_json::from_str(description)?;
    if let Some(schemes) = spec["components"]["securitySchemes"].as_object_mut() {
        schemes.remove("as");
    }
    let paths = spec["paths"].as_object_mut().into_iter().flat_map(|paths| paths.values_mut());
    for operation in paths.filter_map(Value::as_object_mut).flat_map(|item| item.values_mut()) {
        if let Some(Value::Array(ways)) = operation.get_mut("security") {
            ways.retain(|way| way.get("as").is_none());
        }
    }
    Ok(spec.to_string())
}

/// A server of its own directory and ports. It is killed in the end.
struct Server {
    child: Child,
    program: PathBuf,
    data_dir: PathBuf,
    /// Kept open: what it goes on saying is little, and nobody reads it.
    _out: BufReader<ChildStdout>,
}

impl Server {
    fn start(place: &Path) -> anyhow::Result<Self> {
        let data_dir = place.join("server");
        if data_dir.exists() {
            fs::remove_dir_all(&data_dir)?;
        }
        let program = root().join("target/debug/anser");
        let mut serve = Command::new(&program);
        serve.arg("serve").env("ANSER_DATA_DIR", &data_dir);
        for kind in ["tcp", "tls", "quic", "http", "https"] {
            serve.args([&format!("--{kind}"), "127.0.0.1:0"]);
        }
        let log = fs::File::create(place.join("server.log"))?;
        let mut child = serve.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut out = BufReader::new(child.stdout.take().context("no output")?);
        loop {
            let mut line = String::new();
            if out.read_line(&mut line)? == 0 {
                break;
            }
            if line.starts_with("ready") {
                return Ok(Self { child, program, data_dir, _out: out });
            }
        }
        child.wait()?;
        bail!("the server did not start; see {}", place.join("server.log").display())
    }

    /// Something it announces.
    fn said(&self, what: &str) -> anyhow::Result<String> {
        let said: Value = serde_json::from_slice(&fs::read(self.data_dir.join("server.json"))?)?;
        Ok(said[what].as_str().with_context(|| format!("it does not say its {what}"))?.to_owned())
    }

    /// What a command of the program prints.
    fn program(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        let output = command.args(words).env("ANSER_DATA_DIR", &self.data_dir).output()?;
        ensure!(output.status.success(), "anser {}: {}", words.join(" "), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only this run's own child; one that has ended already is no fault.
        if let Ok(None) = self.child.try_wait() {
            let (_killed, _waited) = (self.child.kill(), self.child.wait());
        }
    }
}

/// Where schemathesis is, and whom it asks.
struct Asking<'a> {
    tools: &'a Path,
    place: &'a Path,
    server: &'a Server,
}

impl Asking<'_> {
    fn ask(
        &self,
        description: &Path,
        bearer: &str,
        tags: &[&str],
        phases: &str,
    ) -> anyhow::Result<()> {
        let settings = self.place.join("schemathesis.toml");
        let statuses =
            r#"["400", "401", "403", "404", "405", "409", "413", "415", "422", "429", "5xx"]"#;
        let text = format!(
            "[parameters]\n\"query.as\" = \"{USER}\"\n\n\
             [checks.negative_data_rejection]\nexpected-statuses = {statuses}\n\n\
             [[operations]]\ninclude-name = \"{TAKES_ANY_HEADER}\"\n\
             checks.negative_data_rejection.enabled = false\n"
        );
        fs::write(&settings, text)?;
        let mut ask = Command::new(self.tools.join("schemathesis"));
        ask.env("PYTHONPATH", root().join("xtask/contract"));
        ask.env("SCHEMATHESIS_HOOKS", "contract_hooks");
        ask.current_dir(self.place).arg("--config-file").arg(&settings).arg("run").arg(description);
        ask.args(["--url", &format!("http://{}", self.server.said("http")?)]);
        ask.args(["--header", &format!("Authorization: Bearer {bearer}")]);
        ask.args(["--phases", phases, "--max-examples", EXAMPLES, "--seed", SEED, "--no-shrink"]);
        ask.args(["--exclude-checks", NOT_CHECKED, "--continue-on-failure", "--warnings", "off"]);
        ask.args(tags.iter().flat_map(|tag| ["--include-tag", *tag]));
        ask.args(NOT_ASKED.iter().flat_map(|path| ["--exclude-path", *path]));
        println!("── asking for {} ({phases})", tags.join(", "));
        done(&mut ask)
    }
}
