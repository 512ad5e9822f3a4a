//! Normalizes live values to the spelling used in manifests.

use serde_json::{Map, Value};

use super::{FieldSemantics, ListSemantics};

impl FieldSemantics {
    /// The normalized live value. The API returns unordered lists in any order, and it writes engines (`MergeTree`,
    /// `MergeTree()`) and sizes (`250m`, `250`) in several ways. Two reads of one object must be equal.
    #[must_use]
    pub fn normalize_live(&self, live: &Value) -> Value {
        match live {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.list_item().normalize_live(item));
                let mut items: Vec<Value> = items.collect();
                if self.list != ListSemantics::Atomic {
                    // By text, because nothing else identifies the entries reliably. The order has no meaning.
                    items.sort_by_cached_key(Value::to_string);
                }
                Value::Array(items)
            }
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, v)| (name.clone(), self.child_field(name).normalize_live(v)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::String(text) => self.equality.manifest_spelling(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => live.clone(),
        }
    }

    /// The live value, spelled as the desired one wherever both agree: people take another spelling for a difference.
    #[must_use]
    pub fn spelled_as(&self, live: &Value, desired: &Value) -> Value {
        match (live, desired) {
            (Value::Object(fields), Value::Object(desired)) => {
                let field = |(name, value): (&String, &Value)| {
                    let spelled = desired.get(name).map(|desired| self.child_field(name).spelled_as(value, desired));
                    (name.clone(), spelled.unwrap_or_else(|| value.clone()))
                };
                Value::Object(fields.iter().map(field).collect())
            }
            (Value::Array(items), Value::Array(desired)) => {
                let rules = self.list_item();
                let spelled = items.iter().enumerate().map(|(index, item)| {
                    let same = desired.iter().find(|desired| rules.matches_live(desired, Some(item)));
                    // Values that differ keep their spelling, so the wrong counterpart does no harm.
                    let counterpart = same.or_else(|| desired.get(index));
                    counterpart.map_or_else(|| item.clone(), |desired| rules.spelled_as(item, desired))
                });
                spelled.collect()
            }
            (Value::Object(_) | Value::Array(_) | Value::Null, _) | (_, Value::Object(_) | Value::Array(_)) => {
                live.clone()
            }
            _ if self.equality.are_equal(desired, live) => desired.clone(),
            _ => live.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::semantics::FieldSemantics;
    use model::address::Kind;

    #[test]
    fn equivalent_spellings_are_normalized_to_one() {
        let read = |engine: &str, cpu: &str, excluded: [&str; 2]| {
            json!({
                "scaling": {"replicaCpuMillicores": cpu, "replicaMemoryGb": 1},
                "destination": {"tableDefinition": {"engine": {"type": engine}}},
                "source": {"postgres": {"tableMappings": [{"excludedColumns": excluded}]}},
            })
        };
        let rules = FieldSemantics::for_kind(Kind::ClickPipe);
        let one = rules.normalize_live(&read("MergeTree()", "0.25", ["b", "a"]));
        assert_eq!(one, rules.normalize_live(&read("MergeTree", "250m", ["a", "b"])));
        assert_eq!(one["scaling"]["replicaCpuMillicores"], json!(250));
        assert_eq!(one["destination"]["tableDefinition"]["engine"]["type"], "MergeTree");
    }
}
