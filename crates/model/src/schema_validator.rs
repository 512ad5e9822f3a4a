//! Validates a document against a JSON Schema: all mistakes at once, each with its place and, where
//! one is known, the fix.
//!
//! It supports the part of JSON Schema that the structs generate and refuses a schema with any other
//! keyword, so nothing goes unchecked silently. It is stricter than the schema in two points: `null`
//! is never a value, and a secret is never a literal. It is laxer in one: a field under `additional`
//! is not missing.

use serde_json::Value;

use crate::path::FieldPath;
use crate::yaml::{PendingDiagnostic, PendingDiagnostics, Span, YamlContent, YamlNode};

mod any_of;
pub mod code;
mod compiled;
mod compiler;
mod field_node;
mod list;
mod literal_secret;
mod map;
mod number;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

use compiled::{ShapeId, ValueShape};
pub use compiler::UnsupportedSchema;
pub use field_node::FieldNode;
pub use map::{misplaced_field, misspelt_field};

/// A compiled JSON Schema.
#[derive(Debug)]
pub struct SchemaValidator {
    shapes: Vec<ValueShape>,
}

impl SchemaValidator {
    /// Compiles a schema. Fails on an unsupported keyword, type, reference or pattern.
    pub fn new(schema: &Value) -> Result<Self, UnsupportedSchema> {
        Ok(Self { shapes: compiler::compile_schema(schema)? })
    }

    /// Adds names of fields that are removed from the mapping at `path` before validation, for messages.
    #[must_use]
    pub fn with_names_taken_before<'n>(mut self, path: &[&str], names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut id = ShapeId(0);
        for step in path {
            id = fields_shape(&self.shapes, self.shapes[id.0].map.properties[*step]);
        }
        self.shapes[id.0].map.names_taken_before.extend(names.into_iter().map(str::to_owned));
        self
    }

    /// Adds a remark for each mistake in `document`. `name` is the name of the declared object, for
    /// suggested names of secrets.
    pub fn validate(&self, document: &YamlNode, name: Option<&str>, remarks: &mut PendingDiagnostics) {
        let mut walk = ValidationPass::new(&self.shapes, name, ReportMode::Collect(remarks));
        walk.validate_value(ShapeId(0), document, None);
    }

    /// The same for a part of a document that other parts complete. Missing fields are not a mistake, and a text with
    /// `${…}` is checked once its variables are known.
    pub fn validate_part(&self, part: &YamlNode, remarks: &mut PendingDiagnostics) {
        let walk = ValidationPass::new(&self.shapes, None, ReportMode::Collect(remarks));
        ValidationPass { is_part: true, ..walk }.validate_value(ShapeId(0), part, None);
    }
}

/// The shape with the fields of an object: this one, or its reference target.
fn fields_shape(shapes: &[ValueShape], id: ShapeId) -> ShapeId {
    shapes[id.0].refers_to.map_or(id, |definition| fields_shape(shapes, definition))
}

struct ValidationPass<'w> {
    shapes: &'w [ValueShape],
    object_name: Option<&'w str>,
    mode: ReportMode<'w>,
    steps: Vec<PathStep<'w>>,
    /// The alias for this part of the document.
    via_alias: Option<Span>,
    /// The number of steps to the secret that contains the current value.
    // Nothing below a secret is quoted, not even a key: in `{hunter2}` the key is the secret.
    secret_depth: Option<usize>,
    /// Whether other parts complete the document.
    is_part: bool,
}

enum ReportMode<'w> {
    Collect(&'w mut PendingDiagnostics),
    /// Records only if there is a mistake.
    TestOnly {
        failed: bool,
    },
}

#[derive(Clone, Copy)]
enum PathStep<'w> {
    Key(&'w str),
    Index(usize),
}

impl<'w> ValidationPass<'w> {
    fn new(shapes: &'w [ValueShape], object_name: Option<&'w str>, mode: ReportMode<'w>) -> Self {
        Self { shapes, object_name, mode, steps: Vec::new(), via_alias: None, secret_depth: None, is_part: false }
    }

    fn is_valid(&self, shape: ShapeId, node: &'w YamlNode) -> bool {
        let probe = ValidationPass::new(self.shapes, None, ReportMode::TestOnly { failed: false });
        let mut probe = ValidationPass { is_part: self.is_part, ..probe };
        probe.validate_value(shape, node, None);
        !probe.is_done()
    }

