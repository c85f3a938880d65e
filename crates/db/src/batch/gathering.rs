//! Those who wait for the next batch, tenant by tenant.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

/// The most commands of one batch.
const TOGETHER_MAX: usize = 64;
/// The most of one batch in bytes (see [`super::Batched::bytes`]), unless its first is larger.
const BYTES_MAX: usize = 256 * 1024;
/// The most that wait of one tenant.
pub(super) const WAITING_MAX: usize = 1_024;

/// One who waits.
pub(super) trait Waiting {
    /// Two of the same are never in one batch.
    fn key(&self) -> Uuid;
    /// See [`super::Batched::bytes`].
    fn bytes(&self) -> usize;
    /// Whether its caller has left.
    fn has_left(&self) -> bool;
}

/// What became of one who came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It waits, and fewer are on their way to take a batch than may be: somebody has to begin, with [`Gathering::take`].
    First,
    /// It waits for those who are.
    Behind,
    /// Too many of its tenant wait.
    Full,
}

/// How many may be on their way at once, and until when each is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takers {
    /// One until it has taken its batch: the next may queue for the database while it is run.
    OneToTake,
    /// So many until their batches are done.
    ToBeDone(usize),
}

/// What one takes, and whether another has to begin for those who are left.
pub(super) struct Taken<W> {
    pub(super) batch: Vec<W>,
    pub(super) more: bool,
}

pub(super) struct Gathering<W> {
    state: Mutex<State<W>>,
    takers: Takers,
}

struct State<W> {
    /// Whose turn it is comes first. Nobody's queue is empty.
    tenants: VecDeque<Tenant<W>>,
    /// Those who are on their way.
    takers: usize,
}

struct Tenant<W> {
    name: String,
    queue: VecDeque<W>,
}

