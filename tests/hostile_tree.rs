//! The tree that is judged is a stranger's: no command runs, reads or prints what it plants.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::support::cli::WorkDir;
use crate::support::test_repo::{TestRepo, kinesis_manifest};

/// A program that leaves a mark, and what must not have it.
fn planted_program(repo: &TestRepo) -> (String, impl Fn(&str)) {
    let mark = repo.work_dir.temp_dir.path().join("RAN");
    let program = format!("touch {}", mark.display());
    let assert_not_run = move |what: &str| assert!(!mark.exists(), "{what}: the tree's program ran");
    (program, assert_not_run)
}

/// Plain committed files that git takes for a bare repository.
fn plant_bare_repository(folder: &Path, config: &str) {
    for file in ["objects/.keep", "refs/.keep"] {
        std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
        std::fs::write(folder.join(file), "").unwrap();
    }
    std::fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    std::fs::write(folder.join("config"), config).unwrap();
}

#[test]
fn git_is_not_configured_by_the_tree() {
    let repo = TestRepo::new();
    let folder = repo.work_dir.temp_dir.path().to_owned();
    let (program, assert_not_run) = planted_program(&repo);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.write_file("other/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    let remote = format!(
        "[remote \"origin\"]\n\turl = {}/.git\n\tpromisor = true\n\tpartialclonefilter = blob:none\n\t\
         uploadpack = \"{program}; git-upload-pack\"\n",
        folder.display()
    );
    let core = "[core]\n\trepositoryformatversion = 1\n\tbare = false\n\tworktree = .\n";
    let extensions = "[extensions]\n\tpartialclone = origin\n";
    plant_bare_repository(
        &folder.join("pipes"),
        &format!("{core}\tfsmonitor = \"{program}\"\n\thooksPath = .\n{extensions}{remote}"),
    );
    repo.commit_all("Begin to read");
    let head = repo.run_git(&["rev-parse", "HEAD"]);
    std::fs::create_dir_all(folder.join("pipes/refs/heads")).unwrap();
    std::fs::write(folder.join("pipes/refs/heads/main"), format!("{head}\n")).unwrap();
    repo.commit_all("Plant a commit");
    for args in [
        &["plan", "pipes", "--base", "HEAD~1"][..],
        &["plan", "pipes", "--changed-since", "HEAD~1"],
        &["plan", "pipes", "--prune=git"],
        &["drift", "pipes"],
        &["doctor", "pipes"],
        &["apply", "pipes", "--yes", "--base", "HEAD~1"],
        &["plan", "pipes/clicks.yaml", "--base", "HEAD~1"],
    ] {
        let said = repo.run_pipectl(args);
        assert_not_run(&format!("{args:?}"));
        assert_eq!(said.code, 0, "{args:?}: {}", said.all_output());
    }
}

/// A relative folder on `PATH` would be one of the tree's.
#[test]
fn git_is_not_taken_from_the_tree() {
    let repo = TestRepo::new();
    let (program, assert_not_run) = planted_program(&repo);
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.write_file("bin/git", &format!("#!/bin/sh\n{program}\n"));
    repo.commit_all("Begin to read");
    let path = crate::support::test_repo::path_variable();
    let path = format!("./bin:bin:.:{path}");
    make_executable(&repo.work_dir.temp_dir.path().join("bin/git"));
    let said = repo.run_with_env(&["plan", "pipes", "--base", "HEAD"], &[("PATH", &path)]);
    assert_not_run("plan");
    assert_eq!(said.code, 0, "{}", said.all_output());
}

fn make_executable(path: &Path) {
    std::fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
}

/// A secret of the machine in a file beside the repository.
const CANARY: &str = "canary-of-the-machine";

/// A repository in a folder, and a file outside it.
fn repo_beside_a_secret() -> (WorkDir, PathBuf) {
    let dir = WorkDir::new();
    dir.write_file("outside/secret.yaml", format!("apiVersion: pipectl/v1\n{CANARY}: [\n"));
    dir.write_file("repo/pipes/clicks.yaml", kinesis_manifest("clicks", "", ""));
    dir.write_file("repo/pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\n");
    let repo = dir.temp_dir.path().join("repo");
    (dir, repo)
}

