//! A picture out of a film. These tests need the programs `ffmpeg` and `ffprobe`: install ffmpeg.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anser_media::{NoPoster, Poster, Posters};
use anser_types::{ThumbnailSize, limits};
use tempfile::TempDir;

use crate::samples::decoded;

fn posters() -> Posters {
    Posters::find()
        .expect("ffmpeg and ffprobe are not there: install ffmpeg (apt-get install ffmpeg)")
}

/// A film of a test picture, made by ffmpeg.
fn film(folder: &TempDir, name: &str, arguments: &[&str]) -> PathBuf {
    let film = folder.path().join(name);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(arguments).arg(&film);
    let status = command.status().expect("ffmpeg does not run: install ffmpeg");
    assert!(status.success());
    film
}

const MP4: &[&str] =
    &["-f", "lavfi", "-i", "testsrc2=size=1600x900:rate=10:duration=3", "-c:v", "mpeg4"];

fn sizes(poster: &Poster) -> Vec<(ThumbnailSize, u32, u32)> {
    let all = poster.thumbnails.iter();
    all.map(|(size, jpeg)| (*size, decoded(jpeg).width(), decoded(jpeg).height())).collect()
}

#[test]
fn requirement_h4_a_film_has_thumbnails_a_preview_and_a_duration() {
    use ThumbnailSize::{Large, Medium, Small};
    let folder = TempDir::new().unwrap();
    for name in ["a film; $(touch x).mp4", "-i.mov", "film.mkv", "film.avi"] {
        let poster = posters().poster(&film(&folder, name, MP4)).unwrap();
        assert_eq!((poster.look.width, poster.look.height), (1600, 900));
        assert!((2_900..3_200).contains(&poster.look.duration_ms), "{}", poster.look.duration_ms);
        assert_eq!(sizes(&poster), [(Small, 160, 90), (Medium, 480, 270), (Large, 1280, 720)]);
        assert_eq!(poster.look.thumbnails, [Small, Medium, Large]);
        assert!(poster.look.preview.len() <= limits::THUMBNAIL_MAX_BYTES);
        assert!(!poster.look.thumbhash.is_empty());
    }
}

#[test]
fn a_short_film_gives_its_first_picture() {
    let folder = TempDir::new().unwrap();
    let short = ["-f", "lavfi", "-i", "color=red:size=320x240:rate=10:duration=0.3"];
    let short = film(&folder, "film.webm", &short);
    let poster = posters().poster(&short).unwrap();
    assert_eq!(sizes(&poster), [(ThumbnailSize::Small, 160, 120)]);
    let seen = decoded(&poster.thumbnails[0].1).to_rgb8();
    assert!(seen.get_pixel(80, 60)[0] > 200 && seen.get_pixel(80, 60)[2] < 60);
}

#[test]
fn a_film_held_upright_is_shown_upright() {
    let folder = TempDir::new().unwrap();
    let lying = film(&folder, "lying.mp4", MP4);
    let turned = ["-i", lying.to_str().unwrap(), "-metadata:s:v", "rotate=90", "-c", "copy"];
    let poster = posters().poster(&film(&folder, "turned.mp4", &turned)).unwrap();
    assert_eq!((poster.look.width, poster.look.height), (900, 1600));
    assert_eq!(sizes(&poster)[0], (ThumbnailSize::Small, 90, 160));
}

#[test]
fn pixels_that_are_not_square_are_shown_as_they_are_meant() {
    let folder = TempDir::new().unwrap();
    let wide = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=200x200:duration=2:rate=5,setsar=2/1",
        "-c:v",
        "mpeg4",
    ];
    let poster = posters().poster(&film(&folder, "wide.mp4", &wide)).unwrap();
    assert_eq!((poster.look.width, poster.look.height), (400, 200));
    assert_eq!(sizes(&poster), [(ThumbnailSize::Small, 160, 80)]);
}

