//! The definition of the command line, walked as a whole: what holds for each flag of each command.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, CommandFactory};

use super::Cli;

/// Variables whose flag is described in other words by each command, and is the same wish: what
/// is exported for one command must not surprise another.
const SAME_WISH: [&str; 8] = [
    "PIPECTL_BASE",
    "PIPECTL_DETAILED_EXITCODE",
    "PIPECTL_DIFF",
    "PIPECTL_ENV",
    "PIPECTL_GROUP_BY",
    "PIPECTL_WAIT",
    "PIPECTL_WAKE",
    "PIPECTL_YES",
];

/// Variables with which a run does no less than without them. All others are guards, so that a new one is judged.
const NO_GUARD: &str = "ALLOW_DELETE ALLOW_ENV ALLOW_INCOMPLETE ALLOW_REPLACE API_SCHEMA API_URL BEFORE CHECK CHECK_SECRETS \
                        CI COLOR DETAILED_EXITCODE DIFF DISCOVER_FORCE EFFECTIVE EXPORT_FORCE EXPORT_OUT FAIL_ON_REFUSAL \
                        FOR_PLAN FROM GH GROUP GROUP_BY INIT_FORCE INTERVAL LAYOUT NOW ORGANIZATION OUT OUTPUT PARALLEL \
                        PRUNE QUIET RATE_LIMIT REPORT REPORT_KEY RESEND_SECRETS SANDBOX SANDBOX_DIALECT SANDBOX_LISTEN \
                        SANDBOX_SERVICES SANDBOX_SPEED SANDBOX_STATE SERVICE TIMEOUT TRUST_POLICY UNHEALTHY UNTIL WAIT WAKE \
                        WATCH WRITE YES";

#[test]
fn variable_that_limits_a_run_is_a_guard() {
    let mut open = vec![Cli::command()];
    let mut unjudged = BTreeSet::new();
    while let Some(command) = open.pop() {
        let variables = command.get_arguments().filter_map(Arg::get_env).map(|it| it.to_string_lossy().into_owned());
        let is_judged = |name: &String| {
            let short = name.trim_start_matches("PIPECTL_");
            super::GUARD_VARIABLES.contains(&name.as_str()) || NO_GUARD.split(' ').any(|known| known == short)
        };
        unjudged.extend(variables.filter(|name| !is_judged(name)));
        open.extend(command.get_subcommands().cloned());
    }
    assert!(unjudged.is_empty(), "a guard, or not? {unjudged:?}");
}

/// A job takes some variables from what strangers wrote, and help is printed as it is.
#[test]
fn help_shows_no_value_of_a_variable() {
    let mut open = vec![super::configure_env_vars(Cli::command())];
    while let Some(command) = open.pop() {
        for flag in command.get_arguments().filter(|flag| flag.get_env().is_some()) {
            assert!(flag.is_hide_env_values_set(), "{} {}", command.get_name(), flag.get_id());
        }
        open.extend(command.get_subcommands().cloned());
    }
}

#[test]
fn command_line_definition_is_valid() {
    Cli::command().debug_assert();
}

#[test]
fn env_variable_always_sets_the_same_flag() {
    let mut meanings: BTreeMap<String, BTreeSet<(Option<String>, String)>> = BTreeMap::new();
    for command in Cli::command().get_subcommands() {
        for flag in command.get_arguments() {
            let Some(variable) = flag.get_env() else { continue };
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let meaning = (flag.get_long().map(str::to_owned), help);
            meanings.entry(variable.to_string_lossy().into()).or_default().insert(meaning);
        }
    }
    for (variable, meanings) in &meanings {
        let flags: BTreeSet<_> = meanings.iter().map(|(flag, _)| flag).collect();
        assert_eq!(flags.len(), 1, "{variable}: {meanings:?}");
    }
    let several = meanings.iter().filter(|(_, meanings)| meanings.len() > 1);
    let several: Vec<&str> = several.map(|(variable, _)| variable.as_str()).collect();
    assert!(several.iter().all(|it| SAME_WISH.contains(it)), "{several:?}");
    assert!(several.contains(&"PIPECTL_WAKE"), "{several:?}");
}

/// A command, with the words of a line that selects it and is valid.
struct ValidLine {
    command: Command,
    words: Vec<String>,
}

