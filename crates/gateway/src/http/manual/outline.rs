//! The description, read for its pages: routes by tag, and the values that go in and out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::http::openapi::description;

/// Everything there is to show.
pub(super) struct Outline {
    pub(super) about: String,
    pub(super) chapters: Vec<Section>,
    pub(super) values: BTreeMap<String, Shape>,
}

/// The routes of a tag.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) routes: Vec<Route>,
}

pub(super) struct Route {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) about: String,
    pub(super) parameters: Vec<Field>,
    pub(super) takes: Option<String>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: Vec<Refused>,
}

/// An answer that is no refusal.
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) about: String,
    pub(super) gives: Option<String>,
}

/// A code of the catalogue, with what it says.
pub(super) struct Refused {
    pub(super) status: String,
    pub(super) code: String,
    pub(super) text: String,
}

/// A field of a value, or a parameter.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    /// Of a parameter: `path`, `query` or `header`.
    pub(super) place: String,
    pub(super) of: String,
    pub(super) required: bool,
    pub(super) about: String,
}

/// What a value looks like.
pub(super) struct Shape {
    pub(super) about: String,
    /// What it is beside its fields; empty if it is them.
    pub(super) of: String,
    /// One list of fields, or one for each of several cases.
    pub(super) cases: Vec<Vec<Field>>,
}

/// Reads the description.
pub(super) fn outline() -> Outline {
    let spec: Value = serde_json::from_str(description())
        .unwrap_or_else(|error| unreachable!("it was made as JSON: {error}"));
    let mut chapters: Vec<Section> = items(&spec["tags"])
        .map(|tag| Section {
            name: text(&tag["name"]),
            about: text(&tag["description"]),
            routes: Vec::new(),
        })
        .collect();
    for (path, methods) in entries(&spec["paths"]) {
        for (method, operation) in entries(methods) {
            let tag = text(&operation["tags"][0]);
            if let Some(chapter) = chapters.iter_mut().find(|chapter| chapter.name == tag) {
                chapter.routes.push(route(&method.to_uppercase(), path, operation));
            }
        }
    }
    let schemas = entries(&spec["components"]["schemas"]);
    Outline {
        about: text(&spec["info"]["description"]),
        values: schemas.map(|(name, schema)| (name.clone(), shape(schema))).collect(),
        chapters,
    }
}

impl Outline {
    /// The values that a chapter's routes take and give, with those inside them.
    pub(super) fn values_of(&self, chapter: &Section) -> Vec<&str> {
        let mut found = BTreeSet::new();
        let mut wanted: Vec<String> = Vec::new();
        for route in &chapter.routes {
            wanted.extend(route.takes.clone());
            wanted.extend(route.answers.iter().filter_map(|answer| answer.gives.clone()));
            wanted.extend(route.parameters.iter().map(|field| field.of.clone()));
        }
        while let Some(of) = wanted.pop() {
            for (name, shape) in &self.values {
                if names(&of).any(|word| word == name) && found.insert(name.as_str()) {
                    wanted.push(shape.of.clone());
                    wanted.extend(shape.cases.iter().flatten().map(|field| field.of.clone()));
                }
            }
        }
        found.into_iter().collect()
    }
}

/// The words of a kind that may be names of values.
pub(super) fn names(of: &str) -> impl Iterator<Item = &str> {
    of.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

fn route(method: &str, path: &str, operation: &Value) -> Route {
    let mut answers = Vec::new();
    let mut refusals = Vec::new();
    for (status, response) in entries(&operation["responses"]) {
        let about = text(&response["description"]);
        if status.as_str() < "400" {
            let mut content = entries(&response["content"]);
            let gives = content.next().map(|(_, body)| kind(&body["schema"]));
            answers.push(Answer { status: status.clone(), about, gives });
            continue;
        }
        for line in about.lines() {
            let (code, text) = line.split_once(": ").unwrap_or((line, ""));
            let code = code.trim_matches('`').to_owned();
            refusals.push(Refused { status: status.clone(), code, text: text.to_owned() });
        }
    }
    let parameters = items(&operation["parameters"]).map(|parameter| Field {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        of: kind(&parameter["schema"]),
        required: parameter["required"] == true,
        about: text(&parameter["description"]),
    });
    let mut body = entries(&operation["requestBody"]["content"]);
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        about: text(&operation["description"]),
        parameters: parameters.collect(),
        takes: body.next().map(|(_, body)| kind(&body["schema"])),
        answers,
        refusals,
    }
}