impl<W: Waiting> Gathering<W> {
    pub(super) fn new(takers: Takers) -> Self {
        Self { state: Mutex::new(State { tenants: VecDeque::new(), takers: 0 }), takers }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one wait.
    pub(super) fn add(&self, tenant: String, one: W) -> Added {
        let mut state = self.state();
        match state.tenants.iter_mut().find(|other| other.name == tenant) {
            Some(found) => {
                if found.queue.len() >= WAITING_MAX {
                    found.queue.retain(|one| !one.has_left());
                }
                if found.queue.len() >= WAITING_MAX {
                    return Added::Full;
                }
                found.queue.push_back(one);
            }
            None => state.tenants.push_back(Tenant { name: tenant, queue: VecDeque::from([one]) }),
        }
        let at_once = match self.takers {
            Takers::OneToTake => 1,
            Takers::ToBeDone(at_once) => at_once,
        };
        if state.takers >= at_once {
            return Added::Behind;
        }
        state.takers += 1;
        Added::First
    }

    /// Whether another has taken all that somebody came for.
    pub(super) fn has_nobody_to_run(&self) -> bool {
        self.takers != Takers::OneToTake && self.state().tenants.is_empty()
    }

    /// The next batch; it is empty when all have left.
    pub(super) fn take(&self) -> Taken<W> {
        let mut state = self.state();
        let batch = state.take();
        let more = self.takers == Takers::OneToTake && !state.tenants.is_empty();
        if self.takers == Takers::OneToTake && !more {
            state.takers -= 1;
        }
        Taken { batch, more }
    }

    /// A batch is done; whether whoever took it has to take another.
    pub(super) fn done(&self) -> bool {
        let mut state = self.state();
        let again = self.takers != Takers::OneToTake && !state.tenants.is_empty();
        if self.takers != Takers::OneToTake && !again {
            state.takers -= 1;
        }
        again
    }
}

impl<W: Waiting> State<W> {
    /// One of each tenant, round by round, until it is full or the first of none fits. It is empty when nobody waits.
    fn take(&mut self) -> Vec<W> {
        let (mut batch, mut keys, mut bytes) = (Vec::new(), HashSet::new(), 0);
        // So many of the last in the row have had their turn and none that fits.
        let mut passed = 0;
        while batch.len() < TOGETHER_MAX && passed < self.tenants.len() {
            let Some(mut tenant) = self.tenants.pop_front() else { break };
            while tenant.queue.front().is_some_and(Waiting::has_left) {
                tenant.queue.pop_front();
            }
            if tenant.queue.is_empty() {
                continue;
            }
            let fits = |one: &W| {
                (batch.is_empty() || bytes + one.bytes() <= BYTES_MAX) && !keys.contains(&one.key())
            };
            if tenant.queue.front().is_some_and(fits)
                && let Some(one) = tenant.queue.pop_front()
            {
                keys.insert(one.key());
                bytes += one.bytes();
                batch.push(one);
                passed = 0;
            } else {
                passed += 1;
            }
            if !tenant.queue.is_empty() {
                self.tenants.push_back(tenant);
            }
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One {
        key: u128,
        bytes: usize,
        left: bool,
    }

    impl Waiting for One {
        fn key(&self) -> Uuid {
            Uuid::from_u128(self.key)
        }

        fn bytes(&self) -> usize {
            self.bytes
        }

        fn has_left(&self) -> bool {
            self.left
        }
    }

    fn one(key: u128) -> One {
        One { key, bytes: 0, left: false }
    }

    fn keys(taken: Taken<One>) -> Vec<u128> {
        taken.batch.into_iter().map(|one| one.key).collect()
    }

    #[test]
    fn tenants_take_turns() {
        let waiting = Gathering::new(Takers::OneToTake);
        assert_eq!(waiting.add("many".to_owned(), one(0)), Added::First);
        for key in 1..200 {
            assert_eq!(waiting.add("many".to_owned(), one(key)), Added::Behind);
        }
        waiting.add("few".to_owned(), one(1_000));
        waiting.add("few".to_owned(), one(1_001));
        let batch = keys(waiting.take());
        assert_eq!(batch.len(), TOGETHER_MAX);
        assert_eq!(batch[..5], [0, 1_000, 1, 1_001, 2]);
        assert_eq!(keys(waiting.take()), (62..126).collect::<Vec<_>>());
    }

    #[test]
    fn two_of_one_key_go_one_after_the_other() {
        let waiting = Gathering::new(Takers::ToBeDone(1));
        for (tenant, key) in [("a", 1), ("b", 1), ("a", 2), ("b", 3)] {
            waiting.add(tenant.to_owned(), one(key));
        }
        assert_eq!(keys(waiting.take()), [1, 2]);
        assert_eq!(keys(waiting.take()), [1, 3]);
        assert!(waiting.take().batch.is_empty());
    }

    #[test]
    fn a_batch_has_a_size_unless_its_first_is_larger() {
        let waiting = Gathering::new(Takers::OneToTake);
        for (key, bytes) in [(1, 2 * BYTES_MAX), (2, BYTES_MAX), (3, 1), (4, BYTES_MAX - 1)] {
            waiting.add(String::new(), One { bytes, ..one(key) });
        }
        assert_eq!(keys(waiting.take()), [1]);
        assert_eq!(keys(waiting.take()), [2]);
        assert_eq!(keys(waiting.take()), [3, 4]);
    }

    #[test]
    fn who_has_left_is_passed_over() {
        let waiting = Gathering::new(Takers::ToBeDone(1));
        waiting.add("a".to_owned(), One { left: true, ..one(1) });
        waiting.add("a".to_owned(), one(2));
        waiting.add("b".to_owned(), One { left: true, ..one(3) });
        assert_eq!(keys(waiting.take()), [2]);
        assert!(waiting.take().batch.is_empty());
        // Also where nobody else of its tenant waits.
        waiting.add("a".to_owned(), One { left: true, ..one(4) });
        waiting.add("b".to_owned(), One { left: true, ..one(5) });
        waiting.add("c".to_owned(), one(6));
        waiting.add("c".to_owned(), one(6));
        assert_eq!(keys(waiting.take()), [6]);
        assert_eq!(keys(waiting.take()), [6]);
        assert!(waiting.take().batch.is_empty());
    }

    #[test]
    fn the_next_may_queue_once_one_has_taken_its_batch() {
        let waiting = Gathering::new(Takers::OneToTake);
        assert_eq!(waiting.add(String::new(), one(1)), Added::First);
        assert_eq!(waiting.add(String::new(), one(2)), Added::Behind);
        assert_eq!(keys(waiting.take()), [1, 2]);
        // While that is run.
        assert_eq!(waiting.add(String::new(), one(3)), Added::First);
        assert!(!waiting.done());
        assert_eq!(keys(waiting.take()), [3]);
        // Those who do not go together: somebody has to come for the others.
        assert_eq!(waiting.add(String::new(), one(4)), Added::First);
        assert_eq!(waiting.add(String::new(), one(4)), Added::Behind);
        let taken = waiting.take();
        assert!(taken.more);
        assert_eq!(keys(taken), [4]);
        assert_eq!(waiting.add(String::new(), one(5)), Added::Behind);
        let taken = waiting.take();
        assert!(!taken.more);
        assert_eq!(keys(taken), [4, 5]);
    }

    #[test]
    fn so_many_are_run_at_once_and_a_new_one_begins_when_they_have_ended() {
        let waiting = Gathering::new(Takers::ToBeDone(2));
        assert_eq!(waiting.add(String::new(), one(1)), Added::First);
        assert_eq!(waiting.add(String::new(), one(2)), Added::First);
        assert_eq!(waiting.add(String::new(), one(3)), Added::Behind);
        assert_eq!(keys(waiting.take()), [1, 2, 3]);
        assert!(waiting.take().batch.is_empty());
        assert!(!waiting.done());
        assert_eq!(waiting.add(String::new(), one(4)), Added::First);
        assert_eq!(waiting.add(String::new(), one(5)), Added::Behind);
        assert!(waiting.done());
        assert_eq!(keys(waiting.take()), [4, 5]);
        assert!(!waiting.done());
        assert_eq!(waiting.add(String::new(), one(6)), Added::First);
    }

    #[test]
    fn so_many_of_a_tenant_wait_and_no_more() {
        let waiting = Gathering::new(Takers::OneToTake);
        for key in 0..WAITING_MAX {
            assert_ne!(waiting.add("a".to_owned(), one(u128::try_from(key).unwrap())), Added::Full);
        }
        assert_eq!(waiting.add("a".to_owned(), one(0)), Added::Full);
        assert_eq!(waiting.add("b".to_owned(), one(0)), Added::Behind);
    }
}
