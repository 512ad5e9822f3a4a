//! Mappings: fields that nobody knows, fields that are missing, and fields that exclude each other.

use std::collections::HashSet;

use super::list::bad_count;
use super::shape::{MapShape, Others};
use super::value::in_backticks;
use super::{ShapeId, Step, Walk, code};
use crate::nearest::nearest;
use crate::source::{Content, Entry, Node, Remark, Span};

impl<'w> Walk<'w> {
    pub(super) fn map(
        &mut self,
        shape: &'w MapShape,
        entries: &'w [Entry],
        node: &'w Node,
        key: Option<Span>,
    ) {
        let here = key.unwrap_or_else(|| node.head());
        let given: HashSet<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let mut meant = HashSet::new();
        for entry in entries {
            if self.is_done() {
                return;
            }
            meant.extend(self.entry(shape, entry, &given));
        }
        if let Some(message) = bad_count(entries.len(), shape.size.least, shape.size.most, "fields")
        {
            self.report(|| Remark::error(code::BAD_LENGTH, here, message));
        }
        let beside = beside(shape, entries);
        let lacks =
            |name: &str| ![&given, &meant, &beside].iter().any(|names| names.contains(name));
        for name in shape.required.iter().filter(|name| lacks(name)) {
            self.missing(name, shape.properties.get(name).copied(), here);
        }
        for arms in &shape.arms {
            self.one_of(arms, entries, &meant, here);
        }
    }

    /// Looks at one field; gives back the field that was meant, if this is none.
    fn entry(
        &mut self,
        shape: &'w MapShape,
        entry: &'w Entry,
        given: &HashSet<&str>,
    ) -> Option<&'w str> {
        let step = Step::Key(&entry.key);
        if let Some(&property) = shape.properties.get(&entry.key) {
            self.step(step, property, &entry.value, Some(entry.span));
            return None;
        }
        match shape.others {
            Others::Elsewhere => {}
            Others::Any => self.free(step, &entry.value, Some(entry.span)),
            Others::Like(other) => self.step(step, other, &entry.value, Some(entry.span)),
            Others::Refused => return self.unknown(shape, entry, given),
        }
        None
    }

    fn unknown(
        &mut self,
        shape: &'w MapShape,
        entry: &'w Entry,
        given: &HashSet<&str>,
    ) -> Option<&'w str> {
        let absent = shape.names.iter().map(String::as_str).filter(|name| !given.contains(name));
        let meant = nearest(&entry.key, absent);
        // A key that is near a known one gives nothing away.
        let discreet = self.discreet.is_some() && meant.is_none();
        self.trail.push(Step::Key(&entry.key));
        self.report(|| unknown(shape, entry, meant, discreet));
        self.trail.pop();
        let meant = meant?;
        if let (Content::Map(_) | Content::List(_), Some(&property)) =
            (&entry.value.content, shape.properties.get(meant))
        {
            self.step(Step::Key(&entry.key), property, &entry.value, Some(entry.span));
        }
        Some(meant)
    }

    fn missing(&mut self, name: &'w str, property: Option<ShapeId>, here: Span) {
        let about = property.and_then(|id| self.shape(id).about.as_deref());
        self.trail.push(Step::Key(name));
        self.report(|| {
            let remark =
                Remark::error(code::MISSING_FIELD, here, format!("missing field `{name}`"));
            match about {
                Some(about) => remark.help(format!("`{name}`: {about}")),
                None => remark,
            }
        });
        self.trail.pop();
    }

    fn one_of(&mut self, arms: &[String], entries: &[Entry], meant: &HashSet<&str>, here: Span) {
        let given: Vec<&Entry> = entries.iter().filter(|entry| arms.contains(&entry.key)).collect();
        match given.as_slice() {
            [_] => {}
            [] if arms.iter().any(|arm| meant.contains(arm.as_str())) => {
                // The field was misspelt, which has been reported.
                if let super::Sink::Probe { failed } = &mut self.sink {
                    *failed = true;
                }
            }
            [] => self.report(|| {
                let message = format!("exactly one of {} is needed", in_backticks(arms));
                Remark::error(code::ONE_OF, here, message)
            }),
            [first, rest @ ..] => {
                for second in rest {
                    self.report(|| one_too_many(first, second));
                }
            }
        }
    }

    /// Looks at a value that the schema leaves free, which only must not be null.
    pub(super) fn free(&mut self, step: Step<'w>, node: &'w Node, key: Option<Span>) {
        if self.is_done() {
            return;
        }
        self.trail.push(step);
        match &node.content {
            Content::Null => self.null(node, key),
            Content::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.free(Step::Index(index), item, None);
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    self.free(Step::Key(&entry.key), &entry.value, Some(entry.span));
                }
            }
            _ => {}
        }
        self.trail.pop();
    }
}

/// What is given in the field whose entries count as fields of the mapping.
fn beside<'w>(shape: &MapShape, entries: &'w [Entry]) -> HashSet<&'w str> {
    let field = entries.iter().find(|entry| shape.beside.as_ref() == Some(&entry.key));
    match field.map(|field| &field.value.content) {
        Some(Content::Map(entries)) => entries.iter().map(|entry| entry.key.as_str()).collect(),
        _ => HashSet::new(),
    }
}

fn unknown(shape: &MapShape, entry: &Entry, meant: Option<&str>, discreet: bool) -> Remark {
    let message = if discreet {
        "a reference to a secret has no such field".to_owned()
    } else {
        format!("unknown field `{}`", entry.key)
    };
    let remark = Remark::error(code::UNKNOWN_FIELD, entry.span, message);
    match meant {
        Some(meant) => remark.help(format!("did you mean `{meant}`?")).replacement(meant),
        None => remark.help(format!("known fields: {}", in_backticks(&shape.names))),
    }
}

fn one_too_many(first: &Entry, second: &Entry) -> Remark {
    let message = format!("`{}` and `{}` exclude each other", first.key, second.key);
    Remark::error(code::ONE_OF, second.span, message)
        .also(first.span, "the other is here")
        .help("keep one of them")
}
