//! Diagnostic codes, declared in lists so that the index of all codes can be checked.

/// Declares the codes of one module as constants, and the list `ALL` of them.
#[macro_export]
macro_rules! codes {
    ($($name:ident = $code:literal),+ $(,)?) => {
        $(#[doc = concat!("`", $code, "`")] pub const $name: &str = $code;)+
        /// Every code of this list.
        pub const ALL: &[&str] = &[$($code),+];
    };
}
