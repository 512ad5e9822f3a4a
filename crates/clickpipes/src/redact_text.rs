//! Hides secrets in quoted lines of manifests.
//
// Diagnostics quote lines of files that are not valid YAML, so this works on text and not on a tree. When unsure, it
// hides too much: hiding a word is ugly, showing a password in the log of CI is a leak.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use crate::kinds;
use crate::manifest;
use crate::secrets::forms::secret_ranges;
use crate::secrets::names::{has_secret_name, is_secret_value_name};

mod lines;
mod messages;
mod secret_extent;

pub use messages::redact_messages;

/// Hides the secrets in the texts of one run, which share templates.
pub struct TextRedactor {
    names: BTreeSet<String>,
}

impl TextRedactor {
    /// Reads in all texts of a run which values templates and entries bring into secret fields: with
    /// `password: "${with.pw}"` anywhere, `pw` is a secret field everywhere.
    pub fn for_texts<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.filter(|text| text.contains("${")).collect();
        let mut names = kinds::secret_field_names().clone();
        // The value comes from a parameter, that from an entry, that from a variable of the environment.
        for _ in 0..3 {
            let found: Vec<String> = texts.iter().flat_map(|text| variables_in_secrets(text, &names)).collect();
            names.extend(found);
        }
        Self { names }
    }

    /// The text with each byte of a literal secret replaced by `*`: values of secret fields that are not references,
    /// passwords in URIs, private keys, and what is `known` to be a secret. Positions stay valid.
    pub fn redact(&self, text: &str, known: impl IntoIterator<Item = Range<usize>>) -> String {
        let mut hidden = find_literals(text, &self.names);
        // The reader is to see which name is wrong. Its value is at its own place.
        hidden.retain(|literal| !manifest::is_shared_variable(text[literal.clone()].trim_matches(['"', '\''])));
        hidden.extend(find_secrets_without_colon(text, &self.names));
        hidden.extend(find_glued_values(text, &self.names));
        hidden.extend(find_comments_behind_values(text));
        hidden.extend(known.into_iter().map(|range| range.start.min(text.len())..range.end.min(text.len())));
        redact_ranges(text, &hidden)
    }
}

fn find_literals(text: &str, names: &BTreeSet<String>) -> Vec<Range<usize>> {
    let mut hidden = find_uri_passwords(text);
    hidden.extend(find_secret_values(text, names));
    hidden.extend(secret_ranges(text));
    hidden
}

/// The last part of the name of each variable that a literal secret uses: `pw` of `${with.pw}`.
fn variables_in_secrets(text: &str, names: &BTreeSet<String>) -> Vec<String> {
    let literals = find_literals(text, names);
    let variables = literals.iter().flat_map(|literal| text[literal.clone()].split("${").skip(1));
    let names = variables.filter_map(|rest| rest.split_once('}')?.0.rsplit('.').next());
    names.map(str::to_owned).collect()
}

fn redact_ranges(text: &str, hidden: &[Range<usize>]) -> String {
    // Ranges overlap, so each byte counts how many cover it. Line breaks stay: lines and columns are those of the file.
    let mut flags = vec![0_i32; text.len() + 1];
    for range in hidden {
        flags[range.start] += 1;
        flags[range.end] -= 1;
    }
    let mut depth = 0;
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for c in text.chars() {
        let end = at + c.len_utf8();
        depth += flags[at..end].iter().sum::<i32>();
        if depth == 0 || matches!(c, '\n' | '\r') {
            shown.push(c);
        } else {
            shown.extend(std::iter::repeat_n('*', c.len_utf8()));
        }
        at = end;
    }
    shown
}

/// The password in `scheme://user:password@`.
fn find_uri_passwords(text: &str) -> Vec<Range<usize>> {
    // To the last `@` of the line: a password that is not percent-encoded may itself contain `@` and `/`.
    let mut hidden = Vec::new();
    for line in lines::line_ranges(text, 0) {
        let password = text[line.clone()].find("://").and_then(|scheme| {
            let login = line.start + scheme + "://".len()..line.end;
            let end = login.start + text[login.clone()].rfind('@')?;
            let start = login.start + text[login.start..end].find(':')? + 1;
            Some(start..end)
        });
        hidden.extend(password);
    }
    hidden
}

