//! What an index costs: messages indexed per second, bytes per message, time of a search. Prints one table.
//!
//!     cargo bench -p anser-search --bench index -- --messages 1000000 --conversations 2000
//!
//! Texts are sentences of frequent Chinese and English words, some 20 characters each.

#![allow(
    missing_docs,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench"
)]

use std::time::{Duration, Instant};

use anser_backend::search::{Scope, Wanted};
use anser_search::{Index, Position};
use anser_types::{
    ChangeNo, Content, ConversationId, DeviceNo, LocalNo, LogEpoch, Message, MessageId, Seq,
    UnixMs, UserId,
};

const CHINESE: [&str; 24] = [
    "今天", "明天", "下午", "上午", "开会", "吃饭", "公司", "项目", "客户", "报告", "时间", "问题",
    "已经", "可以", "我们", "他们", "知道", "觉得", "电话", "地铁", "天气", "周末", "孩子", "学校",
];
const ENGLISH: [&str; 16] = [
    "meeting", "report", "tomorrow", "lunch", "the", "and", "project", "call", "later", "thanks",
    "file", "version", "server", "weekend", "train", "school",
];
/// Messages of one commit while an index is built, as the server does.
const COMMIT: u64 = 100_000;
/// One message of so many holds the rare word.
const RARE: u64 = 50_000;
const SEARCHES: usize = 50;

fn argument(name: &str, default: u64) -> u64 {
    let mut arguments = std::env::args();
    while let Some(argument) = arguments.next() {
        if argument == name {
            return arguments.next().unwrap().parse().unwrap();
        }
    }
    default
}

/// Numbers without end, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

fn text(number: u64, numbers: &mut Numbers) -> String {
    let mut text = String::new();
    if number.is_multiple_of(2) {
        for _ in 0..8 + numbers.below(5) {
            text.push_str(CHINESE[numbers.below(CHINESE.len())]);
        }
    } else {
        for _ in 0..4 + numbers.below(4) {
            text.push_str(ENGLISH[numbers.below(ENGLISH.len())]);
            text.push(' ');
        }
    }
    if number.is_multiple_of(RARE) {
        text.push_str(" 琥珀");
    }
    text
}

fn conversation(number: u64) -> ConversationId {
    // Spread like the ids of direct conversations.
    let high = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ConversationId((u128::from(high) << 64 | u128::from(number)).to_be_bytes())
}

fn disk_bytes(directory: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    files.map(|file| file.metadata().map_or(0, |one| one.len())).sum()
}

fn build(index: &mut Index, messages: u64, conversations: u64) -> (Duration, u64) {
    let sender = UserId::new("alice").unwrap();
    let mut numbers = Numbers(1);
    let (mut bytes, begun) = (0, Instant::now());
    for number in 0..messages {
        let text = text(number, &mut numbers);
        bytes += text.len() as u64;
        let id = conversation(number % conversations);
        let seq = Seq(number / conversations + 1);
        let message = Message {
            conversation: id,
            seq,
            sender: sender.clone(),
            id: MessageId { device: DeviceNo(1), local_no: LocalNo(number) },
            sent_at: UnixMs(number * 10),
            server_time: UnixMs(1_760_000_000_000 + number * 10),
            content: Some(Content::text(text)),
            altered: None,
        };
        index.add(&message).unwrap();
        index.reached(id, Position { seq, change_no: ChangeNo::ZERO });
        if index.uncommitted() >= COMMIT {
            index.commit().unwrap();
        }
    }
    index.commit().unwrap();
    (begun.elapsed(), bytes)
}

fn search(index: &Index, wanted: &str, conversations: u64) -> (Duration, Duration, usize) {
    let scopes: Vec<Scope> = (0..conversations)
        .map(|number| Scope {
            conversation: conversation(number),
            spans: vec![(Seq::ZERO, Seq::MAX)],
        })
        .collect();
    let wanted = Wanted::new(wanted).unwrap();
    let mut found = 0;
    let mut times: Vec<Duration> = (0..SEARCHES)
        .map(|_| {
            let begun = Instant::now();
            let hits = index.reading().newest(&wanted, scopes.clone(), None, 50).unwrap();
            found = hits.len();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[SEARCHES / 2], times[SEARCHES - 1], found)
}

fn main() {
    let messages = argument("--messages", 200_000);
    let conversations = argument("--conversations", 2_000);
    let place =
        tempfile::tempdir_in(std::env::var("ANSER_BENCH_DIR").unwrap_or(".".into())).unwrap();
    let directory = place.path().join("search");
    let (mut index, _) = Index::open(&directory, LogEpoch(1)).unwrap();
    let (took, bytes) = build(&mut index, messages, conversations);
    let per_second = messages as f64 / took.as_secs_f64();
    println!(
        "indexed            {messages} messages of {} bytes in {took:.1?}: {per_second:.0}/s",
        bytes / messages
    );
    let begun = Instant::now();
    drop(index);
    let (mut index, _) = Index::open(&directory, LogEpoch(1)).unwrap();
    println!("closed and opened  {:.1?}, checksums of every file included", begun.elapsed());
    let on_disk = disk_bytes(&directory);
    println!(
        "on the disk        {on_disk} bytes, {:.1} per message",
        on_disk as f64 / messages as f64
    );

    let begun = Instant::now();
    index.reached(conversation(1), Position::default());
    index.commit().unwrap();
    println!("a small commit     {:.1?}", begun.elapsed());
    for within in [1, 100, conversations] {
        for wanted in ["下午", "今天下午", "午", "琥珀", "meeting", "the rep"] {
            let (median, worst, found) = search(&index, wanted, within);
            println!(
                "search {wanted} in {within}: {found} found, {median:.1?} in the middle, {worst:.1?} at worst"
            );
        }
    }
}
