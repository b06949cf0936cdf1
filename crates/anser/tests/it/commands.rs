//! `init`, `config` and `doctor` as typed.

use crate::program::{Home, text};

#[test]
fn init_says_what_it_made_and_what_to_type_next_and_does_nothing_twice() {
    let home = Home::new();
    let first = home.run(&["init"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    let said = text(&first.stdout);
    assert!(said.contains("anser.toml") && said.contains("next       anser serve"), "{said}");
    assert!(said.contains("anser chat --as alice"), "{said}");
    let key = std::fs::read(home.data_dir().join("api-key")).unwrap();
    assert!(!said.contains(text(&key).trim()), "a secret is not printed");

    let second = home.run(&["init"]);
    assert!(second.status.success());
    assert!(text(&second.stdout).contains("nothing: everything is there already"));
    assert_eq!(std::fs::read(home.data_dir().join("api-key")).unwrap(), key);
}

#[test]
fn config_show_tells_where_each_value_comes_from() {
    let home = Home::new();
    assert!(home.run(&["init"]).status.success());
    std::fs::write(home.data_dir().join("anser.toml"), "[inbox]\nkeep_days = 7\n").unwrap();
    let shown = home
        .program(&["config", "show", "--origin", "--set", "log.level=warn"])
        .env("ANSER_ACCOUNTS_REGISTRATION", "false")
        .output()
        .unwrap();
    let shown = text(&shown.stdout);
    let line = |key: &str| shown.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
    assert!(line("inbox.keep_days = 7").ends_with("anser.toml, line 2"), "{shown}");
    assert!(line("log.level = \"warn\"").ends_with("# flag for log.level"), "{shown}");
    assert!(
        line("accounts.registration = false")
            .ends_with("# environment variable ANSER_ACCOUNTS_REGISTRATION"),
        "{shown}"
    );
    assert!(line("inbox.keep_entries = 10000").ends_with("# default"), "{shown}");

    let json = home.run(&["config", "show", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["inbox.keep_days"], 7);
}

#[test]
fn the_reference_is_printed() {
    let home = Home::new();
    for (flag, beginning) in [
        ("--example", "# Anser server."),
        ("--markdown", "# Configuration"),
        ("--limits", "# Limits"),
    ] {
        let printed = home.run(&["config", "reference", flag]);
        assert!(text(&printed.stdout).starts_with(beginning));
    }
}

#[test]
fn the_doctor_finds_nothing_wrong_beside_a_running_server() {
    let home = Home::new();
    let server = home.serve();
    let report = home.run(&["doctor", "--json"]);
    let lines: Vec<serde_json::Value> =
        text(&report.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let failed: Vec<_> = lines.iter().filter(|line| line["verdict"] == "FAIL").collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(report.status.code(), Some(0));
    let tcp = server.address("tcp").to_string();
    assert!(lines.iter().any(|line| line["found"].as_str().unwrap().contains(&tcp)), "{lines:#?}");
}

#[test]
fn the_doctors_exit_status_says_that_something_failed() {
    let home = Home::new();
    let report = home.run(&["doctor"]);
    assert_eq!(report.status.code(), Some(anser_types::exit::DOCTOR.into()));
    assert!(text(&report.stdout).contains("fix: Type: anser init"), "{}", text(&report.stdout));
}

#[test]
fn help_and_version_name_the_commands() {
    let home = Home::new();
    let help = text(&home.run(&["--help"]).stdout);
    for command in
        ["init", "serve", "config", "doctor", "dump", "chat", "send", "tail", "completions"]
    {
        assert!(help.contains(&format!("  {command}")), "{help}");
    }
    assert!(text(&home.run(&["--version"]).stdout).starts_with("anser "));
}
