//! Loads manifests from files. One run reports every mistake in all of them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::validate::Problem;
use model::address::{Kind, Name};
use model::desired::{Document, Place, TemplateOrigin};
use model::diagnostic::{Diagnostic, Severity, SourceFile};
use model::path::{FieldPath, value_at};

mod classify;
pub mod code;
mod cross_document;
mod defaults;
mod draft;
mod draft_places;
mod file;
mod intent;
mod lift_known_fields;
mod load_context;
mod needless_nulls;
mod overlay;
mod parameters;
mod plain_manifest;
mod project_bound;
mod recover_shared_fields;
mod recover_typos;
mod render_document;
mod shared_parts;
mod source_map;
mod templates;
#[cfg(test)]
mod tests;
mod unfit_defaults;
mod variable_scope;
mod variables;

use draft::DraftManifest;
use draft_places::DraftPlaces;
use load_context::RenderContext;

pub use classify::{API_VERSION_PREFIX, is_template, is_text_of_ours};
pub use defaults::EnvironmentDefaults;
pub use load_context::LoadContext;
pub use shared_parts::{find_default_problems, likely_kind};
pub use templates::{Templates, may_contain_template, may_use_template};
pub(crate) use variables::{is_one_variable, is_shared_variable};

/// One declared object, before the id of its service is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The kind of the object.
    pub kind: Kind,
    /// `metadata.service` as written; `None` means the default service of the run.
    pub service: Option<String>,
    /// Whether it belongs to the organization and not to a service.
    pub is_organization_wide: bool,
    /// The name of the object. An object that is the only one of its kind is named after the kind.
    pub name: Name,
    /// The body, the intent, and the position of each field.
    pub document: Document,
}

/// The manifests and the diagnostics of a set of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedManifests {
    /// The documents without errors, in the order of files and documents.
    pub manifests: Vec<Manifest>,
    /// Errors and warnings, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and validates manifests.
pub fn parse_manifests<'c>(files: &[SourceFile], context: impl Into<LoadContext<'c>>) -> ParsedManifests {
    let parse = |context: &RenderContext<'_>| {
        let (mut found, conflicts) = parse_all(files, context);
        let mut at = 0..;
        found.drafts.retain(|draft| at.next().is_some_and(|at| draft.is_valid && !conflicts.rejected.contains(&at)));
        found.into_manifests()
    };
    RenderContext::for_files(files, context.into(), parse)
}

/// The manifests of an earlier commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastManifests {
    /// The readable manifests, and all mistakes.
    pub parsed: ParsedManifests,
    /// `false` if a part could not be read, so that its objects are unknown.
    pub is_readable: bool,
}

/// Parses manifests of an earlier commit. Manifests with mistakes count: they show what git declared.
// Hazard: without its base, every value of an object that was set by hand would be reverted. A misspelt field of one
// commit, or a rule that is newer than the commit, must not cause that.
pub fn parse_past_manifests<'c>(files: &[SourceFile], context: impl Into<LoadContext<'c>>) -> PastManifests {
    let parse = |context: &RenderContext<'_>| {
        let (mut found, _) = parse_all(files, context);
        let errors = found.diagnostics.iter().filter(|(_, it)| it.severity == Severity::Error);
        let has_error: HashSet<usize> = errors.map(|(file, _)| *file).collect();
        let mut broken = has_error.iter().map(|index| file::identify_documents(&files[*index], context).1);
        let has_whole = |draft: &DraftManifest| draft.is_identified && draft.has_template_fields;
        let is_whole = !context.bound.is_exceeded() && found.drafts.iter().all(has_whole);
        let is_readable = is_whole && !broken.any(|is_broken| is_broken);
        found.drafts.retain(has_whole);
        PastManifests { parsed: found.into_manifests(), is_readable }
    };
    RenderContext::for_files(files, context.into(), parse)
}

