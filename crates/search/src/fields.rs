//! What a document holds. There are two kinds: a message, and how far a conversation's log is in the index.

use anser_types::{ConversationId, Seq};
use tantivy::Term;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};

use crate::terms::Pieces;

const ANALYZER: &str = "pieces";

/// Names of columns that searches read.
pub(crate) mod columns {
    pub(crate) const CONVERSATION: &str = "conversation";
    pub(crate) const SEQ: &str = "seq";
    pub(crate) const AT: &str = "at";
    pub(crate) const CHANGE_NO: &str = "change_no";
}

/// The fields by handle. Nothing is stored: text is read from the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Of a message: its terms.
    pub(crate) text: Field,
    /// Of a message: where it was said.
    pub(crate) conversation: Field,
    /// Of a message its number; of a log the last message that is in the index.
    pub(crate) seq: Field,
    /// Of a message: when it was said.
    pub(crate) at: Field,
    /// Of a log: which conversation's.
    pub(crate) log: Field,
    /// Of a log: the last change that was looked at.
    pub(crate) change_no: Field,
}

impl Fields {
    /// The schema and its fields.
    pub(crate) fn schema() -> (Schema, Self) {
        let mut builder = Schema::builder();
        let terms = TextFieldIndexing::default()
            .set_tokenizer(ANALYZER)
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let text = TextOptions::default().set_indexing_options(terms);
        let fields = Self {
            text: builder.add_text_field("text", text),
            conversation: builder.add_bytes_field(
                columns::CONVERSATION,
                BytesOptions::default().set_indexed().set_fast(),
            ),
            seq: builder
                .add_u64_field(columns::SEQ, NumericOptions::default().set_indexed().set_fast()),
            at: builder.add_u64_field(columns::AT, NumericOptions::default().set_fast()),
            log: builder.add_bytes_field("log", BytesOptions::default().set_indexed()),
            change_no: builder
                .add_u64_field(columns::CHANGE_NO, NumericOptions::default().set_fast()),
        };
        (builder.build(), fields)
    }

    /// What cuts texts.
    pub(crate) fn analyzers() -> TokenizerManager {
        // The default ones serve the fields of bytes.
        let analyzers = TokenizerManager::default();
        analyzers.register(ANALYZER, TextAnalyzer::from(Pieces));
        analyzers
    }

    pub(crate) fn conversation_term(&self, id: ConversationId) -> Term {
        Term::from_field_bytes(self.conversation, &id.0)
    }

    pub(crate) fn log_term(&self, id: ConversationId) -> Term {
        Term::from_field_bytes(self.log, &id.0)
    }

    pub(crate) fn seq_term(&self, seq: Seq) -> Term {
        Term::from_field_u64(self.seq, seq.0)
    }

    pub(crate) fn text_term(&self, text: &str) -> Term {
        Term::from_field_text(self.text, text)
    }
}
