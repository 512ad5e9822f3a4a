//! The index of all diagnostic codes is complete.

use std::collections::BTreeSet;

use model::{project, schema_validator, yaml};

use crate::{kinds, manifest};

const PAGE: &str = include_str!("../../../../../docs/errors.md");

/// The codes that the page explains: the first word of each line of a table.
fn explained_codes() -> Vec<&'static str> {
    PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`').map(|(code, _)| code)).collect()
}

fn declared_codes() -> BTreeSet<&'static str> {
    let lists = [
        yaml::code::ALL,
        schema_validator::code::ALL,
        manifest::code::ALL,
        project::code::ALL,
        &[model::secret::UNRESOLVED_SECRET],
    ];
    lists.into_iter().flatten().copied().chain(kinds::problem_codes()).collect()
}

#[test]
fn every_diagnostic_code_is_documented() {
    let explained: BTreeSet<&str> = explained_codes().into_iter().collect();
    let declared = declared_codes();
    let missing: Vec<_> = declared.difference(&explained).collect();
    let stale: Vec<_> = explained.difference(&declared).collect();
    assert!(missing.is_empty() && stale.is_empty(), "missing: {missing:?}, stale: {stale:?}");
}

#[test]
fn documented_codes_are_unique_and_sorted() {
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
