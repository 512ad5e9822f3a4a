use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ExportUnit, MAX_MEMBERS, ManifestGroup, group_manifests};
use crate::export::export_manifests;
use model::address::{Address, Kind, Name, ServiceRef};
use model::live::{Id, Live, LiveObjects, Object, State};

/// A Kafka pipe with these fields, by their JSON pointers.
fn pipe(name: &str, fields: &[(&str, Value)]) -> (String, Value) {
    let mut body = json!({
        "name": name, "state": "Running",
        "source": {"kafka": {"type": "kafka", "format": "JSONEachRow", "brokers": "b:9092", "topics": "t",
            "authentication": "PLAIN"}},
        "destination": {"database": "default", "table": "t", "managedTable": true,
            "tableDefinition": {"engine": {"type": "MergeTree"}}, "columns": [{"name": "id", "type": "UInt64"}]},
        "scaling": {"replicas": 1},
    });
    for (pointer, value) in fields {
        *body.pointer_mut(pointer).unwrap() = value.clone();
    }
    (name.to_owned(), body)
}

fn topic_pipe(name: &str, topic: &str, table: &str) -> (String, Value) {
    pipe(name, &[("/source/kafka/topics", json!(topic)), ("/destination/table", json!(table))])
}

fn group(pipes: impl IntoIterator<Item = (String, Value)>) -> Vec<ExportUnit> {
    let live: Live = pipes
        .into_iter()
        .enumerate()
        .map(|(number, (name, body))| {
            let id = format!("0b5c1f36-0000-4000-8000-{number:012}");
            let at = Address::new(ServiceRef::new("analytics"), Kind::ClickPipe, Name::new(name));
            (at, LiveObjects { objects: vec![Object { id: Id::new(id), state: State::new("Running"), body }] })
        })
        .collect();
    group_manifests(export_manifests(&live), BTreeSet::new(), |_| false)
}

fn groups(units: &[ExportUnit]) -> Vec<&ManifestGroup> {
    let groups = units.iter().filter_map(|unit| match unit {
        ExportUnit::Single(_) => None,
        ExportUnit::Group(group) => Some(group),
    });
    groups.collect()
}

fn only_group(pipes: impl IntoIterator<Item = (String, Value)>) -> ManifestGroup {
    let units = group(pipes);
    let found = groups(&units);
    assert_eq!((found.len(), units.len()), (1, 1), "{units:#?}");
    found[0].clone()
}

#[test]
fn texts_with_the_same_words_share_a_parameter() {
    let group = only_group(["orders", "clicks", "views"].map(|it| topic_pipe(&format!("{it}-pipe"), it, it)));
    assert_eq!(group.document["metadata"]["name"], "${each.name}-pipe");
    assert_eq!(group.document["forEach"], json!(["clicks", "orders", "views"]));
    assert_eq!(group.document["spec"], json!({"template": "analytics-kafka", "with": {"name": "${each.name}"}}));
    assert_eq!(group.template["parameters"], json!({"name": {}}));
    assert_eq!(group.template["spec"]["source"]["kafka"]["topics"], "${with.name}");
    assert_eq!(group.template["spec"]["destination"]["table"], "${with.name}");
}

#[test]
fn parameters_are_named_after_their_fields_and_typed() {
    let made = [("a", "t1", "x", 1), ("b", "t2", "y", 2), ("c", "t3", "z", 1)].map(|(name, topic, table, replicas)| {
        let (name, mut body) = topic_pipe(name, topic, table);
        body["scaling"]["replicas"] = json!(replicas);
        (name, body)
    });
    let group = only_group(made);
    assert_eq!(group.template["parameters"], json!({"topic": {}, "table": {}, "replicas": {"type": "integer"}}));
    assert_eq!(group.document["forEach"][1], json!({"name": "b", "topic": "t2", "table": "y", "replicas": 2}));
    assert_eq!(group.template["spec"]["scaling"]["replicas"], "${with.replicas}");
}

#[test]
fn fields_of_one_name_get_parameters_of_two_names() {
    let made = ["a", "b", "c"].map(|it| {
        let columns = json!([{"name": format!("{it}1"), "type": "UInt64"}]);
        pipe(it, &[("/destination/table", json!(format!("t_{it}"))), ("/destination/columns", columns)])
    });
    let group = only_group(made);
    assert_eq!(group.template["spec"]["destination"]["columns"][0]["name"], "${with.columnsName}");
    assert_eq!(group.template["spec"]["destination"]["table"], "t_${with.name}");
}

#[test]
fn lists_of_different_lengths_are_parameters_as_a_whole() {
    let made = [1, 2, 3].map(|count| {
        let columns: Vec<Value> =
            (0..count).map(|it| json!({"name": format!("$${{c{it}"), "type": "String"})).collect();
        pipe(&format!("p{count}"), &[("/destination/columns", json!(columns))])
    });
    let group = only_group(made);
    assert_eq!(group.template["spec"]["destination"]["columns"], "${with.columns}");
    assert_eq!(group.template["parameters"]["columns"], json!({"type": "array"}));
    assert_eq!(group.document["forEach"][2]["columns"].as_array().map(Vec::len), Some(3));
}

