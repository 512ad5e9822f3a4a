//! The stricter of two policies.

use wildmatch::WildMatch;

use super::rules::rules_of_both;
use super::{Policy, PruneMode};

impl Policy {
    /// The stricter of both policies: a plan compares this commit with a base, and the base was reviewed. `secrets` are
    /// those of this policy, because two lists of patterns have no common list: check both.
    // Hazard: a pull request could lift a protection and use that in the same change.
    #[must_use]
    pub fn stricter_with(self, base: &Self) -> Self {
        let (prune, prune_scope) = self.stricter_prune(base);
        Self {
            protect: union(self.protect, base.protect.as_ref()),
            max_delete: smaller_limit(self.max_delete, base.max_delete),
            max_replace: smaller_limit(self.max_replace, base.max_replace),
            allow_replace: allowed_replacements(self.allow_replace, base.allow_replace.as_ref()),
            keep_stopped: union(self.keep_stopped, base.keep_stopped.as_ref()),
            prune,
            prune_scope,
            secret_commands: in_both(self.secret_commands, base.secret_commands.as_ref()),
            secret_command_variables: patterns_in_both(
                self.secret_command_variables,
                base.secret_command_variables.as_ref(),
            ),
            secrets: self.secrets,
            wake_idle: self.wake_idle.map(|may| may && base.wake_idle.unwrap_or_default()),
            rules: rules_of_both(self.rules, base.rules.as_ref()),
        }
    }

    /// Whether a policy allows more if this list has fewer entries. The other lists allow more with each entry.
    pub fn is_list_of_limits(key: &str) -> bool {
        matches!(key, "protect" | "keepStopped" | "rules")
    }

    /// The prune mode and scope that both allow.
    fn stricter_prune(&self, base: &Self) -> (Option<PruneMode>, Option<Vec<String>>) {
        let scope = in_both(self.prune_scope.clone(), base.prune_scope.as_ref());
        let is_empty = scope.iter().flatten().next().is_none();
        match (self.prune, base.prune) {
            (None | Some(PruneMode::Never), _) => (self.prune, scope),
            (Some(PruneMode::Scope), Some(PruneMode::Scope)) if is_empty => (Some(PruneMode::Never), scope),
            (head, base) if head == base => (head, scope),
            _ => (Some(PruneMode::Never), scope),
        }
    }
}

fn union(head: Option<Vec<String>>, base: Option<&Vec<String>>) -> Option<Vec<String>> {
    let mut all = head.unwrap_or_default();
    for pattern in base.into_iter().flatten() {
        if !all.contains(pattern) {
            all.push(pattern.clone());
        }
    }
    (!all.is_empty()).then_some(all)
}

fn in_both(head: Option<Vec<String>>, base: Option<&Vec<String>>) -> Option<Vec<String>> {
    head.map(|head| head.into_iter().filter(|text| base.is_some_and(|base| base.contains(text))).collect())
}

/// The patterns of either side that match only what a pattern of the other side matches.
fn patterns_in_both(head: Option<Vec<String>>, base: Option<&Vec<String>>) -> Option<Vec<String>> {
    let within = |of: &[String], other: &[String]| {
        let is_within = |text: &&String| other.iter().any(|wide| matches_all_of(wide, text));
        of.iter().filter(is_within).cloned().collect::<Vec<_>>()
    };
    head.map(|head| {
        let base = base.map_or(&[][..], Vec::as_slice);
        union(Some(within(&head, base)), Some(&within(base, &head))).unwrap_or_default()
    })
}

/// Whether a pattern matches everything that the narrow one matches.
fn matches_all_of(wide: &str, narrow: &str) -> bool {
    // `?` matches the letter `*` of a pattern, but not everything that this `*` matches.
    let is_sure = !wide.contains('?') || !narrow.contains(['*', '?']);
    wide == narrow || is_sure && WildMatch::new(wide).matches(narrow)
}

/// The patterns of both, and the objects that this policy names.
// A name is only useful in the change that replaces the object, where a reviewer sees both. A pattern allows more.
fn allowed_replacements(head: Option<Vec<String>>, base: Option<&Vec<String>>) -> Option<Vec<String>> {
    let is_name = |text: &String| !text.contains(['*', '?']);
    head.map(|head| head.into_iter().filter(|text| is_name(text) || base.is_some_and(|it| it.contains(text))).collect())
}

