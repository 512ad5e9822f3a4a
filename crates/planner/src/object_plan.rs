//! The plan for one declared object.

use std::sync::Arc;

use clickpipes::blocking_tables;
use clickpipes::data_effects;
use clickpipes::lifecycle;
use clickpipes::pipe::source::source_word;
use clickpipes::semantics::FieldSemantics;
use model::action::{Action, RunState};
use model::address::{Address, Name};
use model::desired::{Document, Presence};
use model::live::{Id, Object};
use serde_json::Value;

use crate::actions_for::{self, UpdateRequest};
use crate::block_reason::BlockReason;
use crate::carry_over::{CarriedEntries, CarriedOver};
use crate::change::{Change, FieldVerdict, IgnoredChanges, MissingBase, UncheckedFields, Verdict};
use crate::field_changes;
use crate::inputs::PlanInputs;
use crate::match_live::LiveMatch;
use crate::object_diff::ObjectDiff;
use crate::overlay::keep_live;
use crate::references::{self, LiveReferences, References};
use crate::refused_request;
use crate::respelling;
use crate::shown_fields::ShownFields;
use crate::unproven_fields::{unproven_fields, unproven_sentence};

type PlannedChange = (Change, Vec<Action>);

/// The change of one object, and its ignored differences.
#[derive(Default)]
pub(crate) struct ObjectPlan {
    /// `None` if it does not change.
    pub(crate) change: Option<PlannedChange>,
    pub(crate) ignored_changes: Option<IgnoredChanges>,
    pub(crate) unchecked: Option<UncheckedFields>,
    /// The objects that it references live when the plan is done; `None` if the plan does not keep it.
    pub(crate) references: Option<References>,
    pub(crate) is_unsettled: bool,
    /// Whether it is not created because the target branch of the pull request removed it.
    pub(crate) is_removed_by_target: bool,
}

impl From<PlannedChange> for ObjectPlan {
    fn from(change: PlannedChange) -> Self {
        Self { change: Some(change), ..Self::default() }
    }
}

