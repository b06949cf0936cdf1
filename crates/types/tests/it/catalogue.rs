//! The error catalogue is complete, unambiguous and helpful.

use anser_types::ErrorCode;
use std::collections::BTreeSet;

#[test]
fn every_error_has_its_own_number_and_name() {
    let numbers: BTreeSet<u16> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
    let names: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(numbers.len(), ErrorCode::ALL.len());
    assert_eq!(names.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
    }
    assert_eq!(ErrorCode::from_number(1), None);
}

#[test]
fn every_error_says_what_happened_and_what_to_do_next() {
    for code in ErrorCode::ALL {
        assert!(code.text().ends_with('.'), "{code}: {}", code.text());
        assert!(code.next_step().ends_with('.'), "{code}: {}", code.next_step());
        assert!(code.name().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{code}");
    }
}