fn find_secret_values(text: &str, names: &BTreeSet<String>) -> Vec<Range<usize>> {
    let mut names = SecretFieldNames { names, known: HashMap::new() };
    let mut hidden = Vec::new();
    let mut aliases = BTreeSet::new();
    let mut from = 0;
    // Where the mapping of credentials ends that was seen last.
    let mut group_end = 0;
    while let Some(colon) = text[from..].find(':').map(|found| from + found) {
        from = colon + 1;
        let Some(key) = lines::key_before(text, colon) else { continue };
        let name = &text[key.clone()];
        let is_in_group = colon < group_end && !secret_extent::is_reference_key(name);
        let (value, is_group) = if names.is_secret_field(name) {
            (secret_extent::value_extent(text, &key, from, &mut |name| names.is_secret_field(name)), true)
        } else if secret_extent::is_misplaced_in_reference(text, name, from) {
            (secret_extent::value_extent(text, &key, from, &mut |_| false), false)
        } else if is_likely_secret_field(name) {
            (secret_extent::non_mapping_extent(text, &key, from), true)
        } else if name == ADDITIONAL {
            // Only a mapping has names that show which values are secrets.
            (secret_extent::non_mapping_extent(text, &key, from), false)
        } else if is_in_group && !kinds::credential_field_names().contains(name) {
            // Whatever its name: `pass`, `pwd`, `key`.
            (secret_extent::value_extent(text, &key, from, &mut |_| false), false)
        } else {
            continue;
        };
        aliases.extend(secret_extent::alias_name(text, from));
        // Groups may be nested, and each end is looked for once.
        if is_group && colon >= group_end {
            group_end = secret_extent::mapping_end(text, &key, from);
            hidden.extend(secret_extent::entries_without_key(text, &key, from));
        } else if is_group {
            hidden.extend(secret_extent::short_entries_without_key(text, &key, from));
        }
        // A colon inside the hidden value starts no key.
        from = value.resume_at.max(from);
        hidden.extend(value.hidden);
    }
    hidden.extend(find_anchored_values(text, &aliases, &mut names));
    hidden
}

/// The values that a secret field refers to by an alias (`password: *p`).
fn find_anchored_values(text: &str, aliases: &BTreeSet<&str>, names: &mut SecretFieldNames<'_>) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    for (at, _) in text.match_indices('&').filter(|_| !aliases.is_empty()) {
        let name = secret_extent::node_name(&text[at + 1..]);
        if aliases.contains(name) {
            let anchor = at..at + 1 + name.len();
            let value = secret_extent::value_extent(text, &anchor, anchor.end, &mut |name| names.is_secret_field(name));
            hidden.extend(value.hidden);
        }
    }
    hidden
}

/// The field for fields that are newer than this version.
const ADDITIONAL: &str = "additional";

/// Fields of a project file whose names sound like a secret.
const NOT_SECRET: [&str; 4] = ["secretCommands", "secretCommandVariables", "secrets", "accessKeyId"];

/// A field that may hold a secret, or a group of fields that does: a single value in it is hidden.
fn is_likely_secret_field(key: &str) -> bool {
    key.len() <= SecretFieldNames::MAX_KEY_LENGTH && has_secret_name(key) && !NOT_SECRET.contains(&key)
}

/// What follows the name of a secret field without a colon, on a line or in an entry: `password hunter2`.
fn find_secrets_without_colon(text: &str, names: &BTreeSet<String>) -> Vec<Range<usize>> {
    let mut names = SecretFieldNames { names, known: HashMap::new() };
    let mut hidden = Vec::new();
    for line in lines::line_ranges(text, 0) {
        let entries = text[line.clone()].match_indices(['{', '[', ',']).map(|(at, _)| (line.start + at + 1, true));
        let first = line.start + lines::indent_width(&text[line.clone()]);
        let long_key = text[first..line.end].trim_start_matches(['?', '-', ' ']).trim_matches([' ', '"', '\'']);
        if !long_key.contains(':') && names.is_any_secret(long_key) {
            hidden.extend(secret_extent::lines_of_long_key(text, &line));
        }
        for (entry, is_inner) in std::iter::once((first, false)).chain(entries) {
            // A name is short. A line of a megabyte has as many entries.
            let rest = &text[entry..line.end];
            let near =
                rest.char_indices().nth(2 * SecretFieldNames::MAX_KEY_LENGTH).map_or(rest, |(at, _)| &rest[..at]);
            let key = key_of_entry(near, is_inner);
            if is_expression_field(key) {
                // Commas and braces of the expression begin no entries.
                let start = entry + key.len();
                let part = NamedPart { text: &text[start..line.end], is_expression: true };
                let end = part.end_of_name(&mut |name| names.is_any_secret(name));
                hidden.extend(end.map(|end| start + end..line.end));
                break;
            }
            let end = NamedPart { text: key, is_expression: false }.end_of_name(&mut |name| names.is_any_secret(name));
            hidden.extend(end.map(|end| entry + end..line.end));
        }
    }
    hidden
}

/// The beginning of an entry that YAML takes for a key: up to a colon, and in a list or mapping on one line also up to its
/// end. A comment has none.
fn key_of_entry(entry: &str, is_inner: bool) -> &str {
    let colon = [": ", ":\t", "\":", "':"].iter().filter_map(|colon| entry.find(colon)).min();
    let end = entry.find(['{', '}', '[', ']', ',']).filter(|_| is_inner);
    let key = &entry[..colon.into_iter().chain(end).min().unwrap_or(entry.len())];
    if key.trim_start_matches([' ', '\t', '-']).starts_with('#') { "" } else { key }
}

/// Whether a key holds the name of a secret, and more behind it than a name may have.
fn has_swallowed_secret(key: &str, names: &BTreeSet<String>) -> bool {
    let mut names = SecretFieldNames { names, known: HashMap::new() };
    NamedPart { text: key, is_expression: false }.end_of_name(&mut |name| names.is_any_secret(name)).is_some()
}

