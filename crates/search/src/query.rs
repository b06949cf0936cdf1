//! From what is wanted to a query of the index.

use std::ops::Bound;

use anser_backend::search::{Scope, Wanted};
use anser_types::{ConversationId, Seq};
use tantivy::Term;
use tantivy::query::{
    BooleanQuery, InvertedIndexRangeQuery, PhraseQuery, Query, TermQuery, TermSetQuery,
};
use tantivy::schema::IndexRecordOption;

use crate::fields::Fields;
use crate::terms;

/// Messages of these conversations that hold everything wanted.
pub(crate) fn wanted(fields: &Fields, wanted: &Wanted, scopes: &[Scope]) -> BooleanQuery {
    let mut all: Vec<Box<dyn Query>> = Vec::new();
    let conversations = scopes.iter().map(|scope| fields.conversation_term(scope.conversation));
    all.push(match scopes {
        [one] => term(fields.conversation_term(one.conversation)),
        _ => Box::new(TermSetQuery::new(conversations)),
    });
    all.extend(wanted.words().iter().map(|word| term(fields.text_term(word))));
    all.extend(wanted.beginning().map(|word| beginning(fields, word)));
    all.extend(wanted.runs().iter().map(|run| part_of_a_run(fields, run)));
    BooleanQuery::intersection(all)
}

/// One message.
pub(crate) fn message(fields: &Fields, id: ConversationId, seq: Seq) -> BooleanQuery {
    BooleanQuery::intersection(vec![term(fields.conversation_term(id)), term(fields.seq_term(seq))])
}

fn term(term: Term) -> Box<dyn Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// Any term that begins so.
fn beginning(fields: &Fields, text: &str) -> Box<dyn Query> {
    // No term holds this character: it is a noncharacter.
    let last = format!("{text}\u{10FFFF}");
    Box::new(InvertedIndexRangeQuery::new(
        Bound::Included(fields.text_term(text)),
        Bound::Included(fields.text_term(&last)),
    ))
}

fn part_of_a_run(fields: &Fields, run: &[char]) -> Box<dyn Query> {
    // The last term of a run stands for its end; a part may go on.
    let pairs = terms::of_run(run).take(run.len() - 1).map(|pair| fields.text_term(&pair));
    let pairs: Vec<Term> = pairs.collect();
    match <[Term; 1]>::try_from(pairs) {
        Ok([pair]) => term(pair),
        Err(none) if none.is_empty() => beginning(fields, &run.iter().collect::<String>()),
        Err(pairs) => Box::new(PhraseQuery::new(pairs)),
    }
}
