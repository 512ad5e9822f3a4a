//! Names that look like another name.
//
// Hazard: a pull request declares `оrders` with a Cyrillic letter beside `orders`, and a reviewer reads one name. A table of
// the scripts with letters like Latin ones is enough: the crate for all confusable characters has tables of 60 scripts, and
// would warn about names that mix Latin with Japanese, as many do.

use crate::sanitize::is_invisible;

/// Why the name may be taken for another one.
pub fn look_alike_reason(name: &str) -> Option<&'static str> {
    if name.chars().any(is_invisible) {
        return Some("contains invisible characters");
    }
    if name.trim() != name {
        return Some("begins or ends with a blank");
    }
    if name.chars().any(|c| c.is_whitespace() && c != ' ') {
        return Some("contains a blank that is not the usual one");
    }
    if name.chars().any(is_styled_latin) {
        return Some("contains characters that look like plain letters");
    }
    let has_latin = name.chars().any(|c| c.is_alphabetic() && c < '\u{250}');
    (has_latin && name.chars().any(is_like_latin)).then_some("mixes letters of several scripts")
}

/// The name with an escape for each character that is not ASCII.
pub fn escape_foreign(name: &str) -> String {
    name.chars().flat_map(char::escape_default).collect()
}

/// Letters of Greek, Coptic, Cyrillic, Armenian, Cherokee and Lisu. Many are drawn as Latin letters.
fn is_like_latin(c: char) -> bool {
    c.is_alphabetic()
        && matches!(
            c,
            '\u{370}'..='\u{58f}'
                | '\u{13a0}'..='\u{13ff}'
                | '\u{1c80}'..='\u{1c8f}'
                | '\u{1f00}'..='\u{1fff}'
                | '\u{2c80}'..='\u{2cff}'
                | '\u{2de0}'..='\u{2dff}'
                | '\u{a4d0}'..='\u{a4ff}'
                | '\u{a640}'..='\u{a69f}'
                | '\u{ab70}'..='\u{abbf}'
        )
}

/// Latin letters and digits of another width or in mathematical styles, and two phonetic ones.
fn is_styled_latin(c: char) -> bool {
    matches!(c, '\u{251}' | '\u{261}' | '\u{2100}'..='\u{214f}' | '\u{ff01}'..='\u{ff5e}' | '\u{1d400}'..='\u{1d7ff}')
}

#[cfg(test)]
mod tests {
    use super::{escape_foreign, look_alike_reason};

    #[test]
    fn names_that_look_like_others_are_found() {
        for (name, found) in [
            ("\u{43e}rders", true),
            ("\u{3bf}rders", true),
            ("or\u{200b}ders", true),
            ("orders ", true),
            ("orders\u{a0}eu", true),
            ("\u{ff4f}rders", true),
            ("\u{1d5c8}rders", true),
            ("orders eu", false),
            ("заказы", false),
            ("注文-orders", false),
            ("bestellungen-größe", false),
            ("commandes_été ✔\u{fe0f}", false),
        ] {
            assert_eq!(look_alike_reason(name).is_some(), found, "{name}");
        }
        assert_eq!(escape_foreign("\u{43e}rders"), r"\u{43e}rders");
    }
}
