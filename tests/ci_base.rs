//! The base of a CI job: the last applied commit of its environment, which only moves forward.

use crate::support::test_repo::TestRepo;

/// Three commits on main, oldest first.
fn three_commits() -> (TestRepo, [String; 3]) {
    let repo = TestRepo::new();
    let hashes = ["one", "two", "three"].map(|subject| {
        repo.commit_all(subject);
        repo.run_git(&["rev-parse", "HEAD"])
    });
    (repo, hashes)
}

/// Exit code and output of `pipectl ci base`, with these applied commits.
fn base(repo: &TestRepo, applied: &[&str], more: &[&str]) -> (i32, String) {
    repo.write_file(".pipectl/applied", &format!("{}\n", applied.join("\n")));
    let said = repo.work_dir.run_with_env(
        &[&["ci", "base", "--applied", ".pipectl/applied"], more].concat(),
        &[("PATH", &crate::support::test_repo::path_variable())],
    );
    (said.code, if said.code == 0 { said.stdout.trim().to_owned() } else { said.stderr })
}

#[test]
fn nearest_applied_commit_is_the_base() {
    let (repo, [one, two, three]) = three_commits();
    for (applied, expected) in
        [(vec![&*one], &one), (vec![&*one, &*two], &two), (vec![&*two, &*one], &two), (vec![&*three, &*one], &three)]
    {
        assert_eq!(base(&repo, &applied, &[]), (0, expected.clone()), "{applied:?}");
    }
    assert_eq!(base(&repo, &[], &["--before", &two]), (0, format!("{two}...")));
    assert_eq!(base(&repo, &[], &["--before", "0000000000000000000000000000000000000000"]), (0, String::new()));
    assert_eq!(base(&repo, &[], &[]), (0, String::new()));
}

#[test]
fn job_does_not_go_back_behind_an_applied_commit() {
    let (repo, [one, two, three]) = three_commits();
    repo.run_git(&["checkout", "--quiet", &two]);
    let (code, said) = base(&repo, &[&one, &three], &["--before", &one]);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("(three) comes after this commit and was already applied"), "{said}");
    assert_eq!(base(&repo, &[&three], &["--for-plan"]), (0, format!("{three}...")));
    // One that is gone from the branch is no matter after a newer apply.
    repo.run_git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit_all("elsewhere");
    let elsewhere = repo.run_git(&["rev-parse", "HEAD"]);
    repo.run_git(&["checkout", "--quiet", &three]);
    assert_eq!(base(&repo, &[&two, &elsewhere], &[]), (0, two));
}

/// Live is as the newest apply left it: what only that one did would be drift for ever with an older base.
#[test]
fn newest_applied_commit_that_is_gone_stops_an_apply() {
    let (repo, [one, two, three]) = three_commits();
    repo.run_git(&["checkout", "--quiet", "-B", "main", &two]);
    repo.commit_all("forced");
    let unknown = "1".repeat(40);
    for (newest, words) in
        [(&three, "(three) was applied, and is not in the history"), (&unknown, "is not in this clone: a force push")]
    {
        let (code, said) = base(&repo, &[newest, &two, &one], &[]);
        assert!(code == 1 && said.contains(words) && said.contains("the input `base`"), "{said}");
        assert_eq!(base(&repo, &[newest, &two, &one], &["--for-plan"]).0, 0);
        // The apply with that input leaves a newer mark.
        assert_eq!(base(&repo, &[&two, newest, &one], &[]), (0, two.clone()));
    }
}

/// A branch that is behind: a plan compares with the commit where it left the target branch.
#[test]
fn plan_of_a_branch_that_is_behind_begins_where_it_left() {
    let (repo, [one, two, three]) = three_commits();
    repo.run_git(&["checkout", "--quiet", "-b", "work", &two]);
    repo.commit_all("work");
    assert_eq!(base(&repo, &[&three, &one], &["--for-plan"]), (0, format!("{three}...")));
    assert_eq!(base(&repo, &[&three, &two], &["--for-plan"]), (0, format!("{three}...")));
    assert_eq!(base(&repo, &[&three], &["--for-plan"]), (0, format!("{three}...")));
    // An apply has nothing to do with it.
    assert_eq!(base(&repo, &[&one, &three], &[]), (0, one.clone()));
}

