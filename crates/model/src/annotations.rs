//! Annotations of fields: what a change of the field requires, and how the API returns its value.
//!
//! Each is a function for `#[schemars(transform = annotations::…)]`, so that a misspelt annotation does not compile.
//! The field semantics of `clickpipes` read them.

#![expect(missing_docs, reason = "the names say what each keyword is")]

use schemars::Schema;
use serde_json::{Value, json};

pub const ON_CHANGE: &str = "x-on-change";
pub const READBACK: &str = "x-echo";
pub const READBACK_BY_VALUE: &str = "x-echo-not-of";
pub const ABSENT_WHEN_SET: &str = "x-echo-absent-when-set";
pub const LIST: &str = "x-list";
pub const IDENTITY: &str = "x-list-identity";
pub const DELTAS: &str = "x-list-deltas";
pub const EQUAL: &str = "x-equal";
pub const NEEDS_PAUSE: &str = "x-needs-pause";
pub const SENT_WITH: &str = "x-travels-with";
pub const LOCAL_ONLY: &str = "x-local";
pub const SECRET: &str = "x-secret";
pub const REFERS_TO: &str = "x-refers-to";
pub const CONNECTS_TO: &str = "x-connects-to";
pub const PATTERN_DESCRIPTION: &str = "x-pattern-says";
pub const ADDITIONAL: &str = "x-additional";
pub const ADDITIONAL_MARK: &str = "x-additional-mark";
pub const PREVIEW: &str = "x-preview";
pub const NEWER: &str = "x-newer";
pub const ONE_REQUEST_ONLY: &str = "x-one-request-only";
pub const REPLACE_ACROSS: &str = "x-replace-across";
pub const WEAKENS_TLS: &str = "x-weakens-tls";
pub const REQUIRED_BY_WORD: &str = "x-required-by-word-of";
pub const DEFINES_TABLE: &str = "x-defines-table";

fn set_keyword(schema: &mut Schema, key: &str, value: impl Into<Value>) {
    schema.insert(key.to_owned(), value.into());
}

