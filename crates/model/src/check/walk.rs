//! A document walked by its JSON Schema: every mistake at once, each with its place and, where one
//! is known, the fix.
//!
//! What is walked is the part of JSON Schema that the structs generate. A schema with any other
//! keyword is refused, so that nothing goes unchecked without a word. The walk is stricter than
//! the schema in two points: `null` is never a value, and a secret is never written down. It is
//! laxer in one: a field that stands under `additional` is not missing.

use serde_json::Value;

use crate::path::Path;
use crate::source::{Content, Node, Remark, Remarks, Span};

mod choice;
pub(crate) mod code;
mod compile;
mod list;
mod map;
mod number;
mod secret;
mod shape;
#[cfg(test)]
mod tests;
mod text;
mod types;
mod value;

pub(crate) use compile::Unsupported;
use shape::{Shape, ShapeId};

/// A JSON Schema, ready to walk documents.
#[derive(Debug)]
pub(crate) struct Schema {
    shapes: Vec<Shape>,
}

impl Schema {
    /// Prepares a schema: looks at every keyword and compiles every pattern.
    pub(crate) fn new(schema: &Value) -> Result<Self, Unsupported> {
        Ok(Self { shapes: compile::compile(schema)? })
    }

    /// Remarks on everything in `document` that is not as the schema wants it. `name` is what the
    /// document declares, for proposing names of secrets.
    pub(crate) fn check(&self, document: &Node, name: Option<&str>, remarks: &mut Remarks) {
        let mut walk = Walk::new(&self.shapes, name, Sink::Remarks(remarks));
        walk.value(ShapeId(0), document, None);
    }
}

/// One way through a document.
struct Walk<'w> {
    shapes: &'w [Shape],
    name: Option<&'w str>,
    sink: Sink<'w>,
    trail: Vec<Step<'w>>,
    /// The alias through which this part of the document is seen.
    through: Option<Span>,
    /// How far the trail went to the secret at hand, if it is one. Below that nothing is quoted,
    /// not even a key: it may be the secret.
    discreet: Option<usize>,
}

/// What becomes of a mistake.
enum Sink<'w> {
    Remarks(&'w mut Remarks),
    /// Only whether there is one.
    Probe {
        failed: bool,
    },
}

#[derive(Clone, Copy)]
enum Step<'w> {
    Key(&'w str),
    Index(usize),
}

impl<'w> Walk<'w> {
    fn new(shapes: &'w [Shape], name: Option<&'w str>, sink: Sink<'w>) -> Self {
        Self { shapes, name, sink, trail: Vec::new(), through: None, discreet: None }
    }

    /// Whether a value is as `shape` wants it.
    fn is_valid(&self, shape: ShapeId, node: &'w Node) -> bool {
        let mut probe = Walk::new(self.shapes, None, Sink::Probe { failed: false });
        probe.value(shape, node, None);
        !probe.is_done()
    }

    /// Nothing that could still be found would matter.
    fn is_done(&self) -> bool {
        match &self.sink {
            Sink::Remarks(remarks) => remarks.is_full(),
            Sink::Probe { failed } => *failed,
        }
    }

    fn report(&mut self, remark: impl FnOnce() -> Remark) {
        let path = self.path();
        match &mut self.sink {
            Sink::Probe { failed } => *failed = true,
            Sink::Remarks(remarks) => {
                let remark = remark();
                // A field beside or below the one at hand brings its own path.
                let remark = if remark.path == Path::root() { remark.at(path) } else { remark };
                remarks.push(match self.through {
                    Some(alias) if remark.also.is_none() && alias != remark.span => {
                        remark.also(alias, "used here")
                    }
                    _ => remark,
                });
            }
        }
    }

    fn path(&self) -> Path {
        if matches!(self.sink, Sink::Probe { .. }) {
            return Path::root();
        }
        let shown = &self.trail[..self.discreet.unwrap_or(self.trail.len())];
        shown.iter().fold(Path::root(), |path, step| match step {
            Step::Key(key) => path.child(key),
            Step::Index(index) => path.child(index),
        })
    }

    fn shape(&self, id: ShapeId) -> &'w Shape {
        &self.shapes[id.0]
    }

    /// Looks at a value one step further down.
    fn step(&mut self, step: Step<'w>, shape: ShapeId, node: &'w Node, key: Option<Span>) {
        if self.is_done() {
            return;
        }
        let before = self.through;
        self.through = node.alias.or(before);
        self.trail.push(step);
        self.value(shape, node, key);
        self.trail.pop();
        self.through = before;
    }

    /// Looks at a value. `key` is where its key is, for what has no place of its own.
    fn value(&mut self, id: ShapeId, node: &'w Node, key: Option<Span>) {
        let shape = self.shape(id);
        if shape.secret && !matches!(node.content, Content::Map(_) | Content::Null) {
            return self.literal_secret(node);
        }
        match node.content {
            Content::Unread => return,
            Content::Null => return self.null(node, key),
            _ => {}
        }
        if shape.types.is_some_and(|types| !types.has(&node.content)) {
            return self.wrong_type(shape, node);
        }
        if shape.options.as_ref().is_some_and(|options| !value::is_one_of(node, options)) {
            return self.bad_value(shape, node);
        }
        let discreet = self.discreet;
        if shape.secret && discreet.is_none() {
            self.discreet = Some(self.trail.len());
        }
        self.content(shape, node, key);
        for part in shape.refers_to.iter().chain(&shape.all_of) {
            self.value(*part, node, key);
        }
        for choice in &shape.choices {
            self.choice(choice, node, key);
        }
        self.discreet = discreet;
    }

    fn content(&mut self, shape: &'w Shape, node: &'w Node, key: Option<Span>) {
        match &node.content {
            Content::Number(number) => self.number(&shape.number, number, node.span),
            Content::Text { text, .. } => self.text(shape, text, node.span),
            Content::List(items) => self.list(&shape.list, items, node, key),
            Content::Map(entries) => self.map(&shape.map, entries, node, key),
            Content::Null | Content::Bool(_) | Content::Unread => {}
        }
    }

    fn null(&mut self, node: &Node, key: Option<Span>) {
        let help = "leave the field out instead; what is left out is not managed";
        self.report(|| {
            Remark::error(code::NULL_VALUE, key.unwrap_or(node.span), "the value is null")
                .help(help)
        });
    }
}
