//! Plans the state of a live object: running or stopped.

use clickpipes::lifecycle;
use model::action::RunState;
use model::address::Address;
use model::desired::{Document, Presence};
use model::live::Object;

use crate::change::{FieldChange, FieldVerdict};
use crate::field_changes;
use crate::inputs::PlanInputs;

/// For a pipe that somebody stopped since the base, and that a change of another field would silently start.
const STARTED_SENTENCE: &str = "somebody stopped it outside git, and apply starts it: to keep it stopped, declare \
                                `state: stopped`, or list it in `policy.keepStopped`";

/// The planned state of a live object.
pub(crate) struct StatePlan {
    /// The state to reach.
    pub(crate) desired: RunState,
    /// The command, if one is sent.
    pub(crate) change: Option<FieldChange>,
    /// Drift that stays.
    pub(crate) kept: Option<FieldChange>,
    /// A note for the reader.
    pub(crate) note: Option<String>,
}

impl PlanInputs<'_> {
    /// Plans the state. A pipe that somebody stopped since the base is started, unless the policy keeps it stopped.
    pub(crate) fn plan_state(
        &self,
        at: &Address,
        document: &Document,
        base: Option<&Document>,
        object: &Object,
        desired: RunState,
    ) -> StatePlan {
        let change = field_changes::state_change(at, document, base, object, desired);
        // The target branch declares the other state, and a merge keeps it.
        if let (Some(target), Some(drift)) = (&document.target, &change)
            && drift.verdict == Some(FieldVerdict::Drift)
            && let Presence::Present(state) = target.presence
            && state != desired
        {
            let kept =
                Some(FieldChange { verdict: Some(FieldVerdict::Moved), has_target_value: true, ..drift.clone() });
            return StatePlan { desired: state, change: None, kept, note: None };
        }
        let has_drifted = change.as_ref().is_some_and(|change| change.verdict == Some(FieldVerdict::Drift));
        let would_start = change.is_some() && desired == RunState::Running && lifecycle::is_stopped(object);
        let was_stopped = would_start && has_drifted;
        // Without a base it is unknown who stopped it. A start by mistake ends a stop that somebody wanted; a pipe that
        // stays stopped is reported.
        if would_start && (has_drifted || self.base.is_none()) && self.policy.keeps_stopped(at) {
            let kept = change.map(|change| FieldChange { verdict: Some(FieldVerdict::Drift), ..change });
            return StatePlan { desired: RunState::Stopped, change: None, kept, note: None };
        }
        // Without the reason, the same failure follows the start.
        let failure = change.as_ref().and_then(|_| lifecycle::failure_note(object));
        let note = was_stopped.then_some(STARTED_SENTENCE).or(failure).map(str::to_owned);
        StatePlan { desired, change, kept: None, note }
    }
}
