//! Expands variables in texts: `${name}` of the environment, `${each.name}` of an entry, `${with.name}` of a template.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use super::code;
use super::project_bound::ProjectBound;
use super::variable_scope::{Scope, is_own_name};
use crate::kinds;
use model::project;
use model::secret::is_secret_source_key;
use model::suggest::suggest_similar;
use model::yaml::{
    self, MAX_BYTES, MAX_NODES, PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlEntry, YamlNode,
    parse_plain_scalar, variable_place,
};

/// The variables, and how much they may still add to the file.
// Without limits, a file with few and short texts could grow to gigabytes through long variables, and one `forEach` to
// millions of manifests.
pub(super) struct VariableExpander<'v> {
    values: &'v BTreeMap<String, String>,
    bytes_left: usize,
    nodes_left: usize,
    project: &'v ProjectBound,
    /// Whether the field is a secret. Only names of `forEach` and of templates in it are quoted, because `${` may be a
    /// part of the secret itself.
    is_inside_secret: bool,
    /// Whether it is the name of a variable, a file or a program in a reference to a secret.
    is_inside_reference: bool,
    environments: Environments,
    /// Texts that consist of one unknown variable. They do not count as literals.
    misnamed: HashSet<Span>,
    /// The texts with variables in them.
    composed: Vec<ComposedText>,
}

/// A text with a variable in it.
pub(super) struct ComposedText {
    pub(super) text: Span,
    /// Where the value is written: in the entry, in `with`, or in the default of a parameter. `None` for a variable of the
    /// environment.
    pub(super) value: Option<Span>,
}

/// The environments whose variables a text may use.
#[derive(Clone, Copy, PartialEq)]
enum Environments {
    /// That of the run.
    One,
    /// Any of the project: a template that no manifest uses may be for another one.
    Any,
    /// Their variables are not known.
    Unknown,
}