#[test]
fn what_is_no_film_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let file = folder.path().join(name);
        fs::write(&file, bytes).unwrap();
        posters().poster(&file)
    };
    // A playlist that names another file: ffmpeg would open it.
    let playlist = b"#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1.0,\nfile:///etc/passwd\n";
    assert!(matches!(write("film.mp4", playlist), Err(NoPoster::NotAFilm(_))));
    assert!(matches!(write("picture.mp4", b"\x89PNG\r\n\x1a\n"), Err(NoPoster::NotAFilm(_))));
    let broken = write("broken.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42\0\0\0\x08mdat");
    assert!(matches!(broken, Err(NoPoster::Failed { .. })), "{broken:?}");
    let nowhere = posters().poster(Path::new("/nowhere/film.mp4"));
    assert!(matches!(nowhere, Err(NoPoster::Unreadable(_))));
    // Sound alone, in a container of films.
    let sound = ["-f", "lavfi", "-i", "sine=duration=2", "-c:a", "aac"];
    let silent = posters().poster(&film(&folder, "sound.mp4", &sound));
    assert!(matches!(silent, Err(NoPoster::NoPicture(_))), "{silent:?}");
}

/// Programs of our own in place of ffmpeg's: scripts that do as they are told.
///
/// Another process puts them where they are run. A file that this one wrote would be "busy" whenever a test beside this
/// one started a program meanwhile: the child holds what its parent had open until it becomes that program.
fn scripts(folder: &TempDir, ffprobe: &str, ffmpeg: &str) -> Posters {
    for (name, script) in [("ffprobe", ffprobe), ("ffmpeg", ffmpeg)] {
        let written = folder.path().join("written");
        fs::write(&written, format!("#!/bin/sh\n{script}\n")).unwrap();
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(written).arg(folder.path().join(name));
        assert!(install.status().unwrap().success());
    }
    Posters::find_in(folder.path().as_os_str()).unwrap()
}

const FACTS: &str = "echo width=320; echo height=240; echo duration=5.0";

fn a_film(folder: &TempDir) -> PathBuf {
    let film = folder.path().join("film.mp4");
    fs::write(&film, b"\0\0\0\x18ftypmp42\0\0\0\0isommp42").unwrap();
    film
}

#[test]
fn a_program_that_takes_too_long_is_killed() {
    let folder = TempDir::new().unwrap();
    let its_pid = folder.path().join("pid");
    let endless = format!("echo $$ > '{}'; while :; do :; done", its_pid.display());
    let posters = scripts(&folder, FACTS, &endless).with_patience(Duration::from_millis(300));
    let poster = posters.poster(&a_film(&folder));
    assert!(matches!(poster, Err(NoPoster::TookTooLong(_))), "{poster:?}");
    let pid = fs::read_to_string(its_pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "process {pid} is still there");
}

#[test]
fn a_program_that_says_too_much_is_not_listened_to() {
    let folder = TempDir::new().unwrap();
    let forever = "while :; do echo 0123456789012345678901234567890123456789; done";
    let posters = scripts(&folder, FACTS, forever).with_patience(Duration::from_secs(60));
    assert!(matches!(posters.poster(&a_film(&folder)), Err(NoPoster::TooLong)));
    let complains = format!("{{ {forever}; }} >&2");
    let posters = scripts(&folder, FACTS, &complains).with_patience(Duration::from_millis(300));
    assert!(matches!(posters.poster(&a_film(&folder)), Err(NoPoster::TookTooLong(_))));
}

#[test]
fn a_program_that_fails_or_says_nonsense_gives_no_picture() {
    let folder = TempDir::new().unwrap();
    let film = a_film(&folder);
    match scripts(&folder, "echo broken >&2; exit 3", "exit 0").poster(&film) {
        Err(NoPoster::Failed { status, complaint }) => {
            assert_eq!((status.code(), complaint.as_str()), (Some(3), "broken"));
        }
        other => panic!("{other:?}"),
    }
    for (facts, answer) in [
        (FACTS, "echo nonsense"),
        (FACTS, "exit 0"),
        ("echo width=x", "exit 0"),
        ("echo width=90000; echo height=90000", "exit 0"),
        ("echo width=0; echo height=10", "exit 0"),
        ("echo width=320; echo height=240; echo sample_aspect_ratio=99999999:1", "exit 0"),
    ] {
        let poster = scripts(&folder, facts, answer).poster(&film);
        assert!(matches!(poster, Err(NoPoster::NoPicture(_))), "{poster:?}");
    }
}

#[test]
fn without_the_programs_there_are_no_posters() {
    let folder = TempDir::new().unwrap();
    assert!(Posters::find_in(folder.path().as_os_str()).is_none());
    assert!(Posters::find_in(OsStr::new("")).is_none());
    assert!(posters().is_limited(), "prlimit is not there: install util-linux");
}
