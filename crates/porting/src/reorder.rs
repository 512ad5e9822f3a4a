//! Puts the keys of manifests into the order of the schema. Lines are moved unchanged, with their comments.

mod block;
#[cfg(test)]
mod tests;

use clickpipes::{kinds, manifest, template_schema};
use model::address::Kind;
use model::schema_validator::FieldNode;
use model::yaml::{PendingDiagnostics, YamlContent, YamlDocument, YamlNode, read_documents};
use serde_json::{Map, Value};

use self::block::{key_blocks, split_items};

/// Why a file is not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReorderRefusal {
    /// It is not valid YAML.
    #[error("it is not valid YAML; `pipectl validate` says where")]
    Invalid,
    /// Moving its lines would change a value or lose a line.
    #[error("its lines cannot be moved without changing what they mean")]
    Unsafe,
}

/// The text with the keys of each manifest in the order of the schema, and a line break at its end.
///
/// # Errors
/// When the text is not valid YAML, or would mean something else.
pub fn reorder_keys(text: &str) -> Result<String, ReorderRefusal> {
    let documents = read_valid(text).ok_or(ReorderRefusal::Invalid)?;
    // `lines` would drop the `\r` of files with Windows line ends.
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    let (mut ordered, mut done): (Vec<String>, usize) = (Vec::new(), 0);
    for document in &documents {
        let start = first_line(&document.root);
        let end = lines.iter().skip(start + 1).position(|line| is_document_mark(line));
        let end = end.map_or(lines.len(), |at| start + 1 + at);
        ordered.extend(lines[done..start].iter().map(ToString::to_string));
        let below = &lines[start..end];
        ordered.extend(Reorder { text, first: start }.lines_of(
            &document.root,
            KeyOrder::of_document(&document.root),
            below,
        ));
        done = end;
    }
    ordered.extend(lines[done..].iter().map(ToString::to_string));
    ordered.push(String::new());
    let ordered = ordered.join("\n");
    // The last check, for all that YAML allows: a moved anchor, a value of several lines.
    if has_same_lines(text, &ordered) && has_same_values(&documents, &ordered) {
        Ok(ordered)
    } else {
        Err(ReorderRefusal::Unsafe)
    }
}

fn read_valid(text: &str) -> Option<Vec<YamlDocument>> {
    let mut problems = PendingDiagnostics::default();
    let documents = read_documents(text, &mut problems);
    (problems.error_count() == 0).then_some(documents)
}

/// Puts the keys of a manifest that a program wrote into the order of `fmt`.
pub(crate) fn order_keys(document: &mut Value, kind: Kind) {
    KeyOrder::of_kind(kind).apply_to(document);
}

/// The order of the keys of a mapping, and of those below it.
#[derive(Clone, Copy)]
struct KeyOrder {
    /// Fields of manifests with a template or `forEach`; these keys come first.
    shared: Option<&'static FieldNode>,
    fields: &'static FieldNode,
    /// The fields of the `spec` of a template: those of a kind.
    template_spec: Option<&'static FieldNode>,
}

impl KeyOrder {
    fn of_kind(kind: Kind) -> Self {
        let shared = Some(template_schema::shared_manifest_fields());
        Self { shared, fields: kinds::manifest_fields(kind), template_spec: None }
    }

    fn of_template(root: &YamlNode) -> Self {
        let kind = root.entry("spec").map_or(Kind::ClickPipe, |spec| manifest::likely_kind(&spec.value));
        let template_spec = kinds::manifest_fields(kind).child_field("spec");
        Self { shared: None, fields: template_schema::template_fields(), template_spec }
    }

    /// The order for the kind of a document. Other documents keep their order.
    fn of_document(root: &YamlNode) -> Option<Self> {
        if manifest::is_template(root) {
            return Some(Self::of_template(root));
        }
        Kind::from_name(root.entry("kind")?.value.as_text()?).map(Self::of_kind)
    }

    fn below(self, name: &str) -> Option<Self> {
        if let Some(fields) = self.template_spec.filter(|_| name == "spec") {
            return Some(Self { shared: None, fields, template_spec: None });
        }
        let shared = self.shared.and_then(|shared| shared.child_field(name));
        Some(Self { shared, fields: self.fields.child_field(name)?, template_spec: None })
    }

