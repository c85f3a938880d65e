//! How many of something each has: connections of an address, streams of a principal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts by name. Who has none is not remembered.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyedCounter(Arc<Mutex<HashMap<String, usize>>>);

/// One of those that are counted; no more once it is dropped.
#[derive(Debug)]
pub(crate) struct CountGuard {
    of: KeyedCounter,
    name: String,
}

impl KeyedCounter {
    /// One more of `name`, unless it has `most`.
    pub(crate) fn take(&self, name: &str, most: usize) -> Option<CountGuard> {
        let mut counts = self.counts();
        let count = counts.get(name).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        counts.insert(name.to_owned(), count + 1);
        Some(CountGuard { of: self.clone(), name: name.to_owned() })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CountGuard {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        match counts.get_mut(&self.name) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(counts.remove(&self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_count_and_gives_back() {
        let counted = KeyedCounter::default();
        let held: Vec<CountGuard> = (0..3).filter_map(|_| counted.take("a", 2)).collect();
        assert_eq!(held.len(), 2);
        assert!(counted.take("b", 2).is_some());
        drop(held);
        assert!(counted.take("a", 1).is_some());
        assert!(counted.counts().is_empty());
    }
}