/// Every command that reads manifests, and none of them prints the secret.
fn assert_not_read(dir: &WorkDir, words: &str) {
    for args in [&["validate"][..], &["plan", "--sandbox"], &["drift", "--sandbox"], &["apply", "--sandbox", "--yes"]] {
        let said = dir.run_in_subfolder("repo", args, &[]);
        assert_eq!(said.code, 1, "{args:?}: {}", said.all_output());
        assert!(said.all_output().contains(words), "{args:?}: {}", said.all_output());
        assert!(!said.all_output().contains(CANARY), "{args:?}: {}", said.all_output());
    }
}

#[test]
fn links_out_of_the_project_are_not_read() {
    let (dir, repo) = repo_beside_a_secret();
    let link = repo.join("pipes/secret.yaml");
    symlink("../../outside/secret.yaml", &link).unwrap();
    assert_not_read(&dir, "pipes/secret.yaml is a link to a path outside the project's folder");
    std::fs::remove_file(&link).unwrap();
    // A link to a folder is not followed, and that is said.
    symlink("../../outside", repo.join("pipes/more")).unwrap();
    let said = dir.run_in_subfolder("repo", &["validate"], &[]);
    assert_eq!(said.code, 0, "{}", said.all_output());
    assert!(said.stderr.contains("warning[link-not-followed]: this is a link to a folder"), "{}", said.stderr);
    assert!(said.stderr.contains("pipes/more:1:1"), "{}", said.stderr);
}

#[test]
fn project_file_names_no_file_outside_its_folder() {
    let (dir, repo) = repo_beside_a_secret();
    let outside = dir.temp_dir.path().join("outside");
    symlink("../outside", repo.join("linked")).unwrap();
    for (path, words) in [
        (outside.display().to_string(), "path-outside-project"),
        ("../outside".to_owned(), "path-outside-project"),
        ("pipes/../../outside/secret.yaml".to_owned(), "path-outside-project"),
        ("/proc/self/environ".to_owned(), "path-outside-project"),
        ("linked".to_owned(), "linked is outside the project's folder"),
    ] {
        let project = format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [{path:?}]\n");
        dir.write_file("repo/pipectl.yaml", project);
        assert_not_read(&dir, words);
    }
}

#[test]
fn project_file_and_named_folder_are_no_links_out_of_the_project() {
    let (dir, repo) = repo_beside_a_secret();
    std::fs::rename(repo.join("pipes"), repo.join("own")).unwrap();
    symlink("../outside", repo.join("pipes")).unwrap();
    std::fs::create_dir(repo.join(".git")).unwrap();
    for has_project in [true, false] {
        for path in ["pipes", "./pipes", "own/../pipes", "pipes/secret.yaml"] {
            let said = dir.run_in_subfolder("repo", &["validate", path], &[]);
            assert_eq!(said.code, 1, "{path}: {}", said.all_output());
            assert!(said.all_output().contains("outside the project's folder"), "{path}: {}", said.all_output());
            assert!(!said.all_output().contains(CANARY), "{path}: {}", said.all_output());
        }
        if has_project {
            std::fs::remove_file(repo.join("pipectl.yaml")).unwrap();
        }
    }
    for target in ["../outside/secret.yaml", "/etc/hostname"] {
        symlink(target, repo.join("pipectl.yaml")).unwrap();
        assert_not_read(&dir, "pipectl.yaml is a link to a path outside the project's folder");
        std::fs::remove_file(repo.join("pipectl.yaml")).unwrap();
    }
}

#[test]
fn files_that_are_not_manifests_are_not_quoted() {
    let (dir, _) = repo_beside_a_secret();
    dir.write_file("repo/pipes/other.yaml", format!("token: {CANARY}\n  bad: [\n"));
    assert_not_read(&dir, "pipes/other.yaml:");
}

