//! Whether a text spells a secret: as it is, or as JSON, a URL or HTML would, in any mixture.

/// Whether the text begins with the whole secret.
pub(super) fn whole(text: &str, secret: &str) -> bool {
    let (count, _) = longest(text, secret);
    count == secret.chars().count()
}

/// How much of the text, in bytes, is the secret, or a beginning or an end of it that has at least
/// so many characters.
pub(super) fn part(text: &str, secret: &str, least: usize) -> usize {
    let (count, length) = longest(text, secret);
    let all = secret.chars().count();
    if count == all || count >= least {
        return length;
    }
    let mut ends = secret.char_indices().skip(1).take(all.saturating_sub(least));
    let end = ends.find(|(from, _)| whole(text, &secret[*from..]));
    end.map_or(0, |(from, _)| longest(text, &secret[from..]).1)
}

/// How many characters of the secret the text begins with, and how long they are in it.
fn longest(text: &str, secret: &str) -> (usize, usize) {
    let mut reached = vec![0];
    for (count, c) in secret.chars().enumerate() {
        let further = |at: usize| spellings(&text[at..], c).into_iter().map(move |it| at + it);
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

/// The lengths of what the text begins with, if it stands for this character.
fn spellings(text: &str, c: char) -> Vec<usize> {
    let plain = text.starts_with(c).then(|| c.len_utf8());
    let mut lengths: Vec<usize> = plain.into_iter().collect();
    match text.as_bytes().first() {
        Some(b'+') if c == ' ' => lengths.push(1),
        Some(b'%') => lengths.extend(begins(text, &in_url(c))),
        Some(b'&') => lengths.extend(in_html(c).iter().find_map(|it| begins(text, it))),
        Some(b'\\') => lengths.extend(escaped(text, c)),
        _ => {}
    }
    lengths
}

fn begins(text: &str, with: &str) -> Option<usize> {
    let start = text.get(..with.len())?;
    start.eq_ignore_ascii_case(with).then_some(with.len())
}

fn in_url(c: char) -> String {
    let bytes: Vec<String> =
        c.encode_utf8(&mut [0; 4]).bytes().map(|it| format!("%{it:02x}")).collect();
    bytes.concat()
}

fn in_html(c: char) -> Vec<String> {
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

/// What is written in JSON more than once has more than one backslash.
fn escaped(text: &str, c: char) -> Vec<usize> {
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
    let code = begins(text, &units.collect::<Vec<_>>().concat());
    short.into_iter().chain(code).collect()
}
