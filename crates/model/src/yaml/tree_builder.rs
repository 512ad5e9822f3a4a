//! Builds the tree of one document from the events of the parser.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Tag};

use super::{
    MAX_DEPTH, MAX_NODES, PendingDiagnostic, PendingDiagnostics, Span, VariablePlaces, YamlContent, YamlEntry,
    YamlNode, code, scalar,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SkipRest {
    Document,
    File,
}

pub(super) struct TreeBuilder<'f> {
    text: &'f str,
    diagnostics: &'f mut PendingDiagnostics,
    frames: Vec<OpenFrame>,
    root: Option<YamlNode>,
    anchors: Anchors,
    // For the file, not for the document: many small documents must not add up to a large file.
    nodes_left: usize,
}

struct OpenFrame {
    span: Span,
    anchor: usize,
    container: OpenContainer,
}

enum OpenContainer {
    List(Vec<YamlNode>),
    Map(MappingBuilder, Option<PendingKey>),
}

enum PendingKey {
    Field(String, Span),
    /// `<<`.
    Merge(Span),
    /// A key with a reported error; its value is skipped.
    Unusable,
}

impl<'f> TreeBuilder<'f> {
    pub(super) fn new(text: &'f str, diagnostics: &'f mut PendingDiagnostics) -> Self {
        Self { text, diagnostics, frames: Vec::new(), root: None, anchors: Anchors::default(), nodes_left: MAX_NODES }
    }

    pub(super) fn diagnostics(&mut self) -> &mut PendingDiagnostics {
        self.diagnostics
    }

    pub(super) fn reset_document(&mut self) {
        self.frames.clear();
        self.anchors.clear();
        self.root = None;
    }

    pub(super) fn take_root(&mut self) -> Option<YamlNode> {
        self.root.take()
    }

    pub(super) fn handle_event(&mut self, event: Event<'_>, span: Span) -> Result<(), SkipRest> {
        match event {
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", span);
                self.open_container(OpenContainer::List(Vec::new()), anchor, span)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", span);
                self.open_container(OpenContainer::Map(MappingBuilder::default(), None), anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close_container(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.spend_nodes(1, span)?;
                let is_empty_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) && text.is_empty();
                // Otherwise it would have the place of the next value.
                let own = match self.frames.last().map(|frame| &frame.container) {
                    Some(OpenContainer::Map(_, Some(PendingKey::Field(_, key)))) => {
                        Some(*key).filter(|_| is_empty_block)
                    }
                    Some(OpenContainer::List(_)) if span.start == span.end => word_before(self.text, span),
                    _ => None,
                };
                let span = own.unwrap_or(span);
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let content = if self.check_tag(tag.as_deref(), "str", span) {
                    self.read_scalar(text.into_owned(), plain, span)
                } else {
                    YamlContent::Unreadable
                };
                self.attach_node(YamlNode::new(span, content), anchor)
            }
            Event::Alias(anchor) => self.resolve_alias(anchor, span),
            Event::UnresolvedAlias(_) => {
                self.report_broken_alias(span, "this alias names no anchor that comes before it")
            }
            _ => Ok(()),
        }
    }

    fn check_tag(&mut self, tag: Option<&Tag>, expected: &str, span: Span) -> bool {
        // `!env NAME` and the like have a meaning for other tools. Here they would be dropped silently.
        if tag.is_none_or(|tag| tag.is_yaml_core_schema_tag(expected)) {
            return true;
        }
        // The tag is not quoted: it may be a secret that begins with `!`.
        self.diagnostics.push(
            PendingDiagnostic::error(code::TAG, span, "a value with a tag that is not supported here")
                .with_help("write the value without a tag; `!!str` is the one that makes it text"),
        );
        false
    }

    fn read_scalar(&mut self, text: String, plain: bool, span: Span) -> YamlContent {
        // A key is always text, so `on:` and `0755:` need no warning.
        let other = scalar::yaml_1_1_type(&text).filter(|_| plain && !self.is_key_next());
        if let Some(other) = other {
            let message = format!("a YAML 1.1 reader reads this as {other}");
            self.diagnostics.push(
                PendingDiagnostic::warning(code::YAML_1_1, span, message)
                    .with_help("put it in quotes if it is text; else write it plainly"),
            );
        }
        // For a missing key the parser sends `~` of no length, which must not become the text `~`.
        if plain && (!self.is_key_next() || span.start == span.end) {
            return match scalar::parse_plain_scalar(text) {
                YamlContent::Text { text, is_unquoted, .. } => self.text_content(text, is_unquoted, span),
                content => content,
            };
        }
        self.text_content(text, plain, span)
    }

    fn text_content(&self, text: String, is_unquoted: bool, span: Span) -> YamlContent {
        let variables = VariablePlaces::find(self.text, span, &text);
        YamlContent::Text { text, is_unquoted, variables }
    }

