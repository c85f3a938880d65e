//! The services of a hub, a row each. The program, the files of deploy/ and the tests take them from here:
//! CONTRIBUTING.md says how to add one.

pub mod history;

use runtime::{AdoptionHook, Spec};

/// All services. A new one comes last: its place gives it its user and its port in deploy/.
pub const ALL: &[Spec] = &[catalog::SPEC, order::SPEC, payment::SPEC, logistics::SPEC];

/// What services do when their databases are adopted.
pub const ON_ADOPTION: &[(&str, AdoptionHook)] = &[(logistics::SPEC.name, logistics::on_adoption)];

/// Their names.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|spec| spec.name).collect()
}

/// The services, each after those that it asks: in this order processes are started and upgraded.
pub fn callees_first() -> Vec<Spec> {
    let (mut ordered, mut left) = (Vec::<Spec>::new(), ALL.to_vec());
    // Each pass takes one at least, unless services ask each other in a circle.
    for _ in ALL {
        let is_known = |name: &&str| ordered.iter().any(|known| known.name == *name);
        let (ready, waiting) = left.into_iter().partition(|spec| spec.calls.iter().all(&is_known));
        ordered.extend::<Vec<Spec>>(ready);
        left = waiting;
    }
    ordered.extend(left);
    ordered
}

/// The services that another one asks.
pub fn called() -> Vec<&'static str> {
    names().into_iter().filter(|name| ALL.iter().any(|spec| spec.calls.contains(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comes_after_those_that_it_asks() {
        let ordered = callees_first();
        assert_eq!(ordered.len(), ALL.len());
        for (place, spec) in ordered.iter().enumerate() {
            let before: Vec<&str> = ordered[..place].iter().map(|spec| spec.name).collect();
            assert!(
                spec.calls.iter().all(|asked| before.contains(asked)),
                "{} is after {before:?}",
                spec.name
            );
        }
    }

    #[test]
    fn a_name_and_a_package_are_one_services() {
        let mut taken = std::collections::BTreeSet::new();
        for spec in ALL {
            assert!(taken.insert(spec.name), "{} is there twice", spec.name);
            assert!(
                spec.packages.iter().all(|package| taken.insert(package)),
                "{}: a package is another's",
                spec.name
            );
            assert!(
                spec.calls.iter().all(|asked| names().contains(asked)),
                "{} asks one that is not there",
                spec.name
            );
        }
    }
}
