//! The values that the expressions of rules know.

use cel::{Context, Value};
use model::address::Kind;
use model::desired::{Document, Intent, Presence};
use serde_json::{Map, Value as Json, json};
use time::OffsetDateTime;

use crate::metering::{StepBudget, value_size};
use crate::values::{text_value, to_cel};

/// The variables of rules.
pub(crate) const VARIABLES: &[&str] = &["manifest", "labels", "environment", "now", "change"];

/// The time of a run, in UTC.
#[derive(Clone, Copy, Debug)]
pub struct RuleTime(OffsetDateTime);

impl RuleTime {
    /// The time so many seconds after 1970.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        let time = i64::try_from(seconds).ok().and_then(|it| OffsetDateTime::from_unix_timestamp(it).ok());
        Self(time.unwrap_or(OffsetDateTime::UNIX_EPOCH))
    }

    fn to_json(self) -> Json {
        let time = self.0;
        let (month, day) = (u8::from(time.month()), time.day());
        json!({
            "text": format!("{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.year(), time.hour(), time.minute(), time.second()),
            "year": time.year(),
            "month": month,
            "day": day,
            "hour": time.hour(),
            "minute": time.minute(),
            "weekday": time.weekday().to_string(),
        })
    }
}

/// One object, and its change.
#[derive(Clone, Copy, Debug)]
pub struct RuleInput<'i> {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: &'i str,
    /// The name of its service, if it is known.
    pub service: Option<&'i str>,
    /// Its manifest; `None` for an object without one.
    pub document: Option<&'i Document>,
    /// Its change in the plan; `None` without a plan.
    pub change: Option<&'i Json>,
    /// The names of the selected environment: its own, and those that an earlier project file has for it.
    pub environments: &'i [String],
    /// The time of the run.
    pub now: RuleTime,
}

impl RuleInput<'_> {
    /// Adds the variables to a context.
    pub(crate) fn add_variables(&self, context: &mut Context<'_, '_>, environment: &str, budget: &StepBudget) {
        let manifest = self.manifest();
        let labels = to_cel(&manifest["metadata"]["labels"]);
        let manifest = to_cel(&manifest);
        let change = self.change.map_or(Value::Null, to_cel);
        budget.add_functions(context, value_size(&manifest) + value_size(&change));
        let values = [manifest, labels, text_value(environment), to_cel(&self.now.to_json()), change];
        for (name, value) in VARIABLES.iter().zip(values) {
            context.add_variable_from_value(*name, value);
        }
    }

    /// The manifest with every field that rules may read without `has`.
    fn manifest(&self) -> Json {
        // An object without a manifest counts as `state: absent`.
        let undeclared = || Intent { presence: Presence::Absent, ..Intent::default() };
        let intent = self.document.map_or_else(undeclared, |it| it.intent.clone());
        let mut metadata = Map::new();
        if !self.kind.is_singleton() {
            metadata.insert("name".to_owned(), json!(self.name));
        }
        metadata.extend(self.service.map(|service| ("service".to_owned(), json!(service))));
        metadata.insert("labels".to_owned(), json!(intent.labels));
        metadata.insert("annotations".to_owned(), json!(intent.annotations));
        let mut spec = Map::new();
        spec.insert(
            "state".to_owned(),
            match intent.presence {
                Presence::Present(state) => json!(state),
                Presence::Absent => json!("absent"),
            },
        );
        spec.insert("protect".to_owned(), json!(intent.protect));
        let body = self.document.and_then(|it| it.body.as_object()).into_iter().flatten();
        let name_path = self.kind.name_path().map(|path| path.to_string());
        let fields = body.filter(|(field, _)| name_path.as_ref() != Some(*field));
        spec.extend(fields.map(|(field, value)| (field.clone(), value.clone())));
        json!({
            "apiVersion": "pipectl/v1",
            "kind": self.kind.name(),
            "metadata": metadata,
            "spec": spec,
        })
    }
}
