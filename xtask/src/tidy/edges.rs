//! The crate edges of ARCHITECTURE.md: which crate may use which of ours, and what some must never see.

use std::collections::BTreeMap;

use crate::files;

/// A crate, the crates of ours it may use, and the dependencies it must never have.
struct Edge {
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
}

/// The whole table, crates of later steps included: a new crate needs a row here and an ADR.
const EDGES: &[Edge] = &[
    edge("anser-types", &[], &["tokio", "prost", "serde_json"]),
    edge("anser-proto", &["anser-types"], &["tokio"]),
    edge("anser-trust", &["anser-types"], &["tokio", "reqwest", "hyper"]),
    edge("anser-client", &["anser-types", "anser-proto"], &["tokio"]),
    edge("anser-backend", &["anser-types"], &["tokio", "prost"]),
    edge("anser-embedded", &["anser-types", "anser-backend"], &["prost"]),
    edge("anser-files", &["anser-types", "anser-backend", "anser-media"], &["prost", "axum"]),
    edge("anser-media", &["anser-types"], &["tokio", "prost"]),
    edge("anser-search", &["anser-types", "anser-backend"], &["tokio", "prost"]),
    edge("anser-cluster", &["anser-types", "anser-backend"], &["prost"]),
    edge(
        "anser-service",
        &["anser-types", "anser-backend"],
        &["prost", "axum", "hyper", "fjall", "rusqlite", "tokio-postgres"],
    ),
    edge("anser-outbound", &["anser-types", "anser-backend"], &["prost"]),
    edge(
        "anser-gateway",
        &["anser-types", "anser-proto", "anser-service"],
        &["fjall", "rusqlite", "tokio-postgres"],
    ),
    edge(
        "anser-server",
        &[
            "anser-types",
            "anser-proto",
            "anser-trust",
            "anser-backend",
            "anser-embedded",
            "anser-cluster",
            "anser-files",
            "anser-media",
            "anser-search",
            "anser-service",
            "anser-outbound",
            "anser-gateway",
        ],
        &[],
    ),
    edge(
        "anser-sdk",
        &["anser-types", "anser-proto", "anser-trust", "anser-client"],
        &["axum", "fjall"],
    ),
    edge("anser-cli", &["anser-types", "anser-client", "anser-sdk"], &["axum", "fjall"]),
    edge("anser", &["anser-server", "anser-cli"], &[]),
    edge(
        "anser-sim",
        &[
            "anser-types",
            "anser-proto",
            "anser-client",
            "anser-backend",
            "anser-service",
            "anser-gateway",
        ],
        &[],
    ),
    edge("xtask", &[], &["tokio"]),
];

const fn edge(
    name: &'static str,
    may_use: &'static [&'static str],
    never: &'static [&'static str],
) -> Edge {
    Edge { name, may_use, never }
}

/// Reads every manifest against the table. Dev-dependencies may reach further: tests stand outside.
pub fn check() -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    let manifests: Vec<String> = files::tracked()?
        .into_iter()
        .filter(|file| file.ends_with("/Cargo.toml") && !file.starts_with("fuzz/"))
        .collect();
    for file in manifests {
        let manifest: toml::Table = files::read(&file)?.parse()?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(toml::Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let Some(edge) = EDGES.iter().find(|edge| edge.name == name) else {
            wrong.push(format!("{file}: crate '{name}' has no row in xtask/src/tidy/edges.rs"));
            continue;
        };
        wrong.extend(broken_edges(&file, edge, &dependencies(&manifest)));
        if manifest.get("lints").and_then(|lints| lints.get("workspace")).is_none() {
            wrong
                .push(format!("{file}: needs `[lints] workspace = true` (it forbids unsafe code)"));
        }
    }
    Ok(wrong)
}

fn dependencies(manifest: &toml::Table) -> BTreeMap<String, toml::Value> {
    let mut all = BTreeMap::new();
    let tables = [Some(manifest)].into_iter().flatten().chain(
        manifest
            .get("target")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(|targets| targets.values().filter_map(toml::Value::as_table)),
    );
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            if let Some(found) = table.get(section).and_then(toml::Value::as_table) {
                all.extend(found.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
        }
    }
    all
}

fn broken_edges(file: &str, edge: &Edge, found: &BTreeMap<String, toml::Value>) -> Vec<String> {
    let ours = |name: &str| name == "anser" || name.starts_with("anser-");
    let mut wrong = Vec::new();
    for name in found.keys() {
        if ours(name) && !edge.may_use.contains(&name.as_str()) {
            wrong.push(format!(
                "{file}: {} may not use {name} (ARCHITECTURE.md, Crates)",
                edge.name
            ));
        }
        if edge.never.contains(&name.as_str()) {
            wrong.push(format!(
                "{file}: {} must never see {name} (ARCHITECTURE.md, Crates)",
                edge.name
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(name: &str, manifest: &str) -> Vec<String> {
        let manifest: toml::Table = manifest.parse().unwrap();
        let edge = EDGES.iter().find(|edge| edge.name == name).unwrap();
        broken_edges("Cargo.toml", edge, &dependencies(&manifest))
    }

    #[test]
    fn the_workspace_keeps_its_edges() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_forbidden_edge_is_found_wherever_it_is_declared() {
        let gateway = "[dependencies]\nanser-embedded = \"1\"";
        assert_eq!(verdicts("anser-gateway", gateway).len(), 1);
        let client = "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"";
        assert_eq!(verdicts("anser-client", client).len(), 1);
        let tests_reach_further = "[dev-dependencies]\nanser-backend = \"1\"";
        assert!(verdicts("anser-gateway", tests_reach_further).is_empty());
    }
}
