//! The rows against the official schema, wherever `PIPECTL_OPENAPI` names a copy of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::contract::row::{Echo, Field, Patch, Shape};
use crate::contract::settings::SETTINGS;
use crate::contract::source::Source;
use crate::contract::{cdc_scaling, destination, endpoint, scaling};

struct Schema(Value);

impl Schema {
    fn load() -> Option<Self> {
        let path = std::env::var_os("PIPECTL_OPENAPI")?;
        let text = std::fs::read_to_string(path).unwrap();
        Some(Self(serde_json::from_str(&text).unwrap()))
    }

    fn component(&self, name: &str) -> &Value {
        let found = &self.0["components"]["schemas"][name];
        assert!(found.is_object(), "no schema {name}");
        found
    }

    /// The schemas that a value may have, references followed and `null` left out.
    fn arms<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(reference) = schema["$ref"].as_str() {
            return self.arms(self.component(reference.rsplit('/').next().unwrap()));
        }
        let Some(choices) =
            ["oneOf", "anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array())
        else {
            return if schema["type"] == "null" { Vec::new() } else { vec![schema] };
        };
        choices.iter().flat_map(|choice| self.arms(choice)).collect()
    }

    fn properties<'a>(&'a self, schema: &'a Value) -> Vec<(&'a str, &'a Value)> {
        let arms = self.arms(schema).into_iter();
        arms.filter_map(|arm| arm["properties"].as_object())
            .flatten()
            .map(|(name, schema)| (name.as_str(), schema))
            .collect()
    }

    fn names(&self, schema: &Value) -> BTreeSet<String> {
        self.properties(schema).into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Names, enums and ranges of what a creation may say.
    fn agrees(&self, at: &str, fields: &[Field], schema: &Value) {
        let rows = fields.iter().filter(|field| field.patch != Patch::Only);
        assert_eq!(names(rows.clone()), self.names(schema), "names of {at}");
        let properties = self.properties(schema);
        for field in rows {
            let (_, schema) = properties.iter().find(|(name, _)| *name == field.name).unwrap();
            self.value_agrees(&format!("{at}.{}", field.name), field.shape, schema);
        }
    }

    fn value_agrees(&self, at: &str, shape: Shape, schema: &Value) {
        let arms = self.arms(schema);
        let is = |kind: &str| {
            let types = arms.iter().map(|arm| &arm["type"]);
            types.clone().any(|given| given == kind || has(given, kind))
        };
        match shape {
            Shape::Text { .. } => assert!(is("string"), "{at}"),
            Shape::Bool => assert!(is("boolean"), "{at}"),
            Shape::OneOf(allowed) => {
                let official: BTreeSet<_> =
                    arms[0]["enum"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
                assert_eq!(allowed.iter().copied().collect::<BTreeSet<_>>(), official, "{at}");
            }
            Shape::Integer { min, max } => {
                assert!(is("integer"), "{at}");
                let given = |key: &str, otherwise: i64| arms[0][key].as_i64().unwrap_or(otherwise);
                assert_eq!(given("minimum", min), min, "{at}");
                assert_eq!(given("maximum", max), max, "{at}");
            }
            Shape::Number { min, max } => {
                assert!(is("number"), "{at}");
                let given = |key: &str, otherwise: f64| arms[0][key].as_f64().unwrap_or(otherwise);
                assert!((given("minimum", min), given("maximum", max)) == (min, max), "{at}");
            }
            Shape::Texts | Shape::DistinctTexts | Shape::Uuids => assert!(is("array"), "{at}"),
            Shape::Object(fields) => self.agrees(at, fields, schema),
            Shape::Objects(fields, _) => self.agrees(at, fields, &arms[0]["items"]),
            Shape::Anything => {}
        }
    }

    /// Exactly the fields that a PATCH may change are marked so.
    fn patch_agrees(&self, at: &str, fields: &[Field], schema: &Value) {
        let rows = fields.iter().filter(|field| field.patch != Patch::Ignored);
        assert_eq!(names(rows.clone()), self.names(schema), "patchable names of {at}");
        let properties = self.properties(schema);
        for field in rows.filter(|field| field.echo != Echo::Secret) {
            if let Shape::Object(fields) = field.shape {
                let (_, schema) = properties.iter().find(|(name, _)| *name == field.name).unwrap();
                self.patch_agrees(&format!("{at}.{}", field.name), fields, schema);
            }
        }
    }

    /// Exactly the fields that are not secret are in the schema of a read.
    fn read_agrees(&self, at: &str, fields: &[Field], schema: &Value) {
        let rows = fields.iter().filter(|field| {
            // The schema shows the Azure connection string; the API does not.
            let shown = field.echo != Echo::Secret || field.name == "connectionString";
            field.patch != Patch::Only && shown
        });
        assert_eq!(names(rows), self.names(schema), "readable names of {at}");
    }
}

fn has(types: &Value, kind: &str) -> bool {
    types.as_array().is_some_and(|types| types.iter().any(|each| each == kind))
}

fn names<'a>(fields: impl Iterator<Item = &'a Field>) -> BTreeSet<String> {
    fields.map(|field| field.name.to_owned()).collect()
}

/// Names of the schemas of a source for creating, editing and reading it.
fn schemas(source: Source) -> [String; 3] {
    let (name, create) = match source {
        Source::Kafka => ("Kafka", "Post"),
        Source::ObjectStorage => ("ObjectStorage", "Post"),
        Source::Kinesis => ("Kinesis", "Post"),
        Source::Pubsub => ("PubSub", "Post"),
        Source::Postgres => ("Postgres", "Mutate"),
        Source::Mysql => ("MySQL", "Mutate"),
        Source::Bigquery => ("BigQuery", "Mutate"),
        Source::Mongodb => ("MongoDB", "Mutate"),
    };
    [create, "Patch", ""].map(|verb| format!("ClickPipe{verb}{name}Source"))
}

#[test]
fn every_source_agrees_with_the_official_schema() {
    let Some(schema) = Schema::load() else { return };
    for source in Source::ALL {
        let [create, patch, read] = schemas(source);
        schema.agrees(&create, source.fields(), schema.component(&create));
        schema.read_agrees(&read, source.fields(), schema.component(&read));
        if source != Source::Bigquery {
            schema.patch_agrees(&patch, source.fields(), schema.component(&patch));
        }
    }
}

#[test]
fn everything_else_agrees_with_the_official_schema() {
    let Some(schema) = Schema::load() else { return };
    let destination = schema.component("ClickPipeMutateDestination");
    schema.agrees("destination", destination::TABLE, destination);
    schema.agrees("scaling", scaling::FIELDS, schema.component("ClickPipeScalingPatchRequest"));
    let cdc = schema.component("ClickPipesCdcScalingPatchRequest");
    schema.agrees("cdcScaling", cdc_scaling::FIELDS, cdc);
    let endpoint = schema.component("CreateReversePrivateEndpoint");
    schema.agrees("endpoint", endpoint::FIELDS, endpoint);
    let update = schema.component("UpdateReversePrivateEndpoint");
    schema.patch_agrees("endpoint", endpoint::FIELDS, update);
    // Newer than the schema.
    let newer = "kafka_read_committed";
    let settings: Vec<Field> = SETTINGS.iter().map(|setting| setting.field).collect();
    let known: Vec<Field> = settings.into_iter().filter(|field| field.name != newer).collect();
    schema.agrees("settings", &known, schema.component("ClickPipeSettingsPutRequest"));
}
