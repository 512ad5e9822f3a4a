//! Live values that no request can contain.
//
// A response may contain values that the schema of requests refuses: zero for an unset number, a setting whose range
// has changed since. In live, they do no harm. In the body of a new object they are refused when the old one is gone.

use clickpipes::kinds;
use clickpipes::semantics::{FieldSemantics, OnChange};
use model::action::UpdateVia;
use model::address::Kind;
use model::diagnostic::Severity;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use serde_json::Value;

use super::CarriedOver;

impl CarriedOver {
    /// Drops the carried values that their own schema refuses, where an object does without them. A word that no struct
    /// declares may be newer.
    pub(super) fn drop_unsendable(&mut self, kind: Kind) {
        let problems = kinds::find_body_problems(kind, &self.body).into_iter();
        // A setting of another source is refused although it is live (seen live).
        let of_others = problems.filter(|it| it.severity == Severity::Error && is_setting(kind, &it.path));
        let of_others: Vec<_> = of_others.map(|problem| (problem.path, problem.message)).collect();
        for (path, message) in kinds::find_invalid_values(kind, &self.body).into_iter().chain(of_others) {
            if !self.kept.iter().any(|kept| path.is_within(kept)) {
                continue;
            }
            let node = kinds::body_fields(kind).and_then(|fields| fields.node_at(&path));
            let word = path.value_in(&self.body).and_then(Value::as_str);
            let is_unknown_word = node.zip(word).is_some_and(|(node, word)| node.is_unknown_value(word));
            if is_unknown_word || !self.can_be_left_out(kind, &path) {
                self.doubtful.push((path, message));
            } else {
                path.prune_in(&mut self.body);
                self.kept.retain(|kept| kept.value_in(&self.body).is_some());
                self.dropped.push(path);
            }
        }
    }

    /// Notes carried entries of lists that lack a required field: an empty text is as little carried as null.
    pub(super) fn find_incomplete_entries(&mut self, kind: Kind) {
        let Some(fields) = kinds::body_fields(kind) else { return };
        for list in &self.kept {
            let entries = list.value_in(&self.body).and_then(Value::as_array).into_iter().flatten().enumerate();
            let Some(node) = fields.node_at(list).and_then(FieldNode::list_item) else { continue };
            let needed: Vec<&str> =
                node.child_fields().filter(|(_, child)| child.is_required()).map(|(name, _)| name).collect();
            for (at, entry) in entries.filter(|(_, entry)| entry.is_object()) {
                let missing = needed.iter().filter(|name| entry.get(**name).is_none());
                let missing = missing.map(|name| (list.child(at).child(name), "the API returned it empty".to_owned()));
                self.doubtful.extend(missing);
            }
        }
    }

    /// Reasons against a delete that is followed only by this body.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let doubtful = self.doubtful.iter().map(|(path, message)| format!("`{path}`: {message}"));
        self.refused.iter().cloned().chain(doubtful).collect()
    }

    /// Whether the new object can omit the value: zero means unset, and a setting can be sent later. Any other value
    /// decides what the object reads.
    fn can_be_left_out(&self, kind: Kind, path: &FieldPath) -> bool {
        let is_zero = path.value_in(&self.body).and_then(Value::as_f64) == Some(0.0);
        let is_required =
            kinds::body_fields(kind).and_then(|fields| fields.node_at(path)).is_some_and(FieldNode::is_required);
        let parent = path.parent().and_then(|parent| parent.value_in(&self.body).map(Value::is_object));
        parent == Some(true) && !is_required && (is_zero || is_setting(kind, path))
    }
}

fn is_setting(kind: Kind, path: &FieldPath) -> bool {
    FieldSemantics::for_kind(kind).field_at(path).on_change == OnChange::Update(UpdateVia::Settings)
}
