//! Secrets in manifests: references, never values.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::mark;
use crate::text::Text;

/// Where a secret is kept. It is read when it is sent, and at no other time.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = exactly_one)]
pub struct SecretReference {
    /// The environment variable that holds it.
    pub from_env: Option<Text>,
    /// The file that holds it. A newline at its end is not part of the secret.
    pub from_file: Option<Text>,
    /// The program that prints it, with its arguments. Works only where the project file allows
    /// commands.
    #[schemars(length(min = 1))]
    pub from_command: Option<Vec<String>>,
    /// Encodes what was read before it is sent. The API wants Google key files so.
    pub encoding: Option<Encoding>,
    /// Raised by one to send a secret again that was changed where it is kept.
    #[schemars(range(min = 1))]
    pub version: Option<i64>,
}

/// How a secret is encoded before it is sent.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
#[expect(missing_docs, reason = "the word says it")]
pub enum Encoding {
    Base64,
}

fn exactly_one(schema: &mut Schema) {
    let ways = ["fromEnv", "fromFile", "fromCommand"].map(|way| json!({"required": [way]}));
    schema.insert("oneOf".to_owned(), json!(ways));
}

/// A value that is never written into a manifest, shown or logged.
pub struct Secret;

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<SecretReference>();
        schema.insert(mark::SECRET.to_owned(), true.into());
        schema.insert("writeOnly".to_owned(), true.into());
        schema
    }
}

/// A text that may be written down, or kept where secrets are.
pub struct TextOrSecret;

impl JsonSchema for TextOrSecret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TextOrSecret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [
            generator.subschema_for::<Text>(),
            generator.subschema_for::<SecretReference>(),
        ]})
    }
}
