//! Files as the systems that read reports name them: from the top of the repository, with slashes.

use std::path::{Component, Path, PathBuf};

use model::sanitize::sanitize_line;

/// How paths are rewritten.
#[derive(Clone, Debug, Default)]
pub struct RepoPaths {
    /// The top of the repository and the working folder, where both are known.
    repo_and_work_dir: Option<(PathBuf, PathBuf)>,
}

impl RepoPaths {
    /// The repository that the working folder is in. Outside of one, paths stay as they were given.
    pub(crate) fn from_current_dir() -> Self {
        let Ok(here) = std::env::current_dir() else { return Self::default() };
        let top = here.ancestors().find(|folder| folder.join(".git").exists());
        Self { repo_and_work_dir: top.map(|top| (top.to_owned(), here.clone())) }
    }

    /// A working folder in a repository.
    pub fn new(top: impl Into<PathBuf>, here: impl Into<PathBuf>) -> Self {
        Self { repo_and_work_dir: Some((top.into(), here.into())) }
    }

    /// The file's name in reports; `None` for standard input.
    pub(crate) fn report_path(&self, name: &str) -> Option<String> {
        if name == "-" {
            return None;
        }
        if let Some(path) = path_in_commit(name) {
            return Some(sanitize_line(path));
        }
        let path = match &self.repo_and_work_dir {
            Some((top, here)) => {
                let whole = normalize_path(&here.join(name));
                whole.strip_prefix(top).map_or_else(|_| normalize_path(Path::new(name)), Path::to_owned)
            }
            None => normalize_path(Path::new(name)),
        };
        // A name can contain terminal escapes. Reports cannot link a file with such a name.
        Some(sanitize_line(&path.to_string_lossy().replace('\\', "/")))
    }
}

/// The path of a file that was read from a commit: `1a2b3c4:pipes/a.yaml`, relative to the top.
fn path_in_commit(name: &str) -> Option<&str> {
    let (commit, path) = name.split_once(':')?;
    let is_hash = commit.len() >= 4 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then_some(path)
}

/// Without `.` and, where that is possible without looking at the disk, without `..`.
fn normalize_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(plain.components().next_back(), Some(Component::Normal(_))) => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::RepoPaths;

    #[test]
    fn report_paths_are_relative_to_the_repository() {
        let paths = RepoPaths::new("/home/ci/repo", "/home/ci/repo/data");
        for (given, told) in [
            ("pipes/a.yaml", "data/pipes/a.yaml"),
            ("./pipes/a.yaml", "data/pipes/a.yaml"),
            ("../pipes/a.yaml", "pipes/a.yaml"),
            ("/home/ci/repo/b.yaml", "b.yaml"),
            ("/elsewhere/b.yaml", "/elsewhere/b.yaml"),
            ("1a2b3c4:data/pipes/a.yaml", "data/pipes/a.yaml"),
        ] {
            assert_eq!(paths.report_path(given).as_deref(), Some(told));
        }
        assert_eq!(paths.report_path("-"), None);
        assert_eq!(RepoPaths::default().report_path("./a/b.yaml").as_deref(), Some("a/b.yaml"));
    }
}
