//! What a process has used, as the system counts it.

use std::iter::Sum;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Clock ticks a second: fixed in what Linux shows of processes.
const TICKS_PER_SECOND: u64 = 100;
/// Places in `/proc/PID/stat`, counted after the command's name.
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;

/// Processor time and memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Time of all its threads on a processor.
    pub(crate) cpu: Duration,
    /// Memory that it holds, in KiB.
    pub(crate) memory_kib: u64,
}

impl Usage {
    /// Of a process that runs.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        Some(Self { cpu: cpu(&stat)?, memory_kib: memory_kib(&status)? })
    }

    /// Processor time that all of the machine has spent on anything.
    pub(crate) fn of_machine() -> Result<Duration> {
        let stat = std::fs::read_to_string("/proc/stat").context("what the machine uses")?;
        busy(&stat).context("what the machine uses: /proc/stat is unreadable")
    }

    /// What was used since; memory as it is now.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self { cpu: self.cpu.saturating_sub(before.cpu), memory_kib: self.memory_kib }
    }
}

/// User, nice, system, (idle, waiting), interrupts, soft interrupts.
fn busy(stat: &str) -> Option<Duration> {
    let fields: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
    let ticks: u64 = [0, 1, 2, 5, 6].iter().filter_map(|place| fields.get(*place)).sum();
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

/// The name may hold spaces and brackets; what follows the last bracket does not.
fn cpu(stat: &str) -> Option<Duration> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    let ticks = ticks(USER_TICKS)? + ticks(SYSTEM_TICKS)?;
    Some(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
}

fn memory_kib(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), |all, one| Self {
            cpu: all.cpu + one.cpu,
            memory_kib: all.memory_kib + one.memory_kib,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_shows_is_read() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 5 0 100 1 2";
        assert_eq!(cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(memory_kib("Name:\ta\nVmRSS:\t  37888 kB\n"), Some(37_888));
        assert_eq!(busy("cpu  100 0 50 900 30 10 40 0 0 0\ncpu0 1 1"), Some(Duration::from_secs(2)));
        assert!(Usage::of(std::process::id()).unwrap().memory_kib > 0);
    }
}
