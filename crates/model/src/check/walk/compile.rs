//! Reads a JSON Schema once, and refuses what it would not check.

use std::collections::{HashMap, HashSet};
use std::fmt;

use regex_lite::Regex;
use serde_json::{Map, Number, Value};

use super::shape::{
    Choice, Items, Limits, ListShape, MapShape, NumberShape, Others, Pattern, Shape, ShapeId,
    TextShape,
};
use super::types::Types;
use crate::mark;

/// Keywords that ask nothing of a value.
const NOTES: [&str; 9] = [
    "$schema",
    "$defs",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
];

/// Keywords that are checked.
const CHECKED: [&str; 26] = [
    "$ref",
    "type",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "allOf",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    mark::SECRET,
    PATTERN_SAYS,
];

/// The form that a pattern asks for, in words.
const PATTERN_SAYS: &str = "x-pattern-says";

/// A schema that cannot be walked: a programming error, found when the schema is first used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsupported {
    at: String,
    problem: String,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at `{}`: {}", self.at, self.problem)
    }
}

impl std::error::Error for Unsupported {}

/// Compiles `root`; the first shape is the root's.
pub(super) fn compile(root: &Value) -> Result<Vec<Shape>, Unsupported> {
    let mut compiler = Compiler { root, shapes: Vec::new(), by_pointer: HashMap::new() };
    compiler.shape(root, "#")?;
    Ok(compiler.shapes)
}

struct Compiler<'s> {
    root: &'s Value,
    shapes: Vec<Shape>,
    by_pointer: HashMap<&'s str, ShapeId>,
}

impl<'s> Compiler<'s> {
    fn shape(&mut self, schema: &'s Value, at: &str) -> Result<ShapeId, Unsupported> {
        let id = ShapeId(self.shapes.len());
        self.shapes.push(Shape::default());
        self.shapes[id.0] = match schema {
            Value::Object(keywords) => self.keywords(keywords, at)?,
            Value::Bool(true) => Shape::default(),
            // Nothing is of no type.
            Value::Bool(false) => Shape { types: Some(Types::default()), ..Shape::default() },
            _ => return Err(refuse(at, "a schema is an object or a boolean")),
        };
        Ok(id)
    }

    fn keywords(&mut self, of: &'s Map<String, Value>, at: &str) -> Result<Shape, Unsupported> {
        if let Some(unknown) = of.keys().find(|key| !is_supported(key)) {
            return Err(refuse(at, format!("the keyword `{unknown}` is not supported")));
        }
        let mut shape = Shape {
            refers_to: self.reference(of, at)?,
            types: types(of, at)?,
            options: options(of),
            choices: Vec::new(),
            all_of: self.branches(of, "allOf", at)?,
            number: number(of),
            text: text(of, at)?,
            list: self.list(of, at)?,
            map: self.map(of, at)?,
            secret: of.get(mark::SECRET) == Some(&Value::Bool(true)),
            about: of.get("description").and_then(Value::as_str).map(first_sentence),
        };
        for (word, exclusive) in [("oneOf", true), ("anyOf", false)] {
            match of.get(word).and_then(Value::as_array) {
                // Other values than mappings would have all the fields that they need.
                Some(branches) if exclusive && is_mapping(of) && arms(branches).is_some() => {
                    shape.map.arms.extend(arms(branches));
                }
                Some(branches) if exclusive && is_open(of) && variants(branches).is_some() => {
                    let at = format!("{at}/{word}");
                    for (name, schema) in variants(branches).into_iter().flatten() {
                        let id = self.shape(schema, &format!("{at}/{name}"))?;
                        shape.map.names.push(name.clone());
                        shape.map.properties.insert(name.clone(), id);
                    }
                    shape.types = Some(Types::MAP);
                    shape.map.others = Others::Refused;
                    shape.map.arms.push(shape.map.names.clone());
                }
                Some(branches) if constants(branches).is_some() && shape.options.is_none() => {
                    shape.options = constants(branches);
                }
                Some(_) => {
                    let branches = self.branches(of, word, at)?;
                    shape.choices.push(Choice { branches, exclusive });
                }
                None => {}
            }
        }
        leave_to_others(&mut shape);
        Ok(shape)
    }

