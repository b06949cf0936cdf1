//! Precedence, origins, and mistakes that are explained.

use anser_server::config::value::TrustedProxies;
use anser_server::config::{Config, ListenAddress, Origin, keys, load};
use anser_server::failure::of_problems;
use anser_types::ErrorCode;

use crate::place::{Place, pairs};

fn mistake(text: &str) -> String {
    let place = Place::new();
    place.write_config(text);
    let problems = place.load().unwrap_err();
    let told = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    told.replace(&format!("{}/", place.root().display()), "")
}

#[test]
fn without_anything_the_defaults_hold() {
    let loaded = Place::new().load().unwrap();
    assert_eq!(loaded.config, Config::default());
    assert!(loaded.origins.values().all(|origin| *origin == Origin::Default));
    assert_eq!(loaded.origins.len(), keys().len());
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let place = Place::new();
    place.write_config("[inbox]\nkeep_days = 7\nkeep_entries = 700\n\n[log]\nlevel = \"debug\"\n");
    let mut layers = place.layers();
    layers.environment = pairs(&[("ANSER_INBOX_KEEP_DAYS", "8"), ("ANSER_LOG_LEVEL", "warn")]);
    layers.flags = pairs(&[("log.level", "trace")]);
    let loaded = load(&layers).unwrap();

    assert_eq!(loaded.config.inbox.keep_entries.get(), 700);
    assert_eq!(loaded.config.inbox.keep_days.get(), 8);
    assert_eq!(loaded.config.log.level, "trace");
    assert_eq!(loaded.config.accounts, Config::default().accounts);

    let origin = |path: &str| loaded.origins[path].to_string();
    let file = place.data_dir.config_file();
    assert_eq!(origin("inbox.keep_entries"), format!("{}, line 3", file.display()));
    assert_eq!(origin("inbox.keep_days"), "environment variable ANSER_INBOX_KEEP_DAYS");
    assert_eq!(origin("log.level"), "flag for log.level");
    assert_eq!(origin("listen.tcp"), "default");
}

#[test]
fn every_key_can_be_set_by_its_variable_and_by_flag() {
    for key in keys() {
        let text = key.default.trim_matches('"').to_owned();
        let mut layers = Place::new().layers();
        layers.environment = vec![(key.variable(), text.clone())];
        let loaded = load(&layers).unwrap();
        assert_eq!(loaded.config, Config::default(), "{}", key.path());
        assert_ne!(loaded.origins[&key.path()], Origin::Default);

        let mut layers = Place::new().layers();
        layers.flags = vec![(key.path(), text)];
        assert_eq!(load(&layers).unwrap().config, Config::default(), "{}", key.path());
    }
}

