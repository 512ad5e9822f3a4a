//! What flows where: the source that a pipe reads and the tables that it writes, for a picture.
//!
//! For people only: nothing is decided by it.

use serde_json::Value;

use crate::semantics::{FieldSemantics, REDACTED_SECRET};
use model::address::Kind;
use model::path::FieldPath;

/// Where the rows of one pipe come from, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The kind of system that is read, in its maker's words: `Kafka (confluent)`.
    pub system: String,
    /// Which one it is: brokers, a host and its database, a project. Empty where nothing says.
    pub location: String,
    /// What is read there, and the table that each of it ends up in.
    pub edges: Vec<LineageEdge>,
}

/// One topic, table, collection or set of files on its way into one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageEdge {
    /// What is read.
    pub from: String,
    /// The table that is written, with its database where one is given.
    pub to: String,
}

/// How one source is called, and where in it the two halves of its address stand.
struct LineageSource {
    key: &'static str,
    system: &'static str,
    location: fn(&Value) -> String,
    items: SourceItems,
}

/// How a source says what is read.
enum SourceItems {
    /// In one text.
    Single(fn(&Value) -> String),
    /// In a list with commas.
    CommaList(&'static str),
    /// In the mappings, each by these fields.
    Mappings(&'static [&'static str]),
}

const LINEAGE_SOURCES: &[LineageSource] = &[
    LineageSource {
        key: "kafka",
        system: "Kafka",
        location: |it| text_at(it, "brokers"),
        items: SourceItems::CommaList("topics"),
    },
    LineageSource {
        key: "kinesis",
        system: "Kinesis",
        location: |it| text_at(it, "region"),
        items: SourceItems::Single(|it| text_at(it, "streamName")),
    },
    LineageSource {
        key: "objectStorage",
        system: "Object storage",
        location: |it| storage_location(it).0,
        items: SourceItems::Single(|it| storage_location(it).1),
    },
    LineageSource {
        key: "pubsub",
        system: "Pub/Sub",
        location: |it| text_at(it, "projectId"),
        items: SourceItems::Single(|it| text_at(it, "topic")),
    },
    LineageSource {
        key: "postgres",
        system: "Postgres",
        location: |it| join_nonempty("/", &[host_and_port(it), text_at(it, "database")]),
        items: SourceItems::Mappings(&["sourceSchemaName", "sourceTable"]),
    },
    LineageSource {
        key: "mysql",
        system: "MySQL",
        location: host_and_port,
        items: SourceItems::Mappings(&["sourceSchemaName", "sourceTable"]),
    },
    LineageSource {
        key: "mongodb",
        system: "MongoDB",
        location: |it| uri_host(&text_at(it, "uri")),
        items: SourceItems::Mappings(&["sourceDatabaseName", "sourceCollection"]),
    },
    LineageSource {
        key: "bigquery",
        system: "BigQuery",
        location: |_| String::new(),
        items: SourceItems::Mappings(&["sourceDatasetName", "sourceTable"]),
    },
];

/// Where the rows of an object come from and go to; `None` for what is no pipe, and for a pipe whose
/// body does not say. No secret is in it.
pub fn pipe_lineage(kind: Kind, body: &Value) -> Option<Lineage> {
    if kind != Kind::ClickPipe {
        return None;
    }
    let redacted = FieldSemantics::for_kind(kind).shown(body);
    let sources = redacted["source"].as_object()?;
    let (arm, source) = LINEAGE_SOURCES.iter().find_map(|arm| {
        let source = sources.get(arm.key).filter(|source| source.is_object())?;
        Some((arm, source))
    })?;
    let edges = lineage_edges(arm, source, &redacted["destination"]);
    let system = system_name(arm, &text_at(source, "type"));
    Some(Lineage { system, location: (arm.location)(source), edges })
}

fn system_name(lineage_source: &LineageSource, vendor: &str) -> String {
    let same = vendor.is_empty() || vendor.eq_ignore_ascii_case(lineage_source.system);
    if same { lineage_source.system.to_owned() } else { format!("{} ({vendor})", lineage_source.system) }
}

fn lineage_edges(lineage_source: &LineageSource, source: &Value, destination: &Value) -> Vec<LineageEdge> {
    let table = |name: String| join_nonempty(".", &[text_at(destination, "database"), name]);
    let to = || table(text_at(destination, "table"));
    match &lineage_source.items {
        SourceItems::Single(from) => vec![LineageEdge { from: from(source), to: to() }],
        SourceItems::CommaList(field) => {
            let names = text_at(source, field);
            let names = names.split(',').map(|name| name.trim().to_owned());
            names.map(|from| LineageEdge { from, to: to() }).collect()
        }
        SourceItems::Mappings(fields) => {
            let mappings = source["tableMappings"].as_array();
            let streams = mappings.into_iter().flatten().map(|mapping| {
                let from: Vec<String> = fields.iter().map(|field| text_at(mapping, field)).collect();
                LineageEdge { from: join_nonempty(".", &from), to: table(text_at(mapping, "targetTable")) }
            });
            streams.collect()
        }
    }
}

