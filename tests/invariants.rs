//! What docs/architecture.md promises of the code itself. Most of it is about what is not there,
//! which no other test would miss.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, and which of the others each may depend on.
const CRATES: [(&str, &[&str]); 8] = [
    ("model", &[]),
    ("clickpipes", &["model"]),
    ("porting", &["clickpipes", "model"]),
    ("planner", &["clickpipes", "model"]),
    ("remote", &["clickpipes", "model"]),
    ("rules", &["model"]),
    ("sandbox", &[]),
    ("pipectl", &["clickpipes", "model", "planner", "porting", "remote", "rules", "sandbox"]),
];

fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file of the workspace: its path below the root, and what it says before its tests.
struct SourceText {
    path: String,
    code: String,
}

impl SourceText {
    /// The texts between quotes.
    fn string_literals(&self) -> impl Iterator<Item = &str> {
        let code = self.code.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.flat_map(|line| line.split('"').skip(1).step_by(2))
    }
}

/// The code of a crate, without its tests.
fn read_sources(name: &str) -> Vec<SourceText> {
    let mut found = Vec::new();
    let mut folders = vec![workspace_root().join("crates").join(name).join("src")];
    while let Some(folder) = folders.pop() {
        let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in paths.filter(|path| path.file_stem().is_none_or(|stem| stem != "tests")) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                // Tests with a body end a file. A declaration of a test module stands among the others.
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                let path = path.strip_prefix(workspace_root()).unwrap().display().to_string();
                found.push(SourceText { path, code });
            }
        }
    }
    assert!(found.len() > 5, "the sources of {name} are not where they were");
    found
}

/// The places that break a rule, none of which may be.
#[track_caller]
fn assert_none(rule: &str, broken: impl IntoIterator<Item = String>) {
    let broken: Vec<String> = broken.into_iter().collect();
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

fn find_words<'w>(sources: &'w [SourceText], words: &'w [&'w str]) -> impl Iterator<Item = String> + 'w {
    sources.iter().flat_map(move |source| {
        let found = words.iter().filter(|word| source.code.contains(**word));
        found.map(|word| format!("{}: `{word}`", source.path))
    })
}

/// The names of the API's fields that stand in quotes.
fn quoted_field_names(sources: &[SourceText], known: &[&str]) -> Vec<String> {
    let paths = clickpipes::docs::explainable_fields();
    let last = |path: &String| path.rsplit('.').next().map(str::to_owned);
    let ours = ["Project.", "Template."];
    let of_the_api = paths.iter().filter(|path| ours.iter().all(|form| !path.starts_with(form)));
    let mut fields: BTreeSet<String> = of_the_api.filter_map(last).collect();
    assert!(fields.contains("brokers") && fields.contains("tableMappings"), "{fields:?}");
    fields.retain(|field| !known.contains(&field.as_str()));
    let of = |source: &SourceText| {
        let named = source.string_literals().filter(|text| fields.contains(*text));
        named.map(|field| format!("{}: `{field}`", source.path)).collect::<Vec<_>>()
    };
    sources.iter().flat_map(of).collect()
}

#[test]
fn crates_depend_only_on_allowed_crates() {
    for (name, allowed) in CRATES {
        let manifest = workspace_root().join("crates").join(name).join("Cargo.toml");
        let manifest = fs::read_to_string(manifest).unwrap();
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let ours = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
        let ours = ours.filter(|line| CRATES.iter().any(|(other, _)| other == line));
        let ours: Vec<&str> = ours.collect();
        assert!(ours.iter().all(|other| allowed.contains(other)), "{name} uses {ours:?}");
        assert_eq!(ours.len(), allowed.len(), "{name} uses {ours:?}");
    }
}

#[test]
fn planner_uses_no_io_clock_or_errors() {
    let words = ["async ", ".await", "std::fs", "std::env", "std::io", "std::net", "std::process"];
    let clocks = ["Instant", "SystemTime", "rand::"];
    let sources = read_sources("planner");
    assert_none("I/O in the planner", find_words(&sources, &words));
    assert_none("a clock or chance in the planner", find_words(&sources, &clocks));
    assert_none("a plan that can fail", find_words(&sources, &["anyhow", "thiserror"]));
}

