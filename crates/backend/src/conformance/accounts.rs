//! Users, devices and tokens: durable at once, numbers never given twice.

use anser_types::limits::{TOKENS_PER_DEVICE, TOKENS_SUPERSEDED};
use anser_types::{DeviceClass, DeviceNo, UnixMs, UserId, UserNo};

use super::harness::Harness;
use super::subject::Subject;
use crate::accounts::{CreateUser, NewToken, Others, Token, User};
use crate::ledger::{DeviceKey, SoftPosition};
use crate::testing::Person;

fn token(of: &Person, device: Option<DeviceNo>, hash: u8) -> NewToken {
    NewToken {
        user: of.no,
        device,
        others: Others::End,
        class: if hash.is_multiple_of(2) { DeviceClass::Phone } else { DeviceClass::Cli },
        name: format!("token {hash}"),
        hash: [hash; 32],
        created_at: UnixMs(u64::from(hash)),
        expires_at: UnixMs(u64::from(hash) + 1000),
    }
}

fn put<H: Harness>(on: &Subject<H>, of: &Person, device: Option<DeviceNo>, hash: u8) -> DeviceNo {
    let token = token(of, device, hash);
    on.call(|ports| ports.accounts.put_token(token))
}

fn find<H: Harness>(on: &Subject<H>, hash: u8) -> Option<Token> {
    on.call(|ports| ports.accounts.token([hash; 32]))
}

fn devices_of<H: Harness>(on: &Subject<H>, who: &Person) -> Vec<u64> {
    let user = who.no;
    on.call(|ports| ports.accounts.devices(user)).iter().map(|d| d.device.0).collect()
}

/// Users are found by id and number, their ids never mix, and a taken id is reported with its owner.
pub fn users_are_created_once<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    for round in 0..2 {
        for who in &people {
            let id = who.id.clone();
            let found = on.call(|ports| ports.accounts.user(id)).expect("a user");
            assert_eq!((found.no, &found.id), (who.no, &who.id));
            assert_eq!((found.password_hash.clone(), found.created_at), (None, UnixMs(1)));
            let no = who.no;
            assert_eq!(on.call(|ports| ports.accounts.user_by_no(no)), Some(found.clone()));
            let id = who.id.clone();
            let hash = Some(String::from("other"));
            let again = on.call(|ports| ports.accounts.create_user(id, hash, UnixMs(9)));
            assert_eq!(again, CreateUser::Exists(found), "round {round}");
        }
        for stranger in ["A", "abcde", "b"] {
            let id = UserId::new(stranger).expect("a valid id");
            assert_eq!(on.call(|ports| ports.accounts.user(id)), None);
        }
        on.kill();
    }
    let late = on.person("late");
    assert!(people.iter().all(|who| who.no != late.no), "numbers are never given twice");
    assert!(late.no != UserNo(0), "zero is nobody");
    assert_eq!(on.call(|ports| ports.accounts.user_by_no(UserNo(u64::MAX))), None);
}

/// A password is kept, replaced, and belongs to one user alone.
pub fn passwords_are_replaced_durably<H: Harness>(on: &mut Subject<H>) {
    let other = on.person("amy2");
    let id = UserId::new("amy").expect("a valid id");
    let hash = Some(String::from("$argon2id$1"));
    let made = on.call(|ports| ports.accounts.create_user(id.clone(), hash, UnixMs(3)));
    let CreateUser::Created(User { no, .. }) = made else { panic!("{made:?}") };
    let amy = Person { no, id };
    put(on, &amy, None, 1);
    for password in ["$argon2id$2", "$argon2id$3"] {
        on.call(|ports| ports.accounts.set_password(no, password.to_owned()));
        on.kill();
        let found = on.call(|ports| ports.accounts.user_by_no(no)).expect("a user");
        assert_eq!(found.password_hash.as_deref(), Some(password));
        assert!(find(on, 1).is_some(), "tokens are untouched");
    }
    let found = on.call(|ports| ports.accounts.user_by_no(other.no)).expect("a user");
    assert_eq!(found.password_hash, None);
}

