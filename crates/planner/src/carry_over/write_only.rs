//! Fields that the API does not return and the manifest omits.

use clickpipes::semantics::{FieldSemantics, Readback};
use model::address::Kind;
use model::path::FieldPath;
use serde_json::{Value, json};

use super::{CarriedOver, problems};

impl CarriedOver {
    /// Finds the fields that the API does not return, and that the manifest omits.
    pub(super) fn find_write_only(&mut self, kind: Kind, live: &Value) {
        let mut omitted = Vec::new();
        collect_write_only(FieldSemantics::for_kind(kind), &self.body, Some(live), &FieldPath::root(), &mut omitted);
        for (path, readback) in omitted {
            match readback {
                _ if !self.could_be_set(kind, &path) => {}
                Readback::Sometimes => self.not_returned.push(path),
                Readback::Always | Readback::Never => self.unreadable.push(path),
            }
        }
    }

    /// Whether the rules between fields allow the field together with the others.
    fn could_be_set(&self, kind: Kind, path: &FieldPath) -> bool {
        let mut with = self.body.clone();
        path.set_in(&mut with, json!({"fromEnv": "SET"}));
        problems(kind, &with).iter().all(|(_, problem)| problem != path)
    }
}

/// The write-only fields that are missing from `body`. A group that is declared is complete: the API gets it as a
/// whole.
fn collect_write_only(
    rules: &FieldSemantics,
    body: &Value,
    live: Option<&Value>,
    path: &FieldPath,
    found: &mut Vec<(FieldPath, Readback)>,
) {
    let Value::Object(fields) = body else { return };
    for (name, rules) in rules.child_fields().filter(|(_, rules)| !rules.local_only && !rules.one_request_only) {
        let (path, live) = (path.child(name), live.and_then(|live| live.get(name)));
        match (fields.get(name), rules.readback) {
            (Some(value), Readback::Always | Readback::Sometimes) => {
                collect_write_only(rules, value, live, &path, found);
            }
            (None, Readback::Always | Readback::Sometimes) if live.is_none() && rules.may_be_omitted() => {
                let readback = if rules.is_absent_when_set { Readback::Never } else { Readback::Sometimes };
                found.push((path, readback));
            }
            (None, Readback::Never) => found.push((path, Readback::Never)),
            (None, _) if rules.is_secret => found.push((path, Readback::Never)),
            (_, Readback::Always | Readback::Sometimes | Readback::Never) => {}
        }
    }
}
