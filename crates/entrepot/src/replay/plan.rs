//! From rows to what is played: goods to list, invoices to order, returns to match.
//!
//! A small packed file can hold millions of rows. So each text is kept once, of `--orders` no more than that many
//! invoices are kept, and a plan that would be too large is refused.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use anyhow::{Result, bail};
use chrono::NaiveDateTime;
use money::Money;

use super::rows::{BadRow, Row};

/// The most goods that are listed: six times those of the largest file that is known.
const GOODS_MAX: usize = 100_000;
/// The most memory of a plan, by the estimates below: five times what the largest file that is known needs.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// What a text takes besides its letters.
const TEXT_BYTES: usize = 80;
/// What goods take while they are listed, with the request that lists them.
const GOODS_BYTES: usize = 800;
/// What an invoice takes, with its first lines.
const INVOICE_BYTES: usize = 600;
/// What a further line of an invoice takes.
const LINE_BYTES: usize = 60;
/// What a return takes.
const RETURN_BYTES: usize = 120;
/// Bad rows that are printed one by one; more are counted only.
pub(crate) const BAD_ROWS_SHOWN: usize = 20;

/// Goods are told apart by description and price: the wholesaler changed prices over the year, and a quote's price
/// is the goods' price now.
pub(crate) type GoodsKey = (Arc<str>, i64);

/// Goods to list.
#[derive(Debug, Clone)]
pub(crate) struct Goods {
    pub(crate) description: Arc<str>,
    pub(crate) unit_price: Money,
    /// Units that the whole file sells of them: what is put on the shelf.
    pub(crate) units: i64,
}

/// What one customer bought at one time.
#[derive(Debug)]
pub(crate) struct Invoice {
    pub(crate) customer: Arc<str>,
    pub(crate) time: NaiveDateTime,
    /// The buyer's own country.
    pub(crate) country: Arc<str>,
    /// Units by goods; rows of the same goods are one line.
    pub(crate) lines: BTreeMap<GoodsKey, i64>,
}

impl Invoice {
    /// Unique for the buyer for ever: a second run finds the order by it.
    pub(crate) fn client_reference(&self) -> String {
        format!("retail {}", self.time.format("%Y-%m-%dT%H:%M:%S"))
    }
}

/// Goods that came back.
#[derive(Debug)]
pub(crate) struct ReturnRow {
    pub(crate) line: u64,
    pub(crate) customer: Arc<str>,
    pub(crate) time: NaiveDateTime,
    pub(crate) description: Arc<str>,
    /// Positive.
    pub(crate) quantity: i64,
}

/// The rows that could not be read: as many as are shown, and all by reason.
#[derive(Debug, Default)]
pub(crate) struct BadRows {
    pub(crate) count: u64,
    pub(crate) first: Vec<BadRow>,
    pub(crate) reasons: BTreeMap<(&'static str, &'static str), u64>,
}

impl BadRows {
    fn take(&mut self, bad: BadRow) {
        self.count += 1;
        *self.reasons.entry((bad.column, bad.reason)).or_default() += 1;
        if self.first.len() < BAD_ROWS_SHOWN {
            self.first.push(bad);
        }
    }
}

/// Everything that a file asks for.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) goods: BTreeMap<GoodsKey, Goods>,
    /// In the order of their first rows.
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) returns: Vec<ReturnRow>,
    pub(crate) bad_rows: BadRows,
    pub(crate) rows_count: u64,
    reading: PlanReader,
}

/// What is known while a file is read.
#[derive(Debug)]
struct PlanReader {
    /// The invoices that are kept.
    orders_max: usize,
    bytes: usize,
    bytes_max: usize,
    texts: HashSet<Arc<str>>,
    by_invoice: HashMap<(Arc<str>, NaiveDateTime), usize>,
    /// The latest time of an invoice that is kept.
    last: Option<NaiveDateTime>,
    /// Units of goods that no invoice names which is kept, by the hash of description and price.
    other_units: HashMap<u64, i64>,
    hasher: RandomState,
}

impl PlanReader {
    fn grow(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.bytes_max {
            let most = self.bytes_max >> 20;
            bail!(
                "replaying its orders and returns takes more than {most} MiB of memory: replay the first of them, with a smaller --orders"
            );
        }
        Ok(())
    }

    /// The one copy of a text.
    fn keep(&mut self, text: String) -> Result<Arc<str>> {
        if let Some(kept) = self.texts.get(text.as_str()) {
            return Ok(kept.clone());
        }
        self.grow(text.len() + TEXT_BYTES)?;
        let kept = Arc::<str>::from(text);
        self.texts.insert(kept.clone());
        Ok(kept)
    }
}

impl Plan {
    /// To keep the first `orders` invoices, the returns up to the last of them, and the goods that they name; all when
    /// absent.
    pub(crate) fn new(orders: Option<usize>) -> Self {
        let reading = PlanReader {
            orders_max: orders.unwrap_or(usize::MAX),
            bytes: 0,
            bytes_max: BYTES_MAX,
            texts: HashSet::new(),
            by_invoice: HashMap::new(),
            last: None,
            other_units: HashMap::new(),
            hasher: RandomState::new(),
        };
        Self {
            goods: BTreeMap::new(),
            invoices: Vec::new(),
            returns: Vec::new(),
            bad_rows: BadRows::default(),
            rows_count: 0,
            reading,
        }
    }

