//! Files in messages: who may have them, how long they stay, and that who has the bytes need not send them.

use std::sync::Arc;

use anser_backend::Blobs as _;
use anser_service::{Caller, Claim, NewUpload, Service, Variant};
use anser_types::{
    Alteration, Clock as _, Command, Content, ConversationId, DeviceClass, ErrorCode, FileId,
    Refusal, Seq, Sha256, StoredFile, Target,
};
use bytes::Bytes;
use sha2::Digest as _;

use crate::world::{Device, World, id, kick, to};

const DAY_MS: u64 = 24 * 3600 * 1000;

pub async fn caller(world: &World, user: &str) -> Caller {
    let device = world.token(user, DeviceClass::Bot).await;
    world.service.authenticate(&device.token).await.unwrap()
}

/// Uploads some bytes as a file.
pub async fn upload(world: &World, who: &Caller, bytes: &[u8]) -> StoredFile {
    let new = NewUpload { length: Some(bytes.len() as u64), ..NewUpload::default() };
    let begun = world.service.begin_upload(who, new).await.unwrap();
    let mut into = world.service.write_upload(who, begun.id, 0, None).await.unwrap();
    into.write(Bytes::copy_from_slice(bytes)).await.unwrap();
    into.finish().await.unwrap().file.expect("it is complete")
}

pub fn with(files: &[FileId]) -> Content {
    Content { files: files.to_vec(), ..Content::text("look") }
}

fn say(to: Target, files: &[FileId]) -> Command {
    Command::SendMessage { to, content: with(files) }
}

async fn sees(world: &World, who: &Caller, file: FileId) -> bool {
    match world.service.file(who, file, None).await {
        Ok(_) => true,
        Err(Refusal { code: ErrorCode::FileUnknown, .. }) => false,
        Err(other) => panic!("{other}"),
    }
}

pub async fn fetched(service: &Arc<Service>, who: &Caller, file: FileId) -> Vec<u8> {
    let found = service.file(who, file, None).await.unwrap();
    let mut reader = service.read_file(Some(who), &found, Variant::Whole, None).await.unwrap();
    let mut all = Vec::new();
    while let Some(block) = reader.read().await.unwrap() {
        all.extend_from_slice(&block);
    }
    assert_eq!(sha256(&all), found.sha256);
    all
}

pub fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

/// A group of olga, mia and rex, and somebody who is not in it.
struct Stage {
    world: World,
    group: ConversationId,
    olga: Device,
    by: [Caller; 4],
}

impl Stage {
    async fn set() -> Self {
        let world = World::new();
        let mut by = Vec::new();
        for name in ["olga", "mia", "rex", "stranger"] {
            by.push(caller(&world, name).await);
        }
        let mut olga = world.connect("olga").await;
        let group = olga.create_group("team", &["mia", "rex"]).await;
        Self { world, group, olga, by: by.try_into().unwrap() }
    }

    fn at(&self) -> Target {
        Target::Conversation(self.group)
    }

    /// Who of olga, mia, rex and the stranger sees the file.
    async fn seen(&self, file: FileId) -> [bool; 4] {
        let mut seen = [false; 4];
        for (one, who) in seen.iter_mut().zip(&self.by) {
            *one = sees(&self.world, who, file).await;
        }
        seen
    }

    async fn alter(&mut self, seq: u64, alteration: Alteration) {
        let at = self.at();
        self.olga.done(Command::Alter { at, seq: Seq(seq), of: None, alteration }).await;
    }
}

#[tokio::test]
async fn requirement_h1_one_upload_serves_everybody_in_a_group_also_those_who_come_back_later() {
    let mut stage = Stage::set().await;
    let file = upload(&stage.world, &stage.by[0], b"a map").await;
    assert_eq!(stage.seen(file.id).await, [true, false, false, false], "nothing holds it yet");
    let at = stage.at();
    stage.olga.done(say(at, &[file.id])).await;
    assert_eq!(stage.seen(file.id).await, [true, true, true, false]);
    assert_eq!(fetched(&stage.world.service, &stage.by[1], file.id).await, b"a map");
    // Mia sends it on without uploading anything.
    let mut mia = stage.world.connect("mia").await;
    mia.done(say(to("stranger"), &[file.id])).await;
    assert_eq!(stage.seen(file.id).await, [true; 4]);
    stage.world.crash();
    assert_eq!(stage.seen(file.id).await, [true; 4]);
}

