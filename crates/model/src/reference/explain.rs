//! What one field is, for a person who asks.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::Node;
use crate::action::Endpoint;
use crate::address::Kind;
use crate::envelope::body_path;
use crate::mark;
use crate::path::Path;
use crate::rules::{Echo, List, OnChange, Rules};

mod near;
mod text;

pub(super) use near::paths;

/// Everything there is to say about one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The kind of manifest that has the field.
    pub kind: Kind,
    /// The field, from the root of the manifest; a list's entries are `*`.
    pub path: Path,
    /// What it does.
    pub doc: String,
    /// What it takes, in words: `text`, `whole number`, `list of objects`.
    #[serde(rename = "type")]
    pub takes: String,
    /// The words that it takes; empty where any will do.
    pub words: Vec<Word>,
    /// Range, length and form, in words.
    pub limits: Vec<String>,
    /// What the API takes when it is left out, where that is known.
    pub default: Option<Value>,
    /// Whether the object around it needs it.
    pub required: bool,
    /// Whether it takes a reference to a secret and nothing else.
    pub secret: bool,
    /// Whether the API has given it up.
    pub deprecated: bool,
    /// What it is in the API; `None` where it is ours alone.
    pub change: Option<Change>,
    /// The fields below.
    pub fields: Vec<Entry>,
}

/// One word that a field takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// The word.
    pub word: String,
    /// What it means; empty where the word says it.
    pub doc: String,
}

/// What changing a field of a live object takes, and whether the API returns it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it takes.
    pub takes: OnChange,
    /// Whether a database pipe must be paused for it.
    pub paused: bool,
    /// What is sent along, where the manifest declares it.
    pub with: Vec<Path>,
    /// Whether the API returns it.
    pub echo: Echo,
    /// Values that cannot be left or reached in place.
    pub replace_across: Vec<String>,
}

/// A field below another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub takes: String,
    /// Whether it is needed.
    pub required: bool,
    /// The first sentence about it.
    pub doc: String,
}

/// There is no such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// What was asked for.
    pub asked: String,
    /// Fields that may have been meant, best first.
    pub near: Vec<String>,
}

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no field `{}`", self.asked)?;
        if let Some((first, rest)) = self.near.split_first() {
            write!(f, "; did you mean `{first}`")?;
            rest.iter().try_for_each(|other| write!(f, ", or `{other}`"))?;
            f.write_str("?")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownField {}

/// Explains a field, such as `source.kafka.offset`, `spec.source.kafka.offset` or
/// `metadata.service`, or a whole kind, such as `CdcScaling`. Entries of lists need no step of
/// their own: `destination.columns.name`.
pub fn explain(asked: &str) -> Result<Explanation, UnknownField> {
    let (kinds, path) = split_kind(asked);
    let starts = if is_from_root(&path) { vec![path] } else { under_spec(&path) };
    let found = kinds.iter().flat_map(|kind| starts.iter().filter_map(|path| find(*kind, path)));
    found.map(|(kind, path, node)| explanation(kind, path, &node)).next().ok_or_else(|| {
        UnknownField { asked: asked.to_owned(), near: near::suggestions(&kinds, &starts[0]) }
    })
}

/// `ClickPipe.spec.source`: the kind may come first.
fn split_kind(asked: &str) -> (Vec<Kind>, Path) {
    let path = Path::parse(asked.trim().trim_matches('.'));
    let kinds = [Kind::ClickPipe, Kind::CdcScaling, Kind::ReversePrivateEndpoint];
    let Some((first, rest)) = path.segments().split_first() else {
        return (kinds.into(), Path::parse("spec"));
    };
    match Kind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(first)) {
        Some(kind) if rest.is_empty() => (vec![kind], Path::parse("spec")),
        Some(kind) => (vec![kind], Path::parse(&rest.join("."))),
        None => (kinds.into(), path),
    }
}

fn is_from_root(path: &Path) -> bool {
    let roots = ["apiVersion", "kind", "metadata", "spec"];
    path.segments().first().is_none_or(|first| roots.contains(&first.as_str()))
}

