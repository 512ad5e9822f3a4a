//! Files that mean no good, or are just big. None of them may take long or much.

use std::fmt::Write;

use super::super::{MAX_DEPTH, Remarks};
use super::{parse, summary};

fn codes(text: &str) -> Vec<(&'static str, u32)> {
    parse(text).1.into_vec().iter().map(|remark| (remark.code, remark.span.line)).collect()
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for n in 1..10 {
        let below = vec![format!("*a{}", n - 1); 10].join(",");
        writeln!(bomb, "a{n}: &a{n} [{below}]").expect("a string takes it");
    }
    bomb += "---\nafter: it\n";
    assert_eq!(codes(&bomb), [("yaml-too-large", 6)]);
}

#[test]
fn many_aliases_of_one_big_value_are_refused_too() {
    let big = vec!["x"; 1000].join(",");
    let uses = "- *a\n".repeat(1000);
    assert_eq!(codes(&format!("a: &a [{big}]\nb:\n{uses}")), [("yaml-too-large", 500)]);
}

#[test]
fn anchors_within_anchors_are_counted() {
    let items = vec!["x"; 20_000].join(",");
    let open: Vec<String> = (0..50).map(|n| format!("&a{n} [")).collect();
    let text = format!("a: {}{items}{}\n", open.concat(), "]".repeat(50));
    assert_eq!(codes(&text), [("yaml-too-large", 1)]);
}

#[test]
fn a_value_that_holds_itself_is_refused() {
    assert_eq!(codes("a: &a\n  b: [*a, *a]\n"), [("yaml-alias", 2), ("yaml-alias", 2)]);
}

#[test]
fn nesting_is_refused_beyond_the_limit_and_the_next_document_is_read() {
    fn flow(depth: usize) -> String {
        format!("{}1{}\n", "[".repeat(depth), "]".repeat(depth))
    }
    fn block(depth: usize) -> String {
        format!("{}1\n", "- ".repeat(depth))
    }
    fn mixed(depth: usize) -> String {
        format!("{}{}", "- ".repeat(depth / 2), flow(depth - depth / 2))
    }
    for nested in [flow, block, mixed] {
        assert_eq!(codes(&nested(MAX_DEPTH)), []);
        assert_eq!(codes(&nested(MAX_DEPTH + 1)), [("yaml-depth", 1)]);
        let text = format!("{}---\na: 1\n", nested(MAX_DEPTH + 1));
        assert_eq!(summary(&text).split(" | ").next(), Some(r#"{"a":1}"#));
    }
}

#[test]
fn a_chain_of_aliases_cannot_nest_deeper_than_brackets() {
    let mut chain = String::from("a0: &a0 [x]\n");
    for n in 1..100 {
        writeln!(chain, "a{n}: &a{n} [*a{}]", n - 1).expect("a string takes it");
    }
    assert_eq!(codes(&chain), [("yaml-depth", 64)]);
}

#[test]
fn a_hundred_thousand_brackets_are_refused_at_once() {
    assert_eq!(codes(&"[".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(codes(&"{a: ".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(codes(&"- ".repeat(100_000)), [("yaml-depth", 1)]);
    assert_eq!(codes(&"? ".repeat(100_000)), [("yaml-depth", 1)]);
}

#[test]
fn a_wide_mapping_is_read_and_its_duplicate_found() {
    let keys: Vec<String> = (0..200_000).map(|n| format!("k{n}: 1\n")).collect();
    let (documents, remarks) = parse(&format!("{}k5: 2\n", keys.concat()));
    assert_eq!(documents[0].root.entries().len(), 200_000);
    let remarks = remarks.into_vec();
    assert_eq!((remarks.len(), remarks[0].span.line), (1, 200_001));
    assert_eq!(remarks[0].also.map(|(first, _)| first.line), Some(6));
}

#[test]
fn more_values_than_a_file_may_hold_are_refused() {
    let text = format!("a: [{}]\n", "1,".repeat(600_000));
    assert_eq!(codes(&text), [("yaml-too-large", 1)]);
}

#[test]
fn long_lines_are_lines() {
    let text = "x".repeat(3_000_000);
    let (documents, remarks) = parse(&format!("a: {text}\nb: \"{text}\"\n"));
    assert_eq!(remarks.into_vec(), []);
    let value = documents[0].root.entry("b").expect("it is there").value.text();
    assert_eq!(value.map(str::len), Some(3_000_000));
    assert_eq!(codes(&format!("{text}: 1\n")).len(), 1);
}

#[test]
fn beyond_a_thousand_remarks_none_is_kept() {
    let lines: Vec<String> = (0..1500).map(|n| format!("k{n}: no\n")).collect();
    let remarks = parse(&lines.concat()).1.into_vec();
    assert_eq!(remarks.len(), Remarks::MOST + 1);
    insta::assert_snapshot!(remarks[Remarks::MOST].message, @"the file has 1000 problems or more: no others are shown");
}

#[test]
fn what_an_alias_repeats_is_remarked_once() {
    let mut remarks = Remarks::default();
    let remark = super::super::Remark::error("c", super::super::Span::default(), "m");
    remarks.push(remark.clone());
    remarks.push(remark);
    assert_eq!((remarks.errors(), remarks.into_vec().len()), (2, 1));
}
