//! Mappings: unknown fields, missing fields, and fields that exclude each other.

use std::cell::OnceCell;
use std::collections::HashSet;

use super::compiled::{MapShape, UnlistedFields};
use super::list::too_few;
use super::value::join_quoted;
use super::{PathStep, ShapeId, ValidationPass, code, fields_shape};
use crate::annotations;
use crate::sanitize::{blank_name, is_foreign_blank, sanitize_line};
use crate::suggest::suggest_similar;
use crate::yaml::{PendingDiagnostic, Span, YamlContent, YamlEntry, YamlNode};

impl<'w> ValidationPass<'w> {
    pub(super) fn validate_map(
        &mut self,
        shape: &'w MapShape,
        entries: &'w [YamlEntry],
        node: &'w YamlNode,
        key: Option<Span>,
    ) {
        let here = key.unwrap_or_else(|| node.head_span());
        let given = GivenKeys { entries, keys: OnceCell::new() };
        let mut meant = Vec::new();
        for entry in entries {
            if self.is_done() {
                return;
            }
            meant.extend(self.validate_entry(shape, entry, &given));
        }
        if self.is_part {
            return;
        }
        if let Some(message) = too_few(entries.len(), shape.min_properties, "fields") {
            self.report_problem(|| PendingDiagnostic::error(code::BAD_LENGTH, here, message));
        }
        let beside = additional_entries(shape, entries);
        let is_given = |name: &str| entries.iter().chain(beside).any(|entry| entry.key == *name);
        for name in shape.required.iter().filter(|name| !is_given(name) && !meant.contains(&name.as_str())) {
            let property = shape.properties.get(name).copied();
            let decider = property.and_then(|id| self.shape_by_id(id).keywords.get(annotations::REQUIRED_BY_WORD));
            if beside.iter().all(|entry| decider.is_none_or(|decider| *decider != entry.key.as_str())) {
                self.report_missing_field(name, property, here);
            }
        }
        if !shape.exclusive_fields.is_empty() {
            self.require_exactly_one(&shape.exclusive_fields, entries, &meant, here);
        }
    }

    /// Validates one field. For an unknown one, returns the similar field that is missing.
    fn validate_entry(&mut self, shape: &'w MapShape, entry: &'w YamlEntry, given: &GivenKeys<'_>) -> Option<&'w str> {
        let step = PathStep::Key(&entry.key);
        if let Some(&property) = shape.properties.get(&entry.key) {
            self.validate_child(step, property, &entry.value, Some(entry.span));
            return None;
        }
        match shape.unlisted {
            UnlistedFields::CheckedElsewhere => {}
            UnlistedFields::Any => self.validate_untyped(step, &entry.value, Some(entry.span)),
            UnlistedFields::Matching(other) => self.validate_child(step, other, &entry.value, Some(entry.span)),
            UnlistedFields::Refused => return self.report_unknown_field(shape, entry, given),
        }
        None
    }

    fn report_unknown_field(
        &mut self,
        shape: &'w MapShape,
        entry: &'w YamlEntry,
        given: &GivenKeys<'_>,
    ) -> Option<&'w str> {
        // A field of the template does not show the meaning of a field in the manifest that overrides it.
        let absent = self.named_fields(shape).filter(|name| !given.contains(name, entry.span.file));
        let meant = suggest_similar(&entry.key, absent);
        // Below a secret an unknown key may be the secret, as in `{hunter2}`. One that resembles a known field
        // is a typo and safe to quote.
        let discreet = self.secret_depth.is_some() && meant.is_none();
        self.steps.push(PathStep::Key(&entry.key));
        let known: Vec<&str> = self.named_fields(shape).collect();
        let elsewhere = self.place_of_misplaced(shape, &entry.key).filter(|_| meant.is_none() && !discreet);
        self.report_problem(|| match elsewhere {
            Some(place) => misplaced_field(entry, &place),
            None => unknown_field_problem(shape, &known, entry, meant, discreet),
        });
        self.steps.pop();
        let meant = meant?;
        // The content is checked as that of the similar field, so that one run reports its mistakes as well.
        if let (YamlContent::Map(_) | YamlContent::List(_), Some(&property)) =
            (&entry.value.content, shape.properties.get(meant))
        {
            self.validate_child(PathStep::Key(&entry.key), property, &entry.value, Some(entry.span));
        }
        Some(meant)
    }

