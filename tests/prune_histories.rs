//! Whatever happened in git before: pruning deletes what git declared once and declares no more,
//! and every other live pipe survives.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::test_repo::{TestRepo, import_commits, kinesis_manifest};
use proptest::prelude::*;
use serde_json::Value;

/// Names that manifests use, and names that only people use.
const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
const BY_HAND: [&str; 2] = ["scratch", "demo"];
const FILES: [&str; 4] = ["a.yaml", "b.yml", "deep/c.yaml", "deep/er/d.yaml"];

/// One thing that somebody does; the numbers pick names and files.
#[derive(Clone, Debug)]
enum RepoEdit {
    Add(usize, usize),
    Remove(usize),
    Rename(usize, usize),
    ForgetPreviousNames(usize),
    MoveFile(usize, usize),
    MoveManifest(usize, usize),
    /// From here on a branch, until it is merged: with what it did, or without.
    Branch,
    Merge(bool),
}

fn any_edit() -> impl Strategy<Value = RepoEdit> {
    let name = || 0..NAMES.len();
    let file = || 0..FILES.len();
    prop_oneof![
        4 => (name(), file()).prop_map(|(name, file)| RepoEdit::Add(name, file)),
        3 => name().prop_map(RepoEdit::Remove),
        2 => (name(), name()).prop_map(|(from, to)| RepoEdit::Rename(from, to)),
        1 => name().prop_map(RepoEdit::ForgetPreviousNames),
        1 => (file(), file()).prop_map(|(from, to)| RepoEdit::MoveFile(from, to)),
        1 => (name(), file()).prop_map(|(name, file)| RepoEdit::MoveManifest(name, file)),
        1 => Just(RepoEdit::Branch),
        1 => any::<bool>().prop_map(RepoEdit::Merge),
    ]
}

/// What is declared: in which file, and under which earlier names.
type ManifestTree = BTreeMap<usize, (usize, BTreeSet<usize>)>;

#[derive(Default)]
struct CommitHistory {
    /// Trees with their parents, oldest first.
    commits: Vec<(ManifestTree, Vec<usize>)>,
    /// What the main branch points to while another one is worked on.
    main_head: Option<usize>,
}

impl CommitHistory {
    fn from_edits(ops: &[RepoEdit]) -> Self {
        let mut history = Self { commits: vec![(ManifestTree::new(), vec![])], main_head: None };
        for op in ops {
            history.apply_edit(op);
        }
        history.apply_edit(&RepoEdit::Merge(true));
        history
    }

    fn head_index(&self) -> usize {
        self.commits.len() - 1
    }

    fn head_tree(&self) -> &ManifestTree {
        &self.commits[self.head_index()].0
    }

    fn apply_edit(&mut self, op: &RepoEdit) {
        let head = self.head_index();
        match (op, self.main_head) {
            (RepoEdit::Branch, None) => self.main_head = Some(head),
            (RepoEdit::Branch, Some(_)) | (RepoEdit::Merge(_), None) => {}
            (RepoEdit::Merge(with), Some(main)) => {
                let tree = if *with { self.head_tree() } else { &self.commits[main].0 };
                self.commits.push((tree.clone(), vec![main, head]));
                self.main_head = None;
            }
            (op, _) => {
                let tree = edit_tree(self.head_tree().clone(), op);
                self.commits.push((tree, vec![head]));
            }
        }
    }

    /// Every name that a commit of the main branch declares, earlier names too. What only a merged
    /// branch declared, and removed again, was never applied.
    fn names_ever_declared(&self) -> BTreeSet<usize> {
        let head = Some(&self.commits[self.head_index()]);
        let mainline = std::iter::successors(head, |(_, parents)| Some(&self.commits[*parents.first()?]));
        let manifests = mainline.flat_map(|(tree, _)| tree);
        manifests.flat_map(|(name, (_, previous))| previous.iter().chain([name]).copied()).collect()
    }
}

fn edit_tree(mut tree: ManifestTree, op: &RepoEdit) -> ManifestTree {
    let taken = |tree: &ManifestTree, wanted: &usize| {
        tree.iter().any(|(name, (_, previous))| name == wanted || previous.contains(wanted))
    };
    match op {
        RepoEdit::Add(name, file) if !taken(&tree, name) => {
            tree.insert(*name, (*file, BTreeSet::new()));
        }
        RepoEdit::Remove(name) => _ = tree.remove(name),
        RepoEdit::Rename(from, to) if !taken(&tree, to) => {
            if let Some((file, mut previous)) = tree.remove(from) {
                previous.insert(*from);
                tree.insert(*to, (file, previous));
            }
        }
        RepoEdit::ForgetPreviousNames(name) => {
            if let Some((_, previous)) = tree.get_mut(name) {
                previous.clear();
            }
        }
        RepoEdit::MoveFile(from, to) => {
            for (file, _) in tree.values_mut().filter(|(file, _)| file == from) {
                *file = *to;
            }
        }
        RepoEdit::MoveManifest(name, to) => {
            if let Some((file, _)) = tree.get_mut(name) {
                *file = *to;
            }
        }
        RepoEdit::Add(..) | RepoEdit::Rename(..) | RepoEdit::Branch | RepoEdit::Merge(_) => {}
    }
    tree
}

