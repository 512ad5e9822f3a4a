//! The address of the documentation.

/// The address of a page of `docs/`, at a heading.
pub(crate) fn page_url(page: &str, anchor: &str) -> String {
    format!("{}/blob/main/docs/{page}.md#{anchor}", env!("CARGO_PKG_REPOSITORY"))
}
