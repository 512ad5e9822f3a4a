//! Selects objects by their labels, in the syntax of `kubectl`.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Requirements for the labels of an object: `team in (a, b), !legacy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector(Vec<LabelRequirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct LabelRequirement {
    key: String,
    /// `None` asks for the key alone.
    values: Option<Vec<String>>,
    is_negated: bool,
}

impl LabelSelector {
    /// Whether the labels fulfil every requirement. As in `kubectl`, `!=` and `notin` also select objects without the
    /// label.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|it| {
            let value = labels.get(&it.key);
            let is_met = match &it.values {
                None => value.is_some(),
                Some(values) => value.is_some_and(|value| values.contains(value)),
            };
            is_met != it.is_negated
        })
    }
}

impl FromStr for LabelSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        split_requirements(text)?.into_iter().map(parse_requirement).collect::<Result<_, _>>().map(Self)
    }
}

/// Reads the name of a label.
pub fn parse_label_key(text: &str) -> Result<String, String> {
    let is_key = !text.is_empty() && !text.contains([' ', '=', '!', '(', ')', ',', '<', '>']);
    is_key.then(|| text.to_owned()).ok_or_else(|| format!("`{text}` is not the name of a label"))
}

/// Splits at the commas that are not in a set.
fn split_requirements(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut is_in_set) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            '(' | ')' if is_in_set == (c == '(') => return Err(format!("`{text}` has a bracket too many")),
            '(' => is_in_set = true,
            ')' => is_in_set = false,
            ',' if !is_in_set => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if is_in_set {
        return Err(format!("`{text}` has a set that is not closed"));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn parse_requirement(text: &str) -> Result<LabelRequirement, String> {
    let text = text.trim();
    let what = if text.is_empty() { "a part of the selector is empty".to_owned() } else { format!("`{text}`") };
    let help = || format!("{what}: write KEY=VALUE, KEY!=VALUE, `KEY in (A, B)`, `KEY notin (A, B)`, KEY or !KEY");
    let requirement = |key: &str, values: Option<Vec<String>>, is_negated| {
        let key = parse_label_key(key.trim()).map_err(|_| help())?;
        Ok(LabelRequirement { key, values, is_negated })
    };
    if let Some(set) = text.strip_suffix(')') {
        let (left, values) = set.split_once('(').ok_or_else(help)?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        if values.iter().any(String::is_empty) {
            return Err(help());
        }
        let (key, word) = left.trim().rsplit_once(' ').ok_or_else(help)?;
        return match word {
            "in" => requirement(key, Some(values), false),
            "notin" => requirement(key, Some(values), true),
            _ => Err(help()),
        };
    }
    for (sign, is_negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = text.split_once(sign) {
            return requirement(key, Some(vec![value.trim().to_owned()]), is_negated);
        }
    }
    match text.strip_prefix('!') {
        Some(key) => requirement(key, None, true),
        None => requirement(text, None, false),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::LabelSelector;

    #[test]
    fn selector_reads_the_syntax_of_kubectl() {
        let labels =
            BTreeMap::from([("team", "a"), ("tier", "x=y")].map(|(key, value)| (key.to_owned(), value.to_owned())));
        for (selector, matches) in [
            ("team=a", true),
            ("team==a", true),
            ("team=b", false),
            ("team!=b", true),
            ("team in (b, a)", true),
            ("team in (b),tier", false),
            ("team notin (b,c), tier", true),
            ("owner notin (b)", true),
            ("owner", false),
            ("!owner,team", true),
            ("!team", false),
            ("tier=x=y", true),
        ] {
            let selector: LabelSelector = selector.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(selector.matches(&labels), matches, "{selector:?}");
        }
        for wrong in [
            "",
            "team in a",
            "team in (a",
            "team (a)",
            "a b",
            "=a",
            "team in (a))",
            "!",
            "a,,b",
            "a>1",
            "a in ()",
            "a in (b,)",
        ] {
            assert!(wrong.parse::<LabelSelector>().is_err(), "{wrong}");
        }
    }
}
