//! What the process tells of its work: logs to standard error, traces to a collector.

use anyhow::Result;
use telemetry::{Logs, Telemetry, Traces};

use crate::OfHub;
use crate::configuration::Configuration;

/// Begins to tell.
pub(crate) fn begin(command: &OfHub, configuration: &Configuration) -> Result<Telemetry> {
    let process = &configuration.process;
    // It breaks what others would be warned of.
    let is_quiet = matches!(command, OfHub::Prove(_)) && configuration.resolved.told("log").is_none();
    let filter = if is_quiet { "error" } else { &process.log };
    telemetry::init(Logs { filter, json: process.log_json }, traces(command, configuration))
}

fn traces(command: &OfHub, configuration: &Configuration) -> Option<Traces> {
    let all = Traces {
        url: configuration.traces.url.clone()?,
        one_in: configuration.traces.one_in,
        service: "entrepot".to_owned(),
        hub: None,
        instance: None,
    };
    match command {
        OfHub::Up(_) => Some(all),
        OfHub::Serve(args) => Some(Traces {
            service: args.names("-"),
            hub: configuration.hub_code(),
            instance: configuration.process.instance.clone(),
            ..all
        }),
        // These come and go.
        _ => None,
    }
}
