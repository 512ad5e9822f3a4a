//! Words for sentences.

use std::fmt;

pub(crate) fn join_words(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

/// The names for a sentence.
pub(crate) fn quote_all(names: impl IntoIterator<Item = impl fmt::Display>) -> String {
    join_words(names.into_iter().map(|name| format!("`{name}`")))
}
