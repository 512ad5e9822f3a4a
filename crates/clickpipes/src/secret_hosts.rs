//! The hosts that receive the secrets of an object, and weakened TLS, for reviewers.

use serde_json::Value;

use crate::connection_options;
use crate::pipe::source::SourceKind;
use crate::secrets::host::SecretHost;
use crate::semantics::FieldSemantics;
use model::address::Kind;
use model::path::{FieldPath, VisitedPath};

/// The receivers of the secret at `path` of a body.
pub fn secret_hosts(kind: Kind, body: &Value, path: &FieldPath) -> Vec<SecretHost> {
    let unknown = vec![SecretHost::Unknown];
    // A field under `additional` may belong to another connection than those that are known.
    if !FieldSemantics::for_kind(kind).is_known_path(path) {
        return unknown;
    }
    let Some((source_kind, source)) = SourceKind::in_body(body) else { return unknown };
    let mut found = match path.segments() {
        [first, key, field, ..] if first == "source" && key == source_kind.spec().key => {
            (source_kind.spec().secret_hosts)(source, field)
        }
        _ => Vec::new(),
    };
    // The brokers and the endpoint of a pipe can be the same.
    let mut seen = Vec::new();
    found.retain(|host| {
        !seen.contains(host) && {
            seen.push(host.clone());
            true
        }
    });
    if found.is_empty() { unknown } else { found }
}

/// The fields of a body that switch TLS off, or its check of the certificate.
pub fn weakened_tls(kind: Kind, body: &Value) -> Vec<FieldPath> {
    let mut found = Vec::new();
    collect_weakened(FieldSemantics::for_kind(kind), body, &VisitedPath::root(), &mut found);
    found
}

fn collect_weakened(rules: &FieldSemantics, value: &Value, path: &VisitedPath<'_>, found: &mut Vec<FieldPath>) {
    if rules.weakens_tls && (*value == true || value.as_str().is_some_and(connection_options::weakens_tls)) {
        found.push(path.to_field_path());
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        collect_weakened(rules.child_field(name), field, &path.key(name), found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{secret_hosts, weakened_tls};
    use model::address::Kind;
    use model::secret::find_secret_references;

    fn hosts(source: &Value) -> Vec<String> {
        let body = json!({ "source": source });
        let secrets = find_secret_references(&body);
        let line = |secret: &model::secret::ReferencedSecret| {
            let to: Vec<String> =
                secret_hosts(Kind::ClickPipe, &body, &secret.path).iter().map(ToString::to_string).collect();
            format!("{} -> {}", secret.path.segments().last().unwrap(), to.join(", "))
        };
        secrets.iter().map(line).collect()
    }

    #[test]
    fn every_secret_of_a_source_has_its_host() {
        let secret = json!({"fromEnv": "P"});
        let login = json!({"username": "u", "password": secret});
        for (source, expected) in [
            (
                json!({"kafka": {"brokers": "B2:9092, b1:9092", "credentials": login,
                    "schemaRegistry": {"url": "https://Registry.example.com/schemas/1", "credentials": login}}}),
                vec!["password -> b1:9092, b2:9092", "password -> registry.example.com"],
            ),
            (
                json!({"kafka": {"brokers": "b:9092", "credentials": login,
                    "reversePrivateEndpointIds": [{"endpoint": "link"}, "0000-id"]}}),
                vec!["password -> b:9092, endpoint link, endpoint 0000-id"],
            ),
            (
                json!({"postgres": {"host": "pg.example.com", "port": 5432, "credentials": login}}),
                vec!["password -> pg.example.com:5432"],
            ),
            (
                json!({"mysql": {"host": "my.example.com", "port": 3306, "credentials": login}}),
                vec!["password -> my.example.com:3306"],
            ),
            (
                json!({"mongodb": {"uri": "mongodb://me@b:27017,a:27017/db?x=y", "credentials": login}}),
                vec!["password -> a:27017, b:27017"],
            ),
            (
                json!({"mongodb": {"uri": secret, "credentials": login}}),
                vec!["uri -> the host that it contains", "password -> the host that it contains"],
            ),
            (
                json!({"kinesis": {"region": "eu-west-1", "accessKey": {"accessKeyId": "k", "secretKey": secret}}}),
                vec!["secretKey -> kinesis.eu-west-1.amazonaws.com"],
            ),
            (
                json!({"kafka": {"brokers": {"endpoint": "events"}, "authentication": "IAM_USER",
                    "credentials": {"accessKeyId": "k", "secretKey": secret},
                    "schemaRegistry": {"type": "glue", "glueRegion": "eu-west-1", "glueRegistryName": "r"}}}),
                vec!["secretKey -> endpoint events, glue.eu-west-1.amazonaws.com"],
            ),
            (
                json!({"kinesis": {"region": "eu-west-1", "accessKey": {"accessKeyId": "k", "secretKey": secret},
                    "schemaRegistry": {"type": "glue", "glueRegion": "us-east-1", "glueRegistryName": "r"}}}),
                vec!["secretKey -> kinesis.eu-west-1.amazonaws.com, glue.us-east-1.amazonaws.com"],
            ),
            (
                json!({"postgres": {"host": {"endpoint": "db"}, "port": 5432, "sshKeyResourceId": "t",
                    "credentials": login}}),
                vec!["password -> endpoint db:5432"],
            ),
            (
                json!({"objectStorage": {"url": "https://b.s3.example.com/x/*.csv",
                    "accessKey": {"accessKeyId": "k", "secretKey": secret}}}),
                vec!["secretKey -> b.s3.example.com"],
            ),
            (
                json!({"objectStorage": {"connectionString": secret}}),
                vec!["connectionString -> the host that it contains"],
            ),
            (
                json!({"objectStorage": {"url": "gs://bucket/x", "serviceAccountKey": secret}}),
                vec!["serviceAccountKey -> storage.googleapis.com"],
            ),
            (
                json!({"pubsub": {"serviceAccountKey": {"serviceAccountFile": secret}}}),
                vec!["serviceAccountFile -> pubsub.googleapis.com"],
            ),
            (
                json!({"bigquery": {"credentials": {"serviceAccountFile": secret}}}),
                vec!["serviceAccountFile -> bigquery.googleapis.com"],
            ),
        ] {
            assert_eq!(hosts(&source), expected, "{source}");
        }
    }

    #[test]
    fn secret_of_an_unknown_field_has_no_known_host() {
        let secret = json!({"fromEnv": "P"});
        let unknown = ["P -> a host that this version cannot tell"];
        for source in [
            json!({"kafka": {"brokers": "b:9092", "P": secret}}),
            json!({"newSource": {"host": "h", "P": secret}}),
            json!({"postgres": {"host": "h", "credentials": {"P": secret}}}),
        ] {
            assert_eq!(hosts(&source), unknown, "{source}");
        }
    }

    #[test]
    fn weakened_tls_is_found() {
        let body = json!({"source": {"postgres": {"disableTls": true, "skipCertVerification": false}}});
        let found: Vec<String> = weakened_tls(Kind::ClickPipe, &body).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["source.postgres.disableTls"]);
    }
}
