//! The differing settings of two environments, or of two versions of one.

use std::collections::{BTreeMap, BTreeSet};

use model::path::FieldPath;
use model::project::Environment;
use serde::Serialize;
use serde_json::Value;

/// A setting of the project file that differs.
#[derive(Debug, Serialize)]
pub(crate) struct SettingDiff {
    pub(crate) path: FieldPath,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) left: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) right: Option<Value>,
}

/// The changes of the project file since the base.
#[derive(Debug, Default)]
pub(crate) struct ProjectChanges {
    pub(crate) settings: Vec<SettingDiff>,
    /// The paths by which the policy allows more than before, or an environment of the base gets other API keys.
    pub(crate) grave_paths: BTreeSet<FieldPath>,
    /// Environments that only the base has.
    pub(crate) gone_environments: Vec<String>,
    /// Whether the policy of the base is stricter and applies.
    pub(crate) is_policy_held: bool,
    /// Keys of its limits that this commit could only lift in vain.
    pub(crate) held_keys: Vec<&'static str>,
}

/// All changed settings, by path.
pub(crate) fn changed_settings(one: &Environment, other: &Environment) -> Vec<SettingDiff> {
    let leaves = |environment: &Environment| {
        let mut found = BTreeMap::new();
        // Everything that was read from YAML can be written as JSON.
        let value = serde_json::to_value(environment).unwrap_or_default();
        collect_leaves(&value, &FieldPath::root(), &mut found);
        found
    };
    let (mut one, other) = (leaves(one), leaves(other));
    let paired = other.into_iter().map(|(path, right)| (one.remove(&path), path, Some(right)));
    let mut settings: Vec<SettingDiff> = paired
        .map(|(left, path, right)| SettingDiff { path, left, right })
        .filter(|setting| setting.left != setting.right)
        .collect();
    settings.extend(one.into_iter().map(|(path, left)| SettingDiff { path, left: Some(left), right: None }));
    settings.sort_by(|a, b| a.path.cmp(&b.path));
    settings
}

/// All values that are not mappings, by path.
fn collect_leaves(value: &Value, path: &FieldPath, found: &mut BTreeMap<FieldPath, Value>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect_leaves(value, &path.child(name), found));
        }
        Value::Null => {}
        Value::Array(_) | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.clone(), value.clone());
        }
    }
}
