//! Several schemas for one value: which of them did the author mean?

use serde_json::Value;

use super::shape::{Choice, Shape, ShapeId};
use super::types::Types;
use super::value::wrong_type;
use super::{Sink, Walk, code};
use crate::nearest::nearest;
use crate::source::{Node, Remark, Remarks, Span};

impl<'w> Walk<'w> {
    pub(super) fn choice(&mut self, choice: &'w Choice, node: &'w Node, key: Option<Span>) {
        let valid = choice.branches.iter().filter(|branch| self.is_valid(**branch, node)).count();
        match valid {
            0 => self.explain(choice, node, key),
            1 => {}
            _ if choice.exclusive => self.report(|| {
                Remark::error(
                    code::ONE_OF,
                    key.unwrap_or_else(|| node.head()),
                    "the value can be read in more than one way",
                )
            }),
            _ => {}
        }
    }

    /// Reports what is wrong with the branch that was meant.
    fn explain(&mut self, choice: &'w Choice, node: &'w Node, key: Option<Span>) {
        let fitting: Vec<ShapeId> = choice
            .branches
            .iter()
            .copied()
            .filter(|branch| self.types(*branch).has(&node.content))
            .collect();
        match fitting.as_slice() {
            [] => self.none_fits(choice, node),
            [only] => self.value(*only, node, key),
            several => match self.meant(several, node) {
                Some(branch) => self.value(branch, node, key),
                None => self.value(self.closest(several, node), node, key),
            },
        }
    }

    fn none_fits(&mut self, choice: &Choice, node: &Node) {
        let types = choice.branches.iter().map(|branch| self.types(*branch));
        let types = types.fold(Types::default(), Types::or);
        self.report(|| wrong_type(types, node));
    }

    /// The types that a branch takes; all of them if it does not say.
    fn types(&self, branch: ShapeId) -> Types {
        let mut shape = self.shape(branch);
        // A chain of references is no longer than there are shapes.
        for _ in 0..self.shapes.len() {
            match (shape.types, shape.refers_to) {
                (None, Some(next)) => shape = self.shape(next),
                (types, _) => return types.unwrap_or_else(Types::all),
            }
        }
        Types::all()
    }

    /// For mappings: the branch whose constant field has the value that is written, or nearly.
    fn meant(&self, branches: &[ShapeId], node: &Node) -> Option<ShapeId> {
        let tagged = |branch: &ShapeId| {
            let (name, value) = self.tag(self.resolve(*branch))?;
            Some((*branch, name, value))
        };
        let tags: Vec<(ShapeId, &str, &str)> = branches.iter().filter_map(tagged).collect();
        let (_, name, _) = tags.first()?;
        let given = node.entry(name)?.value.text()?;
        let value = nearest(given, tags.iter().map(|(_, _, value)| *value))?;
        tags.iter().find(|(_, _, tag)| *tag == value).map(|(branch, ..)| *branch)
    }

    fn resolve(&self, branch: ShapeId) -> &'w Shape {
        let shape = self.shape(branch);
        match shape.refers_to {
            Some(next) if shape.map.properties.is_empty() => self.shape(next),
            _ => shape,
        }
    }

    /// The field of a shape that has one value only.
    fn tag(&self, shape: &'w Shape) -> Option<(&'w str, &'w str)> {
        shape.map.names.iter().find_map(|name| {
            let property = self.shape(*shape.map.properties.get(name)?);
            match property.options.as_deref()? {
                [Value::String(value)] => Some((name.as_str(), value.as_str())),
                _ => None,
            }
        })
    }

    /// The branch of which the fewest rules are broken.
    fn closest(&self, branches: &[ShapeId], node: &'w Node) -> ShapeId {
        let mistakes = |branch: &ShapeId| {
            let mut remarks = Remarks::default();
            let mut walk = Walk::new(self.shapes, None, Sink::Remarks(&mut remarks));
            walk.value(*branch, node, None);
            remarks.errors()
        };
        branches.iter().copied().min_by_key(mistakes).unwrap_or(branches[0])
    }
}
