//! The section `[order]` of the configuration.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use settings::{Setting, ValueKind};

/// The service's own settings.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting::new(
        "order.attempts_max",
        ValueKind::Whole { least: 1, most: 100, unit: "attempts" },
        "How many times a saga tries to hold stock and money before it compensates.",
    )
    .default("8"),
    Setting::new(
        "order.lease_seconds",
        ValueKind::Whole { least: 1, most: 300, unit: "seconds" },
        "How long a process's lease of a saga lasts; after a crash no other process resumes the saga before that.",
    )
    .default("10"),
    Setting::new(
        "order.call_timeout_ms",
        ValueKind::Whole { least: 100, most: 20_000, unit: "milliseconds" },
        "How long a call to another service may take within a saga.",
    )
    .default("5000")
    .formerly(&["order.call_ms"]),
    Setting::new(
        "order.guest_quotes_per_hour",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "quotes" },
        "How many quotes callers without a token may request per hour and address (IPv6: per 64-bit prefix). \
         A quote counts as one for every ten lines begun.",
    )
    .default("600"),
    Setting::new(
        "order.buyer_quotes_per_hour",
        ValueKind::Whole { least: 1, most: 1_000_000, unit: "quotes" },
        "How many quotes a signed-in caller may request per hour, counted in the same way.",
    )
    .default("6000"),
    Setting::new(
        "order.failpoint",
        ValueKind::Choice(&["placed", "reserved", "authorised", "recorded", "decided", "released", "voided"]),
        "A failpoint: the step at which sagas stop, so that a test can kill the process there.",
    )
    .example("reserved")
    .sandbox_only()
    .formerly(&["order.stand_at"]),
];

/// How the sagas of orders go on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// How often a saga is taken up to hold stock and money before it gives up and gives all back.
    pub(crate) attempts_max: i64,
    lease_seconds: i64,
    /// How long a call to another service may take within a saga, in milliseconds.
    pub(crate) call_timeout_ms: u64,
    /// How many quotes callers without a token may have made per hour and address.
    pub(crate) guest_quotes_per_hour: NonZeroU32,
    /// And each who has signed in.
    pub(crate) buyer_quotes_per_hour: NonZeroU32,
    /// Where sagas go no further.
    pub(crate) failpoint: Option<Failpoint>,
}

/// A place in a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failpoint {
    /// The saga is saved, nothing is held.
    Placed,
    /// Stock is held.
    Reserved,
    /// Stock and money are held, which is not written yet.
    Authorised,
    /// The outcome is written, nobody was told.
    Recorded,
    /// The decision to give all back is written.
    Decided,
    /// Stock was given back.
    Released,
    /// Stock and money were given back, which is not written yet.
    Voided,
}

impl Config {
    /// How long a saga is somebody's.
    pub(crate) fn lease(&self) -> chrono::Duration {
        chrono::Duration::seconds(self.lease_seconds)
    }

    /// How long a call may take.
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, sandbox: bool) -> Result<Config, String> {
        let section = settings::section(SETTINGS, "order", &text.parse().unwrap(), sandbox);
        Ok(runtime::parse_section(&section.map_err(|wrong| wrong.to_string())?).unwrap())
    }

    #[test]
    fn every_setting_is_read() {
        let config =
            read("attempts_max = 3\nlease_seconds = 4\ncall_timeout_ms = 500\nfailpoint = 'reserved'", true);
        let config = config.unwrap();
        assert_eq!(
            (config.attempts_max, config.lease(), config.call_timeout()),
            (3, chrono::Duration::seconds(4), Duration::from_millis(500))
        );
        assert_eq!(config.failpoint, Some(Failpoint::Reserved));
        assert_eq!(read("", false).unwrap().attempts_max, 8);
    }

    #[test]
    fn every_point_is_one_of_a_saga() {
        let ValueKind::Choice(points) = SETTINGS[5].kind else { panic!("failpoint is a choice") };
        for point in points {
            assert!(read(&format!("failpoint = '{point}'"), true).unwrap().failpoint.is_some());
        }
    }

    #[test]
    fn a_wrong_setting_is_named() {
        let wrong = |text, sandbox| read(text, sandbox).unwrap_err();
        assert_eq!(wrong("attempts_max = 0", true), "order.attempts_max: `0` must be 1 to 100 attempts");
        assert!(wrong("lease_seconds = 301", true).contains("1 to 300 seconds"));
        assert_eq!(wrong("retries = 3", true), "order.retries: there is no such setting");
        assert!(wrong("failpoint = 'reserved'", false).contains("in a sandbox hub only"));
        assert!(wrong("failpoint = 'nowhere'", true).contains("released or voided"));
    }
}
