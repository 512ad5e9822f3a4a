//! `pipectl fmt`: the keys of manifests in the order of the schema.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use model::sanitize::sanitize_line;
use porting::reorder::{ReorderRefusal, reorder_keys};
use serde::Serialize;

use crate::context::CommandContext;
use crate::diagnostics::pluralize;
use crate::manifest_files;
use crate::outcome::CommandOutcome;
use crate::output::{Label, StyledText, prints_unchanged};
use crate::{exit, files, project};

pub(crate) struct FmtOptions {
    /// Files and folders; if there are none, those of the project file.
    pub(crate) paths: Vec<PathBuf>,
    /// Whether to only report the files that would change.
    pub(crate) check: bool,
}

#[derive(Serialize)]
struct FormattedFile {
    path: String,
    outcome: FileOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum FileOutcome {
    Unchanged,
    Changed,
    /// Only with `--check`.
    WouldChange,
    /// It is not changed.
    Skipped,
    /// It is not valid YAML.
    Invalid,
}

/// Formats files in place. Standard input is formatted to standard output.
pub(crate) fn run(context: &CommandContext, options: &FmtOptions) -> Result<CommandOutcome> {
    let project = project::load_offline(&options.paths, context)?;
    let read = manifest_files::read_manifest_files(&project.manifests);
    let sources = manifest_files::none_in_new_project(read, &project)?.map(|read| read.files).unwrap_or_default();
    let mut results = Vec::new();
    for source in &sources {
        let result = format_file(&source.name, &source.text, options.check);
        if result.outcome == FileOutcome::Changed && result.path != "-" {
            files::rewrite_manifest(Path::new(&result.path), &result.text)?;
        }
        results.push(result);
    }
    let fails = |it: &FormattedFile| matches!(it.outcome, FileOutcome::WouldChange | FileOutcome::Invalid);
    let code = if results.iter().any(fails) { exit::ERROR } else { exit::DONE };
    let word = if code == exit::DONE { "formatted" } else { "unformatted" };
    let outcome = CommandOutcome::new(context, code, context.envelope(word, &results));
    if !options.check && results.iter().any(|it| it.path == "-" && !prints_unchanged(&it.text)) {
        bail!(
            "standard input contains characters that are not printed as they are, such as invisible ones; \
             format the file by its name"
        );
    }
    let text = match results.as_slice() {
        [one] if one.path == "-" && !options.check => StyledText::new().push_plain(&one.text).clone(),
        _ => summary_text(&results),
    };
    Ok(CommandOutcome { text, ..outcome })
}

fn format_file(path: &str, text: &str, check: bool) -> FormattedFile {
    let result = |outcome, reason, text| FormattedFile { path: path.to_owned(), outcome, reason, text };
    match reorder_keys(text) {
        Ok(ordered) if ordered == text => result(FileOutcome::Unchanged, None, ordered),
        Ok(ordered) if check => result(FileOutcome::WouldChange, None, ordered),
        Ok(ordered) => result(FileOutcome::Changed, None, ordered),
        Err(refusal) => {
            let outcome = match refusal {
                ReorderRefusal::Invalid => FileOutcome::Invalid,
                ReorderRefusal::Unsafe => FileOutcome::Skipped,
            };
            result(outcome, Some(refusal.to_string()), text.to_owned())
        }
    }
}

fn summary_text(results: &[FormattedFile]) -> StyledText {
    let mut text = StyledText::new();
    for file in results {
        let (label, word) = match file.outcome {
            FileOutcome::Unchanged => continue,
            FileOutcome::Changed => (Label::Update, "formatted"),
            FileOutcome::WouldChange => (Label::Update, "would be formatted"),
            FileOutcome::Skipped => (Label::Blocked, "skipped"),
            FileOutcome::Invalid => (Label::Delete, "invalid"),
        };
        let reason = file.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        text.push(label, word).push_plain(sanitize_line(&format!(" {}{reason}", file.path))).end_line();
    }
    let unchanged = results.iter().filter(|file| file.outcome == FileOutcome::Unchanged).count();
    text.push_plain(format!("{} already formatted.", pluralize(unchanged, "file"))).end_line();
    text
}
