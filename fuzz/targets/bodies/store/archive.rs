//! Archives: bytes as they are, and bytes behind checksums that fit them.

use std::io;

use anser_backend::archive::{ArchiveError, Header, Reader, Writer};
use anser_types::{CommitNo, LogEpoch, UnixMs};

/// Kind of the blocks with records, and of the last one.
const KINDS: [u8; 2] = [1, 2];

fn header() -> Header {
    Header {
        log_epoch: LogEpoch(3),
        commit_no: CommitNo(900),
        starts: 2,
        made_at: UnixMs(1_700_000_000_000),
        program: "fuzz".into(),
    }
}

/// Reads an archive to its end; a whole one is written again and is then the same, record by record.
fn read(bytes: &[u8]) {
    let Ok(mut reader) = Reader::begin(bytes) else { return };
    let mut writer = Writer::begin(io::sink(), reader.header()).expect("nowhere has room");
    loop {
        match reader.next() {
            Ok(Some(entry)) => writer.put(&entry).expect("what was read may be written"),
            Ok(None) => break,
            Err(ArchiveError::Io(error)) => panic!("memory does not fail: {error}"),
            Err(_) => return,
        }
    }
    let (_, written) = writer.finish().expect("nowhere has room");
    let read = reader.summary().expect("a whole archive has a summary");
    assert_eq!((written.root, written.counts), (read.root, read.counts));
    assert_eq!(read.bytes, bytes.len() as u64, "nothing follows its end");
}

/// Bytes that nobody has sealed.
pub fn raw(bytes: &[u8]) {
    read(bytes);
}

/// Bytes as blocks whose checksums are right, and a trailer that is right unless the bytes bring their own.
pub fn sealed(bytes: &[u8]) {
    let empty = Writer::begin(Vec::new(), &header()).and_then(Writer::finish);
    let (empty, _) = empty.expect("memory has room");
    // An archive without records is its header and its trailer.
    let trailer_bytes = 9 + 13 + 32;
    let mut archive = empty[..empty.len() - trailer_bytes].to_vec();
    let mut rest = bytes;
    let mut number = 0_u64;
    while let [how, len, more @ ..] = rest {
        let (payload, behind) = more.split_at(usize::from(*len).min(more.len()));
        let kind = KINDS[usize::from(how & 1)];
        let sum = crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), &[kind]);
        let sum = crc32c::crc32c_append(sum, payload);
        archive
            .extend_from_slice(&u32::try_from(payload.len()).expect("a short block").to_le_bytes());
        archive.push(kind);
        archive.extend_from_slice(&sum.to_le_bytes());
        archive.extend_from_slice(payload);
        number += 1;
        rest = behind;
    }
    read(&archive);
}