impl PlanInputs<'_> {
    pub(crate) fn plan_object(&self, at: &Address, document: &Document, live: LiveMatch<'_>) -> ObjectPlan {
        let mut object_plan = self.plan_by_presence(at, document, live);
        if let Some((change, actions)) = &mut object_plan.change
            && !change.verdict.is_blocked()
            && let Some(reason) = refused_request::refusal(&self.policy.secrets, change, actions)
        {
            let secrets = std::mem::take(&mut change.secrets);
            change.block(reason);
            change.secrets = secrets;
            actions.clear();
        }
        object_plan
    }

    fn plan_by_presence(&self, at: &Address, document: &Document, live: LiveMatch<'_>) -> ObjectPlan {
        match (document.intent.presence, live) {
            _ if self.policy.is_not_offered(at) => block_object(at, document, None, BlockReason::NotOffered).into(),
            (_, LiveMatch::Ambiguous(reason)) => block_object(at, document, None, reason).into(),
            (Presence::Present(state), LiveMatch::PinReplaced { object, pinned }) => {
                self.keep_replaced_pin(at, document, state, (object, pinned))
            }
            (Presence::Absent, LiveMatch::PinReplaced { object, pinned }) => {
                let reason = BlockReason::PinnedIdReplaced(pinned, vec![object.id.clone()]);
                block_object(at, document, None, reason).into()
            }
            (Presence::Absent, LiveMatch::None) => ObjectPlan::default(),
            (presence, LiveMatch::Found { object, .. }) if lifecycle::is_being_deleted(at.kind, object) => {
                match presence {
                    Presence::Absent => ObjectPlan::default(),
                    Presence::Present(_) => block_object(at, document, Some(object), BlockReason::BeingDeleted).into(),
                }
            }
            (Presence::Absent, LiveMatch::Found { object, renamed_from }) => {
                let (change, actions) = self.plan_delete(at, document, object, renamed_from.as_ref());
                (Change { renamed_from, ..change }, actions).into()
            }
            (Presence::Present(desired_state), live) => {
                let rules = FieldSemantics::for_kind(at.kind);
                let body = &document.body;
                let missing = references::missing_reference(rules, body, &at.service, self.desired, self.live);
                match (missing, live) {
                    (Some(missing), _) => block_object(at, document, None, missing).into(),
                    (None, LiveMatch::Found { object, renamed_from }) => {
                        self.reconcile_object(at, document, desired_state, object, renamed_from.as_ref())
                    }
                    (None, _) if self.is_removed_by_target(at, document) => {
                        ObjectPlan { is_removed_by_target: true, ..ObjectPlan::default() }
                    }
                    (None, _) => match self.find_same_object(at, document) {
                        Some(reason) => block_object(at, document, None, reason).into(),
                        None => self.plan_create(at, document, desired_state).into(),
                    },
                }
            }
        }
    }

    /// The object that a manifest pins was replaced, perhaps by pipectl itself. The new one counts only if it needs no
    /// change: it could belong to somebody else.
    fn keep_replaced_pin(
        &self,
        at: &Address,
        document: &Document,
        state: RunState,
        (object, pinned): (&Object, Id),
    ) -> ObjectPlan {
        let mut object_plan = self.reconcile_object(at, document, state, object, None);
        if object_plan
            .change
            .as_ref()
            .is_some_and(|(change, actions)| !actions.is_empty() || change.verdict.is_blocked())
        {
            let reason = BlockReason::PinnedIdMissing(pinned, vec![object.id.clone()]);
            return block_object(at, document, None, reason).into();
        }
        let ignored = object_plan.ignored_changes.get_or_insert_with(|| IgnoredChanges {
            address: at.clone(),
            id: object.id.clone(),
            fields: Vec::new(),
            template: None,
        });
        ignored.fields.push(field_changes::replaced_pin(document, &pinned, &object.id));
        object_plan
    }

    fn plan_delete(
        &self,
        at: &Address,
        document: &Document,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> PlannedChange {
        if at.kind.is_singleton() {
            return block_object(at, document, Some(object), BlockReason::CannotDelete);
        }
        if let Some(reason) = other_source(&document.body, &object.body) {
            return block_object(at, document, Some(object), reason);
        }
        if let Some(protected_by) = self.protected_by(at, document, (object, renamed_from)) {
            return block_object(at, document, Some(object), BlockReason::ProtectedFromDelete(protected_by));
        }
        let place = Some(document.origin.start_place().clone());
        let change = Change { place, ..Change::deletion(at, object) };
        (change, vec![Action::Delete { address: at.clone(), id: object.id.clone() }])
    }

    fn plan_create(&self, at: &Address, document: &Document, desired_state: RunState) -> PlannedChange {
        let after = Some(ShownFields::Created(at.kind, Arc::clone(&document.body)));
        let no_live = (self.base_document(at, document, (None, None)), None);
        let weakened_tls = self.newly_weakened_tls(at, &document.body, no_live);
        if at.kind.is_singleton() {
            let data = data_effects::missing_object_effects(at.kind);
            let change = Change { data_effects: data, after, ..new_change(at, document, None, Verdict::Update) };
            return (change, vec![actions_for::update_singleton(at, None, &document.body)]);
        }
        if let Some(reason) = self.unusable_reference(at, &document.body) {
            return block_object(at, document, None, reason);
        }
        let reason = no_live.0.map(|_| MISSING_LIVE_REASON.to_owned());
        let actions = actions_for::create_actions(at, &document.body, desired_state);
        let created = actions.iter().find_map(Action::request_body).unwrap_or(&document.body);
        let mut data = data_effects::creation_effects(at.kind, created, &self.earlier_tables(at, document));
        data.extend(data_effects::stop_effects(None, &actions));
        let secrets = self.sent_secrets(at, &self.resolve_references(at, &document.body, None), None, &actions);
        let change = Change {
            reason,
            secrets,
            weakened_tls,
            data_effects: data,
            after,
            ..new_change(at, document, None, Verdict::Create)
        };
        (change, actions)
    }

    fn reconcile_object(
        &self,
        at: &Address,
        document: &Document,
        want: RunState,
        object: &Object,
        renamed_from: Option<&Name>,
    ) -> ObjectPlan {
        if let Some(reason) = other_source(&document.body, &object.body) {
            return block_object(at, document, Some(object), reason).into();
        }
        let object_diff = ObjectDiff::new(self, at, document, object, renamed_from);
        let ObjectDiff { base, body, target, pending, .. } = &object_diff;
        let state = self.plan_state(at, document, *base, object, want);
        let want = state.desired;
        let rename = renamed_from.is_some();
        let request = UpdateRequest { address: at, body: target, live: object, desired_state: want, is_rename: rename };
        let forcing = actions_for::forcing_fields(object, pending);
        if rename && forcing.is_empty() && !lifecycle::can_be_renamed(at.kind) {
            return block_object(at, document, Some(object), BlockReason::CannotRename).into();
        }
        let mut fields = field_changes::pending_changes(document, pending, &forcing);
        fields.extend(state.change);
        let with_verdict = |verdict| {
            let (before, after) = object_diff.shown_sides();
            Change {
                renamed_from: renamed_from.cloned(),
                fields,
                weakened_tls: self.newly_weakened_tls(at, target, (*base, Some(&object_diff.live))),
                before: Some(before),
                after: Some(ShownFields::Redacted(after)),
                ..new_change(at, document, Some(object), verdict)
            }
        };
        let rules = FieldSemantics::for_kind(at.kind);
        let references_of = LiveReferences { service: &at.service, hosts: self.hosts };
        let references = references_of.after_update(rules, Some(target), &object.body);
        let left_alone = field_changes::ignored_changes(at, document, object, &object_diff, state.kept);
        if let Some(reason) = field_changes::conflict_reason(pending) {
            return ObjectPlan {
                change: Some((with_verdict(Verdict::Blocked(reason)), Vec::new())),
                ignored_changes: left_alone,
                is_unsettled: object_diff.is_unsettled,
                ..ObjectPlan::default()
            };
        }
        if !forcing.is_empty() {
            let mut change = with_verdict(Verdict::Replace);
            change.respelled_fields = respelling::respelled_fields(pending, &forcing, &object_diff.live);
            change.is_respelled_by_git =
                respelling::are_live_as_in_base(pending.iter().filter(|diff| forcing.contains(&diff.path)));
            // A new object has the declared values, even where live drifted before.
            change.fields.extend(field_changes::with_verdicts(document, &object_diff.ignored, &[FieldVerdict::Drift]));
            // The merge keeps changes of the target branch, so the new object has them too.
            let merged = |body: &Value| keep_live(body, &object_diff.ignored, &[FieldVerdict::Moved]);
            change.after = Some(ShownFields::Redacted(rules.shown(&merged(body))));
            let carried = self.carry_over(at, object, &merged(&document.body), &object_diff.live);
            let references = references_of.after_update(rules, Some(&carried.body), &object.body);
            let is_unsettled = object_diff.is_unsettled || carried.loses_unsettled_size(rules, &object_diff.live);
            let planned = self.plan_replace(document, &request, change, carried);
            let references = matches!(planned.0.verdict, Verdict::Replace).then_some(references);
            return ObjectPlan { references, is_unsettled, ..planned.into() };
        }
        let mut update = self.plan_update(&request, renamed_from, &object_diff, state.note, with_verdict);
        update.references = Some(references);
        self.block_unusable_way(&mut update, (at, &document.body, target), object);
        ObjectPlan { ignored_changes: left_alone, ..update }
    }

    fn plan_update(
        &self,
        request: &UpdateRequest<'_>,
        renamed_from: Option<&Name>,
        object_diff: &ObjectDiff<'_>,
        state_note: Option<String>,
        with_verdict: impl FnOnce(Verdict) -> Change,
    ) -> ObjectPlan {
        let (at, object, is_unsettled) = (request.address, request.live, object_diff.is_unsettled);
        let carried = self.carry_over_entries(at, object, object_diff);
        let request = UpdateRequest { body: &carried.target, ..*request };
        let (mut actions, resent_fields) = actions_for::update_actions(&request, &carried.pending);
        actions_for::note_unproven(&mut actions, |body| carried.unproven_in(body));
        let adopted = self.base.is_some() && object_diff.base.is_none();
        let missing_base = if self.base.is_some() { MissingBase::NotInBase } else { MissingBase::NotGiven };
        let unchecked = object_diff.unchecked_fields(at, missing_base, &resent_fields);
        if actions.is_empty() && !adopted {
            return ObjectPlan { unchecked, is_unsettled, ..ObjectPlan::default() };
        }
        let verdict = match (renamed_from.is_some(), adopted) {
            (true, _) => Verdict::Rename,
            (false, true) => Verdict::Adopt,
            (false, false) => Verdict::Update,
        };
        let mut data: Vec<String> = state_note.into_iter().collect();
        data.extend(field_changes::entry_data_effects(at, &object.body, &object_diff.pending));
        let blocking_tables = added_again(at, &carried, &object_diff.live);
        let redefined_tables = blocking_tables::find_redefined_tables(at.kind, &carried.target, &object_diff.live);
        data.extend(blocking_tables::redefined_tables_note(&redefined_tables));
        data.extend(data_effects::column_effects(at.kind, &carried.target, &object_diff.live));
        data.extend(carried.sentences.iter().cloned());
        data.extend(unproven_sentence(&actions));
        data.extend(data_effects::stop_effects(Some(object), &actions));
        let respelled_fields = respelling::respelled_entries(&object_diff.pending);
        let unproven_fields = unproven_fields(&carried, &object_diff.live, &actions);
        let secrets = self.sent_secrets(at, &carried.target, Some(&object_diff.live), &actions);
        let change = Change {
            resent_fields,
            secrets,
            data_effects: data,
            blocking_tables,
            redefined_tables,
            respelled_fields,
            is_respelled_by_git: respelling::are_live_as_in_base(object_diff.pending.iter()),
            unproven_fields,
            ..with_verdict(verdict)
        };
        ObjectPlan { change: Some((change, actions)), unchecked, is_unsettled, ..ObjectPlan::default() }
    }

    /// Blocks an update that connects the object to an unusable one.
    fn block_unusable_way(&self, update: &mut ObjectPlan, desired: (&Address, &Value, &Value), live: &Object) {
        let Some((change, actions)) = &mut update.change else { return };
        if let Some(reason) = self.unusable_new_reference(desired, live, actions) {
            change.block(reason);
            actions.clear();
            update.references = None;
        }
    }

    fn plan_replace(
        &self,
        document: &Document,
        request: &UpdateRequest<'_>,
        change: Change,
        carried: CarriedOver,
    ) -> PlannedChange {
        let at = request.address;
        let rules = FieldSemantics::for_kind(at.kind);
        let live = rules.normalize_live(&request.live.body);
        let mut actions = vec![Action::Delete { address: at.clone(), id: request.live.id.clone() }];
        actions.extend(actions_for::create_actions(at, &carried.body.clone().into(), request.desired_state));
        actions_for::note_unproven(&mut actions, |_| carried.unproven.clone());
        let mut change = Change { secrets: self.sent_secrets(at, &carried.body, Some(&live), &actions), ..change };
        if let Some(protected_by) = self.protected_by(at, document, (request.live, change.renamed_from.as_ref())) {
            change.block(BlockReason::ProtectedFromReplace(protected_by));
            return (change, Vec::new());
        }
        if let Some(reason) = self.unready_reference(at, &carried.body) {
            change.block(reason);
            return (change, Vec::new());
        }
        let refused = carried.doubts();
        if !refused.is_empty() {
            change.block(BlockReason::RefusedReplacement(refused));
            return (change, Vec::new());
        }
        let mut data = data_effects::replacement_effects(at.kind, &carried.body, &live);
        let redefined_tables = blocking_tables::find_redefined_tables(at.kind, &carried.body, &live);
        data.extend(blocking_tables::redefined_tables_note(&redefined_tables));
        data.extend(carried.describe());
        data.extend(document.intent.pinned_id.as_ref().map(|id| field_changes::pin_sentence(document, id)));
        data.extend(data_effects::stop_effects(None, &actions));
        let in_the_way = blocking_tables::find_blocking_tables(at.kind, &carried.body, &live);
        let misses_changes = blocking_tables::misses_changes(at.kind, &carried.body, &live);
        let change = Change {
            data_effects: data,
            blocking_tables: in_the_way,
            redefined_tables,
            kept_fields: carried.kept,
            lost_fields: carried.unreadable,
            misses_changes,
            drops_pin: document.intent.pinned_id.is_some(),
            ..change
        };
        (change, actions)
    }
}

