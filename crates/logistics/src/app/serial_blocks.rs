//! S10 serials taken ahead, in blocks: bookings take theirs from memory and do not wait for one another at the row of
//! their carrier. What a process has left of a block when it ends is given to nobody, and so is what was taken for a
//! transaction that was not committed, once the booking had done its part of it: nobody can be sure of that then. What
//! failed before that, such as a batch that is tried by halves, gives its serials back.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use db::{Command, Tx};
use tokio::sync::Notify;

use super::{App, Error};
use crate::store::serials;

/// The least and the most serials of one block.
const BLOCK_MIN: u32 = 10;
const BLOCK_MAX: u32 = 200;
/// How many blocks a carrier's range has at least, as a block may be lost at each restart: where the smallest block is
/// more than that, serials are taken one by one.
const BLOCKS_MIN: u32 = 10_000;

/// How many serials are taken at once of a range of `count`; `None`: no more than are wanted.
fn block_size(count: u32) -> Option<u32> {
    Some(BLOCK_MAX.min(count / BLOCKS_MIN)).filter(|size| *size >= BLOCK_MIN)
}

/// What is taken ahead of each carrier's serials.
#[derive(Debug, Default)]
pub(crate) struct SerialBlocks {
    carriers: Mutex<BTreeMap<String, Ahead>>,
    running_low: Notify,
}

#[derive(Debug, Default)]
struct Ahead {
    serials: Vec<Range<u32>>,
    /// How many were taken last; nothing: none yet.
    block: u32,
    /// The carrier's range has no further block.
    is_over: bool,
}

impl Ahead {
    fn is_low(&self) -> bool {
        let left: u32 = self.serials.iter().map(|range| range.end - range.start).sum();
        !self.is_over && left <= self.block / 2
    }
}

impl SerialBlocks {
    /// At most so many serials of those that were taken ahead. More are taken in time.
    pub(crate) fn take(&self, carrier: &str, count: usize) -> TakenSerials<'_> {
        let mut carriers = self.carriers();
        let ahead = carriers.entry(carrier.to_owned()).or_default();
        let serials: Vec<u32> = ahead.serials.iter_mut().flatten().take(count).collect();
        ahead.serials.retain(|range| !range.is_empty());
        if ahead.is_low() {
            self.running_low.notify_one();
        }
        TakenSerials { blocks: self, carrier: carrier.to_owned(), serials }
    }

    /// Waits until a carrier has few left.
    pub(crate) async fn running_low(&self) {
        self.running_low.notified().await;
    }

    /// Keeps what was taken; nothing: there is no more to take.
    pub(crate) fn keep(&self, taken: Vec<(String, Option<Range<u32>>)>) {
        let mut carriers = self.carriers();
        for (carrier, block) in taken {
            let ahead = carriers.entry(carrier).or_default();
            ahead.is_over = block.is_none();
            ahead.block = block.as_ref().map_or(0, |block| block.end - block.start);
            ahead.serials.extend(block);
        }
    }

    fn low(&self) -> BTreeSet<String> {
        let carriers = self.carriers();
        carriers.iter().filter(|(_, ahead)| ahead.is_low()).map(|(carrier, _)| carrier.clone()).collect()
    }

    fn carriers(&self) -> MutexGuard<'_, BTreeMap<String, Ahead>> {
        self.carriers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serials that are taken for a transaction: they are given back, unless it may have been committed.
#[derive(Debug)]
pub(crate) struct TakenSerials<'a> {
    blocks: &'a SerialBlocks,
    carrier: String,
    serials: Vec<u32>,
}

impl TakenSerials<'_> {
    pub(crate) fn serials(&self) -> &[u32] {
        &self.serials
    }

    /// From now on the transaction may be committed.
    pub(crate) fn use_up(mut self) {
        self.serials.clear();
    }
}

impl Drop for TakenSerials<'_> {
    fn drop(&mut self) {
        if self.serials.is_empty() {
            return;
        }
        let mut carriers = self.blocks.carriers();
        let ahead = carriers.entry(std::mem::take(&mut self.carrier)).or_default();
        for serial in self.serials.drain(..).rev() {
            match ahead.serials.first_mut() {
                Some(next) if next.start == serial + 1 => next.start = serial,
                _ => ahead.serials.insert(0, serial..serial + 1),
            }
        }
    }
}

/// Takes the next block of each carrier that has few left. They are for [`SerialBlocks::keep`], once it is committed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakeSerialBlocks;

impl Command<App> for TakeSerialBlocks {
    type Output = Vec<(String, Option<Range<u32>>)>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Self::Output, Error> {
        let mut taken = Vec::new();
        // In one order, as they are locked.
        for carrier in app.serials.low() {
            let Some(range) = app.hub.carrier(&carrier).map(|carrier| &carrier.s10) else { continue };
            let (first, last) = (range.serial_from, range.serial_to);
            let block = match block_size(last - first) {
                None => None,
                Some(size) => serials::take(tx, &carrier, first, last, size).await?,
            };
            taken.push((carrier, block));
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_loses_a_ten_thousandth_of_a_range_at_most() {
        for (count, size) in
            [(0, None), (99_999, None), (100_000, Some(10)), (1_000_000, Some(100)), (99_999_999, Some(200))]
        {
            assert_eq!(block_size(count), size, "{count}");
        }
    }

    #[tokio::test]
    async fn serials_are_given_once_and_more_are_taken_in_time() {
        let blocks = SerialBlocks::default();
        let take = |count| {
            let taken = blocks.take("post", count);
            let serials = taken.serials().to_vec();
            taken.use_up();
            serials
        };
        assert!(take(1).is_empty());
        blocks.running_low().await;
        assert_eq!(blocks.low(), BTreeSet::from(["post".to_owned()]));
        blocks.keep(vec![("post".to_owned(), Some(7..7 + BLOCK_MAX))]);
        assert!(blocks.low().is_empty());
        let half = 7 + BLOCK_MAX / 2;
        assert!((7..half).all(|serial| take(1) == [serial]));
        blocks.running_low().await;
        blocks.keep(vec![("post".to_owned(), Some(1_000..1_001))]);
        blocks.keep(vec![("post".to_owned(), None)]);
        // The range is over: what was taken is given, and nobody asks for more.
        let rest: Vec<u32> = (half..7 + BLOCK_MAX).chain([1_000]).collect();
        assert_eq!(take(rest.len() + 1), rest);
        assert!(take(1).is_empty());
        assert!(blocks.low().is_empty());
    }

    #[test]
    fn what_was_not_used_is_given_again_and_in_order() {
        let blocks = SerialBlocks::default();
        blocks.keep(vec![("post".to_owned(), Some(7..11))]);
        let (first, second) = (blocks.take("post", 2), blocks.take("post", 1));
        assert_eq!((first.serials(), second.serials()), ([7, 8].as_slice(), [9].as_slice()));
        drop(first);
        second.use_up();
        let all = blocks.take("post", 9);
        assert_eq!(all.serials(), [7, 8, 10]);
        assert!(blocks.take("post", 1).serials().is_empty());
        drop(all);
        assert_eq!(blocks.take("post", 9).serials(), [7, 8, 10]);
    }
}