/// The files of a tree. One pipe is always there: an empty folder is a mistake.
fn tree_files(tree: &ManifestTree) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([("pipes/keeper.yaml".to_owned(), kinesis_manifest("keeper", "", ""))]);
    for (name, (file, previous)) in tree {
        let previous: Vec<&str> = previous.iter().map(|name| NAMES[*name]).collect();
        let previous = format!("  previousNames: [{}]", previous.join(", "));
        let text = files.entry(format!("pipes/{}", FILES[*file])).or_default();
        text.push_str("---\n");
        text.push_str(&kinesis_manifest(NAMES[*name], &previous, ""));
    }
    files
}

/// What must be live afterwards.
fn expected_survivors(history: &CommitHistory, live: &BTreeSet<&str>) -> BTreeSet<String> {
    let (now, ever) = (history.head_tree(), history.names_ever_declared());
    let mut left: BTreeSet<String> = BTreeSet::from(["keeper".to_owned()]);
    for pipe in live {
        let name = NAMES.iter().position(|name| name == pipe);
        let proven = name.is_some_and(|name| {
            let earlier = now.values().any(|(_, previous)| previous.contains(&name));
            ever.contains(&name) && !now.contains_key(&name) && !earlier
        });
        let renamed = now.iter().find(|(_, (_, previous))| name.is_some_and(|n| previous.contains(&n)));
        // Of several live pipes under names of one manifest none is touched.
        let unclear = renamed.is_some_and(|(to, (_, previous))| {
            previous.iter().chain([to]).filter(|n| live.contains(NAMES[**n])).count() > 1
        });
        match (proven, renamed, unclear) {
            (true, ..) => {}
            (false, Some((to, _)), false) => _ = left.insert(NAMES[*to].to_owned()),
            (false, ..) => _ = left.insert((*pipe).to_owned()),
        }
    }
    // Whatever is declared, not live under any name of it, is made.
    for (name, (_, previous)) in now {
        if !previous.iter().chain([name]).any(|name| live.contains(NAMES[*name])) {
            left.insert(NAMES[*name].to_owned());
        }
    }
    left
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pruning_keeps_every_other_pipe(
        ops in proptest::collection::vec(any_edit(), 1..24),
        live in proptest::collection::btree_set(0..NAMES.len() + BY_HAND.len(), 0..8),
    ) {
        let history = CommitHistory::from_edits(&ops);
        let live: BTreeSet<&str> =
            live.into_iter().map(|index| *NAMES.iter().chain(&BY_HAND).nth(index).unwrap()).collect();
        let repo = TestRepo::new();
        let commits: Vec<_> =
            history.commits.iter().map(|(tree, parents)| (tree_files(tree), parents.clone())).collect();
        import_commits(&repo, &commits);
        let all: Vec<String> = live.iter().map(|name| kinesis_manifest(name, "", "")).collect();
        repo.write_file("live/all.yaml", &format!("{}---\n{}", kinesis_manifest("keeper", "", ""), all.join("---\n")));
        repo.run_successfully(&["apply", "live", "--yes"]);
        let said = repo.run_pipectl(&["apply", "pipes", "--prune=git", "--yes", "--allow-replace=glob:*", "--allow-delete=glob:*"]);
        // Where both names of a pipe are live, that pipe is held back and the rest goes on.
        prop_assert!(matches!(said.code, 0 | 5), "{}", said.all_output());
        let left: BTreeSet<String> = repo.live_pipe_names().into_iter().collect();
        prop_assert_eq!(left, expected_survivors(&history, &live), "live {:?}: {}", live, said.all_output());
    }
}

/// The property above found this: either of the two pipes could have been deleted and made anew as `epsilon`.
#[test]
fn apply_blocks_while_two_previous_names_are_live() {
    let repo = TestRepo::new();
    repo.write_file(
        "live.yaml",
        &format!("{}---\n{}", kinesis_manifest("beta", "", ""), kinesis_manifest("delta", "", "")),
    );
    repo.run_successfully(&["apply", "live.yaml", "--yes"]);
    // Everything else is spelled in another way from answer to answer.
    let pipes = || -> Vec<[Value; 3]> {
        let pipes = repo.edit_world(|world| world.list_pipes("analytics"));
        pipes.iter().map(|pipe| ["name", "id", "updatedAt"].map(|field| pipe[field].clone())).collect()
    };
    let (before, writes) = (pipes(), repo.count_writes());
    for previous in ["beta, delta", "delta, beta"] {
        let manifest = kinesis_manifest("epsilon", &format!("  previousNames: [{previous}]"), "");
        repo.write_file("pipes/epsilon.yaml", &manifest);
        repo.commit_all(previous);
        for prune in [&[][..], &["--prune=git"]] {
            let output = repo.run_pipectl(&[&["apply", "pipes", "--yes", "--allow-delete=glob:*"], prune].concat());
            assert_eq!(output.code, 5, "{}", output.all_output());
            for [name, id, _] in &before {
                let named = format!("`{}` ({})", name.as_str().unwrap(), id.as_str().unwrap());
                assert!(output.stdout.contains(&named), "no {named}: {}", output.all_output());
            }
            assert!(output.stdout.contains("`metadata.id`"), "{}", output.all_output());
            assert_eq!((pipes(), repo.count_writes()), (before.clone(), writes), "{}", output.all_output());
        }
    }
}
