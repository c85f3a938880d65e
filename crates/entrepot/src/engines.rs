//! The two shapes of a hub: embedded (SQLite files, a bus within the process) and production (PostgreSQL and Kafka).

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use events::{Bus, ChaoticBus, KafkaBus, KafkaSettings, LocalBus};
use runtime::{Settings, Spec};

use crate::password;
use crate::settings::File;

/// What stands for the hub's code and for the service's name in `--database`.
const HUB: &str = "{hub}";
const SERVICE: &str = "{service}";

/// The shape of a hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// SQLite files and a bus within the process: nothing to install.
    Embedded,
    /// PostgreSQL and Kafka.
    Production,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Embedded => "Embedded",
            Self::Production => "Production",
        })
    }
}

/// What a hub runs on.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Engines {
    /// What the hub runs on.
    #[arg(long, env = "ENTREPOT_SHAPE", value_enum, default_value = "embedded")]
    pub(crate) shape: Shape,
    /// The PostgreSQL databases of the production shape, one per service: a URL with {service} in it, and {hub} where
    /// several hubs are served, such as postgres://{hub}_{service}@db:5432/{hub}_{service}.
    #[arg(long, env = "ENTREPOT_DATABASE", value_name = "URL", hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// The Kafka brokers of the production shape: host:port, several with commas between.
    #[arg(long, env = "ENTREPOT_KAFKA", value_name = "BROKERS")]
    pub(crate) kafka: Option<String>,
    /// A file with the databases' password, where --database has none; {service} and {hub} may stand in its name.
    #[arg(long, env = "ENTREPOT_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub(crate) database_password_file: Option<String>,
    /// This process's name in its Kafka groups, before the one of the configuration: unique among those that run, and
    /// the same after a restart.
    #[arg(long, env = "ENTREPOT_INSTANCE", value_name = "NAME")]
    pub(crate) instance: Option<String>,
}

impl Engines {
    /// Puts the databases into a hub's settings, and makes the bus that it goes by. Errors name the option.
    pub(crate) fn apply(&self, settings: &mut Settings, specs: &[Spec], file: &File) -> Result<EventBus> {
        let (database, brokers) = match (self.shape, &self.database, &self.kafka) {
            (Shape::Embedded, None, None) => {
                return Ok(EventBus {
                    engine: Engine::Local(Arc::new(LocalBus::new())),
                    repeats: file.repeat_events(),
                });
            }
            (Shape::Embedded, Some(_), _) => bail!("--database: only with --shape production"),
            (Shape::Embedded, _, Some(_)) => bail!("--kafka: only with --shape production"),
            (Shape::Production, None, _) => bail!("--database: is needed with --shape production"),
            (Shape::Production, _, None) => bail!("--kafka: is needed with --shape production"),
            (Shape::Production, Some(database), Some(brokers)) => (database, brokers),
        };
        self.databases(database, settings, specs)?;
        let mut kafka = file.kafka(KafkaSettings::new(brokers));
        kafka.instance = self.instance.clone().or(kafka.instance);
        let bus = KafkaBus::new(kafka).context("--kafka")?;
        Ok(EventBus { engine: Engine::Kafka(Arc::new(bus)), repeats: file.repeat_events() })
    }

    /// As [`Engines::apply`], for a command that needs databases only.
    pub(crate) fn apply_databases(&self, settings: &mut Settings, specs: &[Spec]) -> Result<()> {
        match &self.database {
            Some(database) => self.databases(database, settings, specs),
            None => bail!("--database: is needed"),
        }
    }

