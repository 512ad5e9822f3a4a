//! Proposes templates for similar exported manifests: common fields are written once, and each object has an entry of
//! `forEach`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use self::build_documents::{GroupDocuments, build_documents};
use self::group_parameters::{GroupParameters, find_parameters};
use self::manifest_leaves::{ManifestShape, collect_leaves};
use crate::export::{EnvNames, ExportedManifest, FieldNote};
use crate::reorder;
use clickpipes::manifest;
use model::address::{Address, Kind};
use model::diagnostic::SourceFile;
use model::path::FieldPath;

mod build_documents;
mod group_parameters;
mod manifest_leaves;
#[cfg(test)]
mod tests;
mod text_parts;

/// Two objects are read faster without a template.
const MIN_MEMBERS: usize = 3;

/// More would exceed the limit of values in one file. Each entry of `forEach` copies its document and its template.
const MAX_MEMBERS: usize = 500;

/// With more differences than this, objects are not similar.
const MAX_PARAMETERS: usize = 8;

/// A unit of the export: an object, or several that share a template.
#[derive(Clone, Debug)]
pub enum ExportUnit {
    /// One manifest.
    Single(ExportedManifest),
    /// A template, and a manifest with `forEach`.
    Group(ManifestGroup),
}

/// Manifests that share a template.
#[derive(Clone, Debug)]
pub struct ManifestGroup {
    /// The name of the template.
    pub template_name: String,
    /// The document of the template.
    pub template: Value,
    /// The document with `forEach`.
    pub document: Value,
    /// Notes to the fields of the template.
    pub field_notes: BTreeMap<FieldPath, FieldNote>,
    /// The manifests that both documents expand to.
    pub members: Vec<ExportedManifest>,
}

impl ExportUnit {
    /// Its manifests: at least one.
    pub fn manifests(&self) -> &[ExportedManifest] {
        match self {
            Self::Single(manifest) => std::slice::from_ref(manifest),
            Self::Group(group) => &group.members,
        }
    }

    /// Removes fields that defaults of the environment would add to a document although they are not live: the plan
    /// right after an export shows no changes.
    pub fn keep_out_defaults(&mut self, added_fields: impl Fn(&Value) -> Vec<FieldPath>) {
        let added: BTreeSet<FieldPath> =
            self.manifests().iter().flat_map(|manifest| added_fields(&manifest.document)).collect();
        let document = match self {
            Self::Single(manifest) => &mut manifest.document,
            // Not in the template, which may serve other manifests.
            Self::Group(group) => &mut group.document,
        };
        set_kept_out(document, added);
    }
}

/// Writes into a document that these fields of the defaults are not live.
pub fn set_kept_out(document: &mut Value, added: impl IntoIterator<Item = FieldPath>) {
    for path in added {
        let value = match path.to_string().as_str() {
            // Live knows no protection.
            "spec.protect" => continue,
            // Without a state, a manifest is of a running pipe.
            "spec.state" => Value::from("running"),
            _ => Value::Null,
        };
        path.set_in(document, value);
    }
    if let Some(kind) = document["kind"].as_str().and_then(Kind::from_name) {
        reorder::order_keys(document, kind);
    }
}

impl ManifestGroup {
    /// The variables for secrets that every member uses. The API returns no secret, so it is unknown whether they are
    /// equal.
    pub fn shared_variables(&self) -> BTreeSet<&str> {
        let mut shared = self.members.first().map(ExportedManifest::secret_variables).unwrap_or_default();
        for member in &self.members {
            let used = member.secret_variables();
            shared.retain(|name| used.contains(name));
        }
        shared
    }
}

/// Each manifest on its own.
pub fn keep_single(manifests: Vec<ExportedManifest>) -> Vec<ExportUnit> {
    manifests.into_iter().map(ExportUnit::Single).collect()
}

/// Groups similar manifests, in the order of their first members. Templates do not use the `taken_names`. Manifests for
/// which `is_declared` is true, and those that are only a comment, are not grouped.
pub fn group_manifests(
    manifests: Vec<ExportedManifest>,
    taken_names: BTreeSet<String>,
    is_declared: impl Fn(&Address) -> bool,
) -> Vec<ExportUnit> {
    let groupable = |manifest: &&ExportedManifest| manifest.blockers.is_empty() && !is_declared(&manifest.address);
    let shapes: BTreeMap<usize, ManifestShape> =
        manifests.iter().enumerate().filter(|(_, it)| groupable(it)).map(|(at, it)| (at, collect_leaves(it))).collect();
    let mut finder = GroupFinder { manifests: &manifests, shapes, groups: Vec::new() };
    // The secrets of one host are nearly always one login. Only then they can share a reference.
    finder.find_groups(SecretScope::SameHosts);
    finder.find_groups(SecretScope::AnyHosts);
    let GroupFinder { mut groups, .. } = finder;
    groups.sort_by_key(FoundGroup::first_member);
    let mut builder = GroupBuilder { taken_names, variables: used_variables(&manifests) };
    let mut units: BTreeMap<usize, ExportUnit> = BTreeMap::new();
    let mut grouped = BTreeSet::new();
    for group in groups {
        if let Some(built) = builder.build_group(&manifests, &group) {
            units.insert(group.first_member(), ExportUnit::Group(built));
            grouped.extend(group.members);
        }
    }
    let singles = manifests.into_iter().enumerate().filter(|(at, _)| !grouped.contains(at));
    units.extend(singles.map(|(at, manifest)| (at, ExportUnit::Single(manifest))));
    units.into_values().collect()
}

