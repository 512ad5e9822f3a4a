//! Secrets, and values that may be one thing or another.

use serde_json::{Value, json};

use super::list_messages;

fn secret_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "fromEnv": {"type": "string"},
            "fromFile": {"type": "string"},
            "encoding": {"enum": ["base64"]}
        },
        "additionalProperties": false,
        "oneOf": [{"required": ["fromEnv"]}, {"required": ["fromFile"]}]
    })
}

#[test]
fn literal_secrets_are_rejected_and_never_printed() {
    let schema = json!({
        "$defs": {"SecretReference": secret_schema()},
        "properties": {"spec": {"properties": {"source": {"properties": {"kafka": {"properties": {
            "credentials": {"properties": {
                "password": {"$ref": "#/$defs/SecretReference", "x-secret": true},
                "username": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/SecretReference"}]}
            }},
            "schemaRegistry": {"properties": {"credentials": {"properties": {
                "password": {"$ref": "#/$defs/SecretReference", "x-secret": true}
            }}}},
            "connectionString": {"$ref": "#/$defs/SecretReference", "x-secret": true}
        }}}}}}}
    });
    let all = list_messages(
        &schema,
        "
x: &p hunter2
spec:
  source:
    kafka:
      credentials: {password: hunter2, username: {fromENV: A}}
      schemaRegistry: {credentials: {password: [hunter2]}}
      connectionString: *p
---
spec:
  source:
    kafka:
      credentials: {password: {hunter2}, username: 5}
      schemaRegistry: {credentials: {password: {fromEnv: A, fromFile: b, encoding: hunter2}}}
      connectionString: 0755
---
spec:
  source:
    kafka:
      credentials: {password: {}}
      schemaRegistry: {credentials: {password: {fromEnvv: A}}}
      connectionString: *hunter2
---
spec: {source: {kafka: {connectionString: ~}}}
",
    );
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all, @"
    yaml-1-1 15:25 : a YAML 1.1 reader reads this as an octal number (put it in quotes if it is text; else write it plainly)
    yaml-alias 22:25 : this alias names no anchor that comes before it ()
    literal-secret 6:31 spec.source.kafka.credentials.password: a secret is written as a reference, never as its value (write `{fromEnv: ORDERS_KAFKA_PASSWORD}`; if the file left this machine, change the secret)
    unknown-field 6:51 spec.source.kafka.credentials.username.fromENV: unknown field `fromENV` (did you mean `fromEnv`?)
    literal-secret 7:49 spec.source.kafka.schemaRegistry.credentials.password: a secret is written as a reference, never as its value (write `{fromEnv: ORDERS_KAFKA_SCHEMA_REGISTRY_PASSWORD}`; if the file left this machine, change the secret)
    literal-secret 2:7 spec.source.kafka.connectionString: a secret is written as a reference, never as its value [used here 8:25] (write `{fromEnv: ORDERS_KAFKA_CONNECTION_STRING}`; if the file left this machine, change the secret)
    unknown-field 13:32 spec.source.kafka.credentials.password: a reference to a secret has no such field (known fields: `fromEnv`, `fromFile`, `encoding`)
    one-of 13:21 spec.source.kafka.credentials.password: exactly one of `fromEnv`, `fromFile` is needed ()
    wrong-type 13:52 spec.source.kafka.credentials.username: expected a mapping or text, found a whole number (put it in quotes)
    bad-value 14:84 spec.source.kafka.schemaRegistry.credentials.password: text is not a value of this field (write `base64`)
    one-of 14:61 spec.source.kafka.schemaRegistry.credentials.password: `fromEnv` and `fromFile` exclude each other [the other is here 14:49] (keep one of them)
    literal-secret 15:25 spec.source.kafka.connectionString: a secret is written as a reference, never as its value (write `{fromEnv: ORDERS_KAFKA_CONNECTION_STRING}`; if the file left this machine, change the secret)
    one-of 20:21 spec.source.kafka.credentials.password: exactly one of `fromEnv`, `fromFile` is needed ()
    unknown-field 21:49 spec.source.kafka.schemaRegistry.credentials.password: unknown field `fromEnvv` (did you mean `fromEnv`?)
    literal-secret 22:25 spec.source.kafka.connectionString: a secret is written as a reference, never as its value (write `{fromEnv: ORDERS_KAFKA_CONNECTION_STRING}`; if the file left this machine, change the secret)
    null-value 24:25 spec.source.kafka.connectionString: the value is null (leave the field out instead; what is left out is not managed)
    ");
}

#[test]
fn any_of_errors_explain_the_closest_branch() {
    let schema = json!({"properties": {
        "value": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array"}]},
        "endpoint": {"anyOf": [
            {"type": "string", "minLength": 3},
            {"type": "object", "properties": {"endpoint": {"type": "string"}}, "additionalProperties": false}
        ]}
    }});
    insta::assert_snapshot!(list_messages(&schema, "
value: 5
endpoint: {endpont: a}
"), @"
    wrong-type 2:8 value: expected a list or text, found a whole number (put it in quotes)
    unknown-field 3:12 endpoint.endpont: unknown field `endpont` (did you mean `endpoint`?)
    ");
    insta::assert_snapshot!(list_messages(&schema, "
value: ''
endpoint: ab
"), @"
    bad-length 2:8 value: the text is empty ()
    bad-length 3:11 endpoint: the text has 2 characters, and needs at least 3 ()
    ");
}

#[test]
fn exactly_one_of_the_fields_is_required() {
    let schema = json!({"properties": {"ref": secret_schema()}});
    insta::assert_snapshot!(list_messages(&schema, "ref: {}"), @"one-of 1:1 ref: exactly one of `fromEnv`, `fromFile` is needed ()");
    insta::assert_snapshot!(list_messages(&schema, "ref: {fromFile: a, fromEnv: b}"), @"one-of 1:20 ref: `fromFile` and `fromEnv` exclude each other [the other is here 1:7] (keep one of them)");
    insta::assert_snapshot!(list_messages(&schema, "ref: {fromFil: a}"), @"unknown-field 1:7 ref.fromFil: unknown field `fromFil` (did you mean `fromFile`?)");
    insta::assert_snapshot!(list_messages(&schema, "ref: {fromFile: a}"), @"");
}

#[test]
fn error_in_aliased_value_is_reported_once() {
    let schema = json!({"additionalProperties": {"properties": {"size": {"type": "integer"}}}});
    insta::assert_snapshot!(list_messages(&schema, "
a: &a {size: x}
b: *a
c:
  <<: *a
"), @"wrong-type 2:14 a.size: expected a whole number, found text ()");
}

#[test]
fn error_at_alias_use_reports_both_positions() {
    let schema = json!({"properties": {"size": {"type": "integer"}, "list": {"items": {"maximum": 1}}}});
    insta::assert_snapshot!(list_messages(&schema, "
free: &a big
size: *a
numbers: &n [1, 2]
list: *n
"), @"
    wrong-type 2:10 size: expected a whole number, found text [used here 3:7] ()
    out-of-range 4:17 list.1: 2 is out of range [used here 5:7] (allowed: at most 1)
    ");
}

#[test]
fn recursive_schema_is_supported() {
    let schema = json!({
        "$ref": "#/$defs/Tree",
        "$defs": {"Tree": {
            "properties": {"leaf": {"type": "integer"}, "below": {"$ref": "#/$defs/Tree"}}
        }}
    });
    insta::assert_snapshot!(list_messages(&schema, "below: {below: {leaf: x}}"), @"wrong-type 1:23 below.below.leaf: expected a whole number, found text ()");
}
