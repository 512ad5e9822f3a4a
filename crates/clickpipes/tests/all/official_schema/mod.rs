//! Compares our fields with the API's own schema, wherever that is at hand: `PIPECTL_OPENAPI`
//! names the file, or several, separated as in `PATH`. What differs on purpose stands in `exceptions.rs`, each with its reason.

use std::collections::BTreeSet;

use clickpipes::semantics::{FieldSemantics, OnChange, Readback};
use model::address::Kind;
use model::path::FieldPath;
use serde_json::Value;

mod exceptions;

use clickpipes::api_schema::{Fields, PARTS, Part, SET_BY_STATE, official, ours};
use exceptions::{Exception, is_excepted, is_newer};

#[expect(clippy::print_stderr, reason = "a comparison that was not made must say so")]
fn documents() -> Vec<Value> {
    let Some(files) = std::env::var_os("PIPECTL_OPENAPI").filter(|files| !files.is_empty()) else {
        eprintln!("not compared: PIPECTL_OPENAPI names no file");
        return Vec::new();
    };
    let texts = std::env::split_paths(&files).map(std::fs::read_to_string);
    texts.map(|text| serde_json::from_str(&text.expect("PIPECTL_OPENAPI can be read")).expect("JSON")).collect()
}

/// Runs a comparison of one part with each document, and fails with everything that it finds.
fn compare(how: impl Fn(&Part, &Value, &mut BTreeSet<String>)) {
    for document in documents() {
        let mut found = BTreeSet::new();
        for part in PARTS {
            how(part, &document, &mut found);
        }
        let version = &document["info"]["version"];
        assert!(found.is_empty(), "{version}:\n{}", found.into_iter().collect::<Vec<_>>().join("\n"));
    }
}

fn full(part: &Part, path: &str) -> String {
    [part.at, path].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(".")
}

fn rules(part: &Part, path: &str) -> &'static FieldSemantics {
    FieldSemantics::for_kind(part.kind).field_at(&FieldPath::parse(&full(part, path).replace('*', "0")))
}

#[test]
fn fields_match_the_official_schema() {
    compare(|part, document, found| {
        let theirs = official(document, part.post);
        let mine = ours(part.kind, part.at);
        for path in theirs.keys().filter(|path| !mine.contains_key(*path) && *path != SET_BY_STATE) {
            found.insert(format!("{}: not ours", full(part, path)));
        }
        for path in mine.keys().filter(|path| !theirs.contains_key(*path)) {
            let at = full(part, path);
            if !is_excepted(Exception::NotOfficial, &at) && !is_newer(&at) {
                found.insert(format!("{}: not official", full(part, path)));
            }
        }
    });
}

#[test]
fn types_enums_and_ranges_match_the_official_schema() {
    compare(|part, document, found| {
        let mine = ours(part.kind, part.at);
        for (path, theirs) in official(document, part.post) {
            let at = full(part, &path);
            let Some(mine) = mine.get(&path) else { continue };
            if *mine != theirs && !is_excepted(Exception::Narrower, &at) && !is_newer(&at) {
                found.insert(format!("{at}: {mine:?}, officially {theirs:?}"));
            }
        }
    });
}

/// What the official schema lets a change name. Mappings are changed by deltas.
fn patchable(document: &Value, part: &Part) -> Fields {
    let renamed = official(document, part.patch).into_iter().filter(|(path, _)| !path.contains("ToRemove"));
    renamed.map(|(path, facts)| (path.replace("MappingsToAdd", "Mappings"), facts)).collect()
}

#[test]
fn immutable_fields_match_the_official_schema() {
    compare(|part, document, found| {
        let patchable = patchable(document, part);
        for path in official(document, part.post).keys().filter(|path| *path != SET_BY_STATE) {
            let in_place = rules(part, path).on_change != OnChange::Replace;
            let at = full(part, path);
            if in_place != patchable.contains_key(path) && !is_excepted(Exception::Cost, &at) {
                found.insert(format!("{at}: in place is {in_place} here"));
            }
        }
    });
}

#[test]
fn write_only_fields_match_the_official_schema() {
    compare(|part, document, found| {
        let answered = official(document, part.answer);
        for path in official(document, part.post).keys().filter(|path| *path != SET_BY_STATE) {
            let rules = rules(part, path);
            let readable = !(rules.is_secret || rules.readback == Readback::Never);
            let at = full(part, path);
            if readable != answered.contains_key(path) && !is_excepted(Exception::Echo, &at) {
                found.insert(format!("{at}: read back is {readable} here"));
            }
        }
    });
}

#[test]
fn every_exception_names_an_existing_field() {
    let all: BTreeSet<String> =
        PARTS.iter().flat_map(|part| ours(part.kind, part.at).into_keys().map(|path| full(part, &path))).collect();
    let unknown: Vec<_> = exceptions::ALL.iter().filter(|(_, at, _)| !all.contains(*at)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// Holds without the document, too: a field that is lost or gained is noticed.
#[test]
fn field_counts_are_unchanged() {
    let count = |kind: Kind, at: &str| ours(kind, at).len();
    let arms = ["kafka", "kinesis", "objectStorage", "pubsub"];
    let databases = ["postgres", "mysql", "mongodb", "bigquery"];
    let source = |arm: &str| count(Kind::ClickPipe, &format!("source.{arm}"));
    assert_eq!(arms.map(source), [36, 17, 18, 11]);
    assert_eq!(databases.map(source), [39, 38, 25, 29]);
    let parts = ["destination", "fieldMappings", "scaling", "settings"];
    assert_eq!(parts.map(|part| count(Kind::ClickPipe, part)), [20, 3, 4, 13]);
    assert_eq!(Kind::ALL.map(|kind| count(kind, "")), [12, 268, 2]);
}