    /// The fields that a message may name: those that are declared for this object.
    fn named_fields(&self, shape: &'w MapShape) -> impl Iterator<Item = &'w str> {
        let is_extra = |name: &str| {
            let keywords = shape.properties.get(name).map(|id| &self.shape_by_id(*id).keywords);
            let extra = [annotations::ADDITIONAL, annotations::ADDITIONAL_MARK];
            keywords.is_some_and(|keywords| extra.iter().any(|word| keywords.contains_key(*word)))
        };
        // A part of a document has no such fields.
        let taken_before = shape.names_taken_before.iter().filter(|_| !self.is_part);
        shape.names.iter().chain(taken_before).map(String::as_str).filter(move |name| !is_extra(name))
    }

    /// The right place of a known field that is one level too high or too low: `source` next to `spec`, `forEach` in
    /// it.
    fn place_of_misplaced(&self, shape: &'w MapShape, key: &str) -> Option<String> {
        let has_field = |shape: &'w MapShape| self.named_fields(shape).any(|name| name == key);
        match self.steps.as_slice() {
            [PathStep::Key(_)] => {
                let below = |id: ShapeId| &self.shape_by_id(fields_shape(self.shapes, id)).map;
                let mut fitting = shape.names.iter().filter(|name| has_field(below(shape.properties[*name])));
                fitting.next().filter(|_| fitting.next().is_none()).map(|name| format!("under `{name}`"))
            }
            [PathStep::Key(parent), PathStep::Key(_)] if has_field(&self.shape_by_id(ShapeId(0)).map) => {
                Some(format!("beside `{parent}`"))
            }
            _ => None,
        }
    }

    fn report_missing_field(&mut self, name: &'w str, property: Option<ShapeId>, here: Span) {
        let about = property.and_then(|id| self.shape_by_id(id).summary.as_deref());
        self.steps.push(PathStep::Key(name));
        self.report_problem(|| {
            let remark = PendingDiagnostic::error(code::MISSING_FIELD, here, format!("missing field `{name}`"));
            match about {
                Some(about) => remark.with_help(format!("`{name}`: {about}")),
                None => remark,
            }
        });
        self.steps.pop();
    }

    fn require_exactly_one(&mut self, arms: &[String], entries: &[YamlEntry], meant: &[&str], here: Span) {
        let given: Vec<&YamlEntry> = entries.iter().filter(|entry| arms.contains(&entry.key)).collect();
        match given.as_slice() {
            [_] => {}
            [] if arms.iter().any(|arm| meant.contains(&arm.as_str())) => {
                // The misspelt field has been reported. A probe of a branch must fail even so.
                if let super::ReportMode::TestOnly { failed } = &mut self.mode {
                    *failed = true;
                }
            }
            [] => self.report_problem(|| {
                let message = format!("exactly one of {} is needed", join_quoted(arms));
                PendingDiagnostic::error(code::ONE_OF, here, message)
            }),
            [first, rest @ ..] => {
                for second in rest {
                    self.report_problem(|| exclusive_fields_problem(first, second));
                }
            }
        }
    }

    /// Refuses null in a value without a schema; everything else is allowed.
    pub(super) fn validate_untyped(&mut self, step: PathStep<'w>, node: &'w YamlNode, key: Option<Span>) {
        if self.is_done() {
            return;
        }
        self.steps.push(step);
        match &node.content {
            YamlContent::Null => self.reject_null(node, key),
            YamlContent::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.validate_untyped(PathStep::Index(index), item, None);
                }
            }
            YamlContent::Map(entries) => {
                for entry in entries {
                    self.validate_untyped(PathStep::Key(&entry.key), &entry.value, Some(entry.span));
                }
            }
            _ => {}
        }
        self.steps.pop();
    }
}