#[test]
fn an_address_can_be_turned_off() {
    let place = Place::new();
    place.write_config("[listen]\ntcp = \"off\"\nhttp = \"[::1]:0\"\n");
    let config = place.load().unwrap().config;
    assert_eq!(config.listen.tcp, ListenAddress::Off);
    assert_eq!(config.listen.http.to_string(), "[::1]:0");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_name() {
    assert_eq!(
        mistake("# mine\n[listen]\ntpc = \"127.0.0.1:1\"\n"),
        "anser.toml, line 3: there is no key listen.tpc; write listen.tcp"
    );
    assert_eq!(
        mistake("[listne]\ntcp = \"127.0.0.1:1\"\n"),
        "anser.toml, line 1: there is no section or key listne; write listen"
    );
}

#[test]
fn a_key_outside_its_section_is_sent_there() {
    assert_eq!(
        mistake("registration = false\n"),
        "anser.toml, line 1: there is no section or key registration; \
         write accounts.registration, that is, move it under its section"
    );
}

#[test]
fn all_unknown_names_are_told_at_once() {
    let told = mistake("[log]\nlevle = \"info\"\n\n[inbox]\nkeep_dayz = 3\n");
    assert_eq!(told.lines().count(), 2, "{told}");
    assert!(told.contains("line 2: there is no key log.levle; write log.level"), "{told}");
    assert!(
        told.contains("line 5: there is no key inbox.keep_dayz; write inbox.keep_days"),
        "{told}"
    );
}

#[test]
fn a_wrong_value_is_refused_with_its_line_and_what_to_write() {
    assert_eq!(
        mistake("[listen]\n\ntcp = \"localhost\"\n"),
        "anser.toml, line 3: listen.tcp: \"localhost\" is not an address with a port; \
         write an address with a port in quotes, such as \"127.0.0.1:7410\" or \"[::1]:7410\", or \"off\"; \
         the default is \"127.0.0.1:7410\""
    );
    let told = mistake("[inbox]\nkeep_entries = 5\n");
    assert!(
        told.starts_with("anser.toml, line 2: inbox.keep_entries: 5 is out of bounds"),
        "{told}"
    );
    assert!(told.contains("write a whole number from 100 to 1000000"), "{told}");
    let told = mistake("[accounts]\nregistration = \"maybe\"\n");
    assert!(told.starts_with("anser.toml, line 2: accounts.registration:"), "{told}");
    assert!(told.contains("write true or false; the default is true"), "{told}");
    let told = mistake("[log]\nformat = \"xml\"\n");
    assert!(told.starts_with("anser.toml, line 2: log.format:"), "{told}");
    assert!(told.contains("\"auto\", \"human\" or \"json\""), "{told}");
}

#[test]
fn alternatives_are_addresses_with_ports() {
    let place = Place::new();
    place.write_config("[listen]\nalternatives = \"chat2.example:7411, [2001:db8::2]:7411\"\n");
    let listen = place.load().unwrap().config.listen;
    assert_eq!(listen.alternatives.addresses(), ["chat2.example:7411", "[2001:db8::2]:7411"]);
    for wrong in ["chat2.example", ":7411", "chat2.example:99999"] {
        let told = mistake(&format!("[listen]\nalternatives = \"{wrong}\"\n"));
        assert!(told.contains(&format!("{wrong:?} is not an address with a port")), "{told}");
    }
}

#[test]
fn trusted_proxies_are_addresses_and_networks_and_never_everybody() {
    let place = Place::new();
    assert!(place.load().unwrap().config.listen.trusted_proxies == TrustedProxies::default());
    place.write_config(
        "[listen]\ntrusted_proxies = \"127.0.0.1, 10.0.0.0/8\"\nproxy_header = \"forwarded\"\n",
    );
    let listen = place.load().unwrap().config.listen;
    let proxies = listen.trusted_proxies.speaking_in(listen.proxy_header).unwrap();
    assert!(proxies.trusts([10, 1, 2, 3].into()) && !proxies.trusts([192, 0, 2, 1].into()));
    let told = mistake("[listen]\ntrusted_proxies = \"proxy.example\"\n");
    assert!(
        told.starts_with("anser.toml, line 2: listen.trusted_proxies: \"proxy.example\""),
        "{told}"
    );
    assert!(told.contains("write addresses and networks in quotes"), "{told}");
    let told = mistake("[listen]\ntrusted_proxies = \"0.0.0.0/0\"\n");
    assert!(told.contains("0.0.0.0/0 is everybody"), "{told}");
}

#[test]
fn a_section_written_as_a_value_is_explained() {
    assert_eq!(
        mistake("listen = 7410\n"),
        "anser.toml, line 1: listen is a section, not a value; \
         write [listen] and its keys on the lines below"
    );
}

#[test]
fn text_that_is_no_toml_is_refused_with_its_line() {
    let told = mistake("[listen]\ntcp = \"127.0.0.1:7410\"\ntls 127.0.0.1:7411\n");
    assert!(told.starts_with("anser.toml, line 3: this is not TOML:"), "{told}");
    assert!(told.contains("write key = value lines"), "{told}");
    let told = mistake("[log]\nlevel = \"info\nformat = \"json\"\n");
    assert!(told.starts_with("anser.toml, line 2: this is not TOML:"), "{told}");
}

#[test]
fn every_prefix_of_a_file_is_taken_or_explained() {
    let text = anser_server::config::reference::example_file().replace("\n#", "\n");
    let place = Place::new();
    for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)).step_by(7) {
        place.write_config(&text[..cut]);
        if let Err(problems) = place.load() {
            assert!(problems.iter().all(|problem| problem.to_string().contains("line ")));
        }
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.data_dir.create().unwrap();
    std::fs::write(place.data_dir.config_file(), [0xff, 0xfe, 0x00]).unwrap();
    let told = place.load().unwrap_err()[0].to_string();
    assert!(told.contains("anser.toml: cannot be read"), "{told}");
}

#[test]
fn wrong_variables_and_flags_are_refused_and_foreign_ones_left_alone() {
    let mut layers = Place::new().layers();
    layers.environment = pairs(&[
        ("ANSER_CLIENT_DIR", "/x"),
        ("ANSER_DATA_DIR", "/x"),
        ("LISTEN_TCP", "x"),
        ("PATH", "/bin"),
    ]);
    assert_eq!(load(&layers).unwrap().config, Config::default());

    layers.environment = pairs(&[("ANSER_LISTEN_TPC", "127.0.0.1:1")]);
    assert_eq!(
        load(&layers).unwrap_err()[0].to_string(),
        "environment variable ANSER_LISTEN_TPC: no setting has this name; write ANSER_LISTEN_TCP"
    );
    layers.environment = pairs(&[("ANSER_INBOX_KEEP_DAYS", "many")]);
    let told = load(&layers).unwrap_err()[0].to_string();
    assert!(
        told.starts_with("environment variable ANSER_INBOX_KEEP_DAYS: inbox.keep_days:"),
        "{told}"
    );

    layers.environment.clear();
    layers.flags = pairs(&[("inbox.keepdays", "3")]);
    let told = load(&layers).unwrap_err()[0].to_string();
    assert_eq!(
        told,
        "flag for inbox.keepdays: there is no key inbox.keepdays; write inbox.keep_days"
    );
}

#[test]
fn a_problem_becomes_config_invalid() {
    let place = Place::new();
    place.write_config("[lok]\n");
    let failure = of_problems(&place.load().unwrap_err());
    assert_eq!(failure.code, ErrorCode::ConfigInvalid);
    assert_eq!(failure.exit_status(), anser_types::exit::CONFIG);
    assert!(failure.detail.contains("line 1"), "{}", failure.detail);
}