    fn is_key_next(&self) -> bool {
        matches!(self.frames.last(), Some(OpenFrame { container: OpenContainer::Map(_, None), .. }))
    }

    fn resolve_alias(&mut self, anchor: usize, span: Span) -> Result<(), SkipRest> {
        let Some(anchored) = self.anchors.get(anchor) else {
            return self.report_broken_alias(span, "this alias is inside the value that it names");
        };
        // Both limits are checked before the copy, which may be as large as the whole file.
        let (size, depth) = (anchored.size, anchored.height + self.frames.len());
        self.check_depth(depth, span)?;
        self.spend_nodes(size, span)?;
        let Some(anchored) = self.anchors.get(anchor) else { return Ok(()) };
        let node = YamlNode { alias: Some(span), ..anchored.node.clone() };
        self.attach_node(node, 0)
    }

    fn report_broken_alias(&mut self, span: Span, message: &str) -> Result<(), SkipRest> {
        self.diagnostics.push(PendingDiagnostic::error(code::ALIAS, span, message));
        self.attach_node(YamlNode::new(span, YamlContent::Unreadable), 0)
    }

    fn open_container(&mut self, open: OpenContainer, anchor: usize, span: Span) -> Result<(), SkipRest> {
        self.spend_nodes(1, span)?;
        self.check_depth(self.frames.len() + 1, span)?;
        self.frames.push(OpenFrame { span, anchor, container: open });
        Ok(())
    }

    fn close_container(&mut self, end: Span) -> Result<(), SkipRest> {
        let Some(OpenFrame { span, anchor, container: open }) = self.frames.pop() else {
            return Ok(());
        };
        let content = match open {
            OpenContainer::List(items) => YamlContent::List(items),
            OpenContainer::Map(mapping, _) => YamlContent::Map(mapping.entries),
        };
        self.attach_node(YamlNode::new(Span { end: end.end.max(span.end), ..span }, content), anchor)
    }

    /// Adds a finished value to the open list or mapping. An anchor of 0 is none.
    fn attach_node(&mut self, node: YamlNode, anchor: usize) -> Result<(), SkipRest> {
        if anchor != 0 {
            // The anchor keeps a copy. Anchors within anchors copy the same values once for each level.
            self.spend_nodes(node.node_count(), node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        match self.frames.last_mut().map(|frame| &mut frame.container) {
            None => self.root = Some(node),
            Some(OpenContainer::List(items)) => items.push(node),
            Some(OpenContainer::Map(mapping, key)) => match key.take() {
                None => *key = Some(read_key(node, self.diagnostics)),
                Some(key) => insert_value(mapping, key, node, self.diagnostics),
            },
        }
        Ok(())
    }

    fn check_depth(&mut self, depth: usize, span: Span) -> Result<(), SkipRest> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        self.diagnostics.push(too_deep_error(span));
        Err(SkipRest::Document)
    }

    fn spend_nodes(&mut self, nodes: usize, span: Span) -> Result<(), SkipRest> {
        if let Some(left) = self.nodes_left.checked_sub(nodes) {
            self.nodes_left = left;
            return Ok(());
        }
        let message = format!("the file contains more than {MAX_NODES} values, counting what its aliases stand for");
        let help = "split it into several files; the rest of it was not read";
        self.diagnostics.push(PendingDiagnostic::error(code::TOO_LARGE, span, message).with_help(help));
        Err(SkipRest::File)
    }
}

/// The last word before an empty value, such as the `-` of its list entry. Comments and line breaks may be between them.
fn word_before(text: &str, value: Span) -> Option<Span> {
    // Many empty values may stand on one line, and each looks for its start.
    const LONGEST_LINE: usize = 1000;
    let mut end = value.start;
    loop {
        let near = text.as_bytes().get(end.saturating_sub(LONGEST_LINE)..end)?;
        let line_start = match near.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => end - near.len() + at + 1,
            None if near.len() == end => 0,
            None => return None,
        };
        let line = text.get(line_start..end)?;
        let comment = line.match_indices('#').find(|(at, _)| line[..*at].trim_end().len() < *at || *at == 0);
        let line = line[..comment.map_or(line.len(), |(at, _)| at)].trim_end();
        if line.is_empty() {
            end = line_start.checked_sub(1)?;
            continue;
        }
        let word = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let lines_between = count(text[line_start..value.start].matches('\n').count());
        return Some(Span {
            start: line_start + word,
            end: line_start + line.len(),
            line: value.line.checked_sub(lines_between)?,
            column: count(line[..word].chars().count() + 1),
            ..value
        });
    }
}

pub(super) fn too_deep_error(span: Span) -> PendingDiagnostic {
    let message = format!("nested deeper than {MAX_DEPTH} levels, counting what aliases stand for");
    PendingDiagnostic::error(code::DEPTH, span, message)
}

