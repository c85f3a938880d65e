//! What a process is told: the program as it is started, with what is right and what is wrong.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::process::program;

/// A folder with a configuration file, where the program is run.
struct Place(TempDir);

impl Place {
    fn new(file: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("entrepot.toml"), file).unwrap();
        Self(folder)
    }

    fn run(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(program());
        let ours = std::env::vars().filter(|(name, _)| name.starts_with("ENTREPOT_"));
        ours.for_each(|(name, _)| {
            command.env_remove(name);
        });
        command.current_dir(self.0.path()).args(arguments).envs(variables.iter().copied()).output().unwrap()
    }

    /// What the program says when it does not start.
    fn refused(&self, arguments: &[&str], variables: &[(&str, &str)]) -> String {
        let output = self.run(arguments, variables);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!self.0.path().join("data").exists(), "a start that is refused leaves nothing behind");
        said
    }

    /// What holds of a setting, and where that is from.
    fn resolved(&self, arguments: &[&str], variables: &[(&str, &str)], key: &str) -> String {
        let output = self.run(&[&["config"], arguments].concat(), variables);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = String::from_utf8(output.stdout).unwrap();
        let line = said.lines().find(|line| line.split(' ').next() == Some(key)).unwrap();
        line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
    }
}

const FILE: (&str, &str) = ("ENTREPOT_CONFIG", "entrepot.toml");

#[test]
fn an_unknown_variable_stops_the_start() {
    let said = Place::new("")
        .refused(&["up"], &[("ENTREPOT_KAFKA_BROKER", "kafka:9092"), ("ENTREPOT_TEST_IT", "1")]);
    assert_eq!(
        said,
        "entrepot: ENTREPOT_KAFKA_BROKER: there is no such setting; did you mean ENTREPOT_KAFKA_BROKERS?\n"
    );
}

#[test]
fn an_unknown_key_stops_the_start_and_is_found_in_its_file() {
    let said = Place::new("[kafka]\n\npartitons = 3\n").refused(&["up"], &[FILE]);
    assert_eq!(
        said,
        "entrepot: kafka.partitons (entrepot.toml, line 3): there is no such setting; did you mean kafka.partitions?\n"
    );
}

#[test]
fn a_contradiction_stops_the_start() {
    let url = "postgres://{service}:s3cret@db/{service}";
    let password = [
        ("ENTREPOT_DATABASE_PASSWORD", "other"),
        ("ENTREPOT_KAFKA_BROKERS", "kafka:9092"),
        ("ENTREPOT_SANDBOX_ENABLED", "false"),
    ];
    let said = Place::new("").refused(&["up", "--shape", "production", "--database", url], &password);
    assert_eq!(
        said,
        "entrepot: database.password (ENTREPOT_DATABASE_PASSWORD): database.url (--database) has a password as well; leave \
         one out\n"
    );
    let unsaid = Place::new("").refused(&["up", "--shape", "production", "--database", url], &password[1..2]);
    assert!(unsaid.contains("sandbox.enabled: must be set with shape = production"), "{unsaid}");
    let said = Place::new("").refused(&["serve", "order", "--public", "127.0.0.1:50052"], &[]);
    assert!(said.contains("internal: 127.0.0.1:50052 is taken by public"), "{said}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_also_by_config() {
    let place = Place::new("[rate]\nburst = 0\n[sandbox]\nenabled = false\nrepeat_events_seed = 1\n");
    let variables =
        [FILE, ("ENTREPOT_ORDER_CALL_TIMEOUT_MS", "99"), ("ENTREPOT_ADMIN_PASSWORD_FILE", "nowhere")];
    let said = place.refused(&["up", "--hub", "xx"], &variables);
    for wrong in [
        "5 settings are wrong:",
        "hub (--hub): `xx` must be a hub",
        "rate.burst (entrepot.toml, line 2): `0` must be 1 to 1000000 calls",
        "sandbox.repeat_events_seed (entrepot.toml, line 5): is allowed in a sandbox hub only",
        "order.call_timeout_ms (ENTREPOT_ORDER_CALL_TIMEOUT_MS): `99` must be 100 to 20000 milliseconds",
        "admin.password (ENTREPOT_ADMIN_PASSWORD_FILE): cannot read nowhere",
    ] {
        assert!(said.contains(wrong), "{wrong} is missing in\n{said}");
    }
    assert_eq!(place.refused(&["config", "--hub", "xx"], &variables), said);
}

#[test]
fn the_command_line_goes_before_the_environment_before_the_file_before_the_default() {
    let (empty, place) = (Place::new(""), Place::new("[kafka]\npartitions = 3\n\n[rate]\nburst = 7\n"));
    let variable = ("ENTREPOT_RATE_BURST", "8");
    assert_eq!(empty.resolved(&[], &[], "rate.burst"), "1000 default");
    assert_eq!(place.resolved(&[], &[FILE], "rate.burst"), "7 entrepot.toml, line 5");
    assert_eq!(place.resolved(&["--config", "entrepot.toml"], &[], "rate.burst"), "7 entrepot.toml, line 5");
    assert_eq!(place.resolved(&[], &[FILE, variable], "rate.burst"), "8 ENTREPOT_RATE_BURST");
    let public = ("ENTREPOT_PUBLIC", "127.0.0.1:1");
    assert_eq!(place.resolved(&[], &[public], "public"), "127.0.0.1:1 ENTREPOT_PUBLIC");
    assert_eq!(place.resolved(&["--public", "127.0.0.1:2"], &[public], "public"), "127.0.0.1:2 --public");
}

#[test]
fn no_secret_is_shown() {
    let place = Place::new("[database]\nurl = \"postgres://{service}:s3cret@db/{service}\"\n");
    std::fs::write(place.0.path().join("admin"), "s3cret\n").unwrap();
    let variables = [
        FILE,
        ("ENTREPOT_SHAPE", "production"),
        ("ENTREPOT_SANDBOX_ENABLED", "false"),
        ("ENTREPOT_KAFKA_BROKERS", "kafka:9092"),
        ("ENTREPOT_ADMIN_URL", "postgres://postgres@db"),
        ("ENTREPOT_ADMIN_PASSWORD_FILE", "admin"),
    ];
    let shown = place.resolved(&[], &variables, "database.url");
    assert_eq!(shown, "postgres://{service}:…@db/{service} entrepot.toml, line 2");
    assert_eq!(place.resolved(&[], &variables, "admin.password"), "******** ENTREPOT_ADMIN_PASSWORD_FILE");
    let output = place.run(&["config"], &variables);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("s3cret"));
    let wrong = place.refused(&["up", "--database", "mysql://order:s3cret@db/{service}"], &variables);
    assert!(wrong.contains("`mysql://order:…@db/{service}` must be") && !wrong.contains("s3cret"), "{wrong}");
}

#[test]
fn what_is_explained_fits_a_terminal_and_the_template_is_a_file_of_defaults() {
    let place = Place::new("");
    let explained = String::from_utf8(place.run(&["config", "--explain"], &[]).stdout).unwrap();
    assert!(explained.contains("ENTREPOT_KAFKA_BROKERS") && explained.contains("--kafka BROKERS"));
    assert!(explained.lines().all(|line| line.chars().count() <= 100));
    let template = String::from_utf8(place.run(&["config", "--template"], &[]).stdout).unwrap();
    let place = Place::new(&template);
    let (plain, filled) = (place.run(&["config"], &[]), place.run(&["config"], &[FILE]));
    assert!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    assert_eq!(filled.stdout, plain.stdout);
}
