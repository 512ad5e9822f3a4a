//! Live values that no request can have.
//
// An answer may hold what the schema of requests refuses: zero for a number that is not set, a setting whose range has
// moved since. Live, it does no harm. In the body of a new object it is refused when the old one is gone.

use clickpipes::kinds;
use model::address::Kind;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use serde_json::{Map, Value};

use super::CarriedOver;

impl CarriedOver {
    /// Drops the carried values that their own schema refuses, where an object does without them. A word that no struct
    /// declares may be newer.
    pub(super) fn drop_unsendable(&mut self, kind: Kind) {
        for (path, message) in kinds::find_invalid_values(kind, &self.body) {
            if !self.kept.iter().any(|kept| path.is_within(kept)) {
                continue;
            }
            let node = kinds::body_fields(kind).and_then(|fields| fields.node_at(&path));
            let word = path.value_in(&self.body).and_then(Value::as_str);
            let is_unknown_word = node.zip(word).is_some_and(|(node, word)| node.is_unknown_value(word));
            if is_unknown_word || !self.can_be_left_out(&path, node) {
                self.doubtful.push((path, message));
            } else {
                self.leave_out(&path);
                self.dropped.push(path);
            }
        }
    }

    /// Takes a value out of the body, and what holds nothing else.
    fn leave_out(&mut self, path: &FieldPath) {
        path.remove_in(&mut self.body);
        self.kept.retain(|kept| kept != path);
        let is_empty =
            |above: &FieldPath| above.value_in(&self.body).and_then(Value::as_object).is_some_and(Map::is_empty);
        if let Some(above) = path.parent().filter(|above| !above.segments().is_empty() && is_empty(above)) {
            self.leave_out(&above);
        }
    }

    /// What speaks against a delete that only this body follows.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let doubtful = self.doubtful.iter().map(|(path, message)| format!("`{path}`: {message}"));
        self.refused.iter().cloned().chain(doubtful).collect()
    }

    /// Whether an object has the value, and does without it.
    fn can_be_left_out(&self, path: &FieldPath, node: Option<&FieldNode>) -> bool {
        let parent = path.parent().and_then(|parent| parent.value_in(&self.body).map(Value::is_object));
        parent == Some(true) && node.is_none_or(|node| !node.is_required())
    }
}
