//! Reading requests: every field that is wrong is told at once.

use kernel::{Country, SellerId, excerpt};
use money::Money;
use proto::catalog::v1 as wire;
use proto::convert::{self, Invalid};
use proto::types::v1 as types;
use rpc::Violations;

use crate::domain::product::{
    Goods, NewProduct, NewStock, NewVariant, TRANSLATIONS_MAX, Translation, VARIANTS_MAX,
};
use crate::domain::search_terms;
use crate::domain::seller::UNITS_MAX;
use crate::store::search::Filter;

/// Of a search.
const SEARCH_CHARACTERS_MAX: usize = 200;
const WEIGHT_GRAMS_MAX: i64 = 1_000_000;
const SIDE_MM_MAX: i64 = 10_000;
const STOCK_UNITS_MAX: i64 = 1_000_000;

/// An etag: the version as text, from 1 on.
pub(super) fn etag(text: &str, violations: &mut Violations) -> Option<i64> {
    let version = text.parse().ok().filter(|version| *version >= 1);
    version.or_else(|| {
        violations.add("etag", "must be the one that you last read");
        None
    })
}

/// The products that are asked for; the own of a seller, `own`, in every state.
pub(super) fn filter(
    message: &wire::ListProductsRequest,
    own: Option<SellerId>,
    violations: &mut Violations,
) -> Filter {
    let text = violations.text("text", &message.text, 0, SEARCH_CHARACTERS_MAX);
    let seller_id = violations.optional_id("seller_id", &message.seller_id);
    let category = if message.category.is_empty() {
        String::new()
    } else {
        slug("category", &message.category, violations)
    };
    let origin: Option<Country> = violations.optional_code("origin", &message.origin);
    let min_price = bound("min_price", message.min_price.as_ref(), violations);
    let max_price = bound("max_price", message.max_price.as_ref(), violations);
    if let (Some(min), Some(max)) = (min_price, max_price) {
        range(min, max, violations);
    }
    Filter {
        words: search_terms::wanted(&text),
        seller_id,
        category,
        origin: origin.map(|origin| origin.as_str().to_owned()).unwrap_or_default(),
        min_price,
        max_price,
        own: seller_id.is_some() && own == seller_id,
    }
}

/// A bound of prices: none, or 0 and more.
fn bound(field: &str, message: Option<&types::Money>, violations: &mut Violations) -> Option<Money> {
    let bound = violations.amount(field, Some(message?))?;
    if bound.is_negative() {
        violations.add(format!("{field}.minor_units"), format!("{} must be 0 or more", bound.minor()));
    }
    Some(bound)
}

/// Bounds of prices that some price can be between.
fn range(min: Money, max: Money, violations: &mut Violations) {
    if min.currency() != max.currency() {
        violations.add("max_price.currency", "must be the currency of min_price");
    } else if min.minor() > max.minor() {
        let problem = format!("{} must be min_price, which is {}, or more", max.minor(), min.minor());
        violations.add("max_price.minor_units", problem);
    }
}

/// A category. Empty where it is wrong.
pub(super) fn slug(field: &str, text: &str, violations: &mut Violations) -> String {
    let is_slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=60).contains(&text.len()) && text.bytes().all(is_slug) {
        return text.to_owned();
    }
    violations.add(field, format!("`{}` must be 1 to 60 of a-z, 0-9 and hyphens", excerpt(text)));
    String::new()
}

/// A product as its seller gives it; `languages` are the hub's.
pub(super) fn product(
    languages: &[String],
    category: &str,
    translations: &[wire::Translation],
    variants: &[wire::VariantInput],
    violations: &mut Violations,
) -> NewProduct {
    let category = slug("category", category, violations);
    let translations = translations_of(languages, translations, violations);
    violations.count("variants", variants.len(), 1..=VARIANTS_MAX);
    let mut read = Vec::with_capacity(variants.len());
    for (place, input) in variants.iter().take(VARIANTS_MAX).enumerate() {
        let prefix = format!("variants[{place}].");
        if variants[..place].iter().any(|other| other.sku == input.sku) {
            violations.add(format!("{prefix}sku"), "is listed twice");
        }
        read.extend(variant(&prefix, input, violations));
    }
    NewProduct { category, translations, variants: read }
}

