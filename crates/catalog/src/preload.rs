//! A history for a hub that is to be measured (`entrepot bench --preload`): goods, and the stock that orders took.
//!
//! Goods are made in words of many combinations, so that searches and pages find as much, and as little, as they would;
//! each seller of the originals has an equal part of them. A replica of an order has the reservation of its original,
//! dispatched, of the original's goods; one movement takes its units off their shelf. The reservations and movements of
//! one [`Originals::repeat`] are all of the moment when its first order was placed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use chrono::{DateTime, Utc};
use db::{Db, Tx};
use kernel::{MovementId, OrderIds, OrderReplica, Replica, StockItemId};
use money::Money;

use crate::domain::product::{Product, Translation, Variant};
use crate::domain::reservation::{Reservation, ReservationState, units_by_item};
use crate::domain::seller::StockItem;
use crate::store::history::{self, Listed};
use crate::store::reservations;
use crate::store::stock::{self, MovedUnits};

const MAKES: [&str; 16] = [
    "Handwoven",
    "Printed",
    "Embroidered",
    "Dyed",
    "Plain",
    "Striped",
    "Checked",
    "Quilted",
    "Knitted",
    "Crocheted",
    "Pleated",
    "Painted",
    "Beaded",
    "Fringed",
    "Washed",
    "Antique",
];
const COLOURS: [&str; 20] = [
    "indigo",
    "crimson",
    "saffron",
    "jade",
    "ivory",
    "charcoal",
    "teal",
    "coral",
    "amber",
    "lilac",
    "olive",
    "maroon",
    "navy",
    "mustard",
    "turquoise",
    "rose",
    "sand",
    "cobalt",
    "mint",
    "plum",
];
const MATERIALS: [&str; 12] = [
    "silk", "cotton", "linen", "hemp", "wool", "bamboo", "ramie", "cashmere", "viscose", "muslin", "satin",
    "chiffon",
];
/// What it is, and its category.
const THINGS: [(&str, &str); 12] = [
    ("scarf", "scarves"),
    ("shawl", "shawls"),
    ("sarong", "sarongs"),
    ("table runner", "table-linen"),
    ("napkin", "table-linen"),
    ("cushion cover", "cushions"),
    ("throw", "throws"),
    ("bag", "bags"),
    ("pouch", "bags"),
    ("curtain", "curtains"),
    ("bedspread", "bedspreads"),
    ("headband", "accessories"),
];
/// What a price is at least, and how many minor units more at most.
const PRICE_MINOR: (i64, u64) = (9_900, 190_000);
/// Units of each.
const UNITS: i64 = 10_000;

/// The orders whose goods are repeated, and taken.
pub struct Originals(Arc<Vec<Original>>);

#[derive(Clone)]
struct Original {
    reservation: Reservation,
    placed_at: DateTime<Utc>,
    product: Product,
    shelf: StockItem,
}

impl Originals {
    /// Reads them: the goods of each have left their shelf.
    pub async fn read(db: &Db, ids: &[OrderIds]) -> Result<Self> {
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids {
            let ids = *ids;
            let found: Result<Option<Original>, db::Error> =
                db.read(move |tx| Box::pin(Original::read(tx, ids))).await;
            let original = found?.with_context(|| format!("{} has no goods", ids.order_id))?;
            ensure!(
                original.reservation.state == ReservationState::Dispatched,
                "the goods of {} have not left",
                ids.order_id
            );
            all.push(original);
        }
        Ok(Self(Arc::new(all)))
    }

    /// Lists goods of these numbers, of so many that there will be until `until`, in one transaction. `series` tells them
    /// from others.
    pub async fn list(
        &self,
        db: &Db,
        series: &str,
        numbers: Range<u64>,
        of: u64,
        until: DateTime<Utc>,
    ) -> Result<()> {
        let mut goods = Vec::new();
        for number in numbers {
            let place = usize::try_from(number)? % self.0.len();
            goods.extend(self.0[place].listed(series, number, Replica::begun(number, of, until)));
        }
        let goods = Arc::new(goods);
        let written: Result<(), db::Error> = db
            .write(move |tx| {
                let goods = goods.clone();
                Box::pin(async move { history::put(tx, &goods).await })
            })
            .await;
        Ok(written?)
    }

    /// Writes replicas, in one transaction.
    pub async fn repeat(&self, db: &Db, replicas: Arc<Vec<OrderReplica>>) -> Result<()> {
        let all = self.0.clone();
        let written: Result<(), db::Error> = db
            .write(move |tx| {
                let (all, replicas) = (all.clone(), replicas.clone());
                Box::pin(async move { write(tx, &all, &replicas).await })
            })
            .await;
        Ok(written?)
    }
}