    /// Follows a `$ref`; a definition is compiled once, and may refer to itself.
    fn reference(
        &mut self,
        of: &'s Map<String, Value>,
        at: &str,
    ) -> Result<Option<ShapeId>, Unsupported> {
        let Some(pointer) = of.get("$ref").and_then(Value::as_str) else { return Ok(None) };
        if let Some(&id) = self.by_pointer.get(pointer) {
            return Ok(Some(id));
        }
        let target = pointer.strip_prefix('#').and_then(|local| self.root.pointer(local));
        let Some(target) = target else {
            return Err(refuse(at, format!("`{pointer}` leads nowhere")));
        };
        // The shape takes the next position, whatever it turns out to hold.
        self.by_pointer.insert(pointer, ShapeId(self.shapes.len()));
        self.shape(target, pointer).map(Some)
    }

    fn branches(
        &mut self,
        of: &'s Map<String, Value>,
        word: &str,
        at: &str,
    ) -> Result<Vec<ShapeId>, Unsupported> {
        let branches = of.get(word).and_then(Value::as_array).into_iter().flatten().enumerate();
        branches.map(|(n, branch)| self.shape(branch, &format!("{at}/{word}/{n}"))).collect()
    }

    fn list(&mut self, of: &'s Map<String, Value>, at: &str) -> Result<ListShape, Unsupported> {
        let items = of.get("items").map(|items| self.shape(items, &format!("{at}/items")));
        Ok(ListShape {
            length: limits(of, "minItems", "maxItems"),
            items: items.transpose()?.map_or(Items::Any, Items::Like),
            unique: of.get("uniqueItems") == Some(&Value::Bool(true)),
        })
    }

    fn map(&mut self, of: &'s Map<String, Value>, at: &str) -> Result<MapShape, Unsupported> {
        let mut map = MapShape {
            size: limits(of, "minProperties", "maxProperties"),
            required: texts(of.get("required")),
            others: self.others(of, at)?,
            ..MapShape::default()
        };
        for (name, schema) in of.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let id = self.shape(schema, &format!("{at}/properties/{name}"))?;
            map.names.push(name.clone());
            map.properties.insert(name.clone(), id);
            if schema.get(mark::ADDITIONAL).is_some() {
                map.beside = Some(name.clone());
            }
        }
        Ok(map)
    }

    fn others(&mut self, of: &'s Map<String, Value>, at: &str) -> Result<Others, Unsupported> {
        Ok(match of.get("additionalProperties") {
            None | Some(Value::Bool(true)) => Others::Any,
            Some(Value::Bool(false)) => Others::Refused,
            Some(schema) => {
                Others::Like(self.shape(schema, &format!("{at}/additionalProperties"))?)
            }
        })
    }
}

fn refuse(at: &str, problem: impl Into<String>) -> Unsupported {
    Unsupported { at: at.to_owned(), problem: problem.into() }
}

/// What begins with `x-` says how a field behaves, and is read elsewhere.
fn is_supported(keyword: &str) -> bool {
    NOTES.contains(&keyword) || CHECKED.contains(&keyword) || keyword.starts_with("x-")
}

/// Parts that this schema leaves free may be described by another one of the same value.
fn leave_to_others(shape: &mut Shape) {
    if shape.refers_to.is_none() && shape.all_of.is_empty() && shape.choices.is_empty() {
        return;
    }
    if matches!(shape.map.others, Others::Any) {
        shape.map.others = Others::Elsewhere;
    }
    if matches!(shape.list.items, Items::Any) {
        shape.list.items = Items::Elsewhere;
    }
}

fn types(of: &Map<String, Value>, at: &str) -> Result<Option<Types>, Unsupported> {
    let Some(value) = of.get("type") else { return Ok(None) };
    let types = Types::from_schema(value).ok_or_else(|| refuse(at, "unknown type"))?;
    Ok(Some(types))
}

