//! `${env:NAME}` in the texts of a project file.

use super::{code, yaml};
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::path::FieldPath;
use crate::project::code::BAD_VARIABLE;
use crate::yaml::{PendingDiagnostic, PendingDiagnostics, YamlNode};

/// The fields of an environment that a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequiredFields {
    /// The organization, the services and the variables.
    Everything,
    /// The variables: enough to read manifests without contacting the API.
    Variables,
}

impl RequiredFields {
    fn field_names(self) -> &'static [&'static str] {
        match self {
            Self::Everything => &["organization", "services", "variables"],
            Self::Variables => &["variables"],
        }
    }
}

/// The variables that every project file may use.
// Hazard: plans and comments show these values. With any name allowed, a pull request could read each secret of the
// job.
pub const ENV_PREFIX: &str = "PIPECTL_VAR_";

enum TemplatePart<'t> {
    Text(&'t str),
    /// The name of an environment variable.
    Env(&'t str),
    /// The content of a `${…}` that is not `env:NAME`.
    Unsupported(&'t str),
    Unclosed,
}

/// Replaces each `${env:NAME}` by `value(NAME)`. `$${` stands for a plain `${`.
///
/// # Errors
/// The names for which `value` returns `None`.
pub fn expand_env_references(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Vec<&str>> {
    let (mut filled, mut unset) = (String::new(), Vec::new());
    for part in split_template(text) {
        match part {
            TemplatePart::Text(text) => filled.push_str(text),
            TemplatePart::Env(name) => match value(name) {
                Some(value) => filled.push_str(&value),
                None => unset.push(name),
            },
            // `validate_references` has refused both when the file was parsed.
            TemplatePart::Unsupported(_) | TemplatePart::Unclosed => {}
        }
    }
    if unset.is_empty() { Ok(filled) } else { Err(unset) }
}

/// The environment variables that a text names.
pub fn env_references(text: &str) -> Vec<&str> {
    let names = split_template(text).into_iter().filter_map(|part| match part {
        TemplatePart::Env(name) => Some(name),
        TemplatePart::Text(_) | TemplatePart::Unsupported(_) | TemplatePart::Unclosed => None,
    });
    names.collect()
}

/// Whether a project file can use an environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvVariableState {
    /// It is set, and the file may use it.
    Usable,
    /// It is not set, or empty.
    Unset,
    /// Its name does not have the prefix, and the command line does not allow it.
    NotAllowed,
    /// It contains an API key.
    Key,
}

/// One error for each place of a valid file that uses a variable that it cannot use.
pub fn find_unusable_variables(
    file: &SourceFile,
    environment: &str,
    required: RequiredFields,
    state: impl Fn(&str) -> EnvVariableState,
) -> Vec<Diagnostic> {
    let mut remarks = PendingDiagnostics::default();
    for document in yaml::read_documents(&file.text, &mut PendingDiagnostics::default()) {
        let at = FieldPath::parse("environments").child(environment);
        let Some(environment) = document.root.node_at(&["environments", environment]) else {
            continue;
        };
        for_each_text(environment, &at, required, &mut |node, path, text| {
            for name in env_references(text) {
                let Some((code, message, help)) = describe_state(name, state(name)) else { continue };
                let remark = PendingDiagnostic::error(code, node.span, message);
                remarks.push(remark.with_path(path.clone()).with_help(help));
            }
        });
    }
    remarks.into_vec().into_iter().map(|remark| remark.into_diagnostic(&file.name)).collect()
}

/// Code, message and help for a variable that cannot be used.
fn describe_state(name: &str, state: EnvVariableState) -> Option<(&'static str, String, String)> {
    match state {
        EnvVariableState::Usable => None,
        EnvVariableState::Unset => {
            let message = format!("environment variable {name} is not set");
            Some((code::UNSET_VARIABLE, message, format!("set {name}, and do not leave it empty")))
        }
        EnvVariableState::NotAllowed => {
            let message = format!("a project file gets only variables that begin with {ENV_PREFIX}, not {name}");
            let help = format!("rename it to {ENV_PREFIX}{name}, or pass `--allow-env {name}` if it is not a secret");
            Some((code::VARIABLE_NOT_ALLOWED, message, help))
        }
        EnvVariableState::Key => {
            let message =
                format!("environment variable {name} holds an API key, and plans show what a project file says");
            Some((code::VARIABLE_NOT_ALLOWED, message, "name another variable".to_owned()))
        }
    }
}

pub(super) fn validate_references(root: &YamlNode, remarks: &mut PendingDiagnostics) {
    // A `${name}` would be sent to the API unchanged: variables of a project file do not refer to each other.
    for entry in root.node_at(&["environments"]).map_or(&[][..], YamlNode::entries) {
        let at = FieldPath::parse("environments").child(&entry.key);
        for_each_text(&entry.value, &at, RequiredFields::Everything, &mut |node, path, text| {
            for message in split_template(text).iter().filter_map(refusal_message) {
                let remark = PendingDiagnostic::error(BAD_VARIABLE, node.span, message);
                remarks.push(remark.with_path(path.clone()).with_help(
                    "write the text itself, or `${env:NAME}` for that of an environment variable; \
                     `$${` stands for a plain `${`",
                ));
            }
        });
    }
}

fn refusal_message(part: &TemplatePart<'_>) -> Option<String> {
    match part {
        TemplatePart::Text(_) | TemplatePart::Env(_) => None,
        TemplatePart::Unsupported(name) => Some(format!("`${{{name}}}` means nothing in a project file")),
        TemplatePart::Unclosed => Some("`${` is never closed".to_owned()),
    }
}

fn for_each_text(
    environment: &YamlNode,
    at: &FieldPath,
    required: RequiredFields,
    visit: &mut impl FnMut(&YamlNode, &FieldPath, &str),
) {
    for field in required.field_names() {
        let Some(node) = environment.node_at(&[field]) else { continue };
        let at = at.child(field);
        for entry in node.entries() {
            if let Some(text) = entry.value.as_text() {
                visit(&entry.value, &at.child(&entry.key), text);
            }
        }
        if let Some(text) = node.as_text() {
            visit(node, &at, text);
        }
    }
}

fn split_template(text: &str) -> Vec<TemplatePart<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            found.extend([TemplatePart::Text(before), TemplatePart::Text("${")]);
            rest = after;
            continue;
        }
        let (inside, after) = after.split_once('}').map_or((None, ""), |(it, rest)| (Some(it), rest));
        let name = inside.map(|it| it.strip_prefix("env:").filter(|name| !name.is_empty()).ok_or(it));
        found.push(TemplatePart::Text(before));
        found.push(match name {
            Some(Ok(name)) => TemplatePart::Env(name),
            Some(Err(other)) => TemplatePart::Unsupported(other),
            None => TemplatePart::Unclosed,
        });
        rest = after;
    }
    found.push(TemplatePart::Text(rest));
    found
}
