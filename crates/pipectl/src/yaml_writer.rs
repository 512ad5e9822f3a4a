//! The only module that writes YAML.

use std::collections::{BTreeMap, BTreeSet};

use model::path::FieldPath;
use model::sanitize::escape_yaml_text;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::output::prints_unchanged;

/// The value as a YAML document. Keys keep their order, long lines stay whole, and texts are quoted where a reader of
/// YAML 1.1 would take them for another type.
pub(crate) fn write_yaml(value: &Value) -> String {
    write_commented_yaml(value, &BTreeMap::new())
}

fn serialize_yaml(value: &impl Serialize, keys: &QuotedKeys<'_>) -> String {
    let options = serde_yaml::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
    };
    // A JSON value has no type that YAML lacks, so this cannot fail.
    let yaml = serde_yaml::to_string_with_options(value, options).unwrap_or_default();
    escape_yaml_text(&keys.fill_in(yaml))
}

/// The value as YAML, with comments behind scalars, by their paths.
pub(crate) fn write_commented_yaml(value: &Value, comments: &BTreeMap<FieldPath, String>) -> String {
    let keys = QuotedKeys::of_value(value);
    serialize_yaml(&CommentedValue { value, path: FieldPath::root(), comments, keys: &keys }, &keys)
}

/// Keys that need double quotes, each with a placeholder for the rest of the writing, because the writer cannot quote
/// keys.
struct QuotedKeys<'v>(BTreeMap<&'v str, String>);

impl<'v> QuotedKeys<'v> {
    fn of_value(value: &'v Value) -> Self {
        let mut names = BTreeSet::new();
        collect_unprintable_keys(value, &mut names);
        if names.is_empty() {
            return Self(BTreeMap::new());
        }
        // No word of the document itself.
        let text = value.to_string();
        let mut prefix = "KEY".to_owned();
        while text.contains(&prefix) {
            prefix.push('Y');
        }
        Self(names.into_iter().enumerate().map(|(at, name)| (name, format!("{prefix}{at}E"))).collect())
    }

    fn word_for<'k>(&'k self, name: &'k str) -> &'k str {
        self.0.get(name).map_or(name, String::as_str)
    }

    fn fill_in(&self, mut yaml: String) -> String {
        for (name, word) in &self.0 {
            let quoted = serde_yaml::to_string(&serde_yaml::DoubleQuoted(*name)).unwrap_or_default();
            yaml = yaml.replace(word, quoted.trim_end());
        }
        yaml
    }
}

fn collect_unprintable_keys<'v>(value: &'v Value, names: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if !prints_unchanged(name) {
                    names.insert(name);
                }
                collect_unprintable_keys(value, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_unprintable_keys(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

struct CommentedValue<'c> {
    value: &'c Value,
    path: FieldPath,
    comments: &'c BTreeMap<FieldPath, String>,
    keys: &'c QuotedKeys<'c>,
}

impl CommentedValue<'_> {
    fn child_value<'v>(&'v self, value: &'v Value, segment: impl ToString) -> CommentedValue<'v> {
        CommentedValue { value, path: self.path.child(segment), comments: self.comments, keys: self.keys }
    }
}

impl Serialize for CommentedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.comments.get(&self.path)) {
            (Value::Object(fields), _) => {
                let fields =
                    fields.iter().map(|(name, value)| (self.keys.word_for(name), self.child_value(value, name)));
                serializer.collect_map(fields)
            }
            (Value::Array(items), _) => {
                serializer.collect_seq(items.iter().enumerate().map(|(at, value)| self.child_value(value, at)))
            }
            (Value::String(text), Some(comment)) => {
                serde_yaml::Commented(PrintableText(text), comment.clone()).serialize(serializer)
            }
            (Value::String(text), None) => PrintableText(text).serialize(serializer),
            (value, Some(comment)) => serde_yaml::Commented(value, comment.clone()).serialize(serializer),
            (value, None) => value.serialize(serializer),
        }
    }
}

/// A text in double quotes if the output escapes a part of it: escapes of YAML mean the text only there.
struct PrintableText<'t>(&'t str);

impl Serialize for PrintableText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if prints_unchanged(self.0) {
            return self.0.serialize(serializer);
        }
        serde_yaml::DoubleQuoted(self.0).serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use model::yaml::{PendingDiagnostics, read_documents};
    use serde_json::json;

    use super::write_yaml;

    #[test]
    fn written_texts_are_read_as_they_were() {
        let texts = [
            "plain",
            "a\nb\n",
            "::warning::x",
            "first\n::error::second",
            "##[group]",
            "g\u{200b}h\u{202e}i",
            "tag\u{e0041}",
            "a\tb\u{a0}c",
            "q\"\\\u{2066}",
            "\u{feff}x",
            "\\u{200b}",
            "a\u{1b}[2K",
            "yes",
            " x ",
        ];
        for text in texts {
            let value = json!({"text": text, "list": [text], "n": {"x": text}, text: {text: "KEY0E"}});
            let yaml = write_yaml(&value);
            let read = read_documents(&yaml, &mut PendingDiagnostics::default());
            assert_eq!(read[0].root.to_json(), value, "{yaml}");
            assert!(!yaml.contains(['\u{200b}', '\u{202e}', '\u{e0041}', '\u{a0}', '\u{1b}']), "{yaml}");
            assert!(!yaml.contains("##[") && yaml.lines().all(|line| !line.trim_start().starts_with("::")), "{yaml}");
        }
    }
}
