//! Several schemas for one value: reports the mistakes in the branch that the author chose.

use serde_json::Value;

use super::compiled::{Choice, ShapeId, ValueShape};
use super::types::JsonTypes;
use super::value::wrong_type_problem;
use super::{ReportMode, ValidationPass, code};
use crate::suggest::suggest_similar;
use crate::yaml::{PendingDiagnostic, PendingDiagnostics, Span, YamlNode};

impl<'w> ValidationPass<'w> {
    pub(super) fn validate_choice(&mut self, choice: &'w Choice, node: &'w YamlNode, key: Option<Span>) {
        let valid = choice.branches.iter().filter(|branch| self.is_valid(**branch, node)).count();
        match valid {
            0 => self.report_best_branch(choice, node, key),
            1 => {}
            _ if choice.exclusive => self.report_problem(|| {
                PendingDiagnostic::error(
                    code::ONE_OF,
                    key.unwrap_or_else(|| node.head_span()),
                    "the value can be read in more than one way",
                )
            }),
            _ => {}
        }
    }

    fn report_best_branch(&mut self, choice: &'w Choice, node: &'w YamlNode, key: Option<Span>) {
        // `no branch matches` helps nobody. The type decides first, then a field with a constant, then the
        // number of mistakes.
        let fitting: Vec<ShapeId> = choice
            .branches
            .iter()
            .copied()
            .filter(|branch| self.branch_types(*branch).matches_content(&node.content))
            .collect();
        match fitting.as_slice() {
            [] => self.report_no_match(choice, node),
            [only] => self.validate_value(*only, node, key),
            several => match self.branch_by_tag(several, node) {
                Some(branch) => self.validate_value(branch, node, key),
                None => self.validate_value(self.closest_branch(several, node), node, key),
            },
        }
    }

    fn report_no_match(&mut self, choice: &Choice, node: &YamlNode) {
        let types = choice.branches.iter().map(|branch| self.branch_types(*branch));
        let types = types.fold(JsonTypes::default(), JsonTypes::union_with);
        self.report_problem(|| wrong_type_problem(types, node));
    }

    fn branch_types(&self, branch: ShapeId) -> JsonTypes {
        let mut shape = self.shape_by_id(branch);
        // A chain of references is at most as long as there are shapes; a longer one is a circle.
        for _ in 0..self.shapes.len() {
            match (shape.types, shape.refers_to) {
                (None, Some(next)) => shape = self.shape_by_id(next),
                (types, _) => return types.unwrap_or_else(JsonTypes::any_type),
            }
        }
        JsonTypes::any_type()
    }

    /// For mappings: the branch whose constant field has the written value, or a similar one.
    fn branch_by_tag(&self, branches: &[ShapeId], node: &YamlNode) -> Option<ShapeId> {
        let tagged = |branch: &ShapeId| {
            let (name, value) = self.constant_tag(self.resolve_reference(*branch))?;
            Some((*branch, name, value))
        };
        let tags: Vec<(ShapeId, &str, &str)> = branches.iter().filter_map(tagged).collect();
        let (_, name, _) = tags.first()?;
        let given = node.entry(name)?.value.as_text()?;
        let value = suggest_similar(given, tags.iter().map(|(_, _, value)| *value))?;
        tags.iter().find(|(_, _, tag)| *tag == value).map(|(branch, ..)| *branch)
    }

    fn resolve_reference(&self, branch: ShapeId) -> &'w ValueShape {
        let shape = self.shape_by_id(branch);
        match shape.refers_to {
            Some(next) if shape.map.properties.is_empty() => self.shape_by_id(next),
            _ => shape,
        }
    }

    fn constant_tag(&self, shape: &'w ValueShape) -> Option<(&'w str, &'w str)> {
        shape.map.names.iter().find_map(|name| {
            let property = self.shape_by_id(*shape.map.properties.get(name)?);
            match property.allowed_values.as_deref()? {
                [Value::String(value)] => Some((name.as_str(), value.as_str())),
                _ => None,
            }
        })
    }

    fn closest_branch(&self, branches: &[ShapeId], node: &'w YamlNode) -> ShapeId {
        let mistakes = |branch: &ShapeId| {
            let mut remarks = PendingDiagnostics::default();
            let mut walk = ValidationPass::new(self.shapes, None, ReportMode::Collect(&mut remarks));
            walk.validate_value(*branch, node, None);
            remarks.error_count()
        };
        branches.iter().copied().min_by_key(mistakes).unwrap_or(branches[0])
    }
}
