//! A new source, from its file to every question about it.

pub(super) mod made_up;
