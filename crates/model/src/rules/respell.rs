//! How a live value would be written by hand.

use serde_json::{Map, Value};

use super::{Equal, List, Rules};

impl Rules {
    /// The live value in one spelling. The API gives lists that have no order in any order, and
    /// writes engines and sizes now this way and now that: two reads of one object must look alike.
    #[must_use]
    pub fn respelled(&self, live: &Value) -> Value {
        match live {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.item().respelled(item));
                let mut items: Vec<Value> = items.collect();
                if self.list != List::Atomic {
                    items.sort_by_cached_key(Value::to_string);
                }
                Value::Array(items)
            }
            Value::Object(fields) => {
                let fields = fields.iter();
                let fields = fields.map(|(name, v)| (name.clone(), self.field(name).respelled(v)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Value::String(text) => self.respelled_text(text),
            Value::Null | Value::Bool(_) | Value::Number(_) => live.clone(),
        }
    }

    fn respelled_text(&self, text: &str) -> Value {
        match self.equal {
            Equal::Engine => Value::from(text.strip_suffix("()").unwrap_or(text)),
            Equal::Cpu | Equal::Memory => {
                let quantity = self.quantity(&Value::from(text));
                // Written out, a whole number has no fraction.
                let number = quantity.and_then(|q| serde_json::from_str(&q.to_string()).ok());
                number.unwrap_or_else(|| Value::from(text))
            }
            Equal::Exact | Equal::Count | Equal::Uri | Equal::FlavourOf(_) => Value::from(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::address::Kind;
    use crate::rules::Rules;

    #[test]
    fn two_spellings_of_one_object_become_one() {
        let read = |engine: &str, cpu: &str, excluded: [&str; 2]| {
            json!({
                "scaling": {"replicaCpuMillicores": cpu, "replicaMemoryGb": 1},
                "destination": {"tableDefinition": {"engine": {"type": engine}}},
                "source": {"postgres": {"tableMappings": [{"excludedColumns": excluded}]}},
            })
        };
        let rules = Rules::of(Kind::ClickPipe);
        let one = rules.respelled(&read("MergeTree()", "0.25", ["b", "a"]));
        assert_eq!(one, rules.respelled(&read("MergeTree", "250m", ["a", "b"])));
        assert_eq!(one["scaling"]["replicaCpuMillicores"], json!(250));
        assert_eq!(one["destination"]["tableDefinition"]["engine"]["type"], "MergeTree");
    }
}
