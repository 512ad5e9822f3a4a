//! Table mappings that are removed and added again in a new form.

use serde_json::{Value, json};

use crate::api_body::build_spec;
use crate::pipe::database::TABLE_MAPPING_DELTAS;
use crate::pipe::source::SourceKind;
use crate::semantics::{FieldSemantics, ListSemantics};
use model::address::Kind;
use model::path::FieldPath;

const ADDED: &str = TABLE_MAPPING_DELTAS[0];
const REMOVED: &str = TABLE_MAPPING_DELTAS[1];

/// The target tables whose mappings the first bodies remove, and whose sources or targets the others map: in between,
/// no pipe fills them.
pub fn tables_between<'b>(
    sent: impl Iterator<Item = &'b Value>,
    unsent: impl Iterator<Item = &'b Value>,
) -> Vec<&'b str> {
    let added: Vec<(Vec<&str>, &str)> = unsent.flat_map(|body| mapped_tables(body, ADDED)).collect();
    let removed = sent.flat_map(|body| mapped_tables(body, REMOVED));
    let is_added = |(source, target): &(Vec<&str>, &str)| {
        added.iter().any(|(other_source, other)| other == target || other_source == source)
    };
    removed.filter(is_added).map(|(_, target)| target).collect()
}

/// The sources and the targets of mappings in one of the lists of an update.
fn mapped_tables<'b>(body: &'b Value, list: &str) -> Vec<(Vec<&'b str>, &'b str)> {
    let Some((kind, source)) = SourceKind::in_body(body) else { return Vec::new() };
    let ListSemantics::Keyed(keyed) = &mapping_rules(kind).list else { return Vec::new() };
    let Some((target, identity)) = keyed.identity.split_last() else { return Vec::new() };
    let table = |entry: &'b Value| {
        let text = |name: &String| entry.get(name).and_then(Value::as_str);
        Some((identity.iter().filter_map(text).collect(), text(target)?))
    };
    source[list].as_array().into_iter().flatten().filter_map(table).collect()
}

fn mapping_rules(kind: SourceKind) -> &'static FieldSemantics {
    let list = FieldPath::parse("source").child(kind.spec().key).child("tableMappings");
    FieldSemantics::for_kind(Kind::ClickPipe).field_at(&list)
}

/// An update that adds mappings, without the fields of the mappings that this version does not know; `None` if it has
/// none. The API may return a field that it does not accept.
pub fn without_unknown_fields(body: &Value) -> Option<Value> {
    let (kind, source) = SourceKind::in_body(body)?;
    let known = mapping_rules(kind).known_fields(&source[ADDED]);
    let reduced = json!({"source": {kind.spec().key: {ADDED: known}}});
    (source.get(ADDED).is_some() && reduced != *body).then_some(reduced)
}

/// The mappings that an update adds, as a part of a manifest's `spec`.
pub fn added_mappings_spec(body: &Value) -> Option<Value> {
    let (kind, source) = SourceKind::in_body(body)?;
    let mappings = json!({"source": {kind.spec().key: {"tableMappings": source.get(ADDED)?}}});
    Some(build_spec(Kind::ClickPipe, &mappings))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{added_mappings_spec, tables_between, without_unknown_fields};

    fn postgres(list: &str, entry: &Value) -> Value {
        json!({"source": {"postgres": {list: [entry]}}})
    }

    fn mapping(table: &str, target: &str) -> Value {
        json!({"sourceSchemaName": "public", "sourceTable": table, "targetTable": target})
    }

    #[test]
    fn mapping_that_moves_to_another_table_is_missing_in_between() {
        let removed = postgres("tableMappingsToRemove", &mapping("users", "old"));
        for (table, target, expected) in
            [("users", "new", vec!["old"]), ("orders", "old", vec!["old"]), ("a", "b", vec![])]
        {
            let added = postgres("tableMappingsToAdd", &mapping(table, target));
            assert_eq!(tables_between([&removed].into_iter(), [&added].into_iter()), expected);
            assert_eq!(tables_between([&removed, &added].into_iter(), [].into_iter()), Vec::<&str>::new());
        }
    }

    #[test]
    fn unknown_fields_of_a_mapping_are_left_out_or_shown_under_additional() {
        let mut entry = mapping("users", "users");
        assert_eq!(without_unknown_fields(&postgres("tableMappingsToAdd", &entry)), None);
        entry["sortingKeys"] = json!(["id"]);
        let known = postgres("tableMappingsToAdd", &entry);
        entry["newMember"] = json!({"a": 1});
        let body = postgres("tableMappingsToAdd", &entry);
        assert_eq!(without_unknown_fields(&body), Some(known));
        entry.as_object_mut().unwrap().remove("newMember");
        entry["additional"] = json!({"newMember": {"a": 1}});
        assert_eq!(added_mappings_spec(&body), Some(postgres("tableMappings", &entry)));
    }
}
