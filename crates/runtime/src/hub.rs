//! A running hub.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use db::Db;
use events::{Bus, Outbox, Published, Subscription, relay};
use kernel::Clock;
use rpc::{Channel, Drain, Health, Issuer, Policies, PolicyTable, Server, ServerEnd};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::continuity::{ConsumerSources, Exchange, MarkRounds, OpenDatabase, Peering};
use crate::keys::Keys;
use crate::metrics::{self, Exposure, Observed, Sampler, View};
use crate::operator::{self, Overview};
use crate::{
    Deps, Error, Peers, Service, Settings, Spec, Worker, continuity, databases, folder, instances, membership,
};

/// The runtime's own proto package.
pub const OPERATOR_PACKAGE: &str = "entrepot.operator.internal.v1";
/// How long workers and relays may take to finish their step.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// A hub that runs in this process.
pub struct Hub {
    code: String,
    keys: Keys,
    clock: Clock,
    public: SocketAddr,
    internal: SocketAddr,
    channels: (Channel, Channel),
    /// What is served within the process, until the hub has stopped.
    in_process: Vec<ServerEnd>,
    databases: BTreeMap<&'static str, Db>,
    rounds: MarkRounds,
    drain: Drain,
    health: Health,
    calls: Option<rpc::HubMetrics>,
    shown: Option<Exposure>,
    stop: CancellationToken,
    servers: JoinSet<()>,
    tasks: JoinSet<()>,
    _folder: folder::Held,
}

/// A service on its way to being served.
struct Built {
    spec: Spec,
    service: Service,
    serving: ServerEnd,
}

impl Hub {
    /// Starts the services of `specs`, as one hub: opens and migrates their databases, listens, and begins to relay,
    /// consume and work. On an error nothing is left running.
    pub async fn start(settings: Settings, specs: &[Spec], bus: Arc<dyn Bus>) -> Result<Self, Error> {
        check_sections(&settings, specs)?;
        let folder = folder::take(&settings.folder)?;
        let code = settings.profile.code().to_owned();
        let calls = settings.metrics.as_ref().map(|metrics| metrics.calls(&code));
        let keys = Keys::open(&settings, specs)?;
        let public = listen("public", settings.public).await?;
        let internal = listen("internal", settings.internal).await?;
        let mut opened = continuity::open_all(&settings, specs).await?;
        let databases = by_service(&opened);
        let clock = operator::clock(&settings, &databases).await?;
        let drain = Drain::new();
        let (built, peerings) = build(&settings, specs, &databases, &clock, &keys, &drain)?;
        let hearing = consumer_sources(&built);
        continuity::verify(&opened, &hearing, &[]).await?;
        continuity::settle(&opened, &hearing, &code, clock.now()).await?;
        let checks = opened.iter_mut().filter_map(|one| Some((one.service, one.check.take()?)));
        let mut hub = Self {
            code,
            keys,
            clock,
            public: public.1,
            internal: internal.1,
            // Replaced as soon as there are servers.
            channels: (Channel::in_process().0, Channel::in_process().0),
            in_process: Vec::new(),
            rounds: MarkRounds::new(databases.clone()),
            databases,
            drain,
            health: Health::default(),
            calls,
            shown: None,
            stop: CancellationToken::new(),
            servers: JoinSet::new(),
            tasks: JoinSet::new(),
            _folder: folder,
        };
        for (service, check) in checks {
            let watching = databases::contents(service, check, hub.health.clone());
            hub.tasks.spawn(watching.run(hub.stop.child_token()));
        }
        hub.run(&settings, built, peerings, bus, (public.0, internal.0)).await?;
        Ok(hub)
    }