/// GitLab knows one mark. A force push takes it out of the history, and the old commits are still in the clone.
#[test]
fn applied_commit_beside_the_history_is_no_missing_base() {
    let (repo, [one, two, three]) = three_commits();
    repo.run_git(&["checkout", "--quiet", "-B", "main", &two]);
    repo.commit_all("forced");
    let (code, said) = base(&repo, &[&three], &[]);
    assert_eq!(code, 1, "{said}");
    for words in
        ["(three) was applied, and is not in the history of this commit", &two[..7], "the input `base`", "`BASE`"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    // The commit before the push says nothing about what was applied.
    for before in [&"0".repeat(40), &three, &two] {
        assert_eq!(base(&repo, &[&three], &["--before", before]).0, 1, "{before}");
    }
    // Who knows more goes on.
    assert_eq!(base(&repo, &[&one, &three], &[]), (0, one.clone()));
    assert_eq!(base(&repo, &[&three], &["--for-plan"]), (0, format!("{three}...")));
    // A history of its own has no commit where both parted.
    repo.run_git(&["checkout", "--quiet", "--orphan", "other"]);
    repo.commit_all("elsewhere");
    let (code, said) = base(&repo, &[&three], &[]);
    assert!(code == 1 && said.contains("(three) was applied") && !said.contains("parted"), "{said}");
    assert_eq!(base(&repo, &[&three], &["--for-plan"]), (0, String::new()));
}

#[test]
fn unknown_or_planted_commits_are_no_base() {
    let (repo, [one, ..]) = three_commits();
    let unknown = "1111111111111111111111111111111111111111";
    let (code, said) = base(&repo, &[unknown], &["--before", &one]);
    assert!(code == 1 && said.contains("a force push removed it") && said.contains("the input `base`"), "{said}");
    // Plans go on until an apply leaves its mark on the new history.
    assert_eq!(base(&repo, &[unknown], &["--before", &one, "--for-plan"]), (0, format!("{one}...")));
    assert_eq!(base(&repo, &[&one, unknown], &[]), (0, one.clone()));
    assert_eq!(base(&repo, &[&"0".repeat(40)], &[]), (0, String::new()));
    for odd in ["main", "-x", "HEAD", "one\u{1b}[2J"] {
        let (code, said) = base(&repo, &[odd], &[]);
        assert!(code == 1 && said.contains("is not a full commit hash") && !said.contains('\u{1b}'), "{said}");
    }
    repo.write_file("planted", &format!("{one}\n"));
    repo.commit_all("plant");
    let path = crate::support::test_repo::path_variable();
    let said = repo.work_dir.run_with_env(&["ci", "base", "--applied", "planted"], &[("PATH", &path)]);
    assert!(said.code == 1 && said.stderr.contains("is a file of the repository"), "{}", said.all_output());
}

#[test]
fn mark_moves_forward_only_for_each_environment() {
    let (repo, [_, two, three]) = three_commits();
    let path = crate::support::test_repo::path_variable();
    // A mark of a name that no run has would be the base of none.
    let run = |args: &[&str]| repo.work_dir.run_with_env(args, &[("PATH", &path)]);
    let without = run(&["ci", "mark", "--applied", ".pipectl/{env}", "-e", "dev"]);
    assert!(without.code == 1 && without.stderr.contains("there is no pipectl.yaml"), "{}", without.all_output());
    repo.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nenvironments: {dev: {}, prod: {}}\n");
    for name in ["dev,prod", "prd"] {
        for command in [&["ci", "mark", "--applied", ".pipectl/{env}", "-e", name][..], &["ci", "base", "-e", name]] {
            let said = run(command);
            let why = format!("pipectl.yaml has no environment `{name}`");
            assert!(said.code == 64 && said.stderr.contains(&why), "{}", said.all_output());
        }
    }
    let mark = |environment: &str| {
        let args = ["ci", "mark", "--applied", ".pipectl/applied-{env}", "--env", environment];
        let said = repo.work_dir.run_with_env(&args, &[("PATH", &path)]);
        assert_eq!(said.code, 0, "{}", said.all_output());
        let file = repo.work_dir.temp_dir.path().join(format!(".pipectl/applied-{environment}"));
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    };
    assert_eq!(mark("dev"), three);
    repo.run_git(&["checkout", "--quiet", &two]);
    assert_eq!(mark("prod"), two);
    assert_eq!(mark("dev"), three, "an old job moves nothing back");
}

/// A clone of the newest commit alone, on another commit than the mark, does not know which of them comes first.
#[test]
fn shallow_clone_moves_no_mark_and_gives_no_base() {
    let (origin, [one, _, three]) = three_commits();
    let shallow = TestRepo::new();
    let url = format!("file://{}", origin.work_dir.temp_dir.path().display());
    shallow.run_git(&["fetch", "--quiet", "--depth=1", &url, "main"]);
    shallow.run_git(&["checkout", "--quiet", "FETCH_HEAD"]);
    let path = crate::support::test_repo::path_variable();
    let mark = |marked: &str| {
        shallow.write_file(".pipectl/applied", &format!("{marked}\n"));
        let said =
            shallow.work_dir.run_with_env(&["ci", "mark", "--applied", ".pipectl/applied"], &[("PATH", path.as_str())]);
        let file = shallow.work_dir.temp_dir.path().join(".pipectl/applied");
        (said.code, said.all_output(), std::fs::read_to_string(file).unwrap().trim().to_owned())
    };
    // A commit that was not fetched, and one that was, but without what lies between.
    for marked in [one.as_str(), "1111111111111111111111111111111111111111"] {
        let (code, said, now) = mark(marked);
        assert!(code == 1 && said.contains("fetch the whole history") && now == marked, "{said}");
    }
    shallow.run_git(&["fetch", "--quiet", "--depth=1", &url, &one]);
    let (code, said, now) = mark(&one);
    assert!(code == 1 && said.contains("this clone is shallow") && now == one, "{said}");
    let (code, said) = base(&shallow, &[&one, &three], &[]);
    assert!(code == 1 && said.contains("this clone is shallow"), "{said}");
    assert_eq!(mark(&three), (0, String::new(), three));
}

#[test]
fn mark_does_not_move_to_another_branch() {
    let (repo, [_, two, three]) = three_commits();
    let path = crate::support::test_repo::path_variable();
    let run =
        || repo.work_dir.run_with_env(&["ci", "mark", "--applied", ".pipectl/applied"], &[("PATH", path.as_str())]);
    assert_eq!(run().code, 0);
    repo.run_git(&["checkout", "--quiet", "-b", "side", &two]);
    repo.commit_all("aside");
    let said = run();
    assert_eq!(said.code, 5, "{}", said.all_output());
    assert!(said.stderr.contains("(three) was applied, and is not in the history of this commit"), "{}", said.stderr);
    let file = repo.work_dir.temp_dir.path().join(".pipectl/applied");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), three);
    // The way out that the message names.
    std::fs::remove_file(file).unwrap();
    assert_eq!(run().code, 0);
}

