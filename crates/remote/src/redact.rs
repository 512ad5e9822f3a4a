//! Removes secrets from answers: the API may repeat them in an error message.

mod encodings;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clickpipes::semantics::{FieldSemantics, RESPONSE_ONLY_FIELDS};
use model::address::Kind;
use model::live::Object;
use model::sanitize::replace_ranges;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

const REDACTED: &str = "[redacted]";

/// Replaces a whole text that contains a secret which cannot be cut out of it.
const WITHHELD: &str = "[withheld, because it may repeat a secret]";

// A shorter secret is likely to be an ordinary word of the text, so it is not cut out. Of a longer one, this many
// characters at its beginning or end are hidden as well: a message may quote it shortened.
const MIN_SECRET_CHARS: usize = 8;

// A shorter piece of base64 occurs in a text by chance.
const MIN_ENCODED_CHARS: usize = 4;

// More than is ever shown. It bounds the time that an endless error page can cost.
const MAX_TEXT_BYTES: usize = 16 * 1024;

// A shorter secret of another request is in most texts by chance.
const MIN_SHARED_CHARS: usize = 4;

/// The secrets of one request, or of all requests of the run.
#[derive(Default)]
pub(crate) struct Redaction {
    /// Secrets that are cut out of a text.
    cut: Vec<SecretString>,
    /// Short secrets, which withhold the whole text.
    withheld: Vec<SecretString>,
    /// Secrets that are also words of the request. They may occur in its own response.
    public: Vec<SecretString>,
    /// Hashes of the secrets of other requests that were added.
    added: HashSet<u64>,
    /// The index into `cut` by length and hash of the beginning that all encodings of the secret share.
    by_beginning: BTreeMap<usize, HashMap<u64, Vec<usize>>>,
    /// Whether it has the secrets of many requests. Then only their beginnings are searched, not their ends: each
    /// secret costs time in each response.
    is_shared: bool,
}

impl Redaction {
    /// Hides the secret from now on, in every encoding. `public_text` is the request as declared.
    pub(crate) fn add_secret(&mut self, secret: &str, public_text: &str) {
        // A secret that is an ordinary word, or a word of the request, is not cut out: in a sentence with known words
        // the gap would reveal it. A text that contains it is withheld.
        let (is_short, is_public) = (secret.chars().count() < MIN_SECRET_CHARS, public_text.contains(secret));
        let long = |text: &&str| text.chars().count() >= MIN_SECRET_CHARS;
        // A message about a PEM key may quote a single line of it.
        let parts = std::iter::once(secret).chain(secret.lines().filter(long));
        let texts = parts.filter(|text| !text.is_empty()).map(str::to_owned);
        let texts = texts.chain(base64_forms(secret)).map(SecretString::from);
        match (is_public, is_short) {
            (true, _) => self.public.extend(texts),
            (false, true) => self.withheld.extend(texts),
            (false, false) => self.cut.extend(texts),
        }
    }

    /// The beginning of the text, without the secrets.
    pub(crate) fn redact_text(&self, text: &str) -> String {
        let end = (0..=MAX_TEXT_BYTES.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
        let text = &text[..end.unwrap_or_default()];
        let places = || text.char_indices().map(|(at, _)| &text[at..]);
        let starts_with_withheld = |rest: &str| {
            expose_all(&self.withheld).chain(expose_all(&self.public)).any(|it| encodings::starts_with_secret(rest, it))
        };
        if places().any(starts_with_withheld) {
            return WITHHELD.to_owned();
        }
        // Secrets may overlap in the text. Cutting them out one after the other would leave a rest of the longer one.
        let mut cleaned = String::new();
        let mut hidden = 0;
        for (at, c) in text.char_indices() {
            let was_hidden = at < hidden;
            hidden = hidden.max(at + self.longest_secret_match(&text[at..]));
            match (was_hidden, at < hidden) {
                (true, _) => {}
                (false, true) => cleaned.push_str(REDACTED),
                (false, false) => cleaned.push(c),
            }
        }
        cleaned
    }

    /// The secrets to cut that the text may contain whole. Of thousands of secrets, a search for each in each text would
    /// cost seconds.
    fn likely_cuts(&self, text: &str) -> Vec<&str> {
        let found = self.by_beginning.iter().flat_map(|(length, secrets)| {
            let windows = text.as_bytes().windows((*length).max(1));
            windows.filter_map(|window| secrets.get(&hash(&window[..*length]))).flatten()
        });
        let found: BTreeSet<usize> = found.copied().collect();
        found.into_iter().map(|at| self.cut[at].expose_secret()).collect()
    }

    /// The length in bytes of the longest secret at the beginning of the text.
    fn longest_secret_match(&self, text: &str) -> usize {
        let length = if self.is_shared { encodings::matched_prefix } else { encodings::matched_length };
        let lengths = expose_all(&self.cut).map(|secret| length(text, secret, MIN_SECRET_CHARS));
        lengths.max().unwrap_or_default()
    }
}

/// The secrets that a process resolved so far, for all its environments: the answer to one request may repeat the secret
/// of another.
#[derive(Clone)]
pub struct RunRedaction(Arc<RunSecrets>);

struct RunSecrets {
    redaction: Mutex<Redaction>,
    /// Public texts: the manifests and the project file.
    public: Mutex<Vec<Arc<str>>>,
}

impl Default for RunRedaction {
    fn default() -> Self {
        let redaction = Mutex::new(Redaction { is_shared: true, ..Redaction::default() });
        Self(Arc::new(RunSecrets { redaction, public: Mutex::default() }))
    }
}

impl fmt::Debug for RunRedaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RunRedaction")
    }
}