    fn databases(&self, database: &str, settings: &mut Settings, specs: &[Spec]) -> Result<()> {
        if !database.starts_with("postgres://") && !database.starts_with("postgresql://") {
            bail!("--database: `{database}` must begin with postgres://");
        }
        if !database.contains(SERVICE) {
            bail!("--database: {SERVICE} must stand in it: each service has a database of its own");
        }
        for spec in specs {
            let named =
                |template: &str| template.replace(HUB, settings.profile.code()).replace(SERVICE, spec.name);
            let file = self.database_password_file.as_deref().map(|file| PathBuf::from(named(file)));
            let url = password::put_into(named(database), file.as_ref(), "--database-password-file")?;
            settings.databases.insert(spec.name.to_owned(), url);
        }
        Ok(())
    }
}

/// The bus of a hub's process.
#[derive(Clone)]
pub(crate) struct EventBus {
    engine: Engine,
    /// Repeats events, by this seed.
    repeats: Option<u64>,
}

#[derive(Clone)]
enum Engine {
    /// Within the process.
    Local(Arc<LocalBus>),
    /// Over Kafka.
    Kafka(Arc<KafkaBus>),
}

impl EventBus {
    /// The bus; over Kafka once the hub's topics are there, so that a broker that is away is told of at the start.
    pub(crate) async fn ready(&self, hub: &str) -> Result<Arc<dyn Bus>> {
        let bus: Arc<dyn Bus> = match &self.engine {
            Engine::Local(bus) => bus.clone(),
            Engine::Kafka(bus) => {
                let topics = proof::SERVICES.map(|service| events::topic(hub, service));
                bus.prepare(&topics).await.context("--kafka")?;
                bus.clone()
            }
        };
        Ok(match self.repeats {
            Some(seed) => Arc::new(ChaoticBus::new(bus, seed)),
            None => bus,
        })
    }

    /// Why a hub does not start, with the option behind it.
    pub(crate) fn blame(&self, error: runtime::Error) -> anyhow::Error {
        let of_engine =
            matches!(self.engine, Engine::Kafka(_)) && matches!(error, runtime::Error::Database { .. });
        let error = anyhow::Error::from(error);
        if of_engine { error.context("--database") } else { error }
    }

    /// Ends it after its hub: what is in flight takes effect first.
    pub(crate) async fn close(&self) {
        if let Engine::Kafka(bus) = &self.engine {
            bus.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hubs;

    fn applied(shape: Shape, database: Option<&str>, kafka: Option<&str>) -> Result<Settings, String> {
        let engines = Engines {
            shape,
            database: database.map(str::to_owned),
            kafka: kafka.map(str::to_owned),
            database_password_file: None,
            instance: None,
        };
        let mut settings = Settings::embedded(hubs::profile("my").unwrap(), "data");
        match engines.apply(&mut settings, &hubs::SERVICES, &File::default()) {
            Ok(_) => Ok(settings),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    #[tokio::test]
    async fn each_service_has_a_database_of_its_own() {
        let url = "postgres://{hub}_{service}@db/{hub}_{service}";
        let settings = applied(Shape::Production, Some(url), Some("broker:9092")).unwrap();
        assert_eq!(settings.databases["order"], "postgres://my_order@db/my_order");
        assert_eq!(settings.databases.len(), 4);
        assert!(applied(Shape::Embedded, None, None).unwrap().databases.is_empty());
    }

    #[tokio::test]
    async fn what_is_wrong_names_its_option() {
        let refused = |shape, database, kafka| applied(shape, database, kafka).unwrap_err();
        let url = Some("postgres://db/{service}");
        assert!(refused(Shape::Embedded, url, None).starts_with("--database: only"));
        assert!(refused(Shape::Embedded, None, Some("b:1")).starts_with("--kafka: only"));
        assert!(refused(Shape::Production, None, Some("b:1")).starts_with("--database: is needed"));
        assert!(refused(Shape::Production, url, None).starts_with("--kafka: is needed"));
        assert!(refused(Shape::Production, Some("sqlite:x"), Some("b:1")).contains("postgres://"));
        assert!(refused(Shape::Production, Some("postgres://db/one"), Some("b:1")).contains("{service}"));
        assert!(refused(Shape::Production, url, Some("nowhere")).contains("host:port"));
    }
}
