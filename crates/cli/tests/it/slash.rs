//! `/commands`: reading and completing them.

use anser_cli::chat::slash::{Slash, complete, is_command, message_of, parse};
use anser_cli::chat::texts::{Language, Texts};

use crate::support::user;

fn problem(line: &str) -> String {
    parse(line).unwrap_err().say(Texts(Language::En))
}

#[test]
fn commands_are_read() {
    assert_eq!(parse("/to bob"), Ok(Slash::To(user("bob"))));
    assert_eq!(
        parse("/group create \"Our group\" bob 小明"),
        Ok(Slash::GroupCreate {
            title: "Our group".to_owned(),
            members: vec![user("bob"), user("小明")]
        })
    );
    assert_eq!(
        parse("/group create “我们 的群” bob"),
        Ok(Slash::GroupCreate { title: "我们 的群".to_owned(), members: vec![user("bob")] })
    );
    assert_eq!(parse("/group invite a b"), Ok(Slash::GroupInvite(vec![user("a"), user("b")])));
    assert_eq!(parse("/group kick a"), Ok(Slash::GroupKick(vec![user("a")])));
    assert_eq!(parse("/group leave"), Ok(Slash::GroupLeave));
    assert_eq!(parse("/group members"), Ok(Slash::GroupMembers));
    assert_eq!(parse("/quit  "), Ok(Slash::Quit));
}

#[test]
fn what_is_wrong_is_said() {
    assert_eq!(problem("/nonsense"), "there is no command /nonsense; /help lists them");
    assert_eq!(problem("/to"), "/to needs a user: /to USER");
    assert!(problem("/group").starts_with("/group needs one of: create, invite, leave,"));
    assert_eq!(problem("/group create"), "a group needs a title: /group create TITLE USER…");
    assert_eq!(problem("/group invite"), "/group invite needs users: /group invite USER…");
    assert_eq!(problem("/group create \"open"), "a closing \" is missing");
    assert_eq!(problem("/retry now"), "/retry takes nothing more");
    assert!(problem("/to a/b").starts_with("a/b is no user id"));
}

#[test]
fn two_slashes_send_a_text_that_begins_with_one() {
    assert!(is_command("/help"));
    assert!(!is_command("//etc/passwd") && !is_command("1/2"));
    assert_eq!(message_of("//etc/passwd"), "/etc/passwd");
    assert_eq!(message_of("plain"), "plain");
}

#[test]
fn tab_completes_commands_and_names() {
    let users = [user("bob"), user("bobby"), user("小明")];
    let line = |text: &str| complete(text, &users, &[]).line;
    assert_eq!(line("/he"), "/help ");
    assert_eq!(line("/group cr"), "/group create ");
    assert_eq!(line("/to 小"), "/to 小明 ");
    let several = complete("/to b", &users, &[]);
    assert_eq!((several.line.as_str(), several.candidates.len()), ("/to bob", 2));
    // Who is named already is not offered again.
    assert_eq!(line("/group invite bob bobb"), "/group invite bob bobby ");
    assert_eq!(complete("/group invite bob b", &users, &[]).line, "/group invite bob bobby ");
    // The title of a group is nobody's name.
    assert_eq!(line("/group create b"), "/group create b");
    let all = complete("/", &users, &[]);
    assert!(all.candidates.contains(&"/group".to_owned()) && all.line == "/");
}
