//! Several schemas for one value: reports the mistakes in the branch that the author chose.

use super::compiled::ShapeId;
use super::types::JsonTypes;
use super::value::wrong_type_problem;
use super::{ReportMode, ValidationPass};
use crate::yaml::{PendingDiagnostics, Span, YamlNode};

impl<'w> ValidationPass<'w> {
    pub(super) fn validate_any_of(&mut self, branches: &'w [ShapeId], node: &'w YamlNode, key: Option<Span>) {
        if branches.iter().any(|branch| self.is_valid(*branch, node)) {
            return;
        }
        // `no branch matches` helps nobody. The type decides first, then the number of mistakes.
        let is_fitting = |branch: &ShapeId| self.branch_types(*branch).matches_content(&node.content);
        let fitting = branches.iter().copied().filter(is_fitting);
        if let Some(closest) = fitting.min_by_key(|branch| self.count_mistakes(*branch, node)) {
            self.validate_value(closest, node, key);
        } else {
            let types = branches.iter().map(|branch| self.branch_types(*branch));
            let types = types.fold(JsonTypes::default(), JsonTypes::union_with);
            self.report_problem(|| wrong_type_problem(types, node));
        }
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

    fn count_mistakes(&self, branch: ShapeId, node: &'w YamlNode) -> usize {
        let mut remarks = PendingDiagnostics::default();
        let walk = ValidationPass::new(self.shapes, None, ReportMode::Collect(&mut remarks));
        let mut walk = ValidationPass { is_part: self.is_part, ..walk };
        walk.validate_value(branch, node, None);
        remarks.error_count()
    }
}