/// A token leads to its user and device, expired ones too; a new one for a device ends the device's older ones.
pub fn a_new_token_replaces_the_devices_older_one<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let first = put(on, &a, None, 1);
    let second = put(on, &a, None, 2);
    let others = put(on, &b, None, 3);
    assert_ne!(first, second);
    assert_eq!(find(on, 9), None);
    assert_eq!(put(on, &a, Some(first), 4), first);
    for _ in 0..2 {
        assert_eq!(find(on, 1), None, "the device's older token ended");
        let expected = Token {
            device: DeviceKey { user: a.no, device: first },
            user_id: a.id.clone(),
            class: DeviceClass::Phone,
            expires_at: UnixMs(1004),
            superseded_at: None,
        };
        assert_eq!(find(on, 4), Some(expected));
        assert_eq!(find(on, 2).map(|t| t.device.device), Some(second));
        assert_eq!(find(on, 3).map(|t| t.device), Some(DeviceKey { user: b.no, device: others }));
        let devices = on.call(|ports| ports.accounts.devices(a.no));
        let described: Vec<_> =
            devices.iter().map(|d| (d.device, d.name.as_str(), d.created_at.0)).collect();
        assert_eq!(described, [(first, "token 4", 4), (second, "token 2", 2)]);
        assert_eq!(devices[0].class, DeviceClass::Phone);
        assert_eq!(devices[1].expires_at, UnixMs(1002));
        on.kill();
    }
}

/// A token that is put beside its device's others ends them when it is used, and only then; before, repeated renewals
/// keep the one in use and the newest few.
pub fn a_renewed_token_ends_the_others_at_its_first_use<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let phone = put(on, &a, None, 1);
    let desk = put(on, &a, None, 2);
    put(on, &b, None, 3);
    let beside = |on: &Subject<H>, hash: u8| {
        let token = NewToken { others: Others::EndWhenUsed, ..token(&a, Some(phone), hash) };
        assert_eq!(on.call(|ports| ports.accounts.put_token(token)), phone);
    };
    let found = |on: &Subject<H>, superseded: bool| {
        let is =
            |hash: &u8| find(on, *hash).is_some_and(|t| t.superseded_at.is_some() == superseded);
        (0..30).filter(is).collect::<Vec<_>>()
    };
    let alive = |on: &Subject<H>| found(on, false);
    let settle = |on: &Subject<H>, hash: u8| {
        on.call(|ports| ports.accounts.settle_token([hash; 32], UnixMs(5_000 + u64::from(hash))))
    };
    for hash in 10..14 {
        beside(on, hash);
    }
    for _ in 0..2 {
        assert_eq!(alive(on), [1, 2, 3, 11, 12, 13], "{TOKENS_PER_DEVICE} of the device");
        let devices = on.call(|ports| ports.accounts.devices(a.no));
        let described: Vec<_> = devices.iter().map(|d| (d.device, d.name.as_str())).collect();
        assert_eq!(described, [(phone, "token 13"), (desk, "token 2")]);
        assert!(![1, 2, 3, 10].into_iter().any(|hash| settle(on, hash)), "nothing to end");
        on.kill();
    }
    assert!(settle(on, 12), "a repetition may have overtaken what it repeats: any may be the one");
    for _ in 0..2 {
        assert_eq!(alive(on), [2, 3, 12]);
        assert_eq!(found(on, true), [1, 11, 13], "known as superseded, but for what made room");
        let known = find(on, 11).map(|token| (token.device, token.superseded_at));
        let of_phone = DeviceKey { user: a.no, device: phone };
        assert_eq!(known, Some((of_phone, Some(UnixMs(5_012)))));
        assert!(!settle(on, 12) && !settle(on, 11), "once, and a superseded one is of no use");
        on.kill();
    }
    for hash in [20, 21, 22] {
        beside(on, hash);
        assert!(settle(on, hash));
    }
    assert_eq!(found(on, true), [12, 13, 20, 21], "the last {TOKENS_SUPERSEDED} of the device");
    on.reopen();
    assert_eq!(found(on, true), [12, 13, 20, 21]);
    beside(on, 14);
    let (user, device) = (a.no, phone);
    assert_eq!(on.call(|ports| ports.accounts.revoke(user, Some(device))), [phone]);
    assert_eq!(alive(on), [2, 3], "revoking ends all of them");
    assert_eq!(found(on, true), [0; 0], "and forgets what was before");
    let first = put(on, &a, None, 15);
    let again = NewToken { others: Others::EndWhenUsed, ..token(&a, Some(first), 16) };
    on.call(|ports| ports.accounts.put_token(again));
    assert_eq!(put(on, &a, Some(first), 17), first);
    assert_eq!(alive(on), [2, 3, 17], "one that is meant to end the others does");
    let beside_it = NewToken { others: Others::EndWhenUsed, ..token(&a, Some(first), 18) };
    on.call(|ports| ports.accounts.put_token(beside_it));
    assert!(settle(on, 18));
    assert_eq!(found(on, true), [17]);
    assert_eq!(put(on, &a, Some(first), 19), first);
    assert_eq!((alive(on), found(on, true)), (vec![2, 3, 19], vec![]));
}

