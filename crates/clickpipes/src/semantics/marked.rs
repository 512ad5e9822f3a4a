//! The semantics of fields that no struct declares, as a manifest describes them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{FieldSemantics, OnChange, Readback};
use model::address::Kind;
use model::desired::FieldMarks;

/// The semantics that were requested.
// They live as long as the program, as those of the kinds do, so that a difference can point to them. They share every
// unmarked field, and most manifests have the same marks.
static MARKED: Mutex<BTreeMap<(Kind, FieldMarks), &'static FieldSemantics>> = Mutex::new(BTreeMap::new());

impl FieldSemantics {
    /// The semantics of the body of a kind, with the marks of a manifest for unknown fields.
    pub fn with_marks(kind: Kind, marks: &FieldMarks) -> &'static Self {
        if *marks == FieldMarks::default() {
            return Self::for_kind(kind);
        }
        let mut marked = MARKED.lock().unwrap_or_else(PoisonError::into_inner);
        marked.entry((kind, marks.clone())).or_insert_with(|| {
            let mut semantics = Self::for_kind(kind).clone();
            for path in &marks.create_only {
                semantics.change_unknown_field(path.segments(), &|field| field.on_change = OnChange::Replace);
            }
            for path in &marks.not_returned {
                semantics.change_unknown_field(path.segments(), &|field| field.readback = Readback::Never);
            }
            Box::leak(Box::new(semantics))
        })
    }

    fn change_unknown_field(&mut self, path: &[String], change: &dyn Fn(&mut Self)) {
        let Some((name, rest)) = path.split_first() else {
            // A known field has the semantics of its struct: validation refuses such a mark.
            if self.is_unknown {
                change(self);
            }
            return;
        };
        let below = if name == "*" {
            let item = self.list_item().clone();
            self.items.get_or_insert_with(|| Arc::new(item))
        } else {
            let field = self.child_field(name).clone();
            self.fields.entry(name.clone()).or_insert_with(|| Arc::new(field))
        };
        Arc::make_mut(below).change_unknown_field(rest, change);
    }
}
