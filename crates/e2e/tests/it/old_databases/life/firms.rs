//! Sellers in each state, and goods of each kind.

use proof::shop::{SellerEntry, Shop, list_goods};
use proto::catalog::internal::v1::{
    DecideSellerChangeRequest, DecideSellerChangeResponse, SuspendSellerRequest, SuspendSellerResponse,
    VerifySellerRequest, VerifySellerResponse,
};
use proto::catalog::v1::{
    AdjustStockRequest, AdjustStockResponse, ApplySellerRequest, ApplySellerResponse, CreateLocationRequest,
    CreateLocationResponse, CreateProductRequest, CreateProductResponse, GetSellerRequest, GetSellerResponse,
    ImportHeader, ImportProductsRequest, Location, Product, Seller, StockMode, Translation,
    UpdateProductRequest, UpdateProductResponse, UpdateSellerRequest, UpdateSellerResponse, VariantInput,
    WithdrawProductRequest, WithdrawProductResponse,
};
use proto::types::v1::{Dimensions, Money, OriginCertificate};

use super::super::calls::OPERATOR;
use super::super::player::Player;
use super::seller;

/// The sellers: two who sell, one whose change waits, one who has applied, one who was suspended.
pub(crate) const NAMES: [&str; 5] = ["ban-kad", "dapur-ibu", "kain-batik", "new-firm", "gone-firm"];
const COUNTRIES: [(&str, &str); 5] =
    [("TH", "THB"), ("MY", "MYR"), ("ID", "IDR"), ("CN", "CNY"), ("SG", "SGD")];
const SHELF_UNITS: i64 = 500;
/// Nine of them in baht cost so much that they are not of low value.
const PRICE_MINOR: i64 = 52_345;

/// Variants that are ordered.
pub(crate) struct Goods {
    pub(crate) scarf: String,
    /// With a preference and its certificate; two stock units each.
    pub(crate) shawl: String,
    /// Needs a permit.
    pub(crate) balm: String,
    /// From the hub's own country.
    pub(crate) jam: String,
}

/// A seller's id.
pub(crate) fn id(name: &str) -> String {
    SellerEntry::thai(name).seller_id().to_string()
}

/// Opens them all.
pub(crate) async fn open(player: &Player<'_>, hub: &proof::Hub) -> Goods {
    let mut places = Vec::new();
    for (place, name) in NAMES.into_iter().enumerate() {
        apply(player, place).await;
        if name != "new-firm" {
            let request = VerifySellerRequest {
                request_id: proof::request_id(),
                seller_id: id(name),
                etag: String::new(),
            };
            let rpc = "catalog.internal.v1.CatalogOperatorService/VerifySeller";
            let _: VerifySellerResponse = player.change(OPERATOR, rpc, request).await;
            places.push(locate(player, place).await);
        }
    }
    let suspend = SuspendSellerRequest {
        request_id: proof::request_id(),
        seller_id: id("gone-firm"),
        reason: "sold what it had not".to_owned(),
    };
    let rpc = "catalog.internal.v1.CatalogOperatorService/SuspendSeller";
    let _: SuspendSellerResponse = player.change(OPERATOR, rpc, suspend).await;
    import(hub, &places[0]).await;
    listed(player, &places[0], &places[1]).await
}

async fn apply(player: &Player<'_>, place: usize) {
    let (name, (country, currency)) = (NAMES[place], COUNTRIES[place]);
    let request = ApplySellerRequest {
        request_id: proof::request_id(),
        display_name: format!("{name} & sons"),
        country: country.to_owned(),
        registration_number: format!("{country}-{place}117"),
        tax_registered: place.is_multiple_of(2),
        payout_currency: currency.to_owned(),
    };
    let _: ApplySellerResponse =
        player.change(&seller(name), "catalog.v1.SellerService/ApplySeller", request).await;
}

async fn locate(player: &Player<'_>, place: usize) -> Location {
    let request = CreateLocationRequest {
        request_id: proof::request_id(),
        name: "the shop".to_owned(),
        country: COUNTRIES[place].0.to_owned(),
        postcode: "50200".to_owned(),
    };
    let rpc = "catalog.v1.StockService/CreateLocation";
    let created: CreateLocationResponse = player.change(&seller(NAMES[place]), rpc, request).await;
    created.location.unwrap()
}

