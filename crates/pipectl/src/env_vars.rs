//! The only module that reads environment variables, except for those of flags.

use std::ffi::{OsStr, OsString};

use secrecy::SecretString;

/// Variables that every program needs that pipectl starts: paths of programs, home and temporary files.
pub(crate) const BASIC_VARIABLES: [&str; 12] = [
    "APPDATA",
    "HOME",
    "HOMEDRIVE",
    "HOMEPATH",
    "LOCALAPPDATA",
    "PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
];

/// The value of the first of these variables that is set and not empty, and which one it is.
pub(crate) fn first_set_variable<'n>(names: &[&'n str]) -> Option<(&'n str, String)> {
    names.iter().find_map(|name| Some((*name, read_variable(name)?)))
}

/// The value of a variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "this module is the one that may")]
pub(crate) fn read_variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A variable that holds a secret.
pub(crate) fn read_secret(name: &str) -> Option<SecretString> {
    read_variable(name).map(SecretString::from)
}

/// The value of a variable, even if it is not text.
pub(crate) fn read_os(name: impl AsRef<OsStr>) -> Option<OsString> {
    std::env::var_os(name)
}

/// `PATH` for the programs that pipectl starts, without relative folders: they would be folders of a stranger's tree.
pub(crate) fn path_of_programs() -> Option<OsString> {
    let value = read_os("PATH")?;
    std::env::join_paths(std::env::split_paths(&value).filter(|folder| folder.is_absolute())).ok()
}

/// Every variable, text or not.
pub(crate) fn all_variables() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The bytes of a variable, even if it is not text.
pub(crate) fn read_bytes(name: impl AsRef<OsStr>) -> Option<Vec<u8>> {
    read_os(name).map(OsString::into_encoded_bytes)
}