fn smaller_limit(head: Option<usize>, base: Option<usize>) -> Option<usize> {
    head.or(base)?;
    Some(Policy::limit_or_default(head).min(Policy::limit_or_default(base)))
}

#[cfg(test)]
mod tests {
    use crate::project::{Policy, PruneMode};

    #[expect(clippy::unnecessary_wraps, reason = "the fields are optional")]
    fn list(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn stricter_policy_allows_what_both_allow() {
        let base = Policy {
            protect: list(&["a"]),
            max_delete: Some(1),
            allow_replace: list(&["s/old-*"]),
            keep_stopped: list(&["s/quiet"]),
            secret_commands: list(&["vault"]),
            ..Policy::default()
        };
        let head = Policy {
            protect: list(&["b"]),
            max_delete: Some(10),
            max_replace: Some(3),
            allow_replace: list(&["s/*", "s/old-*", "s/clicks"]),
            secret_commands: list(&["vault", "sh"]),
            wake_idle: Some(true),
            ..Policy::default()
        };
        let expected = Policy {
            protect: list(&["b", "a"]),
            max_delete: Some(1),
            // The base has no such key, so the default applies.
            max_replace: Some(1),
            // A name is the change's own, a pattern is not.
            allow_replace: list(&["s/old-*", "s/clicks"]),
            keep_stopped: list(&["s/quiet"]),
            secret_commands: list(&["vault"]),
            wake_idle: Some(false),
            ..Policy::default()
        };
        assert_eq!(head.clone().stricter_with(&base), expected);
        let lifted = Policy::default().stricter_with(&base);
        assert_eq!((lifted.protect, lifted.max_delete), (list(&["a"]), Some(1)));
        assert_eq!(lifted.secret_commands, None);
    }

    #[test]
    fn variables_that_both_pass_stay() {
        for (base, head, expected) in [
            (&["V_A"][..], &["*"][..], &["V_A"][..]),
            (&["*"], &["V_A", "B"], &["V_A", "B"]),
            (&["V_*"], &["V_?", "W"], &["V_?"]),
            (&["V_?"], &["V_*"], &["V_?"]),
            (&["V_?"], &["V_**"], &["V_?"]),
            (&["A*"], &["*B"], &[]),
        ] {
            let policy = |texts: &[&str]| Policy { secret_command_variables: list(texts), ..Policy::default() };
            let stricter = policy(head).stricter_with(&policy(base));
            assert_eq!(stricter.secret_command_variables, list(expected), "{base:?} {head:?}");
        }
        assert_eq!(Policy::default().stricter_with(&Policy::default()).secret_command_variables, None);
    }

    #[test]
    fn pruning_needs_both() {
        let policy =
            |prune: Option<PruneMode>, scope: &[&str]| Policy { prune, prune_scope: list(scope), ..Policy::default() };
        let (never, git, scope) = (Some(PruneMode::Never), Some(PruneMode::Git), Some(PruneMode::Scope));
        for (base, head, expected) in [
            (policy(None, &[]), policy(git, &[]), never),
            (policy(git, &[]), policy(git, &[]), git),
            (policy(git, &[]), policy(scope, &["a"]), never),
            (policy(scope, &["a"]), policy(scope, &["a", "*"]), scope),
            (policy(scope, &["a"]), policy(scope, &["*"]), never),
            (policy(git, &[]), policy(None, &[]), None),
        ] {
            let stricter = head.clone().stricter_with(&base);
            assert_eq!(stricter.prune, expected, "{base:?} {head:?}");
            assert!(stricter.prune_scope.iter().flatten().all(|pattern| pattern == "a"), "{stricter:?}");
        }
    }

    /// Of a list of limits, the stricter policy has what one of both has; of the others, only what both have.
    #[test]
    fn lists_of_limits_are_those_of_which_both_hold() {
        for key in ["protect", "keepStopped", "allowReplace", "pruneScope", "secretCommands", "secretCommandVariables"]
        {
            let policy = |list: serde_json::Value| -> Policy {
                serde_json::from_value(serde_json::json!({ key: list })).unwrap()
            };
            let stricter = policy(serde_json::json!(["a"])).stricter_with(&policy(serde_json::json!(["b"])));
            let stricter = serde_json::to_value(stricter).unwrap();
            let holds_both = stricter[key].as_array().is_some_and(|all| all.len() == 2);
            assert_eq!(holds_both, Policy::is_list_of_limits(key), "{key}: {stricter}");
        }
    }
}
