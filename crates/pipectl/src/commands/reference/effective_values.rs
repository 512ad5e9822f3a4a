//! `pipectl explain --effective`: the values of a field in the manifests, and their origins. From files alone.

use anyhow::Result;
use clickpipes::docs::FieldExplanation;
use clickpipes::manifest::{EffectiveValue, PlainManifest, RemovedField, ValueSource};
use model::path::{FieldPath, value_at};
use model::sanitize::sanitize_line;
use serde::Serialize;
use serde_json::Value;

use crate::context::CommandContext;
use crate::load_manifests::LoadedManifests;
use crate::manifest_files::none_in_new_project;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText};
use crate::{exit, project};

#[derive(Serialize)]
struct EffectiveValues {
    manifests: Vec<ManifestValues>,
}

#[derive(Serialize)]
struct ManifestValues {
    kind: String,
    /// `SERVICE/NAME`, or the part of it that the manifest sets.
    name: String,
    place: String,
    values: Vec<ShownValue>,
    /// Fields of the template or of the defaults that the manifest removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    removed: Vec<ShownRemoval>,
}

#[derive(Serialize)]
struct ShownRemoval {
    path: String,
    place: String,
}

#[derive(Serialize)]
struct ShownValue {
    path: String,
    value: Value,
    source: ValueSource,
    /// The template that sets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    place: String,
}

/// `field` as the user wrote it; `None` means all fields of all kinds.
pub(super) fn run(
    context: &CommandContext,
    field: Option<&str>,
    explained: &FieldExplanation,
) -> Result<CommandOutcome> {
    let project = project::load_offline(&[], context)?;
    let manifests = match none_in_new_project(LoadedManifests::load_project(&project), &project)? {
        Some(declared) => declared.require_valid(context.output)?.to_plain_manifests(project.load_context()),
        None => Vec::new(),
    };
    // A kind alone means all of its fields, including those of the metadata.
    let is_kind = |field: &str| field.eq_ignore_ascii_case(explained.kind);
    let path = if field.is_none_or(is_kind) { FieldPath::root() } else { explained.path.clone() };
    let names_kind = field.and_then(|field| field.split('.').next()).is_some_and(is_kind);
    let is_meant = |manifest: &&PlainManifest| !names_kind || manifest.document["kind"] == explained.kind;
    let found = manifests.iter().filter(is_meant).map(|manifest| manifest_values(manifest, &path));
    let found: Vec<ManifestValues> = found.filter(|it| !it.values.is_empty() || !it.removed.is_empty()).collect();
    let text = shown_text(&found, project.environment_name());
    let mut outcome =
        CommandOutcome::new(context, exit::DONE, context.envelope("found", EffectiveValues { manifests: found }));
    outcome.text = text;
    Ok(outcome)
}

fn manifest_values(manifest: &PlainManifest, path: &FieldPath) -> ManifestValues {
    let word = |at: &str| value_at(&manifest.document, at).and_then(Value::as_str).map(str::to_owned);
    let template = manifest.template.as_ref().map(|template| template.name.clone());
    let shown = |it: &EffectiveValue| ShownValue {
        path: it.path.to_string(),
        value: it.value.clone(),
        source: it.source,
        template: template.clone().filter(|_| it.source == ValueSource::Template),
        place: it.place.to_string(),
    };
    let removal = |it: &RemovedField| ShownRemoval { path: it.path.to_string(), place: it.place.to_string() };
    let parts = [word("metadata.service"), word("metadata.name")];
    ManifestValues {
        kind: word("kind").unwrap_or_default(),
        name: parts.into_iter().flatten().collect::<Vec<_>>().join("/"),
        place: manifest.start.to_string(),
        removed: manifest.removed.iter().filter(|it| is_below(&it.path, path)).map(removal).collect(),
        values: manifest.values.iter().filter(|it| is_below(&it.path, path)).map(shown).collect(),
    }
}

/// Whether a field is this one or below it. `*` stands for every entry of a list.
fn is_below(field: &FieldPath, path: &FieldPath) -> bool {
    let (field, path) = (field.segments(), path.segments());
    path.len() <= field.len() && path.iter().zip(field).all(|(wanted, segment)| wanted == "*" || wanted == segment)
}

fn shown_text(manifests: &[ManifestValues], environment: &str) -> StyledText {
    let mut text = StyledText::new();
    for manifest in manifests {
        text.push(Label::Name, sanitize_line(&manifest.name));
        text.push_plain(format!("  {}  ", manifest.kind)).push(Label::Dim, manifest.place.clone()).end_line();
        for ShownValue { path, value, source, template, place } in &manifest.values {
            let source = match source {
                ValueSource::Manifest => "the manifest".to_owned(),
                ValueSource::ForEach => "its entry of forEach".to_owned(),
                ValueSource::With => "with".to_owned(),
                ValueSource::Template => {
                    format!("the template {}", sanitize_line(template.as_deref().unwrap_or_default()))
                }
                ValueSource::EnvironmentDefault => format!("a default of {}", sanitize_line(environment)),
            };
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_plain(format!("  {}: {}", sanitize_line(path), sanitize_line(&value)));
            text.push(Label::Dim, format!("  from {source} ({place})")).end_line();
        }
        for ShownRemoval { path, place } in &manifest.removed {
            text.push_plain(format!("  {}: ", sanitize_line(path)))
                .push(Label::Dim, format!("removed by {place}"))
                .end_line();
        }
    }
    text
}
