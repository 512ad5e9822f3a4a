//! The comparison of one object: base, desired and live.

use std::borrow::Cow;

use clickpipes::semantics::{FieldSemantics, KeyedList, OnChange};
use model::address::{Address, Name};
use model::desired::Document;
use model::live::Object;
use model::path::FieldPath;
use model::secret;
use serde_json::Value;

use crate::change::{FieldVerdict, MissingBase, UncheckedFields};
use crate::field_diff::{FieldDiff, GitBody, Origin, Side, Sides, diff_sides};
use crate::inputs::{PlanInputs, UnsettledPolicy, WriteOnlyPolicy};
use crate::overlay::{live_view, target_body};
use crate::respelling::recognize_spellings;
use crate::retargeted_entries;

/// The sides of one object, compared.
pub(crate) struct ObjectDiff<'a> {
    pub(crate) base: Option<&'a Document>,
    /// The desired body, with ids for references.
    pub(crate) body: Value,
    /// The normalized live body. It contains no secret that a manifest references.
    pub(crate) live: Value,
    /// Target body: desired, with drifted fields kept at their live value.
    pub(crate) target: Value,
    /// The fields that apply has to send, or that conflict.
    pub(crate) pending: Vec<FieldDiff<'static>>,
    /// The other fields that differ or cannot be compared.
    pub(crate) ignored: Vec<FieldDiff<'static>>,
    /// Secrets that somebody asked to send again, and that cannot change during the life of the object.
    pub(crate) fixed_secrets: Vec<FieldPath>,
    /// Whether a declared size reads as zero.
    pub(crate) is_unsettled: bool,
    rules: &'static FieldSemantics,
    /// The fields whose live values differ.
    differing: Vec<FieldDiff<'static>>,
    /// Write-only fields that are sent. Live never shows them.
    sent_unseen: Vec<FieldDiff<'static>>,
}

impl<'a> ObjectDiff<'a> {
    /// Compares the sides of one object. The name is not a field: objects are matched by name.
    pub(crate) fn new<'d>(
        inputs: &PlanInputs<'a>,
        address: &Address,
        document: &'d Document,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> Self
    where
        'a: 'd,
    {
        let rules = FieldSemantics::with_marks(address.kind, &document.intent.field_marks);
        let resolve = |body: &'d Value| inputs.resolve_past_references(address, body, &object.body);
        let body = inputs.resolve_references(address, &document.body, Some(&object.body)).into_owned();
        let base = inputs.base_document(address, document, (Some(object), renamed_from));
        let manifests: Vec<&Value> = [Some(document), base].into_iter().flatten().map(|it| &*it.body).collect();
        let mut redacted = object.body.clone();
        rules.redact_live(&mut redacted, &manifests);
        let live = rules.normalize_live(&redacted);
        let base_body = base.map(|base| resolve(&base.body));
        let sides = Sides {
            base: base_body.as_deref().map_or(Side::Unknown, Side::Value),
            desired: Some(&body),
            live: Side::Value(&live),
        };
        let mut diffs = diff_sides(rules, sides);
        let own = document.earlier_bodies.iter().map(|body| &**body);
        let mut earlier: Vec<Cow<'_, Value>> = own.clone().map(&resolve).collect();
        let with_base = own.chain(base.map(|base| &*base.body));
        let past = with_base.flat_map(|body| inputs.earlier_references(address, body, &object.body));
        diffs.extend(find_reverted_fields(rules, sides, &earlier));
        earlier.extend(past.map(Cow::Owned));
        recognize_own_values(&mut diffs, &earlier);
        let moved = document.target.iter().flat_map(|target| &target.bodies).map(|body| resolve(body));
        recognize_moved_values(&mut diffs, &moved.collect::<Vec<_>>());
        recognize_spellings(&mut diffs, &live);
        retargeted_entries::find_conflicts(&mut diffs, base_body.as_deref(), &live);
        let is_unsettled = settle_sizes(&mut diffs, inputs.policy.unsettled);
        let name = address.kind.name_path();
        let is_name = |diff: &FieldDiff<'_>| Some(&diff.path) == name.as_ref();
        let target = {
            let fields: Vec<_> = diffs.iter().filter(|diff| !is_name(diff)).cloned().collect();
            target_body(&body, &fields)
        };
        let mut differing: Vec<_> = diffs.iter().filter(|it| is_name(it) || it.is_pending()).cloned().collect();
        differing.retain(|diff| !diff.matches_live());
        diffs.retain(|diff| !is_name(diff));
        let mut object_diff = Self {
            base,
            body,
            live,
            target,
            pending: Vec::new(),
            ignored: Vec::new(),
            fixed_secrets: Vec::new(),
            is_unsettled,
            rules,
            differing,
            sent_unseen: Vec::new(),
        };
        object_diff.sort_by_consequence(diffs, inputs.policy.write_only);
        if inputs.policy.write_only == WriteOnlyPolicy::Send
            && inputs.policy.resend.iter().any(|pattern| pattern.matches(address))
        {
            object_diff.resend_secrets();
        }
        object_diff
    }