#[test]
fn planner_names_no_field_and_no_kind() {
    let sources = read_sources("planner");
    assert_none("fields that the planner names", quoted_field_names(&sources, &["path"]));
    let kinds = ["Kind::ClickPipe", "Kind::CdcScaling", "Kind::ReversePrivateEndpoint"];
    assert_none("kinds that the planner names", find_words(&sources, &kinds));
}

#[test]
fn remote_only_reads_id_name_and_state() {
    // Settings have an address of their own; `endpoint` is a word of manifests, not of the API.
    let known = ["id", "name", "state", "settings", "endpoint"];
    assert_none("fields that remote names", quoted_field_names(&read_sources("remote"), &known));
}

#[test]
fn api_paths_are_only_in_the_routes_module() {
    for name in ["model", "clickpipes", "porting", "planner", "remote", "pipectl"] {
        let mut sources = read_sources(name);
        sources.retain(|source| source.path != "crates/remote/src/routes.rs");
        let words = ["/organizations", "/services", "/clickpipes"];
        assert_none("paths elsewhere", find_words(&sources, &words));
    }
}

#[test]
fn command_modules_depend_in_one_direction() {
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in read_sources("pipectl") {
        let path = source.path.strip_prefix("crates/pipectl/src/").unwrap();
        let module = path.split(['/', '.']).next().unwrap().to_owned();
        let after = source.code.split("crate::").skip(1);
        let imports = after.flat_map(|text| match text.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').collect(),
            None => vec![text],
        });
        let first_word =
            |text: &str| text.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned);
        uses.entry(module).or_default().extend(imports.filter_map(first_word));
    }
    for top in ["lib", "main"] {
        uses.remove(top);
    }
    assert!(uses["cli"].contains("commands"), "{uses:?}");
    let above = uses.iter().filter(|(module, used)| *module != "cli" && used.contains("cli"));
    assert_none("modules that use the command line", above.map(|(module, _)| module.clone()));
    // Taking away whatever uses nothing that is left ends at the modules on a circle.
    while let Some(bottom) =
        uses.keys().find(|module| uses[*module].iter().all(|it| it == *module || !uses.contains_key(it)))
    {
        let bottom = bottom.clone();
        uses.remove(&bottom);
    }
    // What remains uses a circle; what nothing that is left uses is only above it.
    while let Some(top) =
        uses.keys().find(|module| !uses.iter().any(|(other, used)| other != *module && used.contains(*module)))
    {
        let top = top.clone();
        uses.remove(&top);
    }
    assert_none("modules that use each other", uses.into_keys());
}

#[test]
fn plans_are_worded_only_in_the_plan_view() {
    let mut sources = read_sources("pipectl");
    // Drift is sorted by verdict, not worded; blocked objects are worded by the reason itself.
    let elsewhere = ["crates/pipectl/src/plan_view", "crates/pipectl/src/render/drift.rs"];
    sources.retain(|source| !elsewhere.iter().any(|path| source.path.starts_with(path)));
    let words = ["FieldVerdict::", ".forces_replacement,", ".resent_fields", "change.data_effects"];
    assert_none("words of a plan elsewhere", find_words(&sources, &words));
}

/// The word after `--` wherever a text names a flag.
fn named_flags(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let flags = words.filter_map(|word| word.strip_prefix("--"));
    flags.map(|flag| flag.trim_end_matches('-')).filter(|flag| flag.starts_with(|c: char| c.is_ascii_lowercase()))
}