fn options(of: &Map<String, Value>) -> Option<Vec<Value>> {
    let constant = of.get("const").map(|only| vec![only.clone()]);
    constant.or_else(|| of.get("enum").and_then(Value::as_array).cloned())
}

/// The values of branches that are each a `const` or an `enum` and nothing else: an enum whose
/// variants are documented.
fn constants(branches: &[Value]) -> Option<Vec<Value>> {
    let is_plain = |branch: &Map<String, Value>| {
        branch.keys().all(|key| {
            matches!(key.as_str(), "const" | "enum" | "type") || NOTES.contains(&key.as_str())
        })
    };
    let mut all: Vec<Value> = Vec::new();
    for branch in branches {
        let branch = branch.as_object().filter(|branch| is_plain(branch))?;
        for value in options(branch)? {
            if all.contains(&value) {
                return None;
            }
            all.push(value);
        }
    }
    Some(all)
}

/// The fields of branches that each require one field and nothing else.
fn arms(branches: &[Value]) -> Option<Vec<String>> {
    branches
        .iter()
        .map(|branch| {
            let branch = branch.as_object().filter(|branch| branch.len() == 1)?;
            match branch.get("required")?.as_array()?.as_slice() {
                [Value::String(name)] => Some(name.clone()),
                _ => None,
            }
        })
        .collect()
}

fn is_mapping(of: &Map<String, Value>) -> bool {
    of.get("type").is_some_and(|types| types == "object")
}

/// Whether a schema says nothing of its own about a mapping.
fn is_open(of: &Map<String, Value>) -> bool {
    !["type", "properties", "additionalProperties"].iter().any(|word| of.contains_key(*word))
}

/// The fields of branches that are each a mapping of exactly one field: an enum whose variants
/// hold something.
fn variants(branches: &[Value]) -> Option<Vec<(&String, &Value)>> {
    let mut seen = HashSet::new();
    branches
        .iter()
        .map(|branch| {
            let properties = branch["properties"].as_object().filter(|all| all.len() == 1)?;
            let (name, schema) = properties.iter().next()?;
            let is_mapping = branch["type"] == "object"
                && branch["additionalProperties"] == false
                && branch["required"].as_array().is_some_and(|all| all == &[name.as_str()]);
            let words = ["type", "properties", "required", "additionalProperties"];
            let nothing_else = branch
                .as_object()?
                .keys()
                .all(|word| words.contains(&word.as_str()) || NOTES.contains(&word.as_str()));
            (is_mapping && nothing_else && seen.insert(name)).then_some((name, schema))
        })
        .collect()
}

fn number(of: &Map<String, Value>) -> NumberShape {
    let bound = |word: &str| -> Option<Number> { of.get(word)?.as_number().cloned() };
    NumberShape {
        minimum: bound("minimum"),
        maximum: bound("maximum"),
        above: bound("exclusiveMinimum"),
        below: bound("exclusiveMaximum"),
        multiple_of: bound("multipleOf"),
    }
}

fn text(of: &Map<String, Value>, at: &str) -> Result<TextShape, Unsupported> {
    let pattern = of.get("pattern").and_then(Value::as_str).map(|pattern| {
        let regex = Regex::new(pattern).map_err(|error| refuse(at, error.to_string()))?;
        let says = of.get(PATTERN_SAYS).and_then(Value::as_str).map(str::to_owned);
        Ok(Pattern { regex, says })
    });
    Ok(TextShape { length: limits(of, "minLength", "maxLength"), pattern: pattern.transpose()? })
}

fn limits(of: &Map<String, Value>, least: &str, most: &str) -> Limits {
    let count = |word: &str| of.get(word)?.as_u64().and_then(|n| usize::try_from(n).ok());
    Limits { least: count(least), most: count(most) }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn first_sentence(description: &str) -> String {
    let end = description.find(". ").map_or(description.len(), |stop| stop + 1);
    description[..end].replace('\n', " ")
}
