//! `removed` blocks, with which Terraform forgets a resource without destroying the object.

use std::fmt;

/// A resource that Terraform must forget, with all its instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedBlock {
    from: String,
}

impl fmt::Display for RemovedBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = &self.from;
        write!(f, "removed {{\n  from = {from}\n\n  lifecycle {{\n    destroy = false\n  }}\n}}\n")
    }
}

/// The block for the resource of an instance; `None` if `known` contains it.
pub fn removed_block(instance: &str, known: &[RemovedBlock]) -> Option<RemovedBlock> {
    let removed = RemovedBlock { from: without_indexes(instance) };
    // All instances of a resource have one block, and Terraform refuses two of the same address.
    (!known.contains(&removed)).then_some(removed)
}

/// `module.a["x"].b.c[0]` becomes `module.a.b.c`, because a block takes no index.
fn without_indexes(address: &str) -> String {
    let mut kept = String::new();
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for c in address.chars() {
        match c {
            // A key may contain brackets, quotes and escapes.
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if inside => quoted = !quoted,
            '[' if !inside => inside = true,
            ']' if inside && !quoted => inside = false,
            _ if inside => {}
            // The result is pasted into Terraform code: a prepared state must not add blocks of its own.
            c if c.is_alphanumeric() || "_-.".contains(c) => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::{removed_block, without_indexes};

    #[test]
    fn removed_block_names_resource_without_index() {
        for (instance, resource) in [
            ("clickhouse_clickpipe.a", "clickhouse_clickpipe.a"),
            ("clickhouse_clickpipe.a[0]", "clickhouse_clickpipe.a"),
            (r#"module.m["k"].module.n[1].t.a["x"]"#, "module.m.module.n.t.a"),
            (r#"t.a["b]\"[.c\\"]"#, "t.a"),
            ("t.a\n}\nx {", "t.ax"),
        ] {
            assert_eq!(without_indexes(instance), resource);
        }
    }

    #[test]
    fn resource_gets_only_one_removed_block() {
        let first = removed_block("t.a[0]", &[]);
        assert_eq!(removed_block("t.a[1]", first.as_slice()), None);
        let text = first.map(|first| first.to_string()).unwrap_or_default();
        assert_eq!(text, "removed {\n  from = t.a\n\n  lifecycle {\n    destroy = false\n  }\n}\n");
    }
}
