//! From rows to what is played: goods to list, invoices to order, returns to match.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDateTime;
use money::Money;

use super::rows::{BadRow, Row};
use super::summary::BAD_ROWS_SHOWN;

/// Goods are told apart by description and price: the wholesaler changed prices over the year, and a quote's price
/// is the goods' price now.
pub(crate) type GoodsKey = (String, i64);

/// Goods to list.
#[derive(Debug, Clone)]
pub(crate) struct Goods {
    pub(crate) description: String,
    pub(crate) unit_price: Money,
    /// Units that the whole file sells of them: what is put on the shelf.
    pub(crate) units: i64,
}

/// What one customer bought at one time.
#[derive(Debug, Clone)]
pub(crate) struct Invoice {
    pub(crate) customer: String,
    pub(crate) time: NaiveDateTime,
    /// The buyer's own country.
    pub(crate) country: String,
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
#[derive(Debug, Clone)]
pub(crate) struct ReturnRow {
    pub(crate) line: u64,
    pub(crate) customer: String,
    pub(crate) time: NaiveDateTime,
    pub(crate) description: String,
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
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) goods: BTreeMap<GoodsKey, Goods>,
    /// In the order of their first rows.
    pub(crate) invoices: Vec<Invoice>,
    pub(crate) returns: Vec<ReturnRow>,
    pub(crate) bad_rows: BadRows,
    pub(crate) rows_count: u64,
    by_invoice: HashMap<(String, NaiveDateTime), usize>,
}

impl Plan {
    /// Takes a row in.
    pub(crate) fn take(&mut self, row: Result<Row, BadRow>) {
        self.rows_count += 1;
        match row {
            Err(bad) => self.bad_rows.take(bad),
            Ok(row) if row.quantity < 0 => self.returns.push(ReturnRow {
                line: row.line,
                customer: row.customer,
                time: row.invoice_time,
                description: row.description,
                quantity: row.quantity.saturating_neg(),
            }),
            Ok(row) => self.buy(row),
        }
    }

    fn buy(&mut self, row: Row) {
        let key = (row.description.clone(), row.unit_price.minor());
        let goods = self.goods.entry(key.clone()).or_insert_with(|| Goods {
            description: row.description,
            unit_price: row.unit_price,
            units: 0,
        });
        goods.units = goods.units.saturating_add(row.quantity);
        let invoices = &mut self.invoices;
        let index = *self.by_invoice.entry((row.customer.clone(), row.invoice_time)).or_insert_with(|| {
            invoices.push(Invoice {
                customer: row.customer,
                time: row.invoice_time,
                country: row.country,
                lines: BTreeMap::new(),
            });
            invoices.len() - 1
        });
        if let Some(invoice) = self.invoices.get_mut(index) {
            let units = invoice.lines.entry(key).or_default();
            *units = units.saturating_add(row.quantity);
        }
    }

    /// Keeps the first `orders` invoices, the returns up to the last of them, and the goods that they name.
    pub(crate) fn limit(&mut self, orders: usize) {
        self.invoices.truncate(orders);
        self.by_invoice.clear();
        let last = self.invoices.iter().map(|invoice| invoice.time).max();
        self.returns.retain(|back| last.is_some_and(|last| back.time <= last));
        let named: std::collections::HashSet<&GoodsKey> =
            self.invoices.iter().flat_map(|invoice| invoice.lines.keys()).collect();
        self.goods.retain(|key, _| named.contains(key));
    }

    /// The invoices of each customer in their order, customers in the order of their first: one customer's are
    /// played one after another, since they share a wallet; different customers' at once.
    pub(crate) fn by_customer(&self) -> Vec<Vec<Invoice>> {
        let mut place: HashMap<&str, usize> = HashMap::new();
        let mut queues: Vec<Vec<Invoice>> = Vec::new();
        for invoice in &self.invoices {
            let index = *place.entry(&invoice.customer).or_insert_with(|| {
                queues.push(Vec::new());
                queues.len() - 1
            });
            if let Some(queue) = queues.get_mut(index) {
                queue.push(invoice.clone());
            }
        }
        queues
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Plan {
        let mut plan = Plan::default();
        let heading = "description,quantity,invoice_time,unit_price_gbp,customer_id,country\n";
        let text = format!("{heading}{text}");
        let seen = |row| {
            plan.take(row);
            Ok(())
        };
        super::super::rows::read(text.as_bytes(), seen).unwrap();
        plan
    }

    #[test]
    fn lines_of_one_customer_and_time_are_one_order() {
        let plan = plan(
            "MUG,2,2010-12-01T08:26:00,2.55,1,EIRE\nMUG,3,2010-12-01T08:26:00,2.55,1,EIRE\n\
             MUG,1,2010-12-01T08:26:00,2.95,1,EIRE\nMUG,1,2010-12-01T08:27:00,2.55,1,EIRE\n\
             MUG,-1,2010-12-02T08:27:00,2.55,1,EIRE\n,1,2010-12-01T08:27:00,2.55,1,EIRE\n",
        );
        assert_eq!(plan.invoices.len(), 2);
        assert_eq!(plan.invoices[0].lines[&("MUG".to_owned(), 255)], 5);
        assert_eq!(plan.goods[&("MUG".to_owned(), 255)].units, 6);
        assert_eq!((plan.returns.len(), plan.bad_rows.count, plan.rows_count), (1, 1, 6));
    }

    #[test]
    fn a_limit_keeps_what_the_first_orders_need() {
        let mut plan = plan(
            "MUG,2,2010-12-01T08:26:00,2.55,1,EIRE\nJUG,2,2010-12-01T09:26:00,2.55,2,EIRE\n\
             MUG,-1,2010-12-01T08:26:00,2.55,1,EIRE\nMUG,-1,2010-12-03T08:26:00,2.55,1,EIRE\n",
        );
        plan.limit(1);
        assert_eq!((plan.invoices.len(), plan.goods.len(), plan.returns.len()), (1, 1, 1));
        assert_eq!(plan.by_customer().len(), 1);
    }
}
