//! Puts the tree of one document together from the parser's events.

use granit_parser::{Event, ScalarStyle, Tag};

use super::anchors::Anchors;
use super::mapping::Mapping;
use super::{Content, MAX_DEPTH, MAX_NODES, Node, Remark, Remarks, Span, code, scalar};

/// The rest of the document, or of the file, is not worth reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Document,
    File,
}

/// The document being read, and what is left of the file's budget.
pub(super) struct Builder<'f> {
    remarks: &'f mut Remarks,
    frames: Vec<Frame>,
    root: Option<Node>,
    anchors: Anchors,
    nodes_left: usize,
}

/// A list or mapping that is still open.
struct Frame {
    span: Span,
    anchor: usize,
    open: Open,
}

enum Open {
    List(Vec<Node>),
    Map(Mapping, Option<Key>),
}

/// A key that waits for its value.
enum Key {
    Field(String, Span),
    /// `<<`.
    Merge(Span),
    /// Reported; its value is passed over.
    Unusable,
}

impl<'f> Builder<'f> {
    pub(super) fn new(remarks: &'f mut Remarks) -> Self {
        Self {
            remarks,
            frames: Vec::new(),
            root: None,
            anchors: Anchors::default(),
            nodes_left: MAX_NODES,
        }
    }

    pub(super) fn remarks(&mut self) -> &mut Remarks {
        self.remarks
    }

    /// Forgets the document at hand.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.anchors.clear();
        self.root = None;
    }

    /// The finished document.
    pub(super) fn take(&mut self) -> Option<Node> {
        self.root.take()
    }

    /// Takes the next event of a document.
    pub(super) fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", span);
                self.open(Open::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", span);
                self.open(Open::Map(Mapping::default(), None), anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(1, span)?;
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let content = if self.check_tag(tag.as_deref(), "str", span) {
                    self.scalar(text.into_owned(), plain, span)
                } else {
                    Content::Unread
                };
                self.place(Node::new(span, content), anchor)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(_) => {
                self.broken_alias(span, "this alias names no anchor that comes before it")
            }
            _ => Ok(()),
        }
    }

    /// Any tag but the one that changes nothing would be dropped without a word.
    fn check_tag(&mut self, tag: Option<&Tag>, expected: &str, span: Span) -> bool {
        if tag.is_none_or(|tag| tag.is_yaml_core_schema_tag(expected)) {
            return true;
        }
        // The tag itself is not quoted: it may be a secret that begins with `!`.
        self.remarks.push(
            Remark::error(code::TAG, span, "a value with a tag that is not supported here")
                .help("write the value without a tag; `!!str` is the one that makes it text"),
        );
        false
    }

    /// A key is text, however it looks; a value may be something else.
    fn scalar(&mut self, text: String, plain: bool, span: Span) -> Content {
        let other = scalar::in_yaml_1_1(&text).filter(|_| plain && !self.is_key_next());
        if let Some(other) = other {
            let message = format!("this is not what a YAML 1.1 reader sees, which is {other}");
            self.remarks.push(
                Remark::warning(code::YAML_1_1, span, message)
                    .help("put it in quotes if it is text; else write it plainly"),
            );
        }
        // The parser gives `~` for a key that is not there.
        if plain && (!self.is_key_next() || span.start == span.end) {
            return scalar::plain(&text);
        }
        Content::Text { text, plain }
    }

    fn is_key_next(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { open: Open::Map(_, None), .. }))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(anchor) else {
            return self.broken_alias(span, "this alias stands within the value that it names");
        };
        let (size, depth) = (anchored.size, anchored.height + self.frames.len());
        self.check_depth(depth, span)?;
        self.spend(size, span)?;
        let Some(anchored) = self.anchors.get(anchor) else { return Ok(()) };
        let node = Node { alias: Some(span), ..anchored.node.clone() };
        self.place(node, 0)
    }

    fn broken_alias(&mut self, span: Span, message: &str) -> Result<(), Stop> {
        self.remarks.push(Remark::error(code::ALIAS, span, message));
        self.place(Node::new(span, Content::Unread), 0)
    }

    fn open(&mut self, open: Open, anchor: usize, span: Span) -> Result<(), Stop> {
        self.spend(1, span)?;
        self.check_depth(self.frames.len() + 1, span)?;
        self.frames.push(Frame { span, anchor, open });
        Ok(())
    }

    fn close(&mut self, end: Span) -> Result<(), Stop> {
        let Some(Frame { span, anchor, open }) = self.frames.pop() else { return Ok(()) };
        let content = match open {
            Open::List(items) => Content::List(items),
            Open::Map(mapping, _) => Content::Map(mapping.into_entries()),
        };
        self.place(Node::new(Span { end: end.end.max(span.end), ..span }, content), anchor)
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.spend(node.size(), node.span)?;
            self.anchors.put(anchor, node.clone());
        }
        match self.frames.last_mut().map(|frame| &mut frame.open) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(mapping, key)) => match key.take() {
                None => *key = Some(read_key(&node, self.remarks)),
                Some(key) => put(mapping, key, node, self.remarks),
            },
        }
        Ok(())
    }

    fn check_depth(&mut self, depth: usize, span: Span) -> Result<(), Stop> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        self.remarks.push(too_deep(span));
        Err(Stop::Document)
    }

    fn spend(&mut self, nodes: usize, span: Span) -> Result<(), Stop> {
        if let Some(left) = self.nodes_left.checked_sub(nodes) {
            self.nodes_left = left;
            return Ok(());
        }
        let message = format!(
            "the file holds more than {MAX_NODES} values, counting what its aliases stand for"
        );
        let help = "split it into several files; the rest of it was not read";
        self.remarks.push(Remark::error(code::TOO_LARGE, span, message).help(help));
        Err(Stop::File)
    }
}

