//! The one place that writes YAML.

use std::collections::BTreeMap;

use model::path::FieldPath;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The value as a YAML document. Keys keep their order, long lines stay whole, and texts are quoted where a reader of
/// YAML 1.1 would take them for another type.
pub(crate) fn write_yaml(value: &Value) -> String {
    serialize_yaml(value)
}

fn serialize_yaml(value: &impl Serialize) -> String {
    let options = serde_yaml::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
    };
    // A JSON value has no type that YAML lacks, so this cannot fail.
    serde_yaml::to_string_with_options(value, options).unwrap_or_default()
}

/// The value as YAML, with comments behind scalars, by their paths.
pub(crate) fn write_commented_yaml(value: &Value, comments: &BTreeMap<FieldPath, String>) -> String {
    serialize_yaml(&CommentedValue { value, path: FieldPath::root(), comments })
}

struct CommentedValue<'c> {
    value: &'c Value,
    path: FieldPath,
    comments: &'c BTreeMap<FieldPath, String>,
}

impl CommentedValue<'_> {
    fn child_value<'v>(&'v self, value: &'v Value, segment: impl ToString) -> CommentedValue<'v> {
        CommentedValue { value, path: self.path.child(segment), comments: self.comments }
    }
}

impl Serialize for CommentedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.comments.get(&self.path)) {
            (Value::Object(fields), _) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, self.child_value(value, name))))
            }
            (Value::Array(items), _) => {
                serializer.collect_seq(items.iter().enumerate().map(|(at, value)| self.child_value(value, at)))
            }
            (value, Some(comment)) => serde_yaml::Commented(value, comment.clone()).serialize(serializer),
            (value, None) => value.serialize(serializer),
        }
    }
}
