//! Whatever happened in git before: pruning deletes what git declared once and declares no more,
//! and every other live pipe survives.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::repo::{Repo, fast_import, pipe};
use proptest::prelude::*;

/// Names that manifests use, and names that only people use.
const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
const BY_HAND: [&str; 2] = ["scratch", "demo"];
const FILES: [&str; 4] = ["a.yaml", "b.yml", "deep/c.yaml", "deep/er/d.yaml"];

/// One thing that somebody does; the numbers pick names and files.
#[derive(Clone, Debug)]
enum Op {
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

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..NAMES.len();
    let file = || 0..FILES.len();
    prop_oneof![
        4 => (name(), file()).prop_map(|(name, file)| Op::Add(name, file)),
        3 => name().prop_map(Op::Remove),
        2 => (name(), name()).prop_map(|(from, to)| Op::Rename(from, to)),
        1 => name().prop_map(Op::ForgetPreviousNames),
        1 => (file(), file()).prop_map(|(from, to)| Op::MoveFile(from, to)),
        1 => (name(), file()).prop_map(|(name, file)| Op::MoveManifest(name, file)),
        1 => Just(Op::Branch),
        1 => any::<bool>().prop_map(Op::Merge),
    ]
}

/// What is declared: in which file, and under which earlier names.
type Tree = BTreeMap<usize, (usize, BTreeSet<usize>)>;

#[derive(Default)]
struct History {
    /// Trees with their parents, oldest first.
    commits: Vec<(Tree, Vec<usize>)>,
    /// What the main branch points to while another one is worked on.
    parted: Option<usize>,
}

impl History {
    fn of(ops: &[Op]) -> Self {
        let mut history = Self { commits: vec![(Tree::new(), vec![])], parted: None };
        for op in ops {
            history.step(op);
        }
        history.step(&Op::Merge(true));
        history
    }

    fn head(&self) -> usize {
        self.commits.len() - 1
    }

    fn tree(&self) -> &Tree {
        &self.commits[self.head()].0
    }

    fn step(&mut self, op: &Op) {
        let head = self.head();
        match (op, self.parted) {
            (Op::Branch, None) => self.parted = Some(head),
            (Op::Branch, Some(_)) | (Op::Merge(_), None) => {}
            (Op::Merge(with), Some(main)) => {
                let tree = if *with { self.tree() } else { &self.commits[main].0 };
                self.commits.push((tree.clone(), vec![main, head]));
                self.parted = None;
            }
            (op, _) => {
                let tree = edited(self.tree().clone(), op);
                self.commits.push((tree, vec![head]));
            }
        }
    }

    /// Every name that any commit declares, earlier names too. All commits lead to the last.
    fn ever(&self) -> BTreeSet<usize> {
        let manifests = self.commits.iter().flat_map(|(tree, _)| tree);
        manifests.flat_map(|(name, (_, previous))| previous.iter().chain([name]).copied()).collect()
    }
}

fn edited(mut tree: Tree, op: &Op) -> Tree {
    let taken = |tree: &Tree, wanted: &usize| {
        tree.iter().any(|(name, (_, previous))| name == wanted || previous.contains(wanted))
    };
    match op {
        Op::Add(name, file) if !taken(&tree, name) => {
            tree.insert(*name, (*file, BTreeSet::new()));
        }
        Op::Remove(name) => _ = tree.remove(name),
        Op::Rename(from, to) if !taken(&tree, to) => {
            if let Some((file, mut previous)) = tree.remove(from) {
                previous.insert(*from);
                tree.insert(*to, (file, previous));
            }
        }
        Op::ForgetPreviousNames(name) => {
            if let Some((_, previous)) = tree.get_mut(name) {
                previous.clear();
            }
        }
        Op::MoveFile(from, to) => {
            for (file, _) in tree.values_mut().filter(|(file, _)| file == from) {
                *file = *to;
            }
        }
        Op::MoveManifest(name, to) => {
            if let Some((file, _)) = tree.get_mut(name) {
                *file = *to;
            }
        }
        Op::Add(..) | Op::Rename(..) | Op::Branch | Op::Merge(_) => {}
    }
    tree
}

/// The files of a tree. One pipe is always there: an empty folder is a mistake.
fn files(tree: &Tree) -> BTreeMap<String, String> {
    let mut files = BTreeMap::from([("pipes/keeper.yaml".to_owned(), pipe("keeper", "", ""))]);
    for (name, (file, previous)) in tree {
        let previous: Vec<&str> = previous.iter().map(|name| NAMES[*name]).collect();
        let previous = format!("  previousNames: [{}]", previous.join(", "));
        let text = files.entry(format!("pipes/{}", FILES[*file])).or_default();
        text.push_str("---\n");
        text.push_str(&pipe(NAMES[*name], &previous, ""));
    }
    files
}

/// What must be live afterwards.
fn survivors(history: &History, live: &BTreeSet<&str>) -> BTreeSet<String> {
    let (now, ever) = (history.tree(), history.ever());
    let mut left: BTreeSet<String> = BTreeSet::from(["keeper".to_owned()]);
    for pipe in live {
        let name = NAMES.iter().position(|name| name == pipe);
        let proven = name.is_some_and(|name| {
            let earlier = now.values().any(|(_, previous)| previous.contains(&name));
            ever.contains(&name) && !now.contains_key(&name) && !earlier
        });
        let renamed =
            now.iter().find(|(_, (_, previous))| name.is_some_and(|n| previous.contains(&n)));
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
    fn every_other_pipe_survives(
        ops in proptest::collection::vec(op(), 1..24),
        live in proptest::collection::btree_set(0..NAMES.len() + BY_HAND.len(), 0..8),
    ) {
        let history = History::of(&ops);
        let live: BTreeSet<&str> =
            live.into_iter().map(|index| *NAMES.iter().chain(&BY_HAND).nth(index).unwrap()).collect();
        let repo = Repo::new();
        let commits: Vec<_> =
            history.commits.iter().map(|(tree, parents)| (files(tree), parents.clone())).collect();
        fast_import(&repo, &commits);
        let all: Vec<String> = live.iter().map(|name| pipe(name, "", "")).collect();
        repo.write("live/all.yaml", &format!("{}---\n{}", pipe("keeper", "", ""), all.join("---\n")));
        repo.done(&["apply", "live", "--yes"]);
        let said = repo.run(&["apply", "pipes", "--prune=git", "--yes"]);
        // Where both names of a pipe are live, that pipe is held back and the rest goes on.
        prop_assert!(matches!(said.code, 0 | 5), "{}", said.all());
        let left: BTreeSet<String> = repo.pipes().into_iter().collect();
        prop_assert_eq!(left, survivors(&history, &live), "live {:?}: {}", live, said.all());
    }
}
