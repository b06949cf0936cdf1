//! Identifiers are validated once, and a direct conversation has one id from either side.

use anser_types::limits::USER_ID_MAX_BYTES;
use anser_types::{ConversationId, DeviceClass, InvalidId, UserId};

fn user(text: &str) -> UserId {
    UserId::new(text).unwrap()
}

#[test]
fn user_ids_are_bounded_and_printable() {
    assert_eq!(UserId::new(""), Err(InvalidId::Empty));
    let longest = "x".repeat(USER_ID_MAX_BYTES);
    assert!(UserId::new(&longest).is_ok());
    assert_eq!(UserId::new(&format!("{longest}x")), Err(InvalidId::TooLong(USER_ID_MAX_BYTES + 1)));
    for bad in ["a b", "a/b", "a\n", "\u{7}", "\u{3000}"] {
        assert!(matches!(UserId::new(bad), Err(InvalidId::Character(_))), "{bad:?}");
    }
    assert_eq!(user("小雁").as_str(), "小雁");
    assert_ne!(user("Alice"), user("alice"));
}

#[test]
fn a_direct_conversation_has_one_id_from_either_side() {
    let (alice, bob) = (user("alice"), user("bob"));
    let id = ConversationId::direct(&alice, &bob);
    assert_eq!(id, ConversationId::direct(&bob, &alice));
    assert!(id.is_direct());
    assert_ne!(id, ConversationId::direct(&alice, &alice));
}

#[test]
fn the_length_keeps_pairs_with_the_same_letters_apart() {
    assert_ne!(
        ConversationId::direct(&user("ab"), &user("c")),
        ConversationId::direct(&user("a"), &user("bc"))
    );
}

#[test]
fn a_conversation_id_survives_its_text_form() {
    let id = ConversationId::group([7; 16]);
    assert!(!id.is_direct());
    assert_eq!(id.to_string().parse(), Ok(id));
    assert_eq!("xyz".parse::<ConversationId>(), Err(InvalidId::NotHex));
    assert_eq!("é".repeat(16).parse::<ConversationId>(), Err(InvalidId::NotHex));
}

#[test]
fn device_classes_survive_code_and_name() {
    for class in DeviceClass::ALL {
        assert_eq!(DeviceClass::from_code(class.code()), Some(class));
        assert_eq!(DeviceClass::from_name(class.name()), Some(class));
    }
    assert_eq!(DeviceClass::from_code(0), None);
}
