//! Callers without a token. A guest brings a secret of its own; what belongs to it is bound to that secret, which the hub
//! knows as a hash alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Characters of a secret.
const LEAST: usize = 20;
const MOST: usize = 128;
/// Bytes of one that the hub makes.
const MADE_BYTES: usize = 24;
/// Keeps these hashes apart from any other of the same text.
const PURPOSE: &[u8] = b"entrepot guest\n";

/// What a guest proves by that it is the one who came before.
#[derive(Clone, PartialEq, Eq)]
pub struct GuestSecret(String);

impl GuestSecret {
    /// A secret that a guest brings; what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_visible && (LEAST..=MOST).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "must be {LEAST} to {MOST} visible ASCII characters that nobody can guess, such as a random UUID"
        ))
    }

    /// One for a guest who brings none.
    pub fn make() -> Result<Self, tonic::Status> {
        let mut bytes = [0; MADE_BYTES];
        let filled = aws_lc_rs::rand::fill(&mut bytes);
        filled.map_err(|error| crate::status::internal(format!("no randomness: {error}")))?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The principal that it makes of its holder: `guest:` and its hash.
    pub fn principal(&self) -> String {
        let hash = Sha256::new().chain_update(PURPOSE).chain_update(&self.0).finalize();
        format!("guest:{}", URL_SAFE_NO_PAD.encode(hash))
    }

    /// The secret itself, for the guest alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for GuestSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GuestSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_secret_is_a_principal_that_does_not_tell_it() {
        let (one, other) = (GuestSecret::make().unwrap(), GuestSecret::make().unwrap());
        assert_ne!(one.principal(), other.principal());
        assert_eq!(GuestSecret::parse(one.reveal()).unwrap().principal(), one.principal());
        assert!(!one.principal().contains(one.reveal()) && !format!("{one:?}").contains(one.reveal()));
        // No caller with a token can be taken for a guest.
        assert!(crate::Caller::from_principal(&one.principal()).is_none());
        for weak in [
            "",
            "short",
            "with a space in the middle of it",
            "\u{0e58}\u{0e58}\u{0e58}\u{0e58}\u{0e58}\u{0e58}\u{0e58}\u{0e58}",
            &"x".repeat(129),
        ] {
            assert!(GuestSecret::parse(weak).is_err(), "{weak}");
        }
    }
}
