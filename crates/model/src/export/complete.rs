//! Fills in what validation misses: the API does not return all that a manifest needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{FILL_IN, Manifest, Note, Variables};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Severity, SourceFile};
use crate::manifest;
use crate::mark;
use crate::path::Path;
use crate::pipe::destination;
use crate::reference::Node;

/// No manifest has this much missing.
const ROUNDS: usize = 16;

/// A document that may not be sound yet.
pub(super) struct Draft<'v> {
    at: Address,
    document: Value,
    notes: BTreeMap<Path, Note>,
    remarks: Vec<String>,
    variables: &'v mut Variables,
}

impl<'v> Draft<'v> {
    /// The document, and where in it a reference takes the place of a live secret.
    pub(super) fn new(
        at: &Address,
        document: Value,
        secrets: Vec<Path>,
        variables: &'v mut Variables,
    ) -> Self {
        let (notes, remarks) = (BTreeMap::new(), Vec::new());
        let mut draft = Self { at: at.clone(), document, notes, remarks, variables };
        for path in secrets {
            draft.refer(&path, Encoded::No);
            draft.remarks.push(format!("`{path}` held a password, which was not written"));
        }
        draft
    }

    /// The manifest, sound if it can be made so.
    pub(super) fn finish(mut self) -> Manifest {
        let mut flaws = flaws(&self.document);
        for _ in 0..ROUNDS {
            let mended = flaws.iter().any(|flaw| self.mend(flaw));
            if !mended {
                break;
            }
            flaws = self::flaws(&self.document);
        }
        let flaws: Vec<String> = flaws.iter().map(told).collect();
        let untold = if flaws.is_empty() { self.untold() } else { Vec::new() };
        let Self { at, document, notes, remarks, .. } = self;
        Manifest { at, document, notes, remarks, untold, flaws }
    }

    /// Whether something could be done about it.
    fn mend(&mut self, flaw: &Diagnostic) -> bool {
        let path = &flaw.path;
        let node = path
            .segments()
            .iter()
            .try_fold(Node::document(self.at.kind), |node, segment| node.step(segment));
        match (node, path.get(&self.document).cloned()) {
            (Some(node), None) if !node.is_marked(mark::LOCAL) => self.fill(&node, path),
            (Some(node), Some(Value::String(word)))
                if node.is_new_word(&word) && self.move_beside(path) =>
            {
                true
            }
            (Some(node), Some(value)) if !node.is_required() && may_go(path, &value) => {
                self.drop(path, flaw)
            }
            _ => false,
        }
    }

    /// Puts a value that is newer than this version where it is taken as it stands, if there is
    /// such a place beside it.
    fn move_beside(&mut self, path: &Path) -> bool {
        let Some((parent, name)) = path.parent().zip(path.last()) else { return false };
        let node = Node::document(self.at.kind).at(&parent.to_string());
        let extra = node.and_then(|node| node.additional());
        let Some((extra, value)) = extra.zip(path.get(&self.document).cloned()) else {
            return false;
        };
        parent.child(extra).child(name).set(&mut self.document, value);
        remove(&parent, path, &mut self.document)
    }

    fn fill(&mut self, field: &Node, path: &Path) -> bool {
        if field.may_be_secret() {
            let key_file = field.text("description").contains("base64");
            self.refer(path, if key_file { Encoded::Yes } else { Encoded::No });
            return true;
        }
        let (value, beside) = match field.text("type") {
            "object" => (json!({}), None),
            "string" => match destination::likely(path, &self.document) {
                Some(likely) => (likely, Some(Note::Guess)),
                None => (Value::from(FILL_IN), Some(Note::FillIn)),
            },
            _ => return false,
        };
        path.set(&mut self.document, value);
        self.notes.extend(beside.map(|beside| (path.clone(), beside)));
        true
    }

