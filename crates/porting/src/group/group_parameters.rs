//! The parameters of a template: the fields in which the members of a group differ.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;

use super::manifest_leaves::{LeafType, ListMode, ManifestShape, push_leaves};
use super::text_parts::{TextParts, common_parts};
use crate::export::{FROM_ENV, escape_text, unescape_text};
use clickpipes::secrets::host::SecretHost;
use model::path::FieldPath;

/// A list with more differences is a parameter as a whole.
const MAX_DIFFERENCES_IN_LIST: usize = 3;

/// One parameter, with its value for each member.
#[derive(Clone, Debug)]
pub(super) struct GroupParameter {
    pub(super) name: String,
    /// In the spelling of manifests: `$${` for `${`.
    pub(super) values: Vec<Value>,
}

/// A field that contains a parameter.
#[derive(Clone, Debug)]
pub(super) struct ParameterUse {
    pub(super) path: FieldPath,
    pub(super) parameter: usize,
    pub(super) before: String,
    pub(super) after: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct GroupParameters {
    pub(super) parameters: Vec<GroupParameter>,
    pub(super) uses: Vec<ParameterUse>,
    /// Secrets that go to the same hosts for every member.
    pub(super) shared_secrets: Vec<FieldPath>,
    /// The number of fields that are equal for all members.
    pub(super) shared_count: usize,
}

impl GroupParameters {
    pub(super) fn len(&self) -> usize {
        self.parameters.len()
    }

    /// The same for some of the members.
    pub(super) fn of_members(&self, range: Range<usize>) -> Self {
        let parameters = self.parameters.iter().map(|parameter| GroupParameter {
            name: parameter.name.clone(),
            values: parameter.values[range.clone()].to_vec(),
        });
        Self { parameters: parameters.collect(), ..self.clone() }
    }

    /// For each member, the value of the parameter that has the fewest values.
    pub(super) fn fewest_values(&self) -> Vec<String> {
        let texts = self.parameters.iter().map(|it| it.values.iter().map(Value::to_string).collect::<Vec<_>>());
        let fewest = texts.min_by_key(|values| values.iter().collect::<BTreeSet<_>>().len());
        fewest.unwrap_or_default()
    }

    fn add_parameter(&mut self, name: String, values: Vec<Value>) -> usize {
        self.parameters.push(GroupParameter { name, values });
        self.parameters.len() - 1
    }
}

/// A field with different values.
struct DifferingField<'v> {
    path: FieldPath,
    values: Vec<&'v Value>,
}

impl DifferingField<'_> {
    /// The texts without their common parts. The name of an environment variable is used as a whole, so that `grep`
    /// finds it.
    fn text_parts(&self) -> Option<TextParts> {
        let texts: Option<Vec<String>> = self.values.iter().map(|value| value.as_str().map(unescape_text)).collect();
        Some(common_parts(texts?)).filter(|_| self.path.last_segment() != Some(FROM_ENV))
    }
}

/// The differences of documents that have the same structure.
pub(super) fn find_parameters(shapes: &[&ManifestShape], documents: &[&Value]) -> GroupParameters {
    let mut found = GroupParameters::default();
    let mut differing = Vec::new();
    let shared_secrets = shared_secrets(shapes);
    for path in shapes.first().map_or(&[][..], |shape| &shape.leaves) {
        let values: Vec<&Value> = documents.iter().filter_map(|document| path.value_in(document)).collect();
        let is_shared_secret = path.last_segment() == Some(FROM_ENV)
            && path.parent().is_some_and(|parent| shared_secrets.contains(&parent));
        if is_shared_secret || values.windows(2).all(|pair| pair[0] == pair[1]) {
            found.shared_count += 1;
            continue;
        }
        match differences_in_list(path, &values) {
            Some(fields) => differing.extend(fields),
            None => differing.push(DifferingField { path: path.clone(), values }),
        }
    }
    found.shared_secrets = shared_secrets;
    add_parameters(&differing, &mut found);
    found
}

/// The secrets that every member sends to the same known hosts.
fn shared_secrets(shapes: &[&ManifestShape]) -> Vec<FieldPath> {
    let Some((first, others)) = shapes.split_first() else { return Vec::new() };
    // An unknown host may be another one for each member.
    let is_known = |host: &SecretHost| {
        matches!(host, SecretHost::Named(_) | SecretHost::Endpoint(_) | SecretHost::ThroughEndpoint(_))
    };
    let shared = first.secret_hosts().iter().enumerate().filter(|(at, secret)| {
        secret.1.iter().all(is_known) && others.iter().all(|other| other.secret_hosts().get(*at) == Some(secret))
    });
    shared.map(|(_, (path, _))| path.clone()).collect()
}

