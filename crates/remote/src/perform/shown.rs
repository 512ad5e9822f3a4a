//! Whether a live object shows what an update was to do to it. Asked only when the answer to the
//! update was lost; what a plan is made of is compared elsewhere.

use model::rules::{Deltas, Echo, Keyed, List, Rules};
use model::secret;
use serde_json::{Map, Value};

/// What a live object says about an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It was carried out.
    Yes,
    /// It was not, or not yet.
    No,
    /// The API does not show what it changes.
    Untold,
}

/// An update is carried out as a whole, so an entry that came or went tells of all of it. Without
/// one, every field has to agree, and one that is never shown leaves it open.
pub(super) fn shown(rules: &Rules, body: &Value, live: &Value) -> Shown {
    let mut evidence = Evidence::default();
    evidence.gather(rules, body, live);
    let Evidence { entries, fields, untold } = evidence;
    match (entries, fields) {
        (Some(entries), _) => Shown::of(entries),
        (None, Some(false)) => Shown::No,
        (None, Some(true)) if !untold => Shown::Yes,
        (None, _) => Shown::Untold,
    }
}

impl Shown {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

#[derive(Default)]
struct Evidence {
    /// Whether every entry that was to come or go did.
    entries: Option<bool>,
    /// Whether every field that can be read is as it was sent.
    fields: Option<bool>,
    /// Whether something was sent that cannot be read.
    untold: bool,
}

impl Evidence {
    fn gather(&mut self, rules: &Rules, body: &Value, live: &Value) {
        for (name, sent) in body.as_object().into_iter().flatten() {
            let found = live.get(name);
            if let Some((list, keyed, change)) = change(rules, name) {
                let entries = live.get(list).and_then(Value::as_array);
                let carried_out = change.is_in(keyed, sent, entries.map_or(&[], Vec::as_slice));
                self.entries = Some(self.entries.unwrap_or(true) && carried_out);
                continue;
            }
            let rules = rules.field(name);
            match (sent, found) {
                _ if rules.secret || secret::is_reference(sent) => self.untold = true,
                _ if rules.echo != Echo::Always => self.untold = true,
                (Value::Object(_), Some(found @ Value::Object(_))) => {
                    self.gather(rules, sent, found);
                }
                (Value::Object(_), _) => self.untold = true,
                _ => {
                    let agrees = rules.agrees(sent, found);
                    self.fields = Some(self.fields.unwrap_or(true) && agrees);
                }
            }
        }
    }
}

/// What an update does to the entries of a list.
#[derive(Clone, Copy)]
enum Change {
    Add,
    Remove,
}

/// The list that is changed under this name, if it is one of those that change by deltas.
fn change<'r>(rules: &'r Rules, name: &str) -> Option<(&'r str, &'r Keyed, Change)> {
    rules.fields().find_map(|(list, field)| {
        let List::Keyed(keyed) = &field.list else { return None };
        let Deltas { add, remove, .. } = keyed.deltas.as_ref()?;
        let change = match name {
            _ if name == add => Change::Add,
            _ if name == remove => Change::Remove,
            _ => return None,
        };
        Some((list, keyed, change))
    })
}

impl Change {
    fn is_in(self, keyed: &Keyed, sent: &Value, live: &[Value]) -> bool {
        let sent = sent.as_array().map_or(&[][..], Vec::as_slice);
        sent.iter().all(|entry| {
            let is_there = live.iter().any(|other| same(keyed, entry, other));
            match self {
                Self::Add => is_there,
                Self::Remove => !is_there,
            }
        })
    }
}

fn same(keyed: &Keyed, one: &Value, other: &Value) -> bool {
    let fields = |value: &Value| -> Option<Map<String, Value>> {
        let named =
            keyed.identity.iter().map(|field| Some((field.clone(), value.get(field)?.clone())));
        named.collect()
    };
    fields(one).is_some_and(|one| Some(one) == fields(other))
}

#[cfg(test)]
mod tests {
    use model::address::Kind;
    use serde_json::json;

    use super::{Rules, Shown, Value, shown};

    fn mapping(table: &str) -> Value {
        let target = format!("t_{table}");
        json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": target})
    }

    fn postgres(edit: &Value) -> Shown {
        let mut kept = mapping("kept");
        kept["tableEngine"] = json!("ReplacingMergeTree");
        let live = json!({"name": "orders", "source": {"postgres": {
            "host": "a.example.com",
            "settings": {"syncIntervalSeconds": 30},
            "tableMappings": [kept],
        }}});
        shown(Rules::of(Kind::ClickPipe), &json!({"source": {"postgres": edit}}), &live)
    }

    #[test]
    fn entries_that_came_or_went_tell_of_the_whole_update() {
        let (add, remove) = ("tableMappingsToAdd", "tableMappingsToRemove");
        assert_eq!(postgres(&json!({add: [mapping("kept")]})), Shown::Yes);
        assert_eq!(postgres(&json!({add: [mapping("kept"), mapping("new")]})), Shown::No);
        assert_eq!(postgres(&json!({remove: [mapping("kept")]})), Shown::No);
        assert_eq!(postgres(&json!({remove: [mapping("gone")]})), Shown::Yes);
        let both = json!({remove: [mapping("gone")], add: [mapping("new")]});
        assert_eq!(postgres(&both), Shown::No);
        let secret = json!({"username": "u", "password": {"fromEnv": "P"}});
        let more = json!({add: [mapping("kept")], "host": "b.example.com", "credentials": secret});
        assert_eq!(postgres(&more), Shown::Yes);
    }

    #[test]
    fn fields_have_to_agree() {
        let interval = |seconds: u32| json!({"settings": {"syncIntervalSeconds": seconds}});
        assert_eq!(postgres(&interval(30)), Shown::Yes);
        assert_eq!(postgres(&interval(60)), Shown::No);
    }

    #[test]
    fn what_is_never_shown_leaves_it_open() {
        let credentials = json!({"username": "u", "password": {"fromEnv": "P"}});
        assert_eq!(postgres(&json!({"credentials": credentials})), Shown::Untold);
        let same_host = json!({"host": "a.example.com", "credentials": credentials});
        assert_eq!(postgres(&same_host), Shown::Untold);
        let new_host = json!({"host": "b.example.com", "credentials": credentials});
        assert_eq!(postgres(&new_host), Shown::No);
        assert_eq!(postgres(&json!({})), Shown::Untold);
    }
}