/// Device numbers are never given twice: not after revoking, not after a restart.
pub fn device_numbers_are_never_given_twice<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let mut given = Vec::new();
    for hash in 0..12_u8 {
        let device = put(on, &a, None, hash);
        assert!(!given.contains(&device), "{device} again after {given:?}");
        assert_ne!(device, DeviceNo(0), "zero is no device");
        given.push(device);
        match hash % 4 {
            0 => drop(on.call(|ports| ports.accounts.revoke(a.no, None))),
            1 => drop(on.call(|ports| ports.accounts.revoke(a.no, Some(device)))),
            2 => on.kill(),
            _ => on.reopen(),
        }
    }
    assert_eq!(devices_of(on, &b), [0; 0]);
    // Other users' numbers are their own.
    let others: Vec<_> = (100..103).map(|hash| put(on, &b, None, hash)).collect();
    assert_eq!(devices_of(on, &b), others.iter().map(|d| d.0).collect::<Vec<_>>());
}

/// Revoking ends the tokens of one device or of all, of this user alone, and says which.
pub fn revoked_tokens_end<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let of_a: Vec<_> = (1..=4).map(|hash| put(on, &a, None, hash)).collect();
    let of_b = put(on, &b, None, 5);
    let (user, one) = (a.no, of_a[1]);
    assert_eq!(on.call(|ports| ports.accounts.revoke(user, Some(one))), [one]);
    assert_eq!(on.call(|ports| ports.accounts.revoke(user, Some(one))), []);
    on.kill();
    assert_eq!(find(on, 2), None);
    assert!(find(on, 1).is_some() && find(on, 3).is_some());
    let mut ended = on.call(|ports| ports.accounts.revoke(user, None));
    ended.sort_unstable();
    assert_eq!(ended, [of_a[0], of_a[2], of_a[3]]);
    on.kill();
    assert!([1, 3, 4].iter().all(|hash| find(on, *hash).is_none()));
    assert_eq!(devices_of(on, &a), [0; 0]);
    assert_eq!(devices_of(on, &b), [of_b.0]);
}

/// When a device was seen shows at once, moves forward only, survives a kill once it was flushed, a clean stop in any case,
/// and the end of its tokens.
pub fn when_devices_were_seen_moves_forward_only<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let seen = |on: &Subject<H>, who: &Person| -> Vec<(u64, u64)> {
        let user = who.no;
        let seen = on.call(|ports| ports.accounts.last_seen(user));
        seen.into_iter().map(|(device, at)| (device.0, at.0)).collect()
    };
    let note = |on: &Subject<H>, device: u64, at: u64| {
        on.note(&[SoftPosition::Seen { device: a.device(device), at: UnixMs(at) }]);
    };
    assert_eq!(seen(on, &a), []);
    note(on, 2, 50);
    note(on, 1, 40);
    assert_eq!(seen(on, &a), [(1, 40), (2, 50)], "by device");
    note(on, 1, 30);
    on.flush();
    on.kill();
    assert_eq!(seen(on, &a), [(1, 40), (2, 50)], "flushed is durable");
    note(on, 1, 35);
    on.flush();
    on.kill();
    assert_eq!(seen(on, &a), [(1, 40), (2, 50)], "a lower one never replaces a durable one");
    note(on, 1, 60);
    note(on, 300, 10);
    assert_eq!(seen(on, &a), [(1, 60), (2, 50), (300, 10)]);
    on.reopen();
    assert_eq!(seen(on, &a), [(1, 60), (2, 50), (300, 10)], "a clean stop loses nothing");
    let user = a.no;
    put(on, &a, None, 1);
    on.call(|ports| ports.accounts.revoke(user, None));
    assert_eq!(
        seen(on, &a),
        [(1, 60), (2, 50), (300, 10)],
        "signing out does not rewrite the past"
    );
    assert_eq!(seen(on, &b), [], "of this user alone");
}
