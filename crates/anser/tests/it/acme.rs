//! Certificates by ACME, from Pebble: the test authority of Let's Encrypt's makers, here on this machine with a name server
//! of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_sdk::Trust;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::program::{Home, Server};

/// Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A port that nobody uses now.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Asks again until it is so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: waited for too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The authority. It looks for proofs at `https_port` of this machine, whatever the name.
struct Pebble {
    children: Vec<Child>,
    directory: String,
}

impl Pebble {
    fn start(home: &Home, https_port: u16) -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = |name: &str| home.path().join(name);
        fs::write(file("pebble.pem"), made.cert.pem()).unwrap();
        fs::write(file("pebble-key.pem"), made.signing_key.serialize_pem()).unwrap();
        let [names, listen, management, manage] = [(); 4].map(|()| free_port());
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{listen}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": file("pebble.pem"),
            "privateKey": file("pebble-key.pem"),
            "httpPort": 1,
            "tlsPort": https_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
        }});
        fs::write(file("pebble.json"), config.to_string()).unwrap();
        let mut resolver = Command::new("pebble-challtestsrv");
        resolver
            .args(["-defaultIPv4", "127.0.0.1", "-defaultIPv6", "", "-http01", "", "-https01", ""])
            .args(["-tlsalpn01", "", "-dns01", &format!("127.0.0.1:{names}")])
            .args(["-management", &format!("127.0.0.1:{manage}")]);
        let mut pebble = Command::new("pebble");
        pebble
            .env("PEBBLE_VA_NOSLEEP", "1")
            .arg("-config")
            .arg(file("pebble.json"))
            .args(["-dnsserver", &format!("127.0.0.1:{names}")]);
        let children = [resolver, pebble].map(|mut command| run(&mut command, &file("pebble.log")));
        let authority = Self {
            children: children.into(),
            directory: format!("https://localhost:{listen}/dir"),
        };
        for port in [names, listen] {
            until("pebble", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        }
        authority
    }
}

fn run(command: &mut Command, log: &Path) -> Child {
    let log = fs::File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    command.spawn().unwrap_or_else(|error| {
        panic!(
            "{:?} is needed by this test and cannot be started: {error} \
             (cargo xtask test installs what the tests need)",
            command.get_program()
        )
    })
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.children {
            let (_killed, _waited) = (child.kill(), child.wait());
        }
    }
}

fn serve(home: &Home, https_port: u16, directory: &str, domains: &str) -> Server {
    let mut words: Vec<String> = ["tcp", "tls", "quic", "http"]
        .iter()
        .flat_map(|kind| [format!("--{kind}"), "127.0.0.1:0".to_owned()])
        .collect();
    words.extend(["--https".to_owned(), format!("127.0.0.1:{https_port}")]);
    let authority = home.path().join("pebble.pem").display().to_string();
    for setting in [
        format!("tls.acme_domains={domains}"),
        format!("tls.acme_directory={directory}"),
        format!("tls.acme_authority={authority}"),
        "tls.acme_contact=me@chat.example".to_owned(),
    ] {
        words.extend(["--set".to_owned(), setting]);
    }
    home.serve_at(&words)
}

/// Whether a client that trusts Pebble alone believes that this is the server of this name.
fn is_believed(home: &Home, server: &Server, name: &'static str) -> bool {
    let kept = fs::read(home.data_dir().join("acme.pem")).unwrap();
    let chain = String::from_utf8(kept).unwrap();
    // What follows the server's own certificate is the authority's.
    let (_, rest) = chain.split_once("-----END CERTIFICATE-----\n").unwrap();
    let trust = Trust::authorities_from_pem(rest.as_bytes()).unwrap();
    let connector = TlsConnector::from(Arc::new(trust.tls_config(&[b"http/1.1"]).unwrap()));
    let address = server.address("https");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        connector.connect(ServerName::try_from(name).unwrap(), stream).await.is_ok()
    })
}

fn shown(server: &Server) -> String {
    server.announcement()["certificate_sha256"].as_str().unwrap().to_owned()
}

fn is_secret(path: &Path) -> bool {
    path.metadata().unwrap().permissions().mode() & 0o777 == 0o600
}

#[test]
fn requirement_k1_a_certificate_is_fetched_kept_and_replaced_when_the_names_change() {
    let home = Home::new();
    let https = free_port();
    let authority = Pebble::start(&home, https);
    let log = || {
        let pebble = fs::read_to_string(home.path().join("pebble.log")).unwrap_or_default();
        format!("{}\n{pebble}", home.log())
    };
    let server = serve(&home, https, &authority.directory, "chat.example");
    let own = shown(&server);
    until("the order", || !home.log().contains("no new certificate") && shown(&server) != own);
    assert!(is_believed(&home, &server, "chat.example"), "{}", log());
    assert!(!is_believed(&home, &server, "other.example"));
    let (fetched, account) =
        (home.data_dir().join("acme.pem"), home.data_dir().join("acme-account.json"));
    assert!(is_secret(&fetched) && is_secret(&account));
    server.stop();

    // Another name: another certificate, for the same account.
    let kept = fs::read(&account).unwrap();
    let server = serve(&home, https, &authority.directory, "chat.example, www.chat.example");
    until("another order", || is_believed(&home, &server, "www.chat.example"));
    assert!(is_believed(&home, &server, "www.chat.example"), "{}", log());
    assert_eq!(fs::read(&account).unwrap(), kept);
    server.stop();

    // Without the authority the certificate that was fetched goes on, and is asked for by nobody: it is young.
    let directory = authority.directory.clone();
    drop(authority);
    let server = serve(&home, https, &directory, "chat.example, www.chat.example");
    assert!(is_believed(&home, &server, "www.chat.example"));
    // And while another one is asked for in vain.
    server.stop();
    let server = serve(&home, https, &directory, "third.example");
    until("the order fails", || home.log().contains("no new certificate"));
    assert!(is_believed(&home, &server, "www.chat.example"));
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", log());
}

#[test]
fn requirement_k1_a_name_that_is_not_ours_is_not_certified_and_the_old_certificate_stays() {
    let home = Home::new();
    // The authority looks elsewhere.
    let authority = Pebble::start(&home, free_port());
    let server = serve(&home, free_port(), &authority.directory, "chat.example");
    let own = shown(&server);
    until("the order fails", || home.log().contains("no new certificate"));
    assert!(home.log().contains("not proved: "), "{}", home.log());
    assert_eq!(shown(&server), own);
    assert!(!home.data_dir().join("acme.pem").exists());
}