#[test]
fn members_share_secrets_only_of_the_same_hosts() {
    let shared = only_group(["a", "b", "c"].map(|it| topic_pipe(it, it, it)));
    let password = &shared.template["spec"]["source"]["kafka"]["credentials"]["password"];
    assert_eq!(*password, json!({"fromEnv": "ANALYTICS_KAFKA_PASSWORD"}));
    let own = only_group(["a", "b", "c"].map(|it| pipe(it, &[("/source/kafka/brokers", json!(format!("{it}:9092")))])));
    let password = &own.template["spec"]["source"]["kafka"]["credentials"]["password"];
    assert_eq!(*password, json!({"fromEnv": "${with.passwordVariable}"}));
    assert_eq!(own.document["forEach"][1]["passwordVariable"], "B_PASSWORD");
    assert_eq!(own.template["spec"]["source"]["kafka"]["brokers"], "${with.name}:9092");
}

#[test]
fn secrets_that_contain_their_host_are_not_shared() {
    let container = |name: &str| {
        let (name, mut body) = pipe(name, &[]);
        body["source"] = json!({"objectStorage": {"type": "azureblobstorage", "format": "JSONEachRow", "path": "x/*",
            "authentication": "CONNECTION_STRING", "azureContainerName": "c"}});
        (name, body)
    };
    let group = only_group(["a", "b", "c"].map(container));
    let secret = &group.template["spec"]["source"]["objectStorage"]["connectionString"]["fromEnv"];
    assert!(secret.as_str().is_some_and(|name| name.starts_with("${with.")), "{secret}");
    assert_eq!(group.shared_variables().len(), 0);
}

#[test]
fn texts_that_look_like_variables_are_grouped() {
    let texts = ["${a", "$${b}", "$", "c: 'd' # \"e\"", "{x}", "0755", "null", "${each.name}", "a$$", "}"];
    let group = only_group(texts.iter().enumerate().map(|(number, text)| {
        let (name, mut body) = topic_pipe(&format!("p$-{text}"), &format!("{text}-$"), text);
        body["source"]["kafka"]["consumerGroup"] = json!(format!("{number}${{{text}"));
        (name, body)
    }));
    assert_eq!(group.members.len(), texts.len());
}

#[test]
fn what_does_not_look_alike_stays_alone() {
    let alike = || ["a", "b", "c"].map(|it| topic_pipe(it, it, it));
    let (name, mut other) = topic_pipe("bb", "x", "x");
    other["source"]["kafka"]["consumerGroup"] = json!("own");
    let mut pinned = topic_pipe("b2", "x", "x");
    pinned.1["scaling"]["replicas"] = json!("many");
    let units = group(alike().into_iter().chain([(name, other), pinned]));
    let kinds: Vec<usize> = units.iter().map(|unit| unit.manifests().len()).collect();
    assert_eq!(kinds, [3, 1, 1], "{units:#?}");
    assert_eq!(group(alike().into_iter().take(2)).len(), 2, "two are read faster without a template");
}

#[test]
fn many_differences_split_a_group() {
    let made = (0..12).map(|number| {
        let (name, mut body) = topic_pipe(&format!("p{number}"), &format!("t{number}"), &format!("d{number}"));
        let half = number % 2;
        for field in ["f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8"] {
            body["source"]["kafka"][field] = json!(half * 10 + field.len());
        }
        (name, body)
    });
    let units = group(made);
    let sizes: Vec<usize> = groups(&units).iter().map(|group| group.members.len()).collect();
    assert_eq!(sizes, [6, 6]);
    let names: Vec<&str> = groups(&units).iter().map(|group| group.template_name.as_str()).collect();
    assert_eq!(names, ["analytics-kafka", "analytics-kafka-2"]);
}

#[test]
fn large_group_is_divided() {
    let (name, body) = topic_pipe("p", "p", "p");
    let at = Address::new(ServiceRef::new("analytics"), Kind::ClickPipe, Name::new(name));
    let object = Object { id: Id::new("0b5c1f36-0000-4000-8000-000000000000"), state: State::new("Running"), body };
    let exported = export_manifests(&Live::from([(at, LiveObjects { objects: vec![object] })])).remove(0);
    let many = (0..=MAX_MEMBERS * 2).map(|number| {
        let mut manifest = exported.clone();
        manifest.document["metadata"]["name"] = json!(format!("p{number:05}"));
        manifest
    });
    let units = group_manifests(many.collect(), BTreeSet::new(), |_| false);
    let sizes: Vec<usize> = units.iter().map(|unit| unit.manifests().len()).collect();
    assert_eq!(sizes, [MAX_MEMBERS, MAX_MEMBERS, 1]);
}

#[test]
fn whole_and_broken_numbers_of_one_field_share_a_parameter() {
    let made = [("a", json!(0.5)), ("b", json!(1)), ("c", json!(2))].map(|(name, memory)| {
        let (name, mut body) = topic_pipe(name, name, name);
        body["scaling"]["replicaMemoryGb"] = memory;
        (name, body)
    });
    let group = only_group(made);
    assert_eq!(group.template["parameters"]["replicaMemoryGb"], json!({"type": "number"}));
    assert_eq!(group.document["forEach"][0], json!({"name": "a", "replicaMemoryGb": 0.5}));
    assert_eq!(group.document["forEach"][1], json!({"name": "b", "replicaMemoryGb": 1}));
}
