//! Imports a seller's goods as a stream of rows, each by itself, so that a bad row affects no other. A row of a known
//! SKU is a patch.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use db::{Command, Tx};
use kernel::{ProductId, SellerId, VariantId};

use super::acting::acting;
use super::allow::UsageBefore;
use super::import_rejection::{Rejection, RowError, SKU};
use super::import_stock::{ImportOptions, Statements, Stocked, Stocks};
use super::listing::{found, put_terms, put_variant};
use super::{App, Error};
use crate::domain::allowance::Usage;
use crate::domain::product::{
    Goods, NewStock, NewVariant, Product, TRANSLATIONS_MAX, Translation, VARIANTS_MAX, Variant,
};
use crate::domain::row::{Field, Row};
use crate::domain::seller::SellerState;
use crate::store::{locations, products, stock, variants};

/// Titles as such, in whatever language.
const TITLE: &str = "title";

/// What became of a row.
#[derive(Debug, Clone)]
pub(crate) enum RowOutcome {
    Created(ImportedRow),
    Updated(ImportedRow),
    Unchanged(ImportedRow),
    Rejected(Rejection),
}

/// The goods of a row.
#[derive(Debug, Clone)]
pub(crate) struct ImportedRow {
    pub(crate) product_id: ProductId,
    pub(crate) variant_id: VariantId,
    /// What the row says and was not taken over.
    pub(crate) ignored: Vec<String>,
}

/// Takes rows in, all in one transaction, which costs far less than one for each; a rejected one has no effect.
#[derive(Debug)]
pub(crate) struct ImportProducts {
    pub(crate) seller_id: SellerId,
    pub(crate) terms: Arc<ImportOptions>,
    pub(crate) rows: Vec<Row>,
}

/// What became of the rows of a transaction.
#[derive(Debug)]
pub(crate) struct Imported {
    /// By the row's number, in the order of the rows.
    pub(crate) outcomes: Vec<(i64, RowOutcome)>,
    /// For [`super::import_stock::Stated::add`], once the transaction has committed.
    pub(crate) stated: Statements,
}

impl Command<App> for ImportProducts {
    type Output = Imported;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Imported, Error> {
        let (seller_id, now) = (self.seller_id, app.clock.now());
        let state = acting(tx, seller_id).await?.state;
        let stocks = Stocks { seller_id, terms: &self.terms, now, written: Statements::default() };
        let mut import = Import { app, seller_id, state, stocks, now };
        let mut outcomes = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let outcome = match import.take(tx, row).await {
                Ok(outcome) => outcome,
                Err(RowError::Rejected(rejection)) => RowOutcome::Rejected(rejection),
                Err(RowError::Failed(error)) => return Err(error),
            };
            outcomes.push((row.number, outcome));
        }
        Ok(Imported { outcomes, stated: import.stocks.written })
    }
}

struct Import<'a> {
    app: &'a App,
    seller_id: SellerId,
    state: SellerState,
    stocks: Stocks<'a>,
    now: DateTime<Utc>,
}

