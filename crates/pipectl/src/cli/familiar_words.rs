//! Commands and flags of other tools, and the equivalent here.

use std::collections::BTreeSet;
use std::ffi::OsString;

use clap::Error;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use model::sanitize::sanitize_line;

/// Commands of Terraform, kubectl, decK and the like.
const COMMANDS: [(&[&str], &str); 24] = [
    (&["diff", "preview"], "`pipectl plan` shows the changes, `pipectl plan --diff` as YAML"),
    (&["deploy", "sync", "up"], "use `pipectl apply`"),
    (
        &["delete", "destroy", "down", "remove", "rm"],
        "set `spec.state: absent` in the manifest, then run `pipectl apply`; removed files: `pipectl apply --prune=git`",
    ),
    (&["pause", "stop", "suspend"], "set `spec.state: stopped` in the manifest, then run `pipectl apply`"),
    (&["resume", "run", "start", "unpause"], "set `spec.state: running` in the manifest, then run `pipectl apply`"),
    (
        &["restart", "reload"],
        "`pipectl resync SERVICE/PIPE` reloads the tables of a database pipe; for other pipes, apply `state: stopped`, then \
         `state: running`",
    ),
    (
        &["adopt", "dump", "import", "pull"],
        "`pipectl export --out DIR` writes manifests of live pipes; there is no state to import into",
    ),
    (&["describe", "get", "list", "ls", "ps", "rollout", "show"], "`pipectl status` shows live pipes"),
    (&["check", "lint", "test"], "use `pipectl validate`"),
    (&["format"], "use `pipectl fmt`"),
    (&["refresh", "state"], "there is no state file; `pipectl drift` shows what was changed outside git"),
    (&["rollback", "undo"], "revert the commit in git, then run `pipectl apply`"),
    (&["auth", "login"], "set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET; `pipectl doctor` checks them"),
    (&["new", "setup"], "use `pipectl init`"),
    (&["version"], "the flag `--version` prints it"),
    (&["create", "edit", "update"], "write it in a manifest, then run `pipectl apply`"),
    (&["scale"], "set `spec.scaling` in the manifest, then run `pipectl apply`"),
    (&["graph"], "`pipectl plan --report html=FILE` draws what flows where"),
    (&["config"], "`pipectl doctor` checks the configuration, `pipectl explain Project` describes it"),
    (
        &["taint", "replace"],
        "there is no state to mark; `pipectl resync SERVICE/PIPE` reloads the tables of a database pipe; to replace a pipe, \
         apply `state: absent`, then `state: running`",
    ),
    (&["convert"], "`pipectl export --from terraform` converts a Terraform state"),
    (&["logs", "top"], "`pipectl status` shows live pipes; the ClickHouse Cloud console has their logs"),
    (&["workspace", "env"], "pass `--env NAME` for an environment of pipectl.yaml: `pipectl plan --env NAME`"),
    (&["completion"], "use `pipectl completions SHELL`"),
];

/// Flags of the same tools.
const FLAGS: [(&[&str], &str); 15] = [
    (&["-y", "--auto-approve", "--no-confirm", "--approve"], "use `pipectl apply --yes`"),
    (
        &["-f", "--file", "--filename", "-k", "--dir", "--path"],
        "paths need no flag: `pipectl plan PATH`, `pipectl apply PATH`",
    ),
    (&["--dry-run"], "`pipectl plan` shows what `pipectl apply` would do, and changes nothing"),
    (&["-n", "--namespace"], "use `--service NAME`"),
    (&["--target", "-t"], "use `--only SERVICE/PIPE`"),
    (&["--json"], "use `-o json`"),
    (&["--force"], "`pipectl apply` names the flag that allows a blocked change, such as `--allow-delete`"),
    (&["--destroy"], "set `spec.state: absent` in the manifests, then run `pipectl apply`"),
    (&["--var", "--var-file"], "declare `variables` in an environment of pipectl.yaml: `pipectl plan --env NAME`"),
    (
        &["--refresh", "--refresh-only"],
        "there is no state file: each plan reads the API; `pipectl drift` shows what was changed outside git",
    ),
    (
        &["--backend", "--backend-config", "--lock", "--lock-timeout", "--migrate-state", "--state"],
        "there is no state file",
    ),
    (&["--replace"], "there is no state to mark; `pipectl resync SERVICE/PIPE` reloads the tables of a database pipe"),
    (&["--input"], "use `pipectl apply --yes` where nobody can answer"),
    (&["--parallelism"], "use `pipectl apply --parallel N`"),
    (&["--api-key", "--key", "--token"], "set CLICKHOUSE_CLOUD_API_KEY and CLICKHOUSE_CLOUD_API_SECRET"),
];

/// Replaces clap's guess, which goes by the spelling (`diff-env` for `diff`), where the word is known.
pub(super) fn suggest_own_words(program: &clap::Command, mut error: Error) -> Error {
    let command = context_text(&error, ContextKind::InvalidSubcommand).and_then(|word| find_tip(&COMMANDS, word));
    let tip = command.map(str::to_owned).or_else(|| {
        let flag = context_text(&error, ContextKind::InvalidArg)?;
        find_tip(&FLAGS, flag).map(str::to_owned).or_else(|| name_commands_of_flag(program, flag))
    });
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(tip)]));
    }
    error
}

