//! Everything that is known about each kind of object. This module knows all kinds; those below know only themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::additional_fields::allow_additional_fields;
use crate::cdc_scaling::{self, CdcScalingManifest};
use crate::pipe::{self, PipeManifest};
use crate::reverse_private_endpoint::{self, EndpointManifest};
use crate::semantics::FieldSemantics;
use crate::template_schema::shared_manifest_fields;
use crate::validate::{self, CrossFieldRule, Problem, RuleGrade, RuleSet};
use model::address::Kind;
use model::diagnostic::Severity;
use model::path::FieldPath;
use model::schema::generate_schema;
use model::schema_validator::{FieldNode, SchemaValidator, code};
use model::yaml::{PendingDiagnostic, PendingDiagnostics, read_documents};

/// The data that is compiled once from the structs of a kind.
struct CompiledKind {
    schema: Value,
    validator: SchemaValidator,
    fields: FieldNode,
    semantics: FieldSemantics,
    rules: Vec<&'static RuleSet>,
}

impl CompiledKind {
    fn new(kind: Kind) -> Self {
        let (mut schema, rules) = match kind {
            Kind::ClickPipe => (generate_schema::<PipeManifest>(), pipe::rule_sets().collect()),
            Kind::CdcScaling => (generate_schema::<CdcScalingManifest>(), cdc_scaling::RULE_SETS.iter().collect()),
            Kind::ReversePrivateEndpoint => {
                (generate_schema::<EndpointManifest>(), reverse_private_endpoint::RULE_SETS.iter().collect())
            }
        };
        allow_additional_fields(&mut schema);
        let validator = SchemaValidator::new(&schema).expect("the structs generate what can be walked");
        let fields = validator.field_tree();
        let validator = name_shared_fields(validator, &fields);
        let semantics = FieldSemantics::of_body(kind, &fields);
        Self { schema, validator, fields, semantics, rules }
    }

    fn get(kind: Kind) -> &'static Self {
        static KINDS: LazyLock<BTreeMap<Kind, CompiledKind>> =
            LazyLock::new(|| Kind::ALL.map(|kind| (kind, CompiledKind::new(kind))).into());
        &KINDS[&kind]
    }
}

/// `forEach`, `template` and `with` are removed before a document is validated. A misspelt one is not.
fn name_shared_fields(validator: SchemaValidator, fields: &FieldNode) -> SchemaValidator {
    let shared = shared_manifest_fields();
    let names = shared.child_fields().map(|(name, _)| name).filter(|name| fields.child_field(name).is_none());
    let in_spec = shared.child_field("spec").into_iter().flat_map(FieldNode::child_fields).map(|(name, _)| name);
    validator.with_names_taken_before(&[], names).with_names_taken_before(&["spec"], in_spec)
}

impl FieldSemantics {
    /// The semantics of the body of a kind, in the API's shape.
    pub fn for_kind(kind: Kind) -> &'static Self {
        &CompiledKind::get(kind).semantics
    }
}

/// The JSON Schema of a whole manifest of this kind.
pub fn manifest_schema(kind: Kind) -> &'static Value {
    &CompiledKind::get(kind).schema
}

/// The fields of a whole manifest of this kind.
pub fn manifest_fields(kind: Kind) -> &'static FieldNode {
    &CompiledKind::get(kind).fields
}

/// The fields of the body of an object, in the API's shape.
pub fn body_fields(kind: Kind) -> Option<&'static FieldNode> {
    manifest_fields(kind).child_field("spec")
}

pub(crate) fn manifest_validator(kind: Kind) -> &'static SchemaValidator {
    &CompiledKind::get(kind).validator
}

/// All problems of a document with the rules between fields. A document that also violates its schema is checked as it
/// is: rules ignore values that are missing or of the wrong type.
pub fn find_problems(kind: Kind, document: &Value) -> Vec<Problem> {
    let CompiledKind { rules, fields, .. } = CompiledKind::get(kind);
    validate::find_problems(rules, fields, document)
}

/// The same for a body in the API's shape. The paths start at its root.
pub fn find_body_problems(kind: Kind, body: &Value) -> Vec<Problem> {
    let spec = FieldPath::parse("spec");
    let problems = find_problems(kind, &json!({ "spec": body })).into_iter();
    problems.filter_map(|it| Some(Problem { path: it.path.relative_to(&spec)?, ..it })).collect()
}

/// The values of a body in the API's shape that violate the schema of their field, each with the problem. Missing and
/// unknown fields are not included.
pub fn find_invalid_values(kind: Kind, body: &Value) -> Vec<(FieldPath, String)> {
    let (spec, mut remarks) = (FieldPath::parse("spec"), PendingDiagnostics::default());
    // JSON is YAML.
    for document in read_documents(&json!({ "spec": body }).to_string(), &mut remarks) {
        manifest_validator(kind).validate_part(&document.root, &mut remarks);
    }
    let is_about_value = |remark: &PendingDiagnostic| {
        remark.severity == Severity::Error && remark.code != code::UNKNOWN_FIELD && remark.code != code::LITERAL_SECRET
    };
    let found = remarks.into_vec().into_iter().filter(is_about_value);
    found.filter_map(|remark| Some((remark.path.relative_to(&spec)?, remark.message))).collect()
}

