//! The description, and the page a server shows of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::{Town, spec};
use crate::api::request;

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|one| references(one, found));
        }
        Value::Array(items) => items.iter().for_each(|one| references(one, found)),
        _ => {}
    }
}

#[test]
fn every_route_is_described_with_its_refusals_and_every_value_it_names_is_there() {
    let spec = spec();
    let mut found = BTreeSet::new();
    references(&spec, &mut found);
    for reference in found {
        assert!(spec.pointer(&reference[1..]).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for (path, methods) in spec["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{name}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}");
            let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            if let Some(body) = body.as_str() {
                assert!(spec.pointer(&body[1..]).unwrap()["example"].is_object(), "{name}: {body}");
            }
            let answers = operation["responses"].as_object().unwrap();
            let (good, bad): (Vec<_>, Vec<_>) =
                answers.iter().partition(|(status, _)| status.as_str() < "400");
            assert!(!good.is_empty(), "{name}");
            for (status, refusal) in bad {
                let problem = &refusal["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/Problem", "{name} {status}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_describes_itself_to_programs_and_to_people() {
    let town = Town::of(&[]).await;
    let served = request(town.at, "GET", "/v1/openapi.json", "", "").await;
    assert_eq!((served.status, served.json()), (200, spec()));
    assert!(served.head.contains("content-type: application/json\r\n"), "{}", served.head);
    let page = request(town.at, "GET", "/v1/docs", "", "").await;
    assert_eq!(page.status, 200);
    let policy = "content-security-policy: default-src 'none'; style-src 'sha256-";
    assert!(page.head.contains(policy), "{}", page.head);
    for (path, methods) in spec()["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let shown = format!("{}</b> {path}", method.to_uppercase());
            assert!(page.body.contains(&shown), "{shown}");
        }
    }
    // Nothing from elsewhere, and nothing that runs.
    for foreign in ["<script", "src=", "http://", "https://", "@import", "url(", " style=", " on"] {
        let found = page.body.match_indices(foreign).next();
        let near = found.map(|(at, _)| &page.body[at..(at + 60).min(page.body.len())]);
        assert!(foreign == " on" || near.is_none(), "{near:?}");
    }
}
