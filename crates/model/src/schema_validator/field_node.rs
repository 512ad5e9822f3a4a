//! A compiled schema as a tree of fields. Everything but validation reads this tree.

use serde_json::Value;

use super::SchemaValidator;
use super::compiled::{ListItems, ShapeId, UnlistedFields, ValueShape};
use crate::annotations;
use crate::path::{FieldPath, dotted_segments};
use crate::secret;

/// One place of a schema with all its keywords. Those next to a reference and those of its target are merged; the
/// nearer one wins.
#[derive(Debug)]
pub struct FieldNode {
    // There are few, and they are read for every field of every manifest: comparing them costs less than a hash.
    keywords: Vec<(String, Value)>,
    /// The description of the type, rather than of the field.
    type_description: String,
    allowed_values: Vec<(String, String)>,
    fields: Vec<(String, FieldNode)>,
    /// The position of the field for unknown fields.
    additional: Option<usize>,
    item: Option<Box<FieldNode>>,
    /// The values of a map, if they are objects.
    map_value: Option<Box<FieldNode>>,
    is_required: bool,
    form: ValueForm,
    can_be_secret: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ValueForm {
    One,
    /// Any keys, with values of one type.
    Map,
    /// Values of several shapes.
    Choice,
}

impl ValueForm {
    fn of_layers(layers: &[&ValueShape]) -> Self {
        if layers.iter().any(|layer| !layer.any_of.is_empty()) {
            Self::Choice
        } else if layers.iter().any(|layer| matches!(layer.map.unlisted, UnlistedFields::Matching(_))) {
            Self::Map
        } else {
            Self::One
        }
    }
}

impl SchemaValidator {
    /// The tree of the fields of this schema, which must not refer to itself.
    pub fn field_tree(&self) -> FieldNode {
        FieldTreeBuilder { shapes: &self.shapes }.build_node(ShapeId(0), true)
    }
}

struct FieldTreeBuilder<'s> {
    shapes: &'s [ValueShape],
}

impl<'s> FieldTreeBuilder<'s> {
    fn build_node(&self, id: ShapeId, is_required: bool) -> FieldNode {
        let layers = self.layers(id);
        let type_description = layers.last().and_then(|layer| layer.keywords.get("description")?.as_str());
        let mut node = FieldNode {
            keywords: Vec::new(),
            type_description: type_description.unwrap_or_default().to_owned(),
            allowed_values: layers
                .iter()
                .find(|it| !it.words.is_empty())
                .map(|it| it.words.clone())
                .unwrap_or_default(),
            fields: Vec::new(),
            additional: None,
            item: layers.iter().find_map(|it| self.build_item(it)),
            map_value: layers.iter().find_map(|it| self.build_map_value(it)),
            is_required,
            form: ValueForm::of_layers(&layers),
            can_be_secret: layers.iter().any(|it| it.definition.as_deref() == Some(secret::REFERENCE_DEFINITION)),
        };
        for layer in &layers {
            for (word, value) in &layer.keywords {
                if !node.has_keyword(word) {
                    node.keywords.push((word.clone(), value.clone()));
                }
            }
            for name in &layer.map.names {
                if node.child_field(name).is_none() {
                    let is_required = layer.map.required.contains(name);
                    node.fields.push((name.clone(), self.build_node(layer.map.properties[name], is_required)));
                }
            }
        }
        node.additional = node.fields.iter().position(|(_, child)| child.has_keyword(annotations::ADDITIONAL));
        node
    }

    fn build_item(&self, layer: &ValueShape) -> Option<Box<FieldNode>> {
        match layer.list.items {
            ListItems::Matching(id) => Some(Box::new(self.build_node(id, true))),
            ListItems::Any | ListItems::CheckedElsewhere => None,
        }
    }

    fn build_map_value(&self, layer: &ValueShape) -> Option<Box<FieldNode>> {
        match layer.map.unlisted {
            UnlistedFields::Matching(id) => {
                Some(Box::new(self.build_node(id, false))).filter(|value| value.has_child_fields())
            }
            _ => None,
        }
    }

    /// The shape itself, then its reference target, then the branches of its choices.
    fn layers(&self, id: ShapeId) -> Vec<&'s ValueShape> {
        let mut layers = vec![&self.shapes[id.0]];
        let mut next = 0;
        while let Some(layer) = layers.get(next).copied() {
            next += 1;
            layers.extend(layer.refers_to.iter().chain(&layer.any_of).map(|id| &self.shapes[id.0]));
        }
        layers
    }
}

impl FieldNode {
    /// The schema's word on this place.
    pub fn keyword_value(&self, word: &str) -> Option<&Value> {
        self.keywords.iter().find(|(known, _)| known == word).map(|(_, value)| value)
    }

    /// The schema's word on this place, as text; empty where there is none.
    pub fn keyword_text(&self, word: &str) -> &str {
        self.keyword_value(word).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the place has the annotation.
    pub fn has_keyword(&self, word: &str) -> bool {
        self.keyword_value(word).is_some()
    }

    /// The description of the field's type.
    pub fn type_description(&self) -> &str {
        &self.type_description
    }

    /// Whether the object around it needs it.
    pub fn is_required(&self) -> bool {
        self.is_required
    }

    /// Whether it accepts only a reference to a secret.
    pub fn is_secret(&self) -> bool {
        self.has_keyword(annotations::SECRET)
    }

    /// Whether it accepts a reference to a secret, perhaps in addition to plain text.
    pub fn can_be_secret(&self) -> bool {
        self.can_be_secret
    }

    /// Whether it takes any keys, with values of one type.
    pub fn is_map(&self) -> bool {
        self.form == ValueForm::Map
    }

    /// Whether it takes values of several shapes.
    pub fn is_choice(&self) -> bool {
        self.form == ValueForm::Choice
    }

    /// The field of this name in an object.
    pub fn child_field(&self, name: &str) -> Option<&Self> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// The fields of an object, in the order in which they are declared.
    pub fn child_fields(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.fields.iter().map(|(name, node)| (name.as_str(), node))
    }

    /// Whether it is an object with declared fields.
    pub fn has_child_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The name of the field for unknown fields of this object, if it has one.
    pub fn additional_field(&self) -> Option<&str> {
        Some(&self.fields[self.additional?].0)
    }

    /// The entries of a list.
    pub fn list_item(&self) -> Option<&Self> {
        self.item.as_deref()
    }

    /// The values of a map, if they are objects.
    pub fn map_value(&self) -> Option<&Self> {
        self.map_value.as_deref()
    }

    /// One step down a path: a field, or an entry of a list by its index or as `*`.
    pub fn child_or_item(&self, segment: &str) -> Option<&Self> {
        if segment == "*" || segment.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.list_item();
        }
        self.child_field(segment)
    }

    /// The place at a path below.
    pub fn node_at(&self, path: &FieldPath) -> Option<&Self> {
        path.segments().iter().try_fold(self, |node, segment| node.child_or_item(segment))
    }

    /// The same for a path in the dotted form.
    pub fn descendant(&self, dotted: &str) -> Option<&Self> {
        dotted_segments(dotted).try_fold(self, |node, segment| node.child_or_item(segment))
    }

    /// The allowed texts, each with its meaning; empty if any text is allowed.
    pub fn allowed_values(&self) -> &[(String, String)] {
        &self.allowed_values
    }

    /// Whether only certain texts are allowed, and this is not one of them.
    pub fn is_unknown_value(&self, text: &str) -> bool {
        !self.allowed_values.is_empty() && self.allowed_values.iter().all(|(known, _)| known != text)
    }
}