impl PartialEq for RunRedaction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl RunRedaction {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Redaction> {
        self.0.redaction.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds public texts. A secret that is a word of them is not redacted, because the gap would reveal it.
    pub fn add_public_texts(&self, texts: impl IntoIterator<Item = Arc<str>>) {
        self.0.public.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
    }

    /// Hides these texts from now on.
    pub fn hide_texts(&self, secrets: impl Iterator<Item = SecretString>) {
        let mut redaction = Redaction::default();
        secrets.for_each(|secret| redaction.add_secret(secret.expose_secret(), ""));
        self.add_request(&redaction);
    }

    /// Hides these secrets from now on, apart from those that their manifest shows.
    pub(crate) fn add_request(&self, of_request: &Redaction) {
        let mut all = self.lock();
        let Redaction { cut, withheld, added, by_beginning, .. } = &mut *all;
        let is_long = |text: &&SecretString| text.expose_secret().chars().count() >= MIN_SHARED_CHARS;
        let mut is_new = |text: &&SecretString| added.insert(hash(text.expose_secret().as_bytes()));
        for secret in of_request.cut.iter().filter(&mut is_new) {
            let run = encodings::unescaped_run(secret.expose_secret()).as_bytes();
            let beginning = &run[..run.len().min(MIN_SECRET_CHARS)];
            let of_length = by_beginning.entry(beginning.len()).or_default();
            of_length.entry(hash(beginning)).or_default().push(cut.len());
            cut.push(secret.clone());
        }
        withheld.extend(of_request.withheld.iter().filter(is_long).filter(is_new).cloned());
    }

    /// Redacts a text that is printed or written. Known fields and states of live objects contain the values of the
    /// API, because they are compared and decide about requests.
    // Only whole secrets are cut here. Most of the output are names and values of manifests, and many of them contain
    // the first eight characters of a secret by chance.
    pub fn redact_output<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let all = self.lock();
        let public = self.0.public.lock().unwrap_or_else(PoisonError::into_inner);
        let is_public = |secret: &str| public.iter().any(|text| text.contains(secret));
        let secrets = all.likely_cuts(text).into_iter().filter(|secret| !is_like_word(secret));
        let found = secrets.map(|secret| (secret, encodings::find_in_output(text, secret)));
        let found = found.filter(|(secret, places)| !places.is_empty() && !is_public(secret));
        let hidden: Vec<Range<usize>> = found.flat_map(|(_, places)| places).collect();
        if hidden.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(replace_ranges(text, hidden, REDACTED))
    }

    /// Redacts the unknown fields of a live object.
    // Known fields are compared with the desired ones, and requests depend on states and ids. They are redacted when
    // they are shown.
    pub(crate) fn redact_object(&self, kind: Kind, object: &mut Object) {
        let all = self.lock();
        if all.cut.is_empty() && all.withheld.is_empty() {
            return;
        }
        let (name, fields) = (kind.name_path(), FieldSemantics::for_kind(kind));
        for (key, value) in object.body.as_object_mut().into_iter().flatten() {
            let is_name = name.as_ref().is_some_and(|name| name.segments() == [key.as_str()]);
            if !is_name && !RESPONSE_ONLY_FIELDS.contains(&key.as_str()) {
                redact_unknown(&all, fields.child_field(key), value);
            }
        }
    }
}

/// A word of the language, or a number: the output has it without the secret, and needs it.
fn is_like_word(secret: &str) -> bool {
    const LONGEST_WORD: usize = 15;
    let is_number = secret.bytes().all(|byte| byte.is_ascii_digit());
    is_number || secret.len() <= LONGEST_WORD && secret.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn redact_unknown(secrets: &Redaction, field: &FieldSemantics, value: &mut Value) {
    match value {
        // A longer text than can be redacted stays: it would be cut.
        Value::String(text) if field.is_unknown() && text.len() <= MAX_TEXT_BYTES => *text = secrets.redact_text(text),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(name, value)| redact_unknown(secrets, field.child_field(name), value));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact_unknown(secrets, field.list_item(), item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn expose_all(secrets: &[SecretString]) -> impl Iterator<Item = &str> {
    secrets.iter().map(ExposeSecret::expose_secret)
}

// Outside of the type that wipes it, only hashes of a secret are kept.
fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn base64_forms(secret: &str) -> impl Iterator<Item = String> {
    // In the base64 of a longer text (`user:secret`) the secret begins at one of three offsets, and each gives other
    // characters. Characters that also depend on a neighbour are omitted.
    let shifted = (0..3).map(move |shift| {
        let bytes = [&[0; 2][..shift], secret.as_bytes()].concat();
        let own = (shift * 8).div_ceil(6)..bytes.len() * 8 / 6;
        STANDARD.encode(&bytes).get(own).unwrap_or_default().to_owned()
    });
    let long = shifted.filter(|code| code.len() >= MIN_ENCODED_CHARS);
    long.flat_map(|code| {
        let in_urls = code.replace('+', "-").replace('/', "_");
        let other = (in_urls != code).then_some(in_urls);
        std::iter::once(code).chain(other)
    })
}

#[cfg(test)]
mod tests;
