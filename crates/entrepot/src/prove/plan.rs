//! What is broken, and when: the same seed makes the same plan.

use std::fmt;
use std::time::Duration;

/// Where the sagas of a process can be made to stand still, for it to be killed there.
const POINTS: [&str; 7] = ["placed", "reserved", "authorised", "recorded", "decided", "released", "voided"];
/// Of so many kills one is at a named point, and one takes every process of a service.
const POINT_EVERY: usize = 4;
const SERVICE_EVERY: usize = 5;
/// For so many kills a process hangs once, and an engine goes away once.
const HANG_EVERY: usize = 8;
const ENGINE_EVERY: usize = 20;
/// From so many kills on, the broker is away for a minute once.
const LONG_FROM: usize = 100;
const LONG_AWAY: Duration = Duration::from_secs(60);
/// How long there is peace between faults, unless they are spread over a given time.
const PEACE_MS: std::ops::Range<u64> = 50..700;
/// How long what was broken is away, in milliseconds.
const AWAY_MS: std::ops::Range<u64> = 0..900;
const HANGS_MS: std::ops::Range<u64> = 200..3_500;
const ENGINE_AWAY_MS: std::ops::Range<u64> = 200..5_000;
/// Rounds with the broker: the peace before each, for how long it is away, and every so many times for how long then.
const ROUND_PEACE_MS: std::ops::Range<u64> = 1_000..5_000;
const ROUND_AWAY_MS: std::ops::Range<u64> = 200..15_000;
const ROUNDS_LONG_EVERY: usize = 7;
const ROUND_LONG: u64 = 40_000;

/// An engine of the production shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Postgres,
    Kafka,
}

impl Engine {
    /// Its name, as compose files have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
        }
    }
}

/// How the broker goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// Like a crash.
    Killed,
    /// In good order.
    Stopped,
    /// Its connections stand, and it gets no time.
    Paused,
}

impl Absence {
    /// What takes the broker away and brings it back, in the words of Docker.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Killed => ("kill", "start"),
            Self::Stopped => ("stop", "start"),
            Self::Paused => ("pause", "unpause"),
        }
    }
}

/// What is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// These processes are killed at once.
    Kill { posts: Vec<usize> },
    /// This process is killed when a saga stands at the point.
    KillAt { post: usize, point: &'static str },
    /// This process hangs: it gets no time.
    Hang { post: usize },
    /// An engine is killed.
    Engine(Engine),
    /// The broker goes away, and all that was told meanwhile has to go out soon after its return.
    Broker(Absence),
}

/// A fault, what comes before and how long it lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlannedFault {
    /// Peace before it.
    pub(super) after: Duration,
    pub(super) fault: Fault,
    /// Until it is mended.
    pub(super) away: Duration,
}

/// What a plan is made for.
#[derive(Debug, Clone)]
pub(super) struct PlanOptions {
    pub(super) seed: u64,
    /// Processes to be killed: no fewer, and a few more where the last fault takes several.
    pub(super) kills: usize,
    /// The processes of each service; embedded all are one.
    pub(super) services: Vec<Vec<usize>>,
    /// Which of them drive sagas.
    pub(super) drivers: Vec<usize>,
    /// Whether the engines can be broken.
    pub(super) engines: bool,
    /// Over how long the faults are spread.
    pub(super) spread: Option<Duration>,
}

/// Makes the plan.
pub(super) fn make(wanted: &PlanOptions) -> Vec<PlannedFault> {
    let mut random = fastrand::Rng::with_seed(wanted.seed);
    let mut faults = kills(wanted, &mut random);
    let hangs = wanted.kills.div_ceil(HANG_EVERY);
    faults.extend((0..hangs).map(|_| Fault::Hang { post: any(&mut random, &wanted.services.concat()) }));
    if wanted.engines {
        for engine in [Engine::Postgres, Engine::Kafka] {
            faults.extend((0..wanted.kills.div_ceil(ENGINE_EVERY)).map(|_| Fault::Engine(engine)));
        }
    }
    random.shuffle(&mut faults);
    let mut steps: Vec<PlannedFault> = faults.into_iter().map(|fault| step(fault, &mut random)).collect();
    if wanted.engines && wanted.kills >= LONG_FROM {
        let (after, fault) = (Duration::from_secs(1), Fault::Engine(Engine::Kafka));
        steps.insert(steps.len() / 2, PlannedFault { after, fault, away: LONG_AWAY });
    }
    if let Some(spread) = wanted.spread {
        stretch(&mut steps, spread);
    }
    steps
}

/// The broker alone goes away, so many times: now for a moment, now for longer than its clients wait for an answer, once
/// in a while for longer than a session.
pub(super) fn rounds(seed: u64, rounds: usize) -> Vec<PlannedFault> {
    let mut random = fastrand::Rng::with_seed(seed);
    let absences = [Absence::Killed, Absence::Paused, Absence::Killed, Absence::Stopped];
    let round = |(place, absence): (usize, &Absence)| {
        let away = if place % ROUNDS_LONG_EVERY == ROUNDS_LONG_EVERY - 1 {
            ROUND_LONG
        } else {
            random.u64(ROUND_AWAY_MS)
        };
        PlannedFault {
            after: Duration::from_millis(random.u64(ROUND_PEACE_MS)),
            fault: Fault::Broker(*absence),
            away: Duration::from_millis(away),
        }
    };
    absences.iter().cycle().take(rounds).enumerate().map(round).collect()
}

