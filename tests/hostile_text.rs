//! Names, values and messages are strangers' text: no output lets them drive a terminal or a runner, or show another
//! text than the one that is sent.

use serde_json::json;

use crate::support::cli::RunOutput;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

/// What a log, a terminal or a reader would take for something else.
const HOSTILE: [&str; 2] = ["x\u{1b}[2J\n::error::\u{202e}##[add-mask]x", "##[add-mask]x"];

const GITHUB: [(&str, &str); 1] = [("GITHUB_ACTIONS", "true")];

pub(crate) fn assert_harmless(what: &str, text: &str) {
    assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{what}: {text:?}");
    assert!(!text.contains("##["), "{what}: {text}");
    let command = text.lines().find(|line| line.trim_start().starts_with("::"));
    assert_eq!(command, None, "{what}: {text}");
}

fn run_all(repo: &TestRepo, what: &str) {
    for args in [
        &["validate"][..],
        &["plan"],
        &["plan", "--diff"],
        &["plan", "--base", "HEAD"],
        &["drift"],
        &["status"],
        &["doctor"],
        &["export"],
        &["secrets", "list"],
        &["apply", "--yes"],
        &["apply", "--yes", "-o", "ndjson"],
    ] {
        for format in [&[][..], &["-o", "json"], &["-o", "markdown"]] {
            let has_format = format != ["-o", "markdown"] || matches!(args[0], "plan" | "drift");
            if args.contains(&"-o") && !format.is_empty() || !has_format {
                continue;
            }
            let said: RunOutput = match args[0] {
                "validate" | "secrets" => repo.work_dir.run_with_env(&[args, format].concat(), &GITHUB),
                _ => repo.run_with_env(&[args, format].concat(), &GITHUB),
            };
            assert_harmless(&format!("{what}: {args:?} {format:?}"), &said.all_output());
            if format == ["-o", "json"] {
                let _ = said.stdout_json();
            }
        }
    }
}

#[test]
fn hostile_manifests_and_names_are_harmless_in_every_output() {
    for hostile in HOSTILE {
        let quoted = json!(hostile).to_string();
        for (place, manifest) in [
            ("name", kinesis_manifest(&quoted, "", "")),
            ("label", kinesis_manifest("clicks", &format!("  labels: {{{quoted}: {quoted}}}"), "")),
            ("secret", kinesis_manifest("clicks", "", "").replace("{fromEnv: P}", &format!("{{fromEnv: {quoted}}}"))),
            ("file", kinesis_manifest("clicks", "", "").replace("{fromEnv: P}", &format!("{{fromFile: {quoted}}}"))),
            ("key", format!("{}  {quoted}: {quoted}\n", kinesis_manifest("clicks", "", ""))),
            ("version", format!("apiVersion: pipectl/v1\nkind: {quoted}\n")),
        ] {
            let repo = TestRepo::new();
            let project = format!("environments: {{{quoted}: {{variables: {{v: {quoted}}}}}}}");
            repo.write_file(
                "pipectl.yaml",
                &format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n{project}\n"),
            );
            repo.write_file(&format!("pipes/{}.yaml", hostile.replace('/', "")), &manifest);
            repo.commit_all("Begin");
            run_all(&repo, &format!("{place} {hostile:?}"));
            for report in ["github", "codequality", "sarif", "junit"] {
                repo.work_dir.run_with_env(&["validate", "--report", &format!("{report}=report")], &GITHUB);
                let text = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("report")).unwrap();
                assert!(!text.contains(['\u{1b}', '\u{202e}']), "{place} {report}: {text:?}");
            }
        }
    }
}

#[test]
fn hostile_live_names_and_messages_are_harmless_in_every_output() {
    for hostile in HOSTILE {
        let repo = TestRepo::new();
        repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
        for name in ["clicks", "views"] {
            repo.write_file(&format!("pipes/{name}.yaml"), &kinesis_manifest(name, "", ""));
        }
        repo.commit_all("Begin");
        repo.run_successfully(&["apply", "--yes"]);
        repo.edit_live_pipe("views", "/source/kinesis/streamName", json!(hostile));
        repo.edit_live_pipe("views", "/name", json!(hostile));
        repo.edit_live_pipe("clicks", "/source/kinesis/streamName", json!(hostile));
        run_all(&repo, &format!("live {hostile:?}"));
        for format in ["markdown", "html", "sarif", "junit", "codequality", "json"] {
            repo.run_with_env(&["plan", "--report", &format!("{format}=report")], &GITHUB);
            let report = std::fs::read_to_string(repo.work_dir.temp_dir.path().join("report")).unwrap();
            assert!(!report.contains(['\u{1b}', '\u{202e}']), "{format}: {report:?}");
        }
    }
}

#[test]
fn file_name_forges_no_line_of_output() {
    let repo = TestRepo::new();
    repo.write_file("pipes/a\n0 errors, all valid\u{1b}[2J.yaml", "words\n");
    let said = repo.work_dir.run_pipectl(&["validate", "pipes"]).all_output();
    assert!(said.contains("a\\n0 errors"), "{said}");
    assert!(!said.lines().any(|line| line.starts_with("0 errors")), "{said}");
}

