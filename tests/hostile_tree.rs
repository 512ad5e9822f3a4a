//! The tree that is judged is a stranger's: no command runs, reads or prints what it plants.

use std::path::Path;

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
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