fn used_variables(manifests: &[ExportedManifest]) -> EnvNames {
    let mut variables = EnvNames::default();
    for name in manifests.iter().flat_map(ExportedManifest::secret_variables) {
        variables.reserve_name(name);
    }
    variables
}

/// Similar objects, by their positions, and their differences.
struct FoundGroup {
    members: Vec<usize>,
    parameters: GroupParameters,
}

impl FoundGroup {
    fn first_member(&self) -> usize {
        self.members.first().copied().unwrap_or_default()
    }
}

/// Whether the members of a group send their secrets to the same hosts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SecretScope {
    SameHosts,
    AnyHosts,
}

struct GroupFinder<'m> {
    manifests: &'m [ExportedManifest],
    /// Objects that are not in a group yet, by position.
    shapes: BTreeMap<usize, ManifestShape>,
    groups: Vec<FoundGroup>,
}

impl GroupFinder<'_> {
    fn find_groups(&mut self, scope: SecretScope) {
        let mut alike: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, shape) in &self.shapes {
            let hosts = (scope == SecretScope::SameHosts).then(|| shape.secret_hosts());
            alike.entry((shape.structure(), hosts)).or_default().push(*at);
        }
        let sets: Vec<Vec<usize>> = alike.into_values().collect();
        for members in sets {
            self.split_alike(&members);
        }
    }

    /// Makes these one group, or splits them by the field with the fewest values until few fields differ.
    fn split_alike(&mut self, members: &[usize]) {
        if members.len() < MIN_MEMBERS {
            return;
        }
        let shapes: Vec<&ManifestShape> = members.iter().filter_map(|at| self.shapes.get(at)).collect();
        let documents: Vec<&Value> = members.iter().map(|at| &self.manifests[*at].document).collect();
        let parameters = find_parameters(&shapes, &documents);
        if parameters.len() <= MAX_PARAMETERS {
            // A template that is shorter than its entries is not useful.
            if parameters.len() <= parameters.shared_count {
                self.take_groups(members, &parameters);
            }
            return;
        }
        let mut by_value: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, value) in members.iter().zip(parameters.fewest_values()) {
            by_value.entry(value).or_default().push(*at);
        }
        // With one value, the split would give the same set again, for ever.
        if by_value.len() > 1 {
            for members in by_value.into_values() {
                self.split_alike(&members);
            }
        }
    }

    fn take_groups(&mut self, members: &[usize], parameters: &GroupParameters) {
        for at in members {
            self.shapes.remove(at);
        }
        let mut start = 0;
        for members in members.chunks(MAX_MEMBERS).filter(|members| members.len() >= MIN_MEMBERS) {
            let parameters = parameters.of_members(start..start + members.len());
            self.groups.push(FoundGroup { members: members.to_vec(), parameters });
            start += members.len();
        }
    }
}

struct GroupBuilder {
    taken_names: BTreeSet<String>,
    variables: EnvNames,
}

impl GroupBuilder {
    /// `None` if the documents would not expand to the manifests of the group.
    fn build_group(&mut self, manifests: &[ExportedManifest], group: &FoundGroup) -> Option<ManifestGroup> {
        let mut members: Vec<ExportedManifest> = group.members.iter().map(|at| manifests[*at].clone()).collect();
        let template_name = unique_name(members.first()?, &mut self.taken_names);
        for path in &group.parameters.shared_secrets {
            let variable = self.variables.unique_name(&template_name, path);
            for member in &mut members {
                member.set_secret_variable(path, &variable);
            }
        }
        let GroupDocuments { template, document } = build_documents(&template_name, &members, &group.parameters)?;
        if !comes_to(&template, &document, &members) {
            return None;
        }
        let field_notes = members.first()?.field_notes.clone();
        Some(ManifestGroup { template_name, template, document, field_notes, members })
    }
}

// A value that `forEach` or a template would change must not get into git: then the plan would not be empty.
fn comes_to(template: &Value, document: &Value, members: &[ExportedManifest]) -> bool {
    let file = SourceFile { name: "export".into(), text: format!("{template}\n---\n{document}\n").into() };
    let rendered = manifest::render_manifests(&[file], &BTreeMap::new());
    let name = |document: &Value| document["metadata"]["name"].to_string();
    let rendered: BTreeMap<String, Value> = rendered.into_iter().map(|it| (name(&it.document), it.document)).collect();
    rendered.len() == members.len() && members.iter().all(|it| rendered.get(&name(&it.document)) == Some(&it.document))
}

/// `analytics-kafka` for Kafka pipes of the service `analytics`, with a number if that is in use.
fn unique_name(first: &ExportedManifest, taken: &mut BTreeSet<String>) -> String {
    let source = first.document["spec"]["source"].as_object().and_then(|source| source.keys().next());
    let what = match first.address.kind {
        Kind::ClickPipe => source.map_or("pipes", String::as_str),
        Kind::ReversePrivateEndpoint => "endpoints",
        Kind::CdcScaling => "scaling",
    };
    let base = plain_words(&format!("{} {what}", first.address.service.as_str()));
    let (mut name, mut count) = (base.clone(), 1);
    while !taken.insert(name.clone()) {
        count += 1;
        name = format!("{base}-{count}");
    }
    name
}

/// Letters and digits, with `-` between words.
fn plain_words(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}