fn under_spec(path: &Path) -> Vec<Path> {
    ["spec", "metadata", "spec.source"].map(|root| Path::parse(root).join(path)).into()
}

/// The place, with `*` for the entries of lists, wherever the asker left them out.
fn find(kind: Kind, path: &Path) -> Option<(Kind, Path, Node)> {
    let mut node = Node::document(kind);
    let mut at = Path::root();
    for segment in path.segments() {
        if let Some(field) = node.child(segment) {
            (node, at) = (field, at.child(segment));
            continue;
        }
        let item = node.item()?;
        at = at.child("*");
        node = match segment.as_str() {
            "*" | "[]" => item,
            index if index.bytes().all(|byte| byte.is_ascii_digit()) => item,
            name => {
                at = at.child(name);
                item.child(name)?
            }
        };
    }
    Some((kind, at, node))
}

fn explanation(kind: Kind, path: Path, node: &Node) -> Explanation {
    let inner = node.item().unwrap_or_else(|| node.clone());
    let words = if node.words().is_empty() { inner.words() } else { node.words() };
    Explanation {
        kind,
        doc: doc(&path, node).to_owned(),
        takes: text::takes(node),
        words: words
            .into_iter()
            .map(|(word, doc)| Word { word: word.into(), doc: doc.into() })
            .collect(),
        limits: text::limits(node),
        default: node.word("default").cloned(),
        required: node.is_required(),
        secret: node.is_secret(),
        deprecated: node.is_marked("deprecated"),
        change: change(kind, &path, node),
        fields: entries(&inner),
        path,
    }
}

/// What is declared is said by the kind, not by the envelope that all kinds share.
fn doc(path: &Path, node: &Node) -> &'static str {
    let whole = path.segments() == ["spec"];
    let of_kind = node.definition()["description"].as_str().filter(|_| whole);
    of_kind.unwrap_or_else(|| node.text("description"))
}

fn entries(node: &Node) -> Vec<Entry> {
    if node.may_be_secret() && !node.is_secret() {
        return Vec::new();
    }
    let fields = node.children().into_iter();
    fields
        .map(|(name, field)| Entry {
            name: name.to_owned(),
            takes: text::takes(&field),
            required: field.is_required(),
            doc: text::first_sentence(field.text("description")).to_owned(),
        })
        .collect()
}

fn change(kind: Kind, path: &Path, node: &Node) -> Option<Change> {
    if node.is_marked(mark::LOCAL) {
        return None;
    }
    let at = body_path(kind, path).filter(|at| *at != Path::root())?;
    let rules = Rules::of(kind).at(&at);
    if is_parts(node, rules) {
        return None;
    }
    Some(Change {
        takes: rules.on_change,
        paused: rules.needs_pause,
        with: rules.travels_with.iter().filter(|other| **other != at).cloned().collect(),
        echo: rules.echo,
        replace_across: rules.replace_across.clone(),
    })
}

/// Whether the field is no more than the fields below it, each of which has an answer of its own.
fn is_parts(node: &Node, rules: &Rules) -> bool {
    let answers = |rules: &Rules| (rules.on_change, rules.echo, rules.needs_pause);
    let own = answers(rules);
    !node.children().is_empty()
        && rules.list == List::Atomic
        && rules.fields().any(|(_, field)| answers(field) != own)
}

impl Change {
    /// What a change takes, in words.
    pub fn describe(&self) -> String {
        let mut words = match self.takes {
            OnChange::Replace => {
                return "replaced: deleted, and made again".to_owned();
            }
            OnChange::Update(Endpoint::Resource) => "in place".to_owned(),
            OnChange::Update(Endpoint::Settings) => "in place, as a setting".to_owned(),
            OnChange::Update(Endpoint::Scaling) => "in place, by scaling".to_owned(),
        };
        if self.paused {
            words.push_str(" while the pipe is paused");
        }
        if !self.with.is_empty() {
            let with: Vec<String> = self.with.iter().map(|path| format!("`{path}`")).collect();
            let _ = write!(words, ", sent together with {}", with.join(", "));
        }
        for value in &self.replace_across {
            let _ = write!(words, "; to or from `{value}` replaced");
        }
        words
    }
}