#[test]
fn project_file_of_somebody_else_is_not_read() {
    let (dir, repo) = repo_beside_a_secret();
    std::fs::set_permissions(repo.join("pipectl.yaml"), Permissions::from_mode(0o646)).unwrap();
    assert_not_read(&dir, "everybody may write to pipectl.yaml, so it is not read: run `chmod o-w pipectl.yaml`");
    std::fs::rename(repo.join("pipectl.yaml"), dir.temp_dir.path().join("pipectl.yaml")).unwrap();
    std::fs::set_permissions(dir.temp_dir.path().join("pipectl.yaml"), Permissions::from_mode(0o644)).unwrap();
    std::fs::create_dir(repo.join(".git")).unwrap();
    assert_not_read(&dir, "../pipectl.yaml is above the root of this repository");
}

/// Everything that a stranger can plant at once; every command that only reads runs in it.
#[test]
fn reading_commands_run_no_program_and_print_no_variable() {
    let repo = TestRepo::new();
    let (program, assert_not_run) = planted_program(&repo);
    let folder = repo.work_dir.temp_dir.path().to_owned();
    let secret = format!("{{fromCommand: [sh, -c, '{program}']}}");
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "").replace("{fromEnv: P}", &secret));
    let project = "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {environment: prod}\n\
                   policy: {secretCommands: [sh]}\nenvironments: {prod: {variables: {a: '${env:CANARY}'}}}\n";
    repo.write_file("pipectl.yaml", project);
    plant_bare_repository(
        &folder.join("pipes"),
        &format!("[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = \"{program}\"\n"),
    );
    for name in ["git", "sh", "cargo"] {
        repo.write_file(&format!("bin/{name}"), &format!("#!/bin/sh\n{program}\n"));
        make_executable(&folder.join("bin").join(name));
    }
    symlink("/proc/self/environ", folder.join("pipes/environ.yaml")).unwrap();
    repo.commit_all("Plant");
    let path = format!("./bin:bin:{}", crate::support::test_repo::path_variable());
    let environment = [("PATH", &*path), ("CANARY", "canary-1"), ("CLICKHOUSE_CLOUD_API_SECRET", "canary-2")];
    for project in [project, &project.replace("${env:CANARY}", "b")] {
        repo.write_file("pipectl.yaml", project);
        for args in [
            &["plan", "pipes"][..],
            &["plan", "--base", "HEAD", "--check-secrets"],
            &["drift"],
            &["doctor"],
            &["status"],
            &["export"],
        ] {
            let said = repo.run_with_env(args, &environment);
            assert_not_run(&format!("{args:?}"));
            assert!(!said.all_output().contains("canary"), "{args:?}: {}", said.all_output());
        }
        let said = repo.work_dir.run_with_env(&["validate", "--check-secrets"], &environment);
        assert_not_run("validate");
        assert!(!said.all_output().contains("canary"), "{}", said.all_output());
    }
}

#[test]
fn files_of_git_and_of_processes_are_no_secrets() {
    let repo = TestRepo::new();
    symlink("/proc/self/environ", repo.work_dir.temp_dir.path().join("link")).unwrap();
    for (file, why) in [
        (".git/config", "it belongs to git"),
        ("pipes/../.git/config", "it belongs to git"),
        ("/proc/self/status", "it belongs to a process"),
        ("link", "it is outside the project's folder"),
    ] {
        let secret = format!("{{fromFile: {file}}}");
        repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "").replace("{fromEnv: P}", &secret));
        let said = repo.run_pipectl(&["apply", "pipes", "--yes"]);
        assert!(said.code == 1 && said.stdout.contains(why), "{file}: {}", said.all_output());
        assert_eq!(repo.live_pipe_names(), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn nothing_is_written_through_links_of_the_tree() {
    let repo = TestRepo::new();
    let outside = tempfile::TempDir::new().unwrap();
    let (victim, folder) = (outside.path().join("pipectl"), repo.work_dir.temp_dir.path());
    std::fs::write(&victim, "theirs").unwrap();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    let links = [("plan.json", &*victim), ("quality.json", &victim), ("mark", &victim), ("reports", outside.path())];
    for (name, target) in links {
        symlink(target, folder.join(name)).unwrap();
    }
    // The name that a writer would take for a file beside it.
    symlink(&victim, folder.join(".page.html.new")).unwrap();
    repo.commit_all("Plant links");
    let absolute = format!("html={}", folder.join("reports/page.html").display());
    for args in [
        &["plan", "pipes", "--out", "plan.json"][..],
        &["plan", "pipes", "--out", "./reports/pipectl"],
        &["validate", "pipes", "--report", "codequality=quality.json"],
        &["plan", "pipes", "--report", &absolute],
        &["apply", "pipes", "--yes", "--report", "junit=reports/../reports/pipectl"],
        &["export", "--service", "analytics", "--out", "reports/new"],
        &["plan", "pipes", "--report", "html=page.html"],
    ] {
        let is_offline = args[0] == "validate";
        let said = if is_offline { repo.work_dir.run_pipectl(args) } else { repo.run_pipectl(args) };
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "theirs", "{args:?}");
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1, "{args:?}: {}", said.all_output());
        let is_written = args.last() == Some(&"html=page.html");
        assert_eq!(said.all_output().contains("a link of the working tree is not followed"), !is_written, "{args:?}");
    }
    let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o077;
    repo.run_successfully(&["plan", "pipes", "--out", "own.json"]);
    assert_eq!((mode("own.json"), mode(".pipectl/sandbox.json")), (0, 0), "others can read a plan, or the sandbox");
}

