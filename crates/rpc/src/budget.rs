//! Bytes in flight: of requests until they are answered, of answers until they were sent. They are counted for the
//! process, for the connection and for the principal, and whoever would go beyond a bound is refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tonic::{Code, Status};

use crate::limits::MESSAGE_BYTES_MAX;
use crate::{Limits, status};

/// What a call costs beside its messages.
pub(crate) const CALL_BYTES: usize = 8 * 1024;
/// After how long a refused caller shall try again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How many callers without a token may hold all that such callers have.
const ANONYMOUS_SHARES: usize = 16;
/// After how many new principals those who hold nothing are forgotten.
const FORGET_EVERY: usize = 1024;

/// How many bytes are held, and how many may be.
#[derive(Debug)]
pub(crate) struct ByteBudget {
    of: &'static str,
    held: AtomicUsize,
    most: usize,
}

impl ByteBudget {
    pub(crate) fn new(of: &'static str, most: usize) -> Arc<Self> {
        Arc::new(Self { of, held: AtomicUsize::new(0), most })
    }

    fn take(&self, bytes: usize) -> bool {
        let more = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::AcqRel);
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Acquire)
    }
}

/// The accounts of a listener.
#[derive(Debug)]
pub(crate) struct Budgets {
    process: Arc<ByteBudget>,
    anonymous: Arc<ByteBudget>,
    principals: Mutex<HashMap<String, Weak<ByteBudget>>>,
    principal_bytes: usize,
    anonymous_bytes: usize,
}

impl Budgets {
    pub(crate) fn new(limits: &Limits) -> Self {
        let anonymous_bytes = limits.process_bytes / 2;
        // A message each way there must always be room for.
        let share = (anonymous_bytes / ANONYMOUS_SHARES).max(2 * MESSAGE_BYTES_MAX);
        Self {
            process: ByteBudget::new("process", limits.process_bytes),
            anonymous: ByteBudget::new("group, callers without a token,", anonymous_bytes),
            principals: Mutex::default(),
            principal_bytes: limits.principal_bytes,
            anonymous_bytes: share.min(limits.principal_bytes),
        }
    }

    /// Nothing yet, for a call of `principal`.
    pub(crate) fn hold(
        &self,
        principal: &str,
        is_anonymous: bool,
        connection: &Arc<ByteBudget>,
    ) -> HeldBytes {
        let most = if is_anonymous { self.anonymous_bytes } else { self.principal_bytes };
        let mut accounts = vec![self.of(principal, most), connection.clone(), self.process.clone()];
        if is_anonymous {
            accounts.push(self.anonymous.clone());
        }
        HeldBytes { accounts: accounts.into(), bytes: AtomicUsize::new(0) }
    }

    fn of(&self, principal: &str, most: usize) -> Arc<ByteBudget> {
        let mut principals = self.principals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = principals.get(principal).and_then(Weak::upgrade) {
            return account;
        }
        if principals.len().is_multiple_of(FORGET_EVERY) {
            principals.retain(|_, account| account.strong_count() > 0);
        }
        let account = ByteBudget::new("caller", most);
        principals.insert(principal.to_owned(), Arc::downgrade(&account));
        account
    }

    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        self.process.held()
    }
}

/// What a call holds; dropped, it holds nothing.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    accounts: Arc<[Arc<ByteBudget>]>,
    bytes: AtomicUsize,
}

impl HeldBytes {
    /// Nothing yet, on the same accounts.
    pub(crate) fn beside(&self) -> Self {
        Self { accounts: self.accounts.clone(), bytes: AtomicUsize::new(0) }
    }

    /// So many bytes more, or RESOURCE_EXHAUSTED and none.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), Status> {
        for (place, account) in self.accounts.iter().enumerate() {
            if !account.take(bytes) {
                self.accounts.iter().take(place).for_each(|taken| taken.give_back(bytes));
                return Err(refused(account));
            }
        }
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Ok(())
    }

    /// So many bytes less.
    pub(crate) fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.accounts.iter().for_each(|account| account.give_back(bytes));
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        let bytes = *self.bytes.get_mut();
        self.accounts.iter().for_each(|account| account.give_back(bytes));
    }
}

fn refused(account: &ByteBudget) -> Status {
    let ByteBudget { of, most, .. } = account;
    let message = format!(
        "the requests and responses of this {of} already take all of {most} bytes: read the responses, or send less at once"
    );
    status::retry(Code::ResourceExhausted, "TOO_MANY_BYTES_IN_FLIGHT", message, AGAIN_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_callers_without_a_token_share_what_such_callers_have() {
        let budgets = Budgets::new(&Limits::default());
        let hold = |principal: &str, is_anonymous| {
            budgets.hold(principal, is_anonymous, &ByteBudget::new("connection", usize::MAX))
        };
        let (known, address) = (hold("buyer:a", false), hold("127.0.0.1", true));
        known.take(8 << 20).unwrap();
        assert!(address.take((2 << 20) + 1).is_err());
        address.take(2 << 20).unwrap();
        let others: Vec<HeldBytes> = (0..20)
            .map(|number| hold(&number.to_string(), true))
            .filter(|held| held.take(2 << 20).is_ok())
            .collect();
        assert_eq!(others.len(), ANONYMOUS_SHARES - 1);
    }

    #[test]
    fn every_bound_holds_and_what_is_dropped_is_free() {
        let limits = Limits { process_bytes: 100, principal_bytes: 40, ..Limits::default() };
        let budgets = Budgets::new(&limits);
        let connection = ByteBudget::new("connection", 60);
        let (one, two) = (budgets.hold("a", false, &connection), budgets.hold("b", false, &connection));
        one.take(40).unwrap();
        let refused = one.take(1).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert_eq!(status::reason(&refused).as_deref(), Some("TOO_MANY_BYTES_IN_FLIGHT"));
        assert!(status::retry_after(&refused).is_some());
        // The same principal, another call.
        assert!(budgets.hold("a", false, &connection).take(1).is_err());
        // The connection.
        assert!(two.take(21).is_err());
        two.take(20).unwrap();
        // The process, and half of it for those without a token.
        let others: Vec<HeldBytes> = (0..9)
            .map(|number| budgets.hold(&number.to_string(), true, &ByteBudget::new("connection", 60)))
            .filter(|held| held.take(10).is_ok())
            .collect();
        assert_eq!((others.len(), budgets.held()), (4, 100));
        drop(others);
        let others: Vec<HeldBytes> = (0..9)
            .map(|number| budgets.hold(&number.to_string(), true, &ByteBudget::new("connection", 60)))
            .filter(|held| held.take(11).is_ok())
            .collect();
        assert_eq!(others.len(), 3);
        one.give_back(10);
        drop((one, two, others));
        assert_eq!((budgets.held(), connection.held()), (0, 0));
    }
}
