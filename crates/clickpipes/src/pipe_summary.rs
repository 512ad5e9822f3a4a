//! A live pipe in one line of a table: its source, tables, size and age.
//!
//! For people only: no decision depends on it. It contains no secret.

use serde::Serialize;
use serde_json::Value;

use crate::lineage::{self, Lineage};
use crate::pipe::source::{SourceFamily, source_family};
use crate::semantics::FieldSemantics;
use model::address::Kind;

/// One pipe.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PipeSummary {
    /// The kind of source system, such as `Kafka (confluent)`; empty if unknown.
    pub source: String,
    /// The format of the data; empty for a database.
    pub format: String,
    /// The tables that are written, each once.
    pub tables: Vec<String>,
    /// Its size; no pipe contains the shared size of the database pipes.
    pub size: Option<ComputeSize>,
    /// Whether it shares its size with the other database pipes of the service.
    pub shares_size: bool,
    /// Its creation time, in the form of the API (RFC 3339).
    pub created_at: Option<String>,
    /// When it was changed last.
    pub updated_at: Option<String>,
}

/// The compute size of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComputeSize {
    /// The number of replicas; one for the shared size of database pipes.
    pub replicas: u64,
    /// Thousandths of a core.
    pub millicores: f64,
    /// Gigabytes.
    pub memory_gb: f64,
}

impl ComputeSize {
    /// `2 x 0.5 cores, 1 GB`; database pipes share theirs.
    pub fn describe(self, is_shared: bool) -> String {
        let cores = self.millicores / 1000.0;
        let unit = if (cores - 1.0).abs() < f64::EPSILON { "core" } else { "cores" };
        let one = format!("{cores} {unit}, {} GB", self.memory_gb);
        if is_shared { format!("shared {one}") } else { format!("{} x {one}", self.replicas) }
    }
}

/// Reads the body of a pipe from the API.
pub fn summarize_pipe(body: &Value) -> PipeSummary {
    summarize_with_lineage(body, lineage::pipe_lineage(Kind::ClickPipe, body))
}

/// The same with the [`Lineage`] of the pipe, if it is already known.
pub fn summarize_with_lineage(body: &Value, flow: Option<Lineage>) -> PipeSummary {
    let unknown_source = || (unknown_source(body), Vec::new());
    let (source, streams) = flow.map_or_else(unknown_source, |flow| (flow.system, flow.edges));
    let mut tables: Vec<String> = streams.into_iter().map(|stream| stream.to).collect();
    tables.sort();
    tables.dedup();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let scaling = FieldSemantics::for_kind(Kind::ClickPipe).child_field("scaling").normalize_live(&body["scaling"]);
    let sources = body["source"].as_object().into_iter().flat_map(|sources| sources.values());
    PipeSummary {
        source,
        format: sources.filter_map(|it| it["format"].as_str()).collect(),
        tables,
        size: parse_size(&scaling, whole_number(&scaling["replicas"])),
        shares_size: source_family(body) == Some(SourceFamily::Database),
        created_at: text("createdAt"),
        updated_at: text("updatedAt"),
    }
}

/// Reads the shared size of database pipes from the API.
pub fn shared_size(body: &Value) -> Option<ComputeSize> {
    parse_size(&FieldSemantics::for_kind(Kind::CdcScaling).normalize_live(body), Some(1))
}

/// `2` and `2.0` are one number on the wire.
fn whole_number(value: &Value) -> Option<u64> {
    let whole = || format!("{}", value.as_f64()?).parse().ok();
    value.as_u64().or_else(whole)
}

/// The name of a source that this version does not know; empty if there is none.
fn unknown_source(body: &Value) -> String {
    let mut sources = body["source"].as_object().into_iter().flatten();
    sources.find(|(_, source)| source.is_object()).map(|(name, _)| name.clone()).unwrap_or_default()
}

/// The API reports sizes of zero, or none, while a change is in progress: these are not sizes.
fn parse_size(body: &Value, replicas: Option<u64>) -> Option<ComputeSize> {
    let number = |name: &str| body[name].as_f64().filter(|number| *number > 0.0);
    Some(ComputeSize {
        replicas: replicas.filter(|replicas| *replicas > 0)?,
        millicores: number("replicaCpuMillicores")?,
        memory_gb: number("replicaMemoryGb")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ComputeSize, shared_size, summarize_pipe};

    #[test]
    fn pipe_size_is_parsed_and_zero_means_none() {
        let read = |replicas: u64, cpu: &str, memory: &str| {
            let scaling = json!({"replicas": replicas, "replicaCpuMillicores": cpu, "replicaMemoryGb": memory});
            summarize_pipe(&json!({"source": {"kafka": {}}, "scaling": scaling})).size
        };
        let size = ComputeSize { replicas: 2, millicores: 250.0, memory_gb: 0.5 };
        assert_eq!(read(2, "250m", "512Mi"), Some(size));
        assert_eq!(read(2, "250", "0.5"), Some(size));
        assert_eq!(read(0, "0", "0"), None);
        let whole = json!({"replicas": 2.0, "replicaCpuMillicores": 250.0, "replicaMemoryGb": 0.5});
        assert_eq!(summarize_pipe(&json!({"source": {"kafka": {}}, "scaling": whole})).size, Some(size));
        assert_eq!(summarize_pipe(&json!({"source": {"kafka": {}}, "scaling": null})).size, None);
        let shared = json!({"replicaCpuMillicores": 2000, "replicaMemoryGb": 8});
        let size = ComputeSize { replicas: 1, millicores: 2000.0, memory_gb: 8.0 };
        assert_eq!(shared_size(&shared), Some(size));
    }

    #[test]
    fn source_of_another_version_is_named() {
        assert_eq!(summarize_pipe(&json!({"source": {"kafka": null, "pigeon": {}}})).source, "pigeon");
        assert_eq!(summarize_pipe(&json!({"source": {}})).source, "");
    }

    #[test]
    fn table_written_by_many_topics_is_listed_once() {
        let source = json!({"kafka": {"topics": "a,b"}});
        let overview = summarize_pipe(&json!({"source": source, "destination": {"table": "t"}}));
        assert_eq!(overview.tables, ["default.t"]);
        assert!(!overview.shares_size);
        let source = json!({"postgres": {"tableMappings": [{"targetTable": "x"}, {"targetTable": "y"}]}});
        let overview = summarize_pipe(&json!({"source": source, "destination": {"database": "d"}}));
        assert_eq!((overview.tables.len(), overview.shares_size), (2, true));
    }
}
