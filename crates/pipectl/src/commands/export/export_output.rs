//! The result of an export: manifests and notes.

use std::collections::BTreeSet;

use porting::export::ExportedManifest;
use porting::group::{ExportUnit, ManifestGroup};
use serde_json::{Value, json};

use super::manifest_writer::{FileStatus, WrittenFiles};
use crate::context::CommandContext;
use crate::diagnostics::pluralize;
use crate::exit;
use crate::outcome::CommandOutcome;
use crate::output::StyledText;
use crate::render::manifests::{manifests_to_yaml, shared_secrets_remark, single_line, todo_comment};
use crate::unreachable::{self, UnreachableService};

/// The manifests of live objects.
pub(super) struct ExportResult {
    pub(super) units: Vec<ExportUnit>,
    /// How many services were read.
    pub(super) services: usize,
    pub(super) unreachable: Vec<UnreachableService>,
    /// Whether an object without a valid manifest counts as success.
    pub(super) allow_incomplete: bool,
}

impl ExportResult {
    /// The manifests on stdout, unless they are in files, and the rest on stderr.
    pub(super) fn into_outcome(self, context: &CommandContext, written: Option<&WrittenFiles>) -> CommandOutcome {
        let mut messages = StyledText::new();
        for (path, outcome) in written.iter().flat_map(|it| &it.files) {
            let what = match outcome {
                FileStatus::Written => "wrote",
                FileStatus::Unchanged => "unchanged",
            };
            messages.push_plain(format!("{what} {}", path.display())).end_line();
        }
        for (at, place) in written.iter().flat_map(|it| &it.declared) {
            messages.push_plain(format!("skipped {at}: already declared at {place}")).end_line();
        }
        self.push_notes(written, &mut messages);
        let envelope = context.envelope(self.outcome_word(), self.to_json(written)).with_unreachable(&self.unreachable);
        let mut outcome = CommandOutcome::new(context, self.exit_code(written), envelope);
        if written.is_none() {
            outcome.text.push_plain(manifests_to_yaml(&self.units, None));
        }
        CommandOutcome { messages, ..outcome }
    }

    fn exit_code(&self, written: Option<&WrittenFiles>) -> u8 {
        let is_complete = self.new_manifests(written).all(|manifest| manifest.blockers.is_empty());
        let own = if is_complete || self.allow_incomplete { exit::DONE } else { exit::PARTLY };
        unreachable::exit_code(&self.unreachable).unwrap_or(own)
    }

    fn push_notes(&self, written: Option<&WrittenFiles>, messages: &mut StyledText) {
        let taken: Vec<&ExportedManifest> = self.new_manifests(written).collect();
        let mut lines = Vec::new();
        for manifest in &taken {
            let at = &manifest.address;
            let blockers = manifest.blockers.iter();
            lines.extend(blockers.map(|flaw| format!("note: {at} is commented out: {}", single_line(flaw))));
            let remarks = manifest.remarks.iter().filter(|_| manifest.blockers.is_empty());
            lines.extend(remarks.map(|remark| format!("note: {at}: {}", single_line(remark))));
            let to_fill_in = manifest.fields_to_fill_in();
            lines.extend(to_fill_in.map(|(path, note)| format!("to fill in: {at}: {path}: {}", todo_comment(note))));
        }
        for group in self.groups() {
            let remark = shared_secrets_remark(group);
            lines.extend(remark.map(|remark| format!("note: template {}: its {remark}", group.template_name)));
        }
        for line in lines {
            messages.push_plain(line).end_line();
        }
        messages.append(&unreachable::unreachable_errors(&self.unreachable));
        messages.push_plain(self.summary_line(&taken)).end_line();
        let comments = taken.iter().filter(|manifest| !manifest.blockers.is_empty()).count();
        if comments > 0 {
            let count = pluralize(comments, "object");
            let incomplete =
                format!("{count} without a valid manifest: see the notes. `--allow-incomplete` accepts this.");
            messages.push_plain(incomplete).end_line();
        }
    }

    fn manifests(&self) -> impl Iterator<Item = &ExportedManifest> {
        self.units.iter().flat_map(ExportUnit::manifests)
    }

    fn groups(&self) -> impl Iterator<Item = &ManifestGroup> {
        self.units.iter().filter_map(|unit| match unit {
            ExportUnit::Single(_) => None,
            ExportUnit::Group(group) => Some(group),
        })
    }

    /// The manifests that are not declared already.
    fn new_manifests<'e>(&'e self, written: Option<&'e WrittenFiles>) -> impl Iterator<Item = &'e ExportedManifest> {
        let declared = move |at| written.is_some_and(|it| it.declared.contains_key(at));
        self.manifests().filter(move |manifest| !declared(&manifest.address))
    }

    fn summary_line(&self, taken: &[&ExportedManifest]) -> String {
        let sound: Vec<_> = taken.iter().filter(|it| it.blockers.is_empty()).collect();
        let variables: BTreeSet<&str> = sound.iter().flat_map(|it| it.secret_variables()).collect();
        let to_fill_in: usize = sound.iter().map(|it| it.fields_to_fill_in().count()).sum();
        let mut parts =
            vec![format!("{} from {}", pluralize(sound.len(), "manifest"), pluralize(self.services, "service"))];
        let templates = self.groups().count();
        if templates > 0 {
            let grouped: usize = self.groups().map(|group| group.members.len()).sum();
            parts.push(format!("{grouped} of them share {}", pluralize(templates, "template")));
        }
        if !variables.is_empty() {
            parts.push(format!(
                "{} for secrets, which `plan` does not need",
                pluralize(variables.len(), "environment variable")
            ));
        }
        if to_fill_in > 0 {
            parts.push(format!("{to_fill_in} to fill in"));
        }
        let comments = taken.len() - sound.len();
        if comments > 0 {
            parts.push(format!("{comments} commented out"));
        }
        let declared = self.manifests().count() - taken.len();
        if declared > 0 {
            parts.push(format!("{declared} already declared"));
        }
        format!("{}.", parts.join(", "))
    }

    fn to_json(&self, written: Option<&WrittenFiles>) -> Value {
        let files = written.iter().flat_map(|it| &it.files);
        let declared = written.iter().flat_map(|it| &it.declared);
        json!({
            "manifests": self.manifests().map(object_json).collect::<Vec<_>>(),
            "groups": self.groups().map(group_json).collect::<Vec<_>>(),
            "files": files.map(|(path, _)| path.display().to_string()).collect::<Vec<_>>(),
            "declared": declared
                .map(|(at, place)| json!({"address": at, "place": place}))
                .collect::<Vec<_>>(),
        })
    }

    fn outcome_word(&self) -> &'static str {
        match self.manifests().any(|manifest| !manifest.blockers.is_empty()) {
            _ if !self.unreachable.is_empty() => "partial",
            true => "incomplete",
            false => "exported",
        }
    }
}

fn group_json(group: &ManifestGroup) -> Value {
    json!({
        "template": group.template,
        "manifest": group.document,
        "addresses": group.members.iter().map(|member| &member.address).collect::<Vec<_>>(),
    })
}

fn object_json(manifest: &ExportedManifest) -> Value {
    json!({
        "address": manifest.address,
        "manifest": manifest.document,
        "variables": manifest.secret_variables(),
        "fieldsToFillIn": manifest.fields_to_fill_in().map(|(path, _)| path).collect::<Vec<_>>(),
        "writeOnlyFields": manifest.write_only_fields,
        "remarks": manifest.remarks,
        "blockers": manifest.blockers,
    })
}
