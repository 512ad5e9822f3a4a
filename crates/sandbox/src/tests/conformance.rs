//! The rows against the official schema, wherever `PIPECTL_OPENAPI` names a copy of it, or several.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::contract::field_spec::{FieldSpec, JsonType, KnownSchema, PatchSupport, ReadVisibility};
use crate::contract::settings::SETTINGS;
use crate::contract::source::ApiSource;
use crate::contract::{cdc_scaling, destination, endpoint, scaling};

/// Words that no schema has, and the official provider does.
const PREVIEW_WORDS: &[(&str, &[&str])] = &[
    ("MySQLSource.type", &["cloudsqlmysql", "planetscalevitess"]),
    ("BigQuerySource.settings.replicationMode", &["cdc", "cdc_only"]),
];

struct OfficialSchema(Value);

impl OfficialSchema {
    fn load_from_env() -> Vec<Self> {
        let paths = std::env::var_os("PIPECTL_OPENAPI").unwrap_or_default();
        let paths = std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty());
        paths.map(|path| Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())).collect()
    }

    fn component_schema(&self, name: &str) -> &Value {
        let found = &self.0["components"]["schemas"][name];
        assert!(found.is_object(), "no schema {name}");
        found
    }

    /// The schemas that a value may have, references followed and `null` left out.
    fn schema_branches<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.schema_branches(self.component_schema(reference.rsplit('/').next().unwrap()));
        }
        let Some(choices) = ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array()) else {
            return if schema["type"] == "null" { Vec::new() } else { vec![schema] };
        };
        choices.iter().flat_map(|choice| self.schema_branches(choice)).collect()
    }

    fn branch_properties<'a>(&'a self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let arms = self.schema_branches(schema).into_iter();
        arms.filter_map(|arm| arm["properties"].as_object())
            .flatten()
            .map(|(name, schema)| (name.as_str(), schema))
            .collect()
    }

    fn property_names(&self, schema: &Value) -> BTreeSet<String> {
        self.branch_properties(schema).into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether it is the later schema of autumn 2026.
    fn is_later(&self) -> bool {
        self.0["components"]["schemas"]["ClickPipeKafkaGlueSchemaRegistry"].is_object()
    }

    fn has_row(&self, field: &FieldSpec) -> bool {
        match field.schema {
            KnownSchema::July2026 => true,
            KnownSchema::Later => self.is_later(),
            KnownSchema::Provider => false,
        }
    }

    /// Names, enums and ranges of what a creation may say.
    fn check_fields(&self, at: &str, fields: &[FieldSpec], schema: &Value) {
        let rows = fields.iter().filter(|field| field.patch_support != PatchSupport::PatchOnly && self.has_row(field));
        assert_eq!(field_names(rows.clone()), self.property_names(schema), "names of {at}");
        let properties = self.branch_properties(schema);
        for field in rows {
            // Each branch of a union has its own words for the field that tells the branches apart.
            let branches = properties.iter().filter(|(name, _)| *name == field.name).map(|(_, schema)| schema);
            let schema = json!({"oneOf": branches.collect::<Vec<_>>()});
            self.check_value(&format!("{at}.{}", field.name), field.type_in(self.is_later()), &schema);
        }
    }

    fn check_value(&self, at: &str, shape: JsonType, schema: &Value) {
        let arms = self.schema_branches(schema);
        let is = |kind: &str| {
            let types = arms.iter().map(|arm| &arm["type"]);
            types.clone().any(|given| given == kind || has_type(given, kind))
        };
        match shape {
            JsonType::Text { .. } => assert!(is("string"), "{at}"),
            JsonType::Bool => assert!(is("boolean"), "{at}"),
            JsonType::OneOf(allowed) => {
                let words = arms.iter().filter_map(|arm| arm["enum"].as_array()).flatten();
                let official: BTreeSet<_> = words.filter_map(Value::as_str).collect();
                let mut allowed: BTreeSet<_> = allowed.iter().copied().collect();
                let preview = PREVIEW_WORDS.iter().filter(|(field, _)| at.ends_with(field));
                preview.for_each(|(_, words)| allowed.retain(|word| !words.contains(word)));
                assert_eq!(allowed, official, "{at}");
            }
            JsonType::Integer { min, max } => {
                assert!(is("integer"), "{at}");
                let given = |key: &str, otherwise: i64| arms[0][key].as_i64().unwrap_or(otherwise);
                assert_eq!(given("minimum", min), min, "{at}");
                assert_eq!(given("maximum", max), max, "{at}");
            }
            JsonType::Number { min, max } => {
                assert!(is("number"), "{at}");
                let given = |key: &str, otherwise: f64| arms[0][key].as_f64().unwrap_or(otherwise);
                assert!((given("minimum", min), given("maximum", max)) == (min, max), "{at}");
            }
            JsonType::Texts | JsonType::DistinctTexts | JsonType::Uuids => {
                assert!(is("array"), "{at}");
            }
            JsonType::Object(fields) => self.check_fields(at, fields, schema),
            JsonType::Objects(fields, _) => self.check_fields(at, fields, &arms[0]["items"]),
            JsonType::Anything => {}
        }
    }

    /// Exactly the fields that a PATCH may change are marked so.
    fn check_patch(&self, at: &str, fields: &[FieldSpec], schema: &Value) {
        let rows = fields.iter().filter(|field| field.patch_support != PatchSupport::Ignored && self.has_row(field));
        assert_eq!(field_names(rows.clone()), self.property_names(schema), "patchable names of {at}");
        let properties = self.branch_properties(schema);
        for field in rows.filter(|field| field.visibility != ReadVisibility::Secret) {
            if let JsonType::Object(fields) = field.json_type {
                let (_, schema) = properties.iter().find(|(name, _)| *name == field.name).unwrap();
                self.check_patch(&format!("{at}.{}", field.name), fields, schema);
            }
        }
    }

    /// Exactly the fields that are not secret are in the schema of a read.
    fn check_read(&self, at: &str, fields: &[FieldSpec], schema: &Value) {
        let rows = fields.iter().filter(|field| {
            let shown = match field.name {
                // The schema shows the Azure connection string; the API does not.
                "connectionString" => true,
                "protobufSchema" => false,
                _ => field.visibility != ReadVisibility::Secret,
            };
            field.patch_support != PatchSupport::PatchOnly && shown && self.has_row(field)
        });
        assert_eq!(field_names(rows), self.property_names(schema), "readable names of {at}");
    }
}

