//! The same manifest in many shapes.

use proptest::prelude::*;

/// The destination of a manifest before the edit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Old {
    NoDestination,
    NullDestination,
    EmptyDestination,
    NoColumns,
    NullColumns,
    EmptyColumns,
    FlowColumns,
    BlockColumns,
}

/// One of many ways to write the same manifest.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) old: Old,
    indent: usize,
    flow: bool,
    quoted: bool,
    dashes_at_key: bool,
    columns_first: bool,
    destination_first: bool,
    comments: bool,
    pub(super) crlf: bool,
    ends: bool,
    others: bool,
}

prop_compose! {
    pub(super) fn shape()(
        old in prop::sample::select(vec![
            Old::NoDestination, Old::NullDestination, Old::EmptyDestination, Old::NoColumns,
            Old::NullColumns, Old::EmptyColumns, Old::FlowColumns, Old::BlockColumns,
        ]),
        indent in 1..6_usize,
        [flow, quoted, dashes_at_key, columns_first, destination_first]: [bool; 5],
        [comments, crlf, ends, others]: [bool; 4],
    ) -> Shape {
        Shape {
            old, indent, flow, quoted, dashes_at_key, columns_first, destination_first, comments,
            crlf, ends, others,
        }
    }
}

impl Shape {
    /// The file in three pieces: what stands before the columns, the columns, and the rest. Where
    /// there are none, all is before.
    pub(super) fn written(&self) -> (String, String, String) {
        let mut text = self.document("one", true);
        if self.others {
            let (zero, two) = (self.document("zero", false), self.document("two", false));
            text = format!("{zero}\n---\n{text}\n--- # more\n{two}");
        }
        if self.ends {
            text.push('\n');
        }
        let text = if self.crlf { text.replace('\n', "\r\n") } else { text };
        let mut pieces = text.split('|').map(str::to_owned);
        let mut piece = || pieces.next().unwrap_or_default();
        (piece(), piece(), piece())
    }

    fn document(&self, name: &str, marked: bool) -> String {
        let pad = " ".repeat(self.indent);
        let note = if self.comments { " # a note: ä - b" } else { "" };
        let source = "kinesis: {format: JSONEachRow, streamName: s, region: eu-west-1, iteratorType: LATEST, authentication: IAM_ROLE, iamRole: 'arn:aws:iam::123456789012:role/x'}";
        let source = format!("{pad}{}:\n{pad}{pad}{source}{note}", self.key("source"));
        let mut spec = vec![source];
        let at = usize::from(!self.destination_first);
        spec.splice(at..at, self.destination(note));
        let between = if self.comments { "\n\n  # - more\n" } else { "\n" };
        let text = format!(
            "# before\napiVersion: pipectl/v1\nkind: ClickPipe\nmetadata: {{name: {name}, service: s}}\n{}:{note}\n{}",
            self.key("spec"),
            spec.join(between)
        );
        if marked { text } else { text.replace('|', "") }
    }

    fn destination(&self, note: &str) -> Option<String> {
        let (pad, key) = (" ".repeat(self.indent), self.key("destination"));
        let short = match self.old {
            Old::NoDestination => return None,
            Old::NullDestination => "",
            Old::EmptyDestination => " {}",
            _ if self.flow => &format!(" {{{}}}", self.entries().join(", ")),
            _ => {
                let join = format!("{note}\n{pad}{pad}");
                let lines = self.entries().join(&join);
                return Some(format!("{pad}{key}: &to\n{pad}{pad}{lines}{note}"));
            }
        };
        Some(format!("{pad}{key}:{short}{note}"))
    }

    fn entries(&self) -> Vec<String> {
        let mut entries = vec!["table: \"t\"".to_owned(), "managedTable: false".to_owned()];
        let at = if self.columns_first { 0 } else { 2 };
        entries.splice(at..at, self.columns());
        entries
    }

    fn columns(&self) -> Option<String> {
        let key = self.key("columns");
        let dash = " ".repeat(self.indent * 2 + if self.dashes_at_key { 0 } else { 3 });
        match self.old {
            Old::NullColumns => Some(format!("{key}:")),
            Old::EmptyColumns => Some(format!("{key}: |[]|")),
            Old::BlockColumns if !self.flow => {
                Some(format!("{key}:\n{dash}|- name: a\n{dash}  type: String\n{dash}- {{name: b, type: Int8}}|"))
            }
            Old::FlowColumns | Old::BlockColumns => Some(format!("{key}: |[{{name: a, type: String}}]|")),
            _ => None,
        }
    }

    fn key(&self, key: &str) -> String {
        if self.quoted { format!("\"{key}\"") } else { key.to_owned() }
    }
}
