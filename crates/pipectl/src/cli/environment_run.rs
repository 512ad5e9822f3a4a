//! The environment of a run, and the files of its own.

use std::path::{Path, PathBuf};

use crate::exit::UsageError;

/// Placeholder in a path for the name of the environment.
const PLACEHOLDER: &str = "{env}";

/// The environment of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EnvironmentRun<'n> {
    /// Its name.
    pub(crate) name: &'n str,
    /// Whether the command also runs for other environments.
    pub(crate) is_one_of_several: bool,
}

impl EnvironmentRun<'_> {
    /// The path for this environment.
    ///
    /// # Errors
    /// When several environments would use the same file.
    pub(crate) fn expand_path(self, flag: &str, path: &Path) -> Result<PathBuf, UsageError> {
        let text = path.display().to_string();
        if self.is_one_of_several && !text.contains(PLACEHOLDER) {
            return Err(UsageError(format!(
                "{flag}: several environments would share `{text}`; write {PLACEHOLDER} where the name \
                 of each belongs, such as `{}`",
                suggest_path(path)
            )));
        }
        let filled = PathBuf::from(text.replace(PLACEHOLDER, self.name));
        Ok(if text.contains(PLACEHOLDER) { filled } else { path.to_owned() })
    }
}

/// The path with the placeholder before its extension.
fn suggest_path(path: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.map(|it| it.to_string_lossy().into_owned());
    let (stem, extension) = (part(path.file_stem()), part(path.extension()));
    let stem = stem.filter(|stem| stem != "-").unwrap_or_else(|| "report".to_owned());
    let extension = extension.map(|it| format!(".{it}")).unwrap_or_default();
    path.with_file_name(format!("{stem}-{PLACEHOLDER}{extension}")).display().to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::EnvironmentRun;

    #[test]
    fn output_path_must_contain_the_environment() {
        let path = |several, path: &str| {
            let within = EnvironmentRun { name: "prod", is_one_of_several: several };
            within.expand_path("--out", Path::new(path)).map_err(|error| error.to_string())
        };
        assert_eq!(path(true, "out/{env}/plan.json"), Ok("out/prod/plan.json".into()));
        assert_eq!(path(false, "plan-{env}.json"), Ok("plan-prod.json".into()));
        assert_eq!(path(false, "plan.json"), Ok("plan.json".into()));
        for shared in ["a/plan.json", "-"] {
            assert!(path(true, shared).unwrap_err().contains("{env}"));
        }
        assert!(path(true, "a/plan.json").unwrap_err().contains("`a/plan-{env}.json`"));
    }
}
