//! The two shapes of a hub: embedded (SQLite files, a bus within the process) and production (PostgreSQL and Kafka).

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use events::{Bus, ChaoticBus, KafkaBus, LocalBus};
use runtime::{Settings, Spec};

use crate::configuration::{Configuration, HUB, SERVICE, Shape};
use crate::password;

/// Puts the databases into a hub's settings, and makes the bus that it goes by. Errors name the setting.
pub(crate) fn apply(
    configuration: &Configuration,
    settings: &mut Settings,
    specs: &[Spec],
) -> Result<EventBus> {
    let repeats = configuration.repeat_events_seed();
    if configuration.process.shape == Shape::Embedded {
        return Ok(EventBus { engine: Engine::Local(Arc::new(LocalBus::new())), repeats });
    }
    databases(configuration, settings, specs)?;
    let kafka = configuration.kafka.clone().context("kafka.brokers: is needed with shape = production")?;
    let bus = KafkaBus::new(kafka).context("kafka.brokers")?;
    Ok(EventBus { engine: Engine::Kafka(Arc::new(bus)), repeats })
}

/// Puts the databases alone into a hub's settings: each service's own, with its password.
pub(crate) fn databases(
    configuration: &Configuration,
    settings: &mut Settings,
    specs: &[Spec],
) -> Result<()> {
    let database = &configuration.database;
    let url = database.url.as_ref().context("database.url: is needed")?;
    for spec in specs {
        let named =
            |template: &str| template.replace(HUB, settings.profile.code()).replace(SERVICE, spec.name);
        let from_file = database.password_file.as_ref().map(|file| settings::read_file(&named(file)));
        let password = from_file.transpose().map_err(|problem| anyhow!("database.password: {problem}"))?;
        let url = match password.as_ref().or(database.password.as_ref()) {
            Some(password) => password::put_into(&named(url), password).context("database.url")?,
            None => named(url),
        };
        settings.databases.insert(spec.name.to_owned(), url);
    }
    Ok(())
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
                let services = services::ALL.iter();
                let topics: Vec<String> = services.map(|spec| events::topic(hub, spec.name)).collect();
                bus.prepare(&topics).await.context("kafka.brokers")?;
                bus.clone()
            }
        };
        Ok(match self.repeats {
            Some(seed) => Arc::new(ChaoticBus::new(bus, seed)),
            None => bus,
        })
    }

    /// Why a hub does not start, with the setting behind it.
    pub(crate) fn blame(&self, error: runtime::Error) -> anyhow::Error {
        let of_engine =
            matches!(self.engine, Engine::Kafka(_)) && matches!(error, runtime::Error::Database { .. });
        let error = anyhow::Error::from(error);
        if of_engine { error.context("database.url") } else { error }
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
    use crate::configuration::tests::told;
    use crate::profiles::profile;

    fn applied(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let mut settings = Settings::embedded(profile("my").unwrap(), "data");
        let applied = apply(&told(variables).unwrap(), &mut settings, services::ALL);
        applied.map(|_| settings).map_err(|error| format!("{error:#}"))
    }

    const PRODUCTION: [(&str, &str); 3] = [
        ("SHAPE", "production"),
        ("DATABASE_URL", "postgres://{hub}_{service}@db/{hub}_{service}"),
        ("KAFKA_BROKERS", "broker:9092"),
    ];

    #[tokio::test]
    async fn each_service_has_a_database_of_its_own() {
        let settings = applied(&PRODUCTION).unwrap();
        assert_eq!(settings.databases["order"], "postgres://my_order@db/my_order");
        assert_eq!(settings.databases.len(), services::ALL.len());
        assert!(applied(&[]).unwrap().databases.is_empty());
    }

    #[tokio::test]
    async fn each_service_has_a_password_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        for service in services::names() {
            std::fs::write(file(&format!("my-{service}")), format!("{service}'s\n")).unwrap();
        }
        let with = |name, value: &str| applied(&[PRODUCTION.as_slice(), &[(name, value)]].concat());
        let settings = with("DATABASE_PASSWORD_FILE", &file("{hub}-{service}")).unwrap();
        assert_eq!(settings.databases["order"], "postgres://my_order:order%27s@db/my_order");
        assert_eq!(settings.databases["payment"], "postgres://my_payment:payment%27s@db/my_payment");
        assert_eq!(
            with("DATABASE_PASSWORD", "one").unwrap().databases["order"],
            "postgres://my_order:one@db/my_order"
        );
        let error = with("DATABASE_PASSWORD_FILE", &file("{service}")).unwrap_err();
        assert!(error.starts_with("database.password: cannot read "), "{error}");
    }
}
