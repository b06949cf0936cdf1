//! The page docs/operate/limits.md, made from the comments of `anser_types::limits`, so that it cannot go stale.

use std::fmt::Write as _;

/// The file every limit stands in.
const SOURCE: &str = include_str!("../../types/src/limits.rs");

/// The page.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Limits\n\n\
         Made by `anser config reference --limits` from `crates/types/src/limits.rs`; a test keeps it fresh.\n\
         These are fixed; the ones an operator may set stand in [configuration.md](configuration.md).\n\n\
         | limit | value | why |\n|---|---|---|\n",
    );
    for limit in limits(SOURCE) {
        if writeln!(text, "| `{}` | {} | {} |", limit.name, limit.value, limit.why).is_err() {
            unreachable!("a String takes every write");
        }
    }
    text
}

struct Limit<'a> {
    name: &'a str,
    value: String,
    why: String,
}

fn limits(source: &str) -> Vec<Limit<'_>> {
    let mut found = Vec::new();
    let mut why = Vec::new();
    for line in source.lines() {
        if let Some(comment) = line.strip_prefix("///") {
            why.push(comment.trim());
        } else if let Some(item) = line.strip_prefix("pub const ") {
            if let Some((name, expression)) = name_and_expression(item) {
                found.push(Limit { name, value: evaluated(expression), why: why.join(" ") });
            }
            why.clear();
        }
    }
    found
}

fn name_and_expression(item: &str) -> Option<(&str, &str)> {
    let (name, rest) = item.split_once(':')?;
    let (_, expression) = rest.split_once('=')?;
    Some((name.trim(), expression.trim().trim_end_matches(';')))
}

/// A product of numbers as one number with thin groups; anything else as it stands.
fn evaluated(expression: &str) -> String {
    let product = expression
        .split('*')
        .map(|factor| factor.trim().replace('_', "").parse::<u64>().ok())
        .try_fold(1_u64, |product, factor| product.checked_mul(factor?));
    product.map_or_else(|| expression.replace('_', " "), grouped)
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
