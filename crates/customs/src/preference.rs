//! Trade preferences: a lower duty for goods that originate in a partner country and come with a
//! proof of it (Form D under ATIGA, Form E under ACFTA).

use kernel::Country;
use serde::Deserialize;

/// A preference that the importing country grants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preference {
    /// What a seller claims it by, such as `ATIGA`.
    pub code: String,
    /// Its name in words.
    pub title: String,
    /// The proof of origin, such as `Form D`.
    pub proof: String,
    /// Where goods must originate.
    #[serde(deserialize_with = "crate::read::countries")]
    pub origins: Vec<Country>,
    /// Where the parcel may be sent from: the agreement's parties (direct consignment). Empty: from one
    /// of the origins.
    #[serde(default, deserialize_with = "crate::read::countries")]
    pub dispatched_from: Vec<Country>,
    /// The agreement.
    pub source: String,
}

impl Preference {
    /// Why goods of `origin`, sent from `from`, do not qualify; `None` if they do.
    #[must_use]
    pub fn refusal(&self, origin: Country, from: Country) -> Option<String> {
        if !self.origins.contains(&origin) {
            return Some(format!("goods that originate in {origin} do not qualify for {}", self.code));
        }
        let parties = if self.dispatched_from.is_empty() { &self.origins } else { &self.dispatched_from };
        if !parties.contains(&from) {
            return Some(format!(
                "goods sent from {from} are not consigned directly between the parties of {}",
                self.code
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_come_from_an_origin_and_directly_from_a_party() {
        let country = |code: &str| code.parse::<Country>().unwrap();
        let mut preference = Preference {
            code: "ATIGA".into(),
            title: "ASEAN Trade in Goods Agreement".into(),
            proof: "Form D".into(),
            origins: vec![country("TH"), country("VN")],
            dispatched_from: vec![],
            source: "the agreement".into(),
        };
        assert_eq!(preference.refusal(country("TH"), country("VN")), None);
        assert!(preference.refusal(country("CN"), country("TH")).unwrap().contains("originate"));
        assert!(preference.refusal(country("TH"), country("GB")).unwrap().contains("directly"));
        preference.dispatched_from = vec![country("SG")];
        assert_eq!(preference.refusal(country("TH"), country("SG")), None);
        assert!(preference.refusal(country("TH"), country("TH")).unwrap().contains("directly"));
    }
}