enum VariableError<'t> {
    Unknown(&'t str),
    InvalidName,
    /// A name with blanks around it.
    Blanks,
    Unclosed,
    TooLarge,
    /// A list or a mapping within a text.
    NotText(&'t str),
    /// A number within a text that programs write differently than the file.
    Rewritten(&'t str),
    /// The value has a separate mistake.
    Reported,
}

impl<'v> VariableExpander<'v> {
    pub(super) fn new(values: &'v BTreeMap<String, String>, project: &'v ProjectBound) -> Self {
        Self {
            values,
            bytes_left: MAX_BYTES,
            nodes_left: MAX_NODES,
            project,
            is_inside_secret: false,
            is_inside_reference: false,
            environments: Environments::One,
            misnamed: HashSet::new(),
            composed: Vec::new(),
        }
    }

    /// The texts that were composed since the last call.
    pub(super) fn take_composed(&mut self) -> Vec<ComposedText> {
        std::mem::take(&mut self.composed)
    }

    pub(super) fn into_misnamed(self) -> HashSet<Span> {
        self.misnamed
    }

    /// For a template that no manifest uses. `values` are the variables of all environments, if they are known.
    pub(super) fn for_any_environment(values: Option<&'v BTreeMap<String, String>>, project: &'v ProjectBound) -> Self {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        let environments = if values.is_some() { Environments::Any } else { Environments::Unknown };
        Self { environments, ..Self::new(values.unwrap_or(&NONE), project) }
    }

    /// Takes a copy of this tree from the limit; `false` if it is too large.
    pub(super) fn reserve_copy(&mut self, node: &YamlNode) -> bool {
        let count = node.node_count();
        let left = self.nodes_left.checked_sub(count);
        self.nodes_left = left.unwrap_or_default();
        left.is_some() && self.project.reserve(count)
    }

    /// Expands every variable below `node`, except in keys.
    pub(super) fn expand_variables(&mut self, node: &mut YamlNode, scope: Scope<'_>, remarks: &mut PendingDiagnostics) {
        // Most documents have none.
        if contains_variable(node) {
            self.expand_node(node, scope, remarks);
        }
    }

    fn expand_node(&mut self, node: &mut YamlNode, scope: Scope<'_>, remarks: &mut PendingDiagnostics) {
        // The text of a variable is not expanded again: variables that contain each other would never end.
        match &mut node.content {
            YamlContent::List(items) => {
                for item in items {
                    self.expand_node(item, scope, remarks);
                }
            }
            YamlContent::Map(entries) => {
                for entry in entries {
                    self.expand_entry(entry, scope, remarks);
                }
            }
            YamlContent::Text { text, is_unquoted: plain, variables } if text.contains("${") => {
                if let Some(value) = whole_variable(text).and_then(|name| scope.find(name)) {
                    *node = self.copy_value(value, node.span, remarks);
                    return;
                }
                let values = values_in(text, scope).map(|value| value.map(YamlNode::head_span));
                self.composed.extend(values.map(|value| ComposedText { text: node.span, value }));
                let filled = self.expand_text(text, *plain, scope).unwrap_or_else(|errors| {
                    let is_alone = is_one_variable(text);
                    let place = |at| variable_place(node.span, variables.as_deref(), text, at);
                    let found = errors
                        .iter()
                        .filter_map(|(at, error)| self.error_diagnostic(error, (place(*at), is_alone), scope));
                    found.for_each(|remark| remarks.push(remark));
                    self.misnamed.extend(is_alone.then_some(node.span));
                    YamlContent::Unreadable
                });
                node.content = filled;
            }
            _ => {}
        }
    }

    fn expand_entry(&mut self, entry: &mut YamlEntry, scope: Scope<'_>, remarks: &mut PendingDiagnostics) {
        let (was_inside_secret, was_inside_reference) = (self.is_inside_secret, self.is_inside_reference);
        self.is_inside_reference = is_secret_source_key(&entry.key);
        self.is_inside_secret |= kinds::secret_field_names().contains(&entry.key);
        if holds_variable(&entry.key) {
            let message = "`${…}` in a key is not replaced";
            let remark = PendingDiagnostic::error(project::code::BAD_VARIABLE, entry.span, message);
            remarks.push(remark.with_help("write the key itself; only values can contain variables"));
        }
        self.expand_node(&mut entry.value, scope, remarks);
        (self.is_inside_secret, self.is_inside_reference) = (was_inside_secret, was_inside_reference);
    }

    /// A value in place of the text that names it. Like the value of an alias, it keeps its own place.
    fn copy_value(&mut self, value: &YamlNode, at: Span, remarks: &mut PendingDiagnostics) -> YamlNode {
        if self.reserve_copy(value) {
            return YamlNode { alias: Some(at), ..value.clone() };
        }
        remarks.push(too_many_values(at));
        YamlNode::new(at, YamlContent::Unreadable)
    }

    /// Expands one text. An unquoted value that is one variable takes its type from the text: `port: ${port}` is a
    /// number. Each error comes with the byte of its `${`.
    fn expand_text<'t>(
        &mut self,
        text: &'t str,
        is_plain: bool,
        scope: Scope<'_>,
    ) -> Result<YamlContent, Vec<(usize, VariableError<'t>)>> {
        let mut filled = String::new();
        let mut errors = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            filled.push_str(&rest[..at]);
            let place = text.len() - rest.len() + at;
            let (value, after) = self.split_variable(&rest[at + 2..], scope);
            match value {
                Ok(value) => filled.push_str(&value),
                Err(error) => errors.push((place, error)),
            }
            rest = after;
            if filled.len() > self.bytes_left {
                errors.push((place, VariableError::TooLarge));
                break;
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        filled.push_str(rest);
        self.bytes_left = self.bytes_left.saturating_sub(filled.len());
        if is_plain && whole_variable(text).is_some() && !filled.is_empty() {
            return Ok(parse_plain_scalar(filled));
        }
        Ok(YamlContent::Text { text: filled, is_unquoted: false, variables: None })
    }

    /// The value of the variable at the beginning of `text`, and the rest after its `}`.
    fn split_variable<'t, 's>(
        &self,
        text: &'t str,
        scope: Scope<'s>,
    ) -> (Result<Cow<'s, str>, VariableError<'t>>, &'t str)
    where
        'v: 's,
    {
        let Some((name, rest)) = text.split_once('}') else {
            return (Err(VariableError::Unclosed), "");
        };
        let value = match (scope.find(name), self.values.get(name)) {
            (Some(node), _) if matches!(node.content, YamlContent::Unreadable) => Err(VariableError::Reported),
            (Some(node), _) if is_rewritten_number(node) => Err(VariableError::Rewritten(name)),
            (Some(node), _) => scalar_text(node).ok_or(VariableError::NotText(name)),
            (None, Some(value)) => Ok(Cow::Borrowed(value.as_str())),
            (None, None) if is_variable_name(name) => match self.environments {
                Environments::Unknown if !is_own_name(name) => Err(VariableError::Reported),
                _ => Err(VariableError::Unknown(name)),
            },
            (None, None) if is_variable_name(name.trim()) => Err(VariableError::Blanks),
            (None, None) => Err(VariableError::InvalidName),
        };
        (value, rest)
    }

    /// `None` if the mistake is known already.
    fn error_diagnostic(
        &self,
        error: &VariableError<'_>,
        (span, is_alone): (Span, bool),
        scope: Scope<'_>,
    ) -> Option<PendingDiagnostic> {
        Some(match error {
            VariableError::Reported => return None,
            VariableError::Unknown(name) => self.unknown_variable(name, (span, is_alone), scope),
            VariableError::NotText(name) => {
                let message = format!("`${{{name}}}` is a list or a mapping, which cannot be a part of a text");
                relate_value(PendingDiagnostic::error(project::code::BAD_VARIABLE, span, message), name, scope)
            }
            VariableError::Rewritten(name) => {
                let message = format!("`${{{name}}}` is a number, and a text would not keep its spelling");
                let remark = PendingDiagnostic::error(project::code::BAD_VARIABLE, span, message);
                relate_value(remark, name, scope).with_help("put the number in quotes: `1.10` without them is 1.1")
            }
            VariableError::InvalidName => PendingDiagnostic::error(
                project::code::BAD_VARIABLE,
                span,
                "the content of `${…}` is not the name of a variable",
            )
            .with_help("write the name of a variable, such as `${stage}`; `$${` stands for a plain `${`"),
            VariableError::Blanks => {
                PendingDiagnostic::error(project::code::BAD_VARIABLE, span, "blanks around the name of a variable")
                    .with_help("write `${name}`, without blanks; `$${` stands for a plain `${`")
            }
            VariableError::Unclosed => {
                PendingDiagnostic::error(project::code::BAD_VARIABLE, span, "`${` is never closed")
                    .with_help("write `}` after the name; `$${` stands for a plain `${`")
            }
            VariableError::TooLarge => {
                let message = "variables make the file too large";
                PendingDiagnostic::error(code::TOO_MUCH_TEXT, span, message)
                    .with_help("shorten the variables, or split the file")
            }
        })
    }

    fn unknown_variable(&self, name: &str, (span, is_alone): (Span, bool), scope: Scope<'_>) -> PendingDiagnostic {
        if let Some(remark) = scope.unknown_name(name, span) {
            return remark;
        }
        if self.is_inside_secret && !(self.is_inside_reference && is_alone) {
            let message = "there is no such variable in this environment";
            let remark = PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
            return match self.similar_name(name, scope).filter(|_| is_alone) {
                Some(meant) => remark.with_help(format!("did you mean `${{{meant}}}`?")),
                None => remark.with_help("a secret is written as a reference such as `{fromEnv: NAME}`"),
            };
        }
        let which = if self.environments == Environments::Any { "any" } else { "this" };
        let message = format!("there is no variable `{name}` in {which} environment");
        let remark = PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
        match self.similar_name(name, scope) {
            Some(meant) => remark.with_help(format!("did you mean `${{{meant}}}`?")),
            None => remark.with_help(
                "declare it under the environment's `variables` in the project file; `$${` stands \
                 for a plain `${`",
            ),
        }
    }

    /// A known name that is similar to an unknown one.
    fn similar_name(&self, name: &str, scope: Scope<'_>) -> Option<String> {
        if !scope.is_first() {
            return None;
        }
        let (prefix, own) = scope.own_names();
        let key = name.split_once('.').map_or(name, |(_, key)| key);
        // `${topic}` and `${params.topic}`: the key is right, but its prefix is not.
        if own.contains(&key) {
            return Some(format!("{prefix}{key}"));
        }
        let own: Vec<String> = own.iter().map(|key| format!("{prefix}{key}")).collect();
        suggest_similar(name, self.values.keys().chain(&own).map(String::as_str)).map(str::to_owned)
    }
}

/// For each variable in a text, its value in an entry or in `with`.
fn values_in<'s>(text: &str, scope: Scope<'s>) -> impl Iterator<Item = Option<&'s YamlNode>> {
    let starts = text.match_indices("${").filter(|(at, _)| !text[..*at].ends_with('$'));
    starts.map(move |(at, _)| scope.find(text[at + 2..].split_once('}')?.0))
}

/// Names the value: many may be in one text, and the text is right.
fn relate_value(remark: PendingDiagnostic, name: &str, scope: Scope<'_>) -> PendingDiagnostic {
    match scope.find(name) {
        Some(value) => remark.with_related(value.head_span(), "its value is here"),
        None => remark,
    }
}

fn contains_variable(node: &YamlNode) -> bool {
    let holds_sign = |text: &str| text.bytes().any(|byte| byte == b'$');
    node.as_text().is_some_and(holds_sign)
        || node.entries().iter().any(|entry| holds_sign(&entry.key))
        || node.child_nodes().any(contains_variable)
}

/// Whether a text has a `${` that is not escaped.
pub(super) fn holds_variable(text: &str) -> bool {
    text.match_indices("${").any(|(at, _)| !text[..at].ends_with('$'))
}

pub(super) fn too_many_values(span: Span) -> PendingDiagnostic {
    let message = format!("the manifests of this file contain more than {MAX_NODES} values");
    PendingDiagnostic::error(yaml::code::TOO_LARGE, span, message).with_help("split the file; the rest was not read")
}

/// Whether a number with a fraction was written in another way than programs write it: a version such as `1.10`.
fn is_rewritten_number(node: &YamlNode) -> bool {
    let written = node.span.end - node.span.start;
    matches!(&node.content, YamlContent::Number(number) if number.is_f64() && number.to_string().len() != written)
}

/// The text of a value that can be a part of a text.
fn scalar_text(node: &YamlNode) -> Option<Cow<'_, str>> {
    Some(match &node.content {
        YamlContent::Text { text, .. } => Cow::Borrowed(text),
        YamlContent::Number(number) => Cow::Owned(number.to_string()),
        YamlContent::Bool(value) => Cow::Owned(value.to_string()),
        YamlContent::Unreadable | YamlContent::Null | YamlContent::List(_) | YamlContent::Map(_) => return None,
    })
}

/// The name of the variable that the text consists of.
fn whole_variable(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("${")?.strip_suffix('}')?;
    (!rest.contains('}')).then_some(rest)
}

pub(crate) fn is_shared_variable(text: &str) -> bool {
    is_one_variable(text) && whole_variable(text).is_some_and(is_own_name)
}

/// Whether the text consists of one variable.
pub(crate) fn is_one_variable(text: &str) -> bool {
    whole_variable(text).is_some_and(is_variable_name)
}

pub(super) fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
