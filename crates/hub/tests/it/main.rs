//! The profiles that come with the program against worked cases, and profiles with something wrong in them.

#![expect(clippy::unwrap_used, reason = "what is not as it should be fails its test")]

use std::collections::BTreeMap;

use hub::case::{Case, run};
use hub::{BUILTIN, Bearer, Parcel, Profile, builtin};

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

#[test]
fn a_spread_that_cannot_be_run_names_the_field() {
    let wrong = |total: &str, currency: &str, shares: &str| {
        let text = format!(
            r#"{{"id":"x","kind":"spread","total":"{total}","currency":"{currency}","shares":{shares},"expect":{{}}}}"#
        );
        differing(&text).join("\n")
    };
    assert_eq!(wrong("0.01", "MYR", r#"["1"]"#), "");
    assert_eq!(wrong("0.01", "MYR", "[]"), "x: shares: there is nothing to allocate the amount to");
    assert_eq!(wrong("0.01", "MYR", r#"["1", "-2"]"#), "x: shares: weight -2 of share 1 must be 0 or more");
    assert!(
        wrong("0.01", "MYR", r#"["1", "two"]"#).starts_with("x: shares[1]: `two` must be a decimal number")
    );
    let long = format!(r#"["{}"]"#, "9".repeat(40));
    assert!(wrong("0.01", "MYR", &long).contains("at most 28 digits"), "{}", wrong("0.01", "MYR", &long));
    assert!(wrong("0.5", "JPY", r#"["1"]"#).starts_with("x: total: `0.5` has 1 digits"));
    assert!(wrong("0.01", "MYX", r#"["1"]"#).starts_with("x: currency: "));
    assert!(wrong("0.01", "MYR", "[1]").starts_with("x: shares[0]: "));
}

#[test]
fn a_landed_cost_that_cannot_be_worked_out_names_the_field() {
    let wrong = |field: &str| {
        let text = format!(
            r#"{{"id":"x","kind":"landed_cost","hub":"my","date":"2026-03-01","transport":"air","goods_currency":"THB","customs_rate":"0.13",{field},"expect":{{}}}}"#
        );
        differing(&text).join("\n")
    };
    let item = |more: &str| {
        format!(r#""items":[{{"origin":"TH","from":"TH","quantity":1,"unit_price":"1.00"{more}}}]"#)
    };
    assert_eq!(wrong(&item("")), "");
    assert_eq!(wrong(&item(r#","duty_rate":"-0.05""#)), "x: duty_rate: must not be below zero");
    assert_eq!(wrong(&format!(r#""charge_rate":"0",{}"#, item(""))), "x: charge_rate: must be above zero");
    assert_eq!(wrong(&format!(r#""freight":"-1.00",{}"#, item(""))), "x: freight: must not be below zero");
    assert!(wrong(r#""items":[]"#).starts_with("x: items: "));
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
        ("from = \"TH\"\nruleset", "from = \"CN\"\nruleset", "already has a lane"),
        ("[[lanes]]\nfrom = \"GB\"\nruleset = \"import\"\n", "", "there is no lane from GB"),
        ("commission_rate = \"0.08\"", "commission_rate = \"8\"", "terms.commission_rate"),
        ("rate = \"0.10\"\nbase = [\"price\"]", "rate = 0.10\nbase = [\"price\"]", "rate"),
        ("only = [\"tobacco\", \"alcohol\"]", "only = [\"tabacco\"]", "is not a class of goods"),
        ("serial_from = 10000000", "serial_from = 40000000", "s10"),
        ("category = \"5999\"", "category = \"59\"", "category"),
        (
            "name = \"Entrepot Malaysia\"",
            "name = \"Entrepôt Malaysia\"",
            "payment_methods[1].name: `Entrepôt Malaysia` must be",
        ),
        ("city = \"Kuala Lumpur\"", "city = \"กรุงเทพฯ\"", "payment_methods[1].city"),
        (
            "expires_minutes = 15",
            "expires_minutes = 15\nlocal = { language = \"MS\", name = \"ร้าน\" }",
            "payment_methods[1].local.language",
        ),
        ("languages = [\"ms\"", "languages = [\"ms_MY\"", "hub.languages: `ms_MY` must be a language tag"),
        ("languages = [\"ms\"", "languages = [\"ms\", \"en\"", "hub.languages: `en` is listed twice"),
        ("code = \"monsoon\"", "code = \"selat\"", "carriers[1].code: another carrier has this code"),
        ("code = \"excise\"", "code = \"duty\"", "rulesets.import.levies: `duty` is listed twice"),
        ("languages = [\"ms\"", "languages = [\"MS\"", "hub.languages: `MS` is written ms"),
        ("name = \"Entrepôt Malaysia\"", "name = \"Entrep\u{202e}ôt\"", "hub.name: has U+202E"),
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
fn who_bears_a_return_is_said_by_the_profile() {
    let profile = &profiles()["my"];
    let (mind, wrong) = (profile.returns().change_of_mind, profile.returns().wrong_or_damaged);
    assert_eq!((mind.outward_carriage, mind.return_carriage), (Bearer::Seller, Bearer::Buyer));
    assert_eq!((wrong.outward_carriage, wrong.return_carriage), (Bearer::Seller, Bearer::Seller));
    let problem = refused("outward_carriage = \"seller\"", "outward_carriage = \"customs\"");
    assert!(problem.contains("returns.change_of_mind.outward_carriage: customs refunds"), "{problem}");
    let problem = refused("return_carriage = \"buyer\"", "return_carriage = \"hub\"");
    assert!(problem.contains("the hub carries nothing back"), "{problem}");
    let problem = refused("duty_and_tax = \"customs\"", "duty_and_tax = \"nobody\"");
    assert!(problem.contains("nobody"), "{problem}");
    // A profile of before says nothing: as the shipped ones.
    let (file, text) = builtin("my").unwrap();
    let (head, rest) = text.split_once("[returns.change_of_mind]").unwrap();
    let (_, tail) = rest.split_once("[[payment_methods]]").unwrap();
    let of_before = Profile::parse(file, &format!("{head}[[payment_methods]]{tail}")).unwrap();
    assert_eq!(of_before.returns(), profile.returns());
}

#[test]
fn a_merchants_name_has_a_place_for_its_own_script() {
    let (_, text) = builtin("my").unwrap();
    let local = "expires_minutes = 15\nlocal = { language = \"ms\", name = \"Entrepôt Malaysia\", city = \"Kuala Lumpur\" }";
    assert!(Profile::parse("my.toml", &text.replacen("expires_minutes = 15", local, 1)).is_ok());
    let case = r#"{"id":"x","kind":"qr_encode","scheme":"duitnow","acquirer":"1","merchant":"2","name":"Kedai Façade","city":"KL","expect":{"payload":""}}"#;
    assert!(differing(case)[0].contains("printable ASCII"), "{:?}", differing(case));
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
fn the_day_of_a_rule_is_the_importing_country_s() {
    let profiles = profiles();
    // The last moment of the year in each country, as UTC has it.
    for (hub, last) in [("th", "16:59:59"), ("id", "16:59:59"), ("my", "15:59:59"), ("sg", "15:59:59")] {
        let last: chrono::DateTime<chrono::Utc> = format!("2025-12-31T{last}Z").parse().unwrap();
        let next = last + chrono::Duration::seconds(1);
        assert_eq!(profiles[hub].today(last).to_string(), "2025-12-31", "{hub}");
        assert_eq!(profiles[hub].today(next).to_string(), "2026-01-01", "{hub}");
    }
}

#[test]
fn a_marketplace_counts_as_the_seller_where_its_profile_says_so() {
    let (_, text) = builtin("my").unwrap();
    assert!(!profiles()["my"].is_marketplace_registered());
    let silent = text.replacen("marketplace_registered = false\n", "", 1);
    assert!(!Profile::parse("my.toml", &silent).unwrap().is_marketplace_registered());
    let registered = text.replacen("marketplace_registered = false", "marketplace_registered = true", 1);
    let registered = BTreeMap::from([("my".to_owned(), Profile::parse("my.toml", &registered).unwrap())]);
    let case = r#"{"id":"x","kind":"landed_cost","hub":"my","date":"2026-03-01","transport":"air","goods_currency":"MYR","items":[{"origin":"CN","from":"CN","quantity":1,"unit_price":"480.00"}],"expect":{"tax":"48.00"}}"#;
    let differences = run(&serde_json::from_str(case).unwrap(), &registered).unwrap();
    assert!(differences.is_empty(), "{differences:?}");
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

/// The Malaysian profile whose packet has zones from Thailand, in that order, at so much for each.
fn with_zones(zones: &[(&str, &str)]) -> Result<Profile, String> {
    let (_, text) = builtin("my").unwrap();
    let all = "from = [\"TH\", \"SG\", \"ID\"]\nfirst_price = \"14.00\"\nnext_price = \"3.20\"\ndays_min = 4\ndays_max = 8";
    assert!(text.contains(all));
    let zone = |(postcodes, price): &(&str, &str)| {
        all.replace("first_price = \"14.00\"", &format!("postcodes = {postcodes}\nfirst_price = \"{price}\""))
    };
    let zones: Vec<String> = zones.iter().map(zone).collect();
    let text = text.replacen(all, &zones.join("\n\n[[carriers.services.zones]]\n"), 1);
    Profile::parse("my.toml", &text).map_err(|problems| problems.to_string())
}

#[test]
fn the_zone_that_names_most_of_a_postcode_is_its_own_wherever_it_stands() {
    let mut zones = [("[]", "14.00"), ("[\"8\"]", "20.00"), ("[\"MY-88\", \"90\"]", "35.00")];
    for _ in 0..zones.len() {
        zones.rotate_left(1);
        let profile = with_zones(&zones).unwrap();
        let price = |postcode: &str| {
            let parcel =
                Parcel { quantity: 1, weight_grams: 100, length_mm: 100, width_mm: 100, height_mm: 20 };
            let options = profile.carriage("TH".parse().unwrap(), &[parcel], postcode);
            options.iter().find(|option| option.service == "selat-packet").unwrap().price.minor()
        };
        let prices = ["", "50450", "81000", "88000", "90-000"].map(price);
        assert_eq!(prices, [1_400, 1_400, 2_000, 3_500, 3_500], "{zones:?}");
    }
    assert!(!with_zones(&zones).unwrap().needs_postcode("TH".parse().unwrap()));
}

#[test]
fn a_postcode_has_one_zone() {
    for twice in
        [[("[]", "14.00"), ("[]", "20.00")], [("[\"88\"]", "14.00"), ("[\"87\", \"MY-88\"]", "20.00")]]
    {
        let refusal = with_zones(&twice).unwrap_err();
        assert!(refusal.contains("another zone of `selat-packet` from TH"), "{refusal}");
    }
    for start in ["8A", "880000", "", "-"] {
        let refusal = with_zones(&[(&format!("[\"{start}\"]"), "14.00")]).unwrap_err();
        assert!(refusal.contains("must be 1 to 5 digits"), "{start}: {refusal}");
    }
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
