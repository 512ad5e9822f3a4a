//! What a rule sees of a document: the object that it is about.

use serde_json::Value;

use crate::path::Path;
use crate::reference::Node;

/// One object of a document. Everything is asked by a path from that object, and what is missing
/// or of another type than asked for is not there.
pub(crate) struct Scope<'d> {
    here: &'d Value,
    node: Node,
}

impl<'d> Scope<'d> {
    pub(super) fn new(here: &'d Value, node: Node) -> Self {
        Self { here, node }
    }

    pub(crate) fn value(&self, path: &str) -> Option<&'d Value> {
        Path::parse(path).get(self.here)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.value(path).is_some()
    }

    /// Whether the field is there and not an empty list, which is as good as none.
    pub(super) fn says(&self, path: &str) -> bool {
        self.value(path).is_some_and(|value| value.as_array().is_none_or(|list| !list.is_empty()))
    }

    /// Whether the field is missing from an object that is there. Where that is missing too, one
    /// complaint is enough.
    pub(super) fn lacks(&self, path: &str) -> bool {
        let around = Path::parse(path).parent().unwrap_or_default();
        !self.has(path) && around.get(self.here).is_some_and(Value::is_object)
    }

    /// Whether the field has a value that nothing here knows, under `additional`.
    fn is_beside(&self, path: &str) -> bool {
        let path = Path::parse(path);
        let around = path.parent().unwrap_or_default();
        let extra = self.node.at(&around.to_string()).and_then(|node| node.additional());
        let beside = extra.zip(path.last()).map(|(extra, name)| around.child(extra).child(name));
        beside.is_some_and(|beside| beside.get(self.here).is_some())
    }

    pub(crate) fn text(&self, path: &str) -> Option<&'d str> {
        self.value(path)?.as_str()
    }

    /// The entries of a list; none where there is no list.
    pub(crate) fn list(&self, path: &str) -> &'d [Value] {
        self.value(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The texts in a list.
    pub(crate) fn texts(&self, path: &str) -> impl Iterator<Item = &'d str> {
        self.list(path).iter().filter_map(Value::as_str)
    }

    /// What applies at `path`: what is written, or else the API's default. `Err` where that
    /// cannot be told: the schema complains about it already.
    pub(super) fn setting(&self, path: &str) -> Result<Option<&'d Value>, Unclear> {
        let node = self.node.at(path).ok_or(Unclear)?;
        match self.value(path) {
            Some(Value::String(word)) => {
                let words = node.words();
                let known = words.is_empty() || words.iter().any(|(known, _)| known == word);
                known.then(|| self.value(path)).ok_or(Unclear)
            }
            Some(value) => Ok(Some(value)),
            None if node.is_required() || self.is_beside(path) => Err(Unclear),
            None => Ok(node.word("default")),
        }
    }
}

/// A document that breaks its schema leaves this open.
pub(super) struct Unclear;

/// What a rule found.
pub(crate) struct Finding {
    pub(super) path: Path,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Finding {
    /// Something wrong with the field at `path`, from the object that the rule is about.
    pub(crate) fn new(path: Path, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), help: None }
    }

    /// The same, with what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
