//! Redacts live values that are unknown, or for which a manifest references secrets.

use std::collections::HashMap;

use serde_json::Value;

use super::{EntryKey, FieldSemantics, KeyedList, ListSemantics};
use model::secret;

impl FieldSemantics {
    /// Replaces live values by the secret reference declared for them, so that a leaked secret is not shown. Of several
    /// manifests, the first that declares a value decides.
    pub fn redact_live(&self, live: &mut Value, declared: &[&Value]) {
        match (live, declared) {
            (Value::Null, _) | (_, []) => {}
            (live, [reference, ..]) if secret::is_secret_reference(reference) => *live = (*reference).clone(),
            (Value::Object(fields), _) => {
                for (name, value) in fields {
                    let declared: Vec<_> = declared.iter().filter_map(|side| side.get(name)).collect();
                    self.child_field(name).redact_live(value, &declared);
                }
            }
            (Value::Array(items), _) => {
                let sides = declared.iter().filter_map(|side| side.as_array());
                let sides: Vec<DeclaredItems<'_>> = sides.map(|side| DeclaredItems::new(self, side)).collect();
                for (index, item) in items.iter_mut().enumerate() {
                    let declared: Vec<_> = sides.iter().filter_map(|side| side.find(index, item)).collect();
                    self.list_item().redact_live(item, &declared);
                }
            }
            _ => {}
        }
    }

    /// The known fields of a live value that are set: the API returns unset fields only sometimes.
    #[must_use]
    pub fn known_fields(&self, live: &Value) -> Value {
        match live {
            Value::Object(fields) if !self.fields.is_empty() => {
                let known = fields.iter().filter_map(|(name, value)| {
                    let rules = self.fields.get(name).filter(|rules| !rules.is_unset(value))?;
                    Some((name.clone(), rules.known_fields(value)))
                });
                Value::Object(known.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.list_item().known_fields(item)).collect(),
            _ => live.clone(),
        }
    }
}

/// The entries of a declared list, by their identity.
enum DeclaredItems<'v> {
    Keyed(&'v KeyedList, HashMap<EntryKey, &'v Value>),
    /// With the first one that contains a secret.
    Plain(&'v [Value], Option<&'v Value>),
}

impl<'v> DeclaredItems<'v> {
    fn new(rules: &'v FieldSemantics, items: &'v [Value]) -> Self {
        match &rules.list {
            // Of several with one key, the first counts.
            ListSemantics::Keyed(keyed) => {
                Self::Keyed(keyed, items.iter().rev().map(|item| (keyed.entry_key(item), item)).collect())
            }
            ListSemantics::Atomic | ListSemantics::Set => Self::Plain(items, items.iter().find(|it| holds_secret(it))),
        }
    }

    /// The declared counterpart of a live entry. If entries have no identity, one that contains a secret is used for
    /// all that differ: hiding too much is better than too little.
    fn find(&self, at: usize, live: &Value) -> Option<&'v Value> {
        match self {
            Self::Keyed(keyed, by_key) => by_key.get(&keyed.entry_key(live)).copied(),
            Self::Plain(items, first_secret) => {
                let own = items.get(at);
                let as_declared = own.into_iter().chain(*items).find(|item| *item == live);
                as_declared.or(own.filter(|item| holds_secret(item))).or(*first_secret)
            }
        }
    }
}

fn holds_secret(item: &Value) -> bool {
    !secret::find_secret_references(item).is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::semantics::FieldSemantics;
    use model::address::Kind;
    use model::path::FieldPath;

    fn redact_kafka(live: &Value, declared: &[&Value]) -> Value {
        let mut live = live.clone();
        FieldSemantics::for_kind(Kind::ClickPipe)
            .field_at(&FieldPath::parse("source.kafka"))
            .redact_live(&mut live, declared);
        live
    }

    #[test]
    fn live_secrets_are_replaced_by_their_references() {
        let reference = json!({"fromEnv": "TOKEN"});
        let declared = json!({
            "token": reference,
            "deep": {"token": reference, "mode": "a"},
            "list": [{"name": "one", "token": reference}],
            "texts": ["plain", reference],
        });
        let live = json!({
            "token": "canary",
            "deep": {"token": {"value": "canary"}, "mode": "b"},
            "list": [{"name": "two", "token": "canary"}, {"name": "three", "token": "canary"}],
            "texts": ["canary", "plain"],
            "other": "kept",
        });
        let expected = json!({
            "token": reference,
            "deep": {"token": reference, "mode": "b"},
            "list": [{"name": "two", "token": reference}, {"name": "three", "token": reference}],
            "texts": [reference, "plain"],
            "other": "kept",
        });
        assert_eq!(redact_kafka(&live, &[&declared]), expected);
        assert_eq!(redact_kafka(&live, &[]), live);
        assert_eq!(redact_kafka(&json!({"token": null}), &[&declared]), json!({"token": null}));
    }

    #[test]
    fn unknown_fields_are_dropped_at_any_depth() {
        let live = json!({
            "name": "orders", "region": "canary", "fieldMappings": [{"sourceField": "a", "x": "canary"}],
            "source": {"kafka": {"topics": "t", "token": "canary", "offset": {"timestamp": null}}},
        });
        let known = json!({
            "name": "orders", "fieldMappings": [{"sourceField": "a"}],
            "source": {"kafka": {"topics": "t"}},
        });
        assert_eq!(FieldSemantics::for_kind(Kind::ClickPipe).known_fields(&live), known);
    }

    #[test]
    fn first_manifest_with_a_value_decides_the_mask() {
        let (now, was) = (json!({"a": "plain"}), json!({"a": {"fromEnv": "A"}, "b": {"fromEnv": "B"}}));
        let live = json!({"a": "x", "b": "canary"});
        assert_eq!(redact_kafka(&live, &[&now, &was]), json!({"a": "x", "b": {"fromEnv": "B"}}));
    }
}
