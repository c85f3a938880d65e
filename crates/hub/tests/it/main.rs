//! The profiles that come with the program against worked cases, and profiles with something wrong in them.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

use std::collections::BTreeMap;

use hub::case::{Case, run};
use hub::{BUILTIN, Parcel, Profile, builtin};

fn profiles() -> BTreeMap<String, Profile> {
    BUILTIN
        .iter()
        .map(|(code, file, text)| {
            let profile = Profile::parse(file, text).unwrap_or_else(|problems| panic!("{problems}"));
            ((*code).to_owned(), profile)
        })
        .collect()
}

fn differing(text: &str) -> Vec<String> {
    let profiles = profiles();
    let mut differing = Vec::new();
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        match run(&case, &profiles) {
            Ok(differences) => {
                differing.extend(differences.iter().map(|difference| format!("{}: {difference}", case.id)));
            }
            Err(error) => differing.push(format!("{}: {error}", case.id)),
        }
    }
    differing
}

#[test]
fn every_vector_holds_to_the_last_digit() {
    let differing = differing(include_str!("vectors.jsonl"));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_boundary_holds() {
    let differing = differing(include_str!("boundaries.jsonl"));
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_case_that_expects_otherwise_differs() {
    let text = r#"{"id":"x","kind":"s10","indicator":"RR","serial":"47312482","country":"MY","expect":{"number":"RR473124828MY"}}"#;
    assert_eq!(differing(text), [r#"x: number: expected "RR473124828MY", got "RR473124829MY""#]);
    let text = r#"{"id":"x","kind":"s10","indicator":"RR","serial":"47312482","country":"MY","colour":"red","expect":{}}"#;
    assert!(differing(text)[0].contains("colour"), "{:?}", differing(text));
}

/// What a changed Malaysian profile is refused with.
fn refused(from: &str, to: &str) -> String {
    let (_, text) = builtin("my").unwrap();
    assert!(text.contains(from), "the profile has no `{from}`");
    Profile::parse("my.toml", &text.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_wrong_profile_names_the_line() {
    let cases = [
        ("quote_minutes = 30", "quote_minuets = 30", "quote_minuets"),
        ("currency = \"MYR\"", "currency = \"MYX\"", "hub.currency"),
        ("country = \"MY\"", "country = \"XX\"", "hub.country"),
        ("time_zone = \"Asia/Kuala_Lumpur\"", "time_zone = \"Asia/Penang\"", "hub.time_zone"),
        ("ruleset = \"import\"", "ruleset = \"imports\"", "lanes[0].ruleset"),
        ("from = \"TH\"\nruleset", "from = \"CN\"\nruleset", "has a lane already"),
        ("[[lanes]]\nfrom = \"GB\"\nruleset = \"import\"\n", "", "there is no lane from GB"),
        ("commission_rate = \"0.08\"", "commission_rate = \"8\"", "terms.commission_rate"),
        ("rate = \"0.10\"\nbase = [\"price\"]", "rate = 0.10\nbase = [\"price\"]", "rate"),
        ("only = [\"tobacco\", \"alcohol\"]", "only = [\"tabacco\"]", "is no class of goods"),
        ("serial_from = 10000000", "serial_from = 40000000", "s10"),
        ("category = \"5999\"", "category = \"59\"", "category"),
    ];
    for (from, to, expected) in cases {
        let refusal = refused(from, to);
        let first = refusal.lines().next().unwrap();
        let mut parts = first.splitn(3, ':');
        assert_eq!(parts.next(), Some("my.toml"), "{refusal}");
        assert!(parts.next().unwrap().parse::<usize>().unwrap() > 1, "{refusal}");
        assert!(refusal.contains(expected), "`{expected}` is not in: {refusal}");
    }
}

#[test]
fn overlapping_and_missing_days_are_told() {
    let (_, text) = builtin("th").unwrap();
    let overlap = text.replacen("valid_to = \"2025-12-31\"", "valid_to = \"2026-01-31\"", 1);
    assert!(Profile::parse("th.toml", &overlap).unwrap_err().to_string().contains("overlaps"));
    let gap = text.replacen("valid_to = \"2025-12-31\"", "valid_to = \"2025-12-30\"", 1);
    let refusal = Profile::parse("th.toml", &gap).unwrap_err().to_string();
    assert!(refusal.contains("leaves a gap"), "{refusal}");
}

#[test]
fn an_assumed_rule_warns_from_its_first_day() {
    let thailand = &profiles()["th"];
    let day = |text: &str| text.parse().unwrap();
    assert!(thailand.warnings(day("2026-09-30")).is_empty());
    assert_eq!(thailand.warnings(day("2026-10-01")).len(), 1);
}

#[test]
fn a_third_country_is_a_file_and_no_code() {
    let singapore = &profiles()["sg"];
    assert_eq!(singapore.currency().code(), "SGD");
    let malaysia = "MY".parse().unwrap();
    let parcel = Parcel { quantity: 2, weight_grams: 400, length_mm: 100, width_mm: 100, height_mm: 100 };
    let options = singapore.carriage(malaysia, &[parcel], "");
    assert!(!options.is_empty());
    assert!(options.is_sorted_by_key(|option| option.price.minor()));
    assert!(singapore.ruleset(malaysia).is_some());
    assert!(singapore.ruleset("FR".parse().unwrap()).is_none());
}

#[test]
fn what_is_too_heavy_for_every_service_is_not_carried() {
    let malaysia = &profiles()["my"];
    let heavy =
        Parcel { quantity: 1_000_000, weight_grams: 30_000, length_mm: 10, width_mm: 10, height_mm: 10 };
    assert!(malaysia.carriage("GB".parse().unwrap(), &[heavy], "").is_empty());
}

#[test]
fn prohibited_goods_are_known_by_code_and_by_category() {
    let malaysia = &profiles()["my"];
    let from = "CN".parse().unwrap();
    let code = "930200".parse().unwrap();
    assert!(malaysia.restricted(Some(&code), "toys", from).unwrap().prohibited);
    assert!(malaysia.restricted(None, "cigars", from).unwrap().prohibited);
    let medicine = "300490".parse().unwrap();
    assert!(!malaysia.restricted(Some(&medicine), "health", from).unwrap().prohibited);
    assert!(malaysia.restricted(None, "batik", from).is_none());
}

#[test]
fn two_hubs_never_share_a_number() {
    let profiles = profiles();
    let ranges: Vec<_> = profiles
        .iter()
        .flat_map(|(code, profile)| {
            profile.carriers().iter().map(move |carrier| (code.clone(), carrier.s10.clone()))
        })
        .collect();
    for (place, (hub, one)) in ranges.iter().enumerate() {
        for (other_hub, other) in &ranges[..place] {
            let apart = one.indicator != other.indicator
                || one.serial_to < other.serial_from
                || other.serial_to < one.serial_from;
            assert!(apart, "{hub} and {other_hub} share numbers of {}", one.indicator);
        }
    }
}

#[test]
fn a_file_without_end_is_no_profile() {
    let problems = hub::Profile::load(std::path::Path::new("/dev/zero")).unwrap_err();
    assert!(problems.to_string().contains("larger than"), "{problems}");
}