pub(super) fn too_deep(span: Span) -> Remark {
    let message = format!("nested deeper than {MAX_DEPTH} levels, counting what aliases stand for");
    Remark::error(code::DEPTH, span, message)
}

fn read_key(node: &Node, remarks: &mut Remarks) -> Key {
    let span = node.alias.unwrap_or(node.span);
    match &node.content {
        Content::Text { text, plain: true } if text == "<<" => Key::Merge(span),
        Content::Text { text, .. } => Key::Field(text.clone(), span),
        Content::Number(number) => Key::Field(number.to_string(), span),
        Content::Bool(value) => Key::Field(value.to_string(), span),
        Content::Unread => Key::Unusable,
        Content::Null | Content::List(_) | Content::Map(_) => {
            let message = "the key of a mapping must be text";
            let help = "a value that begins with `{` or `[` needs quotes to be text";
            remarks.push(Remark::error(code::KEY, node.head(), message).help(help));
            Key::Unusable
        }
    }
}

fn put(mapping: &mut Mapping, key: Key, value: Node, remarks: &mut Remarks) {
    match key {
        Key::Unusable => {}
        Key::Merge(span) => merge(mapping, value, span, remarks),
        Key::Field(text, span) => {
            let message = format!("duplicate key `{text}`");
            if let Err(first) = mapping.insert(text, span, value) {
                remarks.push(
                    Remark::error(code::DUPLICATE_KEY, span, message)
                        .also(first, "first defined here")
                        .help("remove one of the two; this one was not read"),
                );
            }
        }
    }
}

fn merge(mapping: &mut Mapping, value: Node, span: Span, remarks: &mut Remarks) {
    let sources = match value.content {
        Content::List(items) => items,
        _ => vec![value],
    };
    for source in sources {
        match source.content {
            Content::Map(entries) => mapping.merge(entries),
            Content::Unread => {}
            _ => remarks.push(Remark::error(
                code::MERGE,
                span,
                "`<<` takes a mapping, or a list of mappings, to merge into this one",
            )),
        }
    }
}
