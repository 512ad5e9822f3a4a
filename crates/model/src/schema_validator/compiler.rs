//! Compiles a JSON Schema, and refuses keywords that would not be checked.

use std::collections::HashMap;
use std::fmt;

use regex_lite::Regex;
use serde_json::{Map, Number, Value};

use super::compiled::{
    ListItems, ListShape, MapShape, NumberShape, ShapeId, TextPattern, TextShape, UnlistedFields, ValueShape,
};
use super::types::JsonTypes;
use crate::annotations;

/// Keywords without a constraint on a value.
const ANNOTATION_KEYWORDS: [&str; 7] =
    ["$schema", "$defs", "title", "description", "default", "deprecated", "writeOnly"];

// A keyword in none of the lists is an error. `schemars` may generate a new one after an update or a new
// attribute, and it would go unchecked silently.
const CHECKED_KEYWORDS: [&str; 21] = [
    "$ref",
    "type",
    "enum",
    "const",
    "oneOf",
    "anyOf",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "items",
    "minItems",
    "uniqueItems",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    annotations::SECRET,
    PATTERN_DESCRIPTION,
];

/// Keywords that contain schemas, or describe their relation.
const STRUCTURAL_KEYWORDS: [&str; 9] =
    ["$schema", "$defs", "$ref", "oneOf", "anyOf", "properties", "required", "additionalProperties", "items"];

const PATTERN_DESCRIPTION: &str = "x-pattern-says";

/// A schema that cannot be compiled: a programming error, found when the schema is first used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedSchema {
    location: String,
    problem: String,
}

impl fmt::Display for UnsupportedSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at `{}`: {}", self.location, self.problem)
    }
}

impl std::error::Error for UnsupportedSchema {}

/// Compiles `root`; the first shape is the root's.
pub(super) fn compile_schema(root: &Value) -> Result<Vec<ValueShape>, UnsupportedSchema> {
    let mut compiler = SchemaCompiler { root, shapes: Vec::new(), by_pointer: HashMap::new() };
    compiler.compile_shape(root, "#")?;
    Ok(compiler.shapes)
}

struct SchemaCompiler<'s> {
    root: &'s Value,
    shapes: Vec<ValueShape>,
    by_pointer: HashMap<&'s str, ShapeId>,
}

impl<'s> SchemaCompiler<'s> {
    fn compile_shape(&mut self, schema: &'s Value, at: &str) -> Result<ShapeId, UnsupportedSchema> {
        // The position is taken before the content is compiled: a schema within it may refer to this one.
        let id = ShapeId(self.shapes.len());
        self.shapes.push(ValueShape::default());
        self.shapes[id.0] = match schema {
            Value::Object(keywords) => self.compile_keywords(keywords, at)?,
            Value::Bool(true) => ValueShape::default(),
            // `false` allows no value: none matches the empty set of types.
            Value::Bool(false) => ValueShape { types: Some(JsonTypes::default()), ..ValueShape::default() },
            _ => return Err(unsupported_at(at, "a schema is an object or a boolean")),
        };
        Ok(id)
    }

    fn compile_keywords(
        &mut self,
        keywords: &'s Map<String, Value>,
        at: &str,
    ) -> Result<ValueShape, UnsupportedSchema> {
        if let Some(unknown) = keywords.keys().find(|key| !is_supported_keyword(key)) {
            return Err(unsupported_at(at, format!("the keyword `{unknown}` is not supported")));
        }
        let mut shape = ValueShape {
            refers_to: self.compile_reference(keywords, at)?,
            types: parse_types(keywords, at)?,
            allowed_values: allowed_values(keywords),
            any_of: self.compile_any_of(keywords, at)?,
            number: number_bounds(keywords),
            text: text_constraints(keywords, at)?,
            list: self.compile_list(keywords, at)?,
            map: self.compile_map(keywords, at)?,
            is_secret: keywords.get(annotations::SECRET) == Some(&Value::Bool(true)),
            keywords: plain_keywords(keywords),
            words: allowed_words(keywords),
            definition: keywords.get("$ref").and_then(Value::as_str).map(str::to_owned),
            summary: keywords.get("description").and_then(Value::as_str).map(first_sentence),
        };
        if let Some(branches) = keywords.get("oneOf").and_then(Value::as_array) {
            // Only for mappings: by JSON Schema a value that is not a mapping satisfies every `required`.
            let is_mapping = keywords.get("type").is_some_and(|types| types == "object");
            let exclusive = exclusive_fields(branches).filter(|_| is_mapping);
            match (exclusive, constant_values(branches)) {
                (Some(fields), _) => shape.map.exclusive_fields = fields,
                (None, Some(values)) if shape.allowed_values.is_none() => shape.allowed_values = Some(values),
                _ => return Err(unsupported_at(at, "`oneOf` lists constants, or fields of an object")),
            }
        }
        defer_to_siblings(&mut shape);
        Ok(shape)
    }

