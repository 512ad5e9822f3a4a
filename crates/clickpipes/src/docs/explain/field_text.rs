//! The schema in words.

use std::fmt;

use serde_json::Value;

use super::{FieldExplanation, Readback};
use model::annotations;
use model::schema_validator::FieldNode;

/// The type of a field in words.
pub(in crate::docs) fn describe_type(node: &FieldNode) -> String {
    if node.has_keyword(annotations::ADDITIONAL) {
        return "any fields".to_owned();
    }
    if node.is_secret() {
        return "reference to a secret".to_owned();
    }
    if let Some(item) = node.list_item() {
        return format!("list of {}", plural_type_name(item));
    }
    if node.can_be_secret() {
        return "text, or reference to a secret".to_owned();
    }
    if !node.allowed_values().is_empty() {
        return "word".to_owned();
    }
    if node.is_map() {
        return format!("map of {}", node.map_value().map_or("texts", plural_type_name));
    }
    if node.keyword_text("type").is_empty() && !node.is_choice() {
        return "any value".to_owned();
    }
    type_name(node.keyword_text("type")).to_owned()
}

fn type_name(kind: &str) -> &'static str {
    match kind {
        "boolean" => "true or false",
        "integer" => "whole number",
        "number" => "number",
        "object" => "object",
        _ => "text",
    }
}

fn plural_type_name(item: &FieldNode) -> &'static str {
    match item.keyword_text("type") {
        "object" => "objects",
        "integer" | "number" => "numbers",
        "" if !item.is_choice() && !item.can_be_secret() => "values",
        _ if !item.has_child_fields() => "texts",
        _ => "texts or objects",
    }
}

/// Range, length and form.
pub(in crate::docs) fn describe_limits(node: &FieldNode) -> Vec<String> {
    let number = |word: &str| node.keyword_value(word).map(format_number);
    let range = match (number("minimum"), number("maximum")) {
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("{least} or more")),
        (None, Some(most)) => Some(format!("{most} or less")),
        (None, None) => None,
    };
    let most = |word: &str, unit: &str| number(word).map(|most| format!("at most {most} {unit}"));
    let entries = number("minItems").map(|least| format!("at least {least} entries"));
    let step = number("multipleOf").map(|step| format!("in steps of {step}"));
    let form = node.keyword_value(annotations::PATTERN_DESCRIPTION).and_then(Value::as_str).map(str::to_owned);
    let unique = node.has_keyword("uniqueItems").then(|| "no duplicates".to_owned());
    [range, step, most("maxLength", "characters"), entries, unique, form].into_iter().flatten().collect()
}

/// `8` for 8.0, since that is how it is written.
fn format_number(value: &Value) -> String {
    value.as_f64().map_or_else(|| value.to_string(), |number| number.to_string())
}

/// The text up to the end of its first sentence.
pub(in crate::docs) fn first_sentence(doc: &str) -> &str {
    let paragraph = doc.split("\n\n").next().unwrap_or(doc);
    paragraph.split_once(". ").map_or(paragraph.trim_end_matches('.'), |(first, _)| first)
}

impl fmt::Display for FieldExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", format!("{} {}", self.kind, self.path).trim_end())?;
        writeln!(f, "  {}", self.summary_line())?;
        writeln!(f)?;
        self.doc.lines().try_for_each(|line| writeln!(f, "  {line}"))?;
        self.write_allowed_values(f)?;
        self.write_facts(f)?;
        self.write_rules(f)?;
        self.write_fields(f)
    }
}

impl FieldExplanation {
    /// The evidence that the API has the field, if that is not the official schema of July 2026.
    pub(in crate::docs) fn proof(&self) -> Option<String> {
        let words = if self.preview { "in preview" } else { "newer schema" };
        (self.preview || self.newer).then(|| words.to_owned())
    }

    fn summary_line(&self) -> String {
        let required = self.required.then(|| "required".to_owned());
        let deprecated = self.deprecated.then(|| "deprecated".to_owned());
        let parts = [Some(self.value_type.clone()), required, self.proof(), deprecated].into_iter().flatten();
        parts.chain(self.limits.iter().cloned()).collect::<Vec<_>>().join(", ")
    }

    fn write_allowed_values(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.words.is_empty() {
            return Ok(());
        }
        let width = self.words.iter().map(|word| word.word.len()).max().unwrap_or_default();
        writeln!(f)?;
        self.words.iter().try_for_each(|word| {
            let line = format!("  {:width$}  {}", word.word, word.doc);
            writeln!(f, "{}", line.trim_end())
        })
    }

    fn write_facts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.default.is_some() || self.change.is_some() {
            writeln!(f)?;
        }
        if let Some(default) = &self.default {
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            writeln!(f, "  default:   {default}")?;
        }
        let Some(change) = &self.change else { return Ok(()) };
        writeln!(f, "  on change: {}", change.describe_change())?;
        match change.echo {
            Readback::Always => Ok(()),
            Readback::Sometimes => {
                writeln!(f, "  returned:  not always; drift may not be detected")
            }
            Readback::Never => {
                writeln!(f, "  returned:  never; drift is not detected")
            }
        }
    }

    fn write_rules(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.rules.is_empty() {
            return Ok(());
        }
        let width = self.rules.iter().map(|rule| rule.code.len()).max().unwrap_or_default();
        writeln!(f, "\n  rules between fields:")?;
        self.rules.iter().try_for_each(|rule| writeln!(f, "    {:width$}  {}", rule.code, rule.describe()))
    }

    fn write_fields(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fields.is_empty() {
            return Ok(());
        }
        let width = self.fields.iter().map(|field| field.name.len()).max().unwrap_or_default();
        writeln!(f, "\n  fields (* is required):")?;
        self.fields.iter().try_for_each(|field| {
            let star = if field.required { '*' } else { ' ' };
            writeln!(f, "  {star} {:width$}  {}", field.name, field.doc)
        })
    }
}
