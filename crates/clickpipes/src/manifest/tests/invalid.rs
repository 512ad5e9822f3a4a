//! Files full of mistakes: all of them are found in one run.

use super::{load_all, load_with, pipe_yaml, render_diagnostics};

const BASICS: &str = "\u{feff}# A pipe by somebody in a hurry.
apiVersion: pipectl/v2
kind: ClickPipes
metadata:
  nmae: orders
  service:
  labels: {team: 7, on: x}
  previousNames: orders
spec:
  state: runing
  protect: yes
  source:
    kafak:
      type: conflunt
      format: JSONEachRow
      brokers: ${brokrs}
      topics: ''
      authentication: PLAIN
      credentials:
        username: me
        password: hunter2
        version: 0
      offset: {strategy: from_timestamp, timestmp: 2026-01-01T00:00}
      schemaRegistry:
        url: http://registry
        authentication: PLAIN
        credentials: {username: u, password: {fromEnv: A, fromFile: b}}
  destination:
    table: t
    table: u
    managedTable: 'true'
    columns: {name: id, type: UInt64}
  fieldMappings:
    - {sourceField: id}
  scaling:
    replicas: 0
    replicaCpuMillicores: 99999
    replicaMemoryGb: 1 GB
  settings:
    streaming_max_insert_wait_ms: 100
    object_storage_concurrency: 4
  colour: blue
";

const SOURCES: &str = "apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: two-sources, service: s}
spec:
  source:
    kafka: {type: kafka, format: Protobuf, brokers: b, topics: t, authentication: IAM_ROLE}
    kinesis:
      format: JSONEachRow
      streamName: s
      region: eu-west-1
      iteratorType: AT_TIMESTAMP
      authentication: IAM_USER
  destination: {table: t, managedTable: true, columns: []}
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: mappings, service: s}
spec:
  source:
    postgres:
      host: https://db.example.com
      port: 70000
      database: d
      credentials: {username: u, password: !env SECRET}
      settings: {replicationMode: cdc, replicationSlotName: slot, pullBatchSize: 1e3}
      tableMappings:
        - {sourceSchemaName: public, sourceTable: a, targetTable: a, useCustomSortingKey: true}
        - {sourceSchemaName: public, sourceTable: b, targetTable: a, excludedColumns: [x, x]}
  destination: {database: default, table: t}
