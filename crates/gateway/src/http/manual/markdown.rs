//! The pages `docs/http.md` and `docs/http/*.md`.

use std::collections::BTreeSet;

use super::outline::{Field, Outline, Route, Section, Shape, outline};
use super::put;
use crate::http::openapi::{OF_OPERATORS, OF_USERS};

/// A page of the repository's documentation.
pub struct Chapter {
    /// Its name: of the file without its ending.
    pub name: String,
    /// Its text, in Markdown.
    pub text: String,
}

/// The first page, named `http`, one for each tag, and one about `values`.
#[must_use]
pub fn chapters() -> Vec<Chapter> {
    let outline = outline();
    let first = Chapter { name: "http".to_owned(), text: contents(&outline) };
    let each = outline
        .chapters
        .iter()
        .map(|chapter| Chapter { name: chapter.name.clone(), text: of_tag(&outline, chapter) });
    let last = Chapter { name: "values".to_owned(), text: small_values(&outline) };
    std::iter::once(first).chain(each).chain([last]).collect()
}

/// Values that stand on the first page: those that are no objects.
fn is_scalar(shape: &Shape) -> bool {
    shape.cases.is_empty()
}

fn contents(outline: &Outline) -> String {
    let mut text = String::from(
        "# The HTTP API\n\n\
         Made by `anser openapi --page http` from the routes themselves; a test keeps it fresh. A server shows the same at\n\
         `GET /v1/docs`, and for programs at `GET /v1/openapi.json` (OpenAPI 3.1). How to use it: [develop/http.md](develop/http.md);\n\
         small values: [http/values.md](http/values.md).\n\n",
    );
    put(&mut text, format_args!("{}\n\n", outline.about));
    for chapter in &outline.chapters {
        put(
            &mut text,
            format_args!(
                "## [{}](http/{}.md)\n\n{}\n\n",
                chapter.name, chapter.name, chapter.about
            ),
        );
        for route in &chapter.routes {
            put(
                &mut text,
                format_args!(
                    "- `{} {}` {}\n",
                    route.method,
                    route.path,
                    lower_first(&route.summary)
                ),
            );
        }
        text.push('\n');
    }
    text.push_str("## What any route may refuse\n\n");
    for (status, code, said) in common(outline) {
        put(&mut text, format_args!("- {status} `{code}`: {said}\n"));
    }
    text
}

fn small_values(outline: &Outline) -> String {
    let mut text = String::from(
        "# HTTP: small values\n\n\
         Made by `anser openapi --page values` from the routes themselves; a test keeps it fresh. The routes: [../http.md](../http.md).\n\n",
    );
    for (name, shape) in outline.values.iter().filter(|(_, shape)| is_scalar(shape)) {
        let about = one_line(&shape.about);
        put(&mut text, format_args!("- `{name}`: {}. {about}\n", in_table(&shape.of)));
    }
    text
}

/// Refusals that every route of users may answer.
fn common(outline: &Outline) -> Vec<(String, String, String)> {
    let of_users =
        outline.chapters.iter().filter(|chapter| OF_USERS.contains(&chapter.name.as_str()));
    let mut routes = of_users.flat_map(|chapter| &chapter.routes);
    let Some(first) = routes.next() else { return Vec::new() };
    let mut codes: BTreeSet<&str> = first.refusals.iter().map(|one| one.code.as_str()).collect();
    for route in routes {
        codes.retain(|code| route.refusals.iter().any(|one| one.code == *code));
    }
    let all = first.refusals.iter().filter(|one| codes.contains(one.code.as_str()));
    all.map(|one| (one.status.clone(), one.code.clone(), one.text.clone())).collect()
}

fn of_tag(outline: &Outline, chapter: &Section) -> String {
    let name = &chapter.name;
    let mut text = format!(
        "# HTTP: {name}\n\n\
         Made by `anser openapi --page {name}` from the routes themselves; a test keeps it fresh. [Small values](values.md);\n\
         [what any route may refuse](../http.md#what-any-route-may-refuse).\n\n{}\n",
        chapter.about
    );
    text.push_str(who(name));
    text.push_str("\n| request | what | takes | gives | refuses |\n|---|---|---|---|---|\n");
    let everywhere: BTreeSet<String> =
        common(outline).into_iter().map(|(_, code, _)| code).collect();
    for route in &chapter.routes {
        text.push_str(&row(route, &everywhere));
        text.push('\n');
    }
    let values = outline.values_of(chapter).into_iter();
    let values: Vec<&str> = values
        .filter(|name| outline.values.get(*name).is_some_and(|shape| !is_scalar(shape)))
        .collect();
    if !values.is_empty() {
        text.push_str("\n## Values\n\nFields with `?` may be absent.\n\n");
    }
    for name in values {
        if let Some(shape) = outline.values.get(name) {
            put(
                &mut text,
                format_args!("- **{name}**: {}{}\n", one_line(&shape.about), cases(shape)),
            );
        }
    }
    text
}

fn who(tag: &str) -> &'static str {
    if OF_USERS.contains(&tag) {
        "With a device's token as bearer; or with the API key and `?as=<user>`, in that user's name. What has an effect takes \
         the\nheader `Idempotency-Key`.\n"
    } else if OF_OPERATORS.contains(&tag) {
        "With the API key as bearer.\n"
    } else {
        ""
    }
}

fn row(route: &Route, everywhere: &BTreeSet<String>) -> String {
    let query: Vec<String> = route
        .parameters
        .iter()
        .filter(|one| one.place == "query")
        .map(|one| if one.required { one.name.clone() } else { format!("{}?", one.name) })
        .collect();
    let query = if query.is_empty() {
        String::new()
    } else {
        format!("<br>query: `{}`", query.join("`, `"))
    };
    let gives = route.answers.iter().map(|answer| match &answer.gives {
        Some(of) => format!("{} {}", answer.status, in_table(of)),
        None => answer.status.clone(),
    });
    let own = route.refusals.iter().filter(|one| !everywhere.contains(&one.code));
    let refuses: Vec<String> = own.map(|one| format!("{} `{}`", one.status, one.code)).collect();
    let about = one_line(&route.about);
    let what = if about.is_empty() {
        route.summary.clone()
    } else {
        format!("{}. {about}", route.summary)
    };
    format!(
        "| `{} {}`{query} | {what} | {} | {} | {} |",
        route.method,
        route.path,
        route.takes.as_deref().map(in_table).unwrap_or_default(),
        gives.collect::<Vec<_>>().join(", "),
        refuses.join(", ")
    )
}

fn cases(shape: &Shape) -> String {
    let cases: Vec<String> =
        shape.cases.iter().map(|fields| format!(" {{{}}}", list(fields))).collect();
    cases.join(" or")
}

fn list(fields: &[Field]) -> String {
    let field = |field: &Field| {
        let absent = if field.required { "" } else { "?" };
        let Field { name, of, about, .. } = field;
        if name.starts_with('…') {
            return format!("the fields of {of}");
        }
        let about = if about.is_empty() {
            String::new()
        } else {
            format!(" ({})", one_line(about).trim_end_matches('.'))
        };
        format!("`{name}{absent}`: {}{about}", in_table(of))
    };
    fields.iter().map(field).collect::<Vec<_>>().join("; ")
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|").replace('<', "&lt;")
}

/// A kind as it may stand in a table.
fn in_table(of: &str) -> String {
    of.replace('|', "\\|")
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
