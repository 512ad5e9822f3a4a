//! Fills in what validation misses: the API does not return all that a manifest needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{EnvNames, ExportedManifest, FILL_IN, FieldNote};
use clickpipes::docs::SchemaNode;
use clickpipes::manifest;
use clickpipes::pipe::destination;
use model::address::Address;
use model::annotations;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;

/// No manifest has this much missing.
const MAX_ROUNDS: usize = 16;

/// A document that may not be sound yet.
pub(super) struct ManifestDraft<'v> {
    address: Address,
    document: Value,
    field_notes: BTreeMap<FieldPath, FieldNote>,
    remarks: Vec<String>,
    variables: &'v mut EnvNames,
}

impl<'v> ManifestDraft<'v> {
    /// The document, and where in it a reference takes the place of a live secret.
    pub(super) fn new(
        address: &Address,
        document: Value,
        secrets: Vec<FieldPath>,
        variables: &'v mut EnvNames,
    ) -> Self {
        let (notes, remarks) = (BTreeMap::new(), Vec::new());
        let mut draft = Self { address: address.clone(), document, field_notes: notes, remarks, variables };
        for path in secrets {
            draft.set_secret_reference(&path, SecretEncoding::Raw);
            draft.remarks.push(format!("`{path}` held a password, which was not written"));
        }
        draft
    }

    /// The manifest, sound if it can be made so.
    pub(super) fn into_manifest(mut self) -> ExportedManifest {
        let mut flaws = validation_errors(&self.document);
        for _ in 0..MAX_ROUNDS {
            let mended = flaws.iter().any(|flaw| self.fix_blocker(flaw));
            if !mended {
                break;
            }
            flaws = validation_errors(&self.document);
        }
        let flaws: Vec<String> = flaws.iter().map(describe_error).collect();
        let write_only_fields = if flaws.is_empty() { self.write_only_fields() } else { Vec::new() };
        let Self { address, document, field_notes: notes, remarks, .. } = self;
        ExportedManifest { address, document, field_notes: notes, remarks, write_only_fields, blockers: flaws }
    }

    /// Whether something could be done about it.
    fn fix_blocker(&mut self, flaw: &Diagnostic) -> bool {
        let path = &flaw.path;
        let node = path
            .segments()
            .iter()
            .try_fold(SchemaNode::for_kind(self.address.kind), |node, segment| node.child_or_item(segment));
        match (node, path.value_in(&self.document).cloned()) {
            (Some(node), None) if !node.has_keyword(annotations::LOCAL_ONLY) => self.fill_in_field(&node, path),
            (Some(node), Some(Value::String(word)))
                if node.is_unknown_value(&word) && self.move_to_additional(path) =>
            {
                true
            }
            (Some(node), Some(value)) if !node.is_required() && can_be_dropped(path, &value) => {
                self.drop_field(path, flaw)
            }
            _ => false,
        }
    }

    /// Puts a value that is newer than this version where it is taken as it stands, if there is
    /// such a place beside it.
    fn move_to_additional(&mut self, path: &FieldPath) -> bool {
        let Some((parent, name)) = path.parent().zip(path.last_segment()) else { return false };
        let node = SchemaNode::for_kind(self.address.kind).node_at(&parent.to_string());
        let extra = node.and_then(|node| node.additional_field());
        let Some((extra, value)) = extra.zip(path.value_in(&self.document).cloned()) else {
            return false;
        };
        parent.child(extra).child(name).set_in(&mut self.document, value);
        remove_field(&parent, path, &mut self.document)
    }

    fn fill_in_field(&mut self, field: &SchemaNode, path: &FieldPath) -> bool {
        if field.can_be_secret() {
            let key_file = field.keyword_text("description").contains("base64");
            self.set_secret_reference(path, if key_file { SecretEncoding::Base64 } else { SecretEncoding::Raw });
            return true;
        }
        let (value, beside) = match field.keyword_text("type") {
            "object" => (json!({}), None),
            "string" => match destination::guess_version_column(path, &self.document) {
                Some(likely) => (likely, Some(FieldNote::Guess)),
                None => (Value::from(FILL_IN), Some(FieldNote::FillIn)),
            },
            _ => return false,
        };
        path.set_in(&mut self.document, value);
        self.field_notes.extend(beside.map(|beside| (path.clone(), beside)));
        true
    }

