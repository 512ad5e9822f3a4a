//! Diagnostic codes, declared in lists so that the index of all codes can be checked.

/// Declares the codes of one module, each a constant, and `ALL` of them.
macro_rules! codes {
    ($($name:ident = $code:literal),+ $(,)?) => {
        $(pub(crate) const $name: &str = $code;)+
        /// Every code of this list.
        #[cfg(test)]
        pub(crate) const ALL: &[&str] = &[$($code),+];
    };
}

pub(crate) use codes;