impl Import<'_> {
    /// Checks all before it writes anything: a rejection leaves nothing behind in the shared transaction.
    async fn take(&mut self, tx: &mut Tx, row: &Row) -> Result<RowOutcome, RowError> {
        self.check_shelf(tx, &row.variant, row).await?;
        let group = self.group(tx, &row.group).await?;
        let known = variants::by_sku(tx, self.seller_id, &row.variant.goods.sku).await?;
        let (products, variants) = (known.is_none() && group.is_none(), known.is_none());
        let more = Usage { products: products.into(), variants: variants.into(), letters: row.letters() };
        let before = UsageBefore::of_one_in(tx, self.seller_id, self.state).await?;
        if let Some(problem) = before.problem(&self.app.allowance, more) {
            return Err(Rejection { field: SKU, problem }.into());
        }
        match known {
            None => self.create(tx, row, group).await,
            Some((product_id, known)) => {
                let product = found(tx, product_id).await?;
                self.patch(tx, row, &product, group, known).await
            }
        }
    }

    /// The product of a group, if there is one.
    async fn group(&self, tx: &mut Tx, group: &str) -> Result<Option<Product>, Error> {
        if group.is_empty() {
            return Ok(None);
        }
        let Some(id) = products::of_group(tx, self.seller_id, group).await? else { return Ok(None) };
        found(tx, id).await.map(Some)
    }

    async fn check_shelf(&self, tx: &mut Tx, variant: &NewVariant, row: &Row) -> Result<(), RowError> {
        match variant.stock {
            NewStock::Own { location_id, .. }
                if row.says(Field::LocationId)
                    && !locations::is_of(tx, location_id, self.seller_id).await? =>
            {
                Err(Rejection::of(Field::LocationId, format!("you have no location {location_id}")).into())
            }
            NewStock::Shared(id)
                if stock::find(tx, id).await?.is_none_or(|item| item.seller_id != self.seller_id) =>
            {
                Err(Rejection::of(Field::StockItemId, format!("you have no stock item {id}")).into())
            }
            _ => Ok(()),
        }
    }

    /// A SKU that is new: in the product of its group, or in one of its own.
    async fn create(
        &mut self,
        tx: &mut Tx,
        row: &Row,
        group: Option<Product>,
    ) -> Result<RowOutcome, RowError> {
        let translations = row.translations_onto(group.as_ref().map_or(&[], |product| &product.translations));
        self.check_new(row, &translations, group.as_ref())?;
        let mut variant = row.variant.clone();
        if let NewStock::Own { units, .. } = &mut variant.stock {
            *units = row.stock;
        }
        let product_id = match &group {
            Some(product) => {
                let category = if row.says(Field::Category) { &row.category } else { &product.category };
                products::revise(tx, product.id, category, &translations, true, self.now).await?;
                product.id
            }
            None => self.put_product(tx, row, translations.clone()).await?,
        };
        let variant_id = put_variant(tx, product_id, self.seller_id, 0, &variant, None, self.now).await?;
        let (own, stated) = (matches!(variant.stock, NewStock::Own { .. }), row.says(Field::Stock));
        if own && stated {
            self.stocks.first(tx, row, variant_id).await?;
        }
        // A shelf that is there keeps its units: rows of known SKUs alone state them.
        let ignored = if own || !stated { Vec::new() } else { vec![Field::Stock.as_str().to_owned()] };
        let others = group.iter().flat_map(|product| &product.variants).map(|other| &other.goods);
        put_terms(tx, product_id, &translations, others.chain([&variant.goods])).await?;
        Ok(RowOutcome::Created(ImportedRow { product_id, variant_id, ignored }))
    }

    fn check_new(
        &self,
        row: &Row,
        translations: &[Translation],
        group: Option<&Product>,
    ) -> Result<(), Rejection> {
        let mut missing: Vec<&'static str> = row.missing().into_iter().map(Field::as_str).collect();
        if translations.is_empty() {
            missing.insert(0, TITLE);
        }
        if group.is_none() && row.category.is_empty() {
            missing.push(Field::Category.as_str());
        }
        if let Some(first) = missing.first() {
            let sku = &row.variant.goods.sku;
            let problem = format!(
                "you have no product with the SKU `{sku}` yet, and a new one needs {}",
                missing.join(", ")
            );
            return Err(Rejection { field: first, problem });
        }
        let languages = self.app.hub.languages();
        if !translations.iter().any(|words| languages.contains(&words.language)) {
            let problem = format!("at least one must be in a language of the hub: {}", languages.join(", "));
            return Err(Rejection { field: TITLE, problem });
        }
        if row.stock < 0 {
            let problem = format!("{} must be 0 or more: it is the initial stock", row.stock);
            return Err(Rejection::of(Field::Stock, problem));
        }
        check_size(translations, group)
    }

    async fn put_product(
        &self,
        tx: &mut Tx,
        row: &Row,
        translations: Vec<Translation>,
    ) -> Result<ProductId, Error> {
        let product = Product {
            id: ProductId::new(),
            seller_id: self.seller_id,
            category: row.category.clone(),
            translations,
            variants: Vec::new(),
            withdrawn: false,
            version: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        products::put(tx, &product).await?;
        if !row.group.is_empty() {
            products::put_group(tx, product.id, &row.group).await?;
        }
        Ok(product.id)
    }

    /// A SKU that is known: what the row says is taken over.
    async fn patch(
        &mut self,
        tx: &mut Tx,
        row: &Row,
        product: &Product,
        group: Option<Product>,
        known: Variant,
    ) -> Result<RowOutcome, RowError> {
        let home = group.filter(|group| group.id != product.id);
        let target = home.as_ref().unwrap_or(product);
        let after = UpdatedVariant::of(row, target, &known);
        check_size(&after.translations, home.as_ref())?;
        let grouped = self.join(tx, row, product, home.as_ref()).await?;
        // From here on only the stock can be rejected, which is written first.
        let mut ignored = row.descriptions_without_title(&target.translations);
        let stocked = self.stocks.take(tx, row, &known).await?;
        if grouped {
            products::put_group(tx, product.id, &row.group).await?;
        }
        if stocked == Stocked::Ignored {
            ignored.push(Field::Stock.as_str().to_owned());
        }
        let taken = ImportedRow { product_id: target.id, variant_id: known.id, ignored };
        // Who says all that new goods need lists them; who says less leaves off the market what is off it.
        let offered = product.variants.iter().any(|offered| offered.id == known.id);
        let relist = row.missing().is_empty() && (target.withdrawn || !offered);
        if !(grouped || relist || home.is_some() || after.differs(target, &known)) {
            let changed = stocked == Stocked::Changed;
            return Ok(if changed { RowOutcome::Updated(taken) } else { RowOutcome::Unchanged(taken) });
        }
        products::revise(tx, target.id, &after.category, &after.translations, relist, self.now).await?;
        self.put(tx, target, &known, &after, relist || offered).await?;
        if home.is_some() {
            leave(tx, product, &known, self.now).await?;
        }
        Ok(RowOutcome::Updated(taken))
    }

    /// Whether the variant's product becomes the one of the row's group; if there is one already, whether the variant may
    /// go over to it.
    async fn join(
        &self,
        tx: &mut Tx,
        row: &Row,
        product: &Product,
        home: Option<&Product>,
    ) -> Result<bool, RowError> {
        if row.group.is_empty() {
            return Ok(false);
        }
        let known = products::group(tx, product.id).await?;
        if known == row.group {
            return Ok(false);
        }
        if !known.is_empty() {
            let problem = format!("`{}` is already in the group `{known}`", row.variant.goods.sku);
            return Err(Rejection::of(Field::Group, problem).into());
        }
        Ok(home.is_none())
    }

    /// Writes the variant as it is after the row, on the market or not.
    async fn put(
        &self,
        tx: &mut Tx,
        target: &Product,
        known: &Variant,
        after: &UpdatedVariant,
        offered: bool,
    ) -> Result<(), Error> {
        let goods = after.goods.clone();
        let variant = Variant { id: known.id, goods, stock_item_id: after.stock_item_id, available: 0 };
        variants::put(tx, target.id, self.seller_id, &variant).await?;
        if !offered {
            variants::withdraw(tx, known.id).await?;
        }
        let others = target.variants.iter().filter(|other| other.id != known.id).map(|other| &other.goods);
        let goods = others.chain(offered.then_some(&after.goods));
        put_terms(tx, target.id, &after.translations, goods).await
    }
}

