//! Moves known fields from `additional` to their own place, where they are checked and compared.
//
// A field that was newer than an earlier version may be known in this one, and so may a newer word: the manifest stays
// valid.

use model::annotations;
use model::path::VisitedPath;
use model::schema_validator::FieldNode;
use model::yaml::{PendingDiagnostic, PendingDiagnostics, YamlContent, YamlEntry, YamlNode};

use crate::validate::KNOWN_ADDITIONAL_FIELD;

/// Adds a warning for each field that was moved. The rules report a field in both places.
pub(super) fn lift_known_fields(
    node: &FieldNode,
    value: &mut YamlNode,
    at: &VisitedPath<'_>,
    remarks: &mut PendingDiagnostics,
) {
    match (&mut value.content, node.list_item()) {
        (YamlContent::Map(entries), _) => {
            lift_entries(node, entries, at, remarks);
            for entry in entries {
                let has_fields = matches!(entry.value.content, YamlContent::Map(_) | YamlContent::List(_));
                if let Some(field) = node.child_field(&entry.key).filter(|_| has_fields) {
                    lift_known_fields(field, &mut entry.value, &at.key(&entry.key), remarks);
                }
            }
        }
        (YamlContent::List(items), Some(item)) => {
            for (index, value) in items.iter_mut().enumerate() {
                lift_known_fields(item, value, &at.index(index), remarks);
            }
        }
        _ => {}
    }
}

fn lift_entries(
    node: &FieldNode,
    entries: &mut Vec<YamlEntry>,
    at: &VisitedPath<'_>,
    remarks: &mut PendingDiagnostics,
) {
    let Some(additional) = node.additional_field() else { return };
    let Some(position) = entries.iter().position(|entry| entry.key == additional) else { return };
    let YamlContent::Map(extra) = &mut entries[position].value.content else { return };
    let (known, unknown): (Vec<_>, Vec<_>) = std::mem::take(extra).into_iter().partition(|it| is_known(node, it));
    *extra = unknown;
    for entry in known {
        lift_entry(node, entries, entry, at, remarks);
    }
}

/// A field with a name and a word that are known here.
fn is_known(node: &FieldNode, entry: &YamlEntry) -> bool {
    let field = node.child_field(&entry.key).filter(|field| {
        let extra = [annotations::ADDITIONAL, annotations::ADDITIONAL_MARK, annotations::LOCAL_ONLY];
        !extra.iter().any(|keyword| field.has_keyword(keyword))
    });
    field.is_some_and(|field| entry.value.as_text().is_none_or(|word| !field.is_unknown_value(word)))
}

fn lift_entry(
    node: &FieldNode,
    entries: &mut Vec<YamlEntry>,
    mut entry: YamlEntry,
    at: &VisitedPath<'_>,
    remarks: &mut PendingDiagnostics,
) {
    let own = entries.iter().position(|other| other.key == entry.key);
    let inner = node.child_field(&entry.key).and_then(FieldNode::additional_field);
    if let (Some(inner), YamlContent::Map(_)) = (inner, &entry.value.content) {
        // A block may be known only in part: the part around it determines its known fields.
        let value = std::mem::replace(&mut entry.value.content, YamlContent::Map(Vec::new()));
        let content = YamlNode { content: value, ..entry.value.clone() };
        let inner = YamlEntry { key: inner.to_owned(), span: entry.span, value: content, merged: false };
        match own.map(|own| &mut entries[own].value.content) {
            Some(YamlContent::Map(fields)) if fields.iter().all(|field| field.key != inner.key) => fields.push(inner),
            Some(_) => put_back(node, entries, YamlEntry { key: entry.key, ..inner }),
            None => {
                entry.value.content = YamlContent::Map(vec![inner]);
                entries.push(entry);
            }
        }
        return;
    }
    if own.is_some() {
        return put_back(node, entries, entry);
    }
    let name = &entry.key;
    let message = format!("`{name}` is a field that pipectl knows: it is read as if it were in its own place");
    let remark = PendingDiagnostic::warning(KNOWN_ADDITIONAL_FIELD, entry.span, message);
    remarks
        .push(remark.with_path(at.key(name).to_field_path()).with_help(format!("move `{name}` out of `additional`")));
    entries.push(entry);
}

fn put_back(node: &FieldNode, entries: &mut [YamlEntry], entry: YamlEntry) {
    let extra = entries.iter_mut().find(|other| node.additional_field() == Some(other.key.as_str()));
    if let Some(YamlContent::Map(extra)) = extra.map(|extra| &mut extra.value.content) {
        extra.push(entry);
    }
}
