//! `cargo xtask compose-test`: the whole docker-compose.yml for real: bought from through the edge, traced, broken while
//! buyers buy, backed up, restored into fresh volumes, taken down.

mod engine;
mod images;
mod play;
mod programs;
mod project;
mod steps;
mod watched;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{build, command};
use engine::Engine;
use project::Project;
use steps::Steps;

/// How it is run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The optimised program in the image, as operators have it.
    #[arg(long)]
    release: bool,
    /// Keep a Docker engine of our own and its images for the next run; `--down` ends it.
    #[arg(long)]
    keep_engine: bool,
    /// Only end what an earlier run has kept.
    #[arg(long)]
    down: bool,
}

/// Runs the command; all that it started is stopped at the end, however it ends.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.down {
        return Engine::end_kept();
    }
    let mut steps = Steps::default();
    let program = steps.run("building the program and its tests", || build::program(args.release))?;
    let tests = tests()?;
    let engine = steps.run("a Docker engine with compose", Engine::find)?;
    println!("{}", engine.about());
    let played = with_engine(&engine, &program, &tests, &mut steps);
    let ended = steps.run("ending the engine, if it is ours", || engine.end(args.keep_engine));
    steps.print();
    played.and(ended)
}

fn with_engine(engine: &Engine, program: &Path, tests: &Path, steps: &mut Steps) -> Result<()> {
    let project = Project::new(engine, program, tests)?;
    let played = play::all(&project, steps);
    if played.is_err() {
        project.tell_what_it_said();
    }
    let down = steps.run("down, with all volumes", || project.down());
    played.and(down)
}

/// The binary of the end-to-end tests, some of which play their part here.
fn tests() -> Result<PathBuf> {
    let mut cargo = command::cargo();
    cargo.args(["test", "--package", "e2e", "--test", "it", "--no-run"]);
    let built = build::messages(&mut cargo)?;
    built.into_iter().find_map(|message| message.executable).context("the build produced no end-to-end tests")
}