#[test]
fn plan_tells_a_name_that_looks_like_a_live_one() {
    let repo = TestRepo::new();
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("orders", "", ""));
    repo.write_file("pipes/views.yaml", &kinesis_manifest("views", "", ""));
    repo.run_successfully(&["apply", "pipes", "--yes"]);
    repo.edit_live_pipe("views", "/name", json!("cafe\u{301}"));
    for (name, other) in [
        ("\u{43e}rders", "`orders`, which is another object"),
        ("orders\u{200b}", "`orders`, which is another object"),
        ("caf\u{e9}", r"`cafe\u{301}`, which is live, and in no manifest"),
    ] {
        repo.write_file(
            "pipes/views.yaml",
            &kinesis_manifest(&json!(name).to_string(), "", "").replace("table: \"", "table: \"t_"),
        );
        let said = repo.run_with_env(&["plan", "pipes"], &GITHUB);
        assert!(said.stdout.contains(&format!("looks like {other}")), "{name}: {}", said.all_output());
    }
    repo.write_file("pipes/views.yaml", &kinesis_manifest("order", "", ""));
    let said = repo.run_with_env(&["plan", "pipes"], &GITHUB);
    assert!(!said.all_output().contains("looks like"), "{}", said.all_output());
}

#[test]
fn name_that_looks_like_another_is_told() {
    let repo = TestRepo::new();
    repo.write_file("pipes/orders.yaml", &kinesis_manifest("\u{43e}rders", "", ""));
    repo.commit_all("Begin");
    for args in [&["validate", "pipes"][..], &["plan", "pipes", "--sandbox"]] {
        let said = repo.work_dir.run_with_env(args, &GITHUB);
        assert_eq!(said.code, 0, "{}", said.all_output());
        assert!(said.stderr.contains("warning[look-alike-name]"), "{}", said.all_output());
        assert!(said.stderr.contains(r"`\u{43e}rders` mixes letters of several scripts"), "{}", said.all_output());
    }
}

/// What another program reads must be what the manifest says, whatever is escaped on the way.
#[test]
fn rendered_texts_that_cannot_be_printed_keep_their_value() {
    let repo = TestRepo::new();
    for hostile in ["g\u{200b}h\u{202e}i", "##[group]", "a\u{a0}\u{e0041}b"] {
        let quoted = json!(hostile).to_string();
        repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", &format!("  labels: {{team: {quoted}}}"), ""));
        let rendered = repo.work_dir.run_with_env(&["render", "pipes"], &GITHUB);
        assert_harmless("render", &rendered.all_output());
        repo.write_file("plain/clicks.yaml", &rendered.stdout);
        let again = repo.work_dir.run_with_env(&["render", "plain", "-o", "json"], &GITHUB).stdout_json();
        assert_eq!(
            again["result"]["manifests"][0]["manifest"]["metadata"]["labels"]["team"], hostile,
            "{}",
            rendered.stdout
        );
    }
}

#[test]
fn fmt_writes_no_text_that_the_terminal_would_get_otherwise() {
    let repo = TestRepo::new();
    let formatted = |team: &str| {
        let manifest = kinesis_manifest("clicks", &format!("  labels: {{team: {team}}}"), "");
        repo.work_dir.run_with_stdin(&["fmt", "-"], &GITHUB, &manifest)
    };
    assert_eq!(formatted("red").code, 0);
    for hostile in ["g\u{200b}h", "\"##[group]\""] {
        let said = formatted(hostile);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{}", said.stderr);
        assert!(said.stderr.contains("format the file by its name"), "{}", said.stderr);
    }
}

/// Escapes are wider than what they stand for, and some characters take two columns of a terminal.
#[test]
fn carets_stand_below_what_is_printed() {
    let repo = TestRepo::new();
    for (text, printed, columns) in [
        ("\u{a0}", r"\u{a0}", 6),
        ("\u{200b}", r"\u{200b}", 8),
        ("\u{202e}", r"\u{202e}", 8),
        ("\u{ad}", r"\u{ad}", 6),
        ("\u{85}", r"\u{85}", 6),
        ("\u{2028}", r"\u{2028}", 8),
        ("\u{e0041}", r"\u{e0041}", 9),
        ("日本", "日本", 4),
        ("é", "é", 1),
        ("\t", "    ", 4),
    ] {
        let manifest =
            format!("apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: \"{text}\", nmae: 1}}\nspec: {{}}\n");
        repo.write_file("pipes/a.yaml", &manifest);
        let said = repo.work_dir.run_pipectl(&["validate", "pipes"]).stderr;
        assert!(said.contains(&format!("3 | metadata: {{name: \"{printed}\", nmae: 1}}")), "{said}");
        let before = "metadata: {name: \"\", ".len() + columns;
        assert!(said.contains(&format!("  | {}^^^^", " ".repeat(before))), "{said}");
    }
}