/// The reason why an object that was declared before is created.
const MISSING_LIVE_REASON: &str = "in the base commit but not live: will be created";

/// The tables of entries that are removed and added again: the API adds them only if the tables have no rows.
fn added_again(at: &Address, carried: &CarriedEntries, live: &Value) -> Vec<String> {
    let entries = carried.pending.iter().filter(|diff| diff.is_set_by_deltas());
    let added: Vec<&Value> = entries.filter_map(|diff| diff.desired.as_ref()).collect();
    blocking_tables::find_tables_added_again(at.kind, &carried.target, &added, live)
}

/// A live object with another source is another object, although it has the name.
fn other_source(desired: &Value, live: &Value) -> Option<BlockReason> {
    let desired = source_word(desired)?;
    let live = source_word(live);
    let reason = || BlockReason::OtherSource { declared: desired.to_owned(), live: live.map(str::to_owned) };
    (live != Some(desired)).then(reason)
}

fn block_object(at: &Address, document: &Document, object: Option<&Object>, reason: BlockReason) -> PlannedChange {
    (new_change(at, document, object, Verdict::Blocked(reason)), Vec::new())
}

fn new_change(at: &Address, document: &Document, object: Option<&Object>, verdict: Verdict) -> Change {
    let place = Some(document.origin.start_place().clone());
    Change { place, ..Change::new(at.clone(), object.map(|object| object.id.clone()), verdict) }
}
