//! The arithmetic of the window: what is visible, and that moving never loses or repeats a line.

use anser_cli::chat::viewport::{Edge, Heights, down, end, is_end, settle, up, visible, with_top};

struct Rows(Vec<usize>);

impl Heights for Rows {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn of(&self, entry: usize) -> usize {
        self.0[entry]
    }
}

/// Visible lines numbered from the first line of the first entry.
fn shown(edge: Edge, window: usize, rows: &Rows) -> Vec<usize> {
    visible(edge, window, rows)
        .into_iter()
        .flat_map(|(entry, range)| {
            let before: usize = rows.0[..entry].iter().sum();
            range.map(move |line| before + line)
        })
        .collect()
}

#[test]
fn every_line_is_reached_going_up_and_down() {
    let rows = Rows(vec![1, 3, 2, 5, 1, 4]);
    let total: usize = rows.0.iter().sum();
    let window = 4;
    let mut edge = end(&rows).unwrap();
    for first in (0..=total - window).rev() {
        assert_eq!(shown(edge, window, &rows), (first..first + window).collect::<Vec<_>>());
        edge = up(edge, 1, window, &rows);
    }
    // At the top it stays there.
    assert_eq!(shown(edge, window, &rows), [0, 1, 2, 3]);
    for first in 1..=total - window {
        edge = down(edge, 1, &rows);
        assert_eq!(shown(edge, window, &rows), (first..first + window).collect::<Vec<_>>());
    }
    assert!(is_end(edge, &rows));
    assert_eq!(down(edge, 10, &rows), edge);
}

#[test]
fn moving_by_pages_is_moving_by_lines() {
    let rows = Rows(vec![2, 7, 1, 1, 3, 6, 2]);
    for lines in 0..20 {
        let start = end(&rows).unwrap();
        let by_lines = (0..lines).fold(start, |edge, _| up(edge, 1, 5, &rows));
        assert_eq!(shown(up(start, lines, 5, &rows), 5, &rows), shown(by_lines, 5, &rows));
    }
}

#[test]
fn an_entry_taller_than_the_window_can_be_read_whole() {
    let rows = Rows(vec![30]);
    let edge = with_top(0, 10, &rows).unwrap();
    assert_eq!(shown(edge, 10, &rows), (0..10).collect::<Vec<_>>());
    assert_eq!(shown(down(edge, 10, &rows), 10, &rows), (10..20).collect::<Vec<_>>());
}

#[test]
fn few_lines_leave_the_rest_empty() {
    let rows = Rows(vec![1, 1]);
    let edge = end(&rows).unwrap();
    assert_eq!(shown(edge, 10, &rows), [0, 1]);
    assert_eq!(up(edge, 5, 10, &rows), edge);
    assert_eq!(end(&Rows(Vec::new())), None);
    assert_eq!(with_top(2, 10, &rows), None);
}

#[test]
fn an_entry_that_became_shorter_keeps_a_line_in_view() {
    let rows = Rows(vec![2, 2]);
    assert_eq!(settle(Edge { entry: 1, hidden: 9 }, &rows), Edge { entry: 1, hidden: 1 });
}
