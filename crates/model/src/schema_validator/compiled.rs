//! The compiled form of a JSON Schema.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Number, Value};

use super::types::JsonTypes;

/// The position of a schema in the shapes of [`super::SchemaValidator`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShapeId(pub(super) usize);

/// The constraints of one schema. A value must satisfy all of them.
#[derive(Debug, Default)]
pub(super) struct ValueShape {
    /// The target of `$ref`, which applies in addition to the other constraints.
    pub(super) refers_to: Option<ShapeId>,
    /// `None` is any type.
    pub(super) types: Option<JsonTypes>,
    pub(super) allowed_values: Option<Vec<Value>>,
    /// Shapes of which at least one must match.
    pub(super) any_of: Vec<ShapeId>,
    pub(super) number: NumberShape,
    pub(super) text: TextShape,
    pub(super) list: ListShape,
    pub(super) map: MapShape,
    /// Only a reference to a secret is allowed.
    pub(super) is_secret: bool,
    /// The first sentence of the description.
    pub(super) summary: Option<String>,
    /// The words of the schema that do not contain a schema.
    pub(super) keywords: Map<String, Value>,
    /// The texts that are allowed, each with its meaning.
    pub(super) words: Vec<(String, String)>,
    /// The definition that it refers to, such as `#/$defs/SecretReference`.
    pub(super) definition: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct NumberShape {
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

#[derive(Debug, Default)]
pub(super) struct TextShape {
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) pattern: Option<TextPattern>,
}

#[derive(Debug)]
pub(super) struct TextPattern {
    pub(super) regex: Regex,
    pub(super) description: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct ListShape {
    pub(super) min_items: Option<usize>,
    pub(super) items: ListItems,
    pub(super) unique_items: bool,
}

#[derive(Debug, Default)]
pub(super) struct MapShape {
    pub(super) min_properties: Option<usize>,
    /// The declared fields, in order.
    pub(super) names: Vec<String>,
    /// Fields of a whole document that are removed before it is validated. Messages name them, too.
    pub(super) names_taken_before: Vec<String>,
    pub(super) properties: BTreeMap<String, ShapeId>,
    pub(super) required: Vec<String>,
    /// The field whose entries count as fields of this mapping (`additional`).
    pub(super) additional_field: Option<String>,
    /// Fields of which exactly one must be present; empty if there is no such rule.
    pub(super) exclusive_fields: Vec<String>,
    pub(super) unlisted: UnlistedFields,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum UnlistedFields {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    CheckedElsewhere,
    Refused,
    Matching(ShapeId),
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) enum ListItems {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    CheckedElsewhere,
    Matching(ShapeId),
}
