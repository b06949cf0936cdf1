//! Verdicts about lists, and silence on their clean twin.

use std::collections::BTreeMap;

use anser_sim::checker::{ListReading, PutAway};
use anser_types::{Change, ChangeKind, ConversationId, Item, ItemKey, Settings, UnixMs, Version};

use super::*;

fn settings(no: u64, show_read: bool) -> (ItemKey, Change) {
    let item = Item::Settings(Settings { show_read, ..Settings::default() });
    let change = Change {
        conversation: ConversationId::own(&user("alice")),
        change_no: ChangeNo(no),
        after_seq: Seq::ZERO,
        version: Version(no),
        actor: user("alice"),
        at: UnixMs(no),
        kind: ChangeKind::Item(item.clone()),
    };
    (item.key(), change)
}

fn with_lists(shown: &[(ItemKey, Change)], stored: &[(ItemKey, Change)]) -> Evidence {
    let of = |items: &[(ItemKey, Change)]| items.iter().cloned().collect::<BTreeMap<_, _>>();
    let (user, device) = (user("alice"), DeviceNo(1));
    let put_away = PutAway::default();
    let lists = vec![ListReading { user, device, shown: of(shown), stored: of(stored), put_away }];
    Evidence { lists, ..talk() }
}

#[test]
fn a_device_that_holds_other_lists_than_the_store_is_told() {
    let now = [settings(2, false)];
    assert_eq!(kinds(&with_lists(&now, &now)), []);
    for shown in [vec![settings(1, true)], vec![]] {
        assert_eq!(kinds(&with_lists(&shown, &now)), [Kind::WrongList]);
    }
    assert_eq!(kinds(&with_lists(&now, &[])), [Kind::WrongList]);
}
