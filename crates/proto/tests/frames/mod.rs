//! Frozen frames: samples of everything that either side may say, as text and as the bytes that stand for it, and the
//! maker of those that are not there yet.
//!
//! A sample is never changed: it is what programs of this version write and expect to be understood. `cargo xtask frames`
//! adds samples for cases that are new.
#![allow(dead_code, unreachable_pub, reason = "the tests and the example use a part each")]

pub mod maker;

use std::path::{Path, PathBuf};

use protox::prost_reflect::{DescriptorPool, MessageDescriptor};

/// One frozen frame.
pub struct Sample {
    /// The path of cases to what is special about it.
    pub name: String,
    /// What it says, in protobuf's text format.
    pub text: String,
    /// Its bytes behind the length.
    pub bytes: Vec<u8>,
}

/// The two sides, by the message that their frames are.
pub const SIDES: [&str; 2] = ["ClientFrame", "ServerFrame"];

/// The frames of a side as today's `.proto` files describe them.
pub fn descriptor(side: &str) -> MessageDescriptor {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let files = protox::compile(["anser/v1/frame.proto"], [folder]).expect("the .proto files");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("their descriptors");
    pool.get_message_by_name(&format!("anser.v1.{side}")).expect("a message")
}

/// The file of a side's samples.
pub fn path(side: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames/v1").join(format!("{side}.txt"))
}

/// The samples in a file: blocks of a name, a text and bytes in hexadecimal.
pub fn parse(file: &str) -> Vec<Sample> {
    let mut lines = file.lines().filter(|line| !line.is_empty());
    std::iter::from_fn(|| {
        let name = lines.next()?.strip_prefix("# ").expect("a name").to_owned();
        let text = lines.next().expect("a text").to_owned();
        let digits = lines.next().expect("bytes");
        let byte = |pair: &[u8]| {
            let pair = str::from_utf8(pair).expect("digits");
            u8::from_str_radix(pair, 16).expect("hexadecimal digits")
        };
        let bytes = digits.as_bytes().chunks(2).map(byte).collect();
        Some(Sample { name, text, bytes })
    })
    .collect()
}

/// How a sample stands in its file.
pub fn block(sample: &Sample) -> String {
    let hex: String = sample.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("# {}\n{}\n{hex}\n\n", sample.name, sample.text)
}
