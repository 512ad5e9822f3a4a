//! `pipectl render`: prints the manifests with templates and `forEach` expanded. From files alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Result;
use clickpipes::manifest::PlainManifest;
use model::path::FieldPath;
use model::sanitize::sanitize_line;
use serde::Serialize;
use serde_json::Value;

use crate::context::CommandContext;
use crate::load_manifests::LoadedManifests;
use crate::manifest_files::none_in_new_project;
use crate::outcome::CommandOutcome;
use crate::yaml_writer::write_commented_yaml;
use crate::{exit, project};

#[derive(Serialize)]
struct Rendering {
    manifests: Vec<RenderedManifest>,
}

#[derive(Serialize)]
struct RenderedManifest {
    manifest: Value,
    place: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<UsedTemplate>,
    /// The places of values that are not set in the document itself.
    places: BTreeMap<FieldPath, String>,
}

#[derive(Serialize)]
struct UsedTemplate {
    name: String,
    place: String,
}

/// Prints the manifests in these files and folders, or those of the project file, by service, kind and name.
pub(crate) fn run(context: &CommandContext, paths: &[PathBuf]) -> Result<CommandOutcome> {
    let project = project::load_offline(paths, context)?;
    let manifests = match none_in_new_project(LoadedManifests::load_project(&project), &project)? {
        Some(declared) => declared.require_valid(context.output)?.to_plain_manifests(project.load_context()),
        None => Vec::new(),
    };
    let documents: Vec<String> = manifests.iter().map(document_text).collect();
    let rendering = Rendering { manifests: manifests.into_iter().map(rendered_manifest).collect() };
    let mut outcome = CommandOutcome::new(context, exit::DONE, context.envelope("rendered", rendering));
    outcome.text.push_plain(documents.join("---\n"));
    Ok(outcome)
}

fn document_text(manifest: &PlainManifest) -> String {
    let template = manifest.template.as_ref().map(|it| {
        let name = sanitize_line(&it.name);
        format!(", with the template {name} ({})", it.start)
    });
    let comments = manifest.value_places.iter().map(|(path, place)| (path.clone(), place.to_string())).collect();
    let yaml = write_commented_yaml(&manifest.document, &comments);
    format!("# {}{}\n{yaml}", manifest.start, template.unwrap_or_default())
}

fn rendered_manifest(manifest: PlainManifest) -> RenderedManifest {
    RenderedManifest {
        manifest: manifest.document,
        place: manifest.start.to_string(),
        template: manifest.template.map(|it| UsedTemplate { name: it.name.clone(), place: it.start.to_string() }),
        places: manifest.value_places.into_iter().map(|(path, place)| (path, place.to_string())).collect(),
    }
}
