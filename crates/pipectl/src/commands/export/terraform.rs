//! `pipectl export --from terraform`: from Terraform's state to manifests, without any request.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use porting::group::set_kept_out;
use porting::terraform::{self, RemovedBlock, TerraformImport, TerraformObject};
use serde_json::{Value, json};

use crate::context::CommandContext;
use crate::diagnostics::pluralize;
use crate::outcome::CommandOutcome;
use crate::output::{Output, StyledText};
use crate::render::manifests::single_line;
use crate::{exit, files, project, yaml_writer};

/// States are large, but not this large.
const MAX_STATE_BYTES: u64 = 256 * 1024 * 1024;

/// The comment above the `removed` blocks.
const REMOVED_HEADER: &str = "\
# With these blocks in place of the resources' own, `terraform apply` forgets them and destroys
# nothing. They need Terraform 1.7 or newer.
";

pub(crate) struct TerraformOptions {
    /// The output of `terraform show -json`, or `-` for standard input.
    pub(crate) file: PathBuf,
    /// The folder to write to instead of stdout.
    pub(crate) out: Option<PathBuf>,
    /// Whether to overwrite files that have other content.
    pub(crate) force: bool,
    /// Whether a resource without a valid manifest counts as success.
    pub(crate) allow_incomplete: bool,
}

/// Writes manifests for the content of a Terraform state.
pub(crate) fn run(context: &CommandContext, options: &TerraformOptions) -> Result<CommandOutcome> {
    let name = match options.file.to_str() {
        Some("-") => "standard input".to_owned(),
        _ => options.file.display().to_string(),
    };
    let state = parse_state(&files::read_named_file(&options.file, MAX_STATE_BYTES)?)
        .with_context(|| format!("cannot read {name}"))?;
    let mut read = terraform::read_state(&state).with_context(|| format!("cannot read {name}"))?;
    let project = project::load_without_manifests(context)?;
    for object in &mut read.objects {
        let added = project.defaults.fields_added_to(&object.manifest, &project.variables);
        set_kept_out(&mut object.manifest, added);
    }
    let is_complete = read.incomplete_count == 0 || options.allow_incomplete;
    let exit_code = if is_complete { exit::DONE } else { exit::PARTLY };
    let mut outcome = CommandOutcome::new(context, exit_code, context.envelope("exported", result_json(&read)));
    if let Some(folder) = &options.out {
        write_output(folder, &read, options.force, context.output)?;
    } else {
        let removed = comment_out(&removed_blocks(&read.removed_blocks));
        outcome.text.push_plain(manifests_yaml(&read)).push_plain("\n").push_plain(removed);
    }
    push_notes(&read, &mut outcome.messages);
    Ok(outcome)
}

/// Parser errors contain a position and never the content.
fn parse_state(bytes: &[u8]) -> Result<Value> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("it is UTF-16, as an old PowerShell writes it: write it as UTF-8");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes)
        .context("it is not JSON: `terraform show -json > state.json` writes the file that is read here")
}

/// The manifests, or why there are none.
fn manifests_yaml(read: &TerraformImport) -> String {
    if read.objects.is_empty() {
        let reasons: Vec<String> = read.remarks.iter().map(|it| single_line(&it.to_string()) + "\n").collect();
        return comment_out(&format!("No manifest:\n{}", reasons.concat()));
    }
    read.objects.iter().map(manifest_yaml).collect::<Vec<_>>().join("---\n")
}

fn manifest_yaml(object: &TerraformObject) -> String {
    let mut text = format!("# From {}.\n", single_line(&object.resource));
    for secret in &object.secret_variables {
        let (variable, path) = (&secret.variable, &secret.path);
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "# {variable} must hold {path}: the value in Terraform's state.");
    }
    text += &yaml_writer::write_yaml(&object.manifest);
    if object.blockers.is_empty() {
        return text;
    }
    let why: Vec<String> = object.blockers.iter().map(|flaw| format!("#   {}\n", single_line(flaw))).collect();
    format!("# Commented out:\n{}{}", why.concat(), comment_out(&text))
}

fn removed_blocks(removed: &[RemovedBlock]) -> String {
    if removed.is_empty() {
        return String::new();
    }
    let blocks: Vec<String> = removed.iter().map(ToString::to_string).collect();
    format!("{REMOVED_HEADER}\n{}", blocks.join("\n"))
}

fn comment_out(text: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "#\n".to_owned(),
        line if line.starts_with('#') => format!("{line}\n"),
        line => format!("# {line}\n"),
    });
    lines.collect()
}

fn write_output(folder: &Path, read: &TerraformImport, force: bool, output: Output) -> Result<()> {
    let files = [
        (folder.join("terraform.yaml"), manifests_yaml(read)),
        (folder.join("removed.tf"), removed_blocks(&read.removed_blocks)),
    ];
    let other = |(path, text): &&(_, String)| fs::read(path).is_ok_and(|there| there != text.as_bytes());
    if let Some((path, _)) = files.iter().find(other).filter(|_| !force) {
        bail!("{} exists with other content: `--force` overwrites it", path.display());
    }
    for (path, text) in &files {
        files::write_file(path, text)?;
        output.print_message_line(format!("wrote {}", path.display()));
    }
    Ok(())
}

fn result_json(read: &TerraformImport) -> Value {
    let object = |object: &TerraformObject| {
        let secrets = object.secret_variables.iter();
        json!({
            "resource": object.resource,
            "manifest": object.manifest,
            "blockers": object.blockers,
            "secrets": secrets
                .map(|secret| json!({"path": secret.path, "variable": secret.variable}))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "objects": read.objects.iter().map(object).collect::<Vec<_>>(),
        "removed": removed_blocks(&read.removed_blocks),
        "remarks": read.remarks.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "otherResources": read.unmanaged_count,
        "incomplete": read.incomplete_count,
    })
}

fn push_notes(read: &TerraformImport, messages: &mut StyledText) {
    for remark in &read.remarks {
        messages.push_plain(format!("note: {}", single_line(&remark.to_string()))).end_line();
    }
    let sound = read.objects.iter().filter(|object| object.blockers.is_empty());
    let secrets: usize = sound.clone().map(|object| object.secret_variables.len()).sum();
    let summary = format!(
        "{} from {}, {} to put into the environment. {} with Terraform.",
        pluralize(sound.count(), "manifest"),
        pluralize(read.removed_blocks.len(), "resource"),
        pluralize(secrets, "secret"),
        match read.unmanaged_count {
            0 => "Nothing stays".to_owned(),
            1 => "1 other resource stays".to_owned(),
            others => format!("{others} other resources stay"),
        },
    );
    messages.push_plain(summary).end_line();
    if read.incomplete_count > 0 {
        let count = pluralize(read.incomplete_count, "ClickPipes resource");
        let incomplete = format!("{count} without a valid manifest: see the notes. `--allow-incomplete` accepts this.");
        messages.push_plain(incomplete).end_line();
    }
}
