//! The data flow of a pipe: its source and the tables that it writes, for a picture.
//!
//! It is also used to compare what a new pipe and another one load.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::network_address::is_same_location;
use crate::pipe::source::{SourceItems, SourceKind, SourceSpec, join_nonempty, text_at};
use crate::pipe::written_tables::{WrittenTable, written_tables};
use crate::semantics::{FieldSemantics, is_masked};
use model::address::Kind;

/// The source of the rows of one pipe, and their destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    source: &'static str,
    /// The kind of system that is read, in its maker's words: `Kafka (confluent)`.
    pub system: String,
    /// The source's location: brokers, a host and its database, a project. Empty if unknown.
    pub location: String,
    /// Whether a named endpoint is in front of it: then only live shows the host.
    is_behind_endpoint: bool,
    /// The items that are read, each with its table.
    pub edges: Vec<LineageEdge>,
}

impl Lineage {
    /// Whether both may read the same data into the same table. A value that is a secret, is masked or is not returned
    /// by the API matches any.
    pub fn may_load_the_same(&self, other: &Self) -> bool {
        if self.source != other.source || !self.may_be_at_place_of(other) {
            return false;
        }
        let mut by_table: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for edge in &self.edges {
            by_table.entry(&edge.to).or_default().push(&edge.from);
        }
        let may_be_same = |one: &str, other: &str| one == other || is_hidden(one) || is_hidden(other);
        other.edges.iter().any(|edge| {
            if is_hidden(&edge.to) {
                return self.edges.iter().any(|own| may_be_same(&own.from, &edge.from));
            }
            by_table.get(edge.to.as_str()).into_iter().flatten().any(|item| may_be_same(item, &edge.from))
        })
    }

    fn may_be_at_place_of(&self, other: &Self) -> bool {
        let is_unknown = |it: &Self| it.is_behind_endpoint || is_hidden(&it.location);
        is_unknown(self) || is_unknown(other) || is_same_location(&self.location, &other.location)
    }
}

/// Whether a text hides its real value.
fn is_hidden(text: &str) -> bool {
    text.is_empty() || is_masked(text)
}

/// One topic, table, collection or set of files, and the table that it fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineageEdge {
    /// The item that is read.
    pub from: String,
    /// The table that is written, with its database.
    pub to: String,
}

/// The source and the destination of an object's rows; `None` for objects other than pipes, and for a pipe whose body
/// does not contain them. Contains no secret.
pub fn pipe_lineage(kind: Kind, body: &Value) -> Option<Lineage> {
    if kind != Kind::ClickPipe {
        return None;
    }
    // Columns are not shown, and they are most of a body.
    let rules = FieldSemantics::for_kind(kind);
    let shown = |name: &str| rules.child_field(name).shown(&body[name]);
    let names = |name: &str| rules.child_field("destination").child_field(name).shown(&body["destination"][name]);
    let destination = Value::from_iter([("database", names("database")), ("table", names("table"))]);
    let redacted = Value::from_iter([("source", shown("source")), ("destination", destination)]);
    let (kind, source) = SourceKind::in_body(&redacted)?;
    let spec = kind.spec();
    let edges = lineage_edges(spec, source, &redacted);
    let system = system_name(spec, &text_at(source, "type"));
    let fields = rules.child_field("source").child_field(spec.key);
    let is_behind_endpoint =
        fields.child_fields().any(|(name, field)| field.referenced_object(&source[name]).is_some());
    Some(Lineage { source: spec.key, system, location: (spec.location)(source), is_behind_endpoint, edges })
}

fn system_name(spec: &SourceSpec, vendor: &str) -> String {
    let same = vendor.is_empty() || vendor.eq_ignore_ascii_case(spec.title);
    if same { spec.title.to_owned() } else { format!("{} ({vendor})", spec.title) }
}

fn lineage_edges(spec: &SourceSpec, source: &Value, body: &Value) -> Vec<LineageEdge> {
    let tables = written_tables(body);
    let edges = tables.iter().flat_map(|table| {
        let to = table.full_name();
        let items = read_items(&spec.items, source, table);
        items.into_iter().map(move |from| LineageEdge { from, to: to.clone() })
    });
    edges.collect()
}

