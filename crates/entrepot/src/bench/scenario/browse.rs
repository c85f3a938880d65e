//! Pages of goods, as buyers leaf through them at the public port: the newest of a category, one product, a search by
//! the words of a title; each as often as the others.

use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use proof::Session;
use proof::market::Market;
use proof::shop::SellerEntry;
use proto::catalog::v1::{GetProductRequest, ListProductsRequest, Product};
use tonic::Status;

use crate::bench::Plan;
use crate::bench::subject::WholeHub;
use crate::bench::tally::Parts;
use crate::bench::work::{Unit, Work};

/// Goods that are listed for it.
const GOODS: usize = 500;
const UNITS: i64 = 1_000;
/// Pages of what there is that products are picked from, and how long these are.
const PAGES_PICKED_FROM: usize = 10;
const PAGE_PICKED_FROM: i32 = 200;
/// Products on a page.
const PAGE: i32 = 20;

const LIST: usize = 0;
const PRODUCT: usize = 1;
const SEARCH: usize = 2;

/// What the buyers share.
pub(super) struct Browsing {
    buyers: Vec<Session>,
    /// Some of what there is.
    products: Vec<Product>,
}

impl Work for Browsing {
    const UNIT: Unit =
        Unit { one: "page", many: "pages", whole: "page", parts: &["list", "product", "search"] };
    type Subject = WholeHub;

    async fn start(plan: &Plan<'_>) -> Result<WholeHub> {
        WholeHub::start(plan).await
    }

    async fn prepare(WholeHub { hub, .. }: &WholeHub, callers: usize) -> Result<Self> {
        let seller = SellerEntry::thai(&format!("bench-{}", proof::request_id()));
        Market::open(hub, &seller, &[UNITS; GOODS]).await?;
        let buyer = |place: usize| hub.buyer(&format!("buyer-{place}"));
        let buyers: Vec<Session> = (0..callers).map(buyer).collect::<Result<_>>()?;
        let products = some_products(buyers.first().context("nobody browses")?).await?;
        Ok(Self { buyers, products })
    }

    async fn once(&self, caller: usize, random: &mut fastrand::Rng) -> Result<Parts, Status> {
        let mut products = self.buyers[caller % self.buyers.len()].products();
        let product = &self.products[random.usize(..self.products.len())];
        let page = ListProductsRequest { page_size: PAGE, ..ListProductsRequest::default() };
        let part = random.usize(LIST..=SEARCH);
        let begun = Instant::now();
        let is_found = match part {
            LIST => {
                let category = product.category.clone();
                let page = products.list_products(ListProductsRequest { category, ..page }).await?;
                !page.into_inner().products.is_empty()
            }
            PRODUCT => {
                let product_id = product.product_id.clone();
                products.get_product(GetProductRequest { product_id }).await?.into_inner().product.is_some()
            }
            _ => {
                let text = title(product);
                let page = products.list_products(ListProductsRequest { text, ..page }).await?;
                !page.into_inner().products.is_empty()
            }
        };
        if !is_found {
            return Err(Status::data_loss("a page without what is there"));
        }
        Ok(vec![(part, begun.elapsed())])
    }
}

fn title(product: &Product) -> String {
    product.translations.first().map(|translation| translation.title.clone()).unwrap_or_default()
}

/// The newest.
async fn some_products(buyer: &Session) -> Result<Vec<Product>> {
    let mut found = Vec::new();
    let mut page = ListProductsRequest { page_size: PAGE_PICKED_FROM, ..ListProductsRequest::default() };
    for _ in 0..PAGES_PICKED_FROM {
        let listed =
            buyer.products().list_products(page.clone()).await.context("listing goods")?.into_inner();
        found.extend(listed.products);
        if listed.next_page_token.is_empty() {
            break;
        }
        page.page_token = listed.next_page_token;
    }
    if found.is_empty() {
        bail!("the hub has no goods");
    }
    Ok(found)
}