    fn sort_by_consequence(&mut self, diffs: Vec<FieldDiff<'static>>, write_only: WriteOnlyPolicy) {
        let (pending, ignored): (Vec<_>, Vec<_>) = diffs.into_iter().partition(FieldDiff::is_pending);
        let (unseen, visible): (Vec<_>, Vec<_>) = pending.into_iter().partition(FieldDiff::matches_live);
        (self.pending, self.ignored) = (visible, ignored);
        // Live can never show that a write-only field arrived. Right after apply has sent it,
        // comparing again must take it for sent, or no apply would ever settle.
        if write_only == WriteOnlyPolicy::Send {
            self.sent_unseen.clone_from(&unseen);
            self.pending.extend(unseen);
            // Entries of one list are grouped: one request changes all of them.
            let paths: Vec<FieldPath> = self.pending.iter().map(|diff| diff.path.clone()).collect();
            self.pending.sort_by_key(|diff| paths.iter().position(|path| *path == diff.path));
        }
    }

    /// The declared fields as they are live, and as they will be.
    // Computed only for changes: most objects are in sync, and both are copies of a body.
    pub(crate) fn shown_sides(&self) -> (Value, Value) {
        let mut before = live_view(self.rules, &self.target, &self.live, &self.differing);
        let mut after = self.rules.shown(&self.target);
        for diff in &self.sent_unseen {
            if let Some(entry) = &diff.entry {
                show_entry(&mut before, diff, entry.keyed);
                continue;
            }
            // Live has no value, so both come from git.
            let redacted = |value: &Value| diff.rules.redact_desired(value);
            match &diff.base {
                Some(base) => diff.path.set_in(&mut before, redacted(base)),
                None => diff.path.remove_in(&mut before),
            }
            if let Some(desired) = &diff.desired {
                diff.path.set_in(&mut after, redacted(desired));
            }
        }
        (before, after)
    }

    /// Sends the secrets that are not pending yet. Some are fixed while the object lives.
    fn resend_secrets(&mut self) {
        let secrets = self.ignored.iter().filter(|diff| diff.is_write_only() && has_secret(diff));
        let (fixed, sent): (Vec<_>, Vec<_>) = secrets
            .filter(|diff| !self.pending.iter().any(|other| diff.path.is_within(&other.path)))
            .partition(|diff| diff.rules.on_change == OnChange::Replace);
        self.fixed_secrets = fixed.into_iter().map(|diff| diff.path.clone()).collect();
        let origin = Origin::Known(FieldVerdict::Resent);
        let sent: Vec<_> = sent.into_iter().map(|diff| FieldDiff { origin, ..diff.clone() }).collect();
        self.pending.extend(sent);
    }

    /// The fields that neither live nor a base shows, and that are not sent either.
    pub(crate) fn unchecked_fields(
        &self,
        address: &Address,
        missing_base: MissingBase,
        resent: &[FieldPath],
    ) -> Option<UncheckedFields> {
        let is_sent = |path: &FieldPath| {
            resent.contains(path) || self.pending.iter().any(|pending| path.is_within(&pending.path))
        };
        let unchecked = self.ignored.iter().filter(|diff| diff.origin == Origin::Unchecked && !is_sent(&diff.path));
        let (secrets, fields): (Vec<_>, Vec<_>) = unchecked.partition(|diff| has_secret(diff));
        let paths = |list: Vec<&FieldDiff<'_>>| list.into_iter().map(|diff| diff.path.clone()).collect();
        (self.base.is_none() && !(secrets.is_empty() && fields.is_empty())).then(|| UncheckedFields {
            address: address.clone(),
            secrets: paths(secrets),
            fields: paths(fields),
            missing_base,
        })
    }
}

/// Shows an entry as the base has it, if live does not show the change of git.
fn show_entry(before: &mut Value, diff: &FieldDiff<'_>, keyed: &KeyedList) {
    let Some(base) = &diff.base else { return };
    let mut list: Vec<Value> = diff.path.value_in(before).and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(entry) = list.iter_mut().find(|entry| keyed.entry_key(entry) == keyed.entry_key(base)) {
        *entry = diff.rules.redact_desired(base);
    }
    diff.path.set_in(before, list.into());
}