fn read_items(items: &SourceItems, source: &Value, table: &WrittenTable<'_>) -> Vec<String> {
    match (items, table.mapping) {
        (SourceItems::Single(read), None) => vec![read(source)],
        (SourceItems::CommaList(field), None) => {
            text_at(source, field).split(',').map(|name| name.trim().to_owned()).collect()
        }
        (SourceItems::Mappings(fields), Some(mapping)) => {
            let parts: Vec<String> = fields.iter().map(|field| text_at(mapping, field)).collect();
            vec![join_nonempty(".", &parts)]
        }
        (SourceItems::Single(_) | SourceItems::CommaList(_), Some(_)) | (SourceItems::Mappings(_), None) => Vec::new(),
    }
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
                "MySQL | h:3306 | SchemaName.Table -> default.t",
            ),
            (
                json!({"mongodb": {"uri": "mongodb+srv://u@h.example.com/d?x=y",
                    "tableMappings": mapped(&["sourceDatabaseName", "sourceCollection"])}}),
                &json!({}),
                "MongoDB | h.example.com | DatabaseName.Collection -> default.t",
            ),
            (
                json!({"bigquery": {"tableMappings": mapped(&["sourceDatasetName", "sourceTable"])}}),
                &json!({}),
                "BigQuery |  | DatasetName.Table -> default.t",
            ),
            (json!({}), &table, "nothing"),
        ] {
            assert_eq!(render_lineage(&source, destination), words);
        }
    }

    #[test]
    fn one_load_has_many_spellings() {
        let lineage = |source: &Value, database: Option<&str>| {
            let destination = database.map_or(json!({"table": "t"}), |name| json!({"database": name, "table": "t"}));
            pipe_lineage(Kind::ClickPipe, &json!({"source": source, "destination": destination})).unwrap()
        };
        let kafka = |brokers: &str| json!({"kafka": {"brokers": brokers, "topics": "a"}});
        let files = |url: &str| json!({"objectStorage": {"url": url}});
        let azure = |path: &str| json!({"objectStorage": {"azureContainerName": path, "path": path}});
        for (one, other, is_same) in [
            (kafka("b1:9092,b2:9092"), kafka("B1:9092"), true),
            (kafka("b1:9092,b2:9092"), kafka("b3:9092"), false),
            (files("s3://a/x/*.json"), files("https://a.s3.us-east-1.amazonaws.com/x/*.json"), true),
            (files("s3://a/x/*.json"), files("https://s3.us-east-1.amazonaws.com/a/x/*.json"), true),
            (files("gs://a/x/*.json"), files("https://storage.googleapis.com/a/x/*.json"), true),
            (files("s3://a/x/*.json"), files("s3://a/y/*.json"), false),
            (files("s3://a/x/*.json"), files("s3://b/x/*.json"), false),
            (json!({"kafka": {"brokers": {"endpoint": "msk"}, "topics": "a"}}), kafka("b1:9092"), true),
            (json!({"kafka": {"brokers": {"endpoint": "msk"}, "topics": "b"}}), kafka("b1:9092"), false),
            (kafka("b1:9092"), kafka("***:9092"), true),
            (kafka("b1:9092"), json!({"kafka": {"brokers": "b1:9092", "topics": "[REDACTED]"}}), true),
            (files("s3://a/x/*.json"), files("https://***.s3.us-east-1.amazonaws.com/x/*.json"), true),
            (files("s3://a/x/*.json"), files("https://***.s3.us-east-1.amazonaws.com/y/*.json"), false),
            // The API returns neither the container nor the path.
            (azure("p"), azure(""), true),
            (azure("p"), kafka("b1:9092"), false),
        ] {
            assert_eq!(
                lineage(&one, Some("default")).may_load_the_same(&lineage(&other, None)),
                is_same,
                "{one} {other}"
            );
            assert!(!lineage(&one, Some("raw")).may_load_the_same(&lineage(&other, None)), "{one} {other}");
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
