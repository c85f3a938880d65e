//! The engines that tests are told of by the environment.

/// `require`: a test that finds no engine fails.
const ENGINES: &str = "ENTREPOT_TEST_ENGINES";
/// Names the brokers of the tests' Kafka: `HOST:PORT`.
const KAFKA: &str = "ENTREPOT_TEST_KAFKA";

/// Kafka's brokers; `None`, with a word on it, when they are not named.
pub fn kafka() -> Option<String> {
    let brokers = std::env::var(KAFKA).ok();
    if brokers.is_none() {
        missing(KAFKA, required());
    }
    brokers
}

pub(crate) fn required() -> bool {
    std::env::var(ENGINES).is_ok_and(|engines| engines == "require")
}

/// Says that a test is skipped for want of an engine; panics where engines are required.
pub(crate) fn missing(variable: &str, required: bool) {
    assert!(!required, "{variable} is unset and {ENGINES}=require: run `cargo xtask engines up`");
    println!("skipped: {variable} is unset");
}
