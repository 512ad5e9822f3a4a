//! Rules between fields. They check the body of a create, and the result of a PATCH, in which an
//! earlier secret is masked but present.

pub(crate) mod connectivity;
pub(crate) mod database;
pub(crate) mod destination;
pub(crate) mod kafka;
pub(crate) mod mappings;
pub(crate) mod object_storage;
pub(crate) mod settings;
pub(crate) mod streaming;

use serde_json::{Map, Value};

use crate::api_rule::ApiRule;
use crate::contract::field_spec::JsonType;
use crate::contract::source::ApiSource;
use crate::contract::validate::Complaints;
use crate::json_body::{has_value, text_field};

/// The fields of a source and their path, with the list of complaints.
pub(crate) struct SourceCheck<'a> {
    pub(crate) path: String,
    pub(crate) fields: &'a Map<String, Value>,
    pub(crate) complaints: &'a mut Complaints,
}

impl SourceCheck<'_> {
    pub(crate) fn refuse(&mut self, rule: ApiRule, field: &str, text: impl AsRef<str>) {
        self.complaints.refuse(rule, &format!("{}.{field}", self.path), text);
    }

    pub(crate) fn has_field(&self, field: &str) -> bool {
        has_value(self.fields, field)
    }

    /// Requires a field in one case and refuses it in every other.
    pub(crate) fn require_only_when(&mut self, rule: ApiRule, field: &str, needed: bool, case: &str) {
        match (needed, self.has_field(field)) {
            (true, false) => self.refuse(rule, field, format!("is required with {case}")),
            (false, true) => self.refuse(rule, field, format!("is only allowed with {case}")),
            _ => {}
        }
    }

    pub(crate) fn refuse_unless(&mut self, rule: ApiRule, field: &str, allowed: bool, case: &str) {
        if !allowed && self.has_field(field) {
            self.refuse(rule, field, format!("is only allowed with {case}"));
        }
    }

    pub(crate) fn require_when(&mut self, rule: ApiRule, field: &str, needed: bool, case: &str) {
        if needed && !self.has_field(field) {
            self.refuse(rule, field, format!("is required with {case}"));
        }
    }
}

pub(crate) fn validate_source(source: ApiSource, fields: &Map<String, Value>, complaints: &mut Complaints) {
    let path = format!("source.{}", source.json_key());
    complaints.has_newer_login = has_newer_login(source, fields);
    let mut check = SourceCheck { path, fields, complaints };
    match source {
        ApiSource::Kafka => kafka::validate_kafka(&mut check),
        ApiSource::Kinesis => streaming::validate_kinesis(&mut check),
        ApiSource::Pubsub => streaming::validate_pubsub(&mut check),
        ApiSource::ObjectStorage => object_storage::validate_object_storage(&mut check),
        ApiSource::Postgres => database::validate_postgres(&mut check),
        ApiSource::Mysql => database::validate_mysql(&mut check),
        ApiSource::Mongodb => database::validate_mongodb(&mut check),
        ApiSource::Bigquery => database::validate_bigquery(&mut check),
    }
}

/// Whether the type of the server, or the way to log in, is a word that the contract does not know.
fn has_newer_login(source: ApiSource, fields: &Map<String, Value>) -> bool {
    let specs = source.field_specs().iter().filter(|field| matches!(field.name, "authentication" | "type"));
    { specs }.any(|field| match field.type_in(true) {
        JsonType::OneOf(words) => text_field(fields, field.name).is_some_and(|word| !words.contains(&word)),
        _ => false,
    })
}
