//! Fifty-odd mistakes in four files, all of them told in one run, each at its line.

use std::collections::BTreeSet;

use crate::support::cli::WorkDir;

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
