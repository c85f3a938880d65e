//! Goods that may not be imported, or only with a permit. The engine quotes them all the same: who
//! lists and who ships ask here first.

use kernel::Country;
use serde::Deserialize;

use crate::{
    goods::{Classes, first_of},
    hs_code::{HsCode, HsPrefix},
};

/// Whether goods are refused or need a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Never carried.
    Prohibited,
    /// Carried with a permit only.
    Restricted,
}

/// A rule on goods that a hub does not carry, or not without a permit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restriction {
    /// Refused, or with a permit.
    pub severity: Severity,
    /// Names of the profile's classes of goods.
    #[serde(default)]
    pub classes: Vec<String>,
    /// HS prefixes.
    #[serde(default)]
    pub hs: Vec<HsPrefix>,
    /// Only goods of these origins. Empty: of any.
    #[serde(default, deserialize_with = "crate::read::countries")]
    pub origins: Vec<Country>,
    /// What a seller is told.
    pub reason: String,
    /// The law, or that it is the hub's own decision.
    pub source: String,
}

impl Restriction {
    /// Whether the restriction speaks of these goods.
    #[must_use]
    pub fn covers(
        &self,
        classes: &Classes,
        hs_code: Option<&HsCode>,
        category: Option<&str>,
        origin: Country,
    ) -> bool {
        if !self.origins.is_empty() && !self.origins.contains(&origin) {
            return false;
        }
        let by_code = hs_code.is_some_and(|code| self.hs.iter().any(|prefix| code.is_under(prefix)));
        by_code || first_of(classes, &self.classes, hs_code, category).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goods::Class;

    #[test]
    fn by_class_by_code_and_by_origin() {
        let tobacco = Class { hs: vec!["24".parse().unwrap()], also: vec![] };
        let classes = Classes::from([("tobacco".to_owned(), tobacco)]);
        let mut rule = Restriction {
            severity: Severity::Prohibited,
            classes: vec!["tobacco".into()],
            hs: vec!["9304".parse().unwrap()],
            origins: vec![],
            reason: "not carried".into(),
            source: "the hub".into(),
        };
        let cn = "CN".parse().unwrap();
        let code = |text: &str| -> Option<HsCode> { Some(text.parse().unwrap()) };
        assert!(rule.covers(&classes, code("240220").as_ref(), None, cn));
        assert!(rule.covers(&classes, None, Some("tobacco"), cn));
        assert!(rule.covers(&classes, code("930400").as_ref(), None, cn));
        assert!(!rule.covers(&classes, code("610910").as_ref(), Some("shirts"), cn));
        rule.origins = vec!["TH".parse().unwrap()];
        assert!(!rule.covers(&classes, code("240220").as_ref(), None, cn));
    }
}
