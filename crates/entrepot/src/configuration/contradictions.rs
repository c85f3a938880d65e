//! What cannot be told together.

use std::net::SocketAddr;

use settings::SettingErrors;

use super::{Configuration, HUB, Shape};
use crate::password;
use crate::profiles::profile;

/// Everything that prevents serving these hubs.
pub(super) fn of_start(configuration: &Configuration, hubs: &[String]) -> Result<(), SettingErrors> {
    let mut wrong = Vec::new();
    sandbox(configuration, &mut wrong);
    wrong.extend(of_trial(configuration, hubs).err().into_iter().flat_map(|others| others.0));
    SettingErrors(wrong).none_or(())
}

/// As [`of_start`], of hubs that a command starts for itself, whose money is play.
pub(super) fn of_trial(configuration: &Configuration, hubs: &[String]) -> Result<(), SettingErrors> {
    let mut wrong = Vec::new();
    profiles(hubs, &mut wrong);
    passwords(configuration, &mut wrong);
    shape(configuration, &mut wrong);
    addresses(configuration, hubs.len(), &mut wrong);
    several(configuration, hubs, &mut wrong);
    SettingErrors(wrong).none_or(())
}

/// What speaks against bringing databases up to date: that takes no shape.
pub(super) fn of_migration(configuration: &Configuration) -> Result<(), SettingErrors> {
    let mut wrong = Vec::new();
    passwords(configuration, &mut wrong);
    if configuration.database.url.is_none() {
        wrong.push("database.url: is needed".to_owned());
    }
    SettingErrors(wrong).none_or(())
}

/// Each hub has a profile, and a code of its own.
fn profiles(hubs: &[String], wrong: &mut Vec<String>) {
    let mut codes = Vec::new();
    for name in hubs {
        match profile(name) {
            Ok(profile) if codes.contains(&profile.code().to_owned()) => {
                wrong.push(format!("hub: {} is named twice", profile.code()));
            }
            Ok(profile) => codes.push(profile.code().to_owned()),
            Err(error) => wrong.push(format!("{error:#}")),
        }
    }
}

/// A password is given in one place only, and for a named user.
fn passwords(Configuration { resolved, database, admin, .. }: &Configuration, wrong: &mut Vec<String>) {
    let places = [("database", &database.url), ("admin", &admin.url)];
    for (section, url) in places {
        let Some(told) = resolved.told(&format!("{section}.password")) else { continue };
        match url.as_deref() {
            None => wrong.push(format!("{told}: has no effect without {section}.url")),
            Some(url) if password::is_in(url) => {
                let key = format!("{section}.url");
                let url = resolved.told(&key).unwrap_or(key);
                wrong.push(format!("{told}: {url} has a password as well; leave one out"));
            }
            Some(url) if !password::has_user(url) => {
                wrong.push(format!(
                    "{told}: {section}.url must name the user it belongs to: postgres://USER@HOST/DATABASE"
                ));
            }
            Some(_) => {}
        }
    }
}

/// Each shape has its engines.
fn shape(Configuration { resolved, process, peers, .. }: &Configuration, wrong: &mut Vec<String>) {
    let engines = ["database.url", "kafka.brokers"];
    match process.shape {
        Shape::Production => {
            let missing = engines.into_iter().filter(|key| resolved.told(key).is_none());
            wrong.extend(missing.map(|key| format!("{key}: is needed with shape = production")));
        }
        Shape::Embedded => {
            let peers = peers.keys().map(|service| format!("peers.{service}"));
            let told = engines.map(str::to_owned).into_iter().chain(peers);
            let told = told.filter_map(|key| resolved.told(&key));
            wrong.extend(told.map(|told| format!("{told}: is allowed with shape = production only")));
        }
    }
}

/// Whether money is simulated must be decided explicitly.
fn sandbox(Configuration { resolved, process, .. }: &Configuration, wrong: &mut Vec<String>) {
    if process.shape == Shape::Production && resolved.told("sandbox.enabled").is_none() {
        let problem =
            "must be set with shape = production: true for simulated money and parcels, false for real ones";
        wrong.push(format!("sandbox.enabled: {problem}"));
    }
}

/// Each listener has a port of its own.
fn addresses(configuration: &Configuration, hubs_count: usize, wrong: &mut Vec<String>) {
    let process = &configuration.process;
    let mut all: Vec<(&str, SocketAddr)> = process.metrics.map(|at| ("metrics", at)).into_iter().collect();
    for place in 0..hubs_count {
        match process.listeners(place) {
            Ok((public, internal)) => all.extend([("public", public), ("internal", internal)]),
            Err(error) => return wrong.push(error.to_string()),
        }
    }
    for (index, (name, address)) in all.iter().enumerate() {
        for (other, taken) in &all[..index] {
            let is_one =
                address.ip() == taken.ip() || address.ip().is_unspecified() || taken.ip().is_unspecified();
            if address.port() != 0 && address.port() == taken.port() && is_one {
                wrong.push(format!("{name}: {address} is taken by {other}, which is at {taken}"));
            }
        }
    }
}

