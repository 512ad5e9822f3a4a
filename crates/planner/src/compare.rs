//! The sides of one object, compared: what git declares, what it declared before, and what is live.

use clickpipes::semantics::FieldSemantics;
use model::address::{Address, Name};
use model::desired::{Document, Presence};
use model::live::Object;
use serde_json::Value;

use crate::diff::{Difference, WriteOnlyChange, diff_with_live};
use crate::object_plan::PlanInputs;
use crate::plan::WriteOnlyPolicy;
use crate::references;
use crate::three_way::{self, ThreeWayField};
use crate::write_only::{self, WriteOnlyField};

/// The sides of one object, compared.
pub(crate) struct ObjectDiff<'a> {
    pub(crate) base: Option<&'a Document>,
    /// What is declared, with the ids of what it refers to.
    pub(crate) body: Value,
    pub(crate) classified: Vec<ThreeWayField<'static>>,
    /// What the object is to be: as declared, except for what drifted.
    pub(crate) target: Value,
    /// What it takes to get there.
    pub(crate) differences: Vec<Difference<'static>>,
    /// The live side of the declared fields.
    pub(crate) before: Value,
    /// The declared side.
    pub(crate) after: Value,
    /// What live does not tell.
    pub(crate) write_only_fields: Vec<WriteOnlyField<'static>>,
    /// Secrets that were asked for, and are fixed.
    pub(crate) fixed_secrets: Vec<WriteOnlyField<'static>>,
}

impl PlanInputs<'_> {
    /// Compares the sides of one object. Names are left out: they go by addresses.
    pub(crate) fn compare_object(
        &self,
        at: &Address,
        document: &Document,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> ObjectDiff<'_> {
        let (rules, name) = (FieldSemantics::for_kind(at.kind), at.kind.name_path());
        let body = self.resolve_references(at, &document.body);
        let base = self.base_document(at, document, renamed_from);
        let manifests: Vec<_> = [Some(document), base].into_iter().flatten().collect();
        let bodies: Vec<_> = manifests.iter().map(|manifest| &manifest.body).collect();
        let live = rules.normalize_live(&rules.redact_live(&object.body, &bodies));
        let mut judged = base.map_or_else(Vec::new, |base| {
            three_way::classify_fields(rules, &self.resolve_references(at, &base.body), &body, &live)
        });
        judged.retain(|judged| Some(&judged.path) != name.as_ref());
        let aim = three_way::target_body(&body, &judged);
        let (mut differences, mut before) = diff_with_live(rules, &aim, &live);
        differences.retain(|difference| Some(&difference.path) != name.as_ref());
        let mut after = rules.shown(&aim);
        let untold = write_only::write_only_fields(rules, &body, &live);
        let mut fixed = Vec::new();
        if self.policy.write_only == WriteOnlyPolicy::Send {
            differences.extend(write_only::changed_in_git(&judged));
            show_write_only(&differences, &mut before, &mut after);
            if self.policy.resend.iter().any(|pattern| pattern.matches(at)) {
                let resend = write_only::fields_to_resend(untold.clone(), &differences);
                differences.extend(resend.0);
                fixed = resend.1;
            }
        }
        ObjectDiff {
            base,
            body,
            classified: judged,
            target: aim,
            differences,
            before,
            after,
            write_only_fields: untold,
            fixed_secrets: fixed,
        }
    }

    /// The body with the ids of what it refers to.
    fn resolve_references(&self, at: &Address, body: &Value) -> Value {
        let id = |other: &Address| match self.live.get(other)?.objects.as_slice() {
            [object] if !self.replaced.contains(other) => Some(Value::from(object.id.as_str())),
            _ => None,
        };
        references::resolve_references(FieldSemantics::for_kind(at.kind), body, &at.service, &id)
    }

    /// What the base declares of the object, under this name or an earlier one.
    pub(crate) fn base_document(
        &self,
        at: &Address,
        document: &Document,
        renamed_from: Option<&Name>,
    ) -> Option<&Document> {
        let base = self.base?;
        let names = [Some(&at.name), renamed_from].into_iter().flatten();
        let found =
            names.chain(&document.intent.previous_names).find_map(|name| base.get(&at.with_name(name.clone())))?;
        (found.intent.presence != Presence::Absent).then_some(found)
    }
}

/// Puts the two declared sides of what live does not tell into the two sides that are shown.
fn show_write_only(differences: &[Difference<'_>], before: &mut Value, after: &mut Value) {
    for difference in differences {
        let Some(WriteOnlyChange::ChangedInGit(base)) = &difference.write_only else { continue };
        let shown = |value: &Value| difference.rules.redact_desired(value);
        match base {
            Some(base) => difference.path.set_in(before, shown(base)),
            None => three_way::remove_path(before, &difference.path),
        }
        difference.path.set_in(after, shown(&difference.desired));
    }
}
