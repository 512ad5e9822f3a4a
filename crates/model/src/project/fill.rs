//! What a project file takes from environment variables: `${env:NAME}` within a text.

use super::{code, source};
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::manifest::code::BAD_VARIABLE;
use crate::path::Path;
use crate::source::{Node, Remark, Remarks};

/// What of an environment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// All of it.
    Everything,
    /// What manifests are made of, and not where they go.
    Variables,
}

impl Needs {
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Everything => &["organization", "services", "variables"],
            Self::Variables => &["variables"],
        }
    }
}

/// A piece of a text.
enum Part<'t> {
    Text(&'t str),
    /// The name of an environment variable.
    Env(&'t str),
    /// What stands in a `${…}` that means nothing here.
    Other(&'t str),
    Unclosed,
}

/// The text with what `value` gives for each `${env:NAME}`. `$${` stands for a plain `${`.
///
/// # Errors
/// The names for which it gives nothing.
pub fn fill(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, Vec<&str>> {
    let (mut filled, mut unset) = (String::new(), Vec::new());
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Env(name) => match value(name) {
                Some(value) => filled.push_str(&value),
                None => unset.push(name),
            },
            // `load` refuses both.
            Part::Other(_) | Part::Unclosed => {}
        }
    }
    if unset.is_empty() { Ok(filled) } else { Err(unset) }
}

/// Every place at which a sound file needs an environment variable that `is_set` does not know.
pub fn unset(
    file: &SourceFile,
    environment: &str,
    needs: Needs,
    is_set: impl Fn(&str) -> bool,
) -> Vec<Diagnostic> {
    let mut remarks = Remarks::default();
    for document in source::read(&file.text, &mut Remarks::default()) {
        let at = Path::parse("environments").child(environment);
        let Some(environment) = document.root.at(&["environments", environment]) else { continue };
        each_text(environment, &at, needs, &mut |node, path, text| {
            let names = fill(text, |name| is_set(name).then(String::new)).err();
            for name in names.into_iter().flatten() {
                let message = format!("environment variable {name} is not set");
                let remark = Remark::error(code::UNSET_VARIABLE, node.span, message);
                remarks.push(
                    remark.at(path.clone()).help(format!("set {name}, and do not leave it empty")),
                );
            }
        });
    }
    remarks.into_vec().into_iter().map(|remark| remark.into_diagnostic(&file.name)).collect()
}

/// Refuses every `${…}` that would stay as it is: variables do not stand for each other.
pub(super) fn check(root: &Node, remarks: &mut Remarks) {
    for entry in root.at(&["environments"]).map_or(&[][..], Node::entries) {
        let at = Path::parse("environments").child(&entry.key);
        each_text(&entry.value, &at, Needs::Everything, &mut |node, path, text| {
            for message in parts(text).iter().filter_map(refused) {
                let remark = Remark::error(BAD_VARIABLE, node.span, message);
                remarks.push(remark.at(path.clone()).help(
                    "write the text itself, or `${env:NAME}` for that of an environment variable; \
                     `$${` stands for a plain `${`",
                ));
            }
        });
    }
}

fn refused(part: &Part<'_>) -> Option<String> {
    match part {
        Part::Text(_) | Part::Env(_) => None,
        Part::Other(name) => Some(format!("`${{{name}}}` stands for nothing in a project file")),
        Part::Unclosed => Some("`${` is never closed".to_owned()),
    }
}

/// Every text of these fields of an environment, with its path.
fn each_text(
    environment: &Node,
    at: &Path,
    needs: Needs,
    see: &mut impl FnMut(&Node, &Path, &str),
) {
    for field in needs.fields() {
        let Some(node) = environment.at(&[field]) else { continue };
        let at = at.child(field);
        for entry in node.entries() {
            if let Some(text) = entry.value.text() {
                see(&entry.value, &at.child(&entry.key), text);
            }
        }
        if let Some(text) = node.text() {
            see(node, &at, text);
        }
    }
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            found.extend([Part::Text(before), Part::Text("${")]);
            rest = after;
            continue;
        }
        let (inside, after) =
            after.split_once('}').map_or((None, ""), |(it, rest)| (Some(it), rest));
        let name =
            inside.map(|it| it.strip_prefix("env:").filter(|name| !name.is_empty()).ok_or(it));
        found.push(Part::Text(before));
        found.push(match name {
            Some(Ok(name)) => Part::Env(name),
            Some(Err(other)) => Part::Other(other),
            None => Part::Unclosed,
        });
        rest = after;
    }
    found.push(Part::Text(rest));
    found
}
