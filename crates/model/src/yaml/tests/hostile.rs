//! Files that mean no good, or are just big. None of them may take long or much.

use std::fmt::Write;

use super::super::{MAX_DEPTH, PendingDiagnostics};
use super::{parse_text, summarize_text};

fn diagnostic_codes(text: &str) -> Vec<(&'static str, u32)> {
    parse_text(text).1.into_vec().iter().map(|remark| (remark.code, remark.span.line)).collect()
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..10 {
        let below = vec![format!("*a{}", n - 1); 10].join(",");
        writeln!(bomb, "a{n}: &a{n} [{below}]").expect("a string takes it");
    }
    bomb += "---\nafter: it\n";
    assert_eq!(diagnostic_codes(&bomb), [("yaml-too-large", 6)]);
}

#[test]
fn many_aliases_of_one_big_value_are_refused() {
    let big = vec!["x"; 1000].join(",");
    let uses = "- *a\n".repeat(1000);
    assert_eq!(diagnostic_codes(&format!("a: &a [{big}]\nb:\n{uses}")), [("yaml-too-large", 500)]);
}

#[test]
fn nested_anchors_count_towards_the_size_limit() {
    let items = vec!["x"; 20_000].join(",");
    let open: Vec<String> = (0..50).map(|n| format!("&a{n} [")).collect();
    let text = format!("a: {}{items}{}\n", open.concat(), "]".repeat(50));
    assert_eq!(diagnostic_codes(&text), [("yaml-too-large", 1)]);
}

#[test]
fn self_referencing_alias_is_refused() {
    assert_eq!(diagnostic_codes("a: &a\n  b: [*a, *a]\n"), [("yaml-alias", 2), ("yaml-alias", 2)]);
}

#[test]
fn nesting_beyond_the_limit_is_refused() {
    fn flow_nesting(depth: usize) -> String {
        format!("{}1{}\n", "[".repeat(depth), "]".repeat(depth))
    }
    fn block_nesting(depth: usize) -> String {
        format!("{}1\n", "- ".repeat(depth))
    }
    fn mixed_nesting(depth: usize) -> String {
        format!("{}{}", "- ".repeat(depth / 2), flow_nesting(depth - depth / 2))
    }
    for nested in [flow_nesting, block_nesting, mixed_nesting] {
        assert_eq!(diagnostic_codes(&nested(MAX_DEPTH)), []);
        assert_eq!(diagnostic_codes(&nested(MAX_DEPTH + 1)), [("yaml-depth", 1)]);
        let text = format!("{}---\na: 1\n", nested(MAX_DEPTH + 1));
        assert_eq!(summarize_text(&text).split(" | ").next(), Some(r#"{"a":1}"#));
    }
}

#[test]
fn alias_chain_counts_towards_the_depth_limit() {
    let mut chain = String::from("a0: &a0 [x]\n");
    for n in 1..100 {
        writeln!(chain, "a{n}: &a{n} [*a{}]", n - 1).expect("a string takes it");
    }
    assert_eq!(diagnostic_codes(&chain), [("yaml-depth", 64)]);
}

#[test]
fn hundred_thousand_brackets_are_refused() {
    assert_eq!(diagnostic_codes(&"[".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(diagnostic_codes(&"{a: ".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(diagnostic_codes(&"- ".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(diagnostic_codes(&"? ".repeat(100_000)), [("yaml-depth", 1)]);
}

#[test]
fn duplicate_key_in_wide_mapping_is_found() {
    let keys: Vec<String> = (0..200_000).map(|n| format!("k{n}: 1\n")).collect();
    let (documents, remarks) = parse_text(&format!("{}k5: 2\n", keys.concat()));
    assert_eq!(documents[0].root.entries().len(), 200_000);
    let remarks = remarks.into_vec();
    assert_eq!((remarks.len(), remarks[0].span.line), (1, 200_001));
    assert_eq!(remarks[0].related.as_ref().map(|(first, _)| first.line), Some(6));
}

#[test]
fn too_many_values_in_a_file_are_refused() {
    let text = format!("a: [{}]\n", "1,".repeat(600_000));
    assert_eq!(diagnostic_codes(&text), [("yaml-too-large", 1)]);
}

#[test]
fn very_long_lines_are_read() {
    let text = "x".repeat(3_000_000);
    let (documents, remarks) = parse_text(&format!("a: {text}\nb: \"{text}\"\n"));
    assert_eq!(remarks.into_vec(), []);
    let value = documents[0].root.entry("b").expect("it is there").value.as_text();
    assert_eq!(value.map(str::len), Some(3_000_000));
    assert_eq!(diagnostic_codes(&format!("{text}: 1\n")).len(), 1);
}

#[test]
fn diagnostics_per_file_are_capped_at_1000() {
    let lines: Vec<String> = (0..1500).map(|n| format!("k{n}: no\n")).collect();
    let remarks = parse_text(&lines.concat()).1.into_vec();
    assert_eq!(remarks.len(), PendingDiagnostics::MAX_KEPT + 1);
    insta::assert_snapshot!(remarks[PendingDiagnostics::MAX_KEPT].message, @"the file has 1000 problems or more: no others are shown");
}

#[test]
fn repeated_diagnostic_is_reported_once() {
    let mut remarks = PendingDiagnostics::default();
    let remark = super::super::PendingDiagnostic::error("c", super::super::Span::default(), "m");
    remarks.push(remark.clone());
    remarks.push(remark);
    assert_eq!((remarks.error_count(), remarks.into_vec().len()), (2, 1));
}
