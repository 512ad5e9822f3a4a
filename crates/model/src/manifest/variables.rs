//! Variables of the chosen environment: `${name}` within a text.

use std::collections::BTreeMap;

use super::code;
use crate::nearest::nearest;
use crate::reference;
use crate::source::{Content, Entry, MAX_BYTES, Node, Remark, Remarks, Span, plain};

/// The variables, and how much text they may still grow into in the file at hand.
pub(super) struct Variables<'v> {
    values: &'v BTreeMap<String, String>,
    bytes_left: usize,
    /// Within a secret no name is quoted: it may be part of the secret.
    discreet: bool,
}

/// Why a text cannot be filled in.
enum Trouble<'t> {
    Unknown(&'t str),
    NoName,
    Unclosed,
    TooMuch,
}

impl<'v> Variables<'v> {
    pub(super) fn new(values: &'v BTreeMap<String, String>) -> Self {
        Self { values, bytes_left: MAX_BYTES, discreet: false }
    }

    /// Fills in every variable below `node`. Keys are left alone, and what was filled in is not
    /// looked at again.
    pub(super) fn put_into(&mut self, node: &mut Node, remarks: &mut Remarks) {
        match &mut node.content {
            Content::List(items) => {
                for item in items {
                    self.put_into(item, remarks);
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    self.put_into_entry(entry, remarks);
                }
            }
            Content::Text { text, plain } if text.contains("${") => {
                let filled = self.fill(text, *plain).unwrap_or_else(|troubles| {
                    for trouble in troubles {
                        remarks.push(self.remark(&trouble, node.span));
                    }
                    Content::Unread
                });
                node.content = filled;
            }
            _ => {}
        }
    }

    fn put_into_entry(&mut self, entry: &mut Entry, remarks: &mut Remarks) {
        let discreet = self.discreet;
        self.discreet |= reference::secret_names().contains(&entry.key);
        self.put_into(&mut entry.value, remarks);
        self.discreet = discreet;
    }

    /// A value without quotes that is one variable and nothing else is read as if the variable's
    /// text stood there: `port: ${port}` is a number.
    fn fill<'t>(&mut self, text: &'t str, is_plain: bool) -> Result<Content, Vec<Trouble<'t>>> {
        let mut filled = String::new();
        let mut troubles = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            if let Some(before) = rest[..at].strip_suffix('$') {
                filled.push_str(before);
                filled.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            filled.push_str(&rest[..at]);
            let (value, after) = self.next(&rest[at + 2..]);
            match value {
                Ok(value) => filled.push_str(value),
                Err(trouble) => troubles.push(trouble),
            }
            rest = after;
            if filled.len() > self.bytes_left {
                troubles.push(Trouble::TooMuch);
                break;
            }
        }
        if !troubles.is_empty() {
            return Err(troubles);
        }
        filled.push_str(rest);
        self.bytes_left = self.bytes_left.saturating_sub(filled.len());
        if is_plain && is_one_variable(text) && !filled.is_empty() {
            return Ok(plain(&filled));
        }
        Ok(Content::Text { text: filled, plain: false })
    }

    /// The value of the variable that `text` begins with, and what comes after its `}`.
    fn next<'t>(&self, text: &'t str) -> (Result<&'v str, Trouble<'t>>, &'t str) {
        let Some((name, rest)) = text.split_once('}') else {
            return (Err(Trouble::Unclosed), "");
        };
        let value = match self.values.get(name) {
            Some(value) => Ok(value.as_str()),
            None if is_name(name) => Err(Trouble::Unknown(name)),
            None => Err(Trouble::NoName),
        };
        (value, rest)
    }

    fn remark(&self, trouble: &Trouble<'_>, span: Span) -> Remark {
        match trouble {
            Trouble::Unknown(name) => self.unknown(name, span),
            Trouble::NoName => Remark::error(
                code::BAD_VARIABLE,
                span,
                "what stands in `${…}` is not the name of a variable",
            )
            .help("only variables of the environment can be used; `$${` stands for a plain `${`"),
            Trouble::Unclosed => Remark::error(code::BAD_VARIABLE, span, "`${` is never closed")
                .help("write `}` after the name; `$${` stands for a plain `${`"),
            Trouble::TooMuch => {
                let message = "variables make the file too large";
                Remark::error(code::TOO_MUCH_TEXT, span, message)
                    .help("shorten the variables, or split the file")
            }
        }
    }

    fn unknown(&self, name: &str, span: Span) -> Remark {
        if self.discreet {
            let message = "there is no such variable in this environment";
            return Remark::error(code::UNKNOWN_VARIABLE, span, message);
        }
        let message = format!("there is no variable `{name}` in this environment");
        let remark = Remark::error(code::UNKNOWN_VARIABLE, span, message);
        match nearest(name, self.values.keys().map(String::as_str)) {
            Some(meant) => remark.help(format!("did you mean `${{{meant}}}`?")),
            None => remark.help(
                "declare it under the environment's `variables` in the project file; `$${` stands \
                 for a plain `${`",
            ),
        }
    }
}

fn is_one_variable(text: &str) -> bool {
    text.strip_prefix("${").is_some_and(|rest| rest.find('}') == Some(rest.len() - 1))
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