fn kills(wanted: &PlanOptions, random: &mut fastrand::Rng) -> Vec<Fault> {
    let mut points = POINTS;
    random.shuffle(&mut points);
    let at_points = (wanted.kills / POINT_EVERY).max(POINTS.len().min(wanted.kills));
    let mut faults: Vec<Fault> =
        points.iter().cycle().take(at_points).map(|point| kill_at(wanted, point, random)).collect();
    let mut left = wanted.kills - at_points;
    while left > 0 {
        let service = &wanted.services[random.usize(..wanted.services.len())];
        let whole = service.len() > 1 && random.usize(..SERVICE_EVERY) == 0;
        let posts = if whole { service.clone() } else { vec![any(random, service)] };
        left = left.saturating_sub(posts.len());
        faults.push(Fault::Kill { posts });
    }
    faults
}

fn kill_at(wanted: &PlanOptions, point: &'static str, random: &mut fastrand::Rng) -> Fault {
    Fault::KillAt { post: any(random, &wanted.drivers), point }
}

fn any(random: &mut fastrand::Rng, posts: &[usize]) -> usize {
    posts[random.usize(..posts.len())]
}

fn step(fault: Fault, random: &mut fastrand::Rng) -> PlannedFault {
    let after = Duration::from_millis(random.u64(PEACE_MS));
    let away = match fault {
        Fault::Kill { .. } | Fault::KillAt { .. } => random.u64(AWAY_MS),
        Fault::Hang { .. } => random.u64(HANGS_MS),
        Fault::Engine(_) | Fault::Broker(_) => random.u64(ENGINE_AWAY_MS),
    };
    PlannedFault { after, fault, away: Duration::from_millis(away) }
}

/// Spreads the peace so that all takes about as long as is wanted.
fn stretch(steps: &mut [PlannedFault], spread: Duration) {
    let away: Duration = steps.iter().map(|step| step.away).sum();
    let peace: Duration = steps.iter().map(|step| step.after).sum();
    let (wanted, had) = (spread.saturating_sub(away).as_millis(), peace.as_millis().max(1));
    for step in steps {
        let stretched = step.after.as_millis() * wanted / had;
        step.after = Duration::from_millis(u64::try_from(stretched).unwrap_or(u64::MAX));
    }
}

/// Processes that a plan kills.
pub(super) fn kills_of(steps: &[PlannedFault]) -> usize {
    let kills = |step: &PlannedFault| match &step.fault {
        Fault::Kill { posts } => posts.len(),
        Fault::KillAt { .. } => 1,
        Fault::Hang { .. } | Fault::Engine(_) | Fault::Broker(_) => 0,
    };
    steps.iter().map(kills).sum()
}

/// How many faults there are of each kind.
pub(super) struct Summary<'a>(pub(super) &'a [PlannedFault]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |is: fn(&Fault) -> bool| self.0.iter().filter(|step| is(&step.fault)).count();
        let rounds = count(|fault| matches!(fault, Fault::Broker(_)));
        if rounds > 0 {
            return write!(f, "{rounds} absences of the broker");
        }
        let points = count(|fault| matches!(fault, Fault::KillAt { .. }));
        let hangs = count(|fault| matches!(fault, Fault::Hang { .. }));
        write!(f, "{} kills of processes ({points} at named points), {hangs} hangs", kills_of(self.0))?;
        let engines = count(|fault| matches!(fault, Fault::Engine(_)));
        if engines > 0 {
            let kafka = count(|fault| matches!(fault, Fault::Engine(Engine::Kafka)));
            write!(f, ", {kafka} kills of Kafka, {} of PostgreSQL", engines - kafka)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(seed: u64, kills: usize) -> PlanOptions {
        let services = vec![vec![0, 1], vec![2, 3], vec![4, 5], vec![6, 7]];
        PlanOptions { seed, kills, services, drivers: vec![6, 7], engines: true, spread: None }
    }

    #[test]
    fn the_same_seed_makes_the_same_plan() {
        assert_eq!(make(&wanted(7, 60)), make(&wanted(7, 60)));
        assert_ne!(make(&wanted(7, 60)), make(&wanted(8, 60)));
    }

    #[test]
    fn every_kind_of_fault_is_in_it() {
        for kills in [20, 200] {
            let plan = make(&wanted(3, kills));
            assert!(kills_of(&plan) >= kills && kills_of(&plan) <= kills + 1);
            for point in POINTS {
                assert!(
                    plan.iter()
                        .any(|step| matches!(step.fault, Fault::KillAt { point: at, .. } if at == point))
                );
            }
            assert!(plan.iter().any(|step| matches!(&step.fault, Fault::Kill { posts } if posts.len() == 2)));
            for fault in [Fault::Engine(Engine::Postgres), Fault::Engine(Engine::Kafka)] {
                assert!(plan.iter().any(|step| step.fault == fault));
            }
            assert_eq!(plan.iter().any(|step| step.away == LONG_AWAY), kills >= LONG_FROM);
        }
        assert!(
            make(&PlanOptions { engines: false, ..wanted(3, 200) })
                .iter()
                .all(|step| !matches!(step.fault, Fault::Engine(_)))
        );
    }

    #[test]
    fn the_broker_goes_away_in_every_way() {
        let plan = rounds(3, 20);
        assert_eq!((plan.len(), &plan), (20, &rounds(3, 20)));
        for absence in [Absence::Killed, Absence::Stopped, Absence::Paused] {
            assert!(plan.iter().any(|step| step.fault == Fault::Broker(absence)));
        }
        assert!(plan.iter().any(|step| step.away == Duration::from_millis(ROUND_LONG)));
    }

    #[test]
    fn it_is_spread_over_the_time_given() {
        let spread = Some(Duration::from_secs(600));
        let plan = make(&PlanOptions { spread, ..wanted(3, 50) });
        let all: Duration = plan.iter().map(|step| step.after + step.away).sum();
        assert!(all <= Duration::from_secs(600) && all > Duration::from_secs(595), "{all:?}");
    }
}
