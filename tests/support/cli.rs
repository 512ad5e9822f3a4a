//! The real binary, in a folder of its own and an empty environment.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// Applies `pipes.yaml` of a folder to its sandbox.
pub(crate) const APPLY: [&str; 4] = ["apply", "pipes.yaml", "--sandbox", "--yes"];

/// Plans `pipes.yaml` of a folder, with an exit code that tells changes.
pub(crate) const PLAN: [&str; 4] = ["plan", "pipes.yaml", "--sandbox", "--detailed-exitcode"];

/// A working folder with the examples in it.
pub(crate) struct WorkDir {
    pub(crate) temp_dir: TempDir,
}

/// What a run said.
pub(crate) struct RunOutput {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl RunOutput {
    pub(crate) fn stdout_json(&self) -> Value {
        let document = serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout));
        assert_published_shape(&document);
        document
    }

    /// Everything that was said.
    pub(crate) fn all_output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// Fails if a printed document has a shape that `pipectl schema output` does not describe.
pub(crate) fn assert_published_shape(document: &Value) {
    static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = serde_json::from_str(pipectl::render::envelope::OUTPUT_SCHEMA).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    // The schema for editors is JSON, too, and no output of this kind.
    if document.get("schemaVersion").is_some() {
        let problems: Vec<String> =
            VALIDATOR.iter_errors(document).map(|it| format!("{} at {}", it, it.instance_path())).collect();
        assert_eq!(problems, Vec::<String>::new(), "{document:#}");
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        let file = self.temp_dir.path().join(".pipectl/sandbox.json");
        // A test that fails says why; some spoil the file on purpose.
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if let Ok(world) = serde_json::from_str(&text)
            && !std::thread::panicking()
        {
            super::conformance::check_requests(&world);
        }
    }
}

impl WorkDir {
    pub(crate) fn new() -> Self {
        Self { temp_dir: TempDir::new().unwrap() }
    }

    /// Where the examples of this repository are.
    pub(crate) fn examples_dir() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../manifests-example").canonicalize().unwrap()
    }

    pub(crate) fn write_file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.temp_dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn run_pipectl(&self, args: &[&str]) -> RunOutput {
        self.run_with_env(args, &[])
    }

    pub(crate) fn run_with_env(&self, args: &[&str], environment: &[(&str, &str)]) -> RunOutput {
        self.run_with_stdin(args, environment, "")
    }

    pub(crate) fn run_with_stdin(&self, args: &[&str], environment: &[(&str, &str)], stdin: &str) -> RunOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
        command.current_dir(self.temp_dir.path()).env_clear().args(args).write_stdin(stdin);
        command.envs(environment.iter().copied());
        Self::capture_output(&mut command)
    }

    /// The same in a folder below.
    pub(crate) fn run_in_subfolder(&self, below: &str, args: &[&str], environment: &[(&str, &str)]) -> RunOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
        command.current_dir(self.temp_dir.path().join(below)).env_clear().args(args);
        Self::capture_output(command.envs(environment.iter().copied()))
    }

    fn capture_output(command: &mut Command) -> RunOutput {
        let output = command.output().unwrap();
        RunOutput {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Changes the sandbox of this folder behind everybody's back.
    pub(crate) fn edit_world<T>(&self, change: impl FnOnce(&mut sandbox::World) -> T) -> T {
        let file = self.temp_dir.path().join(".pipectl/sandbox.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut world: sandbox::World = serde_json::from_str(&text).unwrap();
        let result = change(&mut world);
        std::fs::write(file, serde_json::to_string(&world).unwrap()).unwrap();
        result
    }

    /// The requests that the sandbox of this folder has seen: method, path, status.
    pub(crate) fn request_log(&self) -> Vec<(String, String, u64)> {
        self.edit_world(|world| {
            let entries = world.request_log().iter();
            entries.map(|e| (e.method.clone(), e.path.clone(), u64::from(e.status))).collect()
        })
    }

    /// How many requests with this method the sandbox has seen.
    pub(crate) fn count_requests(&self, method: &str) -> usize {
        self.request_log().iter().filter(|(used, ..)| used == method).count()
    }

    /// How many requests that write the sandbox has seen.
    pub(crate) fn count_writes(&self) -> usize {
        self.request_log().iter().filter(|(method, ..)| method != "GET").count()
    }

    /// How many lists of pipes the sandbox has answered.
    pub(crate) fn count_pipe_lists(&self) -> usize {
        self.request_log().iter().filter(|(method, path, _)| method == "GET" && path.ends_with("/clickpipes")).count()
    }
}
