//! Finds a secret in a text: plain, or escaped as in JSON, a URL or HTML, in any mixture.

use std::ops::Range;

/// Whether the text begins with the whole secret.
pub(super) fn starts_with_secret(text: &str, secret: &str) -> bool {
    let (count, _) = longest_match(text, secret);
    count == secret.chars().count()
}

/// The length in bytes of the secret at the beginning of the text, or of a prefix or suffix of it with at least `least`
/// characters.
pub(super) fn matched_length(text: &str, secret: &str, least: usize) -> usize {
    let (count, length) = longest_match(text, secret);
    let all = secret.chars().count();
    if count == all || count >= least {
        return length;
    }
    let mut ends = secret.char_indices().skip(1).take(all.saturating_sub(least));
    let end = ends.find(|(from, _)| starts_with_secret(text, &secret[*from..]));
    end.map_or(0, |(from, _)| longest_match(text, &secret[from..]).1)
}

/// The same without suffixes.
pub(super) fn matched_prefix(text: &str, secret: &str, least: usize) -> usize {
    if !may_start(text, secret) {
        return 0;
    }
    let (count, length) = longest_match(text, secret);
    if count == secret.chars().count() || count >= least { length } else { 0 }
}

/// The longest part of a secret that no format escapes: letters and digits.
pub(super) fn unescaped_run(secret: &str) -> &str {
    secret.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default()
}

/// The places where an output contains the whole secret, in any mixture of escapes.
pub(super) fn find_in_output(text: &str, secret: &str) -> Vec<Range<usize>> {
    if !text.contains(unescaped_run(secret)) {
        return Vec::new();
    }
    // The end of a JSON text, or a start within an escape, is a part of the document.
    let is_json = text.trim_start().starts_with(['{', '[']);
    let is_escaped = |at: usize| text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
    let is_content = |range: &Range<usize>| {
        let mut quotes = text[range.clone()].match_indices('"').map(|(at, _)| range.start + at);
        !is_json || !is_escaped(range.start) && quotes.all(is_escaped)
    };
    let places = text.char_indices().map(|(at, _)| at).filter(|at| may_start(&text[*at..], secret));
    let found = places.filter_map(|at| {
        let (count, length) = longest_match(&text[at..], secret);
        (count == secret.chars().count()).then_some(at..at + length)
    });
    found.filter(is_content).collect()
}

/// Nearly every place of a text begins with none of a thousand secrets.
fn may_start(text: &str, secret: &str) -> bool {
    let first = secret.chars().next();
    first.is_some_and(|c| text.starts_with(c)) || text.starts_with(['%', '&', '\\', '+'])
}

/// The longest prefix of the secret at the beginning of the text: its characters, and their bytes in the text.
fn longest_match(text: &str, secret: &str) -> (usize, usize) {
    // A character may be escaped in several ways at the same place, so every possible position is followed.
    let mut reached = vec![0];
    for (count, c) in secret.chars().enumerate() {
        let further = |at: usize| encoded_lengths(&text[at..], c).into_iter().map(move |it| at + it);
        let mut next: Vec<usize> = reached.iter().copied().flat_map(further).collect();
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return (count, reached.last().copied().unwrap_or_default());
        }
        reached = next;
    }
    (secret.chars().count(), reached.last().copied().unwrap_or_default())
}

/// The lengths in bytes of the spellings of `c` at the beginning of the text.
fn encoded_lengths(text: &str, c: char) -> Vec<usize> {
    let literal = text.starts_with(c).then(|| c.len_utf8());
    let mut lengths: Vec<usize> = literal.into_iter().collect();
    match text.as_bytes().first() {
        Some(b'+') if c == ' ' => lengths.push(1),
        Some(b'%') => lengths.extend(prefix_length(text, &url_encoding(c))),
        Some(b'&') => lengths.extend(html_encodings(c).iter().find_map(|it| prefix_length(text, it))),
        Some(b'\\') => lengths.extend(json_escape_lengths(text, c)),
        _ => {}
    }
    lengths
}

fn prefix_length(text: &str, with: &str) -> Option<usize> {
    let start = text.get(..with.len())?;
    start.eq_ignore_ascii_case(with).then_some(with.len())
}

fn url_encoding(c: char) -> String {
    let bytes: Vec<String> = c.encode_utf8(&mut [0; 4]).bytes().map(|it| format!("%{it:02x}")).collect();
    bytes.concat()
}

fn html_encodings(c: char) -> Vec<String> {
    let name = match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&apos;",
        _ => "",
    };
    let code = u32::from(c);
    let forms = [name.to_owned(), format!("&#{code};"), format!("&#x{code:x};")];
    forms.into_iter().filter(|form| !form.is_empty()).collect()
}

fn json_escape_lengths(text: &str, c: char) -> Vec<usize> {
    // Text that was put into JSON several times has more than one backslash before each escape.
    let backslashes = text.bytes().take_while(|byte| *byte == b'\\').count();
    if c == '\\' {
        return (2..=backslashes).collect();
    }
    let (slashes, rest) = text.split_at(backslashes);
    let short = match c {
        '\n' => "n",
        '\r' => "r",
        '\t' => "t",
        '\u{8}' => "b",
        '\u{c}' => "f",
        '"' => "\"",
        '\'' => "'",
        '/' => "/",
        _ => "",
    };
    let short = (!short.is_empty() && rest.starts_with(short)).then_some(backslashes + 1);
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter().map(|unit| format!("{slashes}u{unit:04x}"));
    let code = prefix_length(text, &units.collect::<Vec<_>>().concat());
    short.into_iter().chain(code).collect()
}
