//! Membership decides: a member sees exactly what lies inside the periods.

use anser_types::{ChangeNo, Member, Period, Role, Seq, UserId, UserNo};

fn member(periods: Vec<Period>) -> Member {
    Member::plain(UserNo(1), UserId::new("bob").unwrap(), Role::Member, periods)
}

fn period(after: u64, until: Option<u64>) -> Period {
    Period {
        after_seq: Seq(after),
        after_change: ChangeNo(after),
        until: until.map(|last| (Seq(last), ChangeNo(last))),
    }
}

#[test]
fn a_member_sees_both_periods_and_nothing_between() {
    let bob = member(vec![period(0, Some(3)), period(5, None)]);
    let seen: Vec<u64> = (1..=7).filter(|&seq| bob.sees_message(Seq(seq))).collect();
    assert_eq!(seen, [1, 2, 3, 6, 7]);
    assert!(bob.is_present());
}

#[test]
fn the_change_that_ends_a_membership_is_the_last_one_seen() {
    let bob = member(vec![period(0, Some(4))]);
    assert!(bob.sees_change(ChangeNo(4)));
    assert!(!bob.sees_change(ChangeNo(5)));
    assert!(!bob.is_present());
}
