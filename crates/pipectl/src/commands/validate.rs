//! `pipectl validate`.

use anyhow::Result;
use model::diagnostic::Diagnostic;
use serde::Serialize;

use crate::cli::{Format, ValidateArgs};
use crate::declared::Declared;
use crate::output::{Output, Text};
use crate::render::diagnostics::{self, plural};
use crate::render::json::Envelope;
use crate::{exit, project};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation<'d> {
    files: usize,
    manifests: usize,
    diagnostics: &'d [Diagnostic],
}

/// Reports every problem in every file.
pub(super) fn run(args: &ValidateArgs, output: Output, format: Format) -> Result<u8> {
    let chosen = project::choose(&args.manifests, output)?;
    let declared = Declared::read(&chosen.manifests, &chosen.variables)?;
    let sound = declared.errors() == 0;
    match format {
        Format::Json => json(&declared, sound, output)?,
        Format::Text => text(&declared, sound, output)?,
    }
    Ok(if sound { exit::DONE } else { exit::ERROR })
}

fn json(declared: &Declared, sound: bool, output: Output) -> Result<()> {
    let result = Validation {
        files: declared.files.len(),
        manifests: declared.manifests.len(),
        diagnostics: &declared.diagnostics,
    };
    let outcome = if sound { "valid" } else { "invalid" };
    let mut text = Text::new();
    text.plain(Envelope::new("Validation", outcome, result).render());
    Ok(output.data(&text)?)
}

fn text(declared: &Declared, sound: bool, output: Output) -> Result<()> {
    let problems = &declared.diagnostics;
    output.problems(problems, &declared.files);
    let mut summary = Text::new();
    let files = plural(declared.files.len(), "file");
    if sound {
        summary
            .plain(format!("{} in {files}: valid", plural(declared.manifests.len(), "manifest")));
    } else {
        summary.plain(format!("{files}: {}", diagnostics::count(problems)));
    }
    summary.end();
    Ok(output.data(&summary)?)
}
