//! The example file and the reference page, made from the table of settings.

use std::fmt::Write as _;

use super::keys::sections;

/// The example configuration: every key with its meaning and its default, commented out, so that a later
/// version's better default takes effect by itself.
#[must_use]
pub fn example_file() -> String {
    let mut text = String::from(
        "# Anser server. Every key is shown with its default; remove the # before a key to change it.\n\
         # A flag (--set section.key=value) wins over an environment variable, that one over this file.\n\
         # 'anser config show --origin' tells where each value comes from.\n",
    );
    for section in sections() {
        text.push('\n');
        comment(&mut text, &section.doc);
        writeln_to(&mut text, format_args!("[{}]", section.name));
        for key in section.keys {
            text.push('\n');
            comment(&mut text, &key.doc);
            comment(&mut text, &format!("Takes {}.", key.expects));
            writeln_to(&mut text, format_args!("#{} = {}", key.name, key.default));
        }
    }
    text
}

/// The page docs/operate/configuration.md.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         Made by `anser config reference --markdown` from the settings' own comments; a test keeps it fresh.\n\n\
         Settings come from, in this order of strength: flags (`--set section.key=value`, some have a flag of\n\
         their own, see `anser serve --help`), environment variables (`ANSER_SECTION_KEY`, such as\n\
         `ANSER_LISTEN_TCP`), the file `anser.toml` in the data directory (or `--config FILE`), defaults. `anser config show --origin` tells where each value comes from,\n\
         `anser config check` only looks for mistakes. A mistake is reported with file, line and what to write\n\
         instead (`CONFIG_INVALID`), and the server does not start.\n\n\
         The data directory itself is `--data-dir`, else `ANSER_DATA_DIR`, else `$XDG_DATA_HOME/anser/server`,\n\
         else `~/.local/share/anser/server`.\n\n\
         | key | default | takes | meaning |\n|---|---|---|---|\n",
    );
    for section in sections() {
        let about = section.doc.replace('\n', " ");
        writeln_to(&mut text, format_args!("| **[{}]** | | | **{about}** |", section.name));
        for key in &section.keys {
            let meaning = key.doc.replace('\n', " ");
            let row = format_args!(
                "| `{}` | `{}` | {} | {meaning} |",
                key.name, key.default, key.expects
            );
            writeln_to(&mut text, row);
        }
    }
    text
}

fn comment(text: &mut String, lines: &str) {
    for line in lines.lines() {
        writeln_to(text, format_args!("# {line}"));
    }
}

/// Writing to a String cannot fail.
fn writeln_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    if writeln!(text, "{line}").is_err() {
        unreachable!("a String takes every write");
    }
}
