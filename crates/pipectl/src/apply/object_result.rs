//! The results of an apply, by object.

use clickpipes::api_body::build_spec;
use clickpipes::semantics::FieldSemantics;
use model::action::{Action, RunState};
use model::address::{Address, Name};
use model::live::Id;
use model::path::FieldPath;
use planner::{Change, ObjectWork};
use remote::{Error, PerformedAction};
use serde::Serialize;
use serde_json::{Map, Value};

use super::dependencies::SkipReason;
use crate::error_code;
use crate::error_report::ErrorReport;

/// The end of the work on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// Everything was done.
    Applied,
    /// The API accepted an action, and the object had not settled when the time was over.
    Accepted,
    /// An action failed; those before it were done.
    Failed,
    /// Not started.
    Skipped,
    /// The run was interrupted. The action in progress was finished.
    Interrupted,
    /// A response was lost. The next run reads the live object and continues from there.
    Unknown,
}

impl Outcome {
    /// The word in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Accepted => "accepted",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        }
    }
}

/// Table mappings that a pipe lost.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingMappings {
    /// The names of the mappings, and the reason.
    pub reason: String,
    /// The mappings as they were live, in the form of a manifest. Only this result knows the fields that the manifest
    /// omits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
}

/// A state that needs attention first, such as a deleted pipe that was not re-created.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// The state. It begins with words in capitals.
    pub(crate) what: &'static str,
    /// The next step for the user.
    pub(crate) next: &'static str,
    /// Why it is so.
    pub(crate) reason: String,
}

impl Alarm {
    pub(crate) const NOT_RECREATED: &str = "DELETED, not re-created";
    const PERHAPS_NOT_RECREATED: &str = "DELETED, perhaps not re-created";
    pub(crate) const TABLE_REMOVED: &str = "TABLE REMOVED, not added again";
    pub(crate) const LEFT_STOPPED: &str = "STOPPED, not restarted";