/// The keys of a mapping.
// Only a message about an unknown field needs all of them, and a mapping may have 200 000.
struct GivenKeys<'w> {
    entries: &'w [YamlEntry],
    keys: OnceCell<HashSet<(&'w str, u32)>>,
}

impl<'w> GivenKeys<'w> {
    fn contains(&self, name: &str, file: u32) -> bool {
        let key = |entry: &'w YamlEntry| (entry.key.as_str(), entry.span.file);
        self.keys.get_or_init(|| self.entries.iter().map(key).collect()).contains(&(name, file))
    }
}

/// Entries of `additional` are sent with the declared fields, so a required field may be there.
fn additional_entries<'w>(shape: &MapShape, entries: &'w [YamlEntry]) -> &'w [YamlEntry] {
    let field = entries.iter().find(|entry| shape.additional_field.as_ref() == Some(&entry.key));
    field.map_or(&[], |field| field.value.entries())
}

/// A known field in the wrong mapping. `place` is the right place: under or next to another one.
pub fn misplaced_field(entry: &YamlEntry, place: &str) -> PendingDiagnostic {
    let message = format!("`{}` is not a field of this mapping", entry.key);
    PendingDiagnostic::error(code::UNKNOWN_FIELD, entry.span, message).with_help(format!("write it {place}"))
}

/// An unknown field that resembles a known one.
pub fn misspelt_field(entry: &YamlEntry, meant: &str) -> PendingDiagnostic {
    unknown_field(entry).with_help(format!("did you mean `{meant}`?")).with_replacement(meant)
}

fn unknown_field(entry: &YamlEntry) -> PendingDiagnostic {
    let blank = entry.key.chars().find(|c| is_foreign_blank(*c));
    let blank = blank.map(|blank| format!(" with a {} in it", blank_name(blank)));
    let message = format!("unknown field `{}`{}", sanitize_line(&entry.key), blank.unwrap_or_default());
    PendingDiagnostic::error(code::UNKNOWN_FIELD, entry.span, message)
}

fn unknown_field_problem(
    shape: &MapShape,
    known: &[&str],
    entry: &YamlEntry,
    meant: Option<&str>,
    discreet: bool,
) -> PendingDiagnostic {
    // `password:hunter2` and `password hunter2` are one key: the value, perhaps a secret, is not repeated.
    let end = entry.key.find(|c: char| c.is_whitespace() || matches!(c, ':' | '='));
    if let Some((name, value)) = end.map(|end| entry.key.split_at(end)).filter(|(name, _)| known.contains(name)) {
        let what = if value.starts_with(':') {
            format!("blank is missing after `{name}:`")
        } else {
            format!("colon is missing after `{name}`")
        };
        let message = format!("a {what}");
        return PendingDiagnostic::error(code::UNKNOWN_FIELD, entry.span, message)
            .with_help(format!("write `{name}: …`"));
    }
    if let Some(meant) = meant {
        return misspelt_field(entry, meant);
    }
    let remark = if discreet {
        PendingDiagnostic::error(code::UNKNOWN_FIELD, entry.span, "a reference to a secret has no such field")
    } else {
        unknown_field(entry)
    };
    let newer = shape.additional_field.as_ref().map(|field| format!("; one newer than pipectl goes under `{field}`"));
    remark.with_help(format!("known fields: {}{}", join_quoted(known), newer.unwrap_or_default()))
}

fn exclusive_fields_problem(first: &YamlEntry, second: &YamlEntry) -> PendingDiagnostic {
    let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
    PendingDiagnostic::error(code::ONE_OF, second.span, message)
        .with_related(first.span, "the other is here")
        .with_help("keep one of them")
}
