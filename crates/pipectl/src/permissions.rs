//! The flags that allow blocked changes.

use std::collections::BTreeMap;

use model::project::Policy;
use model::selector::{AddressPattern, ObjectName};
use planner::{ApprovalLimits, BlockReason, LimitExceeded, Permission, Plan};

/// Adds the flags to a plan. The planner does not know flags. `limits` are those of the run.
pub fn name_flags(plan: &mut Plan, limits: &ApprovalLimits) {
    plan.word_permissions(&|reason| blocked_text(reason, limits));
}

/// The reason why an object is blocked, and how to allow the change.
pub(crate) fn blocked_text(reason: &BlockReason, limits: &ApprovalLimits) -> String {
    let lead = match reason {
        BlockReason::OverLimit { .. } | BlockReason::ServiceDown(..) => ": allow it with",
        _ => ", then allow it with",
    };
    let flag = reason.permission().and_then(|permission| Some(format!("{lead} `{}`", flag(&permission)?)));
    let or = if flag.is_some() { ", or" } else { ":" };
    let setting = setting(reason, limits).map(|setting| format!("{or} {setting}"));
    format!("{reason}{}{}", flag.unwrap_or_default(), setting.unwrap_or_default())
}

/// The setting for the project file. Unlike a flag, it also works for the apply after a merge.
pub(crate) fn setting(reason: &BlockReason, limits: &ApprovalLimits) -> Option<String> {
    match (reason, reason.permission()?) {
        (BlockReason::OverLimit { key, count, is_of_base, .. }, _) => {
            Some(raise_limit(key, *count, *is_of_base, limits))
        }
        (BlockReason::ServiceDown(_, down), _) => {
            let when = own_change(down.is_held_by_base);
            let policy = policy_with("wakeIdle", limits);
            Some(format!("set `{policy}: {{wakeIdle: true}}` in pipectl.yaml{when}"))
        }
        (_, Permission::ApplyWithoutBase) => Some("run plan and apply without `--base`".to_owned()),
        (_, Permission::Replace(at)) => {
            let policy = policy_with("allowReplace", limits);
            Some(format!("add `{at}` to `{policy}.allowReplace` in pipectl.yaml"))
        }
        _ => None,
    }
}

fn raise_limit(key: &str, count: usize, is_of_base: bool, limits: &ApprovalLimits) -> String {
    let policy = policy_with(key, limits);
    format!("raise `{policy}.{key}` to {count} in pipectl.yaml{}", own_change(is_of_base))
}

/// The policy in which a change of a key has an effect.
fn policy_with(key: &str, limits: &ApprovalLimits) -> String {
    let owner = limits.environment_keys.as_ref().filter(|(_, keys)| keys.iter().any(|own| own == key));
    owner.map_or_else(|| "policy".to_owned(), |(name, _)| format!("environments.{name}.policy"))
}

// A change cannot lift a limit and use that at once.
fn own_change(is_held_by_base: bool) -> &'static str {
    if is_held_by_base { ", in a change of its own" } else { "" }
}

/// The limits and permissions of the project file, and those of the command line.
pub(crate) fn approval_limits(
    policy: &Policy,
    allow_delete: &[ObjectName],
    allow_replace: &[ObjectName],
    held_by_base: &[&'static str],
    environment_keys: Option<&(String, Vec<String>)>,
) -> ApprovalLimits {
    let in_project =
        policy.allow_replace.iter().flatten().map(|pattern| ObjectName::Glob(AddressPattern::new(pattern)));
    ApprovalLimits {
        max_delete: Some(Policy::limit_or_default(policy.max_delete)),
        max_replace: Some(Policy::limit_or_default(policy.max_replace)),
        allow_delete: allow_delete.to_vec(),
        allow_replace: allow_replace.to_vec(),
        allow_replace_in_project: in_project.collect(),
        held_by_base: held_by_base.to_vec(),
        environment_keys: environment_keys.cloned(),
        down_services: BTreeMap::new(),
    }
}

/// The flag of `apply` that allows it; `None` where a flag has to be left out.
pub(crate) fn flag(permission: &Permission) -> Option<String> {
    match permission {
        Permission::Delete(at) => Some(format!("--allow-delete {}", ObjectName::to_argument(at))),
        Permission::Replace(at) | Permission::ReplaceNow(at) => {
            Some(format!("--allow-replace {}", ObjectName::to_argument(at)))
        }
        Permission::WakeService => Some("--wake".to_owned()),
        Permission::ApplyWithoutBase => None,
    }
}

/// The limit that a plan exceeds, and the flags that allow each object.
pub(crate) fn limit_exceeded(exceeded: &LimitExceeded, limits: &ApprovalLimits) -> String {
    let flags: Vec<String> = exceeded.objects.iter().filter_map(flag).collect();
    let raise = raise_limit(exceeded.key, exceeded.objects.len(), exceeded.is_of_base, limits);
    format!("{exceeded}; {raise}, or allow each by name: {}", flags.join(" "))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use model::address::{Address, Kind, Name, ServiceRef};
    use planner::Permission;

    #[test]
    fn flags_of_permissions_exist() {
        let command = crate::cli::Cli::command();
        let subcommands = command.get_subcommands().flat_map(clap::Command::get_arguments);
        let known: Vec<String> = subcommands.filter_map(|it| it.get_long()).map(|name| format!("--{name}")).collect();
        let at = || Address::new(ServiceRef::new("s"), Kind::ClickPipe, Name::new("p"));
        for permission in
            [Permission::Delete(at()), Permission::Replace(at()), Permission::ReplaceNow(at()), Permission::WakeService]
        {
            let flag = super::flag(&permission).unwrap();
            let name = flag.split(' ').next().unwrap_or_default().to_owned();
            assert!(known.contains(&name), "{flag}");
        }
    }
}
