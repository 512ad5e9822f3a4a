//! Hides in messages the secrets that are hidden in quoted lines.
//
// A forgotten colon makes a secret part of a key (`password hunter2`), and messages and paths name keys.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use super::TextRedactor;
use super::secret_words::SecretWords;
use crate::kinds;
use model::diagnostic::{Diagnostic, SourceFile};
use model::path::FieldPath;
use model::project::code::BAD_RULE;
use model::sanitize::sanitize_line;
use model::schema_validator::code;

const HIDDEN: &str = "***";

/// Hides the secrets that messages, their help and their paths name. `files` are those with the places.
pub fn redact_messages(diagnostics: &mut [Diagnostic], files: &[SourceFile]) {
    let mut texts: HashMap<String, FileText<'_>> = HashMap::new();
    for index in 0..diagnostics.len() {
        let names = named_words(&diagnostics[index]);
        let place = &diagnostics[index].place.file;
        if names.is_empty() {
            continue;
        }
        if !texts.contains_key(&**place) {
            let Some(file) = files.iter().find(|file| file.name == *place) else { continue };
            texts.insert(place.to_string(), FileText::new(file, files, diagnostics));
        }
        let Some(text) = texts.get_mut(&*diagnostics[index].place.file) else { continue };
        let diagnostic = &mut diagnostics[index];
        let underlined = text.hidden_key_at(diagnostic);
        for name in names {
            let is_underlined = underlined.as_ref().is_some_and(|key| *key == name || sanitize_line(key) == name);
            // With quotes and escapes, YAML writes a key differently than messages do.
            let is_key = diagnostic.path.segments().contains(&name) || has_word(text.text, &name);
            if text.hides(&name) || is_key && text.words.may_hold_secret(&name) {
                hide_word(diagnostic, &name, &|word| (word.to_owned(), HIDDEN));
            } else if is_underlined {
                // The same word may have another meaning in the message.
                hide_word(diagnostic, &name, &|word| (format!("`{word}`"), "`***`"));
            }
        }
    }
}

/// Whether a text contains the word, and not only as part of a longer one: `key` is no part of a secret in `keySecret
/// hunter2`.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(char::is_alphanumeric) && !text[at + word.len()..].starts_with(char::is_alphanumeric)
    })
}

/// The keys of the path and the texts in backticks, without the names of known fields. The longest comes first: if a
/// shorter one inside it were hidden before, the rest would stay.
fn named_words(diagnostic: &Diagnostic) -> Vec<String> {
    let is_known = |word: &str| kinds::all_field_names().contains(word) || word.parse::<usize>().is_ok();
    let mut words: BTreeSet<String> = diagnostic.path.segments().iter().cloned().collect();
    let label = diagnostic.also.as_ref().map(|also| &also.label);
    for text in [Some(&diagnostic.message), diagnostic.help.as_ref(), label].into_iter().flatten() {
        words.extend(text.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    if diagnostic.code == BAD_RULE {
        // The parser of expressions has its own quotes.
        words.extend(diagnostic.message.split('\'').skip(1).step_by(2).map(str::to_owned));
    }
    words.retain(|word| !word.trim().is_empty() && !is_known(word));
    let mut words: Vec<String> = words.into_iter().collect();
    words.sort_by_key(|word| Reverse(word.len()));
    words
}

fn hide_word(diagnostic: &mut Diagnostic, word: &str, replacement: &dyn Fn(&str) -> (String, &'static str)) {
    let forms = [replacement(word), replacement(&sanitize_line(word))];
    let hide = |text: &mut String| {
        for (form, hidden) in &forms {
            *text = text.replace(form, hidden);
        }
    };
    hide(&mut diagnostic.message);
    diagnostic.help.iter_mut().for_each(hide);
    diagnostic.also.iter_mut().for_each(|also| hide(&mut also.label));
    let steps = diagnostic.path.segments().iter();
    let steps = steps.map(|step| if step == word { HIDDEN } else { step });
    diagnostic.path = steps.fold(FieldPath::root(), |path, step| path.child(step));
}

/// A file as it is and in its redacted form.
struct FileText<'f> {
    text: &'f str,
    quoted: String,
    words: SecretWords,
    hidden: HashMap<String, bool>,
}

impl<'f> FileText<'f> {
    fn new(file: &'f SourceFile, files: &[SourceFile], diagnostics: &[Diagnostic]) -> Self {
        let literals = diagnostics.iter().filter(|it| it.code == code::LITERAL_SECRET && it.place.file == file.name);
        let redactor = TextRedactor::for_texts(files.iter().map(|file| &*file.text));
        let quoted = redactor.redact(&file.text, literals.map(|it| it.span.clone()));
        Self { text: &file.text, quoted, words: redactor.words, hidden: HashMap::new() }
    }

    /// Whether the file contains the word only where quotes hide it.
    fn hides(&mut self, word: &str) -> bool {
        if let Some(known) = self.hidden.get(word) {
            return *known;
        }
        let is_hidden = !self.quoted.contains(word) && has_word(self.text, word);
        self.hidden.insert(word.to_owned(), is_hidden);
        is_hidden
    }

    /// The key that a diagnostic underlines, if quotes hide a part of it.
    fn hidden_key_at(&self, diagnostic: &Diagnostic) -> Option<String> {
        let (written, quoted) = (self.text.get(diagnostic.span.clone())?, self.quoted.get(diagnostic.span.clone())?);
        if written == quoted {
            return None;
        }
        let key = diagnostic.path.last_segment().unwrap_or_default();
        // Escapes (`"pass\x20word"`) are written differently than they are read.
        let is_escaped = written.starts_with('"') && written.contains('\\');
        Some(if is_escaped { key.to_owned() } else { written.trim_matches(['"', '\'']).to_owned() })
    }
}