#[test]
fn messages_name_only_flags_that_exist() {
    // Those of `git`, which the messages tell how to run.
    const OF_GIT: [&str; 1] = ["unshallow"];
    let manual = std::process::Command::new(env!("CARGO_BIN_EXE_pipectl")).arg("man").output().unwrap();
    // A manual page escapes hyphens, and sets flags in bold by a mark that touches them.
    let manual = String::from_utf8(manual.stdout).unwrap().replace("\\-", "-").replace("\\fB", " ");
    let known: BTreeSet<&str> = named_flags(&manual).chain(OF_GIT).collect();
    assert!(known.contains("allow-replace"), "{known:?}");
    let files = CRATES.iter().flat_map(|(name, _)| read_sources(name));
    // The table of words that people bring from other tools has their flags.
    let elsewhere = ["crates/pipectl/src/git", "crates/pipectl/src/cli/familiar_words.rs"];
    let files = files.filter(|source| !elsewhere.iter().any(|path| source.path.starts_with(path)));
    let unknown = files.flat_map(|source| {
        let flags: Vec<String> = source.string_literals().flat_map(named_flags).map(str::to_owned).collect();
        let unknown = flags.into_iter().filter(|flag| !known.contains(flag.as_str()));
        unknown.map(|flag| format!("{}: --{flag}", source.path)).collect::<Vec<_>>()
    });
    assert_none("flags that the command line does not have", unknown);
}

#[test]
fn serde_attributes_that_lose_positions_are_not_used() {
    // Each of these reads a value as a whole, so that an error has no line any more.
    let words = ["serde(flatten", "serde(untagged", "serde(tag"];
    for name in ["model", "clickpipes"] {
        let mut sources = read_sources(name);
        // The schema finds and places every mistake of `credentials`, one key or a list, before serde reads it.
        sources.retain(|source| source.path != "crates/model/src/project.rs");
        assert_none("attributes that lose places", find_words(&sources, &words));
    }
}

#[test]
fn every_source_file_has_a_module_comment() {
    let all = CRATES.iter().flat_map(|(name, _)| read_sources(name));
    let silent = all.filter(|source| !source.code.starts_with("//!"));
    assert_none("files without a word of their own", silent.map(|source| source.path));
}

/// Words that only this project used for something; docs/glossary.md has the ones to use.
const PRIVATE_WORDS: [&str; 12] =
    ["anew", "bare", "meant", "said", "sight", "stray", "told", "unread", "unseen", "untold", "voice", "whereabouts"];

/// The words of the names that a line of code declares, in lower case.
fn declared_words(line: &str) -> Vec<String> {
    let keywords = ["const", "enum", "fn", "mod", "static", "struct", "trait", "type"];
    let mut tokens = line.split_whitespace().skip_while(|token| !keywords.contains(token)).skip(1);
    let Some(name) = tokens.find(|token| !keywords.contains(token)) else { return Vec::new() };
    let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let mut words = String::new();
    for (previous, next) in std::iter::once('_').chain(name.chars()).zip(name.chars()) {
        if previous.is_lowercase() && next.is_uppercase() {
            words.push('_');
        }
        words.extend(next.to_lowercase());
    }
    words.split('_').map(str::to_owned).collect()
}

#[test]
fn names_use_no_private_words() {
    assert_eq!(declared_words("    pub(crate) async fn was_told<T>(it: T) {"), ["was", "told"]);
    assert_eq!(declared_words("struct LiveSight {"), ["live", "sight"]);
    assert_eq!(declared_words("const SAID: &str = \"\";"), ["said"]);
    let sources: Vec<SourceText> = CRATES.iter().flat_map(|(name, _)| read_sources(name)).collect();
    let broken = sources.iter().flat_map(|source| {
        let code = source.code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let named = code.filter(|line| declared_words(line).iter().any(|word| PRIVATE_WORDS.contains(&word.as_str())));
        named.map(|line| format!("{}: {}", source.path, line.trim()))
    });
    assert_none("names with private words", broken);
}

// A file that no `mod` names is not compiled, and its tests are silently not run.
#[test]
fn every_test_file_is_compiled() {
    let main = fs::read_to_string(workspace_root().join("tests/main.rs")).unwrap();
    let tests = fs::read_dir(workspace_root().join("tests")).unwrap().map(|entry| entry.unwrap().path());
    let stem = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    let modules = tests.filter_map(|path| match path.extension() {
        Some(extension) if extension == "rs" => Some(stem(&path)),
        _ => path.join("mod.rs").is_file().then(|| stem(&path)),
    });
    let left_out = modules.filter(|name| name != "main").filter(|name| !main.contains(&format!("\nmod {name};\n")));
    assert_none("test files that tests/main.rs does not name", left_out);
}