/// The tree of a named file counts, wherever the command runs. In `/`, the links of the machine are no tree.
#[test]
fn links_of_a_tree_are_those_around_the_file() {
    let (dir, outside) = (WorkDir::new(), tempfile::TempDir::new().unwrap());
    let manifest = dir.write_file("clicks.yaml", kinesis_manifest("clicks", "", ""));
    let (target, link) = (outside.path().join("report"), dir.temp_dir.path().join("link.md"));
    std::fs::write(&target, "theirs").unwrap();
    symlink(&target, &link).unwrap();
    let validate = |report: &Path| {
        let report = format!("--report=junit={}", report.display());
        let said = dir.run_in_subfolder("/", &["validate", manifest.to_str().unwrap(), &report], &[]);
        (said.code, said.all_output())
    };
    let (code, said) = validate(Path::new("/dev/stdout"));
    assert!(code == 0 && said.contains("<testsuites"), "{said}");
    let (code, said) = validate(&link);
    assert_eq!(code, 0, "{said}");
    assert!(std::fs::read_to_string(&target).unwrap().contains("<testsuites"));
    std::fs::write(&target, "theirs").unwrap();
    crate::support::test_repo::git_in(dir.temp_dir.path(), &["init", "--quiet"]);
    let (code, said) = validate(&link);
    assert!(code == 1 && said.contains("a link of the working tree is not followed"), "{said}");
    assert_eq!(std::fs::read_to_string(&target).unwrap(), "theirs");
}

