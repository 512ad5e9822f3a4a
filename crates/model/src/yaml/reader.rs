//! Reads the documents of a file and continues after a broken one.

use granit_parser::{Event, Marker, Parser, ScanError, StrInput, options};

use super::tree_builder::{SkipRest, TreeBuilder, too_deep_error};
use super::{MAX_BYTES, MAX_DEPTH, PendingDiagnostic, PendingDiagnostics, Span, YamlNode, code, syntax_error};

/// One document of a file.
#[derive(Debug)]
pub struct YamlDocument {
    /// The content. Documents without content are skipped.
    pub root: YamlNode,
    /// `true` if YAML found no error in it. Warnings do not count.
    pub is_valid: bool,
}

/// Reads every document of a file. A document with a syntax error is skipped.
pub fn read_documents(text: &str, remarks: &mut PendingDiagnostics) -> Vec<YamlDocument> {
    if let Some(refusal) = reject_unreadable(text) {
        remarks.push(refusal);
        return Vec::new();
    }
    let mut reader = DocumentReader {
        text,
        parser: create_parser(text),
        builder: TreeBuilder::new(text, remarks),
        documents: Vec::new(),
        errors_before: 0,
    };
    while reader.read_next().is_ok() {}
    reader.documents
}

fn reject_unreadable(text: &str) -> Option<PendingDiagnostic> {
    let start = Span { line: 1, column: 1, ..Span::default() };
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024);
        return Some(PendingDiagnostic::error(code::TOO_LARGE, start, message).with_help("split it into several"));
    }
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) {
        return None;
    }
    // A binary file is named as such, instead of with the syntax error that its bytes happen to cause.
    let (at, character) = text.char_indices().find(|&(_, c)| !is_yaml_character(c))?;
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let span = Span {
        start: at,
        end: at + character.len_utf8(),
        line: count(before.matches('\n').count() + 1),
        column: count(before[line_start..].chars().count() + 1),
        file: 0,
    };
    let message = format!("the character U+{:04X} is not allowed in YAML", u32::from(character));
    let help = "if this is not a text file, remove it; in double quotes it is written as an escape";
    Some(PendingDiagnostic::error(code::CHARACTER, span, message).with_help(help))
}

fn is_yaml_character(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' | '\u{85}' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => !c.is_control(),
    }
}

fn create_parser(text: &str) -> Parser<'_, StrInput<'_>> {
    let mut options = options! {
        // As an event an unknown alias is one of many mistakes; as an error it would end the document.
        emit_unresolved_aliases: true,
        // The parser stops at the same depth as the tree: a hundred thousand brackets cost it nothing.
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    Parser::new_from_str_with_options(text, options)
}

struct DocumentReader<'t, 'f> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    builder: TreeBuilder<'f>,
    documents: Vec<YamlDocument>,
    errors_before: usize,
}

impl DocumentReader<'_, '_> {
    fn read_next(&mut self) -> Result<(), SkipRest> {
        match self.parser.next_event() {
            None => Err(SkipRest::File),
            Some(Ok((event, span))) => self.handle_event(event, span_between(&span.start, &span.end)),
            Some(Err(error)) => {
                self.builder.diagnostics().push(parser_diagnostic(self.text, &error));
                self.skip_document()
            }
        }
    }

    fn handle_event(&mut self, event: Event<'_>, span: Span) -> Result<(), SkipRest> {
        match event {
            Event::DocumentStart(..) => {
                // Anchors end with their document.
                self.builder.reset_document();
                self.errors_before = self.builder.diagnostics().error_count();
                Ok(())
            }
            Event::DocumentEnd => {
                self.finish_document();
                Ok(())
            }
            event => match self.builder.handle_event(event, span) {
                Err(SkipRest::Document) => self.skip_document(),
                other => other,
            },
        }
    }

    fn finish_document(&mut self) {
        let sound = self.builder.diagnostics().error_count() == self.errors_before;
        let root = self.builder.take_root().filter(|root| !matches!(root.content, crate::yaml::YamlContent::Null));
        self.documents.extend(root.map(|root| YamlDocument { root, is_valid: sound }));
    }

    fn skip_document(&mut self) -> Result<(), SkipRest> {
        // Half a document would cause errors about fields in the other half.
        self.builder.reset_document();
        match self.parser.proceed_next_document() {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(SkipRest::File),
        }
    }
}

fn parser_diagnostic(text: &str, error: &ScanError) -> PendingDiagnostic {
    let span = span_between(error.marker(), error.marker());
    if syntax_error::is_too_deep(error.kind()) {
        too_deep_error(span)
    } else {
        syntax_error::describe_syntax_error(text, error, span)
    }
}

fn span_between(start: &Marker, end: &Marker) -> Span {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span {
        start: start.byte_offset().unwrap_or(0),
        end: end.byte_offset().unwrap_or(0),
        line: count(start.line()),
        column: count(start.col() + 1),
        file: 0,
    }
}