/// Marks that set one keyword.
macro_rules! marks {
    ($($(#[$doc:meta])* $name:ident: $key:expr => $value:expr;)*) => {
        $(
            $(#[$doc])*
            pub fn $name(schema: &mut Schema) {
                set_keyword(schema, $key, $value);
            }
        )*
    };
}

marks! {
    /// The API cannot change the field: a new value requires a new object. Applies to the fields below.
    // Such a field is not in the PATCH schema. The API refuses it in a PATCH even unchanged (seen live for
    // Pub/Sub), or ignores it.
    requires_replace: ON_CHANGE => "replace";

    /// The field is changed through the settings endpoint of the object.
    // The PATCH of a pipe lists `settings`, answers 200 and stores nothing (seen live).
    via_settings: ON_CHANGE => "settings";

    /// The field is changed through the scaling endpoint of the object.
    via_scaling: ON_CHANGE => "scaling";

    /// The API never returns the field, and it is not a secret.
    write_only: READBACK => "never";

    /// The API sometimes omits the field from its answers.
    // An absent value means nothing here. As a difference, it would never go away.
    sometimes_returned: READBACK => "sometimes";

    /// A part of the definition of a ClickHouse table: it counts only when the table is created.
    // An existing table is used unchanged (known from PeerDB, the engine behind database pipes).
    defines_table: DEFINES_TABLE => true;

    /// It tells the API how to treat one request, and is no property of the object.
    one_request_only: ONE_REQUEST_ONLY => true;

    /// A list whose order has no meaning.
    // The API returns `excludedColumns` in its own order (seen live).
    unordered_set: LIST => "set";

    /// The API may decorate the value with parentheses: `MergeTree()`.
    engine_name: EQUAL => "engine";

    /// A count that the API reports as zero while a change takes effect (seen live).
    settling_count: EQUAL => "count";

    /// The API may answer with a Kubernetes CPU quantity (`250m`, `1`) for millicores.
    // The official Terraform provider reads numbers and quantities, of CPU and of memory.
    cpu_quantity: EQUAL => "cpu";

    /// The API may answer with a Kubernetes memory quantity (`512Mi`, `1Gi`) for gigabytes.
    memory_quantity: EQUAL => "memory";

    /// A point in time: another zone or precision is the same time.
    instant: EQUAL => "instant";

    /// A URI that may contain a password, which is hidden wherever the value is shown.
    uri_with_password: EQUAL => "uri";

    /// The API accepts the change only while the pipe is paused.
    // Otherwise it answers 400 `must be paused to edit` (seen live for table mappings).
    needs_pause: NEEDS_PAUSE => true;

    /// A field of manifests only: neither compared nor sent.
    local_only: LOCAL_ONLY => true;

    /// Its text values may be `{endpoint: NAME}`, the name of a reverse private endpoint of the same
    /// service; the API gets the id.
    refers_to_endpoint: REFERS_TO => "ReversePrivateEndpoint";

    /// A URL with the host that a pipe connects to.
    connects_to_url: CONNECTS_TO => "url";

    /// A map whose entries are sent as fields of the object around it.
    // A field that is newer than this version can be declared here without waiting for the next one.
    additional_fields: ADDITIONAL => true;

    /// The field is known from the official Terraform provider, and not from a published schema of the API.
    preview: PREVIEW => true;

    /// The field is in the official schema of autumn 2026, and not in that of July.
    newer_schema: NEWER => true;

    /// The API has deprecated the field.
    deprecated_field: "deprecated" => true;

    /// `true`, or an option of a URI, switches TLS off, or its check of the certificate: a reviewer must see that.
    weakens_tls: WEAKENS_TLS => true;

    /// A list without duplicates.
    unique_items: "uniqueItems" => true;

    /// An object with at least one field.
    // The API refuses `settings: {}` in a create, and answers an empty scaling change with 500 (both seen live).
    non_empty_object: "minProperties" => 1;
}

/// As [`sometimes_returned`], also where the field is set to something that is not the default.
pub fn omitted_when_set(schema: &mut Schema) {
    // A new object that is created without it may have another value, so a replacement does not count as harmless.
    sometimes_returned(schema);
    set_keyword(schema, ABSENT_WHEN_SET, true);
}

/// The API sometimes omits these values from its answers, and returns every other one.
pub fn sometimes_returned_if(values: &'static [&'static str]) -> impl Fn(&mut Schema) {
    // An absent value may be one of these, such as the only authentication of Azure. For the others it means
    // that live differs.
    move |schema| set_keyword(schema, READBACK_BY_VALUE, json!(values))
}

/// A list of objects identified by the fields in `identity`. A change sends the entries to add and
/// to remove under the two names in `deltas`; a removal names the identity. The first `source`
/// fields of the identity name the source table.
pub fn keyed_list(identity: &'static [&'static str], source: usize, deltas: [&'static str; 2]) -> impl Fn(&mut Schema) {
    // The source table counts apart from the identity: the API refuses one PATCH that removes and adds an entry
    // of the same source table.
    move |schema| {
        set_keyword(schema, LIST, "keyed");
        set_keyword(schema, IDENTITY, json!(identity));
        set_keyword(schema, DELTAS, json!({"add": deltas[0], "remove": deltas[1], "source": source}));
    }
}

/// A list of objects identified by the fields in `identity`, in no order, sent as a whole.
pub fn unordered_by(identity: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| {
        set_keyword(schema, LIST, "keyed");
        set_keyword(schema, IDENTITY, json!(identity));
    }
}

/// The API may answer with the base value (right) for one of its flavours (left).
pub fn flavour_of(bases: &'static [(&'static str, &'static str)]) -> impl Fn(&mut Schema) {
    // The API of August 2026 returns the flavour as it was sent. A branch of the provider expects the base
    // value, so both count as equal.
    move |schema| {
        let bases: serde_json::Map<String, Value> =
            bases.iter().map(|(flavour, base)| ((*flavour).to_owned(), json!(base))).collect();
        set_keyword(schema, EQUAL, json!({ "flavourOf": bases }));
    }
}

/// A change must be sent together with the fields at these dotted paths from the root of the
/// object, where the manifest declares them.
pub fn sent_with(paths: &'static [&'static str]) -> impl Fn(&mut Schema) {
    // Connection fields without credentials make the API check the source with no password and refuse the
    // change (seen live for a database pipe).
    move |schema| set_keyword(schema, SENT_WITH, json!(paths))
}

/// The host that a pipe connects to. Its value may be `{endpoint: NAME}`; the API gets a DNS name of
/// the endpoint.
pub fn endpoint_host(schema: &mut Schema) {
    refers_to_endpoint(schema);
    set_keyword(schema, CONNECTS_TO, "host");
}

/// The brokers that a pipe connects to. Its value may be `{endpoint: NAME}`; the API gets the
/// endpoint's brokers.
pub fn endpoint_brokers(schema: &mut Schema) {
    refers_to_endpoint(schema);
    set_keyword(schema, CONNECTS_TO, "brokers");
}

/// A change from one of these values to any other, or back, requires a new object; a change among them, or among the
/// others, does not.
pub fn replace_across(values: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, REPLACE_ACROSS, json!(values))
}

/// The value that the API uses if the field is left out.
pub fn default_is(value: impl Into<Value>) -> impl Fn(&mut Schema) {
    let value = value.into();
    move |schema| set_keyword(schema, "default", value.clone())
}

/// The words of another field that pipectl knows require this one. A newer word, under `additional`, may not.
pub fn required_by_word(field: &'static str) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, REQUIRED_BY_WORD, field)
}

/// The number must be a multiple of `step`.
pub fn multiple_of(step: u32) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, "multipleOf", step)
}
