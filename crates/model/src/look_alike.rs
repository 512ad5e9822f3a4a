//! Names that look like another name.
//
// Hazard: a pull request declares `оrders` with a Cyrillic letter next to `orders`, and a reviewer reads one name. A
// table of the scripts with letters like Latin ones is enough: the crate for all confusable characters has tables of 60
// scripts, and would warn about names that mix Latin with Japanese, as many do.

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::sanitize::is_invisible;

/// The reason why the name may look like another one.
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

/// The letters and digits of a text, in one form of Unicode and one case, as an API that normalizes names stores them.
pub fn letters(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    composed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The visible form of a name: names look alike if these are equal.
pub fn visible_name(name: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    let visible: String = composed.chars().filter(|c| !is_invisible(*c)).map(latin_twin).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The Latin letter or hyphen that is drawn alike, or else the character itself.
fn latin_twin(c: char) -> char {
    const FOREIGN: &str = "\
        \u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{456}\u{458}\u{455}\u{501}\u{4bb}\u{51b}\u{51d}\u{43a}\
        \u{410}\u{412}\u{415}\u{41a}\u{41c}\u{41d}\u{41e}\u{420}\u{421}\u{422}\u{423}\u{425}\u{406}\u{408}\u{405}\
        \u{3bf}\u{3b1}\u{3bd}\u{3c1}\u{3b9}\u{3ba}\u{3c5}\
        \u{391}\u{392}\u{395}\u{396}\u{397}\u{399}\u{39a}\u{39c}\u{39d}\u{39f}\u{3a1}\u{3a4}\u{3a5}\u{3a7}\
        \u{585}\u{57d}\u{570}\u{578}\u{251}\u{261}\u{131}\
        \u{2010}\u{2012}\u{2013}\u{2212}";
    const ASCII: &str = "aeopcyxijsdhqwk ABEKMHOPCTYXIJS oavpiku ABEZHIKMNOPTYX ouhnagi ----";
    if c.is_ascii() {
        return c;
    }
    let twins = FOREIGN.chars().zip(ASCII.chars().filter(|c| *c != ' '));
    twins.into_iter().find(|(foreign, _)| *foreign == c).map_or(c, |(_, ascii)| ascii)
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
    use super::{escape_foreign, look_alike_reason, visible_name};

    #[test]
    fn names_that_look_alike_have_one_visible_name() {
        for (name, other, alike) in [
            ("orders", "\u{43e}rders", true),
            ("orders", "\u{3bf}rders", true),
            ("orders", "or\u{200b}ders ", true),
            ("orders eu", "orders\u{a0}eu", true),
            ("orders", "\u{1d5c8}rders", true),
            ("orders-eu", "orders\u{2011}eu", true),
            ("caf\u{e9}", "cafe\u{301}", true),
            ("CHK", "\u{421}\u{397}\u{39a}", true),
            ("aeopcyx-ijs", "\u{430}\u{435}\u{43e}\u{440}\u{441}\u{443}\u{445}\u{2212}\u{456}\u{458}\u{455}", true),
            ("orders", "Orders", false),
            ("orders", "orders2", false),
            ("orders eu", "orders-eu", false),
        ] {
            assert_eq!(visible_name(name) == visible_name(other), alike, "{name} {other}");
        }
    }

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
