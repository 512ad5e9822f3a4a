//! The page of commands: what `--help` prints, for the site and for search engines.

use std::fmt::Write as _;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::assert_region;

/// The names below `Commands:` of a help.
fn listed_commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that is long goes on in the next line, further in.
    let entries = lines.filter_map(|line| line.strip_prefix("  ").filter(|entry| !entry.starts_with(' ')));
    entries.filter_map(|entry| entry.split_whitespace().next()).map(str::to_owned).collect()
}

/// The help of the program, and that of each command that does something, by the words that select it.
fn all_help() -> Vec<(String, String)> {
    let dir = WorkDir::new();
    let help = |words: &[&str]| dir.run_pipectl(&[words, &["--help"]].concat()).stdout;
    let mut all = vec![("help".to_owned(), help(&[]))];
    for name in listed_commands(&help(&[])) {
        let text = help(&[&name]);
        let below = listed_commands(&text);
        if below.is_empty() {
            all.push((name, text));
        } else {
            all.extend(below.into_iter().map(|word| (format!("{name} {word}"), help(&[&name, &word]))));
        }
    }
    all
}

#[test]
fn page_of_commands_is_what_help_prints() {
    let mut page = String::new();
    for (command, help) in all_help() {
        assert!(help.contains("Usage: "), "{command}: {help}");
        let lines: Vec<&str> = help.trim_end().lines().map(str::trim_end).collect();
        let _ = write!(page, "## `pipectl {command}`\n\n```text\n{}\n```\n\n", lines.join("\n"));
    }
    assert!(page.matches("\n## ").count() > 20, "{page}");
    assert_region("docs/commands.md", "commands", &page);
}