/// Refuses a long name with one dash, as in Terraform. Otherwise `-lock=false` is the label `ock=false`, which selects
/// nothing.
pub(super) fn reject_single_dash(program: &mut clap::Command, args: &[OsString]) -> Result<(), Error> {
    let known = long_flags(program);
    let words = args.iter().skip(1).filter_map(|arg| arg.to_str()).take_while(|word| *word != "--");
    for word in words.filter(|word| !word.starts_with("--")) {
        let name = word.split('=').next().unwrap_or_default();
        let long = format!("-{name}");
        let tip = match find_tip(&FLAGS, &long) {
            _ if name.len() < 3 => continue,
            None if known.contains(&long[2..]) => format!("write `{long}`: a flag of several letters has two dashes"),
            None => continue,
            Some(tip) => tip.to_owned(),
        };
        let message = format!("unexpected argument '{}' found\n\n  tip: {tip}", sanitize_line(name));
        return Err(program.error(ErrorKind::UnknownArgument, message));
    }
    Ok(())
}

/// "`--yes` is a flag of `pipectl apply`".
fn name_commands_of_flag(program: &clap::Command, flag: &str) -> Option<String> {
    let name = flag.strip_prefix("--")?;
    let owners: Vec<_> = commands_with_flag(program, program.get_name(), name);
    let quoted: Vec<_> = owners.iter().map(|command| format!("`{command}`")).collect();
    (!quoted.is_empty()).then(|| format!("`{flag}` is a flag of {}", quoted.join(", ")))
}

fn commands_with_flag(command: &clap::Command, path: &str, flag: &str) -> Vec<String> {
    let own = command.get_arguments().any(|it| it.get_long() == Some(flag)).then(|| path.to_owned());
    let below =
        command.get_subcommands().flat_map(|it| commands_with_flag(it, &format!("{path} {}", it.get_name()), flag));
    own.into_iter().chain(below).collect()
}

fn long_flags(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|flag| flag.get_long()).map(str::to_owned);
    own.chain(command.get_subcommands().flat_map(long_flags)).collect()
}

fn context_text(error: &Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word),
        _ => None,
    }
}

fn find_tip(table: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, tip)| *tip)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory;

    use super::{COMMANDS, FLAGS};
    use crate::cli::Cli;

    fn usage_error(args: &[&str]) -> String {
        let args: Vec<OsString> = ["pipectl"].iter().chain(args).map(OsString::from).collect();
        Cli::parse_args(&args).unwrap_err().to_string()
    }

    #[test]
    fn known_words_lead_to_ours() {
        for (words, tip) in COMMANDS {
            for word in words {
                let said = usage_error(&[word]);
                assert_eq!(said.matches("tip: ").count(), 1, "{said}");
                assert!(said.contains(tip), "{said}");
            }
        }
        for (words, tip) in FLAGS {
            for word in words {
                let said = usage_error(&["apply", word]);
                assert!(said.contains(tip), "{word}: {said}");
            }
        }
        assert!(usage_error(&["paln"]).contains("'plan'"), "a misspelt word is still guessed");
    }

    #[test]
    fn flag_of_another_command_names_that_command() {
        for (args, tip) in [
            (&["plan", "--yes"][..], "`--yes` is a flag of `pipectl apply`"),
            (&["plan", "--allow-delete", "a/b"], "`--allow-delete` is a flag of `pipectl apply`"),
            (&["apply", "--out", "x"], "`--out` is a flag of `pipectl plan`, "),
            (&["plan", "--applied=x"], "`--applied` is a flag of `pipectl ci base`"),
        ] {
            let message = usage_error(args);
            assert!(message.contains(tip) && message.matches("tip: ").count() == 1, "{args:?}: {message}");
        }
    }

    #[test]
    fn single_dash_before_a_long_name_is_explained() {
        for (args, tip) in [
            (&["plan", "-out=x"][..], "write `--out`"),
            (&["plan", "-detailed-exitcode"], "write `--detailed-exitcode`"),
            (&["plan", "-lock=false"], "there is no state file"),
            (&["plan", "-var", "a=b"], "declare `variables`"),
            (&["plan", "--var-file=x"], "declare `variables`"),
            (&["plan", "-target=a/b"], "use `--only SERVICE/PIPE`"),
            (&["plan", "--refresh=false"], "each plan reads the API"),
            (&["apply", "-auto-approve"], "use `pipectl apply --yes`"),
        ] {
            let said = usage_error(args);
            assert!(said.contains(tip), "{args:?}: {said}");
        }
        for args in [&["plan", "-ojson"][..], &["plan", "-eprod"], &["plan", "-lteam=out"], &["plan", "-vvq"]] {
            let args: Vec<OsString> = ["pipectl"].iter().chain(args).map(OsString::from).collect();
            assert!(Cli::parse_args(&args).is_ok(), "{args:?}");
        }
    }

    /// Every command and flag that a tip names exists.
    #[test]
    fn tips_name_commands_and_flags_that_exist() {
        let program = Cli::command();
        let mut checked = 0;
        for tip in COMMANDS.iter().chain(&FLAGS).map(|(_, tip)| tip) {
            for quoted in tip.split('`').skip(1).step_by(2) {
                let mut words = quoted.split([' ', '=']);
                let first = words.next().unwrap_or_default();
                let command = words.next().and_then(|name| program.find_subcommand(name));
                if first == "pipectl" {
                    let command = command.unwrap_or_else(|| panic!("no such command: {quoted}"));
                    for flag in words.filter_map(|word| word.strip_prefix("--")) {
                        assert!(command.get_arguments().any(|it| it.get_long() == Some(flag)), "{quoted}");
                    }
                    checked += 1;
                }
            }
        }
        assert!(checked > 12, "{checked}");
    }
}
