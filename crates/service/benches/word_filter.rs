//! What looking for words that may not be said costs per message: `cargo bench -p anser-service --bench word_filter`.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::Instant;

use anser_service::Words;

/// Words of the lists.
const LISTS: [usize; 3] = [100, 10_000, 100_000];
/// Messages looked at in one round.
const MESSAGES: u32 = 20_000;
/// Rounds; the median is reported.
const ROUNDS: usize = 5;

fn list(words: usize) -> Words {
    let word = |n: usize| format!("{}{n}\n", if n.is_multiple_of(2) { "禁词" } else { "badword" });
    Words::parse(&(0..words).map(word).collect::<String>(), |_, _| None).unwrap()
}

fn median_ns(words: &Words, text: &str) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            for _ in 0..MESSAGES {
                assert!(!black_box(words).stand_in(black_box(text)));
            }
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(MESSAGES)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

fn main() {
    let texts = [
        (
            "English, 72 bytes",
            "A message of ordinary length, as people write them to each other all day.".to_owned(),
        ),
        (
            "Chinese, 84 bytes",
            "今天下午我们一起去喝茶，顺便看看湖边的鹅，好吗？晚上再吃饭".to_owned(),
        ),
        ("Chinese, 8 KiB", "今天下午我们一起去喝茶，".repeat(227)),
    ];
    println!("{:<20}{:>10}{:>16}", "text", "words", "ns per message");
    for words in LISTS {
        let list = list(words);
        for (name, text) in &texts {
            println!("{name:<20}{words:>10}{:>16.0}", median_ns(&list, text));
        }
    }
}
