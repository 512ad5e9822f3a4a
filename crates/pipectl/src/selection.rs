//! Which of the declared objects a command is about.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use model::address::Address;
use model::desired::{Desired, Document};
use model::selector::AddressPattern;

use crate::cli::SelectArgs;

/// A choice of objects.
pub(crate) struct Selection {
    only: Vec<AddressPattern>,
    exclude: Vec<AddressPattern>,
    labels: Vec<(String, String)>,
}

impl Selection {
    /// Reads the flags.
    pub(crate) fn new(args: &SelectArgs) -> Result<Self> {
        let patterns = |texts: &[String]| texts.iter().map(AddressPattern::new).collect();
        let labels = args.labels.iter().map(|label| match label.split_once('=') {
            Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
            None => bail!("--label {label}: write KEY=VALUE"),
        });
        let labels = labels.collect::<Result<_>>()?;
        Ok(Self { only: patterns(&args.only), exclude: patterns(&args.exclude), labels })
    }

    /// Whether everything is meant.
    pub(crate) fn selects_all(&self) -> bool {
        self.only.is_empty() && self.exclude.is_empty() && self.labels.is_empty()
    }

    /// The declared objects that are meant.
    ///
    /// # Errors
    /// When that is none of them: a typo must not look like "nothing to do".
    pub(crate) fn select_addresses(&self, desired: &Desired) -> Result<BTreeSet<Address>> {
        let selected: BTreeSet<Address> = desired
            .iter()
            .filter(|(at, document)| self.matches_document(at, document))
            .map(|(at, _)| at.clone())
            .collect();
        if selected.is_empty() && !self.selects_all() {
            bail!("none of the {} declared objects is selected", desired.len());
        }
        Ok(selected)
    }

    /// Whether a live object is meant. One that no manifest declares has no labels.
    pub(crate) fn is_selected(&self, at: &Address, document: Option<&Document>) -> bool {
        match document {
            Some(document) => self.matches_document(at, document),
            None => self.labels.is_empty() && self.matches_name(at),
        }
    }

    fn matches_document(&self, at: &Address, document: &Document) -> bool {
        let labels = &document.intent.labels;
        self.matches_name(at) && self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    fn matches_name(&self, at: &Address) -> bool {
        (self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(at)))
            && !self.exclude.iter().any(|pattern| pattern.matches(at))
    }
}
