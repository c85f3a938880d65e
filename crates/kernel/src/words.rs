//! Enums whose variants are kept as words.

/// Declares an enum with the word of each variant, by which databases and messages keep it: `as_str`, `parse`, and `ALL`
/// in the order of the declaration. A variant that is added has all three.
///
/// ```
/// kernel::words! {
///     /// Where a hold stands.
///     pub enum HoldState {
///         /// The money is held.
///         Held = "held",
///         /// It was given back.
///         Voided = "voided",
///     }
/// }
/// assert_eq!(HoldState::Voided.as_str(), "voided");
/// assert_eq!(HoldState::parse("held"), Some(HoldState::Held));
/// assert_eq!(HoldState::parse("Held"), None);
/// assert_eq!(HoldState::ALL.map(HoldState::as_str), ["held", "voided"]);
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$attribute:meta])* $visibility:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// All, in their order.
            $visibility const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word that it is kept by.
            $visibility fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The one that is kept by this word.
            $visibility fn parse(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.as_str() == word)
            }
        }
    };
}