/// Whether the value of a field is an expression of a rule.
fn is_expression_field(key: &str) -> bool {
    matches!(key.trim_matches([' ', '\t', '-', '"', '\'']), "deny" | "when")
}

/// A key, or an expression of a rule, that may have the name of a secret in it.
struct NamedPart<'t> {
    text: &'t str,
    is_expression: bool,
}

impl NamedPart<'_> {
    /// The end of the name, if there is more behind it than a name may have: of `password` in `db password;hunter2`.
    fn end_of_name(&self, is_secret: &mut impl FnMut(&str) -> bool) -> Option<usize> {
        const QUOTES: [char; 2] = ['"', '\''];
        const CLOSING: [char; 10] = [' ', '\t', '"', '\'', '\\', ':', ',', '{', '}', ']'];
        let mut rest = self.text;
        while let Some(start) = rest.find(is_name_character) {
            let word = &rest[start..];
            let word = &word[..word.find(|c| !is_name_character(c)).unwrap_or(word.len())];
            let is_field_of = rest[..start].ends_with('.');
            rest = &rest[start + word.len()..];
            let may_be_operand = self.is_expression || is_field_of || rest.starts_with(QUOTES);
            let is_whole = rest.trim_matches(CLOSING).is_empty()
                || may_be_operand && is_before_operator(rest.trim_start_matches(QUOTES));
            // `api key hunter2`
            let second = rest.strip_prefix(' ').unwrap_or_default();
            let second = &second[..second.find(|c| !is_name_character(c)).unwrap_or(second.len())];
            let behind = rest.get(1 + second.len()..).unwrap_or_default();
            if !second.is_empty() && !behind.trim_matches(CLOSING).is_empty() && is_name_of_words(word, second) {
                return Some(self.text.len() - behind.len());
            }
            let is_group = rest.starts_with(' ') && word.eq_ignore_ascii_case("credentials");
            if !is_whole && (is_group || is_secret(word)) {
                // What separates them shows what is wrong.
                let separator = rest.chars().next().filter(|c| !c.is_alphanumeric()).map_or(0, char::len_utf8);
                return Some(self.text.len() - rest.len() + separator);
            }
        }
        None
    }
}

/// Whether two words are the name of a secret that neither is alone.
fn is_name_of_words(first: &str, second: &str) -> bool {
    let is_short = first.len() + second.len() <= SecretFieldNames::MAX_KEY_LENGTH;
    is_short
        && !is_secret_value_name(first)
        && !is_secret_value_name(second)
        && is_secret_value_name(&[first, second].concat())
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

/// Whether an operand of an expression ends here: `credentials.password == "a"`.
fn is_before_operator(rest: &str) -> bool {
    const OPERATORS: [&str; 16] =
        ["==", "!=", "<", ">", "&&", "||", "?", ")", "]", "[", ".", ",", "+", "*", "/", "in "];
    OPERATORS.iter().any(|operator| rest.trim_start().starts_with(operator))
}

/// What follows a colon without a blank: `{password:hunter2}` is one key to YAML, and a secret to its author.
fn find_glued_values(text: &str, names: &BTreeSet<String>) -> Vec<Range<usize>> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let glued = text.match_indices(':').filter_map(|(colon, _)| {
        let start = text[..colon]
            .rfind(|c| !is_word(c))
            .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        let name = &text[start..colon];
        if !names.contains(name) && !is_likely_secret_field(name) {
            return None;
        }
        let rest = &text[colon + 1..];
        let length = rest.find([',', '}', ']', ' ', '\t', '\r', '\n']).unwrap_or(rest.len());
        Some(colon + 1..colon + 1 + length)
    });
    glued.collect()
}

/// Comments behind a value: the line is quoted with them, and the old password may stand there.
fn find_comments_behind_values(text: &str) -> Vec<Range<usize>> {
    let comments = lines::line_ranges(text, 0).filter_map(|line| {
        let comment = text[line.clone()].find(" #").map(|at| line.start + at + 2)?;
        let is_behind_value = !text[line.start..comment].trim_matches([' ', '\t', '#']).is_empty();
        is_behind_value.then_some(comment..line.end)
    });
    comments.collect()
}

/// The names of secret fields.
// A similar name counts as well: behind a misspelt key, such as `pasword`, is a secret all the same, and exactly that
// line is quoted.
struct SecretFieldNames<'n> {
    names: &'n BTreeSet<String>,
    known: HashMap<String, bool>,
}

impl SecretFieldNames<'_> {
    const MAX_KEY_LENGTH: usize = 40;

    /// Also a name that only sounds like one: `pwd`, `keySecret`.
    fn is_any_secret(&mut self, key: &str) -> bool {
        self.is_secret_field(key) || is_secret_value_name(key)
    }

    fn is_secret_field(&mut self, key: &str) -> bool {
        if key.len() > Self::MAX_KEY_LENGTH {
            return false;
        }
        if let Some(&known) = self.known.get(key) {
            return known;
        }
        let found = self.names.iter().any(|name| is_similar_name(key, name));
        self.known.insert(key.to_owned(), found);
        found
    }
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

#[cfg(test)]
mod tests;
