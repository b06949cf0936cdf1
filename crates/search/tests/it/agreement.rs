//! Whatever was said and is looked for: the index finds the same places as reading everything does.

use anser_backend::SearchIndex as _;
use anser_backend::search::{SearchRequest, Wanted};
use futures::executor::block_on;
use proptest::prelude::*;

use crate::world::{World, catch_up, everything, newest};

/// Few letters, so that texts meet.
fn text() -> impl Strategy<Value = String> {
    let letters = prop::sample::select(vec![
        "今", "天", "开", "会", "下", "a", "b", "A", "1", "é", "Ｂ", "ー", "カ", " ", "，", "🎉",
    ]);
    prop::collection::vec(letters, 1..12).prop_map(|letters| letters.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_index_finds_what_reading_everything_finds(
        said in prop::collection::vec(text(), 1..30),
        edits in prop::collection::vec((0usize..30, text()), 0..6),
        wanted in prop::collection::vec(text(), 1..12),
        limit in 1usize..20,
    ) {
        let mut world = World::new();
        let half = said.len() / 2;
        let (mut index, _) = world.open_index();
        for (at, text) in said.iter().enumerate() {
            world.say(text);
            if at == half {
                catch_up(&mut index);
            }
        }
        for (at, text) in &edits {
            world.edit((at % said.len()) as u64 + 1, text);
        }
        catch_up(&mut index);
        for text in wanted {
            let Ok(wanted) = Wanted::new(&text) else { continue };
            let scopes = vec![everything(world.direct())];
            let found = newest(&index, &text, scopes.clone(), None, limit);
            let request = SearchRequest { wanted, scopes, before: None, limit };
            let expected = block_on(world.store.search(request)).unwrap();
            prop_assert_eq!(found, expected.hits, "{}", text);
        }
    }
}
