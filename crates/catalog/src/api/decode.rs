//! Reading requests: every field that is wrong is told at once.

use customs::HsCode;
use kernel::{Country, Kind, excerpt};
use money::Money;
use proto::catalog::v1 as wire;
use proto::convert::{self, Invalid};
use proto::types::v1::OriginCertificate;
use rpc::Violations;
use tonic::Status;

use crate::domain::product::{
    Certificate, Goods, NewProduct, NewStock, NewVariant, TRANSLATIONS_MAX, Translation, VARIANTS_MAX,
};
use crate::domain::seller::UNITS_MAX;
use crate::domain::terms;

/// Of a search.
const SEARCH_CHARACTERS_MAX: usize = 200;
const WEIGHT_GRAMS_MAX: i64 = 1_000_000;
const SIDE_MM_MAX: i64 = 10_000;
const STOCK_UNITS_MAX: i64 = 1_000_000;

/// An id in a request.
pub(super) fn id<K: Kind>(field: &str, text: &str) -> Result<kernel::Id<K>, Status> {
    text.parse().map_err(|error: kernel::IdError| rpc::status::invalid(&[(field, &error.to_string())]))
}

/// INVALID_ARGUMENT with the one field that is wrong.
pub(super) fn invalid(problem: Invalid) -> Status {
    rpc::status::invalid(&[(&problem.field, &problem.problem)])
}

/// How many there are of something: one at least.
pub(super) fn count(field: &str, count: usize, most: usize) -> Result<(), Status> {
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(rpc::status::invalid(&[(field, &format!("must be 1 to {most}"))]))
}

/// A text that may be left out.
pub(super) fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// An etag: the version as text, from 1 on.
pub(super) fn etag(text: &str) -> Result<i64, Status> {
    let version = text.parse().ok().filter(|version| *version >= 1);
    version.ok_or_else(|| rpc::status::invalid(&[("etag", "must be the one that you last read")]))
}

/// A line of text; see [`convert::text`].
pub(super) fn text(field: &str, text: &str, least: usize, most: usize) -> Result<String, Invalid> {
    convert::text(field, text, least, most).map(str::to_owned)
}

/// The words of a search; none selects all.
pub(super) fn words(field: &str, text: &str) -> Result<Vec<String>, Invalid> {
    let text = convert::text(field, text, 0, SEARCH_CHARACTERS_MAX)?;
    Ok(terms::wanted(text))
}

/// A bound of prices: none, or 0 and more.
pub(super) fn bound(
    field: &str,
    message: Option<&proto::types::v1::Money>,
) -> Result<Option<Money>, Invalid> {
    let Some(bound) = message.map(|message| convert::money(field, Some(message))).transpose()? else {
        return Ok(None);
    };
    if bound.is_negative() {
        let problem = format!("{} must be 0 or more", bound.minor());
        return Err(Invalid::new(format!("{field}.minor_units"), problem));
    }
    Ok(Some(bound))
}

/// Bounds of prices that some price can be between.
pub(super) fn range(min: Money, max: Money) -> Result<(), Invalid> {
    if min.currency() != max.currency() {
        return Err(Invalid::new("max_price.currency", "must be the currency of min_price"));
    }
    if min.minor() > max.minor() {
        let problem = format!("{} must be min_price, which is {}, or more", max.minor(), min.minor());
        return Err(Invalid::new("max_price.minor_units", problem));
    }
    Ok(())
}

pub(super) fn country(field: &str, text: &str) -> Result<Country, Invalid> {
    text.parse().map_err(|error: kernel::CountryError| Invalid::new(field, error.to_string()))
}

pub(super) fn slug(field: &str, text: &str) -> Result<String, Invalid> {
    let is_slug = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=60).contains(&text.len()) && text.bytes().all(is_slug) {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(field, format!("`{}` must be 1 to 60 of a-z, 0-9 and hyphens", excerpt(text))))
}

/// A product as its seller gives it.
pub(super) fn product(
    languages: &[String],
    category: &str,
    translations: &[wire::Translation],
    variants: &[wire::VariantInput],
) -> Result<NewProduct, Status> {
    let mut violations = Violations::default();
    let category = violations.take(slug("category", category));
    let read_translations = translations_of(languages, translations, &mut violations);
    if variants.is_empty() || variants.len() > VARIANTS_MAX {
        violations.take::<()>(Err(Invalid::new("variants", format!("must be 1 to {VARIANTS_MAX}"))));
    }
    let mut read = Vec::with_capacity(variants.len());
    for (place, input) in variants.iter().take(VARIANTS_MAX).enumerate() {
        let prefix = format!("variants[{place}].");
        if variants[..place].iter().any(|other| other.sku == input.sku) {
            violations.take::<()>(Err(Invalid::new(format!("{prefix}sku"), "stands twice")));
        }
        read.extend(variant(&prefix, input, &mut violations));
    }
    let new =
        (|| Some(NewProduct { category: category?, translations: read_translations?, variants: read }))();
    violations.end(new)
}

