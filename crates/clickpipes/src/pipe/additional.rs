//! The way out for fields that are newer than this program.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use model::annotations;

/// Fields that nothing here knows, by name.
pub struct Additional;

impl JsonSchema for Additional {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Additional".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({"type": "object", "additionalProperties": true});
        annotations::additional_fields(&mut schema);
        schema
    }
}
