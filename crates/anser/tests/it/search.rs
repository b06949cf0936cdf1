//! Searching at a real server with its index on the disk, over restarts.

use std::fs;
use std::process::Output;

use serde_json::Value;

use crate::program::{Home, text};

/// Far more than an index of a few messages needs.
const TRIES: usize = 200;

/// Searches until everything is searched; the texts that were found.
fn found(home: &Home, user: &str, words: &str, more: &[&str]) -> Vec<String> {
    for _ in 0..TRIES {
        let mut arguments = vec!["search", "--as", user, words, "--json"];
        arguments.extend_from_slice(more);
        let output = home.run(&arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        if !text(&output.stderr).contains("not searched everything") {
            return texts(&output);
        }
    }
    panic!("the index never knew everything");
}

fn texts(output: &Output) -> Vec<String> {
    let lines = text(&output.stdout);
    let text = |line| {
        let object: Value = serde_json::from_str(line).unwrap();
        object["text"].as_str().unwrap().to_owned()
    };
    lines.lines().map(text).collect()
}

fn done(home: &Home, arguments: &[&str]) -> String {
    let output = home.run(arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn chinese_is_found_at_the_server_and_the_index_survives_or_is_built_again() {
    let home = Home::new();
    let server = home.serve();
    let ports = server.ports();
    done(&home, &["group", "list", "--as", "bob"]);
    for words in ["今天下午开会", "The meeting is over", "下午三点"] {
        done(&home, &["send", "--as", "alice", "bob", words]);
    }
    assert_eq!(found(&home, "bob", "下午", &[]), ["下午三点", "今天下午开会"]);
    assert_eq!(found(&home, "alice", "MEET", &["--with", "bob"]), ["The meeting is over"]);
    assert_eq!(found(&home, "carol", "下午", &[]), [] as [&str; 0]);
    done(&home, &["edit", "--as", "alice", "--with", "bob", "1", "明天上午开会"]);
    assert_eq!(found(&home, "bob", "下午", &[]), ["下午三点"]);
    assert_eq!(found(&home, "bob", "上午", &["--limit", "1"]), ["明天上午开会"]);

    // Killed, and gone on with.
    server.kill();
    let server = home.serve_at(&ports);
    assert_eq!(found(&home, "bob", "下午", &[]), ["下午三点"]);
    // Stopped, and the index removed.
    server.kill();
    fs::remove_dir_all(home.data_dir().join("search")).unwrap();
    let server = home.serve_at(&ports);
    assert_eq!(found(&home, "bob", "开会", &[]), ["明天上午开会"]);
    drop(server);
}

#[test]
fn a_server_with_search_switched_off_says_so_and_the_local_search_remains() {
    let home = Home::new();
    let _server = home.serve_with(&["--set", "search.enabled=false"]);
    done(&home, &["group", "list", "--as", "bob"]);
    done(&home, &["send", "--as", "alice", "bob", "今天下午开会"]);
    let refused = home.run(&["search", "--as", "alice", "开会", "--json"]);
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("UNSUPPORTED"), "{}", text(&refused.stderr));
    assert_eq!(found(&home, "alice", "开会", &["--local"]), ["今天下午开会"]);
    assert!(!home.data_dir().join("search").exists());
}
