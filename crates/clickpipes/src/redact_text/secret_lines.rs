//! Finds the lines near the names of secrets that may hold one.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex_lite::Regex;

use super::KNOWN_SECRET;
use super::lines::{self, indent_width};
use super::secret_words::{SecretBlock, SecretWords, is_login_field};
use crate::manifest;

/// What may be a secret in a text.
#[derive(Default)]
pub(super) struct SecretLines<'t> {
    pub(super) hidden: Vec<Range<usize>>,
    /// The last part of the name of each variable that stands in the place of a secret: `pw` of `${with.pw}`.
    pub(super) variables: BTreeSet<&'t str>,
    /// The names of the aliases there: `p` of `*p`.
    aliases: BTreeSet<&'t str>,
    /// The names of all anchors of the text. `*word` without one may be a password.
    anchors: BTreeSet<&'t str>,
}

/// Reads a text line by line.
pub(super) fn find_secret_lines<'t>(text: &'t str, words: &SecretWords) -> SecretLines<'t> {
    let found = read_lines(text, words, &BTreeSet::new());
    // The anchor of an alias stands elsewhere, mostly before it.
    if found.aliases.is_empty() { found } else { read_lines(text, words, &found.aliases) }
}

fn read_lines<'t>(text: &'t str, words: &SecretWords, of_secrets: &BTreeSet<&str>) -> SecretLines<'t> {
    let anchors = text.match_indices('&').map(|(at, _)| node_name(&text[at + 1..])).collect();
    let mut found = SecretLines { anchors, ..SecretLines::default() };
    // The keys of secrets around a line, by their columns.
    let mut open: Vec<(usize, SecretBlock)> = Vec::new();
    let mut follows_secret = false;
    for line in lines::line_ranges(text, 0).filter(|line| !text[line.clone()].trim().is_empty()) {
        let whole = &text[line.clone()];
        let (indent, body) = (indent_width(whole), &whole[indent_width(whole)..]);
        // YAML allows the entries of a list at the indentation of their key.
        while open.last().is_some_and(|(key, _)| indent < *key || indent == *key && !body.starts_with("- ")) {
            open.pop();
        }
        // YAML ends a value before what is indented too little, and quotes just that line.
        let continues = follows_secret && !looks_like_yaml(body);
        let around = open.last().map(|(_, block)| *block).or(continues.then_some(SecretBlock::Secret));
        let has_anchor = body.match_indices('&').any(|(at, _)| of_secrets.contains(node_name(&body[at + 1..])));
        follows_secret = around.is_some() || has_anchor || words.has_secret_word(body) || has_login_key(body);
        let is_comment = body.starts_with('#');
        if !follows_secret || is_comment {
            found.hidden.extend((follows_secret && is_comment).then_some(line.start + indent..line.end));
            continue;
        }
        let entry = body.trim_start_matches(['-', '?', ' ', '\t']);
        let start = line.end - entry.len();
        match judge_line(entry, around, words, &mut found) {
            Ok(below) if !has_anchor => open.extend(below.map(|block| (start - line.start, block))),
            judged => {
                let is_name = |key: &str| match around {
                    Some(SecretBlock::Secret) => is_reference_key(key),
                    _ => words.is_whole_name(key),
                };
                let first = split_entry(entry).filter(|(key, _)| is_name(key));
                let key = first.map(|(_, value)| (start - line.start, line.end - value.len()));
                found.hidden.push(key.map_or(start, |(_, value)| value)..line.end);
                let column = match (around, key) {
                    (None, Some((column, _))) => column,
                    (None, None) => indent + usize::from(body.starts_with("- ")),
                    // The other fields of a list entry may belong to it: `- path: clientSecret`, and `value: …` below.
                    (Some(_), _) => indent,
                };
                open.push((column, judged.ok().flatten().unwrap_or(SecretBlock::Secret)));
            }
        }
    }
    found
}

/// A line may hold a secret.
struct MayHoldSecret;

