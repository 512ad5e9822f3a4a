//! A JSON Schema in the form in which it is walked.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Number, Value};

use super::types::Types;

/// A schema, by its position in [`super::Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShapeId(pub(super) usize);

/// What one schema asks of a value. All of it holds at once.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// What it refers to, which holds beside the rest.
    pub(super) refers_to: Option<ShapeId>,
    /// `None` is any type.
    pub(super) types: Option<Types>,
    /// The values that are allowed, where they can be counted.
    pub(super) options: Option<Vec<Value>>,
    pub(super) choices: Vec<Choice>,
    pub(super) all_of: Vec<ShapeId>,
    pub(super) number: NumberShape,
    pub(super) text: TextShape,
    pub(super) list: ListShape,
    pub(super) map: MapShape,
    /// Only a reference may stand here.
    pub(super) secret: bool,
    /// What the field is for, in a sentence.
    pub(super) about: Option<String>,
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
    pub(super) above: Option<Number>,
    pub(super) below: Option<Number>,
    pub(super) multiple_of: Option<Number>,
}

/// Length and form of a text.
#[derive(Debug, Default)]
pub(super) struct TextShape {
    pub(super) length: Limits,
    pub(super) pattern: Option<Pattern>,
}

/// A form that a text must have.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// The form in words.
    pub(super) says: Option<String>,
}

/// Length and entries of a list.
#[derive(Debug, Default)]
pub(super) struct ListShape {
    pub(super) length: Limits,
    pub(super) items: Items,
    pub(super) unique: bool,
}

/// The fields of a mapping.
#[derive(Debug, Default)]
pub(super) struct MapShape {
    pub(super) size: Limits,
    /// In the order in which they are declared.
    pub(super) names: Vec<String>,
    pub(super) properties: BTreeMap<String, ShapeId>,
    pub(super) required: Vec<String>,
    /// The field whose entries count as fields of this mapping.
    pub(super) beside: Option<String>,
    /// Groups of fields of each of which exactly one is given.
    pub(super) arms: Vec<Vec<String>>,
    pub(super) others: Others,
}

/// Fields that are not declared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Others {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    Elsewhere,
    Refused,
    Like(ShapeId),
}

/// The entries of a list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Items {
    #[default]
    Any,
    /// Another schema of the same value may know them.
    Elsewhere,
    Like(ShapeId),
}

/// How many of something there may be.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) least: Option<usize>,
    pub(super) most: Option<usize>,
}
