//! The one place that writes YAML.

use std::collections::BTreeMap;

use model::path::Path;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// The value as a YAML document, quoted so that readers of YAML 1.1 understand it alike. Keys keep
/// their order and long lines stay whole.
pub(crate) fn write(value: &Value) -> String {
    write_any(value)
}

fn write_any(value: &impl Serialize) -> String {
    let options = serde_yaml::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
    };
    // Every JSON value can be written; an empty document would be seen at once.
    serde_yaml::to_string_with_options(value, options).unwrap_or_default()
}

/// The same with a comment behind some of its texts and numbers, by their paths.
pub(crate) fn write_commented(value: &Value, comments: &BTreeMap<Path, String>) -> String {
    write_any(&Commented { value, path: Path::root(), comments })
}

struct Commented<'c> {
    value: &'c Value,
    path: Path,
    comments: &'c BTreeMap<Path, String>,
}

impl Commented<'_> {
    fn below<'v>(&'v self, value: &'v Value, segment: impl ToString) -> Commented<'v> {
        Commented { value, path: self.path.child(segment), comments: self.comments }
    }
}

impl Serialize for Commented<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.value, self.comments.get(&self.path)) {
            (Value::Object(fields), _) => serializer
                .collect_map(fields.iter().map(|(name, value)| (name, self.below(value, name)))),
            (Value::Array(items), _) => serializer
                .collect_seq(items.iter().enumerate().map(|(at, value)| self.below(value, at))),
            (value, Some(comment)) => {
                serde_yaml::Commented(value, comment.clone()).serialize(serializer)
            }
            (value, None) => value.serialize(serializer),
        }
    }
}
