//! Values and their differences in words.

use std::collections::BTreeSet;

use clickpipes::semantics::KeyedList;
pub(crate) use model::excerpt::short_pair;
use serde_json::{Map, Value};

/// The characters of a value in an overview. `--diff` shows all of it.
pub(crate) const MAX_VALUE_CHARS: usize = 60;

/// One value, cut if it is too long.
pub(crate) fn short_value(value: &Value) -> String {
    crate::escape::truncate_chars(&value.to_string(), MAX_VALUE_CHARS)
}

/// One difference inside a list or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `+`, `-` or `~`.
    pub(crate) sign: char,
    pub(crate) text: String,
}

impl Difference {
    fn new(sign: char, text: String) -> Self {
        Self { sign, text }
    }

    /// Sign and text.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.sign, self.text)
    }
}

/// The differences inside lists of objects and inside long values. Empty if the values themselves are clearer.
pub(crate) fn differences(before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let is_long = [before, after].into_iter().flatten().any(|it| it.to_string().chars().count() > MAX_VALUE_CHARS);
    match (before, after) {
        (Some(Value::Object(before)), Some(Value::Object(after))) if is_long => {
            changed_members(before, after).map(|text| Difference::new('~', text)).collect()
        }
        (None | Some(Value::Array(_)), None | Some(Value::Array(_))) => {
            let [before, after] =
                [before, after].map(|side| side.and_then(Value::as_array).map_or(&[][..], Vec::as_slice));
            let has_objects = before.iter().chain(after).any(Value::is_object);
            if has_objects || is_long { list_differences(before, after) } else { Vec::new() }
        }
        _ => Vec::new(),
    }
}

/// The entries of a new list, each named as where it is added to a list that exists.
pub(crate) fn created_entries(keyed: &KeyedList, entries: &[Value]) -> Vec<Difference> {
    let line = |entry: &Value| describe_entry(entry, &keyed.entry_label(entry), &keyed.identity);
    entries.iter().map(|entry| Difference::new('+', line(entry))).collect()
}

/// The differences of two objects in one line: `engine "MergeTree" -> "Null", database (unset) -> "raw"`.
pub(crate) fn member_differences(before: &Value, after: &Value) -> String {
    let none = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    changed_members(before, after).collect::<Vec<_>>().join(", ")
}

/// Members that only `before` has are not managed, so they are not a difference.
fn changed_members<'v>(
    before: &'v Map<String, Value>,
    after: &'v Map<String, Value>,
) -> impl Iterator<Item = String> + 'v {
    let differing = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
    differing.map(|(name, value)| match before.get(name) {
        Some(old) => format!("{name} {}", short_pair(old, value, MAX_VALUE_CHARS).join(" -> ")),
        None => format!("{name} (unset) -> {}", short_value(value)),
    })
}

/// Entry by entry: removed, changed, added. Two entries are the same one if they have the same identity.
fn list_differences(before: &[Value], after: &[Value]) -> Vec<Difference> {
    let key = identifying_member(before, after);
    let identity = |entry: &Value| key.and_then(|key| entry.get(key)).cloned();
    let removed = entries_without(before, after);
    let added = entries_without(after, before);
    if removed.is_empty() && added.is_empty() {
        return vec![Difference::new('~', "the same entries in another order".to_owned())];
    }
    let same_entry = |entry: &Value, others: &[&'_ Value]| {
        let wanted = identity(entry)?;
        others.iter().position(|other| identity(other).as_ref() == Some(&wanted))
    };
    let describe = |entry: &Value| match identity(entry).zip(key) {
        Some((name, key)) => describe_entry(entry, &plain_value(&name), &[key]),
        None => short_value(entry),
    };
    let mut lines: Vec<Difference> = Vec::new();
    for entry in removed.iter().filter(|entry| same_entry(entry, &added).is_none()) {
        lines.push(Difference::new('-', describe(entry)));
    }
    for entry in &added {
        match same_entry(entry, &removed) {
            Some(old) => {
                let name = identity(entry).as_ref().map(plain_value).unwrap_or_default();
                let members = member_differences(removed[old], entry);
                if !members.is_empty() {
                    lines.push(Difference::new('~', format!("{name}: {members}")));
                }
            }
            None => lines.push(Difference::new('+', describe(entry))),
        }
    }
    lines
}

