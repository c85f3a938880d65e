//! Whole hubs, judged from outside: journeys, races, refusals on both engines; and a real process that is killed.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

mod clocks;
mod journeys;
mod kills;
mod process;
mod races;
mod refusals;
mod town;