    /// Takes a row in.
    pub(crate) fn take(&mut self, row: Result<Row, BadRow>) -> Result<()> {
        self.rows_count += 1;
        match row {
            Err(bad) => self.bad_rows.take(bad),
            Ok(row) if row.quantity < 0 => self.give_back(row)?,
            Ok(row) => match self.invoice(&row)? {
                Some(invoice) => self.buy(invoice, row)?,
                None => self.pass_over(&row),
            },
        }
        Ok(())
    }

    /// All rows were taken in.
    pub(crate) fn end(&mut self) {
        let last = self.reading.last;
        if self.reading.orders_max < usize::MAX {
            self.returns.retain(|back| last.is_some_and(|last| back.time <= last));
        }
        self.reading.texts = HashSet::new();
        self.reading.by_invoice = HashMap::new();
        self.reading.other_units = HashMap::new();
    }

    fn is_full(&self) -> bool {
        self.invoices.len() >= self.reading.orders_max
    }

    fn give_back(&mut self, row: Row) -> Result<()> {
        if self.is_full() && self.reading.last.is_none_or(|last| row.invoice_time > last) {
            return Ok(());
        }
        self.reading.grow(RETURN_BYTES)?;
        self.returns.push(ReturnRow {
            line: row.line,
            customer: self.reading.keep(row.customer)?,
            time: row.invoice_time,
            description: self.reading.keep(row.description)?,
            quantity: row.quantity.saturating_neg(),
        });
        Ok(())
    }

    /// The place of a row's invoice; `None` when it is behind the last that is kept.
    fn invoice(&mut self, row: &Row) -> Result<Option<usize>> {
        let known = self.reading.texts.get(row.customer.as_str()).cloned();
        let known = known.and_then(|customer| self.reading.by_invoice.get(&(customer, row.invoice_time)));
        if known.is_some() || self.is_full() {
            return Ok(known.copied());
        }
        self.reading.grow(INVOICE_BYTES)?;
        let customer = self.reading.keep(row.customer.clone())?;
        let country = self.reading.keep(row.country.clone())?;
        let place = self.invoices.len();
        self.reading.by_invoice.insert((customer.clone(), row.invoice_time), place);
        self.reading.last = self.reading.last.max(Some(row.invoice_time));
        self.invoices.push(Invoice { customer, time: row.invoice_time, country, lines: BTreeMap::new() });
        Ok(Some(place))
    }

    fn buy(&mut self, invoice: usize, row: Row) -> Result<()> {
        let hash = self.hash(&row);
        let key = (self.reading.keep(row.description)?, row.unit_price.minor());
        if !self.goods.contains_key(&key) {
            if self.goods.len() >= GOODS_MAX {
                bail!(
                    "its orders name more than {GOODS_MAX} goods: replay the first of them, with a smaller --orders"
                );
            }
            self.reading.grow(GOODS_BYTES)?;
            let units = self.reading.other_units.remove(&hash).unwrap_or_default();
            let description = key.0.clone();
            self.goods.insert(key.clone(), Goods { description, unit_price: row.unit_price, units });
        }
        if let Some(goods) = self.goods.get_mut(&key) {
            goods.units = goods.units.saturating_add(row.quantity);
        }
        if let Some(invoice) = self.invoices.get_mut(invoice) {
            if !invoice.lines.contains_key(&key) {
                self.reading.grow(LINE_BYTES)?;
            }
            let units = invoice.lines.entry(key).or_default();
            *units = units.saturating_add(row.quantity);
        }
        Ok(())
    }

    /// Of an invoice that is not kept, the units of its goods count.
    fn pass_over(&mut self, row: &Row) {
        let known = self.reading.texts.get(row.description.as_str()).cloned();
        let known = known.and_then(|description| self.goods.get_mut(&(description, row.unit_price.minor())));
        let units = match known {
            Some(goods) => &mut goods.units,
            None => self.reading.other_units.entry(self.hash(row)).or_default(),
        };
        *units = units.saturating_add(row.quantity);
    }

    fn hash(&self, row: &Row) -> u64 {
        self.reading.hasher.hash_one((row.description.as_str(), row.unit_price.minor()))
    }

