//! The page that a server shows at `/v1/docs`: one document, no script, nothing from elsewhere.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::outline::{Field, Outline, Route, names, outline};
use super::put;

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:62rem;padding:1rem 1.5rem}\
nav ul{columns:2;list-style:none;padding:0}nav a{text-decoration:none}\
code{font:13px ui-monospace,monospace}h2{border-bottom:1px solid;margin-top:3rem}\
h3 code{font-size:15px}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid #8884;padding:.25rem .5rem;text-align:left;vertical-align:top}\
td:first-child{white-space:nowrap}.get{color:#0a7}.post,.put,.patch{color:#06c}.delete{color:#c33}";

/// A page and what a browser may do with it.
pub struct Page {
    /// The document.
    pub text: String,
    /// Its `Content-Security-Policy`: its own style, and nothing else at all.
    pub policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    Page { text: document(&outline()), policy }
});

/// The page. It is made once.
#[must_use]
pub fn page() -> &'static Page {
    &PAGE
}

fn document(outline: &Outline) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Anser: the HTTP API</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>The HTTP API</h1>\n<p>{}</p>\n<p>For programs: <a href=\"openapi.json\">openapi.json</a>.</p>\n<nav>",
        prose(&outline.about)
    );
    for chapter in &outline.chapters {
        put(&mut text, format_args!("<h4>{}</h4><ul>", escaped(&chapter.name)));
        for route in &chapter.routes {
            put(
                &mut text,
                format_args!("<li><a href=\"#{}\">{}</a></li>", anchor(route), title(route)),
            );
        }
        text.push_str("</ul>");
    }
    text.push_str("</nav>\n");
    for chapter in &outline.chapters {
        let about = prose(&chapter.about);
        put(&mut text, format_args!("<h2>{}</h2>\n<p>{about}</p>\n", escaped(&chapter.name)));
        chapter.routes.iter().for_each(|one| route(&mut text, outline, one));
    }
    text.push_str("<h2>Values</h2>\n");
    for (name, shape) in &outline.values {
        let of = linked(outline, &shape.of);
        put(&mut text, format_args!("<h3 id=\"value-{name}\"><code>{name}</code></h3>\n"));
        put(&mut text, format_args!("<p>{} <code>{of}</code></p>\n", prose(&shape.about)));
        shape.cases.iter().for_each(|fields| table(&mut text, outline, fields));
    }
    text.push_str("</body></html>\n");
    text
}

fn anchor(route: &Route) -> String {
    let path: String =
        route.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("{}{path}", route.method.to_lowercase())
}

fn title(route: &Route) -> String {
    let class = route.method.to_lowercase();
    let (method, path) = (escaped(&route.method), escaped(&route.path));
    format!("<code><b class=\"{class}\">{method}</b> {path}</code>")
}

fn route(text: &mut String, outline: &Outline, route: &Route) {
    put(text, format_args!("<h3 id=\"{}\">{}</h3>\n", anchor(route), title(route)));
    put(text, format_args!("<p><b>{}.</b> {}</p>\n", prose(&route.summary), prose(&route.about)));
    table(text, outline, &route.parameters);
    if let Some(of) = &route.takes {
        put(text, format_args!("<p>Takes <code>{}</code>.</p>\n", linked(outline, of)));
    }
    text.push_str("<table>");
    for answer in &route.answers {
        let gives = answer.gives.as_deref().map(|of| linked(outline, of)).unwrap_or_default();
        let (status, about) = (escaped(&answer.status), prose(&answer.about));
        put(
            text,
            format_args!("<tr><td>{status}</td><td><code>{gives}</code></td><td>{about}</td></tr>"),
        );
    }
    for refused in &route.refusals {
        let (status, code, said) =
            (escaped(&refused.status), escaped(&refused.code), prose(&refused.text));
        put(
            text,
            format_args!("<tr><td>{status}</td><td><code>{code}</code></td><td>{said}</td></tr>"),
        );
    }
    text.push_str("</table>\n");
}

fn table(text: &mut String, outline: &Outline, fields: &[Field]) {
    if fields.is_empty() {
        return;
    }
    text.push_str("<table>");
    for field in fields {
        let absent = if field.required { "" } else { "?" };
        let (name, of) = (escaped(&field.name), linked(outline, &field.of));
        let place = if field.place.is_empty() {
            String::new()
        } else {
            format!(" ({})", escaped(&field.place))
        };
        let about = prose(&field.about);
        put(
            text,
            format_args!(
                "<tr><td><code>{name}{absent}</code>{place}</td><td><code>{of}</code></td><td>{about}</td></tr>"
            ),
        );
    }
    text.push_str("</table>\n");
}

/// A kind with links to the values it names.
fn linked(outline: &Outline, of: &str) -> String {
    let mut text = String::new();
    for word in of.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let name = names(word).next().unwrap_or_default();
        let rest = escaped(&word[name.len()..]);
        if outline.values.contains_key(name) {
            put(&mut text, format_args!("<a href=\"#value-{name}\">{name}</a>{rest}"));
        } else {
            put(&mut text, format_args!("{name}{rest}"));
        }
    }
    text
}

/// A text with its code marked.
fn prose(text: &str) -> String {
    let mut marked = String::new();
    for (i, part) in escaped(text).split('`').enumerate() {
        match i % 2 {
            0 => marked.push_str(part),
            _ => put(&mut marked, format_args!("<code>{part}</code>")),
        }
    }
    marked
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
