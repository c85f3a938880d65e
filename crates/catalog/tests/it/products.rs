//! Sellers list goods, edit them, and take them off the market.

use proto::catalog::v1::{
    GetProductRequest, Product, UpdateProductRequest, VariantInput, WithdrawProductRequest,
};
use testkit::on_both;
use tonic::{Code, Status};

use crate::market::{Market, Trader, refusal, refused, request_id};
use crate::purchase::Purchase;
use crate::wares::{self, baht, change, sharing, variant, words};

async fn create(market: &Market, trader: &Trader, variants: Vec<VariantInput>) -> Result<Product, Status> {
    let created = market.products(&trader.id).create_product(wares::product(variants)).await?;
    Ok(created.into_inner().product.unwrap())
}

async fn update(market: &Market, trader: &Trader, request: UpdateProductRequest) -> Result<Product, Status> {
    Ok(market.products(&trader.id).update_product(request).await?.into_inner().product.unwrap())
}

async fn withdraw(market: &Market, trader: &Trader, read: &Product) -> Result<Product, Status> {
    let request = WithdrawProductRequest {
        request_id: request_id(),
        product_id: read.product_id.clone(),
        etag: read.etag.clone(),
    };
    Ok(market.products(&trader.id).withdraw_product(request).await?.into_inner().product.unwrap())
}

fn skus(product: &Product) -> Vec<&str> {
    product.variants.iter().map(|variant| variant.sku.as_str()).collect()
}

