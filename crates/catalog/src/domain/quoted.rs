//! What decides a landed price besides the price of the goods: kept with a quote and compared when it is ordered.

use trade::OriginCertificate;

/// What a variant is for carrier and customs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) category: String,
    pub(crate) hs_code: String,
    pub(crate) origin: String,
    pub(crate) from_country: String,
    pub(crate) weight_grams: i64,
    /// Length, width and height.
    pub(crate) size_mm: [i64; 3],
    pub(crate) stock_units: i64,
    pub(crate) preference: String,
    pub(crate) certificate: Option<OriginCertificate>,
    pub(crate) seller_tax_registered: bool,
}

impl Attributes {
    /// The names of those that are no longer as quoted. Each is taken out by name, so that one more cannot be forgotten.
    pub(crate) fn changed_since(&self, quoted: &Self) -> Vec<&'static str> {
        let Self {
            category,
            hs_code,
            origin,
            from_country,
            weight_grams,
            size_mm,
            stock_units,
            preference,
            certificate,
            seller_tax_registered,
        } = self;
        let compared = [
            ("category", *category != quoted.category),
            ("hs_code", *hs_code != quoted.hs_code),
            ("origin", *origin != quoted.origin),
            ("from_country", *from_country != quoted.from_country),
            ("weight_grams", *weight_grams != quoted.weight_grams),
            ("dimensions", *size_mm != quoted.size_mm),
            ("stock_units", *stock_units != quoted.stock_units),
            ("preference", *preference != quoted.preference),
            ("certificate", *certificate != quoted.certificate),
            ("seller_tax_registered", *seller_tax_registered != quoted.seller_tax_registered),
        ];
        compared.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_that_changed_is_named() {
        let quoted = Attributes {
            category: "scarves".to_owned(),
            hs_code: "621410".to_owned(),
            origin: "TH".to_owned(),
            from_country: "TH".to_owned(),
            weight_grams: 120,
            size_mm: [200, 150, 30],
            stock_units: 1,
            preference: "ATIGA".to_owned(),
            certificate: Some(OriginCertificate {
                number: "D-1".to_owned(),
                issued_on: "2026-01-01".parse().unwrap(),
                expires_on: "2026-12-31".parse().unwrap(),
            }),
            seller_tax_registered: true,
        };
        assert!(quoted.changed_since(&quoted).is_empty());
        type Change = fn(&mut Attributes);
        let changes: [(&str, Change); 10] = [
            ("category", |now| now.category = "tobacco".to_owned()),
            ("hs_code", |now| now.hs_code = "240220".to_owned()),
            ("origin", |now| now.origin = "CN".to_owned()),
            ("from_country", |now| now.from_country = "CN".to_owned()),
            ("weight_grams", |now| now.weight_grams = 12_000),
            ("dimensions", |now| now.size_mm[2] = 31),
            ("stock_units", |now| now.stock_units = 2),
            ("preference", |now| now.preference.clear()),
            ("certificate", |now| now.certificate = None),
            ("seller_tax_registered", |now| now.seller_tax_registered = false),
        ];
        let mut all = quoted.clone();
        for (name, change) in changes {
            let mut now = quoted.clone();
            change(&mut now);
            change(&mut all);
            assert_eq!(now.changed_since(&quoted), [name]);
        }
        assert_eq!(all.changed_since(&quoted), changes.map(|(name, _)| name));
    }
}