    fn set_secret_reference(&mut self, path: &FieldPath, encoded: SecretEncoding) {
        let variable = self.variables.unique_name(self.address.name.as_str(), path);
        let mut reference = json!({ "fromEnv": variable });
        let encoded = encoded == SecretEncoding::Base64;
        if encoded {
            reference["encoding"] = Value::from("base64");
        }
        path.set_in(&mut self.document, reference);
        self.field_notes.insert(path.clone(), FieldNote::Secret { variable, needs_base64: encoded });
    }

    /// What this version refuses, though it is live, is left as it is by leaving it out.
    fn drop_field(&mut self, path: &FieldPath, flaw: &Diagnostic) -> bool {
        let removed = path.parent().is_some_and(|parent| remove_field(&parent, path, &mut self.document));
        if removed {
            self.field_notes.retain(|at, _| !at.is_within(path));
            self.remarks.push(format!("`{path}` is left out: {}", flaw.message));
        }
        removed
    }

    /// Whether nothing speaks against these fields as such.
    fn would_accept(&self, paths: &[FieldPath]) -> bool {
        let mut document = self.document.clone();
        for path in paths {
            path.set_in(&mut document, self.placeholder_value(path));
        }
        let is_refused = |flaw: &Diagnostic| paths.contains(&flaw.path) && !flaw.message.contains("secret");
        !validation_errors(&document).iter().any(is_refused)
    }

    fn placeholder_value(&self, path: &FieldPath) -> Value {
        let node = SchemaNode::for_kind(self.address.kind).node_at(&path.to_string());
        match node.as_ref().map(|node| node.keyword_text("type")) {
            Some("object") => json!({}),
            Some("array") => json!([FILL_IN]),
            Some("boolean") => json!(true),
            _ => json!(FILL_IN),
        }
    }

    fn write_only_fields(&self) -> Vec<FieldPath> {
        let mut write_only = Vec::new();
        if let Some(spec) = SchemaNode::for_kind(self.address.kind).child_field("spec") {
            collect_write_only(&spec, &self.document["spec"], &FieldPath::parse("spec"), &mut write_only);
        }
        // Mostly all of them could be there, and looking once is enough.
        if !self.would_accept(&write_only) {
            write_only.retain(|path| self.would_accept(std::slice::from_ref(path)));
        }
        write_only
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SecretEncoding {
    Base64,
    Raw,
}

/// What every object is made of.
const REQUIRED_PARTS: &[&str] = &["source", "destination"];

/// Fields of the body, and groups of them but for those without which nothing is left.
fn can_be_dropped(path: &FieldPath, value: &Value) -> bool {
    match path.segments() {
        [spec, part] if spec == "spec" => value.is_object() && !REQUIRED_PARTS.contains(&part.as_str()),
        [spec, _, _, ..] => spec == "spec",
        _ => false,
    }
}

fn remove_field(parent: &FieldPath, path: &FieldPath, document: &mut Value) -> bool {
    let (Some(Value::Object(fields)), Some(name)) = (parent.value_in(document), path.last_segment()) else {
        return false;
    };
    let mut fields = fields.clone();
    let removed = fields.shift_remove(name).is_some();
    parent.set_in(document, fields.into());
    removed
}

/// Of the fields that are there and no others: what belongs to another way of doing it is not
/// missing.
fn collect_write_only(node: &SchemaNode, value: &Value, path: &FieldPath, write_only: &mut Vec<FieldPath>) {
    let Value::Object(fields) = value else { return };
    for (name, child) in node.child_fields() {
        let never = child.keyword_text(annotations::READBACK) == "never";
        match fields.get(name) {
            Some(value) if !never => collect_write_only(&child, value, &path.child(name), write_only),
            // A switch that is never returned is about the request: no object has it.
            None if never && !child.is_required() && !is_boolean(&child) => {
                write_only.push(path.child(name));
            }
            Some(_) | None => {}
        }
    }
}

fn is_boolean(node: &SchemaNode) -> bool {
    match node.keyword_value("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "boolean"),
        other => other.is_some_and(|one| one == "boolean"),
    }
}

fn validation_errors(document: &Value) -> Vec<Diagnostic> {
    let file = SourceFile { name: Arc::from("export"), text: Arc::from(document.to_string()) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let errors = loaded.diagnostics.into_iter();
    errors.filter(|found| found.severity == Severity::Error).collect()
}

fn describe_error(flaw: &Diagnostic) -> String {
    format!("`{}`: {}", flaw.path, flaw.message)
}
