//! Marks: what changing a field costs and how its value comes back, written on the field itself.
//!
//! Each is a function for `#[schemars(transform = mark::…)]`, so that a misspelt mark does not
//! compile. The field semantics read them back; nobody else does.

#![expect(missing_docs, reason = "the names say what each keyword is")]

use schemars::Schema;
use serde_json::{Value, json};

pub const ON_CHANGE: &str = "x-on-change";
pub const READBACK: &str = "x-echo";
pub const READBACK_BY_VALUE: &str = "x-echo-not-of";
pub const LIST: &str = "x-list";
pub const IDENTITY: &str = "x-list-identity";
pub const DELTAS: &str = "x-list-deltas";
pub const EQUAL: &str = "x-equal";
pub const NEEDS_PAUSE: &str = "x-needs-pause";
pub const SENT_WITH: &str = "x-travels-with";
pub const LOCAL_ONLY: &str = "x-local";
pub const SECRET: &str = "x-secret";
pub const REFERS_TO: &str = "x-refers-to";
/// What a pattern asks for, in words.
pub const PATTERN_DESCRIPTION: &str = "x-pattern-says";
pub const ADDITIONAL: &str = "x-additional";
pub const REPLACE_ACROSS: &str = "x-replace-across";

fn set_keyword(schema: &mut Schema, key: &str, value: impl Into<Value>) {
    schema.insert(key.to_owned(), value.into());
}

/// The API cannot change it: a new value takes a new object. Holds for everything below, too.
pub fn requires_replace(schema: &mut Schema) {
    set_keyword(schema, ON_CHANGE, "replace");
}

/// It is changed through the object's settings endpoint.
pub fn via_settings(schema: &mut Schema) {
    set_keyword(schema, ON_CHANGE, "settings");
}

/// It is changed through the object's scaling endpoint.
pub fn via_scaling(schema: &mut Schema) {
    set_keyword(schema, ON_CHANGE, "scaling");
}

/// The API never returns it, though it is no secret.
pub fn write_only(schema: &mut Schema) {
    set_keyword(schema, READBACK, "never");
}

/// The API sometimes leaves it out of its answers.
pub fn sometimes_returned(schema: &mut Schema) {
    set_keyword(schema, READBACK, "sometimes");
}

/// The API sometimes leaves these values out of its answers, and returns every other one.
pub fn sometimes_returned_if(values: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, READBACK_BY_VALUE, json!(values))
}

/// A list whose order means nothing.
pub fn unordered_set(schema: &mut Schema) {
    set_keyword(schema, LIST, "set");
}

/// A list of objects that `identity` tells apart, changed by sending what to add and what to
/// remove under the names in `deltas`. `identity` is also what a removal must name; the first
/// `source` of its fields say which source table the entry is about.
pub fn keyed_list(identity: &'static [&'static str], source: usize, deltas: [&'static str; 2]) -> impl Fn(&mut Schema) {
    move |schema| {
        set_keyword(schema, LIST, "keyed");
        set_keyword(schema, IDENTITY, json!(identity));
        set_keyword(schema, DELTAS, json!({"add": deltas[0], "remove": deltas[1], "source": source}));
    }
}

/// A list of objects that `identity` tells apart, in no order, sent whole.
pub fn unordered_by(identity: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| {
        set_keyword(schema, LIST, "keyed");
        set_keyword(schema, IDENTITY, json!(identity));
    }
}

/// The API may decorate the value with parentheses: `MergeTree()`.
pub fn engine_name(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "engine");
}

/// A count that the API reports as zero while a change makes its way.
pub fn settling_count(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "count");
}

/// The API may answer with a Kubernetes CPU quantity (`250m`, `1`) for millicores.
pub fn cpu_quantity(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "cpu");
}

/// The API may answer with a Kubernetes memory quantity (`512Mi`, `1Gi`) for gigabytes.
pub fn memory_quantity(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "memory");
}

/// The API may answer with the base value (right) for one of its flavours (left).
pub fn flavour_of(bases: &'static [(&'static str, &'static str)]) -> impl Fn(&mut Schema) {
    move |schema| {
        let bases: serde_json::Map<String, Value> =
            bases.iter().map(|(flavour, base)| ((*flavour).to_owned(), json!(base))).collect();
        set_keyword(schema, EQUAL, json!({ "flavourOf": bases }));
    }
}

/// A point in time: another zone or precision is the same time.
pub fn instant(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "instant");
}

/// A URI that may hold a password, which is hidden wherever the value is shown.
pub fn uri_with_password(schema: &mut Schema) {
    set_keyword(schema, EQUAL, "uri");
}

/// The API takes the change only while the pipe is paused.
pub fn needs_pause(schema: &mut Schema) {
    set_keyword(schema, NEEDS_PAUSE, true);
}

/// A change must be sent together with the fields at these dotted paths from the root of the
/// object, where the manifest declares them.
pub fn sent_with(paths: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, SENT_WITH, json!(paths))
}

/// Ours alone: neither compared nor sent.
pub fn local_only(schema: &mut Schema) {
    set_keyword(schema, LOCAL_ONLY, true);
}

/// Its text values may be `{endpoint: NAME}`, the name of a reverse private endpoint of the same
/// service; the API gets the id.
pub fn refers_to_endpoint(schema: &mut Schema) {
    set_keyword(schema, REFERS_TO, "ReversePrivateEndpoint");
}

/// A map whose entries belong to the object around it, where the API takes them beside the rest.
pub fn additional_fields(schema: &mut Schema) {
    set_keyword(schema, ADDITIONAL, true);
}

/// A change from one of these values to any other, or back, takes a new object; a change among
/// the other values does not.
pub fn replace_across(values: &'static [&'static str]) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, REPLACE_ACROSS, json!(values))
}

/// What the API takes when the field is left out.
pub fn default_is(value: impl Into<Value>) -> impl Fn(&mut Schema) {
    let value = value.into();
    move |schema| set_keyword(schema, "default", value.clone())
}

/// The API has given it up.
pub fn deprecated_field(schema: &mut Schema) {
    set_keyword(schema, "deprecated", true);
}

/// The steps in which a number may move.
pub fn multiple_of(step: u32) -> impl Fn(&mut Schema) {
    move |schema| set_keyword(schema, "multipleOf", step)
}

/// A list in which nothing occurs twice.
pub fn unique_items(schema: &mut Schema) {
    set_keyword(schema, "uniqueItems", true);
}

/// An object that says something: the API refuses an empty one.
pub fn non_empty_object(schema: &mut Schema) {
    set_keyword(schema, "minProperties", 1);
}
