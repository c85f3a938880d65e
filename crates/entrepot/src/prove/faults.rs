//! Breaking a hub as planned, and mending it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures::future::try_join_all;

use super::plan::{Absence, Engine, Fault, PlannedFault};
use crate::fleet::Fleet;

/// What a process logs once a saga stands at the named point.
const STANDS: &str = "stopped at its failpoint";
/// How long to wait for a saga to come to the point.
const POINT_PATIENCE: Duration = Duration::from_secs(20);
/// How long an engine may take to be gone, or back.
const ENGINE_PATIENCE: Duration = Duration::from_secs(120);

/// Breaks a hub.
pub(super) struct FaultInjector {
    pub(super) fleet: Fleet,
    /// Stops and starts engines: `COMMAND kill kafka`, `COMMAND start kafka`.
    pub(super) control: Vec<String>,
}

impl FaultInjector {
    /// Does a step of the plan and mends what it broke; what was done, for people.
    pub(super) async fn take(&mut self, step: &PlannedFault) -> Result<String> {
        tokio::time::sleep(step.after).await;
        match &step.fault {
            Fault::Kill { posts } => self.kill(posts, step.away).await,
            Fault::KillAt { post, point } => self.kill_at(*post, point, step.away).await,
            Fault::Hang { post } => self.hang(*post, step.away).await,
            Fault::Engine(engine) => self.engine(*engine, step.away).await,
            Fault::Broker(absence) => self.broker(*absence, step.away).await,
        }
    }

    async fn kill(&mut self, posts: &[usize], away: Duration) -> Result<String> {
        for post in posts {
            self.fleet.process(*post)?.kill().await?;
        }
        tokio::time::sleep(away).await;
        let begun = Instant::now();
        let back = self.fleet.processes_mut().enumerate().filter(|(place, _)| posts.contains(place));
        try_join_all(back.map(|(_, post)| post.start(None))).await?;
        let names: Vec<&str> =
            posts.iter().filter_map(|post| Some(self.fleet.processes().get(*post)?.name.as_str())).collect();
        Ok(format!(
            "killed {}, back after {:.1} s",
            names.join(" and "),
            (away + begun.elapsed()).as_secs_f32()
        ))
    }

    async fn kill_at(&mut self, post: usize, point: &str, away: Duration) -> Result<String> {
        let post = self.fleet.process(post)?;
        post.kill().await?;
        let said = post.log_length();
        post.start(Some(point)).await?;
        let stood = post.says(STANDS, said, POINT_PATIENCE).await;
        post.kill().await?;
        tokio::time::sleep(away).await;
        post.start(None).await?;
        let how = if stood { "killed" } else { "no saga reached the point: killed anyway" };
        Ok(format!("{how} {} at `{point}`, back after {:.1} s", post.name, away.as_secs_f32()))
    }

    async fn hang(&mut self, post: usize, away: Duration) -> Result<String> {
        let post = self.fleet.process(post)?;
        post.hang(true)?;
        tokio::time::sleep(away).await;
        post.hang(false)?;
        Ok(format!("{} hung for {:.1} s", post.name, away.as_secs_f32()))
    }

    async fn engine(&self, engine: Engine, away: Duration) -> Result<String> {
        self.control(&["kill", engine.name()]).await?;
        tokio::time::sleep(away).await;
        let begun = Instant::now();
        self.control(&["start", engine.name()]).await?;
        let gone = away + begun.elapsed();
        Ok(format!("killed {}, back after {:.1} s", engine.name(), gone.as_secs_f32()))
    }

    async fn broker(&self, absence: Absence, away: Duration) -> Result<String> {
        let (take_away, bring_back) = absence.words();
        let broker = Engine::Kafka.name();
        let begun = Instant::now();
        self.control(&[take_away, broker]).await?;
        tokio::time::sleep(away).await;
        self.control(&[bring_back, broker]).await?;
        let how = format!("{absence:?}").to_lowercase();
        Ok(format!("{broker} was {how}, back after {:.1} s", begun.elapsed().as_secs_f32()))
    }

    async fn control(&self, words: &[&str]) -> Result<()> {
        let (program, arguments) = self.control.split_first().context("--control: names no command")?;
        let mut command = tokio::process::Command::new(program);
        command.args(arguments).args(words).stdin(std::process::Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(ENGINE_PATIENCE, command.output()).await;
        let output = output.with_context(|| format!("--control: {} takes too long", words.join(" ")))?;
        let output = output.with_context(|| format!("--control: cannot run {program}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("--control: {} ended with {}: {said}", words.join(" "), output.status);
        }
        Ok(())
    }
}