async fn write(tx: &mut Tx, all: &[Original], replicas: &[OrderReplica]) -> Result<(), db::Error> {
    let original =
        |told: &OrderReplica| all.iter().find(|one| one.reservation.id == told.original.reservation_id);
    let both: Vec<_> = replicas.iter().filter_map(|told| Some((original(told)?, told))).collect();
    let Some((first, told)) = both.first() else { return Ok(()) };
    let at = told.replica.time(first.placed_at);
    let mut new = Vec::with_capacity(both.len());
    let (mut moved, mut units) = (Vec::<MovedUnits>::new(), BTreeMap::<StockItemId, i64>::new());
    for (original, told) in both {
        let (id, order_id) = (told.ids.reservation_id, told.ids.order_id);
        new.push(Reservation { id, order_id, ..original.reservation.clone() });
        let taken = units_by_item(&original.reservation.lines).unwrap_or_default();
        for (shelf, taken) in &taken {
            let sum = units.entry(*shelf).or_default();
            *sum = sum.saturating_add(*taken);
        }
        moved.push((id, taken));
    }
    let put = reservations::put(tx, &new.iter().collect::<Vec<_>>(), at).await?;
    if put.len() < replicas.len() || stock::reserve(tx, &units).await?.len() < units.len() {
        return Err(db::Error::Conflict);
    }
    stock::dispatch(tx, &moved, at).await
}

impl Original {
    async fn read(tx: &mut Tx, ids: OrderIds) -> Result<Option<Self>, db::Error> {
        let found = reservations::find(tx, ids.reservation_id).await?;
        let Some((reservation, placed_at)) = found else { return Ok(None) };
        let Some(line) = reservation.lines.first() else { return Ok(None) };
        let Some(product) = history::product_of(tx, line.variant_id).await? else { return Ok(None) };
        let Some(shelf) = stock::find(tx, line.stock_item_id).await? else { return Ok(None) };
        Ok(Some(Self { reservation, placed_at, product, shelf }))
    }

    /// Goods of the same seller, by other words and at another price.
    fn listed(&self, series: &str, number: u64, at: DateTime<Utc>) -> Option<Listed> {
        let replica = Replica::new(number, self.product.created_at, at);
        let variant = self.product.variants.first()?;
        let (words, category) = Words::of(number);
        let mut goods = variant.goods.clone();
        goods.sku = format!("{series}-{number}").to_uppercase();
        goods.name = words.colour.to_owned();
        let (least, range) = PRICE_MINOR;
        let price = least + i64::try_from(spread(number) % range).ok()?;
        goods.price = Money::new(price, goods.price.currency()).ok()?;
        (goods.preference, goods.certificate, goods.stock_units) = (String::new(), None, 1);
        let shelf = StockItem {
            id: replica.id(self.shelf.id),
            sku: goods.sku.clone(),
            on_hand: UNITS,
            reserved: 0,
            ..self.shelf.clone()
        };
        let variant =
            Variant { id: replica.id(variant.id), goods, stock_item_id: shelf.id, available: UNITS };
        let product = Product {
            id: replica.id(self.product.id),
            category: category.to_owned(),
            translations: vec![words.translation()],
            variants: vec![variant],
            version: 1,
            created_at: at,
            updated_at: at,
            ..self.product.clone()
        };
        let movement = MovementId::derive(shelf.id.uuid(), "first stock");
        Some(Listed { product, shelf, movement })
    }
}

/// A number that looks like chance, of one that does not (the finaliser of SplitMix64).
fn spread(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// What goods are called.
struct Words {
    make: &'static str,
    colour: &'static str,
    material: &'static str,
    thing: &'static str,
    number: u64,
}

impl Words {
    /// Of goods by their number, with their category.
    fn of(number: u64) -> (Self, &'static str) {
        let mut chance = spread(number ^ u64::MAX);
        let mut place = |of: usize| {
            let of = u64::try_from(of).unwrap_or(1);
            let place = chance % of;
            chance /= of;
            usize::try_from(place).unwrap_or_default()
        };
        let (thing, category) = THINGS[place(THINGS.len())];
        let words = Self {
            make: MAKES[place(MAKES.len())],
            colour: COLOURS[place(COLOURS.len())],
            material: MATERIALS[place(MATERIALS.len())],
            thing,
            number,
        };
        (words, category)
    }

    fn translation(&self) -> Translation {
        let Self { make, colour, material, thing, number } = self;
        Translation {
            language: "en".to_owned(),
            title: format!("{make} {colour} {material} {thing}"),
            description: format!("A {thing} of {material}, in {colour}. Pattern {}.", number % 5_000),
        }
    }
}
