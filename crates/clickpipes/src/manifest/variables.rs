//! Expands variables of the environment: `${name}` in texts.

use std::collections::BTreeMap;

use super::code;
use crate::kinds;
use model::project;
use model::suggest::suggest_similar;
use model::yaml::{
    MAX_BYTES, PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlEntry, YamlNode, parse_plain_scalar,
};

/// The variables, and the bytes that they may still add to the file.
// Without a limit, a file with few and short texts could grow into gigabytes by long variables.
pub(super) struct VariableExpander<'v> {
    values: &'v BTreeMap<String, String>,
    bytes_left: usize,
    /// Whether the field is a secret. No name in it is quoted: `${` may be a part of the secret itself.
    is_inside_secret: bool,
}

enum VariableError<'t> {
    Unknown(&'t str),
    InvalidName,
    Unclosed,
    TooLarge,
}

impl<'v> VariableExpander<'v> {
    pub(super) fn new(values: &'v BTreeMap<String, String>) -> Self {
        Self { values, bytes_left: MAX_BYTES, is_inside_secret: false }
    }

    /// Expands every variable below `node`, except in keys.
    pub(super) fn expand_node(&mut self, node: &mut YamlNode, remarks: &mut PendingDiagnostics) {
        // The text of a variable is not expanded again: variables that contain each other would never end.
        match &mut node.content {
            YamlContent::List(items) => {
                for item in items {
                    self.expand_node(item, remarks);
                }
            }
            YamlContent::Map(entries) => {
                for entry in entries {
                    self.expand_entry(entry, remarks);
                }
            }
            YamlContent::Text { text, is_unquoted: plain } if text.contains("${") => {
                let filled = self.expand_text(text, *plain).unwrap_or_else(|errors| {
                    for error in errors {
                        remarks.push(self.error_diagnostic(&error, node.span));
                    }
                    YamlContent::Unreadable
                });
                node.content = filled;
            }
            _ => {}
        }
    }

    fn expand_entry(&mut self, entry: &mut YamlEntry, remarks: &mut PendingDiagnostics) {
        let was_inside_secret = self.is_inside_secret;
        self.is_inside_secret |= kinds::secret_field_names().contains(&entry.key);
        self.expand_node(&mut entry.value, remarks);
        self.is_inside_secret = was_inside_secret;
    }

    /// Expands one text. An unquoted value that is one variable takes its type from the text: `port: ${port}` is a
    /// number.
    fn expand_text<'t>(&mut self, text: &'t str, is_plain: bool) -> Result<YamlContent, Vec<VariableError<'t>>> {
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
            let (value, after) = self.split_variable(&rest[at + 2..]);
            match value {
                Ok(value) => filled.push_str(value),
                Err(error) => errors.push(error),
            }
            rest = after;
            if filled.len() > self.bytes_left {
                errors.push(VariableError::TooLarge);
                break;
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        filled.push_str(rest);
        self.bytes_left = self.bytes_left.saturating_sub(filled.len());
        if is_plain && is_one_variable(text) && !filled.is_empty() {
            return Ok(parse_plain_scalar(&filled));
        }
        Ok(YamlContent::Text { text: filled, is_unquoted: false })
    }

    /// The value of the variable at the beginning of `text`, and the rest after its `}`.
    fn split_variable<'t>(&self, text: &'t str) -> (Result<&'v str, VariableError<'t>>, &'t str) {
        let Some((name, rest)) = text.split_once('}') else {
            return (Err(VariableError::Unclosed), "");
        };
        let value = match self.values.get(name) {
            Some(value) => Ok(value.as_str()),
            None if is_variable_name(name) => Err(VariableError::Unknown(name)),
            None => Err(VariableError::InvalidName),
        };
        (value, rest)
    }

    fn error_diagnostic(&self, error: &VariableError<'_>, span: Span) -> PendingDiagnostic {
        match error {
            VariableError::Unknown(name) => self.unknown_variable(name, span),
            VariableError::InvalidName => PendingDiagnostic::error(
                project::code::BAD_VARIABLE,
                span,
                "what stands in `${…}` is not the name of a variable",
            )
            .with_help("only variables of the environment can be used; `$${` stands for a plain `${`"),
            VariableError::Unclosed => {
                PendingDiagnostic::error(project::code::BAD_VARIABLE, span, "`${` is never closed")
                    .with_help("write `}` after the name; `$${` stands for a plain `${`")
            }
            VariableError::TooLarge => {
                let message = "variables make the file too large";
                PendingDiagnostic::error(code::TOO_MUCH_TEXT, span, message)
                    .with_help("shorten the variables, or split the file")
            }
        }
    }

    fn unknown_variable(&self, name: &str, span: Span) -> PendingDiagnostic {
        if self.is_inside_secret {
            let message = "there is no such variable in this environment";
            return PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
        }
        let message = format!("there is no variable `{name}` in this environment");
        let remark = PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
        match suggest_similar(name, self.values.keys().map(String::as_str)) {
            Some(meant) => remark.with_help(format!("did you mean `${{{meant}}}`?")),
            None => remark.with_help(
                "declare it under the environment's `variables` in the project file; `$${` stands \
                 for a plain `${`",
            ),
        }
    }
}

fn is_one_variable(text: &str) -> bool {
    text.strip_prefix("${").is_some_and(|rest| rest.find('}') == Some(rest.len() - 1))
}

fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