#[tokio::test]
async fn requirement_k5_nobody_gives_on_a_file_they_may_not_see() {
    let mut stage = Stage::set().await;
    let file = upload(&stage.world, &stage.by[0], b"a map").await;
    let at = stage.at();
    stage.olga.done(say(at.clone(), &[file.id])).await;
    let mut stranger = stage.world.connect("stranger").await;
    assert_eq!(stranger.refused(say(to("stranger"), &[file.id])).await, ErrorCode::FileUnknown);
    let missing = FileId([9; 16]);
    assert_eq!(stage.olga.refused(say(at.clone(), &[missing])).await, ErrorCode::FileUnknown);
    let many: Vec<_> = (0..=100).map(|n| FileId([n; 16])).collect();
    assert_eq!(stage.olga.refused(say(at, &many)).await, ErrorCode::InvalidArgument);
    // By an edit neither.
    stranger.say(to("stranger"), "note").await;
    let alteration = Alteration::Edit(with(&[file.id]));
    let alter = Command::Alter { at: to("stranger"), seq: Seq(1), of: None, alteration };
    assert_eq!(stranger.refused(alter).await, ErrorCode::FileUnknown);
    assert!(!sees(&stage.world, &stage.by[3], file.id).await);
}

#[tokio::test]
async fn guarantee_g25_who_was_removed_sees_no_file_that_came_later() {
    let mut stage = Stage::set().await;
    let at = stage.at();
    let mut files = Vec::new();
    for bytes in [b"one", b"two", b"six"] {
        files.push(upload(&stage.world, &stage.by[0], bytes).await.id);
    }
    stage.olga.done(say(at.clone(), &files[..1])).await;
    stage.olga.done(kick(stage.group, &["rex"])).await;
    stage.olga.done(say(at, &files[1..2])).await;
    assert_eq!(stage.seen(files[0]).await, [true, true, true, false], "rex saw it on his last day");
    assert_eq!(stage.seen(files[1]).await, [true, true, false, false]);
    stage.alter(1, Alteration::Edit(with(&files[2..]))).await;
    assert_eq!(stage.seen(files[2]).await, [true, true, false, false], "the edit came later");
    assert_eq!(stage.seen(files[0]).await, [true, true, true, false], "what it said before");
    let named = stage.world.service.file(&stage.by[2], files[1], Some(stage.group)).await;
    assert_eq!(named.unwrap_err().code, ErrorCode::FileUnknown);
}

#[tokio::test]
async fn what_is_taken_back_or_over_gives_its_files_to_nobody() {
    let mut stage = Stage::set().await;
    let at = stage.at();
    let (one, two) = (
        upload(&stage.world, &stage.by[0], b"1").await,
        upload(&stage.world, &stage.by[0], b"2").await,
    );
    stage.olga.done(say(at.clone(), &[one.id])).await;
    stage.alter(1, Alteration::Edit(with(&[two.id]))).await;
    assert_eq!(stage.seen(one.id).await, [true, true, true, false], "editions are shown");
    stage.alter(1, Alteration::Revoke).await;
    for file in [&one, &two] {
        assert_eq!(stage.seen(file.id).await, [true, false, false, false]);
    }
    let soon = stage.world.clock.now().0 + 1_000;
    let content = Content { expires_at: Some(anser_types::UnixMs(soon)), ..with(&[one.id]) };
    stage.olga.done(Command::SendMessage { to: at, content }).await;
    assert_eq!(stage.seen(one.id).await, [true, true, true, false]);
    stage.world.clock.forward(1_000);
    assert_eq!(stage.seen(one.id).await, [true, false, false, false]);
}

/// What somebody who has the bytes answers.
fn proof(nonce: &[u8; 16], places: &[std::ops::Range<u64>], bytes: &[u8]) -> [u8; 32] {
    let mut hash = sha2::Sha256::new().chain_update(nonce);
    for place in places {
        let (start, end) = (usize::try_from(place.start), usize::try_from(place.end));
        hash.update(&bytes[start.unwrap()..end.unwrap()]);
    }
    hash.finalize().into()
}

pub async fn claim(
    service: &Arc<Service>,
    who: &Caller,
    bytes: &[u8],
    shown: &[u8],
) -> Result<StoredFile, Refusal> {
    let (hash, length) = (sha256(bytes), bytes.len() as u64);
    let asked = service.challenge(who, hash, length).unwrap();
    let proof = proof(&asked.nonce, &asked.places, shown);
    let claim = Claim {
        sha256: hash,
        bytes: length,
        nonce: asked.nonce,
        expires_at: asked.expires_at,
        seal: asked.seal,
        proof,
        name: "copy".into(),
        original: false,
    };
    service.claim_file(who, claim).await
}