/// Goods that came by a file.
async fn import(hub: &proof::Hub, location: &Location) {
    let session = hub.seller(&location.seller_id).unwrap();
    let shop = Shop { session, location: location.clone() };
    let fields = ["title", "category", "price", "hs_code", "origin", "weight_grams", "size", "stock"];
    let header = ImportHeader {
        fields: fields.map(str::to_owned).to_vec(),
        stock_mode: StockMode::Set.into(),
        source: "fixture.csv".to_owned(),
        default_language: "en".to_owned(),
        ..ImportHeader::default()
    };
    let mut rows = vec![ImportProductsRequest { header: Some(header), ..Default::default() }];
    for row in 1..=2 {
        rows.push(ImportProductsRequest {
            row,
            category: "spoons".to_owned(),
            translations: words(&[("en", "Wooden spoon")]),
            variant: Some(variant(location, &format!("SPOON-{row}"), "THB", "441911")),
            group: "spoons".to_owned(),
            stock: Some(40 + row),
            ..Default::default()
        });
    }
    let imported = list_goods(&shop, rows, |_| {}).await.unwrap();
    assert_eq!((imported.rejected.len(), imported.variants.len()), (0, 2), "{imported:?}");
}

fn words(titles: &[(&str, &str)]) -> Vec<Translation> {
    let of = |(language, title): &(&str, &str)| Translation {
        language: (*language).to_owned(),
        title: (*title).to_owned(),
        description: format!("{title}, as ever"),
    };
    titles.iter().map(of).collect()
}

fn variant(location: &Location, sku: &str, currency: &str, hs_code: &str) -> VariantInput {
    VariantInput {
        sku: sku.to_owned(),
        name: format!("{sku}, plain"),
        price: Some(Money { currency: currency.to_owned(), minor_units: PRICE_MINOR }),
        hs_code: hs_code.to_owned(),
        origin: location.country.clone(),
        weight_grams: 140,
        dimensions: Some(Dimensions { length_mm: 260, width_mm: 200, height_mm: 30 }),
        stock_units: 1,
        location_id: location.location_id.clone(),
        initial_stock: SHELF_UNITS,
        ..VariantInput::default()
    }
}

/// Goods that were listed one by one; some were changed, some withdrawn.
async fn listed(player: &Player<'_>, thai: &Location, home: &Location) -> Goods {
    let scarf = variant(thai, "SCARF", "THB", "6214.10.00");
    let scarves =
        create(player, thai, "scarves", &[("en", "Silk scarf"), ("ms", "Selendang sutera")], scarf).await;
    let certificate = OriginCertificate {
        number: "ATIGA-TH-2046-9".to_owned(),
        issued_on: "2046-10-01".to_owned(),
        expires_on: "2047-09-30".to_owned(),
    };
    // Shares the scarves' shelf, two of which make one.
    let shared = VariantInput {
        stock_item_id: scarves.variants[0].stock_item_id.clone(),
        stock_units: 2,
        location_id: String::new(),
        initial_stock: 0,
        preference: "ATIGA".to_owned(),
        certificate: Some(certificate),
        ..variant(thai, "SHAWL", "THB", "621410")
    };
    let shawls = create(player, thai, "scarves", &[("en", "Silk shawl")], shared).await;
    let balms =
        create(player, thai, "balms", &[("en", "Tiger balm")], variant(thai, "BALM", "THB", "300490")).await;
    let price = Some(Money { currency: "MYR".to_owned(), minor_units: 1_290 });
    let jam = VariantInput { price, ..variant(home, "JAM", "MYR", "200799") };
    let jams = create(player, home, "jams", &[("ms", "Jem nanas")], jam).await;
    let hats =
        create(player, thai, "hats", &[("en", "Straw hat")], variant(thai, "HAT", "THB", "650400")).await;
    let request = WithdrawProductRequest {
        request_id: proof::request_id(),
        product_id: hats.product_id,
        etag: hats.etag,
    };
    let rpc = "catalog.v1.ProductService/WithdrawProduct";
    let _: WithdrawProductResponse = player.change(&seller(NAMES[0]), rpc, request).await;
    let only = |product: &Product| product.variants[0].variant_id.clone();
    Goods { scarf: only(&scarves), shawl: only(&shawls), balm: only(&balms), jam: only(&jams) }
}

