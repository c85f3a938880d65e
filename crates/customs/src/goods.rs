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
    /// Whether goods of this HS code and category belong to the class called `name`, by either: what is not allowed or not
    /// privileged by one is not by the other.
    #[must_use]
    pub fn holds(&self, name: &str, hs_code: Option<&HsCode>, category: Option<&str>) -> bool {
        self.holds_code(hs_code) || self.holds_category(name, category)
    }

    /// Whether goods bear the class's own rate. The HS code decides where there is one, since the seller chooses the category
    /// freely; a class without prefixes knows categories only.
    #[must_use]
    pub fn rates(&self, name: &str, hs_code: Option<&HsCode>, category: Option<&str>) -> bool {
        match hs_code {
            Some(_) if !self.hs.is_empty() => self.holds_code(hs_code),
            _ => self.holds_category(name, category),
        }
    }

    fn holds_code(&self, hs_code: Option<&HsCode>) -> bool {
        hs_code.is_some_and(|code| self.hs.iter().any(|prefix| code.is_under(prefix)))
    }

    fn holds_category(&self, name: &str, category: Option<&str>) -> bool {
        category.is_some_and(|category| {
            category.eq_ignore_ascii_case(name)
                || self.also.iter().any(|other| category.eq_ignore_ascii_case(other))
        })
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

    #[test]
    fn a_rate_goes_by_the_code_where_there_is_one() {
        let books = Class { hs: vec!["49".parse().unwrap()], also: vec!["book".into()] };
        let rates = |hs: Option<&str>, category| {
            books.rates("books", hs.map(|hs| hs.parse().unwrap()).as_ref(), category)
        };
        assert!(rates(Some("490199"), Some("toys")));
        assert!(!rates(Some("640411"), Some("book")));
        assert!(rates(None, Some("Book")));
        let handmade = Class { hs: Vec::new(), also: Vec::new() };
        assert!(handmade.rates("handmade", Some(&"640411".parse().unwrap()), Some("handmade")));
    }
}
