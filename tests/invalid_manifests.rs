//! Fifty-odd mistakes in four files, all of them told in one run, each at its line.

use std::collections::BTreeSet;

use crate::support::cli::WorkDir;
use crate::templates::{PIPES, TEMPLATE};

/// Each line with a mistake ends in `# !code`.
const FILES: [(&str, &str); 4] = [
    ("broken/kafka.yaml", include_str!("fixtures/broken/kafka.yaml")),
    ("broken/database.yaml", include_str!("fixtures/broken/database.yaml")),
    ("broken/storage.yaml", include_str!("fixtures/broken/storage.yaml")),
    ("broken/envelope.yaml", include_str!("fixtures/broken/envelope.yaml")),
];

#[test]
fn validate_reports_every_mistake_at_its_line() {
    let desk = WorkDir::new();
    let mut expected = BTreeSet::new();
    for (name, text) in FILES {
        desk.write_file(name, text);
        for (number, line) in text.lines().enumerate() {
            let codes = line.split_once("# !").map_or("", |(_, codes)| codes);
            expected.extend(codes.split_whitespace().map(|code| (name.to_owned(), number as u64 + 1, code.to_owned())));
        }
    }
    let said = desk.run_pipectl(&["validate", "broken", "-o", "json"]);
    assert_eq!(said.code, 1);
    let json = said.stdout_json();
    let found: BTreeSet<(String, u64, String)> = json["result"]["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let place = &problem["place"];
            (text(&place["file"]), place["line"].as_u64().unwrap(), text(&problem["code"]))
        })
        .collect();
    assert_eq!(found, expected, "\n{}", desk.run_pipectl(&["validate", "broken"]).stderr);
    let codes: BTreeSet<&String> = expected.iter().map(|(_, _, code)| code).collect();
    println!("{} mistakes of {} kinds", expected.len(), codes.len());
    assert!(expected.len() >= 30);
}

/// Of a long line, what is around the mistake is quoted: at its true column, and with no fix that would be cut.
#[test]
fn mistake_far_in_a_long_line_is_quoted_at_its_column() {
    let desk = WorkDir::new();
    let names: Vec<String> = (0..400).map(|number| format!("ü{number}")).collect();
    let text = |typo: &str| {
        let labels = names.iter().map(|name| format!("{name}: x")).collect::<Vec<_>>().join(", ");
        format!(
            "apiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: a, labels: {{{labels}}}, {typo}: s, id: x}}\n"
        )
    };
    for (name, typo) in [("long.yaml", "servise"), ("right.yaml", "service")] {
        desk.write_file(name, text(typo));
    }
    let json = desk.run_pipectl(&["validate", "long.yaml", "-o", "json"]).stdout_json();
    let problems = json["result"]["diagnostics"].as_array().unwrap().clone();
    let place = &problems.iter().find(|it| it["code"] == "unknown-field").unwrap()["place"];
    let shown = desk.run_pipectl(&["validate", "long.yaml"]).stderr;
    assert!(place["column"].as_u64().unwrap() > 2000, "{place}");
    assert!(shown.contains(&format!("long.yaml:3:{}\n", place["column"])), "{shown}");
    assert!(shown.contains("servise: s") && shown.contains("did you mean `service`?"), "{shown}");
    assert!(!shown.contains("write this") && !shown.contains("3:401"), "{shown}");
}

/// A template that only the project knows is not missing because its file has a byte that is no text.
#[test]
fn template_in_a_file_that_is_no_text_is_broken() {
    let dir = WorkDir::new();
    dir.write_file("pipectl.yaml", "apiVersion: pipectl/v1\nkind: Project\nmanifests: [shared, pipes]\n");
    dir.write_file("shared/templates.yaml", [TEMPLATE.as_bytes(), b"# \xff\n"].concat());
    dir.write_file("shared/other.yaml", TEMPLATE.replace("name: clicks", "name: click"));
    dir.write_file("pipes/pipes.yaml", PIPES);
    let said = dir.run_pipectl(&["validate", "pipes/pipes.yaml"]);
    let line = TEMPLATE.lines().count() + 1;
    assert!(said.stderr.starts_with("error[broken-template]"), "{}", said.all_output());
    assert!(said.stderr.contains(&format!("the mistake is here (shared/templates.yaml:{line}:3)")), "{}", said.stderr);
    assert_eq!((said.code, said.stderr.contains("did you mean")), (1, false), "{}", said.stderr);
    // So it is if the file is too large.
    let filler = format!("# {}\n", "x".repeat(9 * 1024 * 1024));
    dir.write_file("shared/templates.yaml", TEMPLATE.to_owned() + &filler);
    let said = dir.run_pipectl(&["validate", "pipes/pipes.yaml"]);
    assert!(said.stderr.starts_with("error[broken-template]"), "{}", said.all_output());
    assert!(said.stderr.contains("the mistake is here (shared/templates.yaml:1:1)"), "{}", said.stderr);
}
