//! What a profile must hold besides its shape.

use std::collections::BTreeSet;

use chrono::Days;
use customs::S10;
use customs::rules::{Levy, LevyKind, Rule, Rules};
use kernel::{Text, excerpt, text};
use rust_decimal::Decimal;

use crate::file::{Bearer, Carrier, File, Service};
use crate::postcode;
use crate::problem::{Problem, line_of};

/// The longest name of a hub, a carrier or a service, and the longest code, in characters.
const NAME_CHARACTERS_MAX: usize = 60;

/// Everything that is wrong.
pub(crate) fn problems(file: &str, text: &str, profile: &File) -> Vec<Problem> {
    let mut found = Validator { file, text, problems: Vec::new() };
    hub(&mut found, profile);
    words(&mut found, profile);
    terms(&mut found, profile);
    returns(&mut found, profile);
    payment_methods(&mut found, profile);
    lanes(&mut found, profile);
    carriers(&mut found, profile);
    for (name, rules) in &profile.rulesets {
        ruleset(&mut found, profile, name, rules);
    }
    found.problems
}

struct Validator<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl Validator<'_> {
    /// A problem with `key`, in the `nth` line that contains `wanted`.
    fn add(&mut self, wanted: &str, nth: usize, key: impl Into<String>, problem: impl Into<String>) {
        let line = line_of(self.text, wanted, nth);
        self.problems.push(Problem {
            file: self.file.to_owned(),
            line,
            key: key.into(),
            problem: problem.into(),
        });
    }
}

fn hub(found: &mut Validator<'_>, profile: &File) {
    let code = &profile.hub.code;
    let is_code = (2..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase());
    if !is_code {
        found.add("code =", 0, "hub.code", format!("`{code}` must be 2 to 12 letters a-z"));
    }
    if profile.hub.languages.is_empty() {
        found.add("languages", 0, "hub.languages", "must name at least one language, such as \"en\"");
    }
    let mut seen = BTreeSet::new();
    for language in &profile.hub.languages {
        if !seen.insert(language) {
            found.add("languages", 0, "hub.languages", format!("`{}` is listed twice", excerpt(language)));
        }
        match text::language(language) {
            Ok(canonical) if canonical == *language => {}
            Ok(canonical) => {
                found.add("languages", 0, "hub.languages", format!("`{language}` is written {canonical}"));
            }
            Err(error) => {
                found.add("languages", 0, "hub.languages", format!("`{}` {error}", excerpt(language)));
            }
        }
    }
}

/// What people read on labels, in quotes and in answers.
fn words(found: &mut Validator<'_>, profile: &File) {
    let mut all = vec![("hub.name".to_owned(), &profile.hub.name)];
    for carrier in &profile.carriers {
        let key = format!("carriers.{}", carrier.code);
        all.push((format!("{key}.code"), &carrier.code));
        all.push((format!("{key}.name"), &carrier.name));
        for service in &carrier.services {
            all.push((format!("{key}.services.{}.code", service.code), &service.code));
            all.push((format!("{key}.services.{}.title", service.code), &service.title));
        }
    }
    for (key, words) in all {
        match Text::required(NAME_CHARACTERS_MAX).read(words) {
            Ok(read) if read == *words => {}
            Ok(_) => found.add(words, 0, key, "has leading or trailing spaces"),
            Err(error) => found.add(words, 0, key, error.to_string()),
        }
    }
}

fn terms(found: &mut Validator<'_>, profile: &File) {
    let terms = &profile.terms;
    let rates = [
        ("commission_rate", terms.commission_rate),
        ("insurance_rate", terms.insurance_rate),
        ("exchange_spread", terms.exchange_spread),
    ];
    for (key, rate) in rates {
        if rate < Decimal::ZERO || rate >= Decimal::ONE {
            found.add(key, 0, format!("terms.{key}"), format!("{rate} must be a fraction from 0 to below 1"));
        }
    }
    let spans = [
        ("quote_minutes", terms.quote_minutes, 1, 10_080),
        ("escrow_days", terms.escrow_days, 0, 180),
        ("return_days", terms.return_days, 0, 365),
        ("exchange_age_days_max", terms.exchange_age_days_max, 1, 366),
    ];
    for (key, span, least, most) in spans {
        if !(least..=most).contains(&span) {
            found.add(key, 0, format!("terms.{key}"), format!("{span} must be {least} to {most}"));
        }
    }
}

