//! A stored pipe, and how a read shows it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::Timestamp;
use crate::contract::render::{ReadContext, render_fields};
use crate::contract::source::ApiSource;
use crate::json_body::{is_true, object_items, text_field};
use crate::lifecycle::{EmulatedPipeState, PipeMode};
use crate::options::SandboxOptions;
use crate::quirks::Quirk;
use crate::timeline::Timeline;
use crate::uuid;

/// One pipe. It contains no secret: they are masked before it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct EmulatedPipe {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) source: ApiSource,
    pub(crate) source_fields: Map<String, Value>,
    pub(crate) destination: Map<String, Value>,
    pub(crate) field_mappings: Vec<Value>,
    pub(crate) scaling: Option<Timeline<ReplicaSize>>,
    /// Fields of the size that are not in the contract.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) unknown_scaling: Map<String, Value>,
    pub(crate) settings: Map<String, Value>,
    /// Fields that are not in the contract. An API that knows them returns them.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) unknown_fields: Map<String, Value>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) states: Timeline<EmulatedPipeState>,
    pub(crate) listed_from: Timestamp,
    pub(crate) deleted_from: Option<Timestamp>,
    /// `true` if its tables were dropped after the last start.
    #[serde(default)]
    pub(crate) has_dropped_tables: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplicaSize {
    pub(crate) replicas: i64,
    pub(crate) cpu: i64,
    pub(crate) memory: f64,
}

impl ReplicaSize {
    // The smallest size (XS). It is not proven that this is the API's default.
    pub(crate) const DEFAULT: Self = Self { replicas: 1, cpu: 125, memory: 0.5 };
    pub(crate) const ZERO: Self = Self { replicas: 0, cpu: 0, memory: 0.0 };

    pub(crate) fn with_overrides(self, body: &Map<String, Value>) -> Self {
        let integer = |name: &str, otherwise: i64| body.get(name).and_then(Value::as_i64).unwrap_or(otherwise);
        Self {
            replicas: integer("replicas", self.replicas),
            cpu: integer("replicaCpuMillicores", self.cpu),
            memory: body.get("replicaMemoryGb").and_then(Value::as_f64).unwrap_or(self.memory),
        }
    }

    pub(crate) fn to_json(self) -> Value {
        let Self { replicas, cpu, memory } = self;
        json!({"replicas": replicas, "replicaCpuMillicores": cpu, "replicaMemoryGb": json_number(memory)})
    }

    fn render_size(self, reading: ReadContext<'_>) -> Value {
        // Only CPU and memory: the number of replicas is a number in every answer that is known.
        let quantities = self != Self::ZERO && reading.should_apply_quirk(Quirk::QuantityStrings, "scaling");
        let (cpu, memory) = if quantities {
            (json!(cpu_quantity(self.cpu)), json!(memory_quantity(self.memory)))
        } else {
            (json!(self.cpu), json_number(self.memory))
        };
        json!({
            "replicas": self.replicas,
            "replicaCpuMillicores": cpu,
            "replicaMemoryGb": memory,
        })
    }
}

fn cpu_quantity(millicores: i64) -> String {
    if millicores % 1000 == 0 { (millicores / 1000).to_string() } else { format!("{millicores}m") }
}

fn memory_quantity(gib: f64) -> String {
    if gib.fract() == 0.0 { format!("{gib}Gi") } else { format!("{}Mi", gib * 1024.0) }
}

/// Whole numbers have no fraction, as in the API.
#[expect(clippy::cast_possible_truncation, reason = "sizes are at most 128")]
pub(crate) fn json_number(value: f64) -> Value {
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

impl EmulatedPipe {
    pub(crate) fn state_at(&self, now: Timestamp) -> EmulatedPipeState {
        *self.states.value_at(now)
    }

    pub(crate) fn pipe_mode(&self) -> PipeMode {
        let mode = self.source_fields.get("settings").and_then(|settings| settings["replicationMode"].as_str());
        let continuous = self.source_fields.get("isContinuous").and_then(Value::as_bool).unwrap_or(false);
        PipeMode::for_source(self.source, mode, continuous)
    }

    pub(crate) fn is_deleted(&self, now: Timestamp) -> bool {
        self.deleted_from.is_some_and(|from| from <= now)
    }

    pub(crate) fn has_rows(&self, now: Timestamp) -> bool {
        let began = !matches!(self.state_at(now), EmulatedPipeState::Provisioning | EmulatedPipeState::Setup);
        began && !(self.has_dropped_tables && self.is_at_rest(now))
    }

    pub(crate) fn drop_tables(&mut self, now: Timestamp) {
        // A pipe that is not at rest re-creates its tables.
        self.has_dropped_tables |= self.is_at_rest(now);
    }

    fn is_at_rest(&self, now: Timestamp) -> bool {
        matches!(
            self.state_at(now),
            EmulatedPipeState::Paused
                | EmulatedPipeState::Stopped
                | EmulatedPipeState::Completed
                | EmulatedPipeState::Failed
        )
    }

    /// The first eight characters of the id, which error texts of the API contain.
    pub(crate) fn short_id(&self) -> &str {
        self.id.get(..8).unwrap_or(&self.id)
    }

    /// The tables that it creates and fills, as `database.table`.
    pub(crate) fn destination_tables(&self) -> Vec<String> {
        let managed = is_true(&self.destination, "managedTable").then(|| text_field(&self.destination, "table"));
        let mapped = object_items(&self.source_fields, "tableMappings").map(|each| text_field(each, "targetTable"));
        let database = text_field(&self.destination, "database").unwrap_or_default();
        managed.into_iter().chain(mapped).flatten().map(|table| format!("{database}.{table}")).collect()
    }

    pub(crate) fn render_pipe(&self, service: &str, now: Timestamp, options: &SandboxOptions, seed: u64) -> Value {
        // Mixed with the id: else all pipes of a list would have the same oddities at the same time.
        let seed = uuid::mix_bits(seed ^ uuid::hash_text(&self.id));
        let reading = ReadContext::new(options, seed, &self.id);
        let mut rendered = Map::new();
        let mut put = |name: &str, value: Value| rendered.insert(name.to_owned(), value);
        put("id", json!(self.id));
        put("serviceId", json!(service));
        put("name", json!(self.name));
        put("state", json!(self.state_at(now)));
        if let Some(scaling) = &self.scaling {
            let mut size = scaling.value_at(now).render_size(reading);
            size.as_object_mut().into_iter().for_each(|size| size.extend(self.unknown_scaling.clone()));
            put("scaling", size);
        }
        put("source", self.render_source(reading));
        put("destination", render_fields(self.source.destination_specs(), &self.destination, reading).into());
        if !self.field_mappings.is_empty() || !reading.should_apply_quirk(Quirk::NullLists, "fieldMappings") {
            put("fieldMappings", json!(self.field_mappings));
        }
        put("settings", json!(self.settings));
        put("createdAt", json!(self.created_at.to_string()));
        put("updatedAt", json!(self.updated_at.to_string()));
        // A client may send back what it read, such as an old state.
        for (name, value) in &self.unknown_fields {
            rendered.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(rendered)
    }

    fn render_source(&self, reading: ReadContext<'_>) -> Value {
        // An answer contains the unused sources as null.
        let arms = ApiSource::ALL.map(|source| {
            let used = source == self.source;
            let arm = used.then(|| Value::Object(render_fields(source.field_specs(), &self.source_fields, reading)));
            (source.json_key().to_owned(), arm.unwrap_or_default())
        });
        Value::Object(arms.into_iter().collect())
    }
}
