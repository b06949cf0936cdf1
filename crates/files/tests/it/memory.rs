//! How much memory an upload takes, whatever its size.

use std::process::Command;

use anser_backend::Blobs as _;
use anser_backend::conformance::blobs::{announced, some_bytes};
use anser_types::UnixMs;

use crate::people::{keep, read};
use crate::places::Place;

/// Two blocks of an upload, two of a reader, and what the allocator keeps.
const MOST: usize = 8 << 20;
const LENGTH: usize = 64 << 20;

fn most_ever_used() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn an_upload_takes_as_little_memory_as_a_short_one() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(this)
        .args(["--exact", "memory::a_long_upload", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "started as a process by an_upload_takes_as_little_memory_as_a_short_one"]
async fn a_long_upload() {
    let place = Place::new();
    let store = place.open();
    let piece = some_bytes(1, 64 << 10);
    let mut before = 0;
    for (id, length) in [(1, 2 << 20), (2, LENGTH)] {
        let upload = announced(id, Some(length));
        let id = upload.id;
        store.begin(upload).await.unwrap();
        let mut writer = store.write(id, 0, None, UnixMs(1)).await.unwrap();
        for _ in 0..length / piece.len() {
            writer.write(piece.clone()).await.unwrap();
        }
        writer.finish().await.unwrap();
        let sha256 = keep(&store, id).await;
        if length < LENGTH {
            assert_eq!(read(&store, sha256).await.unwrap().len(), length);
            before = most_ever_used();
        } else {
            let (_, mut reader) =
                store.read(sha256, anser_backend::Variant::Whole, None).await.unwrap();
            while reader.read().await.unwrap().is_some() {}
        }
    }
    let more = most_ever_used() - before;
    assert!(more < MOST, "{more} bytes more for {LENGTH}");
}
