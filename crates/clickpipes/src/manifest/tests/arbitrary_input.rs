//! Arbitrary files: parsing ends, positions are valid, and no secret is shown.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{load_all, load_with};
use crate::manifest::ParsedManifests;
use crate::redact_text::{TextRedactor, redact_messages};
use model::diagnostic::{Diagnostic, SourceFile};

const GOOD: &str = include_str!("good.yaml");

/// Every place lies within its file, and every span on a boundary of characters.
fn is_placed(text: &str, diagnostic: &Diagnostic) -> bool {
    let lines = text.split('\n').count() + text.matches('\r').count();
    text.get(diagnostic.span.clone()).is_some()
        && (1..=lines).contains(&(diagnostic.place.line as usize))
        && diagnostic.place.column > 0
}

fn check_places(text: &str, loaded: &ParsedManifests) -> Result<(), TestCaseError> {
    for diagnostic in &loaded.diagnostics {
        prop_assert!(is_placed(text, diagnostic), "{:?} in {:?}", diagnostic, text);
    }
    let places: Vec<_> = loaded.diagnostics.iter().map(|it| (it.place.line, it.place.column)).collect();
    prop_assert!(places.is_sorted());
    Ok(())
}

fn manifest_pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "apiVersion: pipectl/v1\n",
            "kind: ClickPipe\n",
            "metadata:\n",
            "  name: x\n",
            "spec:\n",
            "  source:\n",
            "    kafka:\n",
            "---\n",
            "- ",
            "? ",
            ": ",
            "{",
            "}",
            "[",
            "]",
            ",",
            "&a ",
            "*a",
            "<<: ",
            "|\n",
            ">\n",
            "\"",
            "'",
            "#",
            "!x ",
            "!!str ",
            "%",
            "${",
            "$${x}",
            "\t",
            "\r\n",
            "\u{feff}",
            "\0",
            "  ",
            "\n",
            "password: ",
            "é",
        ])
        .prop_map(str::to_owned),
        "[ -~]{0,6}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_text_can_be_read(text in any::<String>()) {
        check_places(&text, &load_all(&[("x.yaml", &text)]))?;
    }

    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        check_places(&text, &load_all(&[("x.yaml", &text)]))?;
    }

    #[test]
    fn manifest_like_text_can_be_read(text in manifest_pieces()) {
        check_places(&text, &load_all(&[("x.yaml", &text)]))?;
    }

    #[test]
    fn valid_file_with_a_piece_replaced_can_be_read(
        from in any::<Index>(),
        length in 0..400_usize,
        put in manifest_pieces(),
    ) {
        let characters: Vec<char> = GOOD.chars().collect();
        let from = from.index(characters.len());
        let to = (from + length).min(characters.len());
        let text: String =
            characters[..from].iter().copied().chain(put.chars()).chain(characters[to..].iter().copied()).collect();
        check_places(&text, &load_with(&[("x.yaml", &text)], &[("x", "y")]))?;
    }

    // However broken the rest of the file is, no diagnostic quotes a literal secret.
    #[test]
    fn literal_secret_is_never_in_diagnostics(
        form in select(vec![
            "CANARY", "'CANARY'", "\"CANARY\"", "[CANARY]", "{CANARY: x}", "{CANARY}", "!CANARY x",
            "!!CANARY", "*CANARY", "&x CANARY", "|\n            CANARY", "{fromEnv: A, CANARY: b}",
            "${CANARY}", "a${CANARY", "{fromEnv: {CANARY: 1}}", "CANARY: b", "{fromEnv: [CANARY]}",
            "\"CANARY",
        ]),
        spoils in prop::collection::vec(any::<Index>(), 0..3),
    ) {
        const PASSWORD: &str = "password: {fromEnv: ORDERS_KAFKA_PASSWORD}";
        let mut lines: Vec<&str> = GOOD.lines().collect();
        for spoil in spoils {
            let at = spoil.index(lines.len());
            if !lines[at].contains(PASSWORD) {
                lines.remove(at);
            }
        }
        let text = lines.join("\n").replace(PASSWORD, &format!("password: {form}"));
        let mut loaded = load_all(&[("x.yaml", &text)]);
        // As every command does before it prints them.
        let file = SourceFile { name: "x.yaml".into(), text: text.as_str().into() };
        redact_messages(&mut loaded.diagnostics, std::slice::from_ref(&file));
        let said = format!("{:?}", loaded.diagnostics);
        prop_assert!(!said.contains("CANARY"), "{}", said);
        let quoted = TextRedactor::for_texts(std::iter::once(&*text)).redact(&text, []);
        prop_assert!(!quoted.contains("CANARY"), "{}", quoted);
    }
}
