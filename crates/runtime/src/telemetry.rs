//! Logs: one readable sentence a line, or JSON.

use tracing_subscriber::EnvFilter;

/// Writes logs to standard error. `filter` is as in `RUST_LOG`, such as `info` or `warn,order=debug`; an error says
/// what is wrong with it. Call it once, from `main`.
pub fn init(filter: &str, json: bool) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| anyhow::anyhow!("--log: `{filter}` is no filter: {error}"))?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    let done = if json { builder.json().try_init() } else { builder.compact().try_init() };
    done.map_err(|error| anyhow::anyhow!("logs are set up already: {error}"))
}
