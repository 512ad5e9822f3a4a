//! The index of all diagnostic codes is complete.

use std::collections::BTreeSet;

use crate::check::{self, walk};
use crate::{manifest, project, source};

const PAGE: &str = include_str!("../../../../../docs/errors.md");

/// The codes that the page explains: the first word of each line of a table.
fn explained() -> Vec<&'static str> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(code, _)| code))
        .collect()
}

fn declared() -> BTreeSet<&'static str> {
    let lists = [source::code::ALL, walk::code::ALL, manifest::code::ALL, project::code::ALL];
    lists.into_iter().flatten().copied().chain(check::codes()).collect()
}

#[test]
fn every_code_is_explained_and_every_explained_code_exists() {
    let explained: BTreeSet<&str> = explained().into_iter().collect();
    let declared = declared();
    let missing: Vec<_> = declared.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(&declared).collect();
    assert!(missing.is_empty() && stale.is_empty(), "missing: {missing:?}, stale: {stale:?}");
}

#[test]
fn the_page_explains_each_code_once_and_in_order() {
    let mut in_section: Vec<&str> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in PAGE.lines() {
        if line.starts_with('#') {
            in_section.clear();
        }
        let Some((code, _)) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) else {
            continue;
        };
        assert!(seen.insert(code), "`{code}` is explained twice");
        assert!(in_section.last().is_none_or(|last| *last < code), "`{code}` is out of order");
        in_section.push(code);
    }
}
