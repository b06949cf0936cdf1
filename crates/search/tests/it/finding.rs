//! What is found by what: Chinese and other scripts, scopes, pages.

use anser_backend::search::Scope;
use anser_backend::testing::Person;
use anser_types::{Seq, UserNo};

use crate::world::{World, everything, newest};

#[test]
fn chinese_words_and_parts_of_them_are_found() {
    let mut world = World::new();
    for text in ["今天下午开会", "会开完了，明天下午再说", "下雨了", "東京タワーで会議"]
    {
        world.say(text);
    }
    let index = world.index();
    let found = |wanted| world.found(&index, wanted);
    assert_eq!(found("开会"), [1]);
    assert_eq!(found("下午"), [2, 1]);
    assert_eq!(found("今天下午开会"), [1]);
    assert_eq!(found("午开"), [1]);
    assert_eq!(found("会"), [4, 2, 1]);
    assert_eq!(found("了"), [3, 2]);
    assert_eq!(found("下午 明天"), [2]);
    assert_eq!(found("タワー"), [4]);
    assert_eq!(found("了明"), [] as [u64; 0]);
    assert_eq!(found("晚上"), [] as [u64; 0]);
}

#[test]
fn words_are_found_in_either_case_and_the_last_one_by_its_beginning() {
    let mut world = World::new();
    for text in ["The MEETING is at nine", "meet me", "用iPhone15拍的照片", "Äpfel ＡＢＣ"]
    {
        world.say(text);
    }
    let index = world.index();
    let found = |wanted| world.found(&index, wanted);
    assert_eq!(found("meeting"), [1]);
    assert_eq!(found("Meet"), [2, 1]);
    assert_eq!(found("meet nine"), [] as [u64; 0]);
    assert_eq!(found("nine meet"), [1]);
    assert_eq!(found("照片 iphone"), [3]);
    assert_eq!(found("äpf"), [4]);
    assert_eq!(found("abc"), [4]);
    assert_eq!(found("eeting"), [] as [u64; 0]);
}

#[test]
fn only_what_lies_in_scope_is_found() {
    let mut world = World::new();
    let carol = Person::new(UserNo(3), "carol");
    world.say("晚饭");
    let (alice, bob) = (world.alice.clone(), world.bob.clone());
    let other = world.open(&bob, &carol);
    world.say_in(other, &carol, "晚饭吃什么");
    world.say_in(other, &bob, "晚饭吃面");
    let index = world.index();
    let within = |spans: &[(u64, u64)]| {
        let spans = spans.iter().map(|(after, up_to)| (Seq(*after), Seq(*up_to))).collect();
        let scopes = vec![Scope { conversation: other, spans }];
        let hits = newest(&index, "晚饭", scopes, None, 50);
        hits.iter().map(|hit| hit.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(world.found(&index, "晚饭"), [1]);
    assert_eq!(within(&[(0, 2)]), [2, 1]);
    assert_eq!(within(&[(1, 2)]), [2]);
    assert_eq!(within(&[(2, 9)]), [] as [u64; 0]);
    let nowhere = alice.direct(&carol);
    assert!(newest(&index, "晚饭", vec![everything(nowhere)], None, 50).is_empty());
    assert!(newest(&index, "晚饭", Vec::new(), None, 50).is_empty());
}

#[test]
fn pages_are_newest_first_without_doubles_or_holes() {
    let mut world = World::new();
    let carol = Person::new(UserNo(3), "carol");
    let (alice, bob) = (world.alice.clone(), world.bob.clone());
    world.say("round 0");
    let other = world.open(&alice, &carol);
    for round in 1..40 {
        let (id, who) = if round % 3 == 0 { (other, &carol) } else { (world.direct(), &bob) };
        world.say_in(id, who, &format!("round {round}"));
    }
    let index = world.index();
    let scopes = || vec![everything(world.direct()), everything(other)];
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = newest(&index, "round", scopes(), before, 7);
        before = page.last().copied();
        all.extend(page.iter().copied());
        if page.len() < 7 {
            break;
        }
    }
    assert_eq!(all.len(), 40);
    assert!(all.is_sorted_by(|one, other| one > other));
}