fn read_key(node: YamlNode, remarks: &mut PendingDiagnostics) -> PendingKey {
    let span = node.alias.unwrap_or(node.span);
    let head = node.head_span();
    match node.content {
        // Quotes make `"<<"` a field of that name.
        YamlContent::Text { text, is_unquoted: true, .. } if text == "<<" => PendingKey::Merge(span),
        YamlContent::Text { text, .. } => PendingKey::Field(text, span),
        YamlContent::Number(number) => PendingKey::Field(number.to_string(), span),
        YamlContent::Bool(value) => PendingKey::Field(value.to_string(), span),
        YamlContent::Unreadable => PendingKey::Unusable,
        YamlContent::Null | YamlContent::List(_) | YamlContent::Map(_) => {
            let message = "the key of a mapping must be text";
            let help = "a value that begins with `{` or `[` needs quotes to be text";
            remarks.push(PendingDiagnostic::error(code::KEY, head, message).with_help(help));
            PendingKey::Unusable
        }
    }
}

fn insert_value(mapping: &mut MappingBuilder, key: PendingKey, value: YamlNode, remarks: &mut PendingDiagnostics) {
    match key {
        PendingKey::Unusable => {}
        PendingKey::Merge(span) => merge_mappings(mapping, value, span, remarks),
        PendingKey::Field(text, span) => {
            if let Err((text, first)) = mapping.insert(text, span, value) {
                let message = format!("duplicate key `{text}`");
                remarks.push(
                    PendingDiagnostic::error(code::DUPLICATE_KEY, span, message)
                        .with_related(first, "first defined here")
                        .with_help("remove one of the two; this one was not read"),
                );
            }
        }
    }
}

fn merge_mappings(mapping: &mut MappingBuilder, value: YamlNode, span: Span, remarks: &mut PendingDiagnostics) {
    let sources = match value.content {
        YamlContent::List(items) => items,
        _ => vec![value],
    };
    for source in sources {
        match source.content {
            YamlContent::Map(entries) => mapping.merge_entries(entries),
            YamlContent::Unreadable => {}
            _ => remarks.push(PendingDiagnostic::error(
                code::MERGE,
                span,
                "`<<` takes a mapping, or a list of mappings, to merge into this one",
            )),
        }
    }
}

/// The anchored values of one document, by the parser's number for the anchor.
#[derive(Default)]
pub(super) struct Anchors(HashMap<usize, AnchoredNode>);

// Measured once, because every alias asks for its size before the copy: a file of many aliases would
// otherwise walk the same large value each time.
pub(super) struct AnchoredNode {
    pub(super) node: YamlNode,
    pub(super) size: usize,
    pub(super) height: usize,
}

impl Anchors {
    pub(super) fn insert(&mut self, anchor: usize, node: YamlNode) {
        let (size, height) = (node.node_count(), node.nesting_height());
        self.0.insert(anchor, AnchoredNode { node, size, height });
    }

    /// `None` while the value is incomplete: the alias is inside of it.
    pub(super) fn get(&self, anchor: usize) -> Option<&AnchoredNode> {
        self.0.get(&anchor)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Entries in the order of the file, each key once.
#[derive(Default)]
pub(super) struct MappingBuilder {
    entries: Vec<YamlEntry>,
    index: HashMap<String, usize>,
}

impl MappingBuilder {
    // Nearly all mappings are this small and need no index. A mapping of 200 000 keys does: without one,
    // finding duplicates takes the square of that.
    const LINEAR_SEARCH_LIMIT: usize = 16;

    /// Fails with the key and the place of the entry that already has it.
    pub(super) fn insert(&mut self, key: String, span: Span, value: YamlNode) -> Result<(), (String, Span)> {
        let entry = YamlEntry { key, span, value, merged: false };
        match self.key_position(&entry.key) {
            None => self.entries.push(entry),
            // A written entry wins over a merged one, also if `<<` comes first.
            Some(at) if self.entries[at].merged => self.entries[at] = entry,
            Some(at) => return Err((entry.key, self.entries[at].span)),
        }
        Ok(())
    }

    pub(super) fn merge_entries(&mut self, other: Vec<YamlEntry>) {
        for entry in other {
            if self.key_position(&entry.key).is_none() {
                self.entries.push(YamlEntry { merged: true, ..entry });
            }
        }
    }

    fn key_position(&mut self, key: &str) -> Option<usize> {
        if self.entries.len() <= Self::LINEAR_SEARCH_LIMIT {
            return self.entries.iter().position(|entry| entry.key == key);
        }
        // Entries are only appended or replaced in place, so indexed positions stay right.
        for (at, entry) in self.entries.iter().enumerate().skip(self.index.len()) {
            self.index.insert(entry.key.clone(), at);
        }
        self.index.get(key).copied()
    }
}
