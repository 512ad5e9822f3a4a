//! Syntax errors with a fix. They never quote the file: the broken text may be part of a secret.

use granit_parser::{ErrorKind, ScanError};

use super::{PendingDiagnostic, Span, code};

pub(super) fn is_too_deep(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::RecursionLimitExceeded)
}

pub(super) fn describe_syntax_error(text: &str, error: &ScanError, span: Span) -> PendingDiagnostic {
    // Must come before the kinds: the parser reports this mistake as a bracket, which helps nobody.
    if is_unquoted_variable(text, span) {
        return PendingDiagnostic::error(code::SYNTAX, span, "a variable within `{…}` or `[…]` needs quotes")
            .with_help("write it as \"${name}\"");
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
const QUOTE_COLON: &str = "put the value in quotes if it holds a colon and a space; else check the \
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
            ("this `:` cannot stand here; is a `{` or `[` above it still open?", CLOSE_BRACKET)
        }
        ErrorKind::ExpectedBlockMappingKey | ErrorKind::InvalidIndentation => {
            ("this line fits neither the mapping above it nor a new one", ALIGN)
        }
        ErrorKind::ExpectedBlockSequenceEntry => ("expected `- ` before another entry", ALIGN),
        ErrorKind::BlockSequenceEntryNotAllowed => ("a list cannot begin here", ALIGN),
        ErrorKind::MappingKeyNotAllowed => ("a mapping cannot begin here", ALIGN),
        ErrorKind::InvalidBlockScalarIndent => ("this line is indented less than the text it belongs to", ALIGN),
        ErrorKind::MappingValueNotAllowed => ("this `:` stands within a value that has already begun", QUOTE_COLON),
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
        ErrorKind::InvalidQuotedScalarIndent => ("this text in quotes goes on with too little indentation", ALIGN),
        ErrorKind::BomInsideDocument => ("a byte order mark within the file", "save the file as UTF-8 without one"),
        ErrorKind::UndeclaredTagHandle => {
            ("this tag uses a prefix that is declared nowhere", "write the value without a tag")
        }
        _ => return None,
    })
}