/// `BASE=$(pipectl ci base)` in a job whose other commands print JSON.
#[test]
fn base_is_plain_text_unless_the_command_line_asks_for_json() {
    let (repo, [one, ..]) = three_commits();
    let path = crate::support::test_repo::path_variable();
    for format in ["json", "markdown"] {
        let environment = [("PATH", &*path), ("PIPECTL_OUTPUT", format)];
        let said = repo.work_dir.run_with_env(&["ci", "base", "--before", &one], &environment);
        assert_eq!((said.code, said.stdout), (0, format!("{one}...\n")), "{}", said.stderr);
        let said = repo.work_dir.run_with_env(&["ci", "base", "--before", &one, "-o", "json"], &environment);
        assert_eq!(said.stdout_json()["result"]["base"], format!("{one}..."));
    }
}

/// It is printed into a command line, and the event of a job can come from anybody.
#[test]
fn commit_before_the_push_is_checked() {
    let (repo, [one, ..]) = three_commits();
    for (before, why) in [
        ("--trust-policy", "is not a full commit hash"),
        ("main", "is not a full commit hash"),
        ("$(id)", "is not a full commit hash"),
        ("2222222222222222222222222222222222222222", "is not in this clone"),
    ] {
        let (code, said) = base(&repo, &[], &[&format!("--before={before}")]);
        assert!(code == 1 && said.contains(why), "{before}: {said}");
    }
    assert_eq!(base(&repo, &[], &["--before", &one]), (0, format!("{one}...")));
}

#[test]
fn device_of_applied_commits_is_refused() {
    let repo = TestRepo::new();
    repo.write_file("a", "a");
    repo.commit_all("One");
    let said = repo.work_dir.run_pipectl(&["ci", "base", "--applied", "/dev/zero"]);
    assert!(
        said.code == 1 && said.stderr.contains("/dev/zero is a link, a folder or a device"),
        "{}",
        said.all_output()
    );
    let elsewhere = repo.work_dir.run_pipectl(&["ci", "mark", "-e", "../x", "--applied", "state/{env}"]);
    let none = repo.work_dir.run_pipectl(&["ci", "mark", "--applied", "state/{env}"]);
    assert_eq!((elsewhere.code, none.code), (64, 64), "{}{}", elsewhere.all_output(), none.all_output());
}
