//! The field path, which validation, comparison, requests and positions share.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The keys and list indices that lead to a value. Prints as `source.kafka.topics`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldPath(Vec<String>);

impl FieldPath {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Parses the dotted form. A key that contains a dot needs [`FieldPath::child`].
    pub fn parse(dotted: &str) -> Self {
        Self(dotted_segments(dotted).map(str::to_owned).collect())
    }

    /// The path one step further down.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "names, numbers and texts alike")]
    pub fn child(&self, segment: impl ToString) -> Self {
        self.clone().with_step(segment.to_string())
    }

    fn with_step(mut self, segment: String) -> Self {
        self.0.push(segment);
        self
    }

    /// `self` followed by `below`.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// The steps from the root.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The last step, `None` at the root.
    pub fn last_segment(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// The path one step up, `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// `true` if `self` is `other` or lies below it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The path as seen from `above`; `None` outside of it.
    pub fn relative_to(&self, above: &Self) -> Option<Self> {
        self.0.strip_prefix(above.0.as_slice()).map(|rest| Self(rest.to_vec()))
    }

    /// The value at this path, if the document has one.
    pub fn value_in<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, segment| child_value(value, segment))
    }

    /// The same, to change it.
    pub fn value_in_mut<'v>(&self, document: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(document, |value, segment| match value {
            Value::Array(items) => items.get_mut(segment.parse::<usize>().ok()?),
            _ => value.get_mut(segment.as_str()),
        })
    }

    /// Removes the value at this path from the document.
    pub fn remove_in(&self, document: &mut Value) {
        let (Some(parent), Some(name)) = (self.parent(), self.last_segment()) else { return };
        match parent.value_in_mut(document) {
            Some(Value::Object(fields)) => _ = fields.shift_remove(name),
            Some(Value::Array(items)) => {
                if let Some(index) = name.parse().ok().filter(|index| *index < items.len()) {
                    items.remove(index);
                }
            }
            _ => {}
        }
    }

    /// The same, with parent objects that become empty.
    pub fn prune_in(&self, document: &mut Value) {
        self.remove_in(document);
        let above = self.parent().filter(|above| !above.0.is_empty());
        let is_empty = |above: &Self| above.value_in(document).and_then(Value::as_object).is_some_and(Map::is_empty);
        if let Some(above) = above.filter(is_empty) {
            above.prune_in(document);
        }
    }

    /// Writes `value` at this path and creates missing objects. A missing list entry is not created;
    /// then nothing is written.
    pub fn set_in(&self, document: &mut Value, value: Value) {
        let mut slot = document;
        for segment in &self.0 {
            if let Value::Array(items) = slot {
                let Some(item) = segment.parse::<usize>().ok().and_then(|i| items.get_mut(i)) else {
                    return;
                };
                slot = item;
                continue;
            }
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            let Value::Object(map) = slot else { return };
            slot = map.entry(segment.clone()).or_insert(Value::Null);
        }
        *slot = value;
    }
}

/// The path of a visited value, relative to that of its parent.
// Most values are only visited. A separate path for each was a tenth of the cost of a plan.
#[derive(Clone, Copy, Debug)]
pub enum VisitedPath<'p> {
    /// The start of the walk; `None` at the document.
    Start(Option<&'p FieldPath>),
    /// A field of the value above.
    Key(&'p VisitedPath<'p>, &'p str),
    /// An entry of the list above.
    Index(&'p VisitedPath<'p>, usize),
}

impl<'p> VisitedPath<'p> {
    /// A walk from the document.
    pub fn root() -> Self {
        Self::Start(None)
    }

    /// A walk from a value of the document.
    pub fn below(start: &'p FieldPath) -> Self {
        Self::Start(Some(start))
    }

    /// One step down, to a field.
    #[must_use]
    pub fn key(&'p self, name: &'p str) -> Self {
        Self::Key(self, name)
    }

    /// One step down, to an entry of a list.
    #[must_use]
    pub fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }

    /// The same as an owned path.
    pub fn to_field_path(&self) -> FieldPath {
        match self {
            Self::Start(start) => start.cloned().unwrap_or_default(),
            Self::Key(above, name) => above.to_field_path().with_step((*name).to_owned()),
            Self::Index(above, index) => above.to_field_path().with_step(index.to_string()),
        }
    }
}

/// Every text in a value, with its path.
pub fn visit_texts(value: &Value, at: &VisitedPath<'_>, visit: &mut impl FnMut(&VisitedPath<'_>, &str)) {
    match value {
        Value::String(text) => visit(at, text),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| visit_texts(item, &at.index(index), visit));
        }
        Value::Object(fields) => fields.iter().for_each(|(name, field)| visit_texts(field, &at.key(name), visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The value at a path in the dotted form. The rules between fields read thousands of them, and a [`FieldPath`]
/// allocates.
pub fn value_at<'v>(document: &'v Value, dotted: &str) -> Option<&'v Value> {
    dotted_segments(dotted).try_fold(document, child_value)
}

/// The first segment of a path in the dotted form, and the rest.
// The standard library's search for a character costs more for such a short text.
pub fn split_first_segment(dotted: &str) -> (&str, Option<&str>) {
    let dot = dotted.bytes().position(|byte| byte == b'.');
    dot.map_or((dotted, None), |dot| (&dotted[..dot], Some(&dotted[dot + 1..])))
}

/// The segments of a path in the dotted form; none for the root.
pub(crate) fn dotted_segments(dotted: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(dotted).filter(|dotted| !dotted.is_empty());
    std::iter::from_fn(move || {
        let (segment, below) = split_first_segment(rest?);
        rest = below;
        Some(segment)
    })
}

fn child_value<'v>(value: &'v Value, segment: &str) -> Option<&'v Value> {
    match value {
        // The rules ask thousands of times, and a hash costs as much as comparing so many keys.
        Value::Object(map) if map.len() <= 8 => map.iter().find(|(key, _)| *key == segment).map(|(_, value)| value),
        Value::Object(map) => map.get(segment),
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => None,
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FieldPath, VisitedPath};

    #[test]
    fn path_reads_and_writes_nested_values() {
        let mut document = json!({"a": [{"b": 1}]});
        let path = FieldPath::parse("a.0.b");
        assert_eq!(path.value_in(&document), Some(&json!(1)));
        path.set_in(&mut document, json!(2));
        FieldPath::parse("c.d").set_in(&mut document, json!("x"));
        FieldPath::parse("a.7.b").set_in(&mut document, json!("lost"));
        assert_eq!(document, json!({"a": [{"b": 2}], "c": {"d": "x"}}));
    }

    #[test]
    fn is_within_compares_whole_segments() {
        assert!(FieldPath::parse("a.b").is_within(&FieldPath::parse("a")));
        assert!(FieldPath::parse("a.b").is_within(&FieldPath::root()));
        assert!(!FieldPath::parse("ab").is_within(&FieldPath::parse("a")));
        assert_eq!(FieldPath::parse("a.b").relative_to(&FieldPath::parse("a")), Some(FieldPath::parse("b")));
        assert_eq!(FieldPath::parse("ab").relative_to(&FieldPath::parse("a")), None);
    }

    #[test]
    fn visited_path_is_kept_as_the_same_path() {
        let start = FieldPath::parse("spec");
        let (spec, root) = (VisitedPath::below(&start), VisitedPath::root());
        let (source, list) = (spec.key("a.b"), root.key("list"));
        assert_eq!(source.to_field_path(), start.child("a.b"));
        assert_eq!(list.index(7).key("x").to_field_path(), FieldPath::parse("list.7.x"));
        assert_eq!(root.to_field_path(), FieldPath::root());
    }
}
