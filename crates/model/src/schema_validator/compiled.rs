//! A JSON Schema in the form in which it is walked.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Number, Value};

use super::types::JsonTypes;

/// A schema, by its position in [`super::Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShapeId(pub(super) usize);

/// What one schema asks of a value. All of it holds at once.
#[derive(Debug, Default)]
pub(super) struct ValueShape {
    /// What it refers to, which holds beside the rest.
    pub(super) refers_to: Option<ShapeId>,
    /// `None` is any type.
    pub(super) types: Option<JsonTypes>,
    /// The values that are allowed, where they can be counted.
    pub(super) allowed_values: Option<Vec<Value>>,
    pub(super) choices: Vec<Choice>,
    pub(super) all_of: Vec<ShapeId>,
    pub(super) number: NumberShape,
    pub(super) text: TextShape,
    pub(super) list: ListShape,
    pub(super) map: MapShape,
    /// Only a reference may stand here.
    pub(super) is_secret: bool,
    /// What the field is for, in a sentence.
    pub(super) summary: Option<String>,
}

/// Several schemas of which some hold.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) branches: Vec<ShapeId>,
    /// Exactly one of them, rather than at least one.
    pub(super) exclusive: bool,
}

/// Bounds of a number.
#[derive(Debug, Default)]
pub(super) struct NumberShape {
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) exclusive_maximum: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

/// Length and form of a text.
#[derive(Debug, Default)]
pub(super) struct TextShape {
    pub(super) length: CountLimits,
    pub(super) pattern: Option<TextPattern>,
}

/// A form that a text must have.
#[derive(Debug)]
pub(super) struct TextPattern {
    pub(super) regex: Regex,
    /// The form in words.
    pub(super) description: Option<String>,
}

/// Length and entries of a list.
#[derive(Debug, Default)]
pub(super) struct ListShape {
    pub(super) length: CountLimits,
    pub(super) items: ListItems,
    pub(super) unique_items: bool,
}

/// The fields of a mapping.
#[derive(Debug, Default)]
pub(super) struct MapShape {
    pub(super) size: CountLimits,
    /// In the order in which they are declared.
    pub(super) names: Vec<String>,
    pub(super) properties: BTreeMap<String, ShapeId>,
    pub(super) required: Vec<String>,
    /// The field whose entries count as fields of this mapping.
    pub(super) additional_field: Option<String>,
    /// Groups of fields of each of which exactly one is given.
    pub(super) exclusive_groups: Vec<Vec<String>>,
    pub(super) unlisted: UnlistedFields,
}

/// Fields that are not declared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum UnlistedFields {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    CheckedElsewhere,
    Refused,
    Matching(ShapeId),
}

/// The entries of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum ListItems {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    CheckedElsewhere,
    Matching(ShapeId),
}

/// How many of something there may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CountLimits {
    pub(super) least: Option<usize>,
    pub(super) most: Option<usize>,
}
