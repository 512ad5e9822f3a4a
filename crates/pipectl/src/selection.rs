//! The selection of objects by `--only`, `--exclude` and `--label`.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use model::address::Address;
use model::desired::{Desired, Document};
use model::label_selector::LabelSelector;
use model::sanitize::sanitize_line;
use model::selector::AddressPattern;

/// A choice of objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) only: Vec<AddressPattern>,
    pub(crate) exclude: Vec<AddressPattern>,
    pub(crate) labels: Vec<LabelSelector>,
}

impl Selection {
    /// Whether everything is selected.
    pub(crate) fn selects_all(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty() && self.labels.is_empty()
    }

    /// The selected objects among the declared ones. With `prunes`, a name may also be that of an object without a
    /// manifest.
    ///
    /// # Errors
    /// When no object is selected, or an entry matches none.
    pub(crate) fn select_addresses(&self, desired: &Desired, prunes: bool) -> Result<BTreeSet<Address>> {
        // One of many mistyped names must not be ignored silently.
        let is_wrong = |pattern: &&AddressPattern| !prunes && !desired.keys().any(|at| pattern.matches(at));
        let wrong: Vec<String> =
            self.only.iter().filter(is_wrong).map(|it| format!("`{}`", sanitize_line(&it.to_string()))).collect();
        if !wrong.is_empty() && wrong.len() < self.only.len() {
            bail!("none of the {} declared objects is {}", desired.len(), wrong.join(" or "));
        }
        let selected: BTreeSet<Address> = desired
            .iter()
            .filter(|(at, document)| self.matches_document(at, document))
            .map(|(at, _)| at.clone())
            .collect();
        // A mistyped name must not look like "nothing to do".
        if selected.is_empty() && !self.selects_all() {
            bail!("none of the {} declared objects is selected", desired.len());
        }
        Ok(selected)
    }

    /// Whether a live object is selected. `document` is its manifest, if it has one.
    pub(crate) fn is_selected(&self, at: &Address, document: Option<&Document>) -> bool {
        match document {
            Some(document) => self.matches_document(at, document),
            // Labels are in manifests only, so an object without one matches no `--label`.
            None => self.labels.is_empty() && self.matches_name(at),
        }
    }

    fn matches_document(&self, at: &Address, document: &Document) -> bool {
        let labels = &document.intent.labels;
        self.matches_name(at) && self.labels.iter().all(|selector| selector.matches(labels))
    }

    fn matches_name(&self, at: &Address) -> bool {
        (self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(at)))
            && !self.exclude.iter().any(|pattern| pattern.matches(at))
    }
}
