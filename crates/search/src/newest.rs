//! Collects the newest places of a search, newest first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use anser_backend::search::{Hit, Scope};
use anser_types::{ConversationId, Seq, UnixMs};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{BytesColumn, Column};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader, TantivyError};

use crate::fields::columns;

/// Places at most, all before one of them, within scopes.
pub(crate) struct Newest {
    scopes: Arc<BTreeMap<ConversationId, Scope>>,
    before: Option<Hit>,
    limit: usize,
}

impl Newest {
    pub(crate) fn new(scopes: Vec<Scope>, before: Option<Hit>, limit: usize) -> Self {
        let scopes = scopes.into_iter().map(|scope| (scope.conversation, scope)).collect();
        Self { scopes: Arc::new(scopes), before, limit }
    }
}

impl Collector for Newest {
    type Fruit = Vec<Hit>;
    type Child = OfSegment;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<OfSegment> {
        let columns = segment.fast_fields();
        Ok(OfSegment {
            at: columns.column_opt(columns::AT)?,
            seq: columns.column_opt(columns::SEQ)?,
            conversation: columns.bytes(columns::CONVERSATION)?,
            known: HashMap::new(),
            scopes: Arc::clone(&self.scopes),
            before: self.before,
            limit: self.limit,
            found: BinaryHeap::with_capacity(self.limit.saturating_add(1)),
            failed: None,
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(
        &self,
        segments: Vec<Result<Vec<Hit>, TantivyError>>,
    ) -> tantivy::Result<Vec<Hit>> {
        let mut all = Vec::new();
        for found in segments {
            all.extend(found?);
        }
        all.sort_unstable_by(|one: &Hit, other| other.cmp(one));
        all.truncate(self.limit);
        Ok(all)
    }
}

/// Of one segment.
pub(crate) struct OfSegment {
    /// A segment that holds no message has no such columns.
    at: Option<Column<u64>>,
    seq: Option<Column<u64>>,
    conversation: Option<BytesColumn>,
    /// Conversations by their number in the segment.
    known: HashMap<u64, ConversationId>,
    scopes: Arc<BTreeMap<ConversationId, Scope>>,
    before: Option<Hit>,
    limit: usize,
    /// The oldest on top.
    found: BinaryHeap<Reverse<Hit>>,
    failed: Option<TantivyError>,
}

impl OfSegment {
    fn place(&mut self, doc: DocId) -> Result<Option<Hit>, TantivyError> {
        let first = |column: &Option<Column<u64>>| column.as_ref().and_then(|one| one.first(doc));
        let (Some(at), Some(seq)) = (first(&self.at), first(&self.seq)) else { return Ok(None) };
        let (at, seq) = (UnixMs(at), Seq(seq));
        // Most places of a frequent word are too old, or on pages before: their conversation need not be read.
        let full = self.found.len() >= self.limit;
        if full && self.found.peek().is_none_or(|oldest| at < oldest.0.at) {
            return Ok(None);
        }
        if self.before.is_some_and(|before| at > before.at) {
            return Ok(None);
        }
        let Some(conversation) = self.conversation_of(doc)? else { return Ok(None) };
        let hit = Hit { at, conversation, seq };
        let within = self.scopes.get(&conversation).is_some_and(|scope| scope.holds(seq));
        let after = self.before.is_none_or(|before| hit < before);
        Ok((within && after).then_some(hit))
    }

    fn conversation_of(&mut self, doc: DocId) -> Result<Option<ConversationId>, TantivyError> {
        let Some(column) = &self.conversation else { return Ok(None) };
        let Some(number) = column.ords().first(doc) else { return Ok(None) };
        if let Some(known) = self.known.get(&number) {
            return Ok(Some(*known));
        }
        let mut bytes = Vec::with_capacity(16);
        column.ord_to_bytes(number, &mut bytes)?;
        let id = <[u8; 16]>::try_from(bytes.as_slice()).map(ConversationId);
        let id = id.map_err(|_| TantivyError::InternalError("no conversation id".to_owned()))?;
        self.known.insert(number, id);
        Ok(Some(id))
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Result<Vec<Hit>, TantivyError>;

    fn collect(&mut self, doc: DocId, _: Score) {
        match self.place(doc) {
            Ok(Some(hit)) => {
                self.found.push(Reverse(hit));
                if self.found.len() > self.limit {
                    self.found.pop();
                }
            }
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
    }

    fn harvest(self) -> Self::Fruit {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.found.into_iter().map(|hit| hit.0).collect()),
        }
    }
}
