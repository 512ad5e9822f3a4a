//! Values of the wrong type, and values outside of an enum.

use serde_json::Value;

use super::compiled::ValueShape;
use super::types::{JsonTypes, describe_content};
use super::{ValidationPass, code};
use crate::suggest::suggest_similar;
use crate::yaml::{PendingDiagnostic, YamlContent, YamlNode, parse_plain_scalar, yaml_1_1_boolean};

/// Numbers are compared by value: `2.0` is among `[1, 2]`.
pub(super) fn is_allowed_value(node: &YamlNode, options: &[Value]) -> bool {
    // Nearly all are texts, and need no copy.
    if let YamlContent::Text { text, .. } = &node.content {
        return options.iter().any(|option| option == text);
    }
    let value = node.to_json();
    options.iter().any(|option| values_equal(option, &value))
}

fn values_equal(option: &Value, value: &Value) -> bool {
    match (option, value) {
        (Value::Number(option), Value::Number(value)) => option.as_f64() == value.as_f64(),
        _ => option == value,
    }
}

impl ValidationPass<'_> {
    pub(super) fn report_wrong_type(&mut self, shape: &ValueShape, node: &YamlNode) {
        self.report_problem(|| wrong_type_problem(shape.types.unwrap_or_default(), node));
    }

    pub(super) fn report_bad_value(&mut self, shape: &ValueShape, node: &YamlNode) {
        let discreet = self.secret_depth.is_some();
        self.report_problem(|| bad_value_problem(shape.allowed_values.as_deref().unwrap_or_default(), node, discreet));
    }
}

pub(super) fn wrong_type_problem(types: JsonTypes, node: &YamlNode) -> PendingDiagnostic {
    // The YAML reader left such digits as text, but `expected a whole number, found text` would puzzle the author.
    if types.matches_content(&parse_plain_scalar("1")) && is_oversized_number(node) {
        return PendingDiagnostic::error(code::OUT_OF_RANGE, node.span, "the number is too large");
    }
    if types == JsonTypes::default() {
        return PendingDiagnostic::error(code::WRONG_TYPE, node.head_span(), "no value is allowed here");
    }
    let message = format!("expected {}, found {}", types.describe_types(), describe_content(&node.content));
    let remark = PendingDiagnostic::error(code::WRONG_TYPE, node.head_span(), message);
    match suggest_fix(types, node) {
        Some((help, Some(text))) => remark.with_help(help).with_replacement(text),
        Some((help, None)) => remark.with_help(help),
        None => remark,
    }
}

/// `true` for digits that the YAML reader kept as text because they fit into no integer.
fn is_oversized_number(node: &YamlNode) -> bool {
    let digits = match &node.content {
        YamlContent::Text { text, is_unquoted: true, .. } => text.trim_start_matches(['-', '+']),
        _ => return false,
    };
    !digits.starts_with('0') && digits.len() > 18 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The fix as a sentence, and as a replacement if there is exactly one.
fn suggest_fix(types: JsonTypes, node: &YamlNode) -> Option<(&'static str, Option<String>)> {
    match &node.content {
        YamlContent::Text { text, .. } => suggest_text_fix(types, text),
        YamlContent::Number(_) | YamlContent::Bool(_) if types.allows_any(JsonTypes::TEXT) => {
            Some(("put it in quotes", None))
        }
        YamlContent::Number(_) if types.allows_any(JsonTypes::WHOLE) => Some(("write it without a fraction", None)),
        YamlContent::Map(_) if types.allows_any(JsonTypes::LIST) => {
            Some(("begin each entry of the list with `- `", None))
        }
        _ => None,
    }
}

fn suggest_text_fix(types: JsonTypes, text: &str) -> Option<(&'static str, Option<String>)> {
    if types.matches_content(&parse_plain_scalar(text)) {
        return Some(("write it without quotes", Some(text.to_owned())));
    }
    if let (true, Some(meant)) = (types.allows_any(JsonTypes::BOOLEAN), yaml_1_1_boolean(text)) {
        let help = if meant { "write `true`" } else { "write `false`" };
        return Some((help, Some(meant.to_string())));
    }
    if types.allows_any(JsonTypes::NUMBER) && text.starts_with('0') {
        return Some(("write the number without leading zeros", None));
    }
    if types.allows_any(JsonTypes::NUMBER) && text.contains('_') {
        return Some(("write the number without `_`", None));
    }
    types.allows_any(JsonTypes::LIST).then_some(("a list of one entry is written `[…]`", None))
}

fn bad_value_problem(options: &[Value], node: &YamlNode, discreet: bool) -> PendingDiagnostic {
    let names: Vec<String> = options.iter().map(display_value).collect();
    let given = match &node.content {
        YamlContent::Map(_) | YamlContent::List(_) => None,
        _ => Some(display_value(&node.to_json())),
    };
    // Below a secret the value may be a part of it.
    let message = match &given {
        Some(given) if !discreet => format!("`{}` is not a value of this field", truncate(given)),
        _ => format!("{} is not a value of this field", describe_content(&node.content)),
    };
    let remark = PendingDiagnostic::error(code::BAD_VALUE, node.head_span(), message);
    let texts = options.iter().filter_map(Value::as_str);
    let meant = given.and_then(|given| suggest_similar(&given, texts));
    match (meant, names.as_slice()) {
        (Some(meant), _) => remark.with_help(format!("did you mean `{meant}`?")).with_replacement(meant),
        (None, [only]) => remark.with_help(format!("write `{only}`")),
        (None, _) => remark.with_help(format!("it is one of {}", join_quoted(&names))),
    }
}

fn display_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn truncate(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

pub(super) fn join_quoted<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}
