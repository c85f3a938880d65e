//! What watches the hub: a purchase's trace in the store, the traces of the edge's access lines, Prometheus's targets.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::project::Project;
use super::steps::Steps;
use crate::command;

/// Of the profile `observability`, those whose images can be made here.
const WATCHERS: [&str; 3] = ["prometheus", "jaeger", "collector"];
/// A trace that a client brings.
const GIVEN: &str = "0af7651916cd43dd8448eb211c80319c";
/// How many calls `calls_are_made_with_and_without_a_trace` makes; the first brings [`GIVEN`].
const CALLS: usize = 6;
/// The processes of two hubs; the collector and Jaeger, whom spans have reached, and who have refused none.
const HEARD: [&str; 3] = [
    "count(up{job=\"entrepot\"} == 1) == 8",
    "count(otelcol_receiver_accepted_spans_total{job=~\"collector|jaeger\"} > 0) == 2",
    "count(otelcol_receiver_refused_spans_total{job=~\"collector|jaeger\"} == 0) == 2",
];
const HEARD_MAX: Duration = Duration::from_secs(90);
const LINES_MAX: Duration = Duration::from_secs(10);

/// All of it. What watches is gone afterwards, and the hub goes on sending spans.
pub(super) fn all(project: &Project, steps: &mut Steps) -> Result<()> {
    steps.run("up: Prometheus, Jaeger, the collector", || {
        let up = ["up", "--detach", "--wait", "--no-build", "--wait-timeout", "120"];
        project.compose(&[&up[..], &WATCHERS[..]].concat()).map(|_| ())
    })?;
    steps.run("a purchase is one trace", || project.play("traces::a_purchase_is_one_tree"))?;
    steps.run("the edge's access lines lead to traces", || access_lines(project))?;
    steps.run("Prometheus hears the hubs, the collector and Jaeger", || {
        HEARD.iter().try_for_each(|expression| is_heard(project, expression))
    })?;
    steps.run("what watches is taken away", || {
        let gone = ["rm", "--stop", "--force"];
        project.compose(&[&gone[..], &WATCHERS[..]].concat()).map(|_| ())
    })
}

fn access_lines(project: &Project) -> Result<()> {
    project.play_about("traces::calls_are_made_with_and_without_a_trace", GIVEN)?;
    let traces = logged(project)?;
    let is_id = |id: &String| id.len() == GIVEN.len() && id.chars().all(|c| "0123456789abcdef".contains(c));
    ensure!(traces[0] == GIVEN, "a client's trace did not go on: {traces:?}");
    ensure!(traces.iter().all(is_id), "an access line without a trace: {traces:?}");
    let others: BTreeSet<_> = traces.iter().collect();
    ensure!(others.len() == CALLS, "what is no trace went on: {traces:?}");
    for trace in &traces[..2] {
        project.play_about("traces::the_trace_is_found", trace)?;
    }
    Ok(())
}

/// The traces of those calls, as the edge has logged them.
fn logged(project: &Project) -> Result<Vec<String>> {
    let mut log = String::new();
    let logged = command::look_until(LINES_MAX, || {
        log = project.compose(&["logs", "--no-log-prefix", "edge"])?;
        let lines = log.lines().filter(|line| line.contains("HubService/GetHub"));
        let traces: Option<Vec<String>> =
            lines.map(|line| Some(line.split_once("trace_id=")?.1.trim().to_owned())).collect();
        let mut traces = traces.context("an access line names no trace")?;
        Ok((traces.len() >= CALLS).then(|| traces.split_off(traces.len() - CALLS)))
    })?;
    logged.with_context(|| format!("the edge has logged fewer than {CALLS} calls: {log}"))
}

fn is_heard(project: &Project, expression: &str) -> Result<()> {
    let ask =
        ["exec", "-T", "prometheus", "promtool", "query", "instant", "http://127.0.0.1:9090", expression];
    let look = || Ok((!project.compose(&ask)?.trim().is_empty()).then_some(()));
    if command::look_until(HEARD_MAX, look)?.is_none() {
        let targets = project.compose(&[&ask[..7], &["up"][..]].concat())?;
        bail!("after {} s it is not so that {expression}: {targets}", HEARD_MAX.as_secs());
    }
    Ok(())
}