fn returns(found: &mut Validator<'_>, profile: &File) {
    let causes = [
        ("change_of_mind", profile.returns.change_of_mind),
        ("wrong_or_damaged", profile.returns.wrong_or_damaged),
    ];
    for (nth, (cause, terms)) in causes.into_iter().enumerate() {
        for (key, bearer) in
            [("outward_carriage", terms.outward_carriage), ("return_carriage", terms.return_carriage)]
        {
            if bearer == Bearer::Customs {
                let problem =
                    "customs refunds only duty and tax: the buyer, the seller or the hub must bear it";
                found.add(key, nth, format!("returns.{cause}.{key}"), problem);
            }
        }
        if terms.return_carriage == Bearer::Hub {
            let problem = "the hub carries nothing back: the buyer or the seller must bear it";
            found.add("return_carriage", nth, format!("returns.{cause}.return_carriage"), problem);
        }
    }
}

fn payment_methods(found: &mut Validator<'_>, profile: &File) {
    let mut seen = BTreeSet::new();
    for (place, method) in profile.payment_methods.iter().enumerate() {
        let key = format!("payment_methods[{place}]");
        if !seen.insert(method.code()) {
            found.add(&format!("method = \"{}\"", method.code()), 1, key, "is listed twice");
            continue;
        }
        if let Some(Err(wrong)) = method.qr().map(|qr| qr.text("A1", None)) {
            // A table of its own begins with its name.
            let begins = wrong.field.split('.').next().unwrap_or_default();
            found.add(
                begins,
                0,
                format!("{key}.{}", wrong.field),
                format!("`{}` {}", wrong.value, wrong.problem),
            );
        }
    }
    if profile.payment_methods.is_empty() {
        found.add(
            "[hub]",
            0,
            "payment_methods",
            "at least one way to pay is needed, such as method = \"wallet\"",
        );
    }
}

fn lanes(found: &mut Validator<'_>, profile: &File) {
    let mut seen = BTreeSet::new();
    for (place, lane) in profile.lanes.iter().enumerate() {
        let wanted = format!("from = \"{}\"", lane.from);
        if !seen.insert(lane.from) {
            found.add(
                &wanted,
                1,
                format!("lanes[{place}].from"),
                format!("{} already has a lane", lane.from),
            );
        }
        if !profile.rulesets.contains_key(&lane.ruleset) {
            let known = profile.rulesets.keys().cloned().collect::<Vec<_>>().join(", ");
            let problem = format!("`{}` is not a ruleset of this profile; it has {known}", lane.ruleset);
            found.add(
                &format!("ruleset = \"{}\"", lane.ruleset),
                0,
                format!("lanes[{place}].ruleset"),
                problem,
            );
        }
        let carried = services(profile)
            .any(|(_, service)| service.zones.iter().any(|zone| zone.from.contains(&lane.from)));
        if !carried {
            let problem = format!("no carrier's service has a zone from {}", lane.from);
            found.add(&wanted, 0, format!("lanes[{place}]"), problem);
        }
    }
    if profile.lanes.is_empty() {
        found.add("[hub]", 0, "lanes", "at least one lane is needed");
    }
    for (carrier, service) in services(profile) {
        for country in
            service.zones.iter().flat_map(|zone| &zone.from).filter(|country| !seen.contains(*country))
        {
            let key = format!("carriers.{}.services.{}.zones.from", carrier.code, service.code);
            found.add(
                &format!("\"{country}\""),
                0,
                key,
                format!("there is no lane from {country}: add one to [[lanes]]"),
            );
        }
    }
}

fn services(profile: &File) -> impl Iterator<Item = (&Carrier, &Service)> {
    profile.carriers.iter().flat_map(|carrier| carrier.services.iter().map(move |service| (carrier, service)))
}

/// Every postcode has one zone at most.
fn zones(found: &mut Validator<'_>, profile: &File, service: &Service) {
    let hub = &profile.hub;
    let mut seen = BTreeSet::new();
    for zone in &service.zones {
        let key = format!("services.{}.zones.postcodes", service.code);
        let mut starts: Vec<String> = Vec::new();
        for start in &zone.postcodes {
            if let Some(problem) = postcode::start_problem(start, hub.country, hub.postcode_digits) {
                found.add(&format!("\"{start}\""), 0, key.clone(), format!("`{start}` {problem}"));
            }
            starts.push(postcode::normal(start, hub.country));
        }
        if starts.is_empty() {
            starts.push(String::new());
        }
        for (start, from) in starts.iter().flat_map(|start| zone.from.iter().map(move |from| (start, from))) {
            if !seen.insert((start.clone(), *from)) {
                let which = if start.is_empty() { "all postcodes" } else { start };
                let problem = format!("another zone of `{}` from {from} also covers {which}", service.code);
                found.add(&format!("code = \"{}\"", service.code), 0, key.clone(), problem);
            }
        }
    }
}

