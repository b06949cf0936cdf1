//! The reading side of an index: shared, and always of one commit.

use anser_backend::search::{Hit, Scope, Wanted};
use anser_types::{ChangeNo, ConversationId, Seq};
use tantivy::query::TermQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, IndexReader};

use crate::fields::{Fields, columns};
use crate::index::{IndexError, Position};
use crate::newest::Newest;
use crate::query;

/// Searches what the last commit holds.
#[derive(Clone)]
pub struct Reading {
    reader: IndexReader,
    fields: Fields,
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reading").finish_non_exhaustive()
    }
}

impl Reading {
    pub(crate) const fn new(reader: IndexReader, fields: Fields) -> Self {
        Self { reader, fields }
    }

    /// Shows the last commit from now on.
    pub(crate) fn reload(&self) -> Result<(), IndexError> {
        Ok(self.reader.reload()?)
    }

    /// The newest places within these scopes that hold what is wanted, newest first.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn newest(
        &self,
        wanted: &Wanted,
        scopes: Vec<Scope>,
        before: Option<Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        if limit == 0 || scopes.is_empty() {
            return Ok(Vec::new());
        }
        let query = query::wanted(&self.fields, wanted, &scopes);
        Ok(self.reader.searcher().search(&query, &Newest::new(scopes, before, limit))?)
    }

    /// How far this conversation's log is in the index.
    pub(crate) fn position(&self, id: ConversationId) -> Result<Position, IndexError> {
        let searcher = self.reader.searcher();
        let query = TermQuery::new(self.fields.log_term(id), IndexRecordOption::Basic);
        let found = searcher.search(&query, &tantivy::collector::DocSetCollector)?;
        let mut furthest = Position::default();
        for DocAddress { segment_ord, doc_id } in found {
            let columns = searcher.segment_reader(segment_ord).fast_fields();
            let number = |name| -> tantivy::Result<u64> {
                // A segment without any document of this kind has no such column.
                let column = columns.column_opt::<u64>(name)?;
                Ok(column.and_then(|column| column.first(doc_id)).unwrap_or_default())
            };
            furthest = Position {
                seq: Seq(number(columns::SEQ)?),
                change_no: ChangeNo(number(columns::CHANGE_NO)?),
            };
        }
        Ok(furthest)
    }

    /// Documents, those about logs included.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.reader.searcher().num_docs()
    }
}
