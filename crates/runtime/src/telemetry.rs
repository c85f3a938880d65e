//! Logs: one readable sentence a line, or JSON.

use tracing_subscriber::EnvFilter;

/// What is to be logged, as in `RUST_LOG`, such as `info` or `warn,order=debug`.
pub fn filter(text: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(text).map_err(|error| anyhow::anyhow!("log: `{text}` is no filter: {error}"))
}

/// Writes logs to standard error, those that pass the [`filter`]; an error says what is wrong with it. Call it once, from
/// `main`.
pub fn init(text: &str, json: bool) -> anyhow::Result<()> {
    let filter = filter(text)?;
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(true);
    let done = if json { builder.json().try_init() } else { builder.compact().try_init() };
    done.map_err(|error| anyhow::anyhow!("logs are set up already: {error}"))
}
