//! Syntax errors as people read them.

use std::fmt::Write;

use super::parse_text;

fn list_messages(texts: &[&str]) -> String {
    let mut said = String::new();
    for text in texts {
        writeln!(said, "{text:?}").expect("a string takes it");
        for remark in parse_text(text).1.into_vec() {
            let place = format!("{}:{}", remark.span.line, remark.span.column);
            writeln!(said, "  {} {place} {}", remark.code, remark.message).expect("likewise");
            writeln!(said, "    {}", remark.help.unwrap_or_default()).expect("likewise");
        }
    }
    said
}

#[test]
fn indentation_errors_come_with_a_fix() {
    let said = list_messages(&[
        "a:\n\tb: 1\n",
        "a:\tb\n\tc: 1\n",
        "a:\n  b: 1\n \tc: 2\n",
        "a:\n  b: 1\n c: 2\n",
        "- a\nb: 1\n",
        "a: 1\n- b\n",
        "a: - b\n",
        "a: 1\nb\nc: 2\n",
        "a: |\n  x\n y\n",
        "key: value\n  other: value\n",
    ]);
    insta::assert_snapshot!(said, @r#"
    "a:\n\tb: 1\n"
      yaml-tab 2:2 a tab where YAML allows only spaces
        indent with spaces, and put one after `:` and `-`
    "a:\tb\n\tc: 1\n"
      yaml-tab 1:4 a tab where YAML allows only spaces
        indent with spaces, and put one after `:` and `-`
    "a:\n  b: 1\n \tc: 2\n"
      yaml-tab 2:6 a tab where YAML allows only spaces
        indent with spaces, and put one after `:` and `-`
    "a:\n  b: 1\n c: 2\n"
      yaml-syntax 3:2 this line fits neither the mapping above it nor a new one
        give the entries of one mapping or list the same indentation
    "- a\nb: 1\n"
      yaml-syntax 2:1 expected `- ` before another entry
        give the entries of one mapping or list the same indentation
    "a: 1\n- b\n"
      yaml-syntax 2:3 this line fits neither the mapping above it nor a new one
        give the entries of one mapping or list the same indentation
    "a: - b\n"
      yaml-syntax 1:4 a list cannot begin here
        give the entries of one mapping or list the same indentation
    "a: 1\nb\nc: 2\n"
      yaml-syntax 2:1 expected `:` after a key
        write each entry as `key: value`
    "a: |\n  x\n y\n"
      yaml-syntax 3:2 this line fits neither the mapping above it nor a new one
        give the entries of one mapping or list the same indentation
    "key: value\n  other: value\n"
      yaml-syntax 2:8 this `:` is inside a value that has already begun
        put the value in quotes if it contains a colon and a space; else check the indentation
    "#);
}

/// The parser sees a letter, and complains somewhere else.
#[test]
fn foreign_blanks_are_blamed_where_they_stand() {
    let said = list_messages(&[
        "a:\n  b:\u{a0}c\n  d: e\n",
        "a:\n  b: c\n\u{a0}\u{a0}d: e\n  f: g\n",
        "a:\n  -\u{a0}b: c\n    d: e\n",
        "a:\n  - b:\u{3000}c\n    d: e\n",
        "a: 'x\u{a0}y'\nb\nc: 2\n",
    ]);
    insta::assert_snapshot!(said, @r#"
    "a:\n  b:\u{a0}c\n  d: e\n"
      yaml-syntax 2:5 a no-break space where YAML needs a space
        type a space over it; it often comes with text that is copied from a page or a chat
    "a:\n  b: c\n\u{a0}\u{a0}d: e\n  f: g\n"
      yaml-syntax 3:1 a no-break space where YAML needs a space
        type a space over it; it often comes with text that is copied from a page or a chat
    "a:\n  -\u{a0}b: c\n    d: e\n"
      yaml-syntax 2:4 a no-break space where YAML needs a space
        type a space over it; it often comes with text that is copied from a page or a chat
    "a:\n  - b:\u{3000}c\n    d: e\n"
      yaml-syntax 2:7 a foreign blank where YAML needs a space
        type a space over it; it often comes with text that is copied from a page or a chat
    "a: 'x\u{a0}y'\nb\nc: 2\n"
      yaml-syntax 2:1 expected `:` after a key
        write each entry as `key: value`
    "#);
}

#[test]
fn bracket_quote_and_character_errors_come_with_a_fix() {
    let said = list_messages(&[
        "a: [1, 2\n",
        "a: {b: 1\n",
        "a: {b: 1]\n",
        "a: ]\n",
        "a: [1, 2\nb: 3\n",
        "a: b: c\n",
        "a: \"b\n",
        "a: 'it's'\n",
        "a: \"x\" y\n",
        "a: \"\\q\"\n",
        "a: @b\n",
        "a: `b`\n",
        "a: %b\n",
        "a: !x!y z\n",
        "a: {b: 1 c: 2}\n",
        "a: [b c: d]]\n",
        "a: {b: ${c}, d: 1}\n",
        "a: [${c}]\n",
        "a: 1\n\u{feff}b: 2\n",
        "a: *\n",
        "%YAML 3.0\n---\na: 1\n",
    ]);
    insta::assert_snapshot!(said, @r#"
    "a: [1, 2\n"
      yaml-syntax 1:4 a `{` or `[` is never closed
        close what `{` or `[` opened, with commas between the entries
    "a: {b: 1\n"
      yaml-syntax 1:4 a `{` or `[` is never closed
        close what `{` or `[` opened, with commas between the entries
    "a: {b: 1]\n"
      yaml-syntax 1:4 this bracket closes nothing that was opened with its kind
        close what `{` or `[` opened, with commas between the entries
    "a: ]\n"
      yaml-syntax 1:4 this bracket closes nothing that was opened with its kind
        close what `{` or `[` opened, with commas between the entries
    "a: [1, 2\nb: 3\n"
      yaml-syntax 2:2 this `:` is not allowed here; is a `{` or `[` above it still open?
        close what `{` or `[` opened, with commas between the entries
    "a: b: c\n"
      yaml-syntax 1:5 this `:` is inside a value that has already begun
        put the value in quotes if it contains a colon and a space; else check the indentation
    "a: \"b\n"
      yaml-syntax 1:4 a quote is opened here and never closed
        close it, or double a `'` within `'…'`
    "a: 'it's'\n"
      yaml-syntax 1:8 there is more text after the closing quote
        put all of the value in the quotes
    "a: \"x\" y\n"
      yaml-syntax 1:8 there is more text after the closing quote
        put all of the value in the quotes
    "a: \"\\q\"\n"
      yaml-syntax 1:4 no such escape in a text in double quotes
        write `\\`, or use single quotes
    "a: @b\n"
      yaml-syntax 1:4 a value without quotes cannot begin with this character
        put the value in quotes
    "a: `b`\n"
      yaml-syntax 1:4 a value without quotes cannot begin with this character
        put the value in quotes
    "a: %b\n"
      yaml-syntax 1:4 a value without quotes cannot begin with this character
        put the value in quotes
    "a: !x!y z\n"
      yaml-syntax 1:4 this tag uses a prefix that is not declared
        write the value without a tag
    "a: {b: 1 c: 2}\n"
      yaml-syntax 1:11 expected `,` or `}` in this `{…}`
        close what `{` or `[` opened, with commas between the entries
    "a: [b c: d]]\n"
      yaml-syntax 1:12 this bracket closes nothing that was opened with its kind
        close what `{` or `[` opened, with commas between the entries
    "a: {b: ${c}, d: 1}\n"
      yaml-syntax 1:9 a variable within `{…}` or `[…]` needs quotes
        put the whole value in quotes, as in "${name}" or "a-${name}"
    "a: [${c}]\n"
      yaml-syntax 1:6 a variable within `{…}` or `[…]` needs quotes
        put the whole value in quotes, as in "${name}" or "a-${name}"
    "a: 1\n\u{feff}b: 2\n"
      yaml-syntax 2:1 a byte order mark within the file
        save the file as UTF-8 without one
    "a: *\n"
      yaml-syntax 1:4 a `*` or `&` without a name
        put the value in quotes
    "%YAML 3.0\n---\na: 1\n"
      yaml-syntax 1:1 unsupported YAML major version
    "#);
}