fn carriers(found: &mut Validator<'_>, profile: &File) {
    let mut codes = BTreeSet::new();
    for (_, service) in services(profile) {
        let wanted = format!("code = \"{}\"", service.code);
        let key = format!("services.{}", service.code);
        if !codes.insert(service.code.as_str()) {
            found.add(&wanted, 1, key.clone(), "another service has this code");
        }
        if service.divisor == 0 || service.break_grams == 0 || service.weight_grams_max == 0 {
            found.add(
                &wanted,
                0,
                key.clone(),
                "divisor, break_grams and weight_grams_max must be more than 0",
            );
        }
        zones(found, profile, service);
        for zone in &service.zones {
            if zone.first_price < Decimal::ZERO
                || zone.next_price < Decimal::ZERO
                || zone.days_min > zone.days_max
            {
                found.add(
                    &wanted,
                    0,
                    key.clone(),
                    "a zone's prices must not be below 0, nor days_min above days_max",
                );
            }
        }
    }
    let mut names = BTreeSet::new();
    for (place, carrier) in profile.carriers.iter().enumerate() {
        let wanted = format!("code = \"{}\"", carrier.code);
        if !names.insert(carrier.code.as_str()) {
            found.add(&wanted, 1, format!("carriers[{place}].code"), "another carrier has this code");
        }
        let key = format!("carriers[{place}].s10");
        let range = &carrier.s10;
        if let Err(error) = S10::new(&range.indicator, range.serial_to, profile.hub.country) {
            found.add(&wanted, 0, key.clone(), error.to_string());
        }
        if range.serial_from > range.serial_to {
            found.add(&wanted, 0, key.clone(), "serial_from is after serial_to");
        }
        let overlaps = profile.carriers.iter().take(place).any(|other| {
            other.s10.indicator == range.indicator
                && other.s10.serial_from <= range.serial_to
                && range.serial_from <= other.s10.serial_to
        });
        if overlaps {
            found.add(&wanted, 0, key, "its serials overlap with another carrier's");
        }
    }
}

fn ruleset(found: &mut Validator<'_>, profile: &File, name: &str, rules: &Rules) {
    let mut codes = BTreeSet::new();
    for levy in &rules.levies {
        if !codes.insert(levy.code.as_str()) {
            let wanted = format!("code = \"{}\"", levy.code);
            found.add(
                &wanted,
                1,
                format!("rulesets.{name}.levies"),
                format!("`{}` is listed twice", levy.code),
            );
        }
        let key = format!("rulesets.{name}.levies.{}", levy.code);
        for rule in &levy.rules {
            let wanted = format!("rule = \"{}\"", rule.rule);
            let classes = rule.only.iter().chain(&rule.except).chain(rule.class_rates.keys());
            for class in classes.filter(|class| !profile.classes.contains_key(*class)) {
                let problem = format!("`{class}` is not a class of goods: add [classes.{class}]");
                found.add(&wanted, 0, format!("{key}.{}", rule.rule), problem);
            }
            if rule.assumed && rule.note.is_none() {
                found.add(
                    &wanted,
                    0,
                    format!("{key}.{}", rule.rule),
                    "an assumed rule needs a note that says why",
                );
            }
            if let (Some(from), Some(to)) = (rule.valid_from, rule.valid_to)
                && from > to
            {
                found.add(&wanted, 0, format!("{key}.{}", rule.rule), "valid_from is after valid_to");
            }
        }
        versions(found, &key, levy);
        if matches!(levy.kind, LevyKind::Duty | LevyKind::Tax) && !levy.rules.iter().any(is_for_the_rest) {
            let problem = "its last rule must cover all remaining goods, without an end: with a rate, or rate = \"none\"";
            found.add(&format!("code = \"{}\"", levy.code), 0, key, problem);
        }
    }
}

fn is_for_the_rest(rule: &Rule) -> bool {
    rule.is_general() && rule.valid_to.is_none()
}

/// The versions of a rule may neither overlap nor leave a gap.
fn versions(found: &mut Validator<'_>, key: &str, levy: &Levy) {
    let names: BTreeSet<&str> = levy.rules.iter().map(|rule| rule.rule.as_str()).collect();
    for name in names {
        let mut versions: Vec<(usize, &Rule)> =
            levy.rules.iter().filter(|rule| rule.rule == name).enumerate().collect();
        versions.sort_by_key(|(_, rule)| rule.valid_from);
        for pair in versions.windows(2) {
            let [(_, earlier), (place, later)] = pair else { continue };
            let problem = match (earlier.valid_to, later.valid_from) {
                (Some(to), Some(from)) if from <= to => {
                    Some(format!("overlaps: one version ends {to}, the next begins {from}"))
                }
                (Some(to), Some(from)) if to.checked_add_days(Days::new(1)) != Some(from) => {
                    Some(format!("leaves a gap: one version ends {to}, the next begins {from}"))
                }
                (Some(_), Some(_)) => None,
                _ => Some("overlaps: a version without an end is followed by another".to_owned()),
            };
            if let Some(problem) = problem {
                found.add(&format!("rule = \"{name}\""), *place, format!("{key}.{name}"), problem);
            }
        }
    }
}