#[tokio::test]
async fn requirement_h3_who_has_the_bytes_need_not_send_them_and_who_knows_the_hash_gets_nothing() {
    let world = World::new();
    let (alice, mallory) = (caller(&world, "alice").await, caller(&world, "mallory").await);
    let bytes: Vec<u8> = (0..1_000_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    let refused = |result: Result<StoredFile, Refusal>| result.unwrap_err().code;
    // Nobody has sent it yet, and nobody is told so who could not have known.
    let early = claim(&world.service, &mallory, &bytes, &bytes).await;
    assert_eq!(refused(early), ErrorCode::NotInPossession);
    let first = upload(&world, &alice, &bytes).await;
    // Half of the file, and anything else, is not the file.
    let mut half = bytes.clone();
    half[..500_000].fill(0);
    for shown in [&half, &vec![0; bytes.len()]] {
        let guessed = claim(&world.service, &mallory, &bytes, shown).await;
        assert_eq!(refused(guessed), ErrorCode::NotInPossession);
    }
    let second = claim(&world.service, &mallory, &bytes, &bytes).await.unwrap();
    assert_ne!(second.id, first.id, "a file of her own");
    assert_eq!((second.sha256, second.bytes, &*second.name), (first.sha256, first.bytes, "copy"));
    assert!(!sees(&world, &mallory, first.id).await);
    assert_eq!(fetched(&world.service, &mallory, second.id).await, bytes);
    // A challenge is for one user, one file and one minute.
    let asked = world.service.challenge(&alice, first.sha256, first.bytes).unwrap();
    let answer = |who: &str| Claim {
        sha256: first.sha256,
        bytes: first.bytes,
        nonce: asked.nonce,
        expires_at: asked.expires_at,
        seal: asked.seal,
        proof: proof(&asked.nonce, &asked.places, &bytes),
        name: who.to_owned(),
        original: false,
    };
    let stolen = world.service.claim_file(&mallory, answer("mallory")).await;
    assert_eq!(refused(stolen), ErrorCode::NotInPossession);
    world.clock.forward(60_000);
    let late = world.service.claim_file(&alice, answer("alice")).await;
    assert_eq!(refused(late), ErrorCode::NotInPossession);
}

#[tokio::test]
async fn files_that_nobody_holds_go_after_a_week_and_take_their_bytes_along() {
    let world = World::new();
    let alice = caller(&world, "alice").await;
    let mut device = world.connect("alice").await;
    let (kept, lost) =
        (upload(&world, &alice, b"kept").await, upload(&world, &alice, b"lost").await);
    let taken_back = upload(&world, &alice, b"taken back").await;
    device.done(say(to("alice"), &[kept.id])).await;
    let said = device.done(say(to("alice"), &[taken_back.id])).await;
    let later = async |ms: u64| {
        world.clock.forward(ms);
        world.service.collect_files(world.clock.now()).await.unwrap();
        let mut there = Vec::new();
        for file in [&kept, &lost, &taken_back] {
            let bytes = world.blobs.read(file.sha256, Variant::Whole, None).await.is_ok();
            assert_eq!(bytes, sees(&world, &alice, file.id).await);
            there.push(bytes);
        }
        there
    };
    assert_eq!(later(DAY_MS / 2).await, [true, true, true]);
    let alteration = Alteration::Revoke;
    device.done(Command::Alter { at: to("alice"), seq: said.seq, of: None, alteration }).await;
    assert_eq!(later(DAY_MS * 13 / 2).await, [true, false, true]);
    assert_eq!(later(DAY_MS / 2).await, [true, false, false]);
    let (usage, _) = world.service.file_usage(&alice).await.unwrap();
    assert_eq!((usage.files, usage.bytes), (1, 4));
}

#[tokio::test]
async fn a_link_is_for_one_file_some_minutes_and_the_rights_at_the_moment_of_use() {
    let mut stage = Stage::set().await;
    let file = upload(&stage.world, &stage.by[0], b"a map").await;
    let other = upload(&stage.world, &stage.by[0], b"another").await;
    let at = stage.at();
    stage.olga.done(say(at, &[file.id, other.id])).await;
    let service = Arc::clone(&stage.world.service);
    let group = Some(stage.group);
    let (_, link) = service.link_to_file(&stage.by[2], file.id, group).await.unwrap();
    let by_link = |file, signature: String| {
        let service = Arc::clone(&service);
        async move { service.file_by_link(file, &signature).await.map_err(|refusal| refusal.code) }
    };
    assert_eq!(by_link(file.id, link.signature.clone()).await.unwrap().id, file.id);
    assert_eq!(by_link(other.id, link.signature.clone()).await, Err(ErrorCode::LinkInvalid));
    let mut altered = link.signature.clone().into_bytes();
    altered[20] ^= 1;
    let altered = String::from_utf8(altered).unwrap();
    assert_eq!(by_link(file.id, altered).await, Err(ErrorCode::LinkInvalid));
    assert_eq!(by_link(file.id, "ff".into()).await, Err(ErrorCode::LinkInvalid));
    stage.alter(1, Alteration::Revoke).await;
    assert_eq!(by_link(file.id, link.signature.clone()).await, Err(ErrorCode::FileUnknown));
    stage.world.clock.forward(300_000);
    assert_eq!(by_link(file.id, link.signature).await, Err(ErrorCode::LinkInvalid));
    let stranger = service.link_to_file(&stage.by[3], file.id, None).await;
    assert_eq!(stranger.unwrap_err().code, ErrorCode::FileUnknown);
    assert_eq!(stage.by[2].user(), &id("rex"));
}