    fn compile_reference(
        &mut self,
        keywords: &'s Map<String, Value>,
        at: &str,
    ) -> Result<Option<ShapeId>, UnsupportedSchema> {
        let Some(pointer) = keywords.get("$ref").and_then(Value::as_str) else { return Ok(None) };
        if let Some(&id) = self.by_pointer.get(pointer) {
            return Ok(Some(id));
        }
        let target = pointer.strip_prefix('#').and_then(|local| self.root.pointer(local));
        let Some(target) = target else {
            return Err(unsupported_at(at, format!("`{pointer}` leads nowhere")));
        };
        // Registered before it is compiled, at the next position, which it will take: a definition that refers
        // to itself would recurse for ever.
        self.by_pointer.insert(pointer, ShapeId(self.shapes.len()));
        self.compile_shape(target, pointer).map(Some)
    }

    fn compile_any_of(
        &mut self,
        keywords: &'s Map<String, Value>,
        at: &str,
    ) -> Result<Vec<ShapeId>, UnsupportedSchema> {
        let branches = keywords.get("anyOf").and_then(Value::as_array).into_iter().flatten().enumerate();
        branches.map(|(n, branch)| self.compile_shape(branch, &format!("{at}/anyOf/{n}"))).collect()
    }

    fn compile_list(&mut self, keywords: &'s Map<String, Value>, at: &str) -> Result<ListShape, UnsupportedSchema> {
        let items = keywords.get("items").map(|items| self.compile_shape(items, &format!("{at}/items")));
        Ok(ListShape {
            min_items: count_limit(keywords, "minItems"),
            items: items.transpose()?.map_or(ListItems::Any, ListItems::Matching),
            unique_items: keywords.get("uniqueItems") == Some(&Value::Bool(true)),
        })
    }

    fn compile_map(&mut self, keywords: &'s Map<String, Value>, at: &str) -> Result<MapShape, UnsupportedSchema> {
        let mut map = MapShape {
            min_properties: count_limit(keywords, "minProperties"),
            required: string_list(keywords.get("required")),
            unlisted: self.compile_unlisted(keywords, at)?,
            ..MapShape::default()
        };
        for (name, schema) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let id = self.compile_shape(schema, &format!("{at}/properties/{name}"))?;
            map.names.push(name.clone());
            map.properties.insert(name.clone(), id);
            if schema.get(annotations::ADDITIONAL).is_some() {
                map.additional_field = Some(name.clone());
            }
        }
        Ok(map)
    }

    fn compile_unlisted(
        &mut self,
        keywords: &'s Map<String, Value>,
        at: &str,
    ) -> Result<UnlistedFields, UnsupportedSchema> {
        Ok(match keywords.get("additionalProperties") {
            None | Some(Value::Bool(true)) => UnlistedFields::Any,
            Some(Value::Bool(false)) => UnlistedFields::Refused,
            Some(schema) => {
                UnlistedFields::Matching(self.compile_shape(schema, &format!("{at}/additionalProperties"))?)
            }
        })
    }
}

fn plain_keywords(keywords: &Map<String, Value>) -> Map<String, Value> {
    let plain = keywords.iter().filter(|(word, _)| !STRUCTURAL_KEYWORDS.contains(&word.as_str()));
    plain.map(|(word, value)| (word.clone(), value.clone())).collect()
}