    fn refer(&mut self, path: &Path, encoded: Encoded) {
        let variable = self.variables.name(self.at.name.as_str(), path);
        let mut reference = json!({ "fromEnv": variable });
        let encoded = encoded == Encoded::Yes;
        if encoded {
            reference["encoding"] = Value::from("base64");
        }
        path.set(&mut self.document, reference);
        self.notes.insert(path.clone(), Note::Secret { variable, encoded });
    }

    /// What this version refuses, though it is live, is left as it is by leaving it out.
    fn drop(&mut self, path: &Path, flaw: &Diagnostic) -> bool {
        let gone = path.parent().is_some_and(|parent| remove(&parent, path, &mut self.document));
        if gone {
            self.notes.retain(|at, _| !at.is_within(path));
            self.remarks.push(format!("`{path}` is left out: {}", flaw.message));
        }
        gone
    }

    /// Whether nothing speaks against these fields as such.
    fn would_take(&self, paths: &[Path]) -> bool {
        let mut document = self.document.clone();
        for path in paths {
            path.set(&mut document, self.stand_in(path));
        }
        let told =
            |flaw: &Diagnostic| paths.contains(&flaw.path) && !flaw.message.contains("secret");
        !flaws(&document).iter().any(told)
    }

    fn stand_in(&self, path: &Path) -> Value {
        let node = Node::document(self.at.kind).at(&path.to_string());
        match node.as_ref().map(|node| node.text("type")) {
            Some("object") => json!({}),
            Some("array") => json!([FILL_IN]),
            Some("boolean") => json!(true),
            _ => json!(FILL_IN),
        }
    }

    fn untold(&self) -> Vec<Path> {
        let mut untold = Vec::new();
        if let Some(spec) = Node::document(self.at.kind).child("spec") {
            untold_below(&spec, &self.document["spec"], &Path::parse("spec"), &mut untold);
        }
        // Mostly all of them could be there, and looking once is enough.
        if !self.would_take(&untold) {
            untold.retain(|path| self.would_take(std::slice::from_ref(path)));
        }
        untold
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoded {
    Yes,
    No,
}

/// What every object is made of.
const NEEDED: &[&str] = &["source", "destination"];

/// Fields of the body, and groups of them but for those without which nothing is left.
fn may_go(path: &Path, value: &Value) -> bool {
    match path.segments() {
        [spec, part] if spec == "spec" => value.is_object() && !NEEDED.contains(&part.as_str()),
        [spec, _, _, ..] => spec == "spec",
        _ => false,
    }
}

fn remove(parent: &Path, path: &Path, document: &mut Value) -> bool {
    let (Some(Value::Object(fields)), Some(name)) = (parent.get(document), path.last()) else {
        return false;
    };
    let mut fields = fields.clone();
    let gone = fields.shift_remove(name).is_some();
    parent.set(document, fields.into());
    gone
}

/// Of the fields that are there and no others: what belongs to another way of doing it is not
/// missing.
fn untold_below(node: &Node, value: &Value, path: &Path, untold: &mut Vec<Path>) {
    let Value::Object(fields) = value else { return };
    for (name, child) in node.children() {
        let never = child.text(mark::ECHO) == "never";
        match fields.get(name) {
            Some(value) if !never => untold_below(&child, value, &path.child(name), untold),
            // A switch that is never returned is about the request: no object has it.
            None if never && !child.is_required() && !is_switch(&child) => {
                untold.push(path.child(name));
            }
            Some(_) | None => {}
        }
    }
}

fn is_switch(node: &Node) -> bool {
    match node.word("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "boolean"),
        other => other.is_some_and(|one| one == "boolean"),
    }
}

fn flaws(document: &Value) -> Vec<Diagnostic> {
    let file = SourceFile { name: Arc::from("export"), text: Arc::from(document.to_string()) };
    let loaded = manifest::load(&[file], &BTreeMap::new());
    let errors = loaded.diagnostics.into_iter();
    errors.filter(|found| found.severity == Severity::Error).collect()
}

fn told(flaw: &Diagnostic) -> String {
    format!("`{}`: {}", flaw.path, flaw.message)
}
