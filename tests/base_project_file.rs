//! The project file of the base is read as the working folder reads it, or not at all.

use crate::base_policy::{HEAD, delete_clicks, protected_repo};

/// A file that nobody can read lifts nothing, and neither does the change that corrects it.
#[test]
fn unreadable_project_file_of_the_base_is_an_error() {
    let held = "policy: {protect: [clicks]}\n";
    for (broken, mistake) in [
        (format!("{HEAD}{held}policy: {{}}\n"), "pipectl.yaml:5:1: "),
        (format!("{HEAD}{held}\u{1}\n"), "pipectl.yaml:5:1: "),
        (format!("{HEAD}{held}---\n{HEAD}"), "pipectl.yaml:6:1: a project file is one YAML document"),
        (format!("{}{held}", HEAD.replace("kind: Project", "kind: Projekt")), "pipectl.yaml:2:7: "),
        (format!("{HEAD}policy: {{protect: clicks}}\n"), "pipectl.yaml:4:19: "),
        (format!("{HEAD}policy: {{rules: [{{name: few, level: fatal, deny: 'true', message: no}}]}}\n"), "4:37: "),
        (
            format!("{HEAD}policy: {{rules: [{{name: few, deny: '(change.deletes', message: no}}]}}\n"),
            "pipectl.yaml:4:",
        ),
        (format!("{HEAD}policy: {{rules: [{{name: few, deny: 'deleet', message: no}}]}}\n"), "pipectl.yaml:4:"),
        (format!("{HEAD}{held}#{}\n", "x".repeat(9 << 20)), "pipectl.yaml is not text, or too large"),
        (String::new(), "pipectl.yaml:1:1: a project file is one YAML document"),
    ] {
        let repo = protected_repo("{protect: [clicks]}");
        repo.write_file("pipectl.yaml", &broken);
        repo.commit_all("Break it");
        delete_clicks(&repo);
        repo.write_file("pipectl.yaml", HEAD);
        repo.commit_all("Correct it, and delete");
        for command in [&["plan"][..], &["apply", "--yes"]] {
            for bases in [&["--base", "HEAD~1"][..], &["--base", "HEAD~2", "--policy-base", "HEAD~1"]] {
                let said = repo.run_pipectl(&[command, bases].concat());
                let place = format!("{}:", repo.run_git(&["rev-parse", "--short", "HEAD~1"]));
                let is_plain = said.stderr.contains(&place) && said.stderr.contains(mistake);
                assert!(said.code != 0 && is_plain, "{mistake}: {}", said.all_output());
                assert!(said.stderr.contains("the policy before this change is not known"), "{}", said.stderr);
            }
        }
        assert_eq!(repo.live_pipe_names(), ["clicks", "views"], "{mistake}");
        // Who runs it may say which policy holds.
        assert_eq!(repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~2"]).code, 5, "{mistake}");
        repo.run_successfully(&["apply", "--yes", "--base", "HEAD~2", "--policy-base", "HEAD"]);
        assert_eq!(repo.live_pipe_names(), ["views"], "{mistake}");
    }
}

/// An earlier or later version of the program may know other fields, and they hold nothing here.
#[test]
fn unknown_field_in_the_base_hides_no_policy() {
    for unknown in ["colour: blue\n", "environments: {prod: {polcy: {}}}\n", "defaults: {env: prod}\n"] {
        let repo = protected_repo("{protect: [clicks]}");
        repo.write_file("pipectl.yaml", &format!("{HEAD}{unknown}policy: {{protect: [clicks], allow: [all]}}\n"));
        repo.commit_all("Write a field that nobody knows");
        delete_clicks(&repo);
        repo.write_file("pipectl.yaml", HEAD);
        repo.commit_all("Correct it, and delete");
        let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
        assert_eq!(said.code, 5, "{unknown}: {}", said.all_output());
        assert!(said.stdout.contains("it is protected"), "{unknown}: {}", said.all_output());
    }
}

/// The working folder follows links, so the base does: of the file, and of a folder on the way.
#[cfg(unix)]
#[test]
fn linked_project_file_of_the_base_holds() {
    use std::os::unix::fs::symlink;
    let held = format!("{HEAD}policy: {{protect: [clicks]}}\n");
    for (link, target) in
        [("pipectl.yaml", "common/project.yaml"), ("pipectl.yaml", "nowhere"), ("pipectl.yaml", "/etc/x")]
    {
        let repo = protected_repo("{protect: [clicks]}");
        let at = |path: &str| repo.work_dir.temp_dir.path().join(path);
        repo.remove_file("pipectl.yaml");
        repo.write_file("common/project.yaml", &held);
        symlink(target, at(link)).unwrap();
        repo.commit_all("Link it");
        repo.remove_file(link);
        repo.write_file("pipectl.yaml", HEAD);
        delete_clicks(&repo);
        repo.commit_all("Write a file, and delete");
        let said = repo.run_pipectl(&["apply", "--yes", "--base", "HEAD~1"]);
        let (code, reason) = if target == "common/project.yaml" { (5, "it is protected") } else { (1, "is not text") };
        assert_eq!(said.code, code, "{target}: {}", said.all_output());
        assert!(said.all_output().contains(reason), "{target}: {}", said.all_output());
    }
}