fn allowed_words(keywords: &Map<String, Value>) -> Vec<(String, String)> {
    let list = |word: &str| keywords.get(word).and_then(Value::as_array).into_iter().flatten();
    let unexplained = list("enum").filter_map(|word| Some((word.as_str()?.to_owned(), String::new())));
    let explained = list("oneOf").filter_map(|choice| {
        let meaning = choice["description"].as_str().unwrap_or_default();
        Some((choice["const"].as_str()?.to_owned(), meaning.to_owned()))
    });
    unexplained.chain(explained).collect()
}

fn unsupported_at(at: &str, problem: impl Into<String>) -> UnsupportedSchema {
    UnsupportedSchema { location: at.to_owned(), problem: problem.into() }
}

fn is_supported_keyword(keyword: &str) -> bool {
    // Marks that begin with `x-` describe how a field behaves; the field semantics read them.
    ANNOTATION_KEYWORDS.contains(&keyword) || CHECKED_KEYWORDS.contains(&keyword) || keyword.starts_with("x-")
}

fn defer_to_siblings(shape: &mut ValueShape) {
    // Another schema of the same value may describe the fields and entries that this one leaves free.
    if shape.refers_to.is_none() && shape.any_of.is_empty() {
        return;
    }
    if matches!(shape.map.unlisted, UnlistedFields::Any) {
        shape.map.unlisted = UnlistedFields::CheckedElsewhere;
    }
    if matches!(shape.list.items, ListItems::Any) {
        shape.list.items = ListItems::CheckedElsewhere;
    }
}

fn parse_types(keywords: &Map<String, Value>, at: &str) -> Result<Option<JsonTypes>, UnsupportedSchema> {
    let Some(value) = keywords.get("type") else { return Ok(None) };
    let types = JsonTypes::from_schema(value).ok_or_else(|| unsupported_at(at, "unknown type"))?;
    Ok(Some(types))
}

fn allowed_values(keywords: &Map<String, Value>) -> Option<Vec<Value>> {
    let constant = keywords.get("const").map(|only| vec![only.clone()]);
    constant.or_else(|| keywords.get("enum").and_then(Value::as_array).cloned())
}

/// The values of branches that are each a `const` or an `enum` only: a Rust enum with documented
/// variants.
fn constant_values(branches: &[Value]) -> Option<Vec<Value>> {
    let is_plain = |branch: &Map<String, Value>| {
        branch
            .keys()
            .all(|key| matches!(key.as_str(), "const" | "enum" | "type") || ANNOTATION_KEYWORDS.contains(&key.as_str()))
    };
    let mut all: Vec<Value> = Vec::new();
    for branch in branches {
        let branch = branch.as_object().filter(|branch| is_plain(branch))?;
        for value in allowed_values(branch)? {
            // A value in two branches satisfies `anyOf` and breaks `oneOf`: it is not a plain list of values.
            if all.contains(&value) {
                return None;
            }
            all.push(value);
        }
    }
    Some(all)
}

/// The fields of branches that consist of one required field each.
fn exclusive_fields(branches: &[Value]) -> Option<Vec<String>> {
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

fn number_bounds(keywords: &Map<String, Value>) -> NumberShape {
    let bound = |word: &str| -> Option<Number> { keywords.get(word)?.as_number().cloned() };
    NumberShape { minimum: bound("minimum"), maximum: bound("maximum"), multiple_of: bound("multipleOf") }
}

fn text_constraints(keywords: &Map<String, Value>, at: &str) -> Result<TextShape, UnsupportedSchema> {
    let pattern = keywords.get("pattern").and_then(Value::as_str).map(|pattern| {
        let regex = Regex::new(pattern).map_err(|error| unsupported_at(at, error.to_string()))?;
        let says = keywords.get(PATTERN_DESCRIPTION).and_then(Value::as_str).map(str::to_owned);
        Ok(TextPattern { regex, description: says })
    });
    Ok(TextShape {
        min_length: count_limit(keywords, "minLength"),
        max_length: count_limit(keywords, "maxLength"),
        pattern: pattern.transpose()?,
    })
}

fn count_limit(keywords: &Map<String, Value>, word: &str) -> Option<usize> {
    keywords.get(word)?.as_u64().and_then(|count| usize::try_from(count).ok())
}

fn string_list(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn first_sentence(description: &str) -> String {
    let end = description.find(". ").map_or(description.len(), |stop| stop + 1);
    description[..end].replace('\n', " ")
}
