//! What `explain` says, and the page of all fields.

use clickpipes::docs::{explain_field, render_reference_page};

fn said(asked: &str) -> String {
    match explain_field(asked) {
        Ok(explanation) => explanation.to_string(),
        Err(unknown) => format!("{unknown}\n"),
    }
}

#[test]
fn explain_shows_type_values_default_and_change_cost() {
    insta::assert_snapshot!(said("source.kafka.authentication"), @"
    ClickPipe spec.source.kafka.authentication
      word

      The authentication of the pipe. Omit it for brokers that need none.

      PLAIN                              User and password. Azure Event Hubs needs a connection string instead.
      SCRAM-SHA-256                      User and password, hashed with SHA-256.
      SCRAM-SHA-512                      User and password, hashed with SHA-512.
      IAM_ROLE                           An IAM role to assume.
      IAM_USER                           The access key of an IAM user.
      MUTUAL_TLS                         A client certificate.
      SERVICE_ACCOUNT_WORKLOAD_IDENTITY  The identity of the ClickHouse service at Google Cloud. For `type: gcmk`, in private preview.

      on change: in place, sent together with `source.kafka.iamRole`, `source.kafka.credentials`

      rules between fields:
        kafka-authentication        Error. Evidence: the official schema.
        kafka-redpanda-mutual-tls   Error. Evidence: a refusal by the live API.
        kafka-iam-role              Error. Evidence: the official schema.
        kafka-unused-role           Warning. Evidence: none, the API may accept it.
        kafka-no-credentials        Error. Evidence: the official schema.
        kafka-credentials           Error. Evidence: the official schema.
        kafka-eventhub-credentials  Warning. Evidence: none, the API may accept it.
        kafka-glue-registry         Error. Evidence: a check of the official Terraform provider.
    ");
    insta::assert_snapshot!(said("spec.source.postgres.settings.syncIntervalSeconds"), @r#"
    ClickPipe spec.source.postgres.settings.syncIntervalSeconds
      whole number, 1 or more

      The interval between reads of changes, in seconds.

      default:   60
      on change: in place while the pipe is paused
    "#);
    insta::assert_snapshot!(said("objectStorage.authentication"), @"
    ClickPipe spec.source.objectStorage.authentication
      word

      The authentication of the pipe. If it is omitted, the storage must be public. The API does not return it for Azure.

      IAM_ROLE                           An IAM role to assume. For S3.
      IAM_USER                           An access key. Not for Azure.
      CONNECTION_STRING                  A connection string. For Azure.
      SERVICE_ACCOUNT                    The key of a service account. For GCS.
      SERVICE_ACCOUNT_WORKLOAD_IDENTITY  The identity of the ClickHouse service at Google Cloud. For GCS, in private preview.

      on change: in place, sent together with `source.objectStorage.iamRole`, `source.objectStorage.accessKey`, `source.objectStorage.serviceAccountKey`, `source.objectStorage.connectionString`; replace if only one of the old and the new value is `SERVICE_ACCOUNT` or `SERVICE_ACCOUNT_WORKLOAD_IDENTITY`

      rules between fields:
        storage-authentication   Error. Evidence: the official schema.
        storage-iam-role         Error. Evidence: the official schema.
        storage-unused-role      Warning. Evidence: none, the API may accept it.
        storage-access-key       Error. Evidence: the official schema.
        storage-unused-key       Warning. Evidence: none, the API may accept it.
        storage-service-account  Error. Evidence: the official schema.
        storage-other-account    Error. Evidence: a check of the official Terraform provider.
        queue-authentication     Error. Evidence: a check of the official Terraform provider.
    ");
    insta::assert_snapshot!(said("metadata.previousNames"), @"
    ClickPipe metadata.previousNames
      list of texts

      Earlier names of the pipe. A live pipe with one of these names is renamed in place.

      rules between fields:
        previous-name-own  Error. Evidence: the format of manifests.
    ");
}

#[test]
fn explain_lists_the_fields_of_an_object() {
    insta::assert_snapshot!(said("source.kafka.offset"), @"
    ClickPipe spec.source.kafka.offset
      object

      The position in a topic where the pipe starts to read. Later, the offsets of the consumer group apply.

      on change: replace (delete, then create)

      fields (* is required):
      * strategy    The first message to read: the oldest, the next, or the first after a time
        timestamp   The time to start from, in UTC, to the minute: `2026-01-31T08:00`
        additional  Fields that are newer than this version
    ");
    insta::assert_snapshot!(said("CdcScaling"), @"
    CdcScaling spec
      object, required

      CPU and memory shared by the database pipes of a service. The API creates it with the first such pipe. It can be updated, but not created or deleted. A change takes minutes to become visible.

      fields (* is required):
      * replicaCpuMillicores  The CPU, in thousandths of a core
      * replicaMemoryGb       The memory, in gigabytes: always four per core
        additional            Fields that are newer than this version
    ");
    insta::assert_snapshot!(said("Template"), @r#"
    Template
      object, required

      A part of manifests that many share. A manifest uses it with `spec: {template: NAME, with: {topic: orders}}`, and the template says `spec: {source: {kafka: {topics: "${with.topic}"}}}`.

      fields (* is required):
      * apiVersion  The version of the manifest's form
      * kind        `Template`
      * metadata    The name of the template
        parameters  The values that each manifest sets under `with`
      * spec        A part of the `spec` of manifests, with their fields
    "#);
    insta::assert_snapshot!(said("source.postgres.credentials.password"), @"
    ClickPipe spec.source.postgres.credentials.password
      reference to a secret

      The user's password.

      on change: in place, sent together with `source.postgres.credentials`
      returned:  never; drift is not detected

      rules between fields:
        database-password     Error. Evidence: a refusal by the live API.
        database-other-login  Error. Evidence: a check of the official Terraform provider.

      fields (* is required):
        fromEnv      The environment variable that contains it
        fromFile     The file that contains it
        fromCommand  The program that prints it, with its arguments
        encoding     The encoding to apply before it is sent
        version      Increase it to re-send the secret after a rotation
    ");
}

#[test]
fn explain_accepts_shortened_paths() {
    for (asked, path) in [
        ("destination.columns.name", "spec.destination.columns.*.name"),
        ("destination.columns.0.name", "spec.destination.columns.*.name"),
        ("ClickPipe.spec.scaling.replicas", "spec.scaling.replicas"),
        ("clickpipe", "spec"),
        ("kafka.topics", "spec.source.kafka.topics"),
        ("metadata.service", "metadata.service"),
        ("previousNames", "metadata.previousNames"),
        ("replicaMemoryGb", "spec.replicaMemoryGb"),
        ("ReversePrivateEndpoint.type", "spec.type"),
        ("Project", ""),
        ("project.policy.maxDelete", "policy.maxDelete"),
        ("policy.maxDelete", "policy.maxDelete"),
        ("environments.prod.policy.protect", "environments.*.policy.protect"),
        ("environments.policy.protect", "environments.*.policy.protect"),
        ("Template", ""),
        ("template.parameters.type", "parameters.*.type"),
        ("Template.parameters.topic.default", "parameters.*.default"),
    ] {
        let path_found = explain_field(asked).map(|found| found.path.to_string());
        assert_eq!(path_found.as_deref(), Ok(path), "{asked}");
    }
}

#[test]
fn explain_suggests_similar_fields() {
    insta::assert_snapshot!(said("source.kafka.topic"), @"no field `source.kafka.topic`; did you mean `spec.source.kafka.topics`, or `spec.source.pubsub.topic`?");
    insta::assert_snapshot!(said("consumerGroup"), @"no field `consumerGroup`; did you mean `spec.source.kafka.consumerGroup`?");
    insta::assert_snapshot!(said("consumergrup"), @"no field `consumergrup`; did you mean `spec.source.kafka.consumerGroup`?");
    insta::assert_snapshot!(said("spec.labels"), @"no field `spec.labels`; did you mean `metadata.labels`?");
    insta::assert_snapshot!(said("zzzzzzzz"), @"no field `zzzzzzzz`");
}

#[test]
fn every_reference_row_ends_with_a_sentence() {
    let page = render_reference_page();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| ") && line.contains('`')).collect();
    assert!(rows.len() > 250, "{}", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let doc = cells.last().map(|cell| cell.trim_end_matches(" |")).unwrap_or_default();
        assert!(doc.ends_with('.') || doc.ends_with(")."), "{row}");
    }
}

/// Set `UPDATE_DOCS=1` to write the page.
#[test]
#[expect(clippy::disallowed_methods, reason = "the only way to ask a test to write")]
fn reference_page_is_up_to_date() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference.md");
    let page = render_reference_page();
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(file, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(written == page, "docs/reference.md is stale: run the test with UPDATE_DOCS=1");
}
