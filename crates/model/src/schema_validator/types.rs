//! The types of JSON, with names for authors of YAML.

use serde_json::Value;

use crate::yaml::YamlContent;

/// A set of types as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct JsonTypes(u8);

/// The bit of each type, its name in a schema and its name in a message.
const TYPE_NAMES: [(u8, &str, &str); 6] = [
    (1, "object", "a mapping"),
    (2, "array", "a list"),
    (4, "string", "text"),
    (8, "integer", "a whole number"),
    (16, "number", "a number"),
    (32, "boolean", "`true` or `false`"),
];

impl JsonTypes {
    pub(super) const MAP: Self = Self(1);
    pub(super) const LIST: Self = Self(2);
    pub(super) const TEXT: Self = Self(4);
    pub(super) const WHOLE: Self = Self(8);
    pub(super) const NUMBER: Self = Self(8 | 16);
    pub(super) const BOOLEAN: Self = Self(32);

    /// Reads the keyword `type`; `None` for an unknown type.
    pub(super) fn from_schema(value: &Value) -> Option<Self> {
        match value {
            // No bit: null is refused before types are compared.
            Value::String(name) if name == "null" => Some(Self::default()),
            Value::String(name) => {
                let bits = TYPE_NAMES.iter().find(|(_, known, _)| known == name)?.0;
                Some(if bits == 16 { Self::NUMBER } else { Self(bits) })
            }
            Value::Array(names) => {
                names.iter().map(Self::from_schema).try_fold(Self::default(), |all, each| Some(all.union_with(each?)))
            }
            _ => None,
        }
    }

    pub(super) fn any_type() -> Self {
        Self(u8::MAX)
    }

    pub(super) fn union_with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn allows_any(self, any_of: Self) -> bool {
        self.0 & any_of.0 != 0
    }

    pub(super) fn matches_content(self, content: &YamlContent) -> bool {
        self.allows_any(match content {
            YamlContent::Map(_) => Self::MAP,
            YamlContent::List(_) => Self::LIST,
            YamlContent::Text { .. } => Self::TEXT,
            YamlContent::Bool(_) => Self::BOOLEAN,
            YamlContent::Number(number) if is_whole_number(number) => Self::WHOLE,
            YamlContent::Number(_) => Self(16),
            YamlContent::Null | YamlContent::Unreadable => return false,
        })
    }

    pub(super) fn describe_types(self) -> String {
        // `a number` includes whole numbers.
        let said = |bits: u8| self.0 & bits != 0 && !(bits == 8 && self.0 & 16 != 0);
        let words: Vec<&str> = TYPE_NAMES.iter().filter(|(bits, ..)| said(*bits)).map(|(_, _, word)| *word).collect();
        words.join(" or ")
    }
}

fn is_whole_number(number: &serde_json::Number) -> bool {
    number.is_i64() || number.is_u64() || number.as_f64().is_some_and(|float| float.fract() == 0.0)
}

pub(super) fn describe_content(content: &YamlContent) -> &'static str {
    match content {
        YamlContent::Map(_) => "a mapping",
        YamlContent::List(_) => "a list",
        YamlContent::Text { .. } => "text",
        YamlContent::Bool(true) => "`true`",
        YamlContent::Bool(false) => "`false`",
        YamlContent::Number(number) if is_whole_number(number) => "a whole number",
        YamlContent::Number(_) => "a number with a fraction",
        YamlContent::Null | YamlContent::Unreadable => "nothing",
    }
}
