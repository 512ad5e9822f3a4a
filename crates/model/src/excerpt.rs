//! Parts of long values for a line.

use serde_json::Value;

/// The characters before the first difference of two long values.
const CONTEXT_CHARS: usize = 12;

/// At most `most` characters.
pub fn truncate_chars(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{start}…")
}

/// Two values in at most so many characters each. If both begin alike, the first difference is shown instead of the
/// beginning, so that the two never print alike.
pub fn short_pair(before: &Value, after: &Value, most: usize) -> [String; 2] {
    let texts = [before, after].map(|value| value.to_string().chars().collect::<Vec<char>>());
    let same = texts[0].iter().zip(&texts[1]).take_while(|(a, b)| a == b).count();
    let is_long = texts.iter().any(|text| text.len() > most);
    let start = if is_long && same + CONTEXT_CHARS > most { same - CONTEXT_CHARS } else { 0 };
    texts.map(|text| {
        let lead = if start > 0 { "…" } else { "" };
        let room = most - lead.chars().count();
        let rest: String = text[start.min(text.len())..].iter().collect();
        format!("{lead}{}", truncate_chars(&rest, room))
    })
}
