//! Which lines of which entries are visible: arithmetic on heights, knowing nothing of messages.
//!
//! A position is the lower edge of the window: the entry the lowest visible line belongs to, and how many of its
//! lines are hidden below.

/// The lower edge of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The entry the lowest visible line belongs to.
    pub entry: usize,
    /// Lines of it below the edge.
    pub hidden: usize,
}

/// Heights of entries, asked for only where they are needed.
pub trait Heights {
    /// Number of entries.
    fn count(&self) -> usize;
    /// Lines of an entry; at least one.
    fn of(&self, entry: usize) -> usize;
}

/// The edge that shows the newest line.
#[must_use]
pub fn end(heights: &impl Heights) -> Option<Edge> {
    heights.count().checked_sub(1).map(|entry| Edge { entry, hidden: 0 })
}

/// Whether the newest line is visible.
#[must_use]
pub fn is_end(edge: Edge, heights: &impl Heights) -> bool {
    edge.hidden == 0 && edge.entry + 1 >= heights.count()
}

/// The same edge after entries became shorter (another width).
#[must_use]
pub fn settle(edge: Edge, heights: &impl Heights) -> Edge {
    let hidden = edge.hidden.min(heights.of(edge.entry).saturating_sub(1));
    Edge { hidden, ..edge }
}

/// The edge so many lines further up, but not so far that the window would have empty lines above the first entry.
#[must_use]
pub fn up(edge: Edge, lines: usize, window: usize, heights: &impl Heights) -> Edge {
    let above = lines_up_to(edge, heights, lines.saturating_add(window));
    let possible = above.saturating_sub(window);
    let mut left = lines.min(possible);
    let mut edge = edge;
    while left > 0 {
        let visible = heights.of(edge.entry).saturating_sub(edge.hidden);
        if left < visible {
            edge.hidden += left;
            break;
        }
        left -= visible;
        match edge.entry.checked_sub(1) {
            Some(entry) => edge = Edge { entry, hidden: 0 },
            None => break,
        }
    }
    edge
}

/// The edge so many lines further down, at most the end.
#[must_use]
pub fn down(edge: Edge, lines: usize, heights: &impl Heights) -> Edge {
    let mut left = lines;
    let mut edge = edge;
    while left > 0 {
        if edge.hidden >= left {
            edge.hidden -= left;
            break;
        }
        left -= edge.hidden;
        edge.hidden = 0;
        if edge.entry + 1 >= heights.count() {
            break;
        }
        edge.entry += 1;
        edge.hidden = heights.of(edge.entry);
    }
    edge
}

/// The edge with which the first line of an entry is at the top of the window.
#[must_use]
pub fn with_top(entry: usize, window: usize, heights: &impl Heights) -> Option<Edge> {
    if entry >= heights.count() {
        return None;
    }
    let first = Edge { entry, hidden: heights.of(entry) };
    Some(down(first, window, heights))
}

/// What is to be drawn: entries from the top down, each with the range of its lines.
#[must_use]
pub fn visible(
    edge: Edge,
    window: usize,
    heights: &impl Heights,
) -> Vec<(usize, std::ops::Range<usize>)> {
    let mut rows = Vec::new();
    let mut left = window;
    let mut edge = edge;
    loop {
        let height = heights.of(edge.entry);
        let below = height.saturating_sub(edge.hidden);
        let taken = below.min(left);
        if taken > 0 {
            rows.push((edge.entry, below - taken..below));
        }
        left -= taken;
        match edge.entry.checked_sub(1) {
            Some(entry) if left > 0 => edge = Edge { entry, hidden: 0 },
            _ => break,
        }
    }
    rows.reverse();
    rows
}

/// Lines from the first entry to the edge, counted as far as `enough`.
fn lines_up_to(edge: Edge, heights: &impl Heights, enough: usize) -> usize {
    let mut lines = heights.of(edge.entry).saturating_sub(edge.hidden);
    let mut entry = edge.entry;
    while lines < enough && entry > 0 {
        entry -= 1;
        lines += heights.of(entry);
    }
    lines
}