/// The command lines of CI name files, and a stranger can commit a link of each name.
#[test]
fn nothing_is_read_through_links_of_the_tree() {
    const SECRET: &str = "ssss-secret-of-the-runner";
    let repo = TestRepo::new();
    repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", ""));
    repo.commit_all("Begin");
    let hash = repo.run_git(&["rev-parse", "HEAD"]);
    let (outside, folder) = (tempfile::TempDir::new().unwrap(), repo.work_dir.temp_dir.path());
    repo.write_file("committed", &hash);
    repo.run_successfully(&["plan", "pipes", "--out", "committed.json"]);
    std::fs::write(outside.path().join("runner"), format!("{hash}\n")).unwrap();
    let runner = outside.path().join("runner");
    let links = [
        ("environ", Path::new("/proc/self/environ")),
        ("to-committed", Path::new("committed")),
        ("to-runner", &runner),
        ("folder", outside.path()),
        ("to-plan", Path::new("committed.json")),
    ];
    for (name, target) in links {
        symlink(target, folder.join(name)).unwrap();
    }
    repo.commit_all("Plant links");
    repo.write_file("untracked", &format!("{SECRET}\n"));
    let path = crate::support::test_repo::path_variable();
    let environment = [("CLICKHOUSE_CLOUD_API_SECRET", SECRET), ("PATH", path.as_str())];
    let is_refused = |args: &[&str], why: &str| {
        let said = repo.work_dir.run_with_env(args, &environment);
        assert!(matches!(said.code, 1 | 64) && said.stderr.contains(why), "{args:?}: {}", said.all_output());
        assert!(!said.all_output().contains(SECRET), "{args:?}: {}", said.all_output());
    };
    let marks = ["environ", "to-committed", "to-runner", "folder/runner", "folder/../folder/runner"];
    for (mark, why) in marks.into_iter().zip(["is a link", "is a link", "is a link", "not followed", "not followed"]) {
        is_refused(&["ci", "base", "--for-plan", "--applied", mark, "--before", &hash], why);
        is_refused(&["ci", "mark", "--applied", mark], why);
    }
    is_refused(&["ci", "base", "--applied", "untracked"], "line 1 of untracked is not a full commit hash");
    for args in [
        &["report", "merge", "to-plan"][..],
        &["report", "merge", "environ"],
        &["export", "--from", "terraform", "environ"],
        &["plan", "pipes", "--sandbox", "--only", "@environ"],
        &["apply", "pipes", "--sandbox", "--yes", "--exclude", "@to-runner"],
        &["apply", "pipes", "--sandbox", "--yes", "--plan", "to-plan"],
        &["apply", "pipes", "--sandbox", "--yes", "--plan", "folder"],
        &["doctor", "--sandbox", "--api-schema", "environ"],
    ] {
        let said = repo.work_dir.run_with_env(args, &environment);
        let all = said.all_output();
        assert!(said.code != 0 && all.contains("a link of the working tree is not followed"), "{args:?}: {all}");
        assert!(!all.contains(SECRET), "{args:?}: {all}");
    }
}

/// The value of a variable that is a secret elsewhere: in the base, or in a file that the plan does not name.
#[test]
fn variable_of_a_secret_is_shown_by_no_plan() {
    const VALUE: &str = "hunter2-of-orders";
    let project = |more: &str| {
        format!(
            "apiVersion: pipectl/v1\nkind: Project\nmanifests: [pipes]\ndefaults: {{environment: dev}}\nenvironments: {{dev: {{{more}}}}}\n"
        )
    };
    let shown = project("variables: {stream: '${env:PIPECTL_VAR_PW}'}");
    let own = kinesis_manifest("clicks", "", "").replace("{fromEnv: P}", "{fromEnv: PIPECTL_VAR_PW}");
    let template = "apiVersion: pipectl/v1\nkind: Template\nmetadata: {name: t}\nspec: {a: {fromEnv: '${with.pw}'}}\n";
    let user =
        "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {name: u}\ntemplate: t\nwith: {pw: PIPECTL_VAR_PW}\n";
    let indirect = format!("{template}---\n{user}");
    let refused = |repo: &TestRepo, args: &[&str]| {
        let path = crate::support::test_repo::path_variable();
        let said = repo.work_dir.run_with_env(args, &[("PIPECTL_VAR_PW", VALUE), ("PATH", &path)]);
        let all = said.all_output();
        assert!(said.code == 1 && all.contains("`${env:PIPECTL_VAR_PW}` would show a secret"), "{args:?}: {all}");
        assert!(!all.contains(VALUE), "{args:?}: {all}");
    };
    for text in [own.as_str(), &indirect] {
        let repo = TestRepo::new();
        repo.write_file("pipectl.yaml", &project(""));
        repo.write_file("pipes/orders.yaml", text);
        repo.commit_all("Begin");
        repo.write_file("pipectl.yaml", &shown);
        repo.write_file("pipes/clicks.yaml", &kinesis_manifest("clicks", "", "").replace("clicks", "${stream}"));
        refused(&repo, &["plan", "--sandbox", "pipes/clicks.yaml"]);
        refused(&repo, &["validate", "pipes/clicks.yaml"]);
        refused(&repo, &["render", "pipes/clicks.yaml"]);
        std::fs::remove_file(repo.work_dir.temp_dir.path().join("pipes/orders.yaml")).unwrap();
        refused(&repo, &["plan", "--sandbox", "--base", "HEAD"]);
    }
}
