//! Where things are.

use super::super::{Span, YamlNode};
use super::parse_text;
use crate::path::FieldPath;

fn locate_field<'t>(text: &'t str, root: &YamlNode, path: &str) -> (u32, u32, &'t str) {
    let span = root.span_at(&FieldPath::parse(path));
    (span.line, span.column, &text[span.byte_range()])
}

#[test]
fn values_and_keys_have_source_positions() {
    let text = "\u{feff}é: \"ü\"\nlist:\n  - x: 1\n    y: {z: 'q'}\n  - [7, true]\nempty:\n";
    let (documents, _) = parse_text(text);
    let root = &documents[0].root;
    for (path, line, column, source) in [
        ("é", 1, 4, "\"ü\""),
        ("list", 2, 1, "list"),
        ("list.0", 3, 5, "x"),
        ("list.0.x", 3, 8, "1"),
        ("list.0.y", 4, 5, "y"),
        ("list.0.y.z", 4, 12, "'q'"),
        ("list.1", 5, 6, "7"),
        ("list.1.1", 5, 9, "true"),
        ("empty", 6, 1, "empty"),
        // A missing field has the place of its nearest parent.
        ("empty.deeper", 6, 1, "empty"),
        ("list.0.y.nope", 4, 5, "y"),
        ("list.9", 2, 1, "list"),
        ("nope.x", 1, 1, "é"),
    ] {
        assert_eq!(locate_field(text, root, path), (line, column, source), "{path}");
    }
}

/// The parser gives it the place of what follows.
#[test]
fn empty_block_has_the_place_of_its_key() {
    for block in ["|", ">", "|-", ">-", "|2 # why"] {
        let text = format!("list:\n  - a: {block}\n    b: x\nc: {block}\n\n\n");
        let (documents, _) = parse_text(&text);
        for (path, line, column, source) in [("list.0.a", 2, 5, "a"), ("list.0.b", 3, 8, "x"), ("c", 4, 1, "c")] {
            assert_eq!(locate_field(&text, &documents[0].root, path), (line, column, source), "{path} {block}");
        }
    }
}

/// So is an entry of a list: the parser gives it the place of what follows, or one behind a comment.
#[test]
fn empty_entry_of_a_list_has_the_place_of_its_mark() {
    for mark in ["-", "- |", "- >-", "- &x", "- |2 # why", "- # why", "- # é\n\n    # more"] {
        let own = mark.split(" #").next().unwrap_or_default().rsplit(' ').next().unwrap_or_default();
        let column = if own == "-" { 3 } else { 5 };
        for behind in ["\n  - b\n", "\n\n\nc: x\n", "\n", ""] {
            let text = format!("list:\n  - é\n  {mark}{behind}");
            let (documents, _) = parse_text(&text);
            let (line, at, source) = locate_field(&text, &documents[0].root, "list.1");
            let source = source.split(" #").next().unwrap_or_default().trim_end();
            assert_eq!((line, at, source), (3, column, own), "{text:?}");
        }
    }
    let text = format!("list: [{}]\n", "&a , ".repeat(20_000));
    assert_eq!(parse_text(&text).0.len(), 1);
}

#[test]
fn crlf_line_endings_do_not_shift_positions() {
    let text = "a: 1\r\nb:\r\n  c: x\r\n";
    let (documents, _) = parse_text(text);
    assert_eq!(locate_field(text, &documents[0].root, "b.c"), (3, 6, "x"));
}

#[test]
fn alias_keeps_its_own_and_its_value_position() {
    let text = "a: &x {k: 1}\nb: *x\n";
    let (documents, _) = parse_text(text);
    let node = &documents[0].root.entry("b").expect("it is there").value;
    assert_eq!((node.span.line, node.span.column), (1, 7));
    assert_eq!(node.alias.map(|alias| &text[alias.byte_range()]), Some("*x"));
}

#[test]
fn duplicate_key_reports_both_positions() {
    let (_, remarks) = parse_text("a:\n  k: 1\n  k: 2\n");
    let remarks = remarks.into_vec();
    let places = |span: Span| (span.line, span.column);
    assert_eq!(places(remarks[0].span), (3, 3));
    assert_eq!(
        remarks[0].related.as_ref().map(|(first, label)| (places(*first), &**label)),
        Some(((2, 3), "first defined here"))
    );
}