/// The entries that `others` lacks; an entry that occurs twice needs two of them.
fn entries_without<'v>(entries: &'v [Value], others: &[Value]) -> Vec<&'v Value> {
    let mut rest: Vec<&Value> = others.iter().collect();
    let is_extra = |entry: &&Value| match rest.iter().position(|other| other == entry) {
        Some(index) => {
            rest.swap_remove(index);
            false
        }
        None => true,
    };
    entries.iter().filter(is_extra).collect()
}

/// The member that identifies the entries of both lists: a text that every entry has and that is unique on each side.
fn identifying_member<'v>(before: &'v [Value], after: &'v [Value]) -> Option<&'v str> {
    let first = after.first().or(before.first())?.as_object()?;
    let is_unique = |list: &[Value], key: &str| {
        let texts: Vec<&str> = list.iter().filter_map(|entry| entry.get(key)?.as_str()).collect();
        texts.len() == list.len() && texts.iter().collect::<BTreeSet<_>>().len() == list.len()
    };
    first.keys().map(String::as_str).find(|key| is_unique(before, key) && is_unique(after, key))
}

/// An entry in one line: its name, then the members that the name does not say. The name of a type speaks for itself.
fn describe_entry(entry: &Value, name: &str, in_name: &[impl AsRef<str>]) -> String {
    let members = entry.as_object().into_iter().flatten();
    let rest = members.filter(|(member, _)| !in_name.iter().any(|it| it.as_ref() == *member));
    let (types, rest): (Vec<_>, Vec<_>) = rest.partition(|(member, _)| *member == "type");
    let types = types.iter().map(|(_, value)| format!(" {}", plain_value(value)));
    let rest = rest.iter().map(|(member, value)| format!(", {member} {}", plain_value(value)));
    format!("{name}{}", types.chain(rest).collect::<String>())
}

/// A text without quotes if it needs none.
fn plain_value(value: &Value) -> String {
    match value {
        Value::String(text)
            if !text.is_empty() && !text.contains([' ', '"', ',']) && !text.contains(char::is_control) =>
        {
            crate::escape::truncate_chars(text, MAX_VALUE_CHARS)
        }
        _ => short_value(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{differences, short_pair};

    fn difference_lines(before: &Value, after: &Value) -> Vec<String> {
        differences(Some(before), Some(after)).iter().map(super::Difference::line).collect()
    }

    #[test]
    fn long_values_never_print_alike() {
        let [before, after] = [1, 2].map(|end| json!(format!("{}{end}{}", "x".repeat(100), "y".repeat(100))));
        let [one, other] = short_pair(&before, &after, 60);
        assert_eq!(one, format!("…{}1{}…", "x".repeat(12), "y".repeat(45)));
        assert_eq!(other, format!("…{}2{}…", "x".repeat(12), "y".repeat(45)));
        assert_eq!(short_pair(&json!("a"), &json!("b"), 60), ["\"a\"", "\"b\""]);
        let longer = json!(format!("{}end", "x".repeat(100)));
        assert_eq!(short_pair(&json!("x".repeat(100)), &longer, 60)[1], "…xxxxxxxxxxxxend\"");
    }

    #[test]
    fn lists_of_objects_differ_entry_by_entry() {
        let column = |name: &str, kind: &str| json!({"name": name, "type": kind});
        let before = json!([column("id", "UInt32"), column("old", "String"), column("same", "Date")]);
        let after = json!([column("id", "UInt64"), column("same", "Date"), column("country", "Decimal(18, 2)")]);
        assert_eq!(
            difference_lines(&before, &after),
            ["- old String", "~ id: type \"UInt32\" -> \"UInt64\"", "+ country \"Decimal(18, 2)\""]
        );
        let turned = json!([column("b", "String"), column("a", "String")]);
        let list = json!([column("a", "String"), column("b", "String")]);
        assert_eq!(difference_lines(&list, &turned), ["~ the same entries in another order"]);
        let mapping = |from: &str| json!({"sourceField": from, "destinationField": "d"});
        assert_eq!(difference_lines(&json!([]), &json!([mapping("a b")])), ["+ \"a b\", destinationField d"]);
    }

    #[test]
    fn short_values_speak_for_themselves() {
        for (before, after) in
            [(json!(["a"]), json!(["a", "b"])), (json!({"a": 1}), json!({"a": 2})), (json!(1), json!(2))]
        {
            assert_eq!(difference_lines(&before, &after), [""; 0]);
        }
        let long = |end: &str| json!({"first": "x".repeat(60), "second": end});
        assert_eq!(difference_lines(&long("a"), &long("b")), ["~ second \"a\" -> \"b\""]);
    }
}
