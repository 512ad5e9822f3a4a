//! The flags that allow what a plan holds back.

use model::project::Policy;
use model::selector::{AddressPattern, ObjectName};
use planner::{ApprovalLimits, BlockReason, LimitExceeded, Permission, Plan};

/// Adds the flags to a plan. The planner does not know them. `limits` are those of the run.
pub fn name_flags(plan: &mut Plan, limits: &ApprovalLimits) {
    let skipped = |permission: &Permission| format!("apply skips this change unless you pass `{}`", flag(permission));
    plan.word_permissions(&blocked_text, &skipped, limits);
}

/// Why an object is blocked, and what allows the change.
pub(crate) fn blocked_text(reason: &BlockReason) -> String {
    let lead = |permission: &Permission| match reason {
        BlockReason::OverLimit { .. } => ": allow it with".to_owned(),
        _ => format!(", {}", verb(permission)),
    };
    let flag = reason.permission().map(|permission| format!("{} `{}`", lead(&permission), flag(&permission)));
    let setting = setting(reason).map(|setting| format!(", or {setting}"));
    format!("{reason}{}{}", flag.unwrap_or_default(), setting.unwrap_or_default())
}

/// What to write into the project file. Unlike a flag, it also works for the apply after a merge.
pub(crate) fn setting(reason: &BlockReason) -> Option<String> {
    match (reason, reason.permission()?) {
        (BlockReason::OverLimit { key, count, .. }, _) => Some(raise_limit(key, *count)),
        (_, Permission::Replace(at)) => Some(format!("add `{at}` to `policy.allowReplace` in pipectl.yaml")),
        _ => None,
    }
}

fn raise_limit(key: &str, count: usize) -> String {
    format!("raise `policy.{key}` to {count} in pipectl.yaml")
}

/// The limits and permissions of the project file, and those of the command line.
pub(crate) fn approval_limits(
    policy: &Policy,
    allow_delete: &[ObjectName],
    allow_replace: &[ObjectName],
) -> ApprovalLimits {
    let in_project =
        policy.allow_replace.iter().flatten().map(|pattern| ObjectName::Glob(AddressPattern::new(pattern)));
    ApprovalLimits {
        max_delete: Some(Policy::limit_or_default(policy.max_delete)),
        max_replace: Some(Policy::limit_or_default(policy.max_replace)),
        allow_delete: allow_delete.to_vec(),
        allow_replace: allow_replace.iter().cloned().chain(in_project).collect(),
    }
}

fn verb(permission: &Permission) -> &'static str {
    match permission {
        Permission::Delete(_) | Permission::Replace(_) => "then allow it with",
        Permission::ApplyWithoutBase => "or apply the value of git: plan without",
    }
}

/// The flag of `apply` that allows it.
pub(crate) fn flag(permission: &Permission) -> String {
    match permission {
        Permission::Delete(at) => format!("--allow-delete {}", ObjectName::to_argument(at)),
        Permission::Replace(at) => format!("--allow-replace {}", ObjectName::to_argument(at)),
        Permission::ApplyWithoutBase => "--base".to_owned(),
    }
}

/// The limit that a plan exceeds, and the flags that allow each object.
pub(crate) fn limit_exceeded(exceeded: &LimitExceeded) -> String {
    let LimitExceeded { verdict, key, limit, objects } = exceeded;
    let flags: Vec<String> = objects.iter().map(flag).collect();
    let many = if objects.len() == 1 { "object" } else { "objects" };
    format!(
        "the plan would {} {} {many}, but `{key}` is {limit}; {}, or allow each by name: {}",
        verdict.as_str(),
        objects.len(),
        raise_limit(key, objects.len()),
        flags.join(" ")
    )
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
        for permission in [Permission::Delete(at()), Permission::Replace(at()), Permission::ApplyWithoutBase] {
            let flag = super::flag(&permission);
            let name = flag.split(' ').next().unwrap_or_default().to_owned();
            assert!(known.contains(&name), "{flag}");
        }
    }
}
