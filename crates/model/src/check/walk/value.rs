//! Values of the wrong type, and values that are none of those allowed.

use serde_json::Value;

use super::shape::Shape;
use super::types::{Types, found};
use super::{Walk, code};
use crate::nearest::nearest;
use crate::source::{Content, Node, Remark, plain, reads_as_boolean};

/// Whether a value is among `options`; numbers are compared by value.
pub(super) fn is_one_of(node: &Node, options: &[Value]) -> bool {
    let value = node.to_json();
    options.iter().any(|option| same(option, &value))
}

fn same(option: &Value, value: &Value) -> bool {
    match (option, value) {
        (Value::Number(option), Value::Number(value)) => option.as_f64() == value.as_f64(),
        _ => option == value,
    }
}

impl Walk<'_> {
    pub(super) fn wrong_type(&mut self, shape: &Shape, node: &Node) {
        self.report(|| wrong_type(shape.types.unwrap_or_default(), node));
    }

    pub(super) fn bad_value(&mut self, shape: &Shape, node: &Node) {
        let discreet = self.discreet.is_some();
        self.report(|| bad_value(shape.options.as_deref().unwrap_or_default(), node, discreet));
    }
}

pub(super) fn wrong_type(types: Types, node: &Node) -> Remark {
    if types.has(&plain("1")) && is_huge(node) {
        return Remark::error(code::OUT_OF_RANGE, node.span, "the number is too large");
    }
    if types == Types::default() {
        return Remark::error(code::WRONG_TYPE, node.head(), "nothing may stand here");
    }
    let message = format!("expected {}, found {}", types.in_words(), found(&node.content));
    let remark = Remark::error(code::WRONG_TYPE, node.head(), message);
    match fix(types, node) {
        Some((help, Some(text))) => remark.help(help).replacement(text),
        Some((help, None)) => remark.help(help),
        None => remark,
    }
}

/// Digits that were too many to be read as a number.
fn is_huge(node: &Node) -> bool {
    let digits = match &node.content {
        Content::Text { text, plain: true } => text.trim_start_matches(['-', '+']),
        _ => return false,
    };
    !digits.starts_with('0') && digits.len() > 18 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What to write instead, as a sentence and maybe as text.
fn fix(types: Types, node: &Node) -> Option<(&'static str, Option<String>)> {
    match &node.content {
        Content::Text { text, .. } => text_fix(types, text),
        Content::Number(_) | Content::Bool(_) if types.allows(Types::TEXT) => {
            Some(("put it in quotes", None))
        }
        Content::Number(_) if types.allows(Types::WHOLE) => {
            Some(("write it without a fraction", None))
        }
        Content::Map(_) if types.allows(Types::LIST) => {
            Some(("begin each entry of the list with `- `", None))
        }
        _ => None,
    }
}

fn text_fix(types: Types, text: &str) -> Option<(&'static str, Option<String>)> {
    if types.has(&plain(text)) {
        return Some(("write it without quotes", Some(text.to_owned())));
    }
    if let (true, Some(meant)) = (types.allows(Types::BOOLEAN), reads_as_boolean(text)) {
        let help = if meant { "write `true`" } else { "write `false`" };
        return Some((help, Some(meant.to_string())));
    }
    if types.allows(Types::NUMBER) && text.starts_with('0') {
        return Some(("write the number without leading zeros", None));
    }
    if types.allows(Types::NUMBER) && text.contains('_') {
        return Some(("write the number without `_`", None));
    }
    types.allows(Types::LIST).then_some(("a list of one entry is written `[…]`", None))
}

fn bad_value(options: &[Value], node: &Node, discreet: bool) -> Remark {
    let names: Vec<String> = options.iter().map(shown).collect();
    let given = match &node.content {
        Content::Map(_) | Content::List(_) => None,
        _ => Some(shown(&node.to_json())),
    };
    let message = match &given {
        Some(given) if !discreet => format!("`{}` is not a value of this field", short(given)),
        _ => format!("{} is not a value of this field", found(&node.content)),
    };
    let remark = Remark::error(code::BAD_VALUE, node.head(), message);
    let texts = options.iter().filter_map(Value::as_str);
    let meant = given.and_then(|given| nearest(&given, texts));
    match (meant, names.as_slice()) {
        (Some(meant), _) => remark.help(format!("did you mean `{meant}`?")).replacement(meant),
        (None, [only]) => remark.help(format!("write `{only}`")),
        (None, _) => remark.help(format!("it is one of {}", in_backticks(&names))),
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn short(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

pub(super) fn in_backticks<T: AsRef<str>>(names: &[T]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    quoted.join(", ")
}
