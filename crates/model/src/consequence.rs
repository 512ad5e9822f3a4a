//! What a change does to the data.
