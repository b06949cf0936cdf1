//! A user's own lists: what every device of theirs holds at the end is what the store holds.

use std::collections::BTreeMap;

use anser_types::{Change, ConversationId, ItemKey, Seq};

use super::check::{About, Found};
use super::index::Index;
use super::verdict::Kind;

/// Compares every reading with the store, item by item.
pub(super) fn check_devices(index: &Index<'_>, found: &mut Found<'_>) {
    for reading in &index.evidence.lists {
        let name = format!("{}/{}", reading.user, reading.device);
        let about = About::seq(ConversationId::own(&reading.user), Seq::ZERO);
        for (key, text) in differences(&reading.shown, &reading.stored) {
            found.add(Kind::WrongList, &about, format!("{name}, item {:02x?}: {text}", key.0));
        }
    }
}

fn differences(
    shown: &BTreeMap<ItemKey, Change>,
    stored: &BTreeMap<ItemKey, Change>,
) -> Vec<(ItemKey, String)> {
    let missing =
        stored.iter().filter(|(key, item)| shown.get(key) != Some(item)).map(|(key, item)| {
            (key.clone(), format!("the store says {item:?}, it shows {:?}", shown.get(key)))
        });
    let invented = shown
        .iter()
        .filter(|(key, _)| !stored.contains_key(key))
        .map(|(key, item)| (key.clone(), format!("the store knows nothing of {item:?}")));
    missing.chain(invented).collect()
}
