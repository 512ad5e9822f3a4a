//! Words that name secrets.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::kinds;
use crate::manifest;
use crate::secrets::names::{
    has_secret_name, is_login_scheme, is_made_of_words, is_plain_name, is_secret_value_name, strip_punctuation,
};

/// The names of secret fields, and words that sound like one.
// A similar name counts as well: behind a misspelt key, such as `pasword`, is a secret all the same, and exactly that
// line is quoted.
pub(super) struct SecretWords {
    names: BTreeSet<String>,
    known: RefCell<HashMap<String, bool>>,
}

/// What stands below a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretBlock {
    /// A secret: only a reference is shown.
    Secret,
    /// Secrets, and fields with known names.
    Login,
    /// Fields with any names.
    Additional,
}

/// The longest name of a field. A longer word is no name.
const MAX_KEY_LENGTH: usize = 40;

/// Fields whose names sound like a secret.
const NOT_SECRET: [&str; 4] = ["secretCommands", "secretCommandVariables", "secrets", "accessKeyId"];

impl Default for SecretWords {
    fn default() -> Self {
        Self { names: kinds::secret_field_names().clone(), known: RefCell::default() }
    }
}

impl SecretWords {
    pub(super) fn add_names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.names.extend(names.into_iter().map(str::to_owned));
        self.known.borrow_mut().clear();
    }

    /// What stands below this key; `None` if nothing in it is a secret.
    pub(super) fn block_below(&self, key: &str) -> Option<SecretBlock> {
        match key {
            "additional" => Some(SecretBlock::Additional),
            _ if self.is_secret(key) && !is_group(key) => Some(SecretBlock::Secret),
            _ if self.is_secret_word(key) => Some(SecretBlock::Login),
            _ => None,
        }
    }

    /// Whether a text has such a word anywhere.
    pub(super) fn has_secret_word(&self, text: &str) -> bool {
        let mut squeezed = String::with_capacity(text.len());
        for word in text.split(|c: char| !is_name_character(c)).filter(|word| !word.is_empty()) {
            if NOT_SECRET.contains(&word) {
                squeezed.push(' ');
            } else if word == "additional" || is_login_scheme(word) || self.is_secret(word) {
                return true;
            } else {
                // `api key` is the name of a secret that neither word is alone.
                squeezed.push_str(&strip_punctuation(word, ""));
            }
        }
        squeezed.split(' ').any(|part| has_secret_name(part) || part.contains("basicauth"))
    }

    /// Whether a key is a name and no more: one that holds the name of a secret, and more behind it, may have swallowed the
    /// secret itself, as that of `password hunter2` did.
    pub(super) fn is_whole_name(&self, key: &str) -> bool {
        let mut parts: Vec<&str> = key.split('.').collect();
        let last = parts.pop().unwrap_or_default();
        parts.iter().all(|part| is_plain_name(part) && (is_group(part) || !self.is_secret_word(part)))
            && is_plain_name(last)
            && (self.is_secret(last) || is_made_of_words(last, LONGEST_MIXED) || !self.is_secret_word(last))
    }

    /// Whether a word of a message, which may be a key, holds more than the name of a secret.
    pub(super) fn may_hold_secret(&self, word: &str) -> bool {
        self.has_secret_word(word) && !self.is_whole_name(word) && !manifest::is_one_variable(word)
    }

    fn is_secret_word(&self, word: &str) -> bool {
        !NOT_SECRET.contains(&word) && (has_secret_name(word) || self.is_secret(word))
    }

    /// Whether the value under this key is a secret.
    fn is_secret(&self, key: &str) -> bool {
        if key.len() > MAX_KEY_LENGTH {
            return false;
        }
        if let Some(&known) = self.known.borrow().get(key) {
            return known;
        }
        let found = is_secret_value_name(key) || self.names.iter().any(|name| is_similar_name(key, name));
        self.known.borrow_mut().insert(key.to_owned(), found);
        found
    }
}

/// The longest part of letters and digits of a name, such as `s3` and `v10`.
const LONGEST_MIXED: usize = 3;

/// Whether a known field of this name has fields of its own, some of which are secrets.
fn is_group(key: &str) -> bool {
    kinds::all_field_names().contains(key) && !kinds::secret_field_names().contains(key)
}

/// Whether a field beside secrets has this name, or one like it.
pub(super) fn is_login_field(key: &str) -> bool {
    key.len() <= MAX_KEY_LENGTH && kinds::credential_field_names().iter().any(|name| is_similar_name(key, name))
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_similar_name(key: &str, name: &str) -> bool {
    let distance = match name.len() {
        ..2 => 0,
        2..8 => 1,
        _ => 2,
    };
    key.len().abs_diff(name.len()) <= distance
        && strsim::damerau_levenshtein(&key.to_lowercase(), &name.to_lowercase()) <= distance
}
