//! One place in the schema, with everything that is said about it in one view.

use serde_json::Value;

use model::address::Kind;
use model::annotations;
use model::path::FieldPath;

use super::manifest_schema;

/// A place in the schema of a manifest. What is said beside a reference and what is said where
/// it points are one here; the nearer wins.
#[derive(Clone)]
pub struct SchemaNode {
    root: &'static Value,
    layers: Vec<&'static Value>,
    required: bool,
}

impl SchemaNode {
    /// The whole document.
    pub fn for_kind(kind: Kind) -> Self {
        let root = manifest_schema(kind);
        Self::new(root, root, true)
    }

    fn new(root: &'static Value, schema: &'static Value, required: bool) -> Self {
        let mut layers = vec![schema];
        let mut next = 0;
        while let Some(layer) = layers.get(next).copied() {
            next += 1;
            if let Some(pointer) = layer["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
                layers.extend(root.pointer(pointer));
            }
            layers.extend(layer["anyOf"].as_array().into_iter().flatten());
        }
        Self { root, layers, required }
    }

    /// The schema's word on this place.
    pub fn keyword_value(&self, word: &str) -> Option<&'static Value> {
        self.layers.iter().find_map(|layer| layer.get(word))
    }

    /// The schema's word on this place, as text; empty where there is none.
    pub fn keyword_text(&self, keyword: &str) -> &'static str {
        self.keyword_value(keyword).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the place has the mark.
    pub fn has_keyword(&self, keyword: &str) -> bool {
        self.keyword_value(keyword).is_some()
    }

    /// Whether the object around it needs it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether it takes nothing but a reference to a secret.
    pub fn is_secret(&self) -> bool {
        self.has_keyword(annotations::SECRET)
    }

    /// Whether it takes a reference to a secret, perhaps beside a plain text.
    pub fn can_be_secret(&self) -> bool {
        self.layers.iter().any(|layer| layer["$ref"] == "#/$defs/SecretReference")
    }

    /// The last schema in a row of references.
    pub fn referenced_schema(&self) -> &'static Value {
        match self.layers.as_slice() {
            [only] => only,
            [_, rest @ ..] => rest.last().copied().unwrap_or(self.root),
            [] => self.root,
        }
    }

    /// The field of this name in an object.
    pub fn child_field(&self, name: &str) -> Option<Self> {
        self.layers.iter().find_map(|layer| {
            let schema = layer["properties"].get(name)?;
            Some(Self::new(self.root, schema, is_required_in(layer, name)))
        })
    }

    /// The fields of an object, in the order in which they are declared.
    pub fn child_fields(&self) -> Vec<(&'static str, Self)> {
        let objects = self.layers.iter().filter_map(|layer| layer["properties"].as_object());
        let names = objects.flatten().map(|(name, _)| name.as_str());
        names.filter_map(|name| Some((name, self.child_field(name)?))).collect()
    }

    /// The name of the field that takes what is not known of this object, if it has one.
    pub fn additional_field(&self) -> Option<&'static str> {
        let mut children = self.child_fields().into_iter();
        children.find(|(_, child)| child.has_keyword(annotations::ADDITIONAL)).map(|(name, _)| name)
    }

    /// The entries of a list.
    pub fn list_item(&self) -> Option<Self> {
        self.keyword_value("items").map(|schema| Self::new(self.root, schema, true))
    }

    /// One step down a path: a field, or an entry of a list by its index or as `*`.
    pub fn child_or_item(&self, segment: &str) -> Option<Self> {
        if segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.list_item();
        }
        self.child_field(segment)
    }

    /// The place at a path below.
    pub fn node_at(&self, path: &str) -> Option<Self> {
        let path = FieldPath::parse(path);
        path.segments().iter().try_fold(self.clone(), |node, segment| node.child_or_item(segment))
    }

    /// The texts that it takes, each with what it means; empty where any text is taken.
    pub fn allowed_values(&self) -> Vec<(&'static str, &'static str)> {
        let unexplained = self.keyword_value("enum").and_then(Value::as_array).into_iter().flatten();
        let explained = self.keyword_value("oneOf").and_then(Value::as_array).into_iter().flatten();
        let explained = explained.filter_map(|choice| {
            let word = choice["const"].as_str()?;
            Some((word, choice["description"].as_str().unwrap_or_default()))
        });
        unexplained.filter_map(|word| Some((word.as_str()?, ""))).chain(explained).collect()
    }

    /// Whether certain texts are taken only, and this is none of them.
    pub fn is_unknown_value(&self, text: &str) -> bool {
        let words = self.allowed_values();
        !words.is_empty() && words.iter().all(|(known, _)| *known != text)
    }
}

fn is_required_in(object: &Value, name: &str) -> bool {
    object["required"].as_array().is_some_and(|names| names.iter().any(|required| required == name))
}
