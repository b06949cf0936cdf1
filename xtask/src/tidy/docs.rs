//! Documentation pages: at most 150 lines (an ADR 80), and every relative link leads somewhere.

use std::path::Path;

use crate::files;

const PAGE_LINES: usize = 150;
const ADR_LINES: usize = 80;
/// Pages that are read as a whole from top to bottom, not looked up; and the ever-growing changelog.
const LONGER: &[(&str, usize)] = &[("CHANGELOG.md", usize::MAX), ("ARCHITECTURE.md", 200)];

/// Checks every Markdown file.
pub fn check(tracked: &[String]) -> anyhow::Result<Vec<String>> {
    let mut wrong = Vec::new();
    for file in tracked.iter().filter(|file| file.ends_with(".md")) {
        let text = files::read(file)?;
        let limit = LONGER.iter().find(|(name, _)| name == file).map_or_else(
            || if file.starts_with("docs/adr/") { ADR_LINES } else { PAGE_LINES },
            |(_, limit)| *limit,
        );
        let lines = text.lines().count();
        if lines > limit {
            wrong.push(format!("{file}: {lines} lines, at most {limit}"));
        }
        let folder = files::root().join(file);
        let folder = folder.parent().unwrap_or(Path::new("."));
        for link in relative_links(&text) {
            if !folder.join(&link).exists() {
                wrong.push(format!("{file}: link to '{link}' leads nowhere"));
            }
        }
    }
    Ok(wrong)
}

/// Targets of `[text](target)` outside code blocks that are neither addresses nor anchors, without their anchors.
fn relative_links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for part in line.split("](").skip(1) {
            let target = part.split([')', ' ']).next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !path.contains("://") && !path.starts_with("mailto:") {
                links.push(path.to_owned());
            }
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::relative_links;

    #[test]
    fn only_relative_links_outside_code_are_followed() {
        let text = "[a](b.md#c) [d](https://e) [f](#g)\n```\n[x](y.md)\n```\n";
        assert_eq!(relative_links(text), ["b.md"]);
    }
}