/// Removes the verdict that somebody else changed a field, if live has a value of git's own.
///
/// ```text
/// commit   A (base)   B          C
/// git      60         30         20
/// live     60         30         apply of B failed after this field, so the base stays A
/// ```
///
/// Compared with A, live is neither the base nor desired: a conflict that no later commit can solve.
fn recognize_own_values(diffs: &mut [FieldDiff<'_>], earlier: &[Cow<'_, Value>]) {
    let mut earlier: Vec<GitBody<'_>> = earlier.iter().map(|body| GitBody::new(body)).collect();
    for diff in diffs {
        let is_foreign = matches!(diff.origin, Origin::Known(FieldVerdict::Drift | FieldVerdict::Conflict));
        if is_foreign && earlier.iter_mut().any(|body| body.has_live_value(diff)) {
            diff.origin = Origin::Known(FieldVerdict::Change);
        }
    }
}

/// Finds the fields that live keeps from a commit after the base, and that neither the base nor git now declares.
///
/// ```text
/// commit   A (base)   B          C: a revert of B
/// git      -          8          -
/// live     1          8          apply of B failed after this field, so the base stays A
/// ```
///
/// Compared with A, the field was never declared, and live would silently keep the value.
fn find_reverted_fields<'r>(
    rules: &'r FieldSemantics,
    sides: Sides<'_>,
    earlier: &[Cow<'_, Value>],
) -> Vec<FieldDiff<'r>> {
    let mut found: Vec<FieldDiff<'r>> = Vec::new();
    for body in earlier {
        let is_kept = |diff: &FieldDiff<'_>| {
            let base = diff.base.as_ref().zip(diff.live.as_ref());
            base.is_some_and(|(base, live)| diff.rules.matches_live(base, Some(live)))
        };
        for diff in removed_fields(rules, Sides { base: Side::Value(body), ..sides }).filter(is_kept) {
            let is_known = |other: &FieldDiff<'_>| diff.path.is_within(&other.path) || other.path.is_within(&diff.path);
            if !found.iter().any(is_known) {
                found.push(diff);
            }
        }
    }
    // The walk of the base itself covers its own fields.
    let of_base = if found.is_empty() { Vec::new() } else { removed_fields(rules, sides).collect() };
    found.retain(|diff| !of_base.iter().any(|other: &FieldDiff<'_>| diff.path.is_within(&other.path)));
    found
}

fn removed_fields<'r>(rules: &'r FieldSemantics, sides: Sides<'_>) -> impl Iterator<Item = FieldDiff<'r>> {
    diff_sides(rules, sides).into_iter().filter(|diff| diff.verdict() == Some(FieldVerdict::Removal))
}

/// Finds the fields that differ because the target branch of a pull request changed them.
///
/// ```text
/// branch   A (base)            D
/// target   A         B   C
/// git      60        30  20    60: the branch did not change the field
/// live     60        30  20    20 is applied: a merge of D keeps it, so it is not drift
/// ```
///
/// If both branches changed the field, the merge has to choose: that stays a conflict.
fn recognize_moved_values(diffs: &mut [FieldDiff<'_>], target: &[Cow<'_, Value>]) {
    let mut target: Vec<GitBody<'_>> = target.iter().map(|body| GitBody::new(body)).collect();
    for diff in diffs {
        let verdict = match diff.verdict() {
            Some(FieldVerdict::Drift) => FieldVerdict::Moved,
            Some(FieldVerdict::Change) if diff.base.is_none() && diff.live.is_some() => FieldVerdict::Conflict,
            Some(FieldVerdict::Conflict) => FieldVerdict::Conflict,
            _ => continue,
        };
        if target.iter_mut().any(|body| body.has_live_value(diff)) {
            (diff.origin, diff.has_target_value) = (Origin::Known(verdict), true);
        }
    }
}

/// Handles sizes that are not settled. If no base shows whether git changed them, they are sent in the end: to drop a
/// declared change is worse than to send the same size twice.
fn settle_sizes(diffs: &mut [FieldDiff<'_>], policy: UnsettledPolicy) -> bool {
    let unsettled = diffs.iter_mut().filter(|diff| diff.is_unsettled());
    let mut found = false;
    for diff in unsettled {
        found = true;
        if policy == UnsettledPolicy::Send && diff.origin == Origin::Unchecked && diff.base.is_none() {
            diff.origin = Origin::NoBase;
        }
    }
    found
}

fn has_secret(diff: &FieldDiff<'_>) -> bool {
    diff.desired.as_ref().is_some_and(|desired| !secret::find_secret_references(desired).is_empty())
}
