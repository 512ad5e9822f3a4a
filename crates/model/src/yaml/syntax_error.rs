//! Syntax errors with a fix. They never quote the file: the broken text may be part of a secret.

use granit_parser::{ErrorKind, ScanError};

use super::{PendingDiagnostic, Span, code};
use crate::sanitize::{blank_name, is_foreign_blank};

pub(super) fn is_too_deep(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::RecursionLimitExceeded)
}

/// The number of lines above an error that are searched for its cause.
const LINES_ABOVE: usize = 10;

pub(super) fn describe_syntax_error(text: &str, error: &ScanError, span: Span) -> PendingDiagnostic {
    // YAML treats such a blank as a letter, and finds the mistake only later.
    if let Some((span, blank)) = find_foreign_blank(text, span) {
        let message = format!("a {} where YAML needs a space", blank_name(blank));
        return PendingDiagnostic::error(code::SYNTAX, span, message)
            .with_help("type a space over it; it often comes with text that is copied from a page or a chat");
    }
    // Must come before the kinds: the parser reports this mistake as a bracket, which does not help.
    if is_unquoted_variable(text, span) {
        return PendingDiagnostic::error(code::SYNTAX, span, "a variable within `{…}` or `[…]` needs quotes")
            .with_help("put the whole value in quotes, as in \"${name}\" or \"a-${name}\"");
    }
    if is_tab_error(error.kind()) {
        return PendingDiagnostic::error(code::TAB, span, "a tab where YAML allows only spaces")
            .with_help("indent with spaces, and put one after `:` and `-`");
    }
    match explain_error(error.kind()) {
        Some((message, help)) => PendingDiagnostic::error(code::SYNTAX, span, message).with_help(help),
        None => PendingDiagnostic::error(code::SYNTAX, span, error.kind().to_string()),
    }
}

/// The nearest foreign blank in the indentation, or between a key and its value, at the error or above it.
fn find_foreign_blank(text: &str, error: Span) -> Option<(Span, char)> {
    let mut end = text[error.start..].find('\n').map_or(text.len(), |length| error.start + length);
    let mut line = error.line;
    for _ in 0..LINES_ABOVE {
        let start = text[..end].rfind('\n').map_or(0, |at| at + 1);
        if let Some((offset, blank)) = structural_blank(&text[start..end]) {
            let column = u32::try_from(text[start..start + offset].chars().count() + 1).unwrap_or(u32::MAX);
            let end = start + offset + blank.len_utf8();
            return Some((Span { start: start + offset, end, line, column, ..error }, blank));
        }
        line = line.checked_sub(1).filter(|line| *line > 0)?;
        end = start.checked_sub(1)?;
    }
    None
}

/// The first foreign blank of a line at a place where only a space has a meaning.
fn structural_blank(line: &str) -> Option<(usize, char)> {
    let content = line.trim_start_matches([' ', '-']);
    let key = content.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let after_key = key.strip_prefix(':').filter(|_| key.len() < content.len());
    [content, after_key.unwrap_or_default()].into_iter().find_map(|rest| {
        let blank = rest.chars().next().filter(|c| is_foreign_blank(*c))?;
        Some((line.len() - rest.len(), blank))
    })
}

fn is_unquoted_variable(text: &str, span: Span) -> bool {
    // Within braces or brackets the `{` of `${name}` opens another mapping. The parser points at it or behind it.
    let (before, after) = text.split_at(span.start);
    before.ends_with("${") || (before.ends_with('$') && after.starts_with('{'))
}

fn is_tab_error(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
            | ErrorKind::TabAtBlockScalarStart
    )
}

const CLOSE_BRACKET: &str = "close what `{` or `[` opened, with commas between the entries";
const ALIGN: &str = "give the entries of one mapping or list the same indentation";
const QUOTE_COLON: &str = "put the value in quotes if it contains a colon and a space; else check the \
                           indentation";
const QUOTE_VALUE: &str = "put the value in quotes";

/// The message and the fix; `None` if the message of the parser is clear enough.
fn explain_error(kind: &ErrorKind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. } => ("a `{` or `[` is never closed", CLOSE_BRACKET),
        ErrorKind::ExpectedFlowMappingSeparator => ("expected `,` or `}` in this `{…}`", CLOSE_BRACKET),
        ErrorKind::ExpectedFlowSequenceSeparator => ("expected `,` or `]` in this `[…]`", CLOSE_BRACKET),
        ErrorKind::MisplacedFlowCollectionEnd | ErrorKind::MismatchedFlowCollectionEnd { .. } => {
            ("this bracket closes nothing that was opened with its kind", CLOSE_BRACKET)
        }
        ErrorKind::InvalidColonPlacement => {
            ("this `:` is not allowed here; is a `{` or `[` above it still open?", CLOSE_BRACKET)
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            ("this line fits neither the mapping above it nor a new one", ALIGN)
        }
        ErrorKind::ExpectedBlockSequenceEntry => ("expected `- ` before another entry", ALIGN),
        ErrorKind::BlockSequenceEntryNotAllowed => ("a list cannot begin here", ALIGN),
        ErrorKind::MappingKeyNotAllowed => ("a mapping cannot begin here", ALIGN),
        ErrorKind::InvalidBlockScalarIndent => ("this line is indented less than the text it belongs to", ALIGN),
        ErrorKind::MappingValueNotAllowed => ("this `:` is inside a value that has already begun", QUOTE_COLON),
        ErrorKind::MissingAnchorOrAliasName => ("a `*` or `&` without a name", QUOTE_VALUE),
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            ("expected `:` after a key", "write each entry as `key: value`")
        }
        ErrorKind::UnexpectedCharacter { .. } => {
            ("a value without quotes cannot begin with this character", QUOTE_VALUE)
        }
        ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar => {
            ("a quote is opened here and never closed", "close it, or double a `'` within `'…'`")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            ("there is more text after the closing quote", "put all of the value in the quotes")
        }
        ErrorKind::UnknownQuotedScalarEscape => {
            ("no such escape in a text in double quotes", "write `\\\\`, or use single quotes")
        }
        ErrorKind::InvalidQuotedScalarIndent => ("this quoted text continues with too little indentation", ALIGN),
        ErrorKind::BomInsideDocument => ("a byte order mark within the file", "save the file as UTF-8 without one"),
        ErrorKind::UndeclaredTagHandle => {
            ("this tag uses a prefix that is not declared", "write the value without a tag")
        }
        _ => return None,
    })
}
