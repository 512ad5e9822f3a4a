//! The part of GitHub's expressions that the action uses: members of contexts, texts, `==`, `!=`, `&&`, `||`, `!`.

use std::collections::BTreeMap;

type Names = BTreeMap<String, String>;

/// Replaces each `${{ … }}`.
pub(crate) fn interpolate(text: &str, names: &Names) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        out.push_str(&evaluate(expression, names));
        rest = after;
    }
    out + rest
}

/// The value of an expression. False and null are empty, as they are in a condition.
pub(crate) fn evaluate(expression: &str, names: &Names) -> String {
    let mut parser = Parser { tokens: tokens(expression), names };
    parser.tokens.reverse();
    let value = parser.any();
    assert!(parser.tokens.is_empty(), "left of {expression}: {:?}", parser.tokens);
    value
}

struct Parser<'p> {
    /// The next one is the last.
    tokens: Vec<String>,
    names: &'p Names,
}

impl Parser<'_> {
    fn takes(&mut self, token: &str) -> bool {
        let found = self.tokens.last().is_some_and(|next| next == token);
        if found {
            self.tokens.pop();
        }
        found
    }

    fn any(&mut self) -> String {
        let mut value = self.all();
        while self.takes("||") {
            let other = self.all();
            value = if value.is_empty() { other } else { value };
        }
        value
    }

    fn all(&mut self) -> String {
        let mut value = self.comparison();
        while self.takes("&&") {
            let other = self.comparison();
            value = if value.is_empty() { value } else { other };
        }
        value
    }

    fn comparison(&mut self) -> String {
        let value = self.operand();
        for (token, wanted) in [("==", true), ("!=", false)] {
            if self.takes(token) {
                return truth((value == self.operand()) == wanted);
            }
        }
        value
    }

    fn operand(&mut self) -> String {
        if self.takes("!") {
            return truth(self.operand().is_empty());
        }
        if self.takes("(") {
            let value = self.any();
            assert!(self.takes(")"));
            return value;
        }
        let token = self.tokens.pop().unwrap();
        match token.strip_prefix('\'') {
            Some(text) => text.trim_end_matches('\'').to_owned(),
            None if token == "cancelled()" => String::new(),
            None => self.names.get(&token).cloned().unwrap_or_default(),
        }
    }
}

fn truth(is_true: bool) -> String {
    if is_true { "true".to_owned() } else { String::new() }
}

fn tokens(expression: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let end = match first {
            '\'' => rest[1..].find('\'').unwrap() + 2,
            '(' | ')' => 1,
            '!' if !rest.starts_with("!=") => 1,
            '=' | '!' | '&' | '|' => 2,
            _ => rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()),
        };
        let end = if rest[end..].starts_with("()") { end + 2 } else { end };
        out.push(rest[..end].to_owned());
        rest = rest[end..].trim_start();
    }
    out
}