    async fn run(
        &mut self,
        settings: &Settings,
        built: Vec<Built>,
        peerings: Vec<Peering>,
        bus: Arc<dyn Bus>,
        (public, internal): (TcpListener, TcpListener),
    ) -> Result<(), Error> {
        for warning in settings.profile.warnings(settings.profile.today(self.clock.now())) {
            tracing::warn!(hub = self.code, "{warning}");
        }
        let exchange = Exchange::new(self.health.clone(), self.databases.keys().copied());
        for peering in &peerings {
            let compared = exchange.compare(peering).await;
            compared.map_err(|source| Error::Database { service: peering.service, source })?;
        }
        let policies = Arc::new(policies(&built)?);
        let mut subscriptions = Vec::new();
        let (mut public_routes, mut internal_routes, mut workers) = (Vec::new(), Vec::new(), Vec::new());
        let mut samplers = Vec::new();
        for Built { spec, service, serving } in built {
            for consumer in service.consumers {
                let db = self.databases[spec.name].clone();
                let subscription =
                    Subscription::new(&self.code, consumer, db, self.clock.clone(), self.stop.child_token());
                let subscription = exchange.hold(spec.name, subscription);
                bus.subscribe(subscription.clone()).await?;
                subscriptions.push((spec.name, subscription));
            }
            public_routes.push(service.public);
            internal_routes.push(service.internal.clone());
            workers.extend(service.workers);
            samplers.extend(service.samplers.into_iter().map(|sampler| (spec.name, sampler)));
            self.serve_in_process(self.internal_server(service.internal, &policies), serving);
        }
        let (databases, clock) = (self.databases.clone(), self.clock.clone());
        let overview = Overview::new(
            databases,
            subscriptions.clone(),
            bus.clone(),
            clock,
            settings.sandbox,
            exchange.clone(),
        );
        internal_routes.push(operator::routes(overview));
        self.serve_outside(
            settings,
            rpc::merge(public_routes),
            rpc::merge(internal_routes),
            &policies,
            public,
            internal,
        );
        let published = self.relay(&bus);
        if let Some(metrics) = &settings.metrics {
            workers.extend(self.show(metrics, &published, &subscriptions, &bus, samplers));
        }
        workers.push(membership::watcher(bus.clone(), self.health.clone()));
        workers.push(self.rounds.worker());
        workers.push(self.keys.worker());
        workers.extend(peerings.into_iter().map(|peering| exchange.worker(peering)));
        let follower = |db| operator::clock_follower(settings.sandbox, db, &self.clock);
        workers.extend(self.databases.values().filter_map(follower));
        for worker in workers {
            self.tasks.spawn(worker.run(self.stop.child_token()));
        }
        for (service, db) in &self.databases {
            let watcher = databases::watcher(service, db.clone(), self.health.clone());
            self.tasks.spawn(watcher.run(self.stop.child_token()));
            self.tasks.spawn(operator::sweeper(db.clone(), self.clock.clone()).run(self.stop.child_token()));
        }
        Ok(())
    }

    fn internal_server(&self, routes: Routes, policies: &Arc<Policies>) -> Server {
        Server::internal(routes, policies.clone(), Arc::new(self.keys.verifier.clone()), self.drain.clone())
            .health(self.health.clone())
            .metrics(self.calls.clone())
    }

    fn serve_in_process(&mut self, server: Server, serving: ServerEnd) {
        server.in_process(&serving);
        self.in_process.push(serving);
    }

    fn serve_outside(
        &mut self,
        settings: &Settings,
        public_routes: Routes,
        internal_routes: Routes,
        policies: &Arc<Policies>,
        public: TcpListener,
        internal: TcpListener,
    ) {
        let verifier = Arc::new(self.keys.verifier.clone());
        let public_server = |routes| {
            let (policies, verifier, drain) = (policies.clone(), verifier.clone(), self.drain.clone());
            Server::public(routes, policies, verifier, drain, settings.rate, settings.limits.clone())
                .health(self.health.clone())
                .metrics(self.calls.clone())
        };
        let (public_channel, public_serving) = Channel::in_process();
        let (internal_channel, internal_serving) = Channel::in_process();
        let within = [
            (public_server(public_routes.clone()), public_serving),
            (self.internal_server(internal_routes.clone(), policies), internal_serving),
        ];
        let over_tcp = [
            (public_server(public_routes), public),
            (self.internal_server(internal_routes, policies), internal),
        ];
        for (server, serving) in within {
            self.serve_in_process(server, serving);
        }
        for (server, listener) in over_tcp {
            self.servers.spawn(log_end(server.serve(listener)));
        }
        self.channels = (public_channel, internal_channel);
    }

