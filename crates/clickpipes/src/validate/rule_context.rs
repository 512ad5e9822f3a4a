//! The object that a rule checks.

use serde_json::Value;

use model::path::FieldPath;
use model::schema_validator::FieldNode;

/// One object of a document. Paths are relative to it. A value of another type counts as missing, because the schema
/// reports it.
pub(crate) struct RuleContext<'d> {
    object: &'d Value,
    node: &'static FieldNode,
}

impl<'d> RuleContext<'d> {
    pub(super) fn new(object: &'d Value, node: &'static FieldNode) -> Self {
        Self { object, node }
    }

    pub(super) fn object(&self) -> &'d Value {
        self.object
    }

    pub(crate) fn value_at(&self, path: &str) -> Option<&'d Value> {
        model::path::value_at(self.object, path)
    }

    pub(crate) fn has_field(&self, path: &str) -> bool {
        self.value_at(path).is_some()
    }

    /// Whether the field is present and not an empty list.
    pub(super) fn has_nonempty(&self, path: &str) -> bool {
        // The API answers `[]` for lists that are not set, and an export contains it: it must not break a rule.
        self.value_at(path).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
    }

    /// Whether the field is missing from an object that is present.
    pub(super) fn is_missing(&self, path: &str) -> bool {
        // If the object is missing as well, that is reported already.
        let around = path.rsplit_once('.').map_or("", |(around, _)| around);
        !self.has_field(path) && !self.is_under_additional(path) && self.value_at(around).is_some_and(Value::is_object)
    }

    /// Whether a known field is under `additional`, because it has a word that pipectl does not know.
    pub(super) fn is_under_additional(&self, path: &str) -> bool {
        let (around, name) = path.rsplit_once('.').unwrap_or(("", path));
        let extra = self.node.descendant(around).and_then(|node| node.additional_field());
        let extra = extra.and_then(|extra| self.value_at(around)?.get(extra));
        extra.is_some_and(|extra| extra.get(name).is_some())
    }

    /// Whether the object has fields that pipectl does not know.
    pub(super) fn has_additional_fields(&self) -> bool {
        let extra = self.node.additional_field().and_then(|name| self.object.get(name)?.as_object());
        extra.is_some_and(|extra| !extra.is_empty())
    }

    pub(crate) fn text_at(&self, path: &str) -> Option<&'d str> {
        self.value_at(path)?.as_str()
    }

    /// The entries of a list; empty if there is no list.
    pub(crate) fn list_at(&self, path: &str) -> &'d [Value] {
        self.value_at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The texts in a list.
    pub(crate) fn texts_at(&self, path: &str) -> impl Iterator<Item = &'d str> {
        self.list_at(path).iter().filter_map(Value::as_str)
    }

    /// The value at `path`, or else the API's default. `Err` if the value is invalid, required and missing, or unknown.
    // No rule is checked against such a value: the schema reports it, and a second message would be a guess.
    pub(super) fn effective_value(&self, path: &str) -> Result<Option<&'d Value>, UnclearValue> {
        let node = self.node.descendant(path).ok_or(UnclearValue)?;
        match self.value_at(path) {
            Some(Value::String(word)) => {
                let words = node.allowed_values();
                let known = words.is_empty() || words.iter().any(|(known, _)| known == word);
                known.then(|| self.value_at(path)).ok_or(UnclearValue)
            }
            Some(value) => Ok(Some(value)),
            None if node.is_required() || self.is_under_additional(path) => Err(UnclearValue),
            None => Ok(node.keyword_value("default")),
        }
    }
}

/// The value is not known, because the document breaks its schema or uses a word under `additional`.
pub(super) struct UnclearValue;

pub(crate) struct RuleFinding {
    pub(super) path: FieldPath,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl RuleFinding {
    /// `path` is relative to the object of the rule.
    pub(crate) fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), help: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