---
apiVersion: pipectl/v1
kind: ClickPipe
metadata: {name: broken}
spec: {source: [
---
- just
- a list
---
apiVersion: pipectl/v1
kind: CdcScaling
metadata: {service: s, organization: true}
spec: {replicaCpuMillicores: 1500, replicaMemoryGb: 8}
---
apiVersion: pipectl/v1
metadata: {name: no-kind}
---
apiVersion: pipectl/v1
kind: Service
";

const OTHERS: &[(&str, &str)] = &[
    ("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes/]\n"),
    ("deployment.yaml", "apiVersion: apps/v1\nkind: Deployment\n---\nkind: Service\n"),
    ("values.yaml", "replicas: 3\nimage: {tag: v1, name: x}\n"),
    ("tab.yaml", "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata:\n\tname: x\n"),
    ("binary.yaml", "PK\u{3}\u{4}"),
];

#[test]
fn all_mistakes_in_one_manifest_are_reported() {
    let loaded = load_with(&[("basics.yaml", BASICS)], &[("brokers", "b:9092")]);
    assert_eq!(loaded.manifests, []);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    basics.yaml:2:13 error[bad-value] apiVersion: `pipectl/v2` is not a value of this field
        help: did you mean `pipectl/v1`?
    basics.yaml:3:7 error[unknown-kind] kind: there is no kind `ClickPipes`
        help: did you mean `ClickPipe`?
    basics.yaml:5:3 error[unknown-field] metadata.nmae: unknown field `nmae`
        help: did you mean `name`?
    basics.yaml:6:3 error[null-value] metadata.service: the value is null
        help: leave the field out instead; what is left out is not managed
    basics.yaml:7:18 error[wrong-type] metadata.labels.team: expected text, found a whole number
        help: put it in quotes
    basics.yaml:8:18 error[wrong-type] metadata.previousNames: expected a list, found text
        help: a list of one entry is written `[…]`
    basics.yaml:10:10 error[bad-value] spec.state: `runing` is not a value of this field
        help: did you mean `running`?
    basics.yaml:11:12 error[wrong-type] spec.protect: expected `true` or `false`, found text
        help: write `true`
    basics.yaml:13:5 error[unknown-field] spec.source.kafak: unknown field `kafak`
        help: did you mean `kafka`?
    basics.yaml:14:13 error[bad-value] spec.source.kafak.type: `conflunt` is not a value of this field
        help: did you mean `confluent`?
    basics.yaml:16:16 error[unknown-variable] : there is no variable `brokrs` in this environment
        help: did you mean `${brokers}`?
    basics.yaml:17:15 error[bad-pattern] spec.source.kafak.topics: the text does not have the right form
        help: expected one or more names with a comma between them
    basics.yaml:21:19 error[literal-secret] spec.source.kafak.credentials.password: a secret is written as a reference, never as its value
        help: write `{fromEnv: PASSWORD}`; if the file left this machine, change the secret
    basics.yaml:22:18 error[out-of-range] spec.source.kafak.credentials.version: 0 is out of range
        help: allowed: at least 1
    basics.yaml:23:42 error[unknown-field] spec.source.kafak.offset.timestmp: unknown field `timestmp`
        help: did you mean `timestamp`?
    basics.yaml:25:14 error[bad-pattern] spec.source.kafak.schemaRegistry.url: the text does not have the right form
        help: expected a URL that begins with `https://`
    basics.yaml:27:59 error[one-of] spec.source.kafak.schemaRegistry.credentials.password: `fromEnv` and `fromFile` exclude each other
        basics.yaml:27:47: the other is here
        help: keep one of them
    basics.yaml:30:5 error[yaml-duplicate-key] : duplicate key `table`
        basics.yaml:29:5: first defined here
        help: remove one of the two; this one was not read
    basics.yaml:31:19 error[wrong-type] spec.destination.managedTable: expected `true` or `false`, found text
        help: write it without quotes
    basics.yaml:32:15 error[wrong-type] spec.destination.columns: expected a list, found a mapping
        help: begin each entry of the list with `- `
    basics.yaml:34:8 error[missing-field] spec.fieldMappings.0.destinationField: missing field `destinationField`
        help: `destinationField`: The column of the destination.
    basics.yaml:36:15 error[out-of-range] spec.scaling.replicas: 0 is out of range
        help: allowed: from 1 to 40
    basics.yaml:37:27 error[out-of-range] spec.scaling.replicaCpuMillicores: 99999 is out of range
        help: allowed: from 125 to 2000
    basics.yaml:38:22 error[wrong-type] spec.scaling.replicaMemoryGb: expected a number, found text
    basics.yaml:40:35 error[out-of-range] spec.settings.streaming_max_insert_wait_ms: 100 is out of range
        help: allowed: from 500 to 60000
    basics.yaml:41:33 error[setting-of-object-storage] spec.settings.object_storage_concurrency: `settings.object_storage_concurrency` is not for streams
        help: remove `settings.object_storage_concurrency`
    basics.yaml:42:3 error[unknown-field] spec.colour: unknown field `colour`
        help: known fields: `state`, `protect`, `source`, `destination`, `fieldMappings`, `scaling`, `settings`, `template`, `with`; one newer than pipectl goes under `additional`
    ");
}

#[test]
fn all_mistakes_in_many_documents_are_reported() {
    let mut files = vec![("sources.yaml", SOURCES)];
    files.extend(OTHERS);
    let loaded = load_with(&files, &[]);
    assert_eq!(loaded.manifests, []);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    sources.yaml:6:5 error[kafka-iam-role] spec.source.kafka.iamRole: `iamRole` is needed for `authentication: IAM_ROLE`
        help: add `iamRole`
    sources.yaml:6:5 error[kafka-protobuf-schema] spec.source.kafka.protobufSchema: `format: Protobuf` needs a schema, and none is given
        help: add `schemaRegistry` or `protobufSchema`
    sources.yaml:6:83 error[kafka-authentication] spec.source.kafka.authentication: `authentication: IAM_ROLE` does not go with `type: kafka`
        help: `type: kafka` takes `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `MUTUAL_TLS`
    sources.yaml:7:5 error[source-kind] spec.source.kinesis: `kinesis` and `kafka` are both set; set only one: a pipe reads one source
        help: remove `kinesis` or `kafka`
    sources.yaml:7:5 error[kinesis-timestamp] spec.source.kinesis.timestamp: `timestamp` is needed for `iteratorType: AT_TIMESTAMP`
        help: add `timestamp`
    sources.yaml:7:5 error[kinesis-access-key] spec.source.kinesis.accessKey: `accessKey` is needed for `authentication: IAM_USER`
        help: add `accessKey`
    sources.yaml:13:3 error[managed-table-definition] spec.destination.tableDefinition: `tableDefinition` is needed for `managedTable: true`: the pipe needs to know which table to create
        help: add `tableDefinition`
    sources.yaml:13:47 error[bad-length] spec.destination.columns: there are no entries, and at least one is needed
    sources.yaml:21:13 error[bad-pattern] spec.source.postgres.host: the text does not have the right form
        help: expected a host name or an address, without scheme and port
    sources.yaml:22:13 error[out-of-range] spec.source.postgres.port: 70000 is out of range
        help: allowed: from 1 to 65535
    sources.yaml:24:49 error[literal-secret] spec.source.postgres.credentials.password: a secret is written as a reference, never as its value
        help: write `{fromEnv: MAPPINGS_PASSWORD}`; if the file left this machine, change the secret
    sources.yaml:25:61 error[postgres-slot-name] spec.source.postgres.settings.replicationSlotName: `replicationSlotName` is not for `replicationMode: cdc` or `snapshot`: the API creates the slot itself
        help: remove `replicationSlotName`
    sources.yaml:27:12 error[custom-sorting-key] spec.source.postgres.tableMappings.0.sortingKeys: `sortingKeys` is needed for `useCustomSortingKey: true`
        help: `sortingKeys` and `useCustomSortingKey: true` go together
    sources.yaml:28:67 error[duplicate-target-table] spec.source.postgres.tableMappings.1.targetTable: `targetTable: a` occurs twice in `tableMappings`: two mappings cannot share a table
    sources.yaml:28:91 error[duplicate-item] spec.source.postgres.tableMappings.1.excludedColumns.1: the list has this entry twice
        sources.yaml:28:88: first here
    sources.yaml:29:43 error[database-pipe-table] spec.destination.table: `destination.table` is not for database pipes: each table mapping creates a table of its own
        help: remove `destination.table`
    sources.yaml:29:43 warning[same-table] spec.destination.table: another pipe writes the table `default.t` too
        sources.yaml:13:24: the other is here
        help: give one of them another table; pipes that only insert share a table with `managedTable: false`
    sources.yaml:34:16 error[yaml-syntax] : a `{` or `[` is never closed
        help: close what `{` or `[` opened, with commas between the entries
    sources.yaml:36:3 error[not-a-manifest] : this is not a manifest: it is not a mapping
        help: a manifest begins with `apiVersion: pipectl/v1` and `kind: ClickPipe`; keep other files elsewhere
    sources.yaml:41:21 error[service-and-organization] metadata.service: `service` is not for `organization: true`: it is one object or the other
        help: remove `service`
    sources.yaml:42:30 error[out-of-range] spec.replicaCpuMillicores: 1500 is not a multiple of 1000
        help: allowed: from 1000 to 32000, a multiple of 1000
    sources.yaml:42:53 error[cdc-scaling-ratio] spec.replicaMemoryGb: `replicaMemoryGb: 8` does not fit `replicaCpuMillicores: 1500`: the API wants four gigabytes for each core
        help: write `replicaMemoryGb: 6`
    sources.yaml:44:1 error[unknown-kind] : the manifest has no `kind`
        help: it is one of `ReversePrivateEndpoint`, `ClickPipe`, `CdcScaling`, `Template`
    sources.yaml:48:7 error[unknown-kind] kind: there is no kind `Service`
        help: it is one of `ReversePrivateEndpoint`, `ClickPipe`, `CdcScaling`, `Template`
    pipectl.yaml:1:1 error[project-file] : this is the project file, not a manifest
        help: keep it out of the folders that hold manifests
    deployment.yaml:1:1 error[not-a-manifest] : this is not a manifest: it has neither the `apiVersion` nor a `kind` of pipectl
        help: a manifest begins with `apiVersion: pipectl/v1` and `kind: ClickPipe`; keep other files elsewhere
    values.yaml:1:1 error[not-a-manifest] : this is not a manifest: it has neither the `apiVersion` nor a `kind` of pipectl
        help: a manifest begins with `apiVersion: pipectl/v1` and `kind: ClickPipe`; keep other files elsewhere
    tab.yaml:4:2 error[yaml-tab] : a tab where YAML allows only spaces
        help: indent with spaces, and put one after `:` and `-`
    binary.yaml:1:3 error[yaml-character] : the character U+0003 is not allowed in YAML
        help: if this is not a text file, remove it; in double quotes it is written as an escape
    ");
}

#[test]
fn suggested_replacements_fit_their_spans() {
    let loaded = load_with(&[("basics.yaml", BASICS)], &[]);
    let fixed: Vec<(&str, &str)> = loaded
        .diagnostics
        .iter()
        .filter_map(|it| Some((&BASICS[it.span.clone()], it.replacement.as_deref()?)))
        .collect();
    insta::assert_debug_snapshot!(fixed, @r#"
    [
        (
            "pipectl/v2",
            "pipectl/v1",
        ),
        (
            "ClickPipes",
            "ClickPipe",
        ),
        (
            "nmae",
            "name",
        ),
        (
            "runing",
            "running",
        ),
        (
            "yes",
            "true",
        ),
        (
            "kafak",
            "kafka",
        ),
        (
            "conflunt",
            "confluent",
        ),
        (
            "hunter2",
            "{fromEnv: PASSWORD}",
        ),
        (
            "timestmp",
            "timestamp",
        ),
        (
            "'true'",
            "true",
        ),
    ]
    "#);
}

/// A misspelt exception excepts from nothing.
#[test]
fn annotation_that_resembles_ours_is_a_warning() {
    let annotations = "annotations: {pipectl/except: r, owner: me, pipectl/exept: r, pipctl/except: r, pipectl/owner: me, example.com/except: r}";
    let loaded = load_all(&[("a.yaml", &pipe_yaml("a", annotations))]);
    assert_eq!(loaded.manifests.len(), 1);
    insta::assert_snapshot!(render_diagnostics(&loaded.diagnostics), @"
    a.yaml:6:47 warning[unknown-annotation] metadata.annotations.pipectl/exept: pipectl has no annotation `pipectl/exept`
        help: did you mean `pipectl/except`?
    a.yaml:6:65 warning[unknown-annotation] metadata.annotations.pipctl/except: pipectl has no annotation `pipctl/except`
        help: did you mean `pipectl/except`?
    a.yaml:6:83 warning[unknown-annotation] metadata.annotations.pipectl/owner: pipectl has no annotation `pipectl/owner`
        help: the one that it knows is `pipectl/except`
    ");
}
