//! The common beginning and end of texts, at the borders of words.

/// Texts as `before`, one of `words`, and `after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TextParts {
    pub(super) before: String,
    /// One word for each text.
    pub(super) words: Vec<String>,
    pub(super) after: String,
}

/// Removes the common beginning and end of all texts, as long as whole words are left: `orders` and `clicks` keep their
/// `s`.
pub(super) fn common_parts(texts: Vec<String>) -> TextParts {
    let Some(first) = texts.first().cloned() else { return TextParts::default() };
    let before = common_start(&first, &texts);
    let rests: Vec<&str> = texts.iter().map(|text| &text[before.len()..]).collect();
    let after = common_end(&first[before.len()..], &rests);
    let words: Vec<String> = rests.iter().map(|rest| rest[..rest.len() - after.len()].to_owned()).collect();
    if words.iter().any(String::is_empty) {
        return TextParts { words: texts, ..TextParts::default() };
    }
    TextParts { before: before.to_owned(), words, after: after.to_owned() }
}

fn common_start<'t>(first: &'t str, texts: &[String]) -> &'t str {
    let is_common = |end: usize| texts.iter().all(|text| text.starts_with(&first[..end]));
    // A `$` before `${each.name}` would escape it.
    let ends = first.char_indices().filter(|(_, c)| !c.is_alphanumeric() && *c != '$');
    let ends = ends.map(|(at, c)| at + c.len_utf8());
    let longest = ends.take_while(|end| is_common(*end)).last();
    &first[..longest.unwrap_or_default()]
}

fn common_end<'t>(first: &'t str, texts: &[&str]) -> &'t str {
    let is_common = |start: usize| texts.iter().all(|text| text.ends_with(&first[start..]));
    let starts = first.char_indices().rev().filter(|(_, c)| !c.is_alphanumeric());
    let longest = starts.map(|(at, _)| at).take_while(|start| is_common(*start)).last();
    &first[longest.unwrap_or(first.len())..]
}

#[cfg(test)]
mod tests {
    use super::common_parts;

    fn parts(texts: &[&str]) -> (String, Vec<String>, String) {
        let parts = common_parts(texts.iter().map(ToString::to_string).collect());
        (parts.before, parts.words, parts.after)
    }

    #[test]
    fn common_parts_end_at_words() {
        for (texts, before, words, after) in [
            (["orders", "clicks"], "", ["orders", "clicks"], ""),
            (["eu-orders_v2", "eu-clicks_v2"], "eu-", ["orders", "clicks"], "_v2"),
            (["eu-orders-v2", "eu-orders-v3"], "eu-orders-", ["v2", "v3"], ""),
            (["a-b", "a-"], "", ["a-b", "a-"], ""),
            (["-a", "-a-a"], "-", ["a", "a-a"], ""),
            (["a.b.c", "a.b.b.c"], "a.b.", ["c", "b.c"], ""),
            (["x$orders", "x$clicks"], "", ["x$orders", "x$clicks"], ""),
            (["\u{fc}\u{2013}a", "\u{fc}\u{2013}b"], "\u{fc}\u{2013}", ["a", "b"], ""),
        ] {
            let (before, after) = (before.to_owned(), after.to_owned());
            assert_eq!(parts(&texts), (before, words.map(str::to_owned).to_vec(), after), "{texts:?}");
        }
    }
}