fn parse_all(files: &[SourceFile], context: &RenderContext<'_>) -> (ParsedFiles, cross_document::Conflicts) {
    let mut found = ParsedFiles::default();
    for (index, (drafts, diagnostics)) in parse_in_parallel(files, context).into_iter().enumerate() {
        found.drafts.extend(drafts.into_iter().map(|draft| DraftManifest { file_index: index, ..draft }));
        found.diagnostics.extend(diagnostics.into_iter().map(|diagnostic| (index, diagnostic)));
    }
    if context.bound.is_exceeded() {
        let diagnostics = project_bound::exceeded_bound(files, context).into_iter().collect();
        return (ParsedFiles { drafts: Vec::new(), diagnostics }, cross_document::Conflicts::default());
    }
    let conflicts = cross_document::find_conflicts(&found.drafts, &DraftPlaces::new(files, context));
    if !context.is_plain() {
        found.add_template_diagnostics(files, context);
    }
    // Conflicts name drafts by their position.
    let diagnostics = conflicts.diagnostics.iter();
    let diagnostics = diagnostics.map(|(index, it)| (found.drafts[*index].file_index, it.clone()));
    found.diagnostics.extend(diagnostics.collect::<Vec<_>>());
    (found, conflicts)
}

/// A manifest with templates and `forEach` expanded, and the places of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct PlainManifest {
    /// The document, with every variable replaced.
    pub document: Value,
    /// Its start: its entry of `forEach`, or its first line.
    pub start: Place,
    /// The name and the place of its template.
    pub template: Option<Arc<TemplateOrigin>>,
    /// The places of values that are not set in the document itself.
    pub value_places: BTreeMap<FieldPath, Place>,
    /// Every value, in the order of the document.
    pub values: Vec<EffectiveValue>,
    /// The fields of its template and the defaults that it removes.
    pub removed: Vec<RemovedField>,
}

/// A field that a manifest removes with `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovedField {
    /// Its path from the root of the document.
    pub path: FieldPath,
    /// The place of the `null`.
    pub place: Place,
}

/// A value of a plain manifest, and where it is from.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveValue {
    /// Its path from the root of the document.
    pub path: FieldPath,
    /// A scalar, or a list or mapping without entries.
    pub value: Value,
    /// The origin of the value.
    pub source: ValueSource,
    /// The place of the value. For a text with `${…}` in it, the place of that text.
    pub place: Place,
}

/// The origin of a value in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ValueSource {
    /// The manifest itself.
    Manifest,
    /// The entry of `forEach`.
    ForEach,
    /// `with` in the manifest.
    With,
    /// The template, or the default of its parameter.
    Template,
    /// `defaults` of the environment.
    EnvironmentDefault,
}

/// The expanded manifests of these files, by service, kind and name. Mistakes are those of [`parse_manifests`].
pub fn render_manifests<'c>(files: &[SourceFile], context: impl Into<LoadContext<'c>>) -> Vec<PlainManifest> {
    let render = |context: &RenderContext<'_>| {
        files.iter().flat_map(|file| plain_manifest::render_file(file, context)).collect::<Vec<_>>()
    };
    let mut rendered = RenderContext::for_files(files, context.into(), render);
    let text = |it: &PlainManifest, at: &str| value_at(&it.document, at).and_then(Value::as_str).map(str::to_owned);
    rendered.sort_by_cached_key(|it| ["metadata.service", "kind", "metadata.name"].map(|at| text(it, at)));
    rendered
}

type ParsedFile = (Vec<DraftManifest>, Vec<Diagnostic>);

/// Parses the files on all processors. The results are in the order of the files.
fn parse_in_parallel(files: &[SourceFile], context: &RenderContext<'_>) -> Vec<ParsedFile> {
    /// Fewer files are parsed sooner than a thread starts.
    const FILES_PER_THREAD: usize = 32;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(threads).max(FILES_PER_THREAD);
    let parse_all = |files: &[SourceFile]| -> Vec<ParsedFile> {
        files.iter().map(|file| file::parse_file(file, context)).collect()
    };
    if files.len() <= share {
        return parse_all(files);
    }
    std::thread::scope(|scope| {
        // Each thread allocates some megabytes for itself, so this one works too instead of only waiting.
        let (own, others) = files.split_at(share);
        let others: Vec<_> = others.chunks(share).map(|files| scope.spawn(move || parse_all(files))).collect();
        let mut parsed = parse_all(own);
        for other in others {
            parsed.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        parsed
    })
}

/// All documents of one file, also those with errors, and the diagnostics of each on its own.
pub fn parse_drafts<'c>(file: &SourceFile, context: impl Into<LoadContext<'c>>) -> (Vec<Manifest>, Vec<Diagnostic>) {
    let parse = |context: &RenderContext<'_>| file::parse_file(file, context);
    let (drafts, diagnostics) = RenderContext::for_files(std::slice::from_ref(file), context.into(), parse);
    (drafts.into_iter().map(|draft| draft.manifest).collect(), diagnostics)
}

