//! Reads contents from git by their hashes, through one process.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use model::yaml::MAX_BYTES;

use super::Repository;
use super::git_command::start_error;

/// A running `git cat-file --batch`.
// One request, then its whole response. With several requests at once, git would block on a full output pipe and
// pipectl on a full input pipe.
pub(super) struct BlobReader {
    process: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl BlobReader {
    pub(super) fn start_process(repository: &Repository) -> Result<Self> {
        let mut command = repository.git_command();
        // A link has the content of its target, as in the working folder. Git searches only the same commit for it.
        command.args(["cat-file", "--batch", "--follow-symlinks"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().map_err(|error| start_error(&error))?;
        let pipes = process.stdin.take().zip(process.stdout.take());
        let (questions, answers) = pipes.ok_or_else(|| anyhow!("cannot talk to git"))?;
        Ok(Self { process, requests: questions, responses: BufReader::new(answers) })
    }

    /// The text with this hash; `None` if the content is not UTF-8, or too large for a manifest.
    ///
    /// # Errors
    /// When git does not have the content.
    pub(super) fn read_text(&mut self, hash: &str) -> Result<Option<String>> {
        match self.find_blob(hash)? {
            Some((_, text)) => Ok(text),
            None => bail!(missing_content(hash)),
        }
    }

    /// Hash and text of a file, by its hash or as `COMMIT:PATH`; `None` if there is none. A link without a target in
    /// the commit has no text.
    ///
    /// # Errors
    /// When git does not answer.
    pub(super) fn find_blob(&mut self, name: &str) -> Result<Option<(String, Option<String>)>> {
        let failed = || missing_content(name);
        // A line break would end the name.
        if name.contains('\n') {
            bail!(failed());
        }
        writeln!(self.requests, "{name}").with_context(failed)?;
        let mut head = String::new();
        self.responses.read_line(&mut head).with_context(failed)?;
        if head.trim_end().ends_with(" missing") {
            return Ok(None);
        }
        let mut words = head.trim_end().split(' ');
        let (hash, size, kind) = (words.next().unwrap_or_default().to_owned(), words.next_back(), words.next());
        // Links that lead nowhere are answered with a word in place of the hash, and without a kind.
        let (is_file, is_link) = (kind == Some("blob"), kind.is_none() && hash != "notdir");
        let size = size.and_then(|size| size.parse::<u64>().ok());
        let Some(size) = size else { bail!(failed()) };
        let mut content = (&mut self.responses).take(size + 1);
        // The content must be read even if it is not needed, because the next response follows it.
        if !is_file || size > MAX_BYTES as u64 {
            std::io::copy(&mut content, &mut std::io::sink()).with_context(failed)?;
            return Ok((is_file || is_link).then_some((hash, None)));
        }
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes).with_context(failed)?;
        // The response ends with a line break that is not part of the content.
        bytes.pop();
        Ok(Some((hash, String::from_utf8(bytes).ok())))
    }
}

fn missing_content(name: &str) -> String {
    format!(
        "git has no content for {name}; a clone that was made with `--filter` fetches it from its \
         remote, which must be reachable"
    )
}

impl Drop for BlobReader {
    fn drop(&mut self) {
        // The process only reads, so nothing is lost when it is killed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
