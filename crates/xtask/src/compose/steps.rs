//! What is being done, and how long it took.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// The steps so far.
#[derive(Default)]
pub(crate) struct Steps(Vec<(String, Duration, bool)>);

impl Steps {
    /// Does one, saying so.
    pub(crate) fn run<T>(&mut self, name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
        println!("==> {name}");
        let begun = Instant::now();
        let done = step();
        self.0.push((name.to_owned(), begun.elapsed(), done.is_ok()));
        done.with_context(|| name.to_owned())
    }

    /// The closing table.
    pub(crate) fn print(&self) {
        println!();
        for (name, time, is_done) in &self.0 {
            let verdict = if *is_done { "" } else { "FAILED" };
            println!("{name:<64} {:>7.1} s  {verdict}", time.as_secs_f64());
        }
        let (done, failed): (Vec<_>, Vec<_>) = self.0.iter().partition(|(_, _, is_done)| *is_done);
        println!("compose-test: {} passed, {} failed", done.len(), failed.len());
    }
}
