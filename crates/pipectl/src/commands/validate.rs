//! `pipectl validate`.

use anyhow::Result;
use model::address::{Address, ServiceRef};
use model::desired::Document;
use model::diagnostic::Diagnostic;
use serde::Serialize;

use crate::cli::{Format, ManifestArgs, ReportArgs};
use crate::declared::Declared;
use crate::environments::Within;
use crate::exit::Usage;
use crate::output::{Output, Text};
use crate::render::diagnostics::{self, plural};
use crate::render::json::Envelope;
use crate::report::{self, Run};
use crate::secrets::{self, Resolver};
use crate::{exit, project};

/// `pipectl validate`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// What else to write.
    #[command(flatten)]
    pub(crate) report: ReportArgs,
    /// Which manifests.
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Say which secrets cannot be resolved here; no program is run and no value is kept
    #[arg(long, env = "PIPECTL_CHECK_SECRETS")]
    pub(crate) check_secrets: bool,
}

impl Args {
    /// Those of a run for one environment alone.
    pub(super) fn within(&self, within: Within<'_>) -> Result<Self, Usage> {
        let (report, manifests) = (self.report.within(within)?, self.manifests.within(within));
        Ok(Self { report, manifests, ..self.clone() })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation<'d> {
    files: usize,
    manifests: usize,
    diagnostics: &'d [Diagnostic],
}

/// Reports every problem in every file.
pub(super) fn run(args: &Args, output: Output, format: Format) -> Result<u8> {
    let wanted = args.report.wanted();
    wanted
        .refuse(report::Format::GitlabTerraform, "it counts changes, and only a plan has some")?;
    let chosen = project::choose_to_read(&args.manifests, output)?;
    let mut declared = Declared::read(&chosen.manifests, &chosen.variables)?;
    if args.check_secrets {
        let resolver = Resolver::default().within(&chosen);
        let documents = declared.manifests.iter().map(|manifest| &manifest.document);
        let unresolved = secrets::check(&resolver, documents, &declared.files);
        declared.diagnostics.extend(unresolved);
    }
    let sound = declared.errors() == 0;
    if format == Format::Text {
        text(&declared, sound, output)?;
    }
    let outcome = if sound { "valid" } else { "invalid" };
    let run = Run {
        command: "validate",
        outcome,
        json: json(&declared, outcome),
        declared: manifests(&declared),
        diagnostics: &declared.diagnostics,
        files: declared.files.len(),
        ..Run::default()
    };
    wanted.print(format, &run, output)?;
    Ok(wanted.finish(&run, output, if sound { exit::DONE } else { exit::ERROR }))
}

/// What is declared. Which service a manifest without one means, only a connection tells.
fn manifests(declared: &Declared) -> Vec<(Address, &Document)> {
    let addressed = declared.manifests.iter().map(|manifest| {
        let service = match &manifest.service {
            _ if manifest.organization => ServiceRef::organization(),
            Some(service) => ServiceRef::new(service.clone()),
            None => ServiceRef::new("(default service)"),
        };
        (Address::new(service, manifest.kind, manifest.name.clone()), &manifest.document)
    });
    addressed.collect()
}

fn json(declared: &Declared, outcome: &'static str) -> String {
    let result = Validation {
        files: declared.files.len(),
        manifests: declared.manifests.len(),
        diagnostics: &declared.diagnostics,
    };
    Envelope::new("Validation", outcome, result).render()
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