fn has_type(types: &Value, kind: &str) -> bool {
    types.as_array().is_some_and(|types| types.iter().any(|each| each == kind))
}

fn field_names<'a>(fields: impl Iterator<Item = &'a FieldSpec>) -> BTreeSet<String> {
    fields.map(|field| field.name.to_owned()).collect()
}

/// Names of the schemas of a source for creating, editing and reading it.
fn schema_names(source: ApiSource) -> [String; 3] {
    let (name, create) = match source {
        ApiSource::Kafka => ("Kafka", "Post"),
        ApiSource::ObjectStorage => ("ObjectStorage", "Post"),
        ApiSource::Kinesis => ("Kinesis", "Post"),
        ApiSource::Pubsub => ("PubSub", "Post"),
        ApiSource::Postgres => ("Postgres", "Mutate"),
        ApiSource::Mysql => ("MySQL", "Mutate"),
        ApiSource::Bigquery => ("BigQuery", "Mutate"),
        ApiSource::Mongodb => ("MongoDB", "Mutate"),
    };
    [create, "Patch", ""].map(|verb| format!("ClickPipe{verb}{name}Source"))
}

#[test]
fn source_fields_match_the_official_schema() {
    let schemas = OfficialSchema::load_from_env();
    for (schema, source) in schemas.iter().flat_map(|schema| ApiSource::ALL.map(|source| (schema, source))) {
        let [create, patch, read] = schema_names(source);
        schema.check_fields(&create, source.field_specs(), schema.component_schema(&create));
        schema.check_read(&read, source.field_specs(), schema.component_schema(&read));
        if source != ApiSource::Bigquery {
            schema.check_patch(&patch, source.field_specs(), schema.component_schema(&patch));
        }
    }
}

#[test]
fn other_fields_match_the_official_schema() {
    OfficialSchema::load_from_env().iter().for_each(check_other_fields);
}

fn check_other_fields(schema: &OfficialSchema) {
    let destination = schema.component_schema("ClickPipeMutateDestination");
    schema.check_fields("destination", destination::TABLE, destination);
    schema.check_fields("scaling", scaling::FIELDS, schema.component_schema("ClickPipeScalingPatchRequest"));
    let cdc = schema.component_schema("ClickPipesCdcScalingPatchRequest");
    schema.check_fields("cdcScaling", cdc_scaling::FIELDS, cdc);
    let endpoint = schema.component_schema("CreateReversePrivateEndpoint");
    schema.check_fields("endpoint", endpoint::FIELDS, endpoint);
    let update = schema.component_schema("UpdateReversePrivateEndpoint");
    schema.check_patch("endpoint", endpoint::FIELDS, update);
    // Newer than the schema of July 2026.
    let newer = if schema.is_later() { "" } else { "kafka_read_committed" };
    let settings: Vec<FieldSpec> = SETTINGS.iter().map(|setting| setting.field_spec).collect();
    let known: Vec<FieldSpec> = settings.into_iter().filter(|field| field.name != newer).collect();
    schema.check_fields("settings", &known, schema.component_schema("ClickPipeSettingsPutRequest"));
}
