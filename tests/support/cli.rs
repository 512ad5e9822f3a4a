//! The real binary, in a folder of its own and an empty environment.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

/// A working folder with the examples in it.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

/// What a run said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }

    /// Everything that was said.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// Where the examples of this repository are.
    pub(crate) fn examples() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../manifests-example")
            .canonicalize()
            .unwrap()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn run(&self, args: &[&str]) -> Said {
        self.run_with(args, &[])
    }

    pub(crate) fn run_with(&self, args: &[&str], environment: &[(&str, &str)]) -> Said {
        self.run_reading(args, environment, "")
    }

    pub(crate) fn run_reading(
        &self,
        args: &[&str],
        environment: &[(&str, &str)],
        stdin: &str,
    ) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
        command.current_dir(self.folder.path()).env_clear().args(args).write_stdin(stdin);
        command.envs(environment.iter().copied());
        Self::said(&mut command)
    }

    /// The same in a folder below.
    pub(crate) fn run_in(&self, below: &str, args: &[&str], environment: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipectl"));
        command.current_dir(self.folder.path().join(below)).env_clear().args(args);
        Self::said(command.envs(environment.iter().copied()))
    }

    fn said(command: &mut Command) -> Said {
        let output = command.output().unwrap();
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Changes the sandbox of this folder behind everybody's back.
    pub(crate) fn world<T>(&self, change: impl FnOnce(&mut sandbox::World) -> T) -> T {
        let file = self.folder.path().join(".pipectl/sandbox.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut world: sandbox::World = serde_json::from_str(&text).unwrap();
        let result = change(&mut world);
        std::fs::write(file, serde_json::to_string(&world).unwrap()).unwrap();
        result
    }

    /// The requests that the sandbox of this folder has seen: method, path, status.
    pub(crate) fn journal(&self) -> Vec<(String, String, u64)> {
        self.world(|world| {
            let entries = world.journal().iter();
            entries.map(|e| (e.method.clone(), e.path.clone(), u64::from(e.status))).collect()
        })
    }
}
