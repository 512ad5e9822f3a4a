//! Checks whether a live object shows the effect of an update whose answer was lost.
//
// The only comparison in this crate. It decides whether a request is sent again, never the content of a plan. A wrong
// "yes" loses an edit silently, so a field that cannot be read back makes the result "not readable", not "yes".

use clickpipes::semantics::{DeltaFields, FieldSemantics, KeyedList, ListSemantics, Readback};
use model::secret;
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EffectSeen {
    Yes,
    /// The update did not take effect, or not yet.
    No,
    /// The API does not return the changed fields.
    NotReadable,
}

pub(super) fn verify_effect(rules: &FieldSemantics, body: &Value, live: &Value) -> EffectSeen {
    let mut evidence = EffectEvidence::default();
    evidence.gather_fields(rules, body, live);
    let EffectEvidence { entries, fields, has_unreadable } = evidence;
    // The API applies an update as a whole, so an added or removed entry proves all of it, credentials included.
    // Without one, every field has to agree, and a write-only field leaves the answer open.
    match (entries, fields) {
        (Some(true), _) => EffectSeen::Yes,
        (Some(false), _) | (None, Some(false)) => EffectSeen::No,
        (None, Some(true)) if !has_unreadable => EffectSeen::Yes,
        (None, _) => EffectSeen::NotReadable,
    }
}

#[derive(Default)]
struct EffectEvidence {
    /// Whether all entries to add are live, and all to remove are not. `None` if there are none.
    entries: Option<bool>,
    /// Whether all readable fields have the values sent. `None` if there are none.
    fields: Option<bool>,
    /// Whether a field was sent that the API does not return.
    has_unreadable: bool,
}

impl EffectEvidence {
    fn gather_fields(&mut self, rules: &FieldSemantics, body: &Value, live: &Value) {
        for (name, sent) in body.as_object().into_iter().flatten() {
            let found = live.get(name);
            if let Some((list, keyed, change)) = find_list_edit(rules, name) {
                let entries = live.get(list).and_then(Value::as_array);
                let carried_out = change.is_applied(keyed, sent, entries.map_or(&[], Vec::as_slice));
                self.entries = Some(self.entries.unwrap_or(true) && carried_out);
                continue;
            }
            let rules = rules.child_field(name);
            match (sent, found) {
                _ if rules.is_secret || secret::is_secret_reference(sent) => self.has_unreadable = true,
                _ if rules.readback_of(sent) != Readback::Always => self.has_unreadable = true,
                (Value::Object(_), Some(found @ Value::Object(_))) => {
                    self.gather_fields(rules, sent, found);
                }
                // Live lacks the whole group. The API may withhold it, so its absence proves nothing.
                (Value::Object(_), _) => self.has_unreadable = true,
                _ => {
                    let agrees = rules.matches_live(sent, found);
                    self.fields = Some(self.fields.unwrap_or(true) && agrees);
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum ListEdit {
    Add,
    Remove,
}

/// The list whose entries the field `name` adds or removes, such as `tableMappingsToAdd`.
fn find_list_edit<'r>(rules: &'r FieldSemantics, name: &str) -> Option<(&'r str, &'r KeyedList, ListEdit)> {
    rules.child_fields().find_map(|(list, field)| {
        let ListSemantics::Keyed(keyed) = &field.list else { return None };
        let DeltaFields { add_field: add, remove_field: remove, .. } = keyed.deltas.as_ref()?;
        let change = match name {
            _ if name == add => ListEdit::Add,
            _ if name == remove => ListEdit::Remove,
            _ => return None,
        };
        Some((list, keyed, change))
    })
}

impl ListEdit {
    fn is_applied(self, keyed: &KeyedList, sent: &Value, live: &[Value]) -> bool {
        let sent = sent.as_array().map_or(&[][..], Vec::as_slice);
        sent.iter().all(|entry| {
            let is_there = live.iter().any(|other| is_same_entry(keyed, entry, other));
            match self {
                Self::Add => is_there,
                Self::Remove => !is_there,
            }
        })
    }
}

fn is_same_entry(keyed: &KeyedList, one: &Value, other: &Value) -> bool {
    let key = keyed.entry_key(one);
    !key.contains(&None) && key == keyed.entry_key(other)
}

#[cfg(test)]
mod tests {
    use model::address::Kind;
    use serde_json::json;

    use super::{EffectSeen, FieldSemantics, Value, verify_effect};

    fn mapping(table: &str) -> Value {
        let target = format!("t_{table}");
        json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": target})
    }

    fn postgres(edit: &Value) -> EffectSeen {
        let mut kept = mapping("kept");
        kept["tableEngine"] = json!("ReplacingMergeTree");
        let live = json!({"name": "orders", "source": {"postgres": {
            "host": "a.example.com",
            "settings": {"syncIntervalSeconds": 30},
            "tableMappings": [kept],
        }}});
        verify_effect(FieldSemantics::for_kind(Kind::ClickPipe), &json!({"source": {"postgres": edit}}), &live)
    }

    #[test]
    fn mapping_deltas_decide_whether_update_took_effect() {
        let (add, remove) = ("tableMappingsToAdd", "tableMappingsToRemove");
        assert_eq!(postgres(&json!({add: [mapping("kept")]})), EffectSeen::Yes);
        assert_eq!(postgres(&json!({add: [mapping("kept"), mapping("new")]})), EffectSeen::No);
        assert_eq!(postgres(&json!({remove: [mapping("kept")]})), EffectSeen::No);
        assert_eq!(postgres(&json!({remove: [mapping("gone")]})), EffectSeen::Yes);
        let both = json!({remove: [mapping("gone")], add: [mapping("new")]});
        assert_eq!(postgres(&both), EffectSeen::No);
        let secret = json!({"username": "u", "password": {"fromEnv": "P"}});
        let more = json!({add: [mapping("kept")], "host": "b.example.com", "credentials": secret});
        assert_eq!(postgres(&more), EffectSeen::Yes);
    }

    #[test]
    fn changed_fields_decide_whether_update_took_effect() {
        let interval = |seconds: u32| json!({"settings": {"syncIntervalSeconds": seconds}});
        assert_eq!(postgres(&interval(30)), EffectSeen::Yes);
        assert_eq!(postgres(&interval(60)), EffectSeen::No);
    }

    #[test]
    fn write_only_fields_leave_the_effect_unknown() {
        let credentials = json!({"username": "u", "password": {"fromEnv": "P"}});
        assert_eq!(postgres(&json!({"credentials": credentials})), EffectSeen::NotReadable);
        let same_host = json!({"host": "a.example.com", "credentials": credentials});
        assert_eq!(postgres(&same_host), EffectSeen::NotReadable);
        let new_host = json!({"host": "b.example.com", "credentials": credentials});
        assert_eq!(postgres(&new_host), EffectSeen::No);
        assert_eq!(postgres(&json!({})), EffectSeen::NotReadable);
    }
}
