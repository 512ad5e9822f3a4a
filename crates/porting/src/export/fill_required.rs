//! Fills in the required fields that the API does not return, as validation finds them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::reorder;

use super::{EnvNames, ExportedManifest, FILL_IN, FROM_ENV, FieldNote};
use clickpipes::kinds::{self, manifest_fields};
use clickpipes::manifest;
use clickpipes::pipe::destination;
use clickpipes::semantics::FieldSemantics;
use clickpipes::validate::Problem;
use model::address::Address;
use model::annotations;
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::FieldPath;
use model::sanitize::escape_yaml_text;
use model::schema_validator::FieldNode;

// A fix may reveal another mistake, such as in an object that was just added. A fix that does not help must
// not be repeated for ever.
const MAX_ROUNDS: usize = 16;

pub(super) struct ManifestDraft<'v> {
    address: Address,
    /// The live value from the API; `None` if the draft comes from a source that may lack fields of the object.
    live: Option<&'v Value>,
    document: Value,
    field_notes: BTreeMap<FieldPath, FieldNote>,
    remarks: Vec<String>,
    variables: &'v mut EnvNames,
    /// Live fields that a manifest cannot contain.
    pub(super) withheld: Vec<FieldPath>,
}

impl<'v> ManifestDraft<'v> {
    /// `secrets` are the paths where a reference replaces a live secret.
    pub(super) fn new(
        address: &Address,
        (live, document): (Option<&'v Value>, Value),
        secrets: Vec<FieldPath>,
        variables: &'v mut EnvNames,
    ) -> Self {
        let (notes, remarks) = (BTreeMap::new(), Vec::new());
        let withheld = Vec::new();
        let mut draft =
            Self { address: address.clone(), live, document, field_notes: notes, remarks, variables, withheld };
        for path in secrets {
            draft.set_secret_reference(&path, SecretEncoding::Raw);
            draft.remarks.push(format!("`{path}` held a password, which was not written"));
        }
        draft
    }

    /// Fixes the mistakes that can be fixed; the others become blockers.
    pub(super) fn into_manifest(mut self) -> ExportedManifest {
        let mut flaws = validation_errors(&self.document);
        for _ in 0..MAX_ROUNDS {
            // One fix at a time: it may resolve the other mistakes as well.
            let mended = flaws.iter().any(|flaw| self.fix_blocker(flaw));
            if !mended {
                break;
            }
            flaws = validation_errors(&self.document);
        }
        let errors = flaws.iter().filter(|flaw| flaw.severity == Severity::Error);
        let flaws: Vec<String> = errors.map(|flaw| format!("`{}`: {}", flaw.path, flaw.message)).collect();
        let write_only_fields = if flaws.is_empty() { self.write_only_fields() } else { Vec::new() };
        let Self { address, mut document, field_notes: notes, remarks, .. } = self;
        // Fields that were filled in are at the end until now.
        reorder::order_keys(&mut document, address.kind);
        ExportedManifest { address, document, field_notes: notes, remarks, write_only_fields, blockers: flaws }
    }

    /// Returns `false` if the mistake cannot be fixed.
    fn fix_blocker(&mut self, flaw: &Diagnostic) -> bool {
        let path = &flaw.path;
        let node = manifest_fields(self.address.kind).node_at(path);
        match (node, path.value_in(&self.document).cloned()) {
            // A placeholder would be sent in place of the live value.
            (_, None) if self.withheld.contains(path) => false,
            (Some(node), None) if is_missing_login(flaw) => self.fill_in_login(node, path),
            (_, _) if flaw.severity != Severity::Error => false,
            (Some(node), None) if !node.has_keyword(annotations::LOCAL_ONLY) => self.fill_in_field(node, path),
            // A word of a newer API is valid there. Under `additional` it is sent unchanged and not checked.
            (Some(node), Some(Value::String(word)))
                if node.is_unknown_value(&word) && self.move_to_additional(path) =>
            {
                true
            }
            (Some(node), Some(value)) if !node.is_required() && can_be_dropped(path, &value) => {
                self.drop_field(path, flaw) || self.drop_list(flaw)
            }
            (_, Some(_)) => self.drop_list(flaw),
            _ => false,
        }
    }

    /// Moves a word that is newer than this version to `additional`, if the object has it.
    fn move_to_additional(&mut self, path: &FieldPath) -> bool {
        let Some((parent, name)) = path.parent().zip(path.last_segment()) else { return false };
        let node = manifest_fields(self.address.kind).node_at(&parent);
        let extra = node.and_then(|node| node.additional_field());
        let Some((extra, value)) = extra.zip(path.value_in(&self.document).cloned()) else {
            return false;
        };
        parent.child(extra).child(name).set_in(&mut self.document, value);
        remove_field(&parent, path, &mut self.document)
    }

    /// Writes references for all parts of a login that the API does not return.
    fn fill_in_login(&mut self, login: &FieldNode, path: &FieldPath) -> bool {
        let mut parts = login.child_fields().filter(|(_, part)| part.can_be_secret()).peekable();
        let found = parts.peek().is_some();
        // The whole login at once: the API refuses half of one (seen live).
        parts.for_each(|(name, _)| self.set_secret_reference(&path.child(name), SecretEncoding::Raw));
        found
    }

    fn fill_in_field(&mut self, field: &FieldNode, path: &FieldPath) -> bool {
        if field.can_be_secret() {
            // The API takes Google key files in base64. In a variable the plain file is easier to handle.
            let key_file = field.keyword_text("description").contains("base64");
            self.set_secret_reference(path, if key_file { SecretEncoding::Base64 } else { SecretEncoding::Raw });
            return true;
        }
        let (value, beside) = match field.keyword_text("type") {
            "object" => (json!({}), None),
            "string" => match destination::guess_version_column(path, &self.document) {
                Some(likely) => (likely, Some(FieldNote::Guess)),
                // The next apply would set it, if not by a replacement.
                None if self.is_known_to_be_unset(path) => return false,
                None => (Value::from(FILL_IN), Some(FieldNote::FillIn)),
            },
            _ => return false,
        };
        path.set_in(&mut self.document, value);
        self.field_notes.extend(beside.map(|beside| (path.clone(), beside)));
        true
    }

    /// Whether the API would return the field if it were set.
    fn is_known_to_be_unset(&self, path: &FieldPath) -> bool {
        let Some((live, path)) = self.live.zip(path.relative_to(&FieldPath::parse("spec"))) else { return false };
        let rules = FieldSemantics::for_kind(self.address.kind).field_at(&path);
        !rules.matches_live(&Value::from(FILL_IN), path.value_in(live))
    }

    fn set_secret_reference(&mut self, path: &FieldPath, encoded: SecretEncoding) {
        let variable = self.variables.unique_name(self.address.name.as_str(), path);
        let mut reference = json!({ (FROM_ENV): variable });
        let encoded = encoded == SecretEncoding::Base64;
        if encoded {
            reference["encoding"] = Value::from("base64");
        }
        path.set_in(&mut self.document, reference);
        self.field_notes.insert(path.clone(), FieldNote::Secret { variable, needs_base64: encoded });
    }

    /// Leaves out the whole list if the mistake is in one of its entries: a list is declared as a whole.
    fn drop_list(&mut self, flaw: &Diagnostic) -> bool {
        let lists = std::iter::successors(flaw.path.parent(), FieldPath::parent);
        let list = lists.into_iter().find(|path| path.value_in(&self.document).is_some_and(Value::is_array));
        let Some((list, value)) = list.and_then(|path| Some((path.clone(), path.value_in(&self.document)?.clone())))
        else {
            return false;
        };
        let node = manifest_fields(self.address.kind).node_at(&list);
        let is_optional = node.is_some_and(|node| !node.is_required()) && can_be_dropped(&list, &value);
        is_optional && self.drop_field(&list, flaw)
    }

    fn drop_field(&mut self, path: &FieldPath, flaw: &Diagnostic) -> bool {
        // A rule of this version refuses the live value. An omitted field is not managed, so it does not change.
        let removed = path.parent().is_some_and(|parent| remove_field(&parent, path, &mut self.document));
        if removed {
            self.field_notes.retain(|at, _| !at.is_within(path));
            // Filled in again, it may be left out again.
            let remark = format!("`{path}` is left out: {}", flaw.message);
            if !self.remarks.contains(&remark) {
                self.remarks.push(remark);
            }
        }
        removed
    }

    /// `true` if no rule refuses these fields in addition to the present ones.
    fn would_accept(&self, paths: &[FieldPath]) -> bool {
        let mut document = self.document.clone();
        for path in paths {
            path.set_in(&mut document, self.placeholder_value(path));
        }
        // A placeholder in place of a secret is a separate error, which is not about the field.
        let is_refused = |flaw: &Diagnostic| paths.contains(&flaw.path) && !flaw.message.contains("secret");
        let is_idle = |problem: &Problem| problem.is_idle && paths.contains(&problem.path);
        !validation_errors(&document).iter().any(is_refused)
            && !kinds::find_problems(self.address.kind, &document).iter().any(is_idle)
    }

    fn placeholder_value(&self, path: &FieldPath) -> Value {
        let node = manifest_fields(self.address.kind).node_at(path);
        match node.map(|node| node.keyword_text("type")) {
            Some("object") => json!({}),
            Some("array") => json!([FILL_IN]),
            Some("boolean") => json!(true),
            _ => json!(FILL_IN),
        }
    }

    fn write_only_fields(&self) -> Vec<FieldPath> {
        let mut write_only = Vec::new();
        if let Some(spec) = manifest_fields(self.address.kind).child_field("spec") {
            collect_write_only(spec, &self.document["spec"], &FieldPath::parse("spec"), &mut write_only);
        }
        // Nearly always all of them are accepted together, so one validation is enough.
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

const REQUIRED_PARTS: &[&str] = &["source", "destination"];

/// `true` for fields below a part of the spec, and for whole parts that a pipe can do without.
fn can_be_dropped(path: &FieldPath, value: &Value) -> bool {
    match path.segments() {
        [spec, part] if spec == "spec" => {
            (value.is_object() || value.is_array()) && !REQUIRED_PARTS.contains(&part.as_str())
        }
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

fn collect_write_only(node: &FieldNode, value: &Value, path: &FieldPath, write_only: &mut Vec<FieldPath>) {
    // Only below present objects: credentials of another kind of login are not missing.
    let Value::Object(fields) = value else { return };
    for (name, child) in node.child_fields() {
        let never = child.keyword_text(annotations::READBACK) == "never";
        match fields.get(name) {
            Some(value) if !never => collect_write_only(child, value, &path.child(name), write_only),
            // A switch that is never returned belongs to the request (`validateSamples`): no object has it.
            None if never && !child.is_required() && !is_boolean(child) => {
                write_only.push(path.child(name));
            }
            Some(_) | None => {}
        }
    }
}

fn is_boolean(node: &FieldNode) -> bool {
    match node.keyword_value("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == "boolean"),
        other => other.is_some_and(|one| one == "boolean"),
    }
}

fn validation_errors(document: &Value) -> Vec<Diagnostic> {
    let file = SourceFile { name: Arc::from("export"), text: Arc::from(escape_yaml_text(&document.to_string())) };
    let loaded = manifest::parse_manifests(&[file], &BTreeMap::new());
    let errors = loaded.diagnostics.into_iter();
    errors.filter(|found| found.severity == Severity::Error || is_missing_login(found)).collect()
}

/// Only a warning, because the API may accept a database without one. A manifest without it is refused at the next
/// change of the connection.
fn is_missing_login(flaw: &Diagnostic) -> bool {
    flaw.code == "mongodb-login"
}
