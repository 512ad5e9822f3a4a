//! Predicts which parts of a plan apply will refuse. The same check decides in apply, so a plan in a pull request
//! cannot promise what the merge does not do.

use std::collections::HashMap;
use std::time::Duration;

use model::address::Address;
use planner::{ApprovalLimits, Plan, Verdict, actions_by_object};
use serde::Serialize;

use super::action_word;
use crate::permissions;

/// A part of a plan that apply will not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyRefusal {
    /// The object; absent if it is about a service, or about the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    /// The action of the plan on the object, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<&'static str>,
    /// Why.
    pub reason: String,
    /// The setting in a file that allows it. It works for the apply after a merge.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The flag of `apply` that allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
}

impl ApplyRefusal {
    /// Why, and how to allow it.
    pub(crate) fn sentence(&self) -> String {
        describe(&self.reason, self.setting.as_deref(), self.flag.as_deref())
    }
}

fn describe(reason: &str, setting: Option<&str>, flag: Option<&str>) -> String {
    ways_out(setting, flag).map_or_else(|| reason.to_owned(), |ways| format!("{reason}; to allow it, {ways}"))
}

fn ways_out(setting: Option<&str>, flag: Option<&str>) -> Option<String> {
    let flag = flag.map(|flag| format!("pass `{flag}`"));
    let ways: Vec<&str> = setting.into_iter().chain(flag.as_deref()).collect();
    (!ways.is_empty()).then(|| ways.join(", or "))
}

/// The objects that apply will not touch, each with its reason.
pub(crate) fn find_refusals(plan: &Plan, limits: &ApprovalLimits) -> Vec<ApplyRefusal> {
    let blocked_by_limits = plan.blocked_by(limits);
    let actions = actions_by_object(&plan.actions);
    let blocked = plan.changes.iter().filter_map(|change| {
        let (reason, action) = if let Verdict::Blocked(reason) = &change.verdict {
            (reason, change.blocked_verdict)
        } else {
            let actions = actions.get(&change.address).map_or(&[][..], Vec::as_slice);
            (blocked_by_limits.get(&change.address)?, Some(action_word(change, actions)))
        };
        Some(ApplyRefusal {
            address: Some(change.address.clone()),
            action,
            reason: reason.to_string(),
            setting: permissions::setting(reason, limits),
            flag: reason.permission().and_then(|permission| permissions::flag(&permission)),
        })
    });
    blocked.collect()
}

/// The refusal for a plan whose requests alone take longer than the time limit.
pub(crate) fn refusal_for_time(timeout: Duration, seconds: f64) -> Option<ApplyRefusal> {
    if seconds <= timeout.as_secs_f64() {
        return None;
    }
    // Pipes also need time to settle.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of minutes above zero")]
    let enough = format!("{}m", (seconds * 1.5 / 60.0).ceil() as u64);
    let timeout = humantime::format_duration(timeout);
    Some(ApplyRefusal {
        address: None,
        action: None,
        reason: format!(
            "sending the plan takes at least {seconds} s, longer than `--timeout {timeout}`: the rest is skipped"
        ),
        setting: Some(format!("set `PIPECTL_TIMEOUT={enough}` in the environment of the job")),
        flag: Some(format!("--timeout {enough}")),
    })
}

/// What apply will refuse for one reason.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RefusalGroup {
    /// The action and the objects; empty if it is about the whole run.
    pub(crate) subject: String,
    pub(crate) reason: String,
    /// How to allow it.
    pub(crate) ways_out: Option<String>,
}

impl RefusalGroup {
    /// All of it in one line.
    pub(crate) fn line(&self) -> String {
        let colon = if self.subject.is_empty() { "" } else { ": " };
        let ways = self.ways_out.as_ref().map(|ways| format!("; to allow it, {ways}")).unwrap_or_default();
        format!("{}{colon}{}{ways}", self.subject, self.reason)
    }
}

/// One group for all objects with the same action and reason.
pub(crate) fn group_refusals(refusals: &[ApplyRefusal]) -> Vec<RefusalGroup> {
    let mut groups: Vec<Vec<&ApplyRefusal>> = Vec::new();
    // Each of thousands of objects may have its own reason.
    let mut places = HashMap::new();
    for refusal in refusals {
        let place = *places.entry((refusal.action, &refusal.reason, &refusal.setting)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(members) => members.push(refusal),
            None => groups.push(vec![refusal]),
        }
    }
    groups.iter().map(|members| refusal_group(members)).collect()
}

fn refusal_group(members: &[&ApplyRefusal]) -> RefusalGroup {
    /// More names, or flags, are counted.
    const MAX_NAMED: usize = 5;
    let names: Vec<String> = members.iter().filter_map(|it| it.address.as_ref()).map(|at| format!("`{at}`")).collect();
    let shown = names.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(MAX_NAMED);
    let action = members[0].action.map(|action| format!("{action} ")).unwrap_or_default();
    let subject = match (names.len(), more) {
        (0, _) => String::new(),
        (_, 0) => format!("{action}{shown}"),
        (..) => format!("{action}{shown} and {more} more"),
    };
    let mut flags: Vec<&str> = members.iter().filter_map(|it| it.flag.as_deref()).collect();
    flags.dedup();
    let flag = match flags.len() {
        0 => None,
        all if all > MAX_NAMED => {
            let name = flags[0].split(' ').next().unwrap_or_default();
            Some(format!("{name} for each of {all} objects"))
        }
        _ => Some(flags.join(" ")),
    };
    RefusalGroup {
        subject,
        reason: members[0].reason.clone(),
        ways_out: ways_out(members[0].setting.as_deref(), flag.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use model::address::{Address, Kind, Name, ServiceRef};

    use super::{ApplyRefusal, RefusalGroup, group_refusals, refusal_for_time};

    #[test]
    fn objects_with_one_reason_share_a_line() {
        let refusal = |name: &str| ApplyRefusal {
            address: Some(Address::new(ServiceRef::new("s"), Kind::ClickPipe, Name::new(name))),
            action: Some("delete"),
            reason: "too many".to_owned(),
            setting: Some("raise it".to_owned()),
            flag: Some(format!("--allow-delete s/{name}")),
        };
        let few: Vec<_> = ["a", "b"].map(refusal).into();
        let line =
            "delete `s/a`, `s/b`: too many; to allow it, raise it, or pass `--allow-delete s/a --allow-delete s/b`";
        let lines =
            |refusals: &[ApplyRefusal]| group_refusals(refusals).iter().map(RefusalGroup::line).collect::<Vec<_>>();
        assert_eq!(lines(&few), [line]);
        let many: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(refusal).into();
        assert!(lines(&many)[0].ends_with("or pass `--allow-delete for each of 6 objects`"));
        assert!(lines(&many)[0].starts_with("delete `s/a`, `s/b`, `s/c`, `s/d`, `s/e` and 1 more: "));
    }

    #[test]
    fn plan_that_takes_too_long_is_refused() {
        let refused = |seconds| refusal_for_time(Duration::from_secs(seconds), 61.0);
        assert_eq!(refused(61), None);
        assert_eq!(
            refused(60).unwrap().sentence(),
            "sending the plan takes at least 61 s, longer than `--timeout 1m`: the rest is skipped; to allow it, set \
             `PIPECTL_TIMEOUT=2m` in the environment of the job, or pass `--timeout 2m`"
        );
    }
}
