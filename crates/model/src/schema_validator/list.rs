//! Lists and their entries.

use std::collections::HashMap;

use serde_json::Value;

use super::compiled::{ListItems, ListShape};
use super::{PathStep, ValidationPass, code};
use crate::yaml::{PendingDiagnostic, Span, YamlNode};

impl<'w> ValidationPass<'w> {
    pub(super) fn validate_list(
        &mut self,
        shape: &'w ListShape,
        items: &'w [YamlNode],
        node: &'w YamlNode,
        key: Option<Span>,
    ) {
        if let Some(message) = too_few(items.len(), shape.min_items, "entries") {
            let span = key.unwrap_or_else(|| node.head_span());
            self.report_problem(|| PendingDiagnostic::error(code::BAD_LENGTH, span, message));
        }
        if shape.unique_items {
            self.report_duplicates(items);
        }
        for (index, item) in items.iter().enumerate() {
            match shape.items {
                ListItems::Any => self.validate_untyped(PathStep::Index(index), item, None),
                ListItems::CheckedElsewhere => {}
                ListItems::Matching(shape) => self.validate_child(PathStep::Index(index), shape, item, None),
            }
        }
    }

    fn report_duplicates(&mut self, items: &[YamlNode]) {
        // Not every entry with every other: a list may have hundreds of thousands.
        let mut seen: HashMap<String, Span> = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            let span = item.alias.unwrap_or_else(|| item.head_span());
            if let Some(first) = seen.insert(canonical_text(&item.to_json()), span) {
                self.steps.push(PathStep::Index(index));
                self.report_problem(|| {
                    PendingDiagnostic::error(code::DUPLICATE_ITEM, span, "the list has this entry twice")
                        .with_related(first, "first here")
                });
                self.steps.pop();
            }
        }
    }
}

/// The message if `count` is below the limit.
pub(super) fn too_few(count: usize, least: Option<usize>, what: &str) -> Option<String> {
    let least = least.filter(|least| count < *least)?;
    Some(match (count, least) {
        (0, 1) => format!("there are no {what}, and at least one is needed"),
        _ => format!("there are {count} {what}, and at least {least} are needed"),
    })
}

/// Equal values have equal texts: `1` and `1.0`, mappings in any order of keys.
fn canonical_text(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(String::new, |float| float.to_string()),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical_text).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(fields) => {
            let mut fields: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), canonical_text(value)))
                .collect();
            fields.sort();
            format!("{{{}}}", fields.join(","))
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.to_string(),
    }
}
