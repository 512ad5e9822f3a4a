//! The README: its picture is made from what the program prints, and the Japanese one has the same commands.

use std::fmt::Write as _;
use std::fs;

use crate::support::cli::WorkDir;
use crate::support::doc_regions::{assert_generated_file, repository_file};

/// The change of the README: another topic, and one more table.
pub(crate) fn write_changed_examples(dir: &WorkDir) {
    for entry in fs::read_dir(WorkDir::examples_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = fs::read_to_string(&path).unwrap().replace("topics: my_topic\n", "topics: my_topic_v2\n");
            let users = "        - {sourceSchemaName: public, sourceTable: users, targetTable: public_users}\n";
            let text = text.replace(users, &format!("{users}{}", users.replace("users", "orders")));
            dir.write_file(&format!("pipes/{}", path.file_name().unwrap().to_str().unwrap()), text);
        }
    }
}

const CHARACTER_WIDTH: f64 = 7.8;
const LINE_HEIGHT: usize = 19;

/// The width of the terminal, which breaks longer lines.
const COLUMNS: usize = 116;

/// A terminal with this text, which has the colours of a terminal in it.
fn terminal_picture(title: &str, text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().flat_map(picture_lines).collect();
    #[expect(clippy::cast_precision_loss, reason = "a hundred characters")]
    let width = COLUMNS as f64 * CHARACTER_WIDTH + 40.0;
    let height = lines.len() * LINE_HEIGHT + 66;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height}\" viewBox=\"0 0 {width:.0} {height}\" \
         role=\"img\" aria-label=\"{title}\">\n<rect width=\"{width:.0}\" height=\"{height}\" rx=\"8\" fill=\"#1e2127\"/>\n\
         <g fill=\"#3e4451\"><circle cx=\"20\" cy=\"18\" r=\"6\"/><circle cx=\"40\" cy=\"18\" r=\"6\"/><circle cx=\"60\" \
         cy=\"18\" r=\"6\"/></g>\n<g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,monospace\" font-size=\"13\" \
         fill=\"#d7dae0\">\n<text x=\"20\" y=\"50\"><tspan fill=\"#7f848e\">$ </tspan>{title}</text>\n"
    );
    for (index, line) in lines.iter().enumerate() {
        let _ = writeln!(svg, "<text x=\"20\" y=\"{}\">{line}</text>", 50 + (index + 1) * LINE_HEIGHT);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// A line of the program as lines of the picture: broken between words, and indented like its beginning.
fn picture_lines(line: &str) -> Vec<String> {
    let mut style = String::new();
    let mut characters: Vec<(char, String)> = Vec::new();
    for (index, part) in line.split('\u{1b}').enumerate() {
        let text = if index == 0 { part } else { change_style(part, &mut style) };
        characters.extend(text.chars().map(|c| (c, style.clone())));
    }
    let indentation = characters.iter().take_while(|(c, _)| *c == ' ').count();
    let mut rows = Vec::new();
    while characters.len() > COLUMNS {
        let blank = characters[indentation..=COLUMNS].iter().rposition(|(c, _)| *c == ' ');
        let rest = characters.split_off(blank.map_or(COLUMNS, |at| indentation + at));
        rows.push(picture_line(&characters));
        let rest = rest.into_iter().skip(usize::from(blank.is_some()));
        characters = (0..indentation).map(|_| (' ', String::new())).chain(rest).collect();
    }
    rows.push(picture_line(&characters));
    rows
}

/// Blanks do not collapse: browsers no longer know `xml:space`.
fn picture_line(characters: &[(char, String)]) -> String {
    let pieces = characters.chunk_by(|left, right| left.1 == right.1).map(|piece| {
        let text: String = piece.iter().map(|(c, _)| if *c == ' ' { '\u{a0}' } else { *c }).collect();
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        format!("<tspan{}>{text}</tspan>", piece[0].1)
    });
    pieces.collect()
}

/// Reads the colour code at the beginning, and gives the text after it.
fn change_style<'p>(part: &'p str, style: &mut String) -> &'p str {
    let (code, text) = part.strip_prefix('[').and_then(|part| part.split_once('m')).unwrap();
    match code {
        "0" => style.clear(),
        "1" => style.push_str(" font-weight=\"bold\""),
        "2" => style.push_str(" fill=\"#7f848e\""),
        "31" => style.push_str(" fill=\"#e06c75\""),
        "32" => style.push_str(" fill=\"#98c379\""),
        "33" => style.push_str(" fill=\"#e5c07b\""),
        "35" => style.push_str(" fill=\"#c678dd\""),
        other => panic!("the picture knows no code {other:?}: {part}"),
    }
    text
}

#[test]
fn picture_of_the_readme_is_the_plan_of_the_readme() {
    let dir = WorkDir::new();
    let examples = WorkDir::examples_dir().display().to_string();
    assert_eq!(dir.run_pipectl(&["apply", &examples, "--sandbox", "--yes"]).code, 0);
    write_changed_examples(&dir);
    let plan = dir.run_pipectl(&["plan", "pipes", "--sandbox", "--color", "always"]);
    assert_eq!(plan.code, 0, "{}", plan.all_output());
    assert_generated_file("docs/images/plan.svg", &terminal_picture("pipectl plan pipes --sandbox", &plan.stdout));
}

/// The lines of fenced blocks, without their comments.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(repository_file(page)).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|block| block.split("\n```").next().unwrap());
    let lines = blocks.flat_map(str::lines).map(|line| line.split(" #").next().unwrap().trim_end().to_owned());
    lines.collect()
}

#[test]
fn japanese_readme_has_the_same_commands() {
    let english = commands("README.md");
    assert!(english.len() > 8, "{english:?}");
    assert_eq!(commands("README.ja.md"), english);
}

/// What a section of one README has, the other one has too.
#[test]
fn japanese_readme_has_the_same_sections() {
    let sections = |page: &str| {
        let text = fs::read_to_string(repository_file(page)).unwrap();
        text.lines().filter(|line| line.starts_with("## ")).count()
    };
    assert_eq!(sections("README.ja.md"), sections("README.md"));
}
