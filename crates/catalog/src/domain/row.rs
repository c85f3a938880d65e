//! A row of an import: what it says of one variant and its product. What it does not say stays as it is.

use std::collections::BTreeSet;

use super::product::{Goods, NewVariant, Translation};

kernel::words! {
    /// What a row can say of its variant and the variant's place; texts in languages are [`RowTranslation`].
    #[derive(PartialOrd, Ord)]
    pub(crate) enum Field {
        Group = "group",
        Category = "category",
        VariantName = "variant_name",
        Price = "price",
        HsCode = "hs_code",
        Origin = "origin",
        WeightGrams = "weight_grams",
        Size = "size",
        StockUnits = "stock_units",
        Preference = "preference",
        Certificate = "certificate",
        StockItemId = "stock_item_id",
        LocationId = "location_id",
        Stock = "stock",
    }
}

impl Field {
    /// What a variant cannot be listed without, where it has no shelf of another to share.
    const NEEDED: [Self; 7] = [
        Self::Price,
        Self::HsCode,
        Self::Origin,
        Self::WeightGrams,
        Self::Size,
        Self::Stock,
        Self::LocationId,
    ];
}

/// What a row says of its product in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RowTranslation {
    pub(crate) language: String,
    pub(crate) title: Option<String>,
    pub(crate) description: Option<String>,
}

/// A row that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// In its file.
    pub(crate) number: i64,
    pub(crate) said: BTreeSet<Field>,
    /// Empty: none.
    pub(crate) group: String,
    /// Of a new product, where the row says none.
    pub(crate) category: String,
    pub(crate) words: Vec<RowTranslation>,
    /// Of it counts what is [`said`](Self::said), and the SKU.
    pub(crate) variant: NewVariant,
    pub(crate) stock: i64,
}

impl Row {
    /// Whether it says this.
    pub(crate) fn says(&self, field: Field) -> bool {
        self.said.contains(&field)
    }

    /// How long its texts are, in bytes.
    pub(crate) fn letters(&self) -> i64 {
        let of = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let letters: usize = self.words.iter().map(|words| of(&words.title) + of(&words.description)).sum();
        i64::try_from(letters).unwrap_or(i64::MAX)
    }

    /// What a new variant needs and the row does not say.
    pub(crate) fn missing(&self) -> Vec<Field> {
        let shared = self.says(Field::StockItemId);
        let needed = |field: &Field| !(shared && matches!(field, Field::Stock | Field::LocationId));
        Field::NEEDED.into_iter().filter(needed).filter(|field| !self.says(*field)).collect()
    }

    /// The goods after the row.
    pub(crate) fn onto(&self, known: &Goods) -> Goods {
        let (mut goods, new) = (known.clone(), &self.variant.goods);
        for field in &self.said {
            match field {
                Field::VariantName => goods.name.clone_from(&new.name),
                Field::Price => goods.price = new.price,
                Field::HsCode => goods.hs_code = new.hs_code.clone(),
                Field::Origin => goods.origin = new.origin,
                Field::WeightGrams => goods.weight_grams = new.weight_grams,
                Field::Size => {
                    (goods.length_mm, goods.width_mm) = (new.length_mm, new.width_mm);
                    goods.height_mm = new.height_mm;
                }
                Field::StockUnits => goods.stock_units = new.stock_units,
                Field::Preference => goods.preference.clone_from(&new.preference),
                Field::Certificate => goods.certificate.clone_from(&new.certificate),
                Field::Group | Field::Category | Field::StockItemId | Field::LocationId | Field::Stock => {}
            }
        }
        goods
    }

    /// Descriptions that have no title to stand under.
    pub(crate) fn descriptions_without_title(&self, known: &[Translation]) -> Vec<String> {
        let is_known = |language: &str| known.iter().any(|known| known.language == language);
        let wordless = self.words.iter().filter(|words| words.title.is_none() && !is_known(&words.language));
        wordless.map(|words| format!("description_{}", words.language)).collect()
    }

    /// The texts after the row. A language that is new is taken once it has a title.
    pub(crate) fn translations_onto(&self, known: &[Translation]) -> Vec<Translation> {
        let mut translations = known.to_vec();
        for words in &self.words {
            if let Some(known) = translations.iter_mut().find(|known| known.language == words.language) {
                known.title = words.title.clone().unwrap_or_else(|| known.title.clone());
                known.description = words.description.clone().unwrap_or_else(|| known.description.clone());
            } else if let Some(title) = &words.title {
                translations.push(Translation {
                    language: words.language.clone(),
                    title: title.clone(),
                    description: words.description.clone().unwrap_or_default(),
                });
            }
        }
        translations
    }
}