async fn create(
    player: &Player<'_>,
    location: &Location,
    category: &str,
    titles: &[(&str, &str)],
    variant: VariantInput,
) -> Product {
    let request = CreateProductRequest {
        request_id: proof::request_id(),
        category: category.to_owned(),
        translations: words(titles),
        variants: vec![variant],
    };
    let who = format!("seller:{}", location.seller_id);
    let created: CreateProductResponse =
        player.change(&who, "catalog.v1.ProductService/CreateProduct", request).await;
    created.product.unwrap()
}

/// What sellers change of themselves and their goods after a while.
pub(crate) async fn change(player: &Player<'_>, goods: &Goods) {
    let scarves = product_of(player, &goods.scarf).await;
    let (mut kept, mut added) = (input(&scarves), input(&scarves));
    kept.name = "Silk, red".to_owned();
    added.sku = "SCARF-2".to_owned();
    let request = UpdateProductRequest {
        request_id: proof::request_id(),
        product_id: scarves.product_id,
        etag: scarves.etag,
        category: "scarves".to_owned(),
        translations: scarves.translations,
        variants: vec![kept, added],
    };
    let who = seller(NAMES[0]);
    let _: UpdateProductResponse =
        player.change(&who, "catalog.v1.ProductService/UpdateProduct", request).await;
    for delta in [25, -3] {
        let request = AdjustStockRequest {
            request_id: proof::request_id(),
            stock_item_id: scarves.variants[0].stock_item_id.clone(),
            delta,
            reason: "counted again".to_owned(),
        };
        let _: AdjustStockResponse =
            player.change(&who, "catalog.v1.StockService/AdjustStock", request).await;
    }
    for (name, decided) in [("kain-batik", false), ("ban-kad", true)] {
        let changed = propose(player, name).await;
        if decided {
            let request = DecideSellerChangeRequest {
                request_id: proof::request_id(),
                seller_id: changed.seller_id,
                etag: changed.etag,
                accept: false,
                reason: "no papers".to_owned(),
            };
            let rpc = "catalog.internal.v1.CatalogOperatorService/DecideSellerChange";
            let _: DecideSellerChangeResponse = player.change(OPERATOR, rpc, request).await;
        }
    }
}

async fn propose(player: &Player<'_>, name: &str) -> Seller {
    let who = seller(name);
    let request = GetSellerRequest { seller_id: id(name) };
    let rpc = "/entrepot.catalog.v1.SellerService/GetSeller";
    let found: GetSellerResponse = player.line.call(&who, rpc, &request).await;
    let found = found.seller.unwrap();
    let request = UpdateSellerRequest {
        request_id: proof::request_id(),
        seller_id: found.seller_id,
        etag: found.etag,
        display_name: format!("{name} & daughters"),
        tax_registered: found.tax_registered,
        country: found.country,
        registration_number: found.registration_number,
    };
    let changed: UpdateSellerResponse =
        player.change(&who, "catalog.v1.SellerService/UpdateSeller", request).await;
    changed.seller.unwrap()
}

async fn product_of(player: &Player<'_>, variant_id: &str) -> Product {
    let request = proto::catalog::v1::ListProductsRequest { page_size: 200, ..Default::default() };
    let rpc = "/entrepot.catalog.v1.ProductService/ListProducts";
    let listed: proto::catalog::v1::ListProductsResponse =
        player.line.call(&seller(NAMES[0]), rpc, &request).await;
    let has = |product: &&Product| product.variants.iter().any(|variant| variant.variant_id == variant_id);
    listed.products.iter().find(has).unwrap().clone()
}

/// The product's only variant as its seller gave it.
fn input(product: &Product) -> VariantInput {
    let variant = product.variants[0].clone();
    VariantInput {
        sku: variant.sku,
        name: variant.name,
        price: variant.price,
        hs_code: variant.hs_code,
        origin: variant.origin,
        weight_grams: variant.weight_grams,
        dimensions: variant.dimensions,
        stock_item_id: variant.stock_item_id,
        stock_units: variant.stock_units,
        ..VariantInput::default()
    }
}
