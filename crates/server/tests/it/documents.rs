//! The pages made from the source are fresh.

use std::path::PathBuf;

use anser_server::config::reference;
use anser_server::{errors_page, limits_page};

fn is_fresh(name: &str, made: &str, flag: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/operate").join(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/operate/{name} is stale; type: cargo run -- config reference {flag} > docs/operate/{name}"
    );
    assert!(made.lines().count() < 150);
}

#[test]
fn the_configuration_page_is_fresh() {
    is_fresh("configuration.md", &reference::page(), "--markdown");
}

#[test]
fn the_limits_page_is_fresh() {
    is_fresh("limits.md", &limits_page::page(), "--limits");
}

#[test]
fn the_errors_page_is_fresh() {
    is_fresh("errors.md", &errors_page::page(), "--errors");
}

#[test]
fn the_pages_about_the_http_api_are_fresh() {
    for chapter in anser_gateway::http::manual::chapters() {
        let name = match chapter.name.as_str() {
            "http" => "http.md".to_owned(),
            tag => format!("http/{tag}.md"),
        };
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(&name);
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == chapter.text,
            "docs/{name} is stale; type: cargo run -- openapi --page {} > docs/{name}",
            chapter.name
        );
        assert!(chapter.text.lines().count() <= 150, "{name}");
    }
}

#[test]
fn the_example_with_every_key_switched_on_is_valid_and_says_the_defaults() {
    let switched_on: String = reference::example_file()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => format!("{key}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let place = crate::place::Place::new();
    place.write_config(&switched_on);
    let loaded = place.load().unwrap();
    assert_eq!(loaded.config, anser_server::config::Config::default());
    let set = loaded.origins.values().filter(|o| **o != anser_server::config::Origin::Default);
    assert_eq!(set.count(), anser_server::config::keys().len());
}
