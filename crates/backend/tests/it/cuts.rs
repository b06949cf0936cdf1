//! Where logs part that were restored from backups.

use anser_backend::testing::{group, group_row};
use anser_types::limits::CUTS_MAX;
use anser_types::{Conversation, Cut, LogEpoch, Seq, Version};

fn conversation() -> Conversation {
    group_row(group(7), "Tea", Version(1))
}

fn shared(conversation: &Conversation, reader: u64, now: u64) -> Option<Seq> {
    let epoch = LogEpoch(reader);
    Cut::shared(&conversation.cuts_since(epoch, LogEpoch(now)), epoch)
}

#[test]
fn a_reader_shares_what_was_never_cut_since_its_epoch() {
    let mut tea = conversation();
    assert_eq!(shared(&tea, 1, 1), None, "all of it");
    tea.cut(LogEpoch(2), Seq(10));
    tea.cut(LogEpoch(5), Seq(20));
    tea.cut(LogEpoch(6), Seq(15));
    let all: Vec<_> = (1..=6).map(|reader| shared(&tea, reader, 6)).collect();
    let at = |seq| Some(Seq(seq));
    assert_eq!(all, [at(10), at(15), at(15), at(15), at(15), None]);
}

#[test]
fn a_backup_is_cut_for_whatever_epoch_is_restored_from_it() {
    let backup = conversation().backed_up(LogEpoch(1), Seq(10));
    // Restored as epoch 3: who followed 1, or the log of a restore that was given up, shares ten messages.
    assert_eq!(
        [1, 2, 3].map(|reader| shared(&backup, reader, 3)),
        [Some(Seq(10)), Some(Seq(10)), None]
    );
    let later = backup.backed_up(LogEpoch(3), Seq(30));
    let all = [1, 2, 3, 8].map(|reader| shared(&later, reader, 8));
    assert_eq!(all, [Some(Seq(10)), Some(Seq(10)), Some(Seq(30)), None]);
}

#[test]
fn forgotten_cuts_make_a_reader_share_less_and_never_more() {
    let (mut bounded, mut cuts) = (conversation(), Vec::new());
    for n in 0..3 * CUTS_MAX as u64 {
        let cut = Cut { epoch: LogEpoch(n + 2), head: Seq(100 + (n * 37) % 50) };
        bounded.cut(cut.epoch, cut.head);
        cuts.push(cut);
        assert!(bounded.cuts.len() <= CUTS_MAX);
        for reader in 1..=n + 2 {
            let exact = Cut::shared(&cuts, LogEpoch(reader));
            let told = shared(&bounded, reader, n + 2);
            assert_eq!(told.is_none(), exact.is_none(), "reader {reader}");
            assert!(told <= exact, "reader {reader}: {told:?} of {exact:?}");
        }
    }
}