fn shape(schema: &Value) -> Shape {
    let about = text(&schema["description"]);
    let cases: Vec<Vec<Field>> = if schema["oneOf"].is_array() {
        items(&schema["oneOf"]).map(fields).collect()
    } else {
        vec![fields(schema)]
    };
    let has_fields = cases.iter().any(|fields| !fields.is_empty());
    let cases = if has_fields { cases } else { Vec::new() };
    let of = if has_fields { inside(schema) } else { kind(schema) };
    Shape { about, of, cases }
}

/// Values whose fields stand beside the own ones.
fn inside(schema: &Value) -> String {
    let parts = items(&schema["allOf"])
        .chain(items(&schema["oneOf"]))
        .filter(|part| part["$ref"].is_string());
    parts.map(kind).collect::<Vec<_>>().join(" and ")
}

fn fields(schema: &Value) -> Vec<Field> {
    let required: Vec<String> = items(&schema["required"]).map(text).collect();
    let own = entries(&schema["properties"]).map(|(name, of)| Field {
        name: name.clone(),
        place: String::new(),
        of: kind(of),
        required: required.contains(name),
        about: about(of),
    });
    let mut fields: Vec<Field> = own.collect();
    for part in items(&schema["allOf"]) {
        fields.extend(self::fields(part));
        if part["$ref"].is_string() {
            let of = kind(part);
            let name = format!("… {of}");
            fields.insert(
                0,
                Field { name, place: String::new(), of, required: true, about: String::new() },
            );
        }
    }
    // The field that tells the cases apart comes first.
    fields.sort_by_key(|field| !field.of.starts_with('"'));
    fields
}

fn about(schema: &Value) -> String {
    let own = text(&schema["description"]);
    let inner = items(&schema["oneOf"]).map(|part| text(&part["description"]));
    if own.starts_with("At most ") {
        // The kind says it.
        return String::new();
    }
    if own.is_empty() {
        inner.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    } else {
        own
    }
}

/// What a schema says, in few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if schema["enum"].is_array() {
        return items(&schema["enum"]).map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    let parts: Vec<String> =
        items(&schema["oneOf"]).filter(|part| part["type"] != "null").map(kind).collect();
    if !parts.is_empty() {
        return parts.join(" or ");
    }
    let of = match &schema["type"] {
        Value::Array(types) => {
            types.iter().find(|one| *one != "null").map(text).unwrap_or_default()
        }
        one => text(one),
    };
    match of.as_str() {
        "array" => {
            let most = &schema["maxItems"];
            let most = if most.is_null() { String::new() } else { format!(", at most {most}") };
            format!("list of {}{most}", kind(&schema["items"]))
        }
        "boolean" => "true or false".to_owned(),
        "string" if schema["maxLength"].is_u64() => {
            format!("text, at most {} bytes", schema["maxLength"])
        }
        "string" => "text".to_owned(),
        "integer" => match (&schema["minimum"], &schema["maximum"]) {
            (Value::Null, _) | (_, Value::Null) => "number".to_owned(),
            (least, most) => format!("number, {least} to {most}"),
        },
        "object" => {
            let inner =
                entries(&schema["properties"]).map(|(name, of)| format!("{name}: {}", kind(of)));
            format!("{{{}}}", inner.collect::<Vec<_>>().join(", "))
        }
        other => other.to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace("\n\n", "\n").trim().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
