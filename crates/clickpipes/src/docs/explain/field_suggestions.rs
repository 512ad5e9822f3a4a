//! Suggestions for an unknown field.

use super::DocumentForm;
use model::annotations;
use model::path::FieldPath;
use model::schema_validator::FieldNode;
use model::suggest::suggest_similar;

/// Similar fields, best first.
pub(super) fn suggest_fields(forms: &[DocumentForm], path: &FieldPath) -> Vec<String> {
    let all: Vec<String> = forms.iter().flat_map(|form| field_paths(*form)).collect();
    let Some(last) = path.last_segment() else { return Vec::new() };
    let mut near: Vec<String> = suggest_similar(&path.to_string(), all.iter().map(String::as_str))
        .map(|near| vec![near.to_owned()])
        .unwrap_or_default();
    let leaf = |path: &&String| path.rsplit('.').next().is_some_and(|leaf| leaf == last);
    near.extend(all.iter().filter(leaf).cloned());
    if near.is_empty() {
        let leaves = all.iter().filter_map(|path| path.rsplit('.').next());
        let closest = suggest_similar(last, leaves);
        near.extend(all.iter().filter(|path| path.rsplit('.').next() == closest).cloned());
    }
    near.dedup();
    // The project file has the fields of manifests among its defaults.
    if path.segments().first().is_none_or(|first| first != "environments") {
        let all = near.clone();
        let is_end = |end: &String, path: &str| path.strip_suffix(end.as_str()).is_some_and(|it| it.ends_with('.'));
        near.retain(|path| !all.iter().any(|other| is_end(other, path)));
    }
    near.truncate(5);
    near
}

/// Every path of a document, without steps for the entries of lists.
pub(in crate::docs) fn field_paths(form: DocumentForm) -> Vec<String> {
    fn collect_paths(node: &FieldNode, at: &str, paths: &mut Vec<String>) {
        let inner = node.list_item().or(node.map_value()).unwrap_or(node);
        if inner.can_be_secret() {
            return;
        }
        // Every object has these, so they are not useful suggestions.
        let extra = [annotations::ADDITIONAL, annotations::ADDITIONAL_MARK];
        let is_extra = |field: &FieldNode| extra.iter().any(|keyword| field.has_keyword(keyword));
        for (name, field) in inner.child_fields().filter(|(_, field)| !is_extra(field)) {
            let path = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            paths.push(path.clone());
            collect_paths(field, &path, paths);
        }
    }
    let mut paths = Vec::new();
    collect_paths(form.fields(), "", &mut paths);
    paths
}
