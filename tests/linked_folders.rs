//! With a base, `manifests` that leads through a link to a folder.

use crate::support::test_repo::TestRepo;
use crate::templates::{PIPES, TEMPLATE};
use serde_json::json;

/// `manifests` names a link to a folder, or one below a link: the base is read through what it was then.
#[cfg(unix)]
#[test]
fn linked_folder_of_manifests_is_read_as_it_was_in_the_base() {
    use std::os::unix::fs::symlink;
    for (link, target, path) in
        [("pipes", "real", "pipes"), ("team", "real/./team", "team/pipes"), ("a/b", "../c", "a/b")]
    {
        let repo = TestRepo::new();
        let at = |path: &str| repo.work_dir.temp_dir.path().join(path);
        let folder = path.replacen(link, &target.replace("/.", "").replace("../", ""), 1);
        repo.write_file("pipectl.yaml", &format!("apiVersion: pipectl/v1\nkind: Project\nmanifests: [{path}]\n"));
        repo.write_file("a/readme.md", "");
        repo.write_file(&format!("{folder}/templates.yaml"), TEMPLATE);
        let pipes = PIPES.replace(", 'a$${b'", "");
        repo.write_file(&format!("{folder}/pipes.yaml"), &pipes);
        symlink(target, at(link)).unwrap();
        repo.commit_all("Link the folder");
        repo.run_successfully(&["apply", "--yes"]);
        repo.edit_live_pipe("p-views", "/destination/columns/0/type", json!("String"));
        // The base needs its template, which only the linked folder has.
        repo.write_file(&format!("{folder}/templates.yaml"), &TEMPLATE.replace("default: 1", "default: 2"));
        let plan = repo.run_pipectl(&["plan", "--base", "HEAD"]);
        assert_eq!(plan.code, 0, "{path}: {}", plan.all_output());
        assert!(!plan.stderr.contains("warning"), "{path}: {}", plan.stderr);
        assert!(plan.stdout.contains("2 to update") && plan.stdout.contains("drift"), "{path}: {}", plan.stdout);
        // Another target: what it led to before is the base, and what is gone with it was removed.
        repo.commit_all("Two replicas");
        repo.write_file("other/templates.yaml", TEMPLATE);
        repo.write_file("other/pipes.yaml", &pipes.replace("[views, orders]", "[views]"));
        if path == "pipes" {
            std::fs::remove_file(at(link)).unwrap();
            symlink("other", at(link)).unwrap();
            repo.commit_all("Another folder");
            let plan = repo.run_successfully(&["plan", "--base", "HEAD~1"]);
            assert!(plan.contains("Removed from git: 1 manifest removed"), "{plan}");
            std::fs::remove_file(at(link)).unwrap();
            symlink("../elsewhere", at(link)).unwrap();
            repo.commit_all("Out of the repository");
            std::fs::remove_file(at(link)).unwrap();
            symlink("other", at(link)).unwrap();
            repo.commit_all("Back");
            let said = repo.run_pipectl(&["plan", "--base", "HEAD~1"]);
            assert_eq!(said.code, 1, "{}", said.all_output());
            assert!(said.stderr.contains("`manifests`: pipes pointed outside the repository in"), "{}", said.stderr);
        }
    }
}
