//! Fields that both git and somebody else changed.

use model::excerpt::short_pair;
use serde_json::Value;

/// Longest value in a sentence.
const MAX_VALUE_CHARS: usize = 40;

/// A field that git and somebody else changed, to different values.
#[derive(Clone, Debug, PartialEq)]
pub struct ConflictingField {
    /// Its path, and the entry of a list.
    pub field: String,
    /// The value in git.
    pub git: Value,
    /// The live value.
    pub live: Value,
    /// Whether the live value is that of the target branch of the pull request.
    pub is_from_target: bool,
}

impl ConflictingField {
    pub(crate) fn describe(&self) -> String {
        let Self { field, git, live, is_from_target } = self;
        let elsewhere = if *is_from_target { "on the target branch" } else { "outside git" };
        if git.is_object() || live.is_object() {
            return format!("`{field}` was changed in git and {elsewhere}; ");
        }
        let [git, live] = value_pair(git, live);
        format!("`{field}` was changed to {git} in git and to {live} {elsewhere}; ")
    }
}

/// Two values for a sentence, truncated.
pub(crate) fn value_pair(one: &Value, other: &Value) -> [String; 2] {
    let [first, second] = short_pair(one, other, MAX_VALUE_CHARS);
    let named = |value: &Value, shown| if value.is_null() { "unset".to_owned() } else { shown };
    [named(one, first), named(other, second)]
}
