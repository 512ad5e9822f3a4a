//! Drives the parser over a file: every document of it, and past those that are broken.

use granit_parser::{Event, Marker, Parser, ScanError, StrInput, options};

use super::build::{Builder, Stop, too_deep};
use super::{MAX_BYTES, MAX_DEPTH, Node, Remark, Remarks, Span, code, syntax};

/// One document of a file, as far as it could be read.
#[derive(Debug)]
pub(crate) struct Document {
    /// What it holds; documents without content are left out.
    pub(crate) root: Node,
    /// Nothing was wrong with it so far.
    pub(crate) sound: bool,
}

/// Reads every document of a file. A document with a syntax error is left out, and the next one is
/// read.
pub(crate) fn read(text: &str, remarks: &mut Remarks) -> Vec<Document> {
    if let Some(refusal) = refuse(text) {
        remarks.push(refusal);
        return Vec::new();
    }
    let mut reader = Reader {
        text,
        parser: parser(text),
        builder: Builder::new(remarks),
        documents: Vec::new(),
        errors_before: 0,
    };
    while reader.next().is_ok() {}
    reader.documents
}

/// Turns down what is no text, or too much of it.
fn refuse(text: &str) -> Option<Remark> {
    let start = Span { line: 1, column: 1, ..Span::default() };
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024);
        return Some(Remark::error(code::TOO_LARGE, start, message).help("split it into several"));
    }
    let (at, character) = text.char_indices().find(|&(_, c)| !is_text(c))?;
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let span = Span {
        start: at,
        end: at + character.len_utf8(),
        line: count(before.matches('\n').count() + 1),
        column: count(before[line_start..].chars().count() + 1),
    };
    let message = format!("the character U+{:04X} cannot stand in YAML", u32::from(character));
    let help = "if this is no text file, leave it out; in double quotes it is written as an escape";
    Some(Remark::error(code::CHARACTER, span, message).help(help))
}

/// The characters that YAML allows.
fn is_text(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => !c.is_control(),
    }
}

fn parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = options! {
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    Parser::new_from_str_with_options(text, options)
}

struct Reader<'t, 'f> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    builder: Builder<'f>,
    documents: Vec<Document>,
    errors_before: usize,
}

impl Reader<'_, '_> {
    fn next(&mut self) -> Result<(), Stop> {
        match self.parser.next_event() {
            None => Err(Stop::File),
            Some(Ok((event, span))) => self.event(event, from_parser(span)),
            Some(Err(error)) => {
                self.builder.remarks().push(refusal(self.text, &error));
                self.skip_document()
            }
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) => {
                self.builder.clear();
                self.errors_before = self.builder.remarks().errors();
                Ok(())
            }
            Event::DocumentEnd => {
                self.finish_document();
                Ok(())
            }
            event => match self.builder.event(event, span) {
                Err(Stop::Document) => self.skip_document(),
                other => other,
            },
        }
    }

    fn finish_document(&mut self) {
        let sound = self.builder.remarks().errors() == self.errors_before;
        let root = self.builder.take().filter(|root| !matches!(root.content, super::Content::Null));
        self.documents.extend(root.map(|root| Document { root, sound }));
    }

    fn skip_document(&mut self) -> Result<(), Stop> {
        self.builder.clear();
        match self.parser.proceed_next_document() {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Stop::File),
        }
    }
}

fn refusal(text: &str, error: &ScanError) -> Remark {
    let span = span(error.marker(), error.marker());
    if syntax::is_too_deep(error.kind()) {
        too_deep(span)
    } else {
        syntax::remark(text, error, span)
    }
}

fn from_parser(parsed: granit_parser::Span) -> Span {
    span(&parsed.start, &parsed.end)
}

fn span(start: &Marker, end: &Marker) -> Span {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span {
        start: start.byte_offset().unwrap_or(0),
        end: end.byte_offset().unwrap_or(0),
        line: count(start.line()),
        column: count(start.col() + 1),
    }
}
