//! The one place that writes YAML.

use serde_json::Value;

/// The value as a YAML document, quoted so that readers of YAML 1.1 understand it alike. Keys keep
/// their order and long lines stay whole.
pub(crate) fn write(value: &Value) -> String {
    let options = serde_yaml::ser_options! {
        compact_list_indent: false,
        folded_wrap_chars: usize::MAX,
        min_fold_chars: usize::MAX,
    };
    // Every JSON value can be written; an empty document would be seen at once.
    serde_yaml::to_string_with_options(value, options).unwrap_or_default()
}
