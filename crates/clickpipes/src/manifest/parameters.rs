//! The parameters of a template, and the values that a manifest gives them.

use std::collections::BTreeMap;

use super::code;
use super::templates::Template;
use super::variable_scope::Scope;
use super::variables::{VariableExpander, is_variable_name};
use crate::template_schema::ParameterType;
use model::path::FieldPath;
use model::schema_validator;
use model::secret::is_secret_source_key;
use model::suggest::suggest_similar;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlEntry, YamlNode, parse_plain_scalar};

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) span: Span,
    expected: ParameterType,
    pub(super) default: Option<YamlNode>,
}

impl ParameterType {
    fn describe(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "`true` or `false`",
            Self::Array => "a list",
            Self::Object => "a mapping",
        }
    }

    fn accepts(self, content: &YamlContent) -> bool {
        match (self, content) {
            // An unreadable value has been reported.
            (_, YamlContent::Unreadable)
            | (Self::String, YamlContent::Text { .. })
            | (Self::Number, YamlContent::Number(_))
            | (Self::Boolean, YamlContent::Bool(_))
            | (Self::Array, YamlContent::List(_))
            | (Self::Object, YamlContent::Map(_)) => true,
            (Self::Integer, YamlContent::Number(number)) => number.is_i64() || number.is_u64(),
            // As in a field, a reference to a secret counts as text.
            (Self::String, YamlContent::Map(entries)) => entries.iter().any(|it| is_secret_source_key(&it.key)),
            _ => false,
        }
    }

    /// The value in this type. A text that spells a number or a boolean is one: variables of the environment are texts,
    /// and within `{…}` they need quotes.
    fn convert(self, content: &mut YamlContent) -> bool {
        if let YamlContent::Text { text, .. } = content
            && self != Self::String
        {
            let read = parse_plain_scalar(text.as_str());
            if self.accepts(&read) {
                *content = read;
            }
        }
        self.accepts(content)
    }
}

impl Parameter {
    /// Reads a declaration, and reports a default of another type.
    pub(super) fn read(entry: &YamlEntry, remarks: &mut PendingDiagnostics) -> Self {
        let at = FieldPath::parse("parameters").child(&entry.key);
        if !is_variable_name(&entry.key) {
            let message = "the name of a parameter has only letters, digits, `_`, `-` and `.`";
            remarks.push(PendingDiagnostic::error(code::PARAMETER_NAME, entry.span, message).with_path(at.clone()));
        }
        let word = entry.value.node_at(&["type"]).and_then(YamlNode::as_text);
        let known = word.map_or(Some(ParameterType::String), |word| serde_json::from_value(word.into()).ok());
        let expected = known.unwrap_or(ParameterType::String);
        let mut default = entry.value.entry("default").map(|entry| entry.value.clone());
        // A default with a variable has its type once the variable is known.
        if let Some(node) = default.as_mut().filter(|node| !node.as_text().is_some_and(|text| text.contains("${")))
            && known.is_some()
            && !expected.convert(&mut node.content)
        {
            let message = format!("the default of this parameter is not {}", expected.describe());
            let remark = PendingDiagnostic::error(schema_validator::code::WRONG_TYPE, node.head_span(), message);
            remarks.push(remark.with_path(at.child("default")));
        }
        Self { span: entry.span, expected, default }
    }
}

/// The values of a template's parameters; `with` is that of the manifest, and `used` the place where it names the
/// template.
pub(super) fn bind_parameters(
    template: &Template,
    with: Option<YamlEntry>,
    used: Span,
    expander: &mut VariableExpander<'_>,
    remarks: &mut PendingDiagnostics,
) -> BTreeMap<String, YamlNode> {
    let path = FieldPath::parse("spec.with");
    let with_span = with.as_ref().map_or(used, |with| with.span);
    let mut values = BTreeMap::new();
    let entries = with_entries(with, remarks);
    let is_readable = entries.is_some();
    for entry in entries.unwrap_or_default() {
        let at = path.child(&entry.key);
        match template.parameters.get(&entry.key) {
            Some(_) => drop(values.insert(entry.key, entry.value)),
            None => remarks.push(unknown_parameter(template, &entry).with_path(at)),
        }
    }
    for (name, parameter) in &template.parameters {
        if values.contains_key(name) {
            continue;
        }
        if let Some(mut default) = parameter.default.clone() {
            // The values in the manifest were expanded with the manifest.
            expander.expand_variables(&mut default, Scope::ParameterDefault, remarks);
            values.insert(name.clone(), default);
            continue;
        }
        if is_readable {
            let message = format!("`with` lacks the parameter `{name}` of the template `{}`", template.name);
            let remark = PendingDiagnostic::error(code::MISSING_PARAMETER, with_span, message).with_path(path.clone());
            remarks.push(remark.with_related(parameter.span, "declared here"));
        }
        values.insert(name.clone(), YamlNode::new(with_span, YamlContent::Unreadable));
    }
    convert_values(template, &mut values, remarks);
    values
}

fn convert_values(template: &Template, values: &mut BTreeMap<String, YamlNode>, remarks: &mut PendingDiagnostics) {
    for (name, value) in values {
        let Some(parameter) = template.parameters.get(name) else { continue };
        if parameter.expected.convert(&mut value.content) {
            continue;
        }
        let message = format!("the parameter `{name}` takes {}", parameter.expected.describe());
        let remark = PendingDiagnostic::error(schema_validator::code::WRONG_TYPE, value.head_span(), message);
        let is_number = matches!(value.content, YamlContent::Number(_) | YamlContent::Bool(_));
        let is_text = parameter.expected == ParameterType::String && is_number;
        let remark = remark.with_path(FieldPath::parse("spec.with").child(name));
        let remark = remark.with_related(parameter.span, "declared here");
        remarks.push(if is_text { remark.with_help("put it in quotes") } else { remark });
        value.content = YamlContent::Unreadable;
    }
}

/// The entries of `with`; `None` if it is not a mapping, which is then its only mistake.
fn with_entries(with: Option<YamlEntry>, remarks: &mut PendingDiagnostics) -> Option<Vec<YamlEntry>> {
    let Some(with) = with else { return Some(Vec::new()) };
    match with.value.content {
        YamlContent::Map(entries) => Some(entries),
        YamlContent::Null => Some(Vec::new()),
        YamlContent::Unreadable => None,
        _ => {
            let message = "`with` must be a mapping of parameters to values";
            let remark = PendingDiagnostic::error(schema_validator::code::WRONG_TYPE, with.value.head_span(), message);
            remarks.push(remark.with_path(FieldPath::parse("spec.with")));
            None
        }
    }
}

fn unknown_parameter(template: &Template, entry: &YamlEntry) -> PendingDiagnostic {
    let message = format!("the template `{}` has no parameter `{}`", template.name, entry.key);
    let remark = PendingDiagnostic::error(code::UNKNOWN_PARAMETER, entry.span, message)
        .with_related(template.name_span, "the template is here");
    let names = || template.parameters.keys().map(String::as_str);
    match suggest_similar(&entry.key, names()) {
        Some(meant) => remark.with_help(format!("did you mean `{meant}`?")).with_replacement(meant),
        None if template.parameters.is_empty() => remark.with_help("it has no parameters"),
        None => {
            let names: Vec<String> = names().map(|name| format!("`{name}`")).collect();
            remark.with_help(format!("it has: {}", names.join(", ")))
        }
    }
}