    /// The invoices of each customer in their order, customers in the order of their first: one customer's are
    /// played one after another, since they share a wallet; different customers' at once.
    pub(crate) fn by_customer(&self) -> Vec<Vec<&Invoice>> {
        let mut place: HashMap<&str, usize> = HashMap::new();
        let mut queues: Vec<Vec<&Invoice>> = Vec::new();
        for invoice in &self.invoices {
            let index = *place.entry(&invoice.customer).or_insert_with(|| {
                queues.push(Vec::new());
                queues.len() - 1
            });
            if let Some(queue) = queues.get_mut(index) {
                queue.push(invoice);
            }
        }
        queues
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "description,quantity,invoice_time,unit_price_gbp,customer_id,country\n";

    fn take_all(plan: &mut Plan, text: &str) -> Result<()> {
        super::super::rows::read(format!("{HEADING}{text}").as_bytes(), |row| plan.take(row))
    }

    fn plan(text: &str, orders: Option<usize>) -> Plan {
        let mut plan = Plan::new(orders);
        take_all(&mut plan, text).unwrap();
        plan.end();
        plan
    }

    #[test]
    fn lines_of_one_customer_and_time_are_one_order() {
        let plan = plan(
            "MUG,2,2010-12-01T08:26:00,2.55,1,EIRE\nMUG,3,2010-12-01T08:26:00,2.55,1,EIRE\n\
             MUG,1,2010-12-01T08:26:00,2.95,1,EIRE\nMUG,1,2010-12-01T08:27:00,2.55,1,EIRE\n\
             MUG,-1,2010-12-02T08:27:00,2.55,1,EIRE\n,1,2010-12-01T08:27:00,2.55,1,EIRE\n",
            None,
        );
        assert_eq!(plan.invoices.len(), 2);
        assert_eq!(plan.invoices[0].lines[&("MUG".into(), 255)], 5);
        assert_eq!(plan.goods[&("MUG".into(), 255)].units, 6);
        assert_eq!((plan.returns.len(), plan.bad_rows.count, plan.rows_count), (1, 1, 6));
    }

    #[test]
    fn a_limit_keeps_what_the_first_orders_need() {
        let text = "MUG,2,2010-12-01T08:26:00,2.55,1,EIRE\nJUG,2,2010-12-01T09:26:00,2.55,2,EIRE\n\
             MUG,-1,2010-12-01T08:26:00,2.55,1,EIRE\nMUG,-1,2010-12-03T08:26:00,2.55,1,EIRE\n";
        let plan = plan(text, Some(1));
        assert_eq!((plan.invoices.len(), plan.goods.len(), plan.returns.len()), (1, 1, 1));
        assert_eq!(plan.by_customer().len(), 1);
    }

    #[test]
    fn the_shelf_of_a_limit_holds_what_the_whole_file_sells() {
        // The first order names the jug after another one did.
        let text = "MUG,-1,2010-12-09T08:26:00,2.55,1,EIRE\nMUG,2,2010-12-01T08:26:00,2.55,1,EIRE\n\
             JUG,3,2010-12-01T09:26:00,2.55,2,EIRE\nMUG,4,2010-12-01T09:26:00,2.55,2,EIRE\n\
             JUG,5,2010-12-01T08:26:00,2.55,1,EIRE\nPOT,6,2010-12-01T09:26:00,2.55,2,EIRE\n\
             JUG,7,2010-12-01T09:26:00,2.95,2,EIRE\nJUG,8,2010-12-01T09:26:00,2.55,1,EIRE\n";
        let plan = plan(text, Some(1));
        let units = plan.goods.values().map(|goods| (&*goods.description, goods.units)).collect::<Vec<_>>();
        assert_eq!(units, [("JUG", 16), ("MUG", 6)]);
        assert_eq!((plan.rows_count, plan.invoices.len(), plan.returns.len()), (8, 1, 0));
        assert_eq!(plan.invoices[0].lines.values().sum::<i64>(), 7);
    }

    #[test]
    fn many_orders_behind_the_limit_take_no_room() {
        let row = |number: u32| format!("MUG {number},1,2010-12-01T08:26:00,2.55,{number},EIRE\n");
        let text = (0..5_000).map(row).collect::<String>();
        let mut few = Plan::new(Some(2));
        few.reading.bytes_max = 4_000;
        take_all(&mut few, &text).unwrap();
        assert_eq!((few.rows_count, few.invoices.len(), few.goods.len()), (5_000, 2, 2));
        assert_eq!(few.reading.texts.len(), 5, "two customers, two goods, a country");
    }

    #[test]
    fn what_takes_too_much_memory_is_refused() {
        let bought = |number: u32| format!("MUG {number},1,2010-12-01T08:26:00,2.55,{number},EIRE\n");
        let line = |number: u32| format!("MUG,1,2010-12-01T08:26:00,{number},1,EIRE\n");
        let back = |number: u32| format!("MUG,-1,2010-12-01T08:26:00,2.55,{number},EIRE\n");
        let texts: [&dyn Fn(u32) -> String; 3] = [&bought, &line, &back];
        for text in texts {
            let mut plan = Plan::new(None);
            plan.reading.bytes_max = 1 << 20;
            let text = (1..20_000).map(text).collect::<String>();
            let error = take_all(&mut plan, &text).unwrap_err().to_string();
            assert!(error.contains("more than 1 MiB of memory"), "{error}");
        }
        let mut plan = Plan::new(None);
        let text = (0..=GOODS_MAX).map(|number| format!("{number},1,2010-12-01T08:26:00,1,1,UK\n"));
        let error = take_all(&mut plan, &text.collect::<String>()).unwrap_err().to_string();
        assert!(error.contains("more than 100000 goods"), "{error}");
    }
}