/// Host and port of a database.
fn host_and_port(source: &Value) -> String {
    join_nonempty(":", &[text_at(source, "host"), text_at(source, "port")])
}

/// The bucket or container, and what is read of it.
fn storage_location(source: &Value) -> (String, String) {
    let url = text_at(source, "url");
    let Some((_, rest)) = url.split_once("://") else {
        return (text_at(source, "azureContainerName"), text_at(source, "path"));
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (host.to_owned(), path.to_owned())
}

/// The host of a connection URI, which may hold a user and options.
fn uri_host(uri: &str) -> String {
    if uri == REDACTED_SECRET {
        return String::new();
    }
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// The text or number at a field; nothing for a reference to a secret.
fn text_at(value: &Value, field: &str) -> String {
    match FieldPath::parse(field).value_in(value) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn join_nonempty(with: &str, parts: &[String]) -> String {
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join(with)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::pipe_lineage;
    use model::address::Kind;

    fn render_lineage(source: &Value, destination: &Value) -> String {
        let body = json!({"source": source, "destination": destination});
        let Some(flow) = pipe_lineage(Kind::ClickPipe, &body) else { return "nothing".to_owned() };
        let streams = flow.edges.iter().map(|stream| format!("{} -> {}", stream.from, stream.to));
        let streams = streams.collect::<Vec<_>>().join("; ");
        format!("{} | {} | {streams}", flow.system, flow.location)
    }

    #[test]
    fn lineage_covers_every_source_kind() {
        let table = json!({"database": "raw", "table": "t"});
        let mapped = |from: &[&str]| {
            let mut mapping = json!({"targetTable": "t"});
            for field in from {
                mapping[*field] = json!(field[6..]);
            }
            json!([mapping])
        };
        let tables = mapped(&["sourceSchemaName", "sourceTable"]);
        for (source, destination, words) in [
            (
                json!({"kafka": {"type": "msk", "brokers": "b:9092", "topics": "a, b"}}),
                &table,
                "Kafka (msk) | b:9092 | a -> raw.t; b -> raw.t",
            ),
            (
                json!({"kinesis": {"region": "eu-west-1", "streamName": "s"}}),
                &table,
                "Kinesis | eu-west-1 | s -> raw.t",
            ),
            (
                json!({"objectStorage": {"type": "s3", "url": "https://b.s3.example.com/x/*.json"}}),
                &table,
                "Object storage (s3) | b.s3.example.com | x/*.json -> raw.t",
            ),
            (
                json!({"objectStorage": {"azureContainerName": "c", "path": "p/*"}}),
                &table,
                "Object storage | c | p/* -> raw.t",
            ),
            (json!({"pubsub": {"projectId": "p", "topic": "t"}}), &table, "Pub/Sub | p | t -> raw.t"),
            (
                json!({"postgres": {"type": "postgres", "host": "h", "port": 5432, "database": "d",
                    "tableMappings": tables}}),
                &json!({"database": "raw"}),
                "Postgres | h:5432/d | SchemaName.Table -> raw.t",
            ),
            (
                json!({"mysql": {"host": "h", "port": 3306, "tableMappings": tables}}),
                &json!({}),
                "MySQL | h:3306 | SchemaName.Table -> t",
            ),
            (
                json!({"mongodb": {"uri": "mongodb+srv://u@h.example.com/d?x=y",
                    "tableMappings": mapped(&["sourceDatabaseName", "sourceCollection"])}}),
                &json!({}),
                "MongoDB | h.example.com | DatabaseName.Collection -> t",
            ),
            (
                json!({"bigquery": {"tableMappings": mapped(&["sourceDatasetName", "sourceTable"])}}),
                &json!({}),
                "BigQuery |  | DatasetName.Table -> t",
            ),
            (json!({}), &table, "nothing"),
        ] {
            assert_eq!(render_lineage(&source, destination), words);
        }
    }

    #[test]
    fn lineage_omits_passwords() {
        for uri in [json!("mongodb://u:canary@h"), json!({"fromEnv": "URI"})] {
            let source = json!({"mongodb": {"uri": uri, "tableMappings": []}});
            assert!(!render_lineage(&source, &json!({})).contains("canary"));
        }
    }

    #[test]
    fn only_pipes_have_lineage() {
        let body = json!({"source": {"kafka": {"topics": "t"}}});
        assert_eq!(pipe_lineage(Kind::ReversePrivateEndpoint, &body), None);
    }
}
