//! Environment variables in place of flags.

use std::collections::BTreeSet;
use std::fs;

use crate::support::cli::WorkDir;
use pipectl::GUARD_VARIABLES;

/// A pipeline sets a variable for each input that nobody filled in.
#[test]
fn empty_env_variables_are_ignored_except_guards() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    let mut seen = 0;
    for command in ["validate", "plan", "apply", "status", "drift", "export", "doctor"] {
        let help = desk.run_pipectl(&[command, "--help"]).stdout;
        let names = help.split("[env: ").skip(1).filter_map(|it| it.split('=').next());
        let names = names.filter(|name| !GUARD_VARIABLES.contains(name));
        let empty: Vec<(&str, &str)> = names.map(|name| (name, "")).collect();
        seen += empty.len();
        let args = if command == "export" { &[command][..] } else { &[command, "pipe.yaml"] };
        let plain = desk.run_pipectl(args);
        let said = desk.run_with_env(args, &empty);
        assert_eq!((said.code, said.all_output()), (plain.code, plain.all_output()), "{command}");
    }
    assert!(seen > 60, "{seen}");
}

/// A step that failed to set a limit must not lift it.
#[test]
fn empty_guard_variables_are_usage_errors() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    for guard in GUARD_VARIABLES {
        let args = match guard {
            "PIPECTL_APPLIED" => &["ci", "base"][..],
            "PIPECTL_ID" => &["resync", "analytics/pipe", "--sandbox", "--yes"],
            "PIPECTL_LAST_APPLIED" => &["drift", "pipe.yaml", "--sandbox"],
            _ => &["apply", "pipe.yaml", "--sandbox", "--yes"],
        };
        let said = desk.run_with_env(args, &[(guard, "")]);
        assert_eq!(said.code, 64, "{guard}: {}", said.all_output());
        assert!(said.stderr.contains(&format!("{guard} is set but empty: give it a value for --")), "{}", said.stderr);
        // `"$A,$B"`, and nobody set both, or one of them.
        let splits = ["PIPECTL_ENV", "PIPECTL_EXCLUDE", "PIPECTL_ONLY"].contains(&guard);
        for blank in [" ", ",", "a,", ", a"].into_iter().filter(|blank| splits || *blank == " ") {
            let said = desk.run_with_env(args, &[(guard, blank)]);
            assert_eq!(said.code, 64, "{guard}={blank}: {}", said.all_output());
        }
        let said = desk.run_with_env(&["schema"], &[(guard, "")]);
        assert_eq!(said.code, 0, "`schema` has no such flag: {}", said.all_output());
    }
    for flag in ["--exclude", "--only", "--env"] {
        for blank in ["", " ", ",", "a,"] {
            let said = desk.run_pipectl(&["plan", "pipe.yaml", "--sandbox", flag, blank]);
            let why = format!("the value of {flag} is empty");
            assert!(said.code == 64 && said.stderr.contains(&why), "{flag} {blank:?}: {}", said.all_output());
        }
    }
    let set = desk.run_with_env(&["plan", "pipe.yaml", "--sandbox", "--only", "*"], &[("PIPECTL_ONLY", "")]);
    assert_eq!(set.code, 0, "the flag counts: {}", set.all_output());
}

#[test]
fn boolean_env_variables_accept_common_spellings() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    let changes = |value| {
        let environment = [("PIPECTL_DETAILED_EXITCODE", value)];
        desk.run_with_env(&["plan", "pipe.yaml", "--sandbox"], &environment).code
    };
    assert_eq!(["1", "true", "yes", "0", "false", "no"].map(changes), [2, 2, 2, 0, 0, 0]);
    assert_eq!(changes("perhaps"), 64);
}

/// Each was the name of a file, so `false` did not mean the API.
#[test]
fn variable_of_the_sandbox_takes_booleans() {
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    let code = |value| desk.run_with_env(&["plan", "pipe.yaml"], &[("PIPECTL_SANDBOX", value)]).code;
    assert_eq!(["1", "TRUE", "yes", "on", "own.json"].map(code), [0; 5]);
    assert_eq!(["0", "false", "no", "off"].map(code), [4; 4], "the API, without a key");
    let files = fs::read_dir(desk.temp_dir.path()).unwrap().map(|file| file.unwrap().file_name());
    let names: BTreeSet<_> = files.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(names, [".pipectl", "own.json", "pipe.yaml"].map(str::to_owned).into());
}

/// The environment and the arguments of a job may hold what strangers wrote.
#[test]
fn usage_errors_escape_the_values_that_they_quote() {
    const EVIL: &str = "x\u{202e}\n::error::pwned\u{1b}[2J\r##[error]";
    let desk = WorkDir::new();
    desk.write_file("pipe.yaml", fs::read_to_string(WorkDir::examples_dir().join("kafka.yaml")).unwrap());
    let flag = |name: &str| format!("{name}={EVIL}");
    let plan: [&str; 3] = ["plan", "pipe.yaml", "--sandbox"];
    let flags =
        ["--shard", "--report-key", "--group-by", "--label", "--timeout", "--report", "--only", "--unknown", "-Z"];
    let mut lines: Vec<Vec<String>> = flags.iter().map(|name| vec![flag(name)]).collect();
    lines.extend(["", "--", "-"].map(|dashes| vec![format!("{dashes}{EVIL}")]));
    lines.push(vec!["--only".to_owned(), format!("@{EVIL}")]);
    let mut runs: Vec<_> = lines.into_iter().map(|arguments| (arguments, None)).collect();
    runs.push((vec!["--help".to_owned()], Some("PIPECTL_ONLY")));
    let variables = ["PIPECTL_TIMEOUT", "PIPECTL_SHARD", "PIPECTL_OUTPUT", "PIPECTL_LOG", "PIPECTL_PRUNE"];
    runs.extend(variables.map(|name| (Vec::new(), Some(name))));
    for (more, variable) in runs {
        let args = [&plan[..], &more.iter().map(String::as_str).collect::<Vec<_>>()].concat();
        let environment: Vec<_> = variable.map(|name| (name, EVIL)).into_iter().collect();
        let said = desk.run_with_env(&args, &[&environment[..], &[("GITHUB_ACTIONS", "true")]].concat());
        let all = said.all_output();
        let is_raw = all.contains(['\u{202e}', '\u{1b}', '\r']) || all.contains("##[");
        let is_command = all.lines().any(|line| line.trim_start().starts_with("::") || line.starts_with("\\::"));
        assert!(!is_raw && !is_command, "{args:?} {environment:?}: {all:?}");
    }
}
