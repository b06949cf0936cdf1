//! From pieces of text to terms of the index, and tantivy's view of them.
//!
//! A run of n characters becomes n terms at n places: each character with the one behind it, and the last one alone. So
//! every part of two or more characters is a phrase of neighbouring terms, and every single character begins a term.

use anser_backend::search::{Piece, pieces};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// The terms of a run, in order.
pub(crate) fn of_run(run: &[char]) -> impl Iterator<Item = String> + '_ {
    (0..run.len()).map(|at| run[at..run.len().min(at + 2)].iter().collect())
}

/// The analyzer of the text field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces;

impl Tokenizer for Pieces {
    type TokenStream<'a> = Tokens;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Tokens {
        Tokens { rest: tokens(text).into_iter(), now: Token::default() }
    }
}

/// Two pieces are never neighbours: a phrase lies within one run.
fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut position = 0;
    let mut put = |text: String, position: usize| {
        found.push(Token { text, position, ..Token::default() });
    };
    for piece in pieces(text) {
        match piece {
            Piece::Word(word) => {
                put(word, position);
                position += 2;
            }
            Piece::Run(run) => {
                for term in of_run(&run) {
                    put(term, position);
                    position += 1;
                }
                position += 1;
            }
        }
    }
    found
}

/// The terms of one text.
pub(crate) struct Tokens {
    rest: std::vec::IntoIter<Token>,
    now: Token,
}

impl TokenStream for Tokens {
    fn advance(&mut self) -> bool {
        let next = self.rest.next();
        next.map(|token| self.now = token).is_some()
    }

    fn token(&self) -> &Token {
        &self.now
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_becomes_pairs_and_its_last_character() {
        let found: Vec<(String, usize)> =
            tokens("开会了 ok 好").into_iter().map(|token| (token.text, token.position)).collect();
        let expected = [("开会", 0), ("会了", 1), ("了", 2), ("ok", 4), ("好", 6)];
        assert_eq!(found, expected.map(|(text, at)| (text.to_owned(), at)));
    }
}