/// A variant and its product after a row.
struct UpdatedVariant {
    goods: Goods,
    stock_item_id: kernel::StockItemId,
    category: String,
    translations: Vec<Translation>,
}

impl UpdatedVariant {
    fn of(row: &Row, target: &Product, known: &Variant) -> Self {
        let shelf = match row.variant.stock {
            NewStock::Shared(id) => id,
            NewStock::Own { .. } => known.stock_item_id,
        };
        let category = if row.says(Field::Category) { &row.category } else { &target.category };
        Self {
            goods: row.onto(&known.goods),
            stock_item_id: shelf,
            category: category.clone(),
            translations: row.translations_onto(&target.translations),
        }
    }

    fn differs(&self, product: &Product, known: &Variant) -> bool {
        self.goods != known.goods
            || self.stock_item_id != known.stock_item_id
            || self.category != product.category
            || self.translations != product.translations
    }
}

/// A variant has gone over to another product; one without any is off the market.
async fn leave(tx: &mut Tx, product: &Product, gone: &Variant, now: DateTime<Utc>) -> Result<(), Error> {
    let rest: Vec<&Goods> =
        product.variants.iter().filter(|other| other.id != gone.id).map(|other| &other.goods).collect();
    if rest.is_empty() {
        products::withdraw(tx, product.id, product.version, now).await?;
    }
    put_terms(tx, product.id, &product.translations, rest.into_iter()).await
}

/// `joined` is the product that a variant is added to.
fn check_size(translations: &[Translation], joined: Option<&Product>) -> Result<(), Rejection> {
    if translations.len() > TRANSLATIONS_MAX {
        let problem = format!("the product would have more than {TRANSLATIONS_MAX} languages");
        return Err(Rejection { field: TITLE, problem });
    }
    if joined.is_some_and(|product| product.variants.len() >= VARIANTS_MAX) {
        let problem = format!("the product would have more than {VARIANTS_MAX} variants");
        return Err(Rejection::of(Field::Group, problem));
    }
    Ok(())
}