/// An object that a file declares, with mistakes or without. Its identity and intent are valid; the rest is not
/// checked.
#[derive(Clone, Debug, PartialEq)]
pub struct IdentifiedManifest {
    /// The parts that could be read.
    pub manifest: Manifest,
    /// Whether its template could be read. Without it, the intent is incomplete.
    pub has_template_fields: bool,
}

/// The objects that one file declares.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IdentifiedManifests {
    /// The manifests with a readable identity.
    pub manifests: Vec<IdentifiedManifest>,
    /// Whether the file may declare more objects whose identity cannot be read.
    pub has_unidentified: bool,
}

/// Reads the identities in a file, and validates nothing else.
// For git history: a manifest with a mistake still declares its object, and pruning must not treat it as removed.
pub fn identify_manifests<'c>(file: &SourceFile, context: impl Into<LoadContext<'c>>) -> IdentifiedManifests {
    let identify = |context: &RenderContext<'_>| file::identify_documents(file, context);
    let (drafts, mut has_unidentified) = RenderContext::for_files(std::slice::from_ref(file), context.into(), identify);
    has_unidentified |= !drafts.iter().all(|draft| draft.is_identified);
    let identified = drafts.into_iter().filter(|draft| draft.is_identified);
    let manifests = identified.map(|draft| {
        let DraftManifest { manifest, has_template_fields, .. } = draft;
        IdentifiedManifest { manifest, has_template_fields }
    });
    IdentifiedManifests { manifests: manifests.collect(), has_unidentified }
}

/// Documents and diagnostics, each with the position of its file.
#[derive(Default)]
struct ParsedFiles {
    drafts: Vec<DraftManifest>,
    diagnostics: Vec<(usize, Diagnostic)>,
}

impl ParsedFiles {
    /// Adds the problems of several templates, and sorts the diagnostics into their files: many manifests may share one
    /// mistake of a template, which is reported once.
    fn add_template_diagnostics(&mut self, files: &[SourceFile], context: &RenderContext<'_>) {
        let templates = context.templates;
        let positions: HashMap<&str, usize> =
            files.iter().enumerate().map(|(index, file)| (&*file.name, index)).collect();
        let conflicts = templates.conflicts().iter();
        let conflicts = conflicts.filter_map(|it| Some((*positions.get(&*it.place.file)?, it.clone())));
        self.diagnostics.extend(conflicts);
        // If the template is also read, its own mistakes are the cause, and its users have none.
        let is_cause_known = |it: &Diagnostic| {
            let of_template = it.also.as_ref().filter(|_| it.code == code::BROKEN_TEMPLATE);
            of_template.is_some_and(|also| positions.contains_key(&*also.place.file))
        };
        let mut seen = HashSet::new();
        self.diagnostics.retain_mut(|(file, it)| {
            *file = positions.get(&*it.place.file).copied().unwrap_or(*file);
            let part = it.also.as_ref().filter(|also| also.label == file::PART_OF_TEXT).map(|also| also.place.clone());
            !is_cause_known(it) && seen.insert((it.code, it.place.clone(), part, it.message.clone()))
        });
        // The message of a manifest that uses the template is more precise about the same mistake.
        let places: HashSet<_> = self.diagnostics.iter().map(|(_, it)| (it.code, it.place.clone())).collect();
        let own = templates
            .field_problems(context.all_variables.as_ref())
            .into_iter()
            .filter(|it| !places.contains(&(it.code, it.place.clone())));
        self.diagnostics.extend(own.filter_map(|it| Some((*positions.get(&*it.place.file)?, it))).collect::<Vec<_>>());
    }

    fn into_manifests(mut self) -> ParsedManifests {
        // Conflicts are found last. They belong between the other diagnostics of their file.
        self.diagnostics.sort_by_key(|(file, diagnostic)| (*file, diagnostic.place.line, diagnostic.place.column));
        ParsedManifests {
            manifests: self.drafts.into_iter().map(|draft| draft.manifest).collect(),
            diagnostics: self.diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect(),
        }
    }
}
