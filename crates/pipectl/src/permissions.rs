//! The flags that allow what a plan holds back.

use planner::{BlockReason, LimitExceeded, Permission, Plan};

/// Adds the flags to a plan. The planner does not know them.
pub fn name_flags(plan: &mut Plan) {
    let skipped = |permission: &Permission| format!("apply skips this change unless you pass {}", flag(permission));
    plan.word_permissions(&blocked_text, &skipped);
}

/// Why an object is blocked, and the flag that allows the change.
pub(crate) fn blocked_text(reason: &BlockReason) -> String {
    let flag = reason.permission().map(|permission| format!(", {} {}", verb(&permission), flag(&permission)));
    format!("{reason}{}", flag.unwrap_or_default())
}

fn verb(permission: &Permission) -> &'static str {
    match permission {
        Permission::Delete(_) | Permission::Replace(_) => "then allow it with",
        Permission::ApplyWithoutBase => "or apply the value of git: plan without",
    }
}

fn flag(permission: &Permission) -> String {
    match permission {
        Permission::Delete(at) => format!("`--allow-delete {}`", at.to_glob_argument()),
        Permission::Replace(at) => format!("`--allow-replace {}`", at.to_glob_argument()),
        Permission::ApplyWithoutBase => "`--base`".to_owned(),
    }
}

/// The limit that a plan exceeds, and the flags that allow each object.
pub(crate) fn limit_exceeded(exceeded: &LimitExceeded) -> String {
    let LimitExceeded { verdict, key, limit, objects } = exceeded;
    let flags: Vec<String> = objects.iter().map(|permission| flag(permission).replace('`', "")).collect();
    let many = if objects.len() == 1 { "object" } else { "objects" };
    format!(
        "the plan would {} {} {many}, but `{key}` is {limit}; allow each by name: {}",
        verdict.as_str(),
        objects.len(),
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
        let known: Vec<String> = subcommands.filter_map(|it| it.get_long()).map(|name| format!("`--{name}")).collect();
        let at = || Address::new(ServiceRef::new("s"), Kind::ClickPipe, Name::new("p"));
        for permission in [Permission::Delete(at()), Permission::Replace(at()), Permission::ApplyWithoutBase] {
            let flag = super::flag(&permission);
            let name = flag.split([' ']).next().unwrap_or_default().trim_end_matches('`').to_owned();
            assert!(known.contains(&name), "{flag}");
        }
    }
}