pub(super) fn translations_of(
    languages: &[String],
    translations: &[wire::Translation],
    violations: &mut Violations,
) -> Option<Vec<Translation>> {
    let mut read: Vec<Translation> = Vec::new();
    if translations.is_empty() || translations.len() > TRANSLATIONS_MAX {
        violations.take::<()>(Err(Invalid::new("translations", format!("must be 1 to {TRANSLATIONS_MAX}"))));
        return None;
    }
    for (place, translation) in translations.iter().enumerate() {
        let prefix = format!("translations[{place}].");
        let language =
            violations.take(convert::language(&format!("{prefix}language"), &translation.language));
        let title = violations.take(text(&format!("{prefix}title"), &translation.title, 1, 200));
        let description = violations.take(convert::lines(
            &format!("{prefix}description"),
            &translation.description,
            0,
            4_000,
        ));
        if let (Some(language), Some(title), Some(description)) = (language, title, description) {
            if read.iter().any(|other| other.language == language) {
                violations.take::<()>(Err(Invalid::new(format!("{prefix}language"), "stands twice")));
            }
            read.push(Translation { language, title, description });
        }
    }
    if !read.iter().any(|translation| languages.contains(&translation.language)) {
        let problem = format!("one must be in a language of the hub: {}", languages.join(", "));
        violations.take::<()>(Err(Invalid::new("translations", problem)));
    }
    Some(read)
}

/// A variant as its seller gives it; `prefix` begins the names of its fields.
pub(super) fn variant(
    prefix: &str,
    input: &wire::VariantInput,
    violations: &mut Violations,
) -> Option<NewVariant> {
    let field = |name: &str| format!("{prefix}{name}");
    let sku = violations.take(text(&field("sku"), &input.sku, 1, 60));
    let name = violations.take(text(&field("name"), &input.name, 0, 120));
    let price = violations.take(price(&field("price"), input.price.as_ref()));
    let hs_code: Option<HsCode> = violations.take(
        input
            .hs_code
            .parse()
            .map_err(|error: customs::hs_code::Error| Invalid::new(field("hs_code"), error.to_string())),
    );
    let origin = violations.take(country(&field("origin"), &input.origin));
    let weight_grams =
        violations.take(convert::quantity(&field("weight_grams"), input.weight_grams, WEIGHT_GRAMS_MAX));
    let size = input.dimensions.unwrap_or_default();
    let side =
        |name: &str, mm: i64| convert::quantity(&field(&format!("dimensions.{name}")), mm, SIDE_MM_MAX);
    let length_mm = violations.take(side("length_mm", size.length_mm));
    let width_mm = violations.take(side("width_mm", size.width_mm));
    let height_mm = violations.take(side("height_mm", size.height_mm));
    let units = if input.stock_units == 0 { 1 } else { input.stock_units };
    let stock_units = violations.take(convert::quantity(&field("stock_units"), units, STOCK_UNITS_MAX));
    let preference = violations.take(text(&field("preference"), &input.preference, 0, 20));
    let certificate = violations.take(certificate(&field("certificate"), input.certificate.as_ref()));
    let stock = violations.take(shelf(prefix, input));
    Some(NewVariant {
        goods: Goods {
            sku: sku?,
            name: name?,
            price: price?,
            hs_code: hs_code?,
            origin: origin?,
            weight_grams: weight_grams?,
            length_mm: length_mm?,
            width_mm: width_mm?,
            height_mm: height_mm?,
            stock_units: stock_units?,
            preference: preference?,
            certificate: certificate?,
        },
        stock: stock?,
    })
}

fn price(field: &str, message: Option<&proto::types::v1::Money>) -> Result<Money, Invalid> {
    convert::positive_money(field, message)
}

fn certificate(field: &str, message: Option<&OriginCertificate>) -> Result<Option<Certificate>, Invalid> {
    let Some(message) = message else { return Ok(None) };
    let day = |name: &str, text: &str| {
        kernel::day(text).map_err(|error| Invalid::new(format!("{field}.{name}"), error.to_string()))
    };
    let certificate = Certificate {
        number: text(&format!("{field}.number"), &message.number, 1, 60)?,
        issued_on: day("issued_on", &message.issued_on)?,
        expires_on: day("expires_on", &message.expires_on)?,
    };
    if certificate.expires_on < certificate.issued_on {
        return Err(Invalid::new(format!("{field}.expires_on"), "must not be before the day of issue"));
    }
    Ok(Some(certificate))
}

fn shelf(prefix: &str, input: &wire::VariantInput) -> Result<NewStock, Invalid> {
    let wrong = |name: &str, problem: String| Invalid::new(format!("{prefix}{name}"), problem);
    if !input.stock_item_id.is_empty() {
        if input.initial_stock != 0 {
            let problem = "names a shelf that is there: leave out initial_stock, which is a new one's";
            return Err(wrong("stock_item_id", problem.to_owned()));
        }
        let id = input.stock_item_id.parse();
        return id
            .map(NewStock::Shared)
            .map_err(|error: kernel::IdError| wrong("stock_item_id", error.to_string()));
    }
    if !(0..=UNITS_MAX).contains(&input.initial_stock) {
        return Err(wrong("initial_stock", format!("{} must be 0 to {UNITS_MAX}", input.initial_stock)));
    }
    let location_id = input.location_id.parse().map_err(|error: kernel::IdError| {
        wrong("location_id", format!("{error}; it is required where no stock_item_id is given"))
    })?;
    Ok(NewStock::Own { location_id, units: input.initial_stock })
}