/// Whether a manifest may have the value in a field. The path needs no indexes of list entries.
pub fn can_declare(kind: Kind, path: &FieldPath, value: &Value) -> bool {
    fn wrap(node: Option<&FieldNode>, segments: &[String], value: &Value) -> Value {
        let Some((first, rest)) = segments.split_first() else { return value.clone() };
        match node.and_then(FieldNode::list_item) {
            Some(item) if first.parse::<usize>().is_ok() => json!([wrap(Some(item), rest, value)]),
            Some(item) => json!([wrap(Some(item), segments, value)]),
            None => json!({first: wrap(node.and_then(|node| node.child_field(first)), rest, value)}),
        }
    }
    find_invalid_values(kind, &wrap(body_fields(kind), path.segments(), value)).is_empty()
}

/// Whether a manifest must have the field beside its siblings.
pub fn must_declare(kind: Kind, path: &FieldPath) -> bool {
    let inside_entries = |node: &'static FieldNode, segment: &String| {
        let entry = node.list_item().filter(|_| segment.parse::<usize>().is_err());
        entry.unwrap_or(node).child_or_item(segment)
    };
    let node = body_fields(kind).and_then(|fields| path.segments().iter().try_fold(fields, inside_entries));
    node.is_some_and(FieldNode::is_required)
}

/// Every code that [`find_problems`] returns, sorted.
pub fn problem_codes() -> Vec<&'static str> {
    let rules: Vec<&RuleSet> = Kind::ALL.iter().flat_map(|kind| &CompiledKind::get(*kind).rules).copied().collect();
    validate::problem_codes(&rules)
}

/// The grade of each rule between fields, of all kinds.
pub fn rule_grades() -> impl Iterator<Item = RuleGrade> {
    let rules = Kind::ALL.into_iter().flat_map(cross_field_rules).map(|(_, rule)| rule);
    rules.map(|rule| RuleGrade {
        code: rule.code,
        evidence: rule.evidence,
        severity: rule.severity(),
        breaches: rule.breaches(),
        fields: rule.field_paths(),
    })
}

/// Each rule between fields of a kind, with the paths of the objects that it is about.
pub(crate) fn cross_field_rules(
    kind: Kind,
) -> impl Iterator<Item = (&'static [&'static str], &'static CrossFieldRule)> {
    let sets = CompiledKind::get(kind).rules.iter();
    sets.flat_map(|set| set.rules.iter().map(|rule| (set.object_paths, rule)))
}

/// The names of the fields that contain secrets, in any kind.
pub fn secret_field_names() -> &'static BTreeSet<String> {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| field_names(|_, field| field.is_secret()));
    &NAMES
}

/// The names of all fields, of any kind.
pub(crate) fn all_field_names() -> &'static BTreeSet<String> {
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| field_names(|_, _| true));
    &NAMES
}

/// The names of secret fields and of the fields next to them, such as `username`, in any kind.
pub(crate) fn credential_field_names() -> &'static BTreeSet<String> {
    fn holds_secret(node: &FieldNode) -> bool {
        node.child_fields().any(|(_, field)| field.is_secret())
    }
    static NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| field_names(|parent, _| holds_secret(parent)));
    &NAMES
}

/// The names of fields, in any kind, that fit with the object around them.
fn field_names(fits: impl Fn(&FieldNode, &FieldNode) -> bool) -> BTreeSet<String> {
    fn collect_names(node: &FieldNode, fits: &impl Fn(&FieldNode, &FieldNode) -> bool, names: &mut BTreeSet<String>) {
        for (name, field) in node.child_fields() {
            if fits(node, field) {
                names.insert(name.to_owned());
            }
            collect_names(field, fits, names);
        }
        if let Some(item) = node.list_item() {
            collect_names(item, fits, names);
        }
    }
    let mut names = BTreeSet::new();
    for kind in Kind::ALL {
        collect_names(manifest_fields(kind), &fits, &mut names);
    }
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{cross_field_rules, manifest_fields, rule_grades};
    use model::address::Kind;
    use model::diagnostic::{Evidence, Severity};
    use model::path::FieldPath;

    #[test]
    fn evidence_alone_grades_a_rule_about_the_api() {
        for rule in rule_grades().filter(|rule| rule.evidence != Evidence::Manifest) {
            let is_warning = rule.severity == Severity::Warning;
            assert_eq!(is_warning, rule.evidence == Evidence::Ours, "{}", rule.code);
        }
    }

    #[test]
    fn each_code_has_one_grade() {
        let mut grades = BTreeMap::new();
        for rule in rule_grades() {
            let grade = (rule.evidence, rule.severity);
            assert_eq!(*grades.entry(rule.code).or_insert(grade), grade, "{}", rule.code);
        }
    }

    #[test]
    fn cross_field_rules_only_use_existing_fields() {
        for kind in Kind::ALL {
            for (objects, rule) in cross_field_rules(kind) {
                for at in objects {
                    let object = manifest_fields(kind).node_at(&FieldPath::parse(at)).expect(at);
                    for path in rule.field_paths() {
                        let field = object.node_at(&FieldPath::parse(&path));
                        assert!(field.is_some(), "{}: {at}: {path}", rule.code);
                    }
                }
            }
        }
    }
}
