//! What a token says, and whether that is consistent.

use serde::{Deserialize, Serialize};

use super::{CLOCK_SKEW, Error, TOKEN_LIFETIME_MAX, TokenError, is_subject};
use crate::{Caller, Role};

/// The claims of a token. Tokens of the release before have neither `iss` nor `aud`.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Claims {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) iss: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) aud: Option<String>,
    pub(super) sub: String,
    pub(super) role: Role,
    pub(super) hub: String,
    pub(super) iat: u64,
    pub(super) exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nbf: Option<u64>,
}

/// Who signs the tokens of this role: the hub's issuer, or the service itself.
fn issuer(hub: &str, role: Role, subject: &str) -> String {
    match role {
        Role::Service => format!("entrepot/{hub}/{subject}"),
        Role::Buyer | Role::Seller | Role::Operator | Role::Carrier => format!("entrepot/{hub}"),
    }
}

/// Where the tokens of this role are valid: at the hub's API, or between its services alone.
fn audience(hub: &str, role: Role) -> String {
    match role {
        Role::Service => format!("entrepot/{hub}/internal"),
        Role::Buyer | Role::Seller | Role::Operator | Role::Carrier => format!("entrepot/{hub}/api"),
    }
}

impl Claims {
    /// Those of a token that is valid from `iat` on for so many seconds.
    pub(crate) fn new(hub: &str, caller: &Caller, iat: u64, ttl_seconds: u64) -> Result<Self, Error> {
        if !is_subject(&caller.subject) {
            return Err(Error::Subject);
        }
        if ttl_seconds == 0 || ttl_seconds > TOKEN_LIFETIME_MAX.as_secs() {
            return Err(Error::Lifetime);
        }
        Ok(Self {
            iss: Some(issuer(hub, caller.role, &caller.subject)),
            aud: Some(audience(hub, caller.role)),
            sub: caller.subject.clone(),
            role: caller.role,
            hub: hub.to_owned(),
            iat,
            exp: iat.saturating_add(ttl_seconds),
            nbf: None,
        })
    }

    /// Whether they hold for this hub at this time. Only a token of the release before may leave its issuer and
    /// audience out.
    pub(super) fn check(&self, hub: &str, now: u64, may_be_old: bool) -> Result<(), TokenError> {
        if self.hub != hub {
            return Err(TokenError::OtherHub);
        }
        let fits = |found: &Option<String>, expected: String| match found {
            Some(found) => *found == expected,
            None => may_be_old,
        };
        let is_ours = fits(&self.iss, issuer(hub, self.role, &self.sub))
            && fits(&self.aud, audience(hub, self.role))
            && is_subject(&self.sub);
        if is_ours { self.check_time(now) } else { Err(TokenError::Invalid) }
    }

    /// Whether its time has come, and is no longer than a token's may be.
    fn check_time(&self, now: u64) -> Result<(), TokenError> {
        let begins = self.nbf.unwrap_or(self.iat).max(self.iat);
        if begins > now.saturating_add(CLOCK_SKEW.as_secs()) {
            return Err(TokenError::NotYet);
        }
        match self.exp.checked_sub(self.iat) {
            None => Err(TokenError::Invalid),
            Some(lasts) if lasts > TOKEN_LIFETIME_MAX.as_secs() => Err(TokenError::LastsTooLong),
            Some(_) => Ok(()),
        }
    }
}