/// The differing fields within a list, if there are few and no other differences.
fn differences_in_list<'v>(path: &FieldPath, values: &[&'v Value]) -> Option<Vec<DifferingField<'v>>> {
    let lists: Vec<Vec<(FieldPath, &'v Value)>> = values.iter().map(|value| leaves_of_list(value, path)).collect();
    let (first, others) = lists.split_first()?;
    let shape = |leaves: &[(FieldPath, &Value)]| {
        leaves.iter().map(|(path, value)| (path.clone(), LeafType::of_value(value))).collect::<Vec<_>>()
    };
    let (expected, is_list) = (shape(first), values.iter().all(|value| value.is_array()));
    if !is_list || others.iter().any(|other| shape(other) != expected) {
        return None;
    }
    let fields = first.iter().enumerate().map(|(at, (path, _))| {
        let values = lists.iter().filter_map(|leaves| leaves.get(at)).map(|(_, value)| *value);
        DifferingField { path: path.clone(), values: values.collect() }
    });
    let differs = |field: &DifferingField<'_>| field.values.windows(2).any(|pair| pair[0] != pair[1]);
    let fields: Vec<DifferingField<'v>> = fields.filter(differs).collect();
    (fields.len() <= MAX_DIFFERENCES_IN_LIST).then_some(fields)
}

fn leaves_of_list<'v>(value: &'v Value, path: &FieldPath) -> Vec<(FieldPath, &'v Value)> {
    let mut leaves = Vec::new();
    push_leaves(value, path, ListMode::ByItem, &mut leaves);
    leaves
}

/// Adds a parameter for each field. Texts that differ in the same words share one.
fn add_parameters(differing: &[DifferingField<'_>], found: &mut GroupParameters) {
    let mut by_words: BTreeMap<Vec<String>, Vec<(usize, TextParts)>> = BTreeMap::new();
    for (at, field) in differing.iter().enumerate() {
        if let Some(parts) = field.text_parts() {
            by_words.entry(parts.words.clone()).or_default().push((at, parts));
        }
    }
    let mut sharing: BTreeMap<usize, Vec<(usize, TextParts)>> = BTreeMap::new();
    for fields in by_words.into_values().filter(|fields| fields.len() > 1) {
        sharing.insert(fields[0].0, fields);
    }
    let shared: BTreeSet<usize> = sharing.values().flatten().map(|(at, _)| *at).collect();
    let mut names = BTreeSet::new();
    for (at, field) in differing.iter().enumerate() {
        if let Some(fields) = sharing.get(&at) {
            add_shared_parameter(differing, fields, &mut names, found);
        } else if !shared.contains(&at) {
            let name = unique_parameter_name(&field.path, &mut names);
            let parameter = found.add_parameter(name, field.values.iter().copied().cloned().collect());
            let (before, after) = (String::new(), String::new());
            found.uses.push(ParameterUse { path: field.path.clone(), parameter, before, after });
        }
    }
}

fn add_shared_parameter(
    differing: &[DifferingField<'_>],
    fields: &[(usize, TextParts)],
    names: &mut BTreeSet<String>,
    found: &mut GroupParameters,
) {
    // If all texts have the same beginning or end, it becomes a part of the value.
    let (_, first) = &fields[0];
    let is_same = fields.iter().all(|(_, parts)| (&parts.before, &parts.after) == (&first.before, &first.after));
    let whole = |parts: &TextParts| is_same || parts.before.is_empty() && parts.after.is_empty();
    let object_name = FieldPath::parse(OBJECT_NAME);
    let named_by = fields.iter().find(|(at, _)| differing[*at].path == object_name);
    let named_by = named_by.or_else(|| fields.iter().find(|(_, parts)| whole(parts))).unwrap_or(&fields[0]);
    let name = unique_parameter_name(&differing[named_by.0].path, names);
    let values = if is_same {
        differing[fields[0].0].values.iter().copied().cloned().collect()
    } else {
        first.words.iter().map(|word| Value::from(escape_text(word))).collect()
    };
    let parameter = found.add_parameter(name, values);
    for (at, parts) in fields {
        let TextParts { before, after, .. } = if is_same { TextParts::default() } else { parts.clone() };
        found.uses.push(ParameterUse { path: differing[*at].path.clone(), parameter, before, after });
    }
}

const OBJECT_NAME: &str = "metadata.name";

/// Fields with a plural name that contain one text, with the singular name.
const SINGULAR_NAMES: &[(&str, &str)] = &[("topics", "topic")];

/// `topic` for `source.kafka.topics`; the name of the field above comes first if that is in use.
fn unique_parameter_name(path: &FieldPath, taken: &mut BTreeSet<String>) -> String {
    let is_name = |segment: &&String| segment.parse::<usize>().is_err() && *segment != FROM_ENV;
    let mut segments = path.segments().iter().rev().filter(is_name).map(|segment| plain_name(segment));
    let mut base = segments.next().unwrap_or_default();
    if path.last_segment() == Some(FROM_ENV) {
        base.push_str("Variable");
    }
    if base.is_empty() {
        base.push_str("field");
    }
    let longer = format!("{}{}", segments.next().unwrap_or_default(), capitalize(&base));
    let numbered = (2..).map(|count| format!("{longer}{count}"));
    let mut candidates = [base, longer.clone()].into_iter().chain(numbered);
    // The numbers never end.
    candidates.find(|name| taken.insert(name.clone())).unwrap_or_default()
}

/// Letters and digits, so that it can be used in `${each.…}`.
fn plain_name(segment: &str) -> String {
    let singular = SINGULAR_NAMES.iter().find(|(plural, _)| *plural == segment);
    let name: String = singular.map_or(segment, |(_, one)| one).chars().filter(char::is_ascii_alphanumeric).collect();
    name.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned()
}

fn capitalize(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(characters).collect()
}