    fn of_items(self) -> Option<Self> {
        Some(Self { shared: None, fields: self.fields.list_item()?, template_spec: None })
    }

    /// The position of a key; keys of maps, and unknown ones, keep their order.
    fn position(self, name: &str) -> usize {
        if self.fields.is_map() {
            return 0;
        }
        let shared = self.shared.into_iter().flat_map(FieldNode::child_fields);
        let mut known = shared.chain(self.fields.child_fields());
        known.position(|(known, _)| known == name).unwrap_or(usize::MAX)
    }

    fn apply_to(self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                let mut sorted: Vec<(String, Value)> = std::mem::take(fields).into_iter().collect();
                sorted.sort_by_key(|(name, _)| self.position(name));
                for (name, value) in &mut sorted {
                    if let Some(below) = self.below(name) {
                        below.apply_to(value);
                    }
                }
                *fields = Map::from_iter(sorted);
            }
            Value::Array(items) => {
                if let Some(order) = self.of_items() {
                    for item in items {
                        order.apply_to(item);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

fn first_line(node: &YamlNode) -> usize {
    // The value of an alias has the place of its anchor, which may be above.
    node.alias.unwrap_or_else(|| node.head_span()).line as usize - 1
}

fn is_document_mark(line: &str) -> bool {
    line.starts_with("---") || line.starts_with("...")
}

fn has_same_lines(before: &str, after: &str) -> bool {
    let sorted = |text: &str| {
        // The first key of a list entry is behind its dash.
        let lines = text.split_terminator('\n').map(|line| line.trim_start_matches([' ', '-']));
        let mut lines: Vec<String> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
        lines.sort_unstable();
        lines
    };
    sorted(before) == sorted(after)
}

fn has_same_values(before: &[YamlDocument], after: &str) -> bool {
    let Some(after) = read_valid(after) else { return false };
    before.len() == after.len() && before.iter().zip(&after).all(|(a, b)| a.root.to_json() == b.root.to_json())
}

struct Reorder<'t> {
    text: &'t str,
    /// The first line of the document in the file.
    first: usize,
}

impl Reorder<'_> {
    /// The lines of a value, of which the first may begin with its key or dash.
    fn lines_of(&self, node: &YamlNode, order: Option<KeyOrder>, lines: &[&str]) -> Vec<String> {
        let unchanged = || lines.iter().map(ToString::to_string).collect();
        match (&node.content, order) {
            // The lines of an alias are elsewhere, at its anchor.
            _ if node.alias.is_some() => unchanged(),
            (YamlContent::Map(_), Some(order)) => self.mapping_lines(node, order, lines).unwrap_or_else(unchanged),
            (YamlContent::List(items), Some(order)) => {
                let starts = items.iter().map(|item| first_line(item).checked_sub(self.first)).collect();
                let Some(starts): Option<Vec<usize>> = starts else { return unchanged() };
                let Some((head, parts)) = split_items(lines, &starts) else { return unchanged() };
                let mut ordered: Vec<String> = head.iter().map(ToString::to_string).collect();
                for ((item, part), start) in items.iter().zip(parts).zip(&starts) {
                    let below = Self { text: self.text, first: self.first + start };
                    ordered.extend(below.lines_of(item, order.of_items(), part));
                }
                ordered
            }
            _ => unchanged(),
        }
    }

    /// `None` if its keys are not below each other on separate lines.
    fn mapping_lines(&self, node: &YamlNode, order: KeyOrder, lines: &[&str]) -> Option<Vec<String>> {
        let mut blocks = key_blocks(self.text, self.first, node, lines)?;
        for block in &mut blocks.entries {
            let child = order.below(&block.entry.key);
            let value = &block.entry.value;
            // A value that begins on the line of its key is a scalar, or in brackets.
            if child.is_some() && first_line(value) > self.first + block.key_line {
                let below = Self { text: self.text, first: self.first + block.key_line + 1 };
                block.below = below.lines_of(value, child, &lines[block.key_line + 1..block.end]);
            }
        }
        blocks.sort_by_key(|name| order.position(name));
        Some(blocks.into_lines())
    }
}
