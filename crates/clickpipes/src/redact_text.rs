//! Hides secrets in quoted lines of manifests.
//
// Diagnostics quote lines of files that are not valid YAML, so this works on text and not on a tree. It does not look for
// secrets, of which any text may be one: a line near the name of a secret is shown only if it is one that cannot hold a
// secret, such as a reference. Hiding a word is ugly, showing a password in the log of CI is a leak.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::secrets::forms::secret_ranges;

mod lines;
mod messages;
mod secret_lines;
mod secret_words;

pub use messages::redact_messages;
use secret_lines::find_secret_lines;
use secret_words::SecretWords;

/// Hides the secrets in the texts of one run, which share templates.
pub struct TextRedactor {
    words: SecretWords,
}

impl TextRedactor {
    /// Reads in all texts of a run which values templates and entries bring into secret fields: with
    /// `password: "${with.pw}"` anywhere, `pw` is a secret field everywhere.
    pub fn for_texts<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = texts.filter(|text| text.contains("${")).collect();
        let mut words = SecretWords::default();
        // The value comes from a parameter, that from an entry, that from a variable of the environment.
        for _ in 0..3 {
            let found: BTreeSet<&str> =
                texts.iter().flat_map(|text| find_secret_lines(text, &words).variables).collect();
            words.add_names(found);
        }
        Self { words }
    }

    /// The text with each byte that may be of a literal secret replaced by `*`: what is not clearly something else near the
    /// name of a secret, passwords in URIs, private keys, comments, and what is `known` to be a secret. Positions stay
    /// valid.
    pub fn redact(&self, text: &str, known: impl IntoIterator<Item = Range<usize>>) -> String {
        let known = known.into_iter().map(|range| range.start.min(text.len())..range.end.min(text.len()));
        let known: Vec<_> = known.collect();
        // Without what is known, the rest of its line may be as harmless as that of a reference.
        let rest = replace_ranges(text, &known, KNOWN_SECRET);
        let mut hidden = find_secret_lines(&rest, &self.words).hidden;
        hidden.extend(find_uri_passwords(&rest));
        hidden.extend(secret_ranges(&rest));
        hidden.extend(find_comments_behind_values(&rest));
        hidden.extend(known);
        replace_ranges(text, &hidden, '*')
    }
}

/// Stands for what is not part of a line to judge. No text has this character.
const KNOWN_SECRET: char = '\u{1}';

fn replace_ranges(text: &str, hidden: &[Range<usize>], mark: char) -> String {
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
            shown.extend(std::iter::repeat_n(mark, c.len_utf8()));
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

/// Comments behind a value: the line is quoted with them, and the old password may stand there.
fn find_comments_behind_values(text: &str) -> Vec<Range<usize>> {
    let comments = lines::line_ranges(text, 0).filter_map(|line| {
        let comment = text[line.clone()].find(" #").map(|at| line.start + at + 2)?;
        let is_behind_value = !text[line.start..comment].trim_matches([' ', '\t', '#']).is_empty();
        is_behind_value.then_some(comment..line.end)
    });
    comments.collect()
}

#[cfg(test)]
mod tests;