/// Several hubs share nothing.
fn several(configuration: &Configuration, hubs: &[String], wrong: &mut Vec<String>) {
    if hubs.len() < 2 {
        return;
    }
    let url = configuration.database.url.as_ref().map(|url| ("database.url", url));
    for (key, value) in url.into_iter().chain(configuration.keys_of_one_hub()) {
        if !value.contains(HUB) {
            wrong.push(format!(
                "{key}: must contain {HUB}, since several hubs are served: {}",
                hubs.join(", ")
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told;
    use super::*;

    const URL: (&str, &str) = ("DATABASE_URL", "postgres://{hub}_{service}@db/{hub}_{service}");
    const BROKERS: (&str, &str) = ("KAFKA_BROKERS", "kafka:9092");
    const PRODUCTION: (&str, &str) = ("SHAPE", "production");
    const SANDBOX: (&str, &str) = ("SANDBOX_ENABLED", "true");

    fn refused(variables: &[(&str, &str)]) -> Vec<String> {
        let configuration = told(variables).unwrap();
        configuration.check(&configuration.process.hub).map_or_else(|wrong| wrong.0, |()| Vec::new())
    }

    #[test]
    fn each_shape_has_its_engines() {
        assert_eq!(refused(&[PRODUCTION, URL, BROKERS, SANDBOX]), Vec::<String>::new());
        assert_eq!(
            refused(&[PRODUCTION, SANDBOX]),
            [
                "database.url: is needed with shape = production",
                "kafka.brokers: is needed with shape = production"
            ]
        );
        let only = "is allowed with shape = production only";
        assert_eq!(refused(&[URL]), [format!("database.url (ENTREPOT_DATABASE_URL): {only}")]);
        assert_eq!(refused(&[BROKERS]), [format!("kafka.brokers (ENTREPOT_KAFKA_BROKERS): {only}")]);
        let peer = ("PEERS_CATALOG", "http://c:1");
        assert_eq!(refused(&[peer]), [format!("peers.catalog (ENTREPOT_PEERS_CATALOG): {only}")]);
    }

    #[test]
    fn in_production_somebody_says_whether_money_is_play() {
        for stated in ["true", "false"] {
            let stated = ("SANDBOX_ENABLED", stated);
            assert_eq!(refused(&[PRODUCTION, URL, BROKERS, stated]), Vec::<String>::new());
        }
        let [unsaid] = refused(&[PRODUCTION, URL, BROKERS]).try_into().unwrap();
        assert!(unsaid.starts_with("sandbox.enabled: must be set with shape = production: true"), "{unsaid}");
        let configuration = told(&[PRODUCTION, URL, BROKERS]).unwrap();
        assert_eq!(configuration.check_trial(&configuration.process.hub), Ok(()));
        assert_eq!(refused(&[]), Vec::<String>::new());
    }

    #[test]
    fn a_password_stands_once_and_is_somebodys() {
        let password = ("DATABASE_PASSWORD", "secret");
        let fine = [PRODUCTION, URL, BROKERS, SANDBOX, password];
        assert_eq!(refused(&fine), Vec::<String>::new());
        let with = ("DATABASE_URL", "postgres://{service}:own@db/{service}");
        let [twice] = refused(&[PRODUCTION, with, BROKERS, SANDBOX, password]).try_into().unwrap();
        assert_eq!(
            twice,
            "database.password (ENTREPOT_DATABASE_PASSWORD): database.url (ENTREPOT_DATABASE_URL) has a password as well; \
             leave one out"
        );
        let nobodys = ("DATABASE_URL", "postgres://db/{service}");
        assert!(
            refused(&[PRODUCTION, nobodys, BROKERS, SANDBOX, password])[0].contains("must name the user")
        );
        assert_eq!(
            refused(&[("ADMIN_PASSWORD", "x")])[0],
            "admin.password (ENTREPOT_ADMIN_PASSWORD): has no effect without admin.url"
        );
        let migration = told(&[URL, password]).unwrap();
        assert_eq!(of_migration(&migration), Ok(()));
        assert!(
            of_migration(&told(&[]).unwrap()).unwrap_err().to_string().contains("database.url: is needed")
        );
    }

    #[test]
    fn each_listener_has_a_port_of_its_own() {
        let at = |public, internal, metrics, hub| {
            refused(&[("PUBLIC", public), ("INTERNAL", internal), ("METRICS", metrics), ("HUB", hub)])
        };
        assert_eq!(at("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "my,th"), Vec::<String>::new());
        assert_eq!(at("127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", "my"), Vec::<String>::new());
        assert_eq!(at("127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:3", "my"), Vec::<String>::new());
        assert_eq!(
            at("127.0.0.1:1", "0.0.0.0:1", "127.0.0.1:3", "my"),
            ["internal: 0.0.0.0:1 is taken by public, which is at 127.0.0.1:1"]
        );
        // The second hub is 10 ports higher.
        assert_eq!(at("127.0.0.1:1", "127.0.0.1:11", "127.0.0.1:3", "my,th").len(), 1);
        assert!(at("127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:2", "my")[0].contains("metrics"));
    }

    #[test]
    fn each_hub_has_a_profile_and_a_code_of_its_own() {
        assert_eq!(refused(&[("HUB", "my,th,my")]), ["hub: my is named twice"]);
        assert!(refused(&[("HUB", "my,/nowhere.toml")])[0].contains("/nowhere.toml"));
    }

    #[test]
    fn several_hubs_share_nothing() {
        let url = ("DATABASE_URL", "postgres://{service}@db/{service}");
        let wrong = refused(&[PRODUCTION, url, BROKERS, SANDBOX, ("HUB", "my,th"), ("KEY", "key.pem")]);
        assert!(wrong[0].starts_with("database.url: must contain {hub}"), "{wrong:?}");
        assert!(wrong[1].starts_with("keys.issuer: must contain {hub}"), "{wrong:?}");
        assert_eq!(refused(&[PRODUCTION, url, BROKERS, SANDBOX, ("KEY", "key.pem")]), Vec::<String>::new());
    }
}