on_both! {
    async fn a_product_is_there_as_its_seller_listed_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let mut red = variant(&trader, "A-2", 3);
        red.preference = "ATIGA".to_owned();
        red.hs_code = "6214100000".to_owned();
        let created = create(&market, &trader, vec![variant(&trader, "A-1", 7), red]).await.unwrap();
        let seen = market.seen(&created.product_id).await.unwrap();
        assert_eq!(seen, created);
        assert_eq!((seen.seller_id.as_str(), seen.category.as_str()), (trader.id.as_str(), "scarves"));
        assert_eq!(seen.translations, [words("en", "Silk scarf"), words("th", "ผ้าพันคอไหม")]);
        assert_eq!(skus(&seen), ["A-1", "A-2"]);
        let (blue, red) = (&seen.variants[0], &seen.variants[1]);
        assert_eq!((blue.price.clone(), blue.available, blue.stock_units), (Some(baht(45_000)), 7, 1));
        assert_eq!((red.hs_code.as_str(), red.preference.as_str(), red.available), ("6214100000", "ATIGA", 3));
        assert_ne!(blue.stock_item_id, red.stock_item_id);
        assert!(!seen.withdrawn && seen.restriction.is_empty());

        let offers = market.offers(&[(red, 3), (blue, 1)]).await.unwrap();
        let offered: Vec<&str> = offers.iter().map(|offer| offer.sku.as_str()).collect();
        assert_eq!(offered, ["A-2", "A-1"]);
        let offer = &offers[0];
        assert_eq!((offer.title.as_str(), offer.seller_name.as_str()), ("Silk scarf", "Chiang Mai Silk"));
        assert_eq!((offer.from_country.as_str(), offer.seller_payout_currency.as_str()), ("TH", "THB"));
        assert!(offer.seller_tax_registered);
        market.hub.stop().await;
    }

    async fn variants_may_share_a_shelf(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let single = market.goods(&trader, "A-1", 11).await;
        let six = sharing(&trader, "A-6", &single.stock_item_id, 6);
        let product = create(&market, &trader, vec![six]).await.unwrap();
        let six = &product.variants[0];
        assert_eq!((&six.stock_item_id, six.available), (&single.stock_item_id, 1));
        market.buy(&[(six, 1)]).await;
        assert_eq!(market.shelf(&trader, &single).await, (5, 0));
        assert_eq!(market.seen(&product.product_id).await.unwrap().variants[0].available, 0);
        market.hub.stop().await;
    }

    async fn a_seller_edits_its_product_as_it_last_read_it(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let variants = vec![variant(&trader, "A-1", 7), variant(&trader, "A-2", 3)];
        let read = create(&market, &trader, variants).await.unwrap();
        let dearer = VariantInput { price: Some(baht(50_000)), ..variant(&trader, "A-1", 99) };
        let mut request = change(&read, vec![dearer, variant(&trader, "A-3", 4)]);
        request.translations = vec![words("ms", "Selendang sutera")];
        request.category = "shawls".to_owned();
        let edited = update(&market, &trader, request).await.unwrap();
        assert_eq!(market.seen(&read.product_id).await.unwrap(), edited);
        assert_eq!((edited.category.as_str(), edited.translations.len()), ("shawls", 1));
        assert_eq!(skus(&edited), ["A-1", "A-3"]);
        assert_ne!(edited.etag, read.etag);
        // A known SKU is the same variant on the same shelf, whose stock an edit leaves alone.
        let (before, after) = (&read.variants[0], &edited.variants[0]);
        assert_eq!(after.variant_id, before.variant_id);
        assert_eq!((&after.stock_item_id, after.available), (&before.stock_item_id, 7));
        assert_eq!(after.price, Some(baht(50_000)));
        // A SKU that is missing is no longer offered.
        let dropped = &read.variants[1];
        assert_eq!(refusal(market.offers(&[(dropped, 1)]).await), refused("PRODUCT_WITHDRAWN"));
        let late = Purchase::of(&[(dropped, 1)]);
        assert_eq!(refusal(market.reserve(&late).await), refused("PRODUCT_WITHDRAWN"));
        market.adds_up_to(14, 0, 0).await;
        market.hub.stop().await;
    }

    async fn a_stale_etag_is_refused(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = create(&market, &trader, vec![variant(&trader, "A-1", 7)]).await.unwrap();
        let first = update(&market, &trader, change(&read, vec![variant(&trader, "A-1", 7)])).await.unwrap();
        let late = change(&read, vec![VariantInput { price: Some(baht(1)), ..variant(&trader, "A-1", 7) }]);
        assert_eq!(refusal(update(&market, &trader, late.clone()).await), refused("STALE_ETAG"));
        assert_eq!(refusal(withdraw(&market, &trader, &read).await), refused("STALE_ETAG"));
        // No etag stands for "whatever it is".
        for etag in ["", "0", "-1", "x"] {
            let request = UpdateProductRequest { request_id: request_id(), etag: etag.to_owned(), ..late.clone() };
            let refused = update(&market, &trader, request).await.unwrap_err();
            assert_eq!(rpc::status::fields(&refused), ["etag"], "{etag}");
        }
        assert_eq!(market.seen(&read.product_id).await.unwrap(), first);
        market.hub.stop().await;
    }

    async fn a_withdrawn_product_is_seen_by_its_seller_alone_and_not_sold(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let read = market.list(&trader, "A-1", 7).await;
        let silk = &read.variants[0];
        let held = Purchase::of(&[(silk, 2)]);
        market.reserve(&held).await.unwrap();
        assert!(withdraw(&market, &trader, &read).await.unwrap().withdrawn);
        let missing = (Code::NotFound, "PRODUCT_NOT_FOUND".to_owned());
        assert_eq!(refusal(market.seen(&read.product_id).await), missing);
        let own = GetProductRequest { product_id: read.product_id.clone() };
        let own = market.products(&trader.id).get_product(own).await.unwrap().into_inner().product.unwrap();
        assert!(own.withdrawn);
        assert_eq!(refusal(market.offers(&[(silk, 1)]).await), refused("PRODUCT_WITHDRAWN"));
        let late = market.reserve(&Purchase::of(&[(silk, 1)])).await.unwrap_err();
        assert_eq!(rpc::status::metadata(&late, "variant_id"), Some(silk.variant_id.clone()));
        assert_eq!(refusal(Err::<(), _>(late)), refused("PRODUCT_WITHDRAWN"));
        // What an order holds already, leaves.
        market.tell(&held.confirmed(&market)).await;
        market.adds_up_to(5, 0, 2).await;
        market.hub.stop().await;
    }

    async fn a_sku_is_its_sellers_once(database: Database) {
        let market = Market::open(&database).await;
        let (trader, other) = (market.trader().await, market.trader_named("Lanna Silk").await);
        market.list(&trader, "A-1", 7).await;
        let again = create(&market, &trader, vec![variant(&trader, "B-1", 5), variant(&trader, "A-1", 5)]).await;
        assert_eq!(refusal(again), refused("SKU_TAKEN"));
        let second = market.list(&trader, "A-2", 7).await;
        let taking = change(&second, vec![variant(&trader, "A-1", 5)]);
        assert_eq!(refusal(update(&market, &trader, taking).await), refused("SKU_TAKEN"));
        // What was refused left no shelf behind; another seller's codes are its own.
        market.adds_up_to(14, 0, 0).await;
        market.list(&other, "A-1", 1).await;
        assert_eq!(market.audit().await.stock_items, 3);
        market.hub.stop().await;
    }

    async fn prohibited_goods_are_listed_with_a_word_and_not_quoted(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let rice_wine = VariantInput { hs_code: "220600".to_owned(), ..variant(&trader, "W-1", 7) };
        let product = create(&market, &trader, vec![rice_wine]).await.unwrap();
        assert!(product.restriction.contains("alcohol"), "{}", product.restriction);
        assert_eq!(refusal(market.offers(&[(&product.variants[0], 1)]).await), refused("GOODS_PROHIBITED"));
        market.hub.stop().await;
    }
}
