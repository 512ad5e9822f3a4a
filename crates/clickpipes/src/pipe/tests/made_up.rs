//! A source that exists in tests only. This file and its line in the table of sources are everything that it needs:
//! validation, comparison, lineage, effects and `explain` follow.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde_json::{Value, json};

use crate::pipe::replacement_effects::Replacement;
use crate::pipe::settings::SettingGroup;
use crate::pipe::source::{NO_STREAM_RESYNC, SourceFamily, SourceItems, SourceSpec, text_at};
use crate::secrets::host::SecretHost;
use crate::validate::{RuleSet, required_fields_iff, value_is};
use model::annotations;
use model::diagnostic::Evidence;
use model::text::NonEmptyText;

/// A queue of parcels.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MadeUp {
    /// The depot of the queue.
    #[schemars(transform = annotations::requires_replace)]
    pub depot: NonEmptyText,
    /// The queue to read.
    #[schemars(transform = annotations::requires_replace)]
    pub queue: NonEmptyText,
    /// The first parcel to read.
    #[schemars(transform = annotations::requires_replace)]
    pub start: Start,
    /// The number of the first parcel, with `start: number`.
    pub number: Option<i64>,
}

/// Where a queue is read from.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// The oldest parcel.
    Oldest,
    /// The parcel of a number.
    Number,
}

pub(crate) const SPEC: SourceSpec = SourceSpec {
    key: "madeUp",
    title: "Parcels",
    family: SourceFamily::Stream,
    discoverable: true,
    resync_refusal: Some(NO_STREAM_RESYNC),
    settings: Some(&[SettingGroup::Stream]),
    is_finite_load: |source| source["start"] == "number",
    describe_start: |_| "reads from the oldest parcel on".to_owned(),
    describe_replacement,
    location: |source| text_at(source, "depot"),
    secret_hosts: |source, _| SecretHost::from_list(&text_at(source, "depot")),
    items: SourceItems::Single(|source| text_at(source, "queue")),
    exclusive_reads: |_, _| Vec::new(),
    rules: &[RuleSet {
        object_paths: &["spec.source.madeUp"],
        rules: &[required_fields_iff("missing-part", Evidence::Schema, &["number"], value_is("start", &["number"]))],
    }],
};

fn describe_replacement(it: &Replacement<'_>) -> Vec<String> {
    it.describe_repeated_rows("the new pipe starts at the oldest parcel", "rows")
}

const MANIFEST: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: parcels, service: s}
spec:
  source:
    madeUp: {depot: north, queue: letters, start: oldest}
  destination:
    database: raw
    table: parcels
    managedTable: false
    columns: [{name: a, type: String}]
  settings: {streaming_max_insert_wait_ms: 500}
";

/// The codes and paths of everything that is wrong with the manifest, and its bodies.
fn load(text: &str) -> (Vec<String>, Vec<Value>) {
    let file = model::diagnostic::SourceFile { name: "made-up.yaml".into(), text: text.into() };
    let parsed = crate::manifest::parse_manifests(&[file], &std::collections::BTreeMap::new());
    let found = parsed.diagnostics.iter().map(|it| format!("{} {}", it.code, it.path)).collect();
    (found, parsed.manifests.iter().map(|it| Value::clone(&it.document.body)).collect())
}

#[test]
fn new_source_needs_its_own_file_only() {
    let (problems, bodies) = load(MANIFEST);
    assert_eq!(problems, [""; 0]);
    let [body] = bodies.as_slice() else { panic!("one body: {bodies:?}") };
    let kind = model::address::Kind::ClickPipe;

    let lineage = crate::lineage::pipe_lineage(kind, body).expect("it is a pipe");
    assert_eq!((lineage.system.as_str(), lineage.location.as_str()), ("Parcels", "north"));
    assert_eq!((lineage.edges[0].from.as_str(), lineage.edges[0].to.as_str()), ("letters", "raw.parcels"));
    let summary = crate::pipe_summary::summarize_pipe(body);
    assert_eq!((summary.source.as_str(), summary.shares_size), ("Parcels", false));

    let effects = crate::data_effects::replacement_effects(kind, body, body);
    assert!(effects[0].starts_with("the new pipe starts at the oldest parcel"), "{effects:?}");
    let effects = crate::data_effects::creation_effects(kind, body, &BTreeSet::new());
    assert_eq!(effects, ["reads from the oldest parcel on", "inserts into `raw.parcels`, which must exist"]);
    assert_eq!(crate::lifecycle::stopped_state_name(body), "Stopped");
    assert!(!crate::lifecycle::is_finite_load(body));
    assert!(crate::lifecycle::is_finite_load(&json!({"source": {"madeUp": {"start": "number"}}})));

    let explanation = crate::docs::explain_field("source.madeUp.queue").expect("it is known");
    assert_eq!(explanation.doc, "The queue to read.");
    let path = model::path::FieldPath::parse("source.madeUp.queue");
    let semantics = crate::semantics::FieldSemantics::for_kind(kind).field_at(&path);
    assert_eq!(semantics.on_change, crate::semantics::OnChange::Replace);
}

#[test]
fn general_rules_apply_to_a_new_source() {
    let problems = |from: &str, to: &str| load(&MANIFEST.replace(from, to)).0;
    assert_eq!(problems("start: oldest", "start: number"), ["missing-part spec.source.madeUp.number"]);
    let two_sources = problems("  source:\n", "  source:\n    kafka: {additional: {}}\n");
    assert!(two_sources.iter().any(|it| it == "source-kind spec.source.madeUp"), "{two_sources:?}");
    assert_eq!(
        problems("{streaming_max_insert_wait_ms: 500}", "{object_storage_concurrency: 1, kafka_read_committed: true}"),
        [
            "setting-of-object-storage spec.settings.object_storage_concurrency",
            "setting-of-kafka spec.settings.kafka_read_committed"
        ]
    );
    assert_eq!(problems("    table: parcels\n", ""), ["missing-table spec.destination.table"]);
}
