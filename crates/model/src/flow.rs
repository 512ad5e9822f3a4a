//! What flows where: the source that a pipe reads and the tables that it writes, for a picture.
//!
//! For people only: nothing is decided by it.

use serde_json::Value;

use crate::address::Kind;
use crate::path::Path;
use crate::rules::{Rules, SECRET_SHOWN};

/// Where the rows of one pipe come from, and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The kind of system that is read, in its maker's words: `Kafka (confluent)`.
    pub system: String,
    /// Which one it is: brokers, a host and its database, a project. Empty where nothing says.
    pub place: String,
    /// What is read there, and the table that each of it ends up in.
    pub streams: Vec<Stream>,
}

/// One topic, table, collection or set of files on its way into one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// What is read.
    pub from: String,
    /// The table that is written, with its database where one is given.
    pub to: String,
}

/// How one source is called, and where in it the two halves of its address stand.
struct Arm {
    name: &'static str,
    system: &'static str,
    place: fn(&Value) -> String,
    from: From,
}

/// How a source says what is read.
enum From {
    /// In one text.
    One(fn(&Value) -> String),
    /// In a list with commas.
    List(&'static str),
    /// In the mappings, each by these fields.
    Mappings(&'static [&'static str]),
}

const ARMS: &[Arm] = &[
    Arm {
        name: "kafka",
        system: "Kafka",
        place: |it| text(it, "brokers"),
        from: From::List("topics"),
    },
    Arm {
        name: "kinesis",
        system: "Kinesis",
        place: |it| text(it, "region"),
        from: From::One(|it| text(it, "streamName")),
    },
    Arm {
        name: "objectStorage",
        system: "Object storage",
        place: |it| storage(it).0,
        from: From::One(|it| storage(it).1),
    },
    Arm {
        name: "pubsub",
        system: "Pub/Sub",
        place: |it| text(it, "projectId"),
        from: From::One(|it| text(it, "topic")),
    },
    Arm {
        name: "postgres",
        system: "Postgres",
        place: |it| joined("/", &[server(it), text(it, "database")]),
        from: From::Mappings(&["sourceSchemaName", "sourceTable"]),
    },
    Arm {
        name: "mysql",
        system: "MySQL",
        place: server,
        from: From::Mappings(&["sourceSchemaName", "sourceTable"]),
    },
    Arm {
        name: "mongodb",
        system: "MongoDB",
        place: |it| host(&text(it, "uri")),
        from: From::Mappings(&["sourceDatabaseName", "sourceCollection"]),
    },
    Arm {
        name: "bigquery",
        system: "BigQuery",
        place: |_| String::new(),
        from: From::Mappings(&["sourceDatasetName", "sourceTable"]),
    },
];

/// Where the rows of an object come from and go to; `None` for what is no pipe, and for a pipe whose
/// body does not say. No secret is in it.
pub fn of(kind: Kind, body: &Value) -> Option<Flow> {
    if kind != Kind::ClickPipe {
        return None;
    }
    let body = Rules::of(kind).shown(body);
    let sources = body["source"].as_object()?;
    let (arm, source) = ARMS.iter().find_map(|arm| {
        let source = sources.get(arm.name).filter(|source| source.is_object())?;
        Some((arm, source))
    })?;
    let streams = streams(arm, source, &body["destination"]);
    let system = system(arm, &text(source, "type"));
    Some(Flow { system, place: (arm.place)(source), streams })
}

fn system(arm: &Arm, vendor: &str) -> String {
    let same = vendor.is_empty() || vendor.eq_ignore_ascii_case(arm.system);
    if same { arm.system.to_owned() } else { format!("{} ({vendor})", arm.system) }
}

fn streams(arm: &Arm, source: &Value, destination: &Value) -> Vec<Stream> {
    let table = |name: String| joined(".", &[text(destination, "database"), name]);
    let to = || table(text(destination, "table"));
    match &arm.from {
        From::One(from) => vec![Stream { from: from(source), to: to() }],
        From::List(field) => {
            let names = text(source, field);
            let names = names.split(',').map(|name| name.trim().to_owned());
            names.map(|from| Stream { from, to: to() }).collect()
        }
        From::Mappings(fields) => {
            let mappings = source["tableMappings"].as_array();
            let streams = mappings.into_iter().flatten().map(|mapping| {
                let from: Vec<String> = fields.iter().map(|field| text(mapping, field)).collect();
                Stream { from: joined(".", &from), to: table(text(mapping, "targetTable")) }
            });
            streams.collect()
        }
    }
}

/// Host and port of a database.
fn server(source: &Value) -> String {
    joined(":", &[text(source, "host"), text(source, "port")])
}

/// The bucket or container, and what is read of it.
fn storage(source: &Value) -> (String, String) {
    let url = text(source, "url");
    let Some((_, rest)) = url.split_once("://") else {
        return (text(source, "azureContainerName"), text(source, "path"));
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (host.to_owned(), path.to_owned())
}

/// The host of a connection URI, which may hold a user and options.
fn host(uri: &str) -> String {
    if uri == SECRET_SHOWN {
        return String::new();
    }
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    rest.split(['/', '?']).next().unwrap_or_default().to_owned()
}

/// The text or number at a field; nothing for a reference to a secret.
fn text(value: &Value, field: &str) -> String {
    match Path::parse(field).get(value) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn joined(with: &str, parts: &[String]) -> String {
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join(with)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::of;
    use crate::address::Kind;

    fn told(source: &Value, destination: &Value) -> String {
        let body = json!({"source": source, "destination": destination});
        let Some(flow) = of(Kind::ClickPipe, &body) else { return "nothing".to_owned() };
        let streams = flow.streams.iter().map(|stream| format!("{} -> {}", stream.from, stream.to));
        let streams = streams.collect::<Vec<_>>().join("; ");
        format!("{} | {} | {streams}", flow.system, flow.place)
    }

    #[test]
    fn every_source_says_where_its_rows_come_from() {
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
            (
                json!({"pubsub": {"projectId": "p", "topic": "t"}}),
                &table,
                "Pub/Sub | p | t -> raw.t",
            ),
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
            assert_eq!(told(&source, destination), words);
        }
    }

    #[test]
    fn no_password_is_told() {
        for uri in [json!("mongodb://u:canary@h"), json!({"fromEnv": "URI"})] {
            let source = json!({"mongodb": {"uri": uri, "tableMappings": []}});
            assert!(!told(&source, &json!({})).contains("canary"));
        }
    }

    #[test]
    fn only_pipes_have_a_flow() {
        let body = json!({"source": {"kafka": {"topics": "t"}}});
        assert_eq!(of(Kind::ReversePrivateEndpoint, &body), None);
    }
}