    fn is_done(&self) -> bool {
        match &self.mode {
            // A hostile file with a million mistakes costs no more time than the maximum number of remarks.
            ReportMode::Collect(remarks) => remarks.is_full(),
            ReportMode::TestOnly { failed } => *failed,
        }
    }

    fn report_problem(&mut self, remark: impl FnOnce() -> PendingDiagnostic) {
        let path = self.current_path();
        match &mut self.mode {
            ReportMode::TestOnly { failed } => *failed = true,
            ReportMode::Collect(remarks) => {
                let remark = remark();
                // A remark about another field has its own path.
                let remark = if remark.path == FieldPath::root() { remark.with_path(path) } else { remark };
                // The mistake is at the anchor. The author also needs the place where the value does not fit.
                remarks.push(match self.via_alias {
                    Some(alias) if remark.related.is_none() && alias != remark.span => {
                        remark.with_related(alias, "used here")
                    }
                    _ => remark,
                });
            }
        }
    }

    fn current_path(&self) -> FieldPath {
        if matches!(self.mode, ReportMode::TestOnly { .. }) {
            return FieldPath::root();
        }
        let shown = &self.steps[..self.secret_depth.unwrap_or(self.steps.len())];
        shown.iter().fold(FieldPath::root(), |path, step| match step {
            PathStep::Key(key) => path.child(key),
            PathStep::Index(index) => path.child(index),
        })
    }

    fn shape_by_id(&self, id: ShapeId) -> &'w ValueShape {
        &self.shapes[id.0]
    }

    fn validate_child(&mut self, step: PathStep<'w>, shape: ShapeId, node: &'w YamlNode, key: Option<Span>) {
        if self.is_done() {
            return;
        }
        let before = self.via_alias;
        self.via_alias = node.alias.or(before);
        // Of a value that stands elsewhere, the mistake is there and not at the key.
        let key = key.filter(|_| node.alias.is_none());
        self.steps.push(step);
        self.validate_value(shape, node, key);
        self.steps.pop();
        self.via_alias = before;
    }

    /// `key` is the place of the key, for remarks on a value without a place, such as null.
    fn validate_value(&mut self, id: ShapeId, node: &'w YamlNode, key: Option<Span>) {
        if self.is_part && is_open(node) {
            return;
        }
        let shape = self.shape_by_id(id);
        // Must come first: the remarks below quote values. A mapping may be a reference, so it is walked.
        if shape.is_secret && !matches!(node.content, YamlContent::Map(_) | YamlContent::Null) {
            return self.report_literal_secret(node);
        }
        match node.content {
            YamlContent::Unreadable => return,
            YamlContent::Null => return self.reject_null(node, key),
            _ => {}
        }
        if shape.types.is_some_and(|types| !types.matches_content(&node.content)) {
            return self.report_wrong_type(shape, node);
        }
        if shape.allowed_values.as_ref().is_some_and(|options| !value::is_allowed_value(node, options)) {
            return self.report_bad_value(shape, node);
        }
        let discreet = self.secret_depth;
        if shape.is_secret && discreet.is_none() {
            self.secret_depth = Some(self.steps.len());
        }
        self.validate_content(shape, node, key);
        if let Some(definition) = shape.refers_to {
            self.validate_value(definition, node, key);
        }
        if !shape.any_of.is_empty() {
            self.validate_any_of(&shape.any_of, node, key);
        }
        self.secret_depth = discreet;
    }

    fn validate_content(&mut self, shape: &'w ValueShape, node: &'w YamlNode, key: Option<Span>) {
        match &node.content {
            YamlContent::Number(number) => self.validate_number(&shape.number, number, node.span),
            YamlContent::Text { text, .. } => self.validate_text(shape, text, node.span),
            YamlContent::List(items) => self.validate_list(&shape.list, items, node, key),
            YamlContent::Map(entries) => self.validate_map(&shape.map, entries, node, key),
            YamlContent::Null | YamlContent::Bool(_) | YamlContent::Unreadable => {}
        }
    }

    fn reject_null(&mut self, node: &YamlNode, key: Option<Span>) {
        let help = "leave the field out instead; what is left out is not managed";
        self.report_problem(|| {
            PendingDiagnostic::error(code::NULL_VALUE, key.unwrap_or(node.span), "the value is null").with_help(help)
        });
    }
}

/// Whether a value of a part is not known yet.
fn is_open(node: &YamlNode) -> bool {
    match &node.content {
        YamlContent::Text { text, .. } => text.contains("${"),
        YamlContent::Null => true,
        _ => false,
    }
}