    /// Shows the hub among those of the process; the workers that read its databases for it.
    fn show(
        &mut self,
        metrics: &metrics::Metrics,
        published: &BTreeMap<&'static str, Published>,
        subscriptions: &[(&'static str, Subscription)],
        bus: &Arc<dyn Bus>,
        samplers: Vec<(&'static str, Sampler)>,
    ) -> Vec<Worker> {
        let observed = self.databases.iter().map(|(service, db)| Observed {
            service,
            db: db.clone(),
            published: published[service].clone(),
            subscriptions: of_service(subscriptions, service),
        });
        let observed: Vec<Observed> = observed.collect();
        let of_events: Vec<_> = observed.iter().flat_map(|one| metrics::samplers(one, bus)).collect();
        let view = View::new(&self.code, self.health.clone(), self.drain.clone(), observed);
        let view = Arc::new(view);
        self.shown = Some(metrics.show(view.clone()));
        let all = of_events.into_iter().chain(samplers);
        all.map(|(service, sampler)| sampler.worker(metrics, view.clone(), service)).collect()
    }

    /// What each of them publishes is counted.
    fn relay(&mut self, bus: &Arc<dyn Bus>) -> BTreeMap<&'static str, Published> {
        let mut counts = BTreeMap::new();
        for (service, db) in &self.databases {
            let topic = events::topic(&self.code, service);
            let published = Published::default();
            counts.insert(*service, published.clone());
            let (db, clock, stop) = (db.clone(), self.clock.clone(), self.stop.child_token());
            self.tasks.spawn(relay::run(db, clock, bus.clone(), topic, published, stop));
        }
        counts
    }

    /// The profile's code, such as `my`.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Who signs people's tokens; `None` in a process that has not the issuer's key.
    pub fn issuer(&self) -> Option<&Issuer> {
        self.keys.issuer.as_ref()
    }

    /// The hub's business time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Where the public API listens.
    pub fn public_addr(&self) -> SocketAddr {
        self.public
    }

    /// Where services, operators and carriers are listened to.
    pub fn internal_addr(&self) -> SocketAddr {
        self.internal
    }

    /// The public API from within the process: the same gate, no port.
    pub fn public_channel(&self) -> Channel {
        self.channels.0.clone()
    }

    /// The internal API from within the process.
    pub fn internal_channel(&self) -> Channel {
        self.channels.1.clone()
    }

    /// Commits and statements of each service's database since the start.
    pub fn statistics(&self) -> BTreeMap<&'static str, db::Statistics> {
        self.databases.iter().map(|(service, db)| (*service, db.statistics())).collect()
    }

    /// Leaves cleanly: streams end with UNAVAILABLE, calls and steps finish within a bound, databases are closed.
    pub async fn stop(mut self) {
        self.drain.begin();
        while self.servers.join_next().await.is_some() {}
        self.stop.cancel();
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(FINISH_MAX, finished).await.is_err() {
            tracing::warn!(
                hub = self.code,
                "some work did not finish in time; it continues after the next start"
            );
        }
        self.tasks.shutdown().await;
        self.in_process.clear();
        drop(self.shown);
        self.rounds.end().await;
        for db in self.databases.values() {
            db.close().await;
        }
    }
}

fn of_service(subscriptions: &[(&'static str, Subscription)], service: &str) -> Vec<Subscription> {
    let of_service = subscriptions.iter().filter(|(name, _)| *name == service);
    of_service.map(|(_, subscription)| subscription.clone()).collect()
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("code", &self.code).field("public", &self.public).finish_non_exhaustive()
    }
}

fn check_sections(settings: &Settings, specs: &[Spec]) -> Result<(), Error> {
    let unknown =
        settings.sections.keys().find(|section| specs.iter().all(|spec| spec.name != section.as_str()));
    match unknown {
        None => Ok(()),
        Some(section) => {
            let known = specs.iter().map(|spec| spec.name).collect::<Vec<_>>().join(", ");
            Err(Error::UnknownSection { section: section.clone(), known })
        }
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |source| Error::Listen { setting, address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    Ok((listener, local))
}

/// Only migrates the databases of these services. However many processes do so at once, each migration runs once.
pub async fn migrate(settings: &Settings, specs: &[Spec]) -> Result<(), Error> {
    for opened in continuity::open_all(settings, specs).await? {
        opened.db.close().await;
    }
    Ok(())
}

fn by_service(opened: &[OpenDatabase]) -> BTreeMap<&'static str, Db> {
    opened.iter().map(|opened| (opened.service, opened.db.clone())).collect()
}

/// Who hears whom, within this process.
fn consumer_sources(built: &[Built]) -> Vec<ConsumerSources> {
    let of = |built: &Built| {
        let service = built.spec.name;
        let hearing = |consumer: &events::Consumer| ConsumerSources {
            service,
            consumer: consumer.name,
            publishers: consumer.services,
        };
        built.service.consumers.iter().map(hearing).collect::<Vec<_>>()
    };
    built.iter().flat_map(of).collect()
}

fn build(
    settings: &Settings,
    specs: &[Spec],
    databases: &BTreeMap<&'static str, Db>,
    clock: &Clock,
    keys: &Keys,
    drain: &Drain,
) -> Result<(Vec<Built>, Vec<Peering>), Error> {
    let (mut channels, mut ends) = (remote_channels(settings)?, Vec::new());
    let remote: Vec<String> = channels.keys().cloned().collect();
    let mut peerings = Vec::new();
    for spec in specs {
        let (channel, serving) = Channel::in_process();
        channels.insert(spec.name.to_owned(), channel);
        ends.push(serving);
    }
    let rates = Arc::new(hub::reference_rates(settings.rates_file.as_deref())?);
    let mut built = Vec::new();
    for (spec, serving) in specs.iter().zip(ends) {
        if let Some(service) = spec.calls.iter().find(|service| !channels.contains_key(**service)) {
            return Err(Error::NoPeer { service });
        }
        let identity = keys.identity(spec.name).ok_or(Error::NoPeer { service: spec.name })?;
        let peers = Peers::new(channels.clone(), identity.clone());
        for other in remote.iter().filter(|other| spec.calls.contains(&other.as_str())) {
            let (service, db, other) = (spec.name, databases[spec.name].clone(), other.clone());
            peerings.extend(peers.of(&other).map(|peer| Peering { service, db, other, peer }));
        }
        let deps = Deps {
            hub: settings.profile.clone(),
            clock: clock.clone(),
            db: databases[spec.name].clone(),
            outbox: Outbox,
            peers,
            rates: rates.clone(),
            sandbox: settings.sandbox,
            drain: drain.clone(),
        };
        let failed = |problem| Error::Section { service: spec.name, problem };
        let section = section(settings, spec).map_err(failed)?;
        let service = (spec.build)(&section, deps).map_err(|error| failed(format!("{error:#}")))?;
        built.push(Built { spec: *spec, service, serving });
    }
    Ok((built, peerings))
}

/// A service's section, checked and with the defaults of what it leaves out.
fn section(settings: &Settings, spec: &Spec) -> Result<toml::Table, String> {
    let told = match settings.sections.get(spec.name) {
        None => toml::Table::new(),
        Some(toml::Value::Table(section)) => section.clone(),
        Some(_) => return Err("must be a table".to_owned()),
    };
    settings::section(spec.settings, spec.name, &told, settings.sandbox.enabled)
        .map_err(|wrong| wrong.to_string())
}

fn remote_channels(settings: &Settings) -> Result<HashMap<String, Channel>, Error> {
    let channel = |(service, addresses): (&String, &Vec<String>)| {
        Ok((service.clone(), instances::channel(service, addresses)?))
    };
    settings.peers.iter().map(channel).collect()
}

fn policies(built: &[Built]) -> Result<Policies, Error> {
    let mut packages: Vec<String> =
        built.iter().flat_map(|built| built.spec.packages).map(|package| (*package).to_owned()).collect();
    packages.push(OPERATOR_PACKAGE.to_owned());
    let mut tables: Vec<PolicyTable> = built.iter().map(|built| built.spec.policies).collect();
    tables.push(operator::POLICIES);
    Ok(Policies::check(proto::FILE_DESCRIPTOR_SET, &packages, &tables)?)
}

async fn log_end(serving: impl Future<Output = Result<(), rpc::ServerError>>) {
    if let Err(error) = serving.await {
        tracing::error!(%error, "a listener failed");
    }
}
