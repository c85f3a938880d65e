//! The section `[order]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// The most that `attempts_max` may be.
const ATTEMPTS_MAX: i64 = 100;
/// The most that `lease_seconds` may be.
const LEASE_SECONDS_MAX: u64 = 300;
/// The most that `call_ms` may be.
const CALL_MS_MAX: u64 = 20_000;

/// How the sagas of orders go on.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// How often a saga is taken up to hold stock and money before it gives up and gives all back; 1 to 100.
    pub(crate) attempts_max: i64,
    /// How long one who took a saga up has it for himself, in seconds of the machine; 1 to 300. After a crash nobody
    /// goes on with it for so long.
    pub(crate) lease_seconds: u64,
    /// How long a call to another service may take within a saga, in milliseconds; 100 to 20,000.
    pub(crate) call_ms: u64,
    /// Where sagas go no further, so that a test can kill the process there: in a sandbox hub only.
    pub(crate) stand_at: Option<StandPoint>,
}

/// A place in a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StandPoint {
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

impl Default for Config {
    fn default() -> Self {
        Self { attempts_max: 8, lease_seconds: 10, call_ms: 5_000, stand_at: None }
    }
}

impl Config {
    /// Reads the section; an error names the key, what is wrong and what is allowed.
    pub(crate) fn read(section: &toml::Table, sandbox: bool) -> anyhow::Result<Self> {
        let config: Self = runtime::parse_section(section)?;
        let bounded = |key: &str, value: i128, least: i128, most: i128| {
            anyhow::ensure!((least..=most).contains(&value), "{key}: {value} must be {least} to {most}");
            Ok(())
        };
        bounded("attempts_max", config.attempts_max.into(), 1, ATTEMPTS_MAX.into())?;
        bounded("lease_seconds", config.lease_seconds.into(), 1, LEASE_SECONDS_MAX.into())?;
        bounded("call_ms", config.call_ms.into(), 100, CALL_MS_MAX.into())?;
        anyhow::ensure!(config.stand_at.is_none() || sandbox, "stand_at: is allowed in a sandbox hub only");
        Ok(config)
    }

    /// How long a saga is somebody's.
    pub(crate) fn lease(&self) -> chrono::Duration {
        chrono::Duration::seconds(i64::try_from(self.lease_seconds).unwrap_or(i64::MAX))
    }

    /// How long a call may take.
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, sandbox: bool) -> Result<Config, String> {
        Config::read(&text.parse().unwrap(), sandbox).map_err(|error| error.to_string())
    }

    #[test]
    fn a_wrong_setting_is_named() {
        assert_eq!(read("", false).unwrap().attempts_max, 8);
        assert!(read("attempts_max = 0", true).unwrap_err().contains("attempts_max"));
        assert!(read("lease_seconds = 301", true).unwrap_err().contains("1 to 300"));
        assert!(read("retries = 3", true).unwrap_err().contains("retries"));
        assert!(read("stand_at = 'reserved'", false).unwrap_err().contains("sandbox"));
        assert_eq!(read("stand_at = 'reserved'", true).unwrap().stand_at, Some(StandPoint::Reserved));
    }
}
