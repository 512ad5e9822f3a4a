//! What holds for any text.

use proptest::prelude::*;

use super::redact_secrets;

fn secret_lines() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("password".to_owned()),
        Just("secretKey: ".to_owned()),
        Just(": ".to_owned()),
        Just("|\n".to_owned()),
        Just("fromEnv".to_owned()),
        Just("://".to_owned()),
        "[\\[\\]{},:'\"&*!|>#@ \\-\\n\\t]{1,3}",
        "[a-zé]{1,4}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn mask_keeps_length_and_line_breaks(text in secret_lines()) {
        let masked = redact_secrets(&text);
        prop_assert_eq!(masked.len(), text.len());
        let breaks = |text: &str| -> Vec<usize> {
            text.match_indices('\n').map(|(at, _)| at).collect()
        };
        prop_assert_eq!(breaks(&masked), breaks(&text));
    }

    #[test]
    fn simple_secret_values_are_always_masked(
        indent in 0..6_usize,
        dash in any::<bool>(),
        quote in prop::sample::select(vec!["", "\"", "'"]),
        before in "[a-z]{1,5}: [a-z]{1,5}\n",
    ) {
        let canary = "canary7";
        let dash = if dash { "- " } else { "" };
        let line = format!("{}{dash}password: {quote}{canary}{quote}\n", " ".repeat(indent));
        let masked = redact_secrets(&format!("{before}{line}after: x\n"));
        prop_assert!(!masked.contains(canary), "{}", masked);
        prop_assert!(masked.ends_with("after: x\n"), "{}", masked);
    }
}
