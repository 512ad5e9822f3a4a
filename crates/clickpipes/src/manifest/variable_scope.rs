//! The names that a text may use in addition to the variables of the environment, and the mistakes in them.

use std::collections::{BTreeMap, BTreeSet};

use super::code;
use model::suggest::suggest_similar;
use model::yaml::{PendingDiagnostic, Span, YamlNode};

/// The names that a text may use in addition to the variables of the environment.
#[derive(Clone, Copy)]
pub(super) enum Scope<'s> {
    /// A manifest without `forEach`.
    Manifest,
    /// The entries of `forEach` themselves.
    Entries,
    /// The default of a parameter.
    ParameterDefault,
    /// A manifest for one entry of `forEach`: `${each.NAME}`.
    Entry(EntryScope<'s>),
    /// A template: `${with.NAME}`.
    Template(&'s BTreeMap<String, YamlNode>),
}

#[derive(Clone, Copy)]
pub(super) struct EntryScope<'s> {
    pub(super) entry: &'s YamlNode,
    /// The keys of all entries.
    pub(super) keys: &'s BTreeSet<&'s str>,
    /// A mistake that all entries share is described for the first one.
    pub(super) is_first: bool,
}

const EACH_PREFIX: &str = "each.";
const WITH_PREFIX: &str = "with.";

impl<'s> Scope<'s> {
    pub(super) fn find(self, name: &str) -> Option<&'s YamlNode> {
        match self {
            Self::Manifest | Self::Entries | Self::ParameterDefault => None,
            Self::Entry(EntryScope { entry, .. }) => Some(&entry.entry(name.strip_prefix(EACH_PREFIX)?)?.value),
            Self::Template(values) => values.get(name.strip_prefix(WITH_PREFIX)?),
        }
    }

    /// The known names in addition to the variables of the environment, with their prefix.
    pub(super) fn own_names(self) -> (&'static str, Vec<&'s str>) {
        match self {
            Self::Manifest | Self::Entries | Self::ParameterDefault => ("", Vec::new()),
            Self::Entry(EntryScope { keys, .. }) => (EACH_PREFIX, keys.iter().copied().collect()),
            Self::Template(values) => (WITH_PREFIX, values.keys().map(String::as_str).collect()),
        }
    }

    /// Whether a mistake that all entries share is described here.
    pub(super) fn is_first(self) -> bool {
        !matches!(self, Self::Entry(EntryScope { is_first: false, .. }))
    }

    /// The mistake in a name that belongs to `forEach` or to a template.
    pub(super) fn unknown_name(self, name: &str, span: Span) -> Option<PendingDiagnostic> {
        let remark = |span, message| PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
        let each = name.strip_prefix(EACH_PREFIX);
        let with = name.strip_prefix(WITH_PREFIX);
        Some(match self {
            Self::Entry(scope) if name == "each" || each.is_some() => unknown_in_entry(each, span, scope),
            Self::Template(values) if with.is_some() => {
                let key = with.unwrap_or_default();
                let remark = remark(span, format!("this template has no parameter `{key}`"));
                match suggest_similar(key, values.keys().map(String::as_str)) {
                    Some(meant) => remark.with_help(format!("did you mean `${{with.{meant}}}`?")),
                    None => remark.with_help("declare it under `parameters`"),
                }
            }
            Self::ParameterDefault if each.or(with).is_some() => {
                remark(span, "the default of a parameter cannot use other parameters or `forEach`".to_owned())
            }
            Self::Template(_) if each.is_some() => remark(span, "a template cannot use `forEach`".to_owned())
                .with_help("declare a parameter, and set it under `with` in the manifest"),
            Self::Entries if name == "each" || each.is_some() => {
                remark(span, "an entry of `forEach` cannot use other entries or its own keys".to_owned())
                    .with_help("write the value itself, or a variable of the environment")
            }
            Self::Manifest if each.is_some() => remark(span, "`${each.…}` needs `forEach` in the manifest".to_owned()),
            Self::Manifest | Self::Entries | Self::Entry(_) if with.is_some() => {
                remark(span, "only a template can use `${with.…}`".to_owned())
            }
            _ => return None,
        })
    }
}

/// Whether a name belongs to `forEach` or to a template.
pub(super) fn is_own_name(name: &str) -> bool {
    name.starts_with(EACH_PREFIX) || name.starts_with(WITH_PREFIX)
}

/// The place of a list entry: the place that names it, if it is written elsewhere.
pub(super) fn entry_place(entry: &YamlNode) -> Span {
    entry.alias.unwrap_or_else(|| entry.head_span())
}

fn unknown_in_entry(key: Option<&str>, span: Span, scope: EntryScope<'_>) -> PendingDiagnostic {
    let unknown = |span, message| PendingDiagnostic::error(code::UNKNOWN_VARIABLE, span, message);
    let EntryScope { entry, keys, is_first } = scope;
    let own = || entry.entries().iter().map(|entry| entry.key.as_str());
    let Some(key) = key else {
        let remark = unknown(span, "`${each}` is not a value: name one of its fields".to_owned());
        return match suggest_similar("name", own()) {
            Some(meant) => remark.with_help(format!("write `${{each.{meant}}}`")),
            None => remark,
        };
    };
    if keys.contains(key) {
        // The entry is wrong, not the text that all entries share.
        let remark = unknown(entry_place(entry), format!("this entry of `forEach` has no `{key}`"));
        let remark = remark.with_related(span, "used here");
        return match suggest_similar(key, own()) {
            Some(meant) => remark.with_help(format!("did you mean `{meant}`?")),
            None => remark,
        };
    }
    let remark = unknown(span, format!("no entry of `forEach` has `{key}`"));
    if !is_first {
        return remark;
    }
    if let Some(meant) = suggest_similar(key, keys.iter().copied()) {
        return remark.with_help(format!("did you mean `${{each.{meant}}}`?"));
    }
    // Only quoted texts are searched for secrets.
    let names: Vec<String> = keys.iter().take(10).map(|key| format!("`{key}`")).collect();
    remark.with_help(format!("its entries have: {}", names.join(", ")))
}