/// What stands below a line that holds no secret: all that is left of it without references are names, and values that no
/// secret has the name of.
fn judge_line<'t>(
    line: &'t str,
    mut around: Option<SecretBlock>,
    words: &SecretWords,
    found: &mut SecretLines<'t>,
) -> Result<Option<SecretBlock>, MayHoldSecret> {
    /// The longest line that is quoted.
    const LONGEST: usize = 16 * 1024;
    if line.len() > LONGEST {
        return Err(MayHoldSecret);
    }
    let line = &line[..line.find(" #").unwrap_or(line.len())];
    for part in split_at_brackets(line) {
        let (key, value) = split_entry(part).unwrap_or(("", part));
        if around == Some(SecretBlock::Secret) || words.block_below(key).is_some() {
            found.add_names(value);
        }
    }
    let mut below = None;
    for part in
        split_at_brackets(&REFERENCE.replace_all(line, KNOWN_SECRET.to_string())).filter(|part| !part.is_empty())
    {
        let Some((key, value)) = split_entry(part) else {
            if !is_known(part) && (around.is_some() || words.has_secret_word(part)) {
                return Err(MayHoldSecret);
            }
            continue;
        };
        let value = value.trim_matches(['"', '\'']);
        // `{path: source.kafka.clientSecret, value: …}` below `additional`, and a column of the name `token` elsewhere.
        let is_plain = !words.has_secret_word(value) || around.is_none() && words.is_whole_name(value);
        let block = words.block_below(key).or(is_login_key(key).then_some(SecretBlock::Secret));
        let is_safe = words.is_whole_name(key)
            && match (block, around) {
                (Some(_), _) => value.is_empty() || found.is_no_secret(value) || is_literal_head(value),
                (None, None | Some(SecretBlock::Additional)) => is_plain,
                (None, Some(SecretBlock::Login)) => is_plain && (is_login_field(key) || is_reference_key(key)),
                (None, Some(SecretBlock::Secret)) => is_reference_key(key) && is_one_word(value),
            };
        if !is_safe {
            return Err(MayHoldSecret);
        }
        if block.is_some() && (value.is_empty() || is_literal_head(value)) {
            (around, below) = (block, block);
        }
    }
    Ok(below)
}

impl<'t> SecretLines<'t> {
    fn is_no_secret(&self, value: &str) -> bool {
        let is_alias = value.strip_prefix('*').is_some_and(|name| self.anchors.contains(name));
        // The reader is to see which variable is wrong. Its value is at its own place.
        is_alias || is_known(value) || matches!(value, "true" | "false" | "null") || manifest::is_shared_variable(value)
    }

    fn add_names(&mut self, value: &'t str) {
        let variables = value.split("${").skip(1).filter_map(|rest| rest.split_once('}')?.0.rsplit('.').next());
        self.variables.extend(variables);
        self.aliases.extend(value.strip_prefix('*').map(node_name).filter(|name| !name.is_empty()));
    }
}

/// A whole reference in braces, or the command of one.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let command = r#"["']?fromCommand["']?:\s+\[[^\[\]{}]*\]"#;
    let name = r#"["']?(?:\$\{[\w.:-]+\}|[^\s"'{}\[\],:])+["']?"#;
    let entry = format!(r#"(?:{command}|["']?(?:fromEnv|fromFile|encoding|version)["']?:\s+{name})"#);
    Regex::new(&format!(r"\{{\s*{entry}(?:\s*,\s*{entry})*\s*\}}|{command}")).expect("it is a regular expression")
});

fn is_known(value: &str) -> bool {
    !value.is_empty() && value.chars().all(|c| c == KNOWN_SECRET)
}

/// Whether a value is the head of a text below. Else it begins a password.
fn is_literal_head(value: &str) -> bool {
    let rest = value.strip_prefix(['|', '>']);
    rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-')))
}

fn is_one_word(value: &str) -> bool {
    !value.contains([' ', '\t', ':'])
}

/// Keys that people take for those of credentials: `kafka: {key: …}`. In prose and in names they are ordinary words.
fn is_login_key(key: &str) -> bool {
    ["key", "sasl", "jaas", "auth"].iter().any(|name| key.eq_ignore_ascii_case(name))
}

fn has_login_key(line: &str) -> bool {
    let entry = line.trim_start_matches(['-', '?', ' ', '\t']);
    split_at_brackets(entry).filter_map(split_entry).any(|(key, _)| is_login_key(key))
}

/// The keys of a reference to a secret.
fn is_reference_key(key: &str) -> bool {
    matches!(key, "fromEnv" | "fromFile" | "fromCommand" | "encoding" | "version")
}

/// The parts between brackets, braces and commas. Braces of a variable are a part of its name.
fn split_at_brackets(line: &str) -> impl Iterator<Item = &str> {
    let (mut before, mut is_variable) = (' ', false);
    let parts = line.split(move |c| {
        is_variable = if is_variable { before != '}' } else { before == '$' && c == '{' };
        before = c;
        !is_variable && matches!(c, '{' | '}' | '[' | ']' | ',')
    });
    parts.map(str::trim)
}

/// The key and the value of `key: value`.
fn split_entry(part: &str) -> Option<(&str, &str)> {
    let (key, value) = part.split_once(':')?;
    let is_key = value.is_empty() || value.starts_with([' ', '\t']);
    is_key.then(|| (key.trim().trim_matches(['"', '\'']), value.trim_start()))
}

/// The name of an anchor or an alias, from its start.
fn node_name(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}'));
    &text[..end.unwrap_or(text.len())]
}

fn looks_like_yaml(line: &str) -> bool {
    line.starts_with(['#', '{', '}', '[', ']', '-'])
        || line.trim_end() == "..."
        || split_entry(line).is_some_and(|(key, _)| !key.is_empty())
}