pub(super) fn translations_of(
    languages: &[String],
    translations: &[wire::Translation],
    violations: &mut Violations,
) -> Vec<Translation> {
    let mut read: Vec<Translation> = Vec::new();
    if !violations.count("translations", translations.len(), 1..=TRANSLATIONS_MAX) {
        return read;
    }
    for (place, translation) in translations.iter().enumerate() {
        let field = |name: &str| format!("translations[{place}].{name}");
        let language = violations.take(convert::language(&field("language"), &translation.language));
        let title = violations.text(&field("title"), &translation.title, 1, 200);
        let description = violations.lines(&field("description"), &translation.description, 0, 4_000);
        let Some(language) = language else { continue };
        if read.iter().any(|other| other.language == language) {
            violations.add(field("language"), "is listed twice");
        }
        read.push(Translation { language, title, description });
    }
    if !read.iter().any(|translation| languages.contains(&translation.language)) {
        let problem = format!("at least one must be in a language of the hub: {}", languages.join(", "));
        violations.add("translations", problem);
    }
    read
}

/// A variant as its seller gives it; `prefix` begins the names of its fields.
pub(super) fn variant(
    prefix: &str,
    input: &wire::VariantInput,
    violations: &mut Violations,
) -> Option<NewVariant> {
    let field = |name: &str| format!("{prefix}{name}");
    let sku = violations.text(&field("sku"), &input.sku, 1, 60);
    let name = violations.text(&field("name"), &input.name, 0, 120);
    let price = violations.positive_amount(&field("price"), input.price.as_ref());
    let hs_code = violations.code(&field("hs_code"), &input.hs_code);
    let origin = violations.code(&field("origin"), &input.origin);
    let weight_grams = violations.quantity(&field("weight_grams"), input.weight_grams, WEIGHT_GRAMS_MAX);
    let size = input.dimensions.unwrap_or_default();
    let mut side =
        |name: &str, mm: i64| violations.quantity(&field(&format!("dimensions.{name}")), mm, SIDE_MM_MAX);
    let length_mm = side("length_mm", size.length_mm);
    let width_mm = side("width_mm", size.width_mm);
    let height_mm = side("height_mm", size.height_mm);
    let units = if input.stock_units == 0 { 1 } else { input.stock_units };
    let stock_units = violations.quantity(&field("stock_units"), units, STOCK_UNITS_MAX);
    let preference = violations.text(&field("preference"), &input.preference, 0, 20);
    let certificate = input.certificate.as_ref();
    let certificate = certificate.and_then(|given| certificate_of(&field("certificate"), given, violations));
    let stock = shelf(prefix, input, violations);
    let goods = Goods {
        sku,
        name,
        price: price?,
        hs_code: hs_code?,
        origin: origin?,
        weight_grams: weight_grams?,
        length_mm: length_mm?,
        width_mm: width_mm?,
        height_mm: height_mm?,
        stock_units: stock_units?,
        preference,
        certificate,
    };
    Some(NewVariant { goods, stock: stock? })
}

fn certificate_of(
    field: &str,
    given: &types::OriginCertificate,
    violations: &mut Violations,
) -> Option<trade::OriginCertificate> {
    let number = violations.text(&format!("{field}.number"), &given.number, 1, 60);
    let issued_on = violations.day(&format!("{field}.issued_on"), &given.issued_on);
    let expires_on = violations.day(&format!("{field}.expires_on"), &given.expires_on);
    let certificate = trade::OriginCertificate { number, issued_on: issued_on?, expires_on: expires_on? };
    if certificate.expires_on < certificate.issued_on {
        violations.add(format!("{field}.expires_on"), "must not be before the day of issue");
    }
    Some(certificate)
}

fn shelf(prefix: &str, input: &wire::VariantInput, violations: &mut Violations) -> Option<NewStock> {
    let field = |name: &str| format!("{prefix}{name}");
    if !input.stock_item_id.is_empty() {
        if input.initial_stock != 0 {
            let problem = "names an existing stock item: leave out initial_stock, which is for a new one";
            violations.add(field("stock_item_id"), problem);
        }
        return violations.id(&field("stock_item_id"), &input.stock_item_id).map(NewStock::Shared);
    }
    let units = input.initial_stock;
    if !(0..=UNITS_MAX).contains(&units) {
        violations.add(field("initial_stock"), format!("{units} must be 0 to {UNITS_MAX}"));
    }
    let location_id = input.location_id.parse().map_err(|error: kernel::IdError| {
        let problem = format!("{error}; it is required where no stock_item_id is given");
        Invalid::new(field("location_id"), problem)
    });
    violations.take(location_id).map(|location_id| NewStock::Own { location_id, units })
}
