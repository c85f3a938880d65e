//! Classes of goods that rules speak of ("tobacco", "books"): recognised by HS prefix or by the
//! seller's category.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::hs_code::{HsCode, HsPrefix};

/// A class of goods. A line belongs to it if its HS code lies under one of the prefixes, or its
/// category is the class's own name or one of the other names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// HS prefixes of the class.
    #[serde(default)]
    pub hs: Vec<HsPrefix>,
    /// Other names of the category, compared without regard to case.
    #[serde(default)]
    pub also: Vec<String>,
}

/// The classes that a profile's rules may name, by name.
pub type Classes = BTreeMap<String, Class>;

impl Class {
    /// Whether goods of this HS code and category belong to the class called `name`.
    #[must_use]
    pub fn holds(&self, name: &str, hs_code: Option<&HsCode>, category: Option<&str>) -> bool {
        let by_code = hs_code.is_some_and(|code| self.hs.iter().any(|prefix| code.is_under(prefix)));
        let by_name = category.is_some_and(|category| {
            category.eq_ignore_ascii_case(name)
                || self.also.iter().any(|other| category.eq_ignore_ascii_case(other))
        });
        by_code || by_name
    }
}

/// The first of `names` whose class holds the goods; names without a class hold nothing.
#[must_use]
pub fn first_of<'a>(
    classes: &Classes,
    names: impl IntoIterator<Item = &'a String>,
    hs_code: Option<&HsCode>,
    category: Option<&str>,
) -> Option<&'a str> {
    names
        .into_iter()
        .find(|name| classes.get(*name).is_some_and(|class| class.holds(name, hs_code, category)))
        .map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_code_or_by_name() {
        let class = Class { hs: vec!["24".parse().unwrap()], also: vec!["cigarettes".into()] };
        let holds = |hs: Option<&str>, category| {
            class.holds("tobacco", hs.map(|hs| hs.parse().unwrap()).as_ref(), category)
        };
        assert!(holds(Some("240220"), None));
        assert!(holds(None, Some("Tobacco")));
        assert!(holds(None, Some("cigarettes")));
        assert!(holds(Some("610910"), Some("tobacco")));
        assert!(!holds(Some("610910"), Some("shirts")));
        assert!(!holds(None, None));
    }
}
