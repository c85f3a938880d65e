//! Looking at sellers, places, shelves and goods.

use kernel::{ProductId, SellerId};
use uuid::Uuid;

use super::{App, Error};
use crate::domain::product::Product;
use crate::domain::seller::{Location, Seller, State, StockItem};
use crate::store::search::{self, Filter, Found};
use crate::store::{locations, products, sellers, stock};

impl App {
    /// A seller.
    pub(crate) async fn seller(&self, id: SellerId) -> Result<Seller, Error> {
        self.db
            .read(move |tx| {
                Box::pin(
                    async move { sellers::find(tx, id).await?.ok_or_else(|| Error::not_found("seller", id)) },
                )
            })
            .await
    }

    /// Verified sellers by name.
    pub(crate) async fn sellers(
        &self,
        after: Option<(String, Uuid)>,
        limit: i64,
    ) -> Result<Vec<Seller>, Error> {
        self.db
            .browse(move |tx| {
                let after = after.clone();
                Box::pin(async move { Ok(sellers::verified(tx, after, limit).await?) })
            })
            .await
    }

    /// Sellers with a change that waits for the operator.
    pub(crate) async fn seller_changes(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Seller>, Error> {
        self.db
            .read(move |tx| Box::pin(async move { Ok(sellers::with_change(tx, after, limit).await?) }))
            .await
    }

    /// A seller's places.
    pub(crate) async fn locations(
        &self,
        seller_id: SellerId,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Location>, Error> {
        self.db
            .read(move |tx| {
                Box::pin(async move { Ok(locations::of_seller(tx, seller_id, after, limit).await?) })
            })
            .await
    }

    /// A seller's shelves.
    pub(crate) async fn stock(
        &self,
        seller_id: SellerId,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<StockItem>, Error> {
        self.db
            .read(move |tx| Box::pin(async move { Ok(stock::of_seller(tx, seller_id, after, limit).await?) }))
            .await
    }

    /// A product. One that is not offered is there for its own seller only.
    pub(crate) async fn product(&self, id: ProductId, caller: Option<SellerId>) -> Result<Product, Error> {
        self.db
            .read(move |tx| {
                Box::pin(async move {
                    let missing = || Error::not_found("product", id);
                    let product = products::find(tx, id).await?.ok_or_else(missing)?;
                    if caller == Some(product.seller_id) {
                        return Ok(product);
                    }
                    let seller = sellers::find(tx, product.seller_id).await?.ok_or_else(missing)?;
                    let offered = seller.state == State::Verified && !product.withdrawn;
                    if offered { Ok(product) } else { Err(missing()) }
                })
            })
            .await
    }

    /// Goods, newest first.
    pub(crate) async fn products(
        &self,
        filter: Filter,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Found, Error> {
        self.db
            .browse(move |tx| {
                let filter = filter.clone();
                Box::pin(async move { Ok(search::products(tx, &filter, before, limit).await?) })
            })
            .await
    }
}