    /// For an object: `DELETED, not re-created: analytics/orders: run apply again`.
    pub(crate) fn heading(&self, address: &Address) -> String {
        format!("{}: {address}: {}", self.what, self.next)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectResult {
    pub address: Address,
    /// The name that it had before the run, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// The end of the work.
    pub outcome: Outcome,
    /// The number of actions that were done.
    pub done: usize,
    /// The number of actions in the plan.
    pub actions: usize,
    /// The actions that were not started, by their verbs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_started: Vec<&'static str>,
    /// The object that this one waits for, if the plan does not change that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmet_dependency: Option<Address>,
    /// The live state at the end, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why an object that was deleted to be created again does not exist now, as far as is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_recreated: Option<String>,
    /// Whether its manifest pins the id of an object that is gone.
    #[serde(skip)]
    pub drops_pin: bool,
    /// The request body of the create of such an object. Secrets are references.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_body: Option<Value>,
    /// The fields of the body that the manifest omits. Only this result still knows their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kept_fields: Vec<FieldPath>,
    /// Table mappings that were removed to be added in another form, and that the pipe lacks now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_mappings: Option<MissingMappings>,
    /// The reason why a pipe that should run may be stopped now: it was stopped for an edit, and could not be started
    /// again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_stopped: Option<String>,
    /// Remarks for the user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The error that ended the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorReport>,
}

impl ObjectResult {
    pub(super) fn new(work: &ObjectWork<'_>) -> Self {
        Self {
            address: work.address().clone(),
            renamed_from: None,
            id: None,
            outcome: Outcome::Skipped,
            done: 0,
            actions: work.actions.len(),
            not_started: Vec::new(),
            unmet_dependency: None,
            state: None,
            not_recreated: None,
            drops_pin: false,
            create_body: None,
            kept_fields: Vec::new(),
            missing_mappings: None,
            left_stopped: None,
            notes: Vec::new(),
            error: None,
        }
    }

    pub(super) fn skipped_because(work: &ObjectWork<'_>, unmet: SkipReason) -> Self {
        let not_started = work.actions.iter().map(|action| action_verb(action)).collect();
        let SkipReason { reason, unmet_dependency } = unmet;
        Self { not_started, unmet_dependency, notes: vec![reason], ..Self::new(work) }
    }

    /// Adds facts about the object from the plan.
    pub(super) fn describe_object(&mut self, change: &Change) {
        self.id = change.id.clone().filter(|_| change.renamed_from.is_some());
        self.renamed_from.clone_from(&change.renamed_from);
        self.drops_pin = change.drops_pin;
    }

    pub(super) fn record_action(&mut self, performed: PerformedAction) {
        self.outcome = Outcome::Applied;
        self.done += 1;
        self.state = Some(performed.state.to_string()).filter(|state| !state.is_empty());
        self.notes.extend(performed.notes);
    }

    pub(super) fn record_error(&mut self, error: &Error) {
        // The API accepted this action: only the wait ended early, so it counts as done.
        if let Error::NotSettled { address, last_state, .. } = error
            && address == &self.address
        {
            self.done += 1;
            self.state = last_state.as_ref().map(ToString::to_string);
        }
        self.outcome = match error {
            Error::OutOfTime if self.done == 0 => {
                self.notes.push("not started: the time limit of the run has passed".to_owned());
                return;
            }
            Error::NotEnoughTime { .. } if self.done == 0 => {
                let hint = ErrorReport::from(error).hint.map(|hint| format!("; {hint}")).unwrap_or_default();
                self.notes.push(format!("not started: {error}{hint}"));
                return;
            }
            error if error.is_interrupted() => Outcome::Interrupted,
            error if error.is_outcome_unknown() => Outcome::Unknown,
            Error::StopIgnored { .. } => Outcome::Accepted,
            error if error.accepted_id(&self.address).is_some() => Outcome::Accepted,
            _ => Outcome::Failed,
        };
        self.error = Some(ErrorReport::from(error));
    }

    /// Keeps the body of the create of a deleted object.
    pub(super) fn keep_create(&mut self, body: &Value, change: Option<&Change>) {
        self.create_body = Some(FieldSemantics::for_kind(self.address.kind).redact_desired(body));
        self.kept_fields = change.map(|change| change.kept_fields.clone()).unwrap_or_default();
    }

    /// The part of the create that the manifest omits, as fields of its `spec`.
    pub(crate) fn kept_spec(&self) -> Option<Value> {
        let body = self.create_body.as_ref()?;
        let mut spec = Value::Object(Map::new());
        for path in &self.kept_fields {
            // An entry of a list is useless without the others.
            let segments = path.segments().iter().take_while(|segment| segment.parse::<usize>().is_err());
            let path = segments.fold(FieldPath::root(), |path, segment| path.child(segment));
            if let Some(value) = path.value_in(body) {
                path.set_in(&mut spec, value.clone());
            }
        }
        (!self.kept_fields.is_empty()).then(|| build_spec(self.address.kind, &spec))
    }

    /// The object does not exist although it should.
    pub(crate) fn missing_alarm(&self) -> Option<Alarm> {
        let is_stale = self.error.as_ref().is_some_and(|error| error.is_stale);
        let (what, next) = match self.outcome {
            // The pin would block the next apply: no live object has that id.
            Outcome::Unknown if self.drops_pin => (
                Alarm::PERHAPS_NOT_RECREATED,
                "wait a minute, remove `metadata.id` from its manifest, then run apply again",
            ),
            Outcome::Unknown => (Alarm::PERHAPS_NOT_RECREATED, "wait a minute, then run apply again"),
            _ if is_stale => (Alarm::NOT_RECREATED, "another one has its name now: plan again"),
            _ if self.drops_pin => {
                (Alarm::NOT_RECREATED, "remove `metadata.id` from its manifest, then run apply again")
            }
            _ => (Alarm::NOT_RECREATED, "run apply again"),
        };
        Some(Alarm { what, next, reason: self.not_recreated.clone()? })
    }

    /// Tables that no pipe fills now. The pipe itself lives.
    pub(crate) fn removed_tables_alarm(&self) -> Option<Alarm> {
        let reason = format!("{}; the pipe and its other tables stay", self.missing_mappings.as_ref()?.reason);
        Some(Alarm { what: Alarm::TABLE_REMOVED, next: "run apply again", reason })
    }

    /// A pipe that should ingest and may be stopped.
    pub(crate) fn stopped_alarm(&self) -> Option<Alarm> {
        let reason = format!("it was stopped for an edit, and may still be stopped: {}", self.left_stopped.as_ref()?);
        Some(Alarm { what: Alarm::LEFT_STOPPED, next: "run apply again, or start it in the console", reason })
    }

    /// All alarms, the most severe first.
    pub(crate) fn alarms(&self) -> impl Iterator<Item = Alarm> {
        [self.missing_alarm(), self.removed_tables_alarm(), self.stopped_alarm()].into_iter().flatten()
    }

    pub(super) fn end_with(&mut self, outcome: Outcome, message: &str) {
        self.outcome = outcome;
        self.error = Some(ErrorReport::new(error_code::NOT_APPLIED, message));
    }

    /// For an object whose next plan is blocked, although the API accepted every action.
    pub(crate) fn mark_blocked(&mut self, reason: &str) {
        self.end_with(Outcome::Failed, &format!("the API accepted the change, but now {reason}"));
        if let Some(error) = &mut self.error {
            error.is_blocked = true;
        }
    }

    /// For an object whose fields are not live as declared, although the API accepted every action.
    pub(crate) fn mark_not_applied(&mut self, fields: &[String]) {
        let what = if fields.is_empty() { "its state".to_owned() } else { fields.join(", ") };
        self.end_with(
            Outcome::Failed,
            &format!("the API accepted the change, but this is not live as declared: {what}"),
        );
    }
}

pub(super) fn action_verb(action: &Action) -> &'static str {
    match action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::SetState { to: RunState::Running, .. } => "start",
        Action::SetState { to: RunState::Stopped, .. } => "stop",
        Action::Delete { .. } => "delete",
    }
}
