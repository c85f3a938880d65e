//! What is measured of money.

use std::collections::BTreeMap;

use db::Tx;
use rpc::Pipeline;
use runtime::metrics::{Metric, SampleInterval, SampleValue, Sampler};

use crate::app::App;
use crate::domain::ledger::TransferState;
use crate::store::measures::{self, Balances};
use crate::store::narrow;

const BALANCE: Metric = Metric::sampled(
    "entrepot_payment_balance_minor_units",
    "Balance of the accounts of a kind, credits minus debits, of posted and of pending transfers",
    &["kind", "currency", "state"],
);
const DIFFERENCE: Metric = Metric::sampled(
    "entrepot_payment_trial_balance_difference_minor_units",
    "The stored balances of wallets plus the ledger balances of all other accounts: must be 0",
    &["currency"],
);
const SUSPENDED: Metric =
    Metric::sampled("entrepot_payment_suspense_receipts", "Unresolved receipts that fit no order", &[]);

pub(crate) fn samplers(pipeline: &Pipeline<App>) -> Vec<Sampler> {
    vec![
        Sampler::reading("ledger", SampleInterval::Seldom, pipeline, ledger),
        Sampler::reading("suspense", SampleInterval::Often, pipeline, suspense),
    ]
}

async fn suspense(_: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    Ok(vec![SUSPENDED.is(&[], measures::suspended(tx).await?)])
}

/// On one snapshot: wallets and ledger change together.
async fn ledger(_: &App, tx: &mut Tx) -> Result<Vec<SampleValue>, db::Error> {
    let balances = measures::balances(tx).await?;
    let differences = differences(&balances, measures::wallets(tx).await?);
    let mut readings: Vec<SampleValue> = balances
        .iter()
        .map(|((kind, currency, state), minor)| BALANCE.is(&[kind, currency, state], narrow(*minor)))
        .collect();
    readings.extend(differences.iter().map(|(currency, minor)| DIFFERENCE.is(&[currency], narrow(*minor))));
    Ok(readings)
}

/// Rows have two sides and so always balance; what can differ is the one balance that is stored.
fn differences(balances: &Balances, wallets: Vec<(String, i128)>) -> BTreeMap<String, i128> {
    let mut differences: BTreeMap<String, i128> = wallets.into_iter().collect();
    for ((kind, currency, state), minor) in balances {
        if kind != "wallet" && state == TransferState::Posted.as_str() {
            let sum = differences.entry(currency.clone()).or_default();
            *sum = sum.saturating_add(*minor);
        }
    }
    differences
}