/// Every command that does something.
fn valid_lines() -> Vec<ValidLine> {
    let mut open = vec![(Cli::command(), vec!["pipectl".to_owned()])];
    let mut lines = Vec::new();
    while let Some((command, words)) = open.pop() {
        for below in command.get_subcommands() {
            open.push((below.clone(), [words.as_slice(), &[below.get_name().to_owned()]].concat()));
        }
        if !command.has_subcommands() {
            let required = command.get_arguments().filter(|it| it.is_required_set());
            let values: Vec<String> = required.map(valid_word).collect();
            lines.push(ValidLine { command, words: [words, values].concat() });
        }
    }
    assert!(lines.len() > 20, "{}", lines.len());
    lines
}

/// How a required argument may be written.
fn valid_word(argument: &Arg) -> String {
    let value =
        argument.get_possible_values().first().map_or("analytics/orders".to_owned(), |it| it.get_name().to_owned());
    argument.get_long().map_or(value.clone(), |name| format!("--{name}={value}"))
}

impl ValidLine {
    /// What clap says to this line with more words; `None` if it is valid.
    fn refusal(&self, more: &[&str]) -> Option<ErrorKind> {
        let words = self.words.iter().map(String::as_str).chain(more.iter().copied());
        let words: Vec<OsString> = words.map(OsString::from).collect();
        Cli::parse_args(&words).err().map(|error| error.kind())
    }

    /// Its flags that take a value or not, with those of every command.
    fn flags(&self, takes_value: bool) -> Vec<Arg> {
        let program = Cli::command();
        let all = self.command.get_arguments().chain(program.get_arguments());
        let is_wanted = |it: &&Arg| match it.get_action() {
            ArgAction::Set | ArgAction::Append => takes_value,
            ArgAction::SetTrue => !takes_value,
            _ => false,
        };
        all.filter(|it| it.get_long().is_some() && !it.is_required_set()).filter(is_wanted).cloned().collect()
    }
}

#[test]
fn valid_lines_are_valid() {
    for line in valid_lines() {
        assert_eq!(line.refusal(&[]), None, "{:?}", line.words);
    }
}

#[test]
fn unknown_flags_formats_and_words_are_usage_errors() {
    for line in valid_lines() {
        assert_eq!(line.refusal(&["--nonsense"]), Some(ErrorKind::UnknownArgument), "{:?}", line.words);
        assert_eq!(line.refusal(&["-o", "xml"]), Some(ErrorKind::InvalidValue), "{:?}", line.words);
        let takes_many = line.command.get_positionals().any(|it| matches!(it.get_action(), ArgAction::Append));
        if !takes_many {
            let refusal = line.refusal(&["a/b", "c/d"]);
            let is_usage = matches!(
                refusal,
                Some(ErrorKind::UnknownArgument | ErrorKind::InvalidValue | ErrorKind::MissingRequiredArgument)
            );
            assert!(is_usage, "{:?}: {refusal:?}", line.words);
        }
    }
}

#[test]
fn missing_and_empty_values_are_usage_errors() {
    let mut checked = 0;
    for line in valid_lines() {
        for flag in line.flags(true) {
            let name = format!("--{}", flag.get_long().unwrap());
            if flag.get_num_args().is_none_or(|it| it.min_values() > 0) {
                assert!(line.refusal(&[&name]).is_some(), "{:?} {name}", line.words);
            }
            if name != "--before" {
                assert!(line.refusal(&[&format!("{name}=")]).is_some(), "{:?} {name}=", line.words);
                checked += 1;
            }
        }
        for flag in line.flags(false) {
            let name = format!("--{}=perhaps", flag.get_long().unwrap());
            assert!(line.refusal(&[&name]).is_some(), "{:?} {name}", line.words);
        }
    }
    assert!(checked > 150, "{checked}");
}

/// Flags whose values are names, patterns or paths: any text can be one.
const TAKE_ANY_TEXT: [&str; 20] = [
    "allow-env",
    "api-schema",
    "api-url",
    "applied",
    "base",
    "before",
    "changed-since",
    "env",
    "exclude",
    "id",
    "last-applied",
    "only",
    "organization",
    "out",
    "plan",
    "policy-base",
    "resend-secrets",
    "sandbox",
    "service",
    "state",
];

#[test]
fn values_that_cannot_be_meant_are_usage_errors() {
    let mut any_text = BTreeSet::new();
    for line in valid_lines() {
        for flag in line.flags(true) {
            let name = flag.get_long().unwrap().to_owned();
            if line.refusal(&[&format!("--{name}=\u{1}no such value!")]).is_none() {
                any_text.insert(name);
            }
        }
    }
    let any_text: Vec<&str> = any_text.iter().map(String::as_str).collect();
    assert_eq!(any_text, TAKE_ANY_TEXT);
}
