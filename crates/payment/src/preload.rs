//! A history for a hub that is to be measured (`entrepot bench --preload`): the money of orders that are repeated.
//!
//! A replica has the hold, the escrow and all movements of its original, and the buyer's wallet with what the original's
//! buyer had paid in for it: each balance is what its entries add up to. It has the ids of its own in everything that
//! money goes by; `consignment`, which only the release before this one reads, is its original's.
//!
//! The movements are of the past, so the ledger must not be closed yet when they are written: a hub does that with the
//! first few hundred. Nobody else writes meanwhile, and [`Originals::close`] counts them all, which would keep the hub busy.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use db::{Db, Tx};
use kernel::{OrderIds, OrderReplica, WalletId};
use uuid::Uuid;

use crate::domain::hold::{Hold, HoldState};
use crate::domain::ledger::TransferState;
use crate::domain::qr;
use crate::store::escrows::{self, NewEscrow};
use crate::store::history::{self, TransferRow, WalletRow};
use crate::store::transfers::{self, Entry};
use crate::store::wallets::{self, Wallet};
use crate::store::{holds, snapshots};

/// The ids of buyers' wallets follow from their names and this.
const WALLETS: Uuid = Uuid::from_u128(0x8a1f_3c5e_0f6b_4d52_9c83_51d7_42ee_90b3);
/// Movements that are counted in one transaction.
const COUNTED_AT_ONCE: i64 = 20_000;
/// The most movements of an original.
const MOVEMENTS_MAX: i64 = 100;

/// The orders whose money is repeated.
pub struct Originals(Arc<Vec<Original>>);

struct Original {
    hold: Hold,
    escrow: NewEscrow,
    wallet: Wallet,
    movements: Vec<Entry>,
}

impl Originals {
    /// Reads them: each was paid from a wallet, and is in escrow.
    pub async fn read(db: &Db, ids: &[OrderIds]) -> Result<Self> {
        let closed: Result<Uuid, db::Error> =
            db.read(|tx| Box::pin(async move { snapshots::closed_through(tx).await })).await;
        ensure!(
            closed? == snapshots::NO_MARK,
            "the ledger has a history that is closed; use an empty database"
        );
        let mut all = Vec::with_capacity(ids.len());
        for ids in ids {
            let ids = *ids;
            let found: Result<Option<Original>, db::Error> =
                db.read(move |tx| Box::pin(Original::read(tx, ids))).await;
            let original = found?.with_context(|| format!("{} is not in escrow", ids.order_id))?;
            let is_over =
                original.movements.iter().all(|entry| entry.state == TransferState::Posted.as_str());
            ensure!(is_over, "a movement of {} is not posted", ids.order_id);
            all.push(original);
        }
        Ok(Self(Arc::new(all)))
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

    /// Closes the ledger behind the last of them, and counts it.
    pub async fn close(&self, db: &Db) -> Result<()> {
        let mark = snapshots::mark_before(Duration::ZERO);
        let closed: Result<(), db::Error> =
            db.write(move |tx| Box::pin(async move { snapshots::close(tx, mark).await })).await;
        closed?;
        let count = || db.write(move |tx| Box::pin(snapshots::count(tx, mark, COUNTED_AT_ONCE)));
        while count().await? {}
        Ok(())
    }
}

async fn write(tx: &mut Tx, all: &[Original], replicas: &[OrderReplica]) -> Result<(), db::Error> {
    let original = |told: &OrderReplica| all.iter().find(|one| one.hold.id == told.original.hold_id);
    let both: Vec<_> = replicas.iter().filter_map(|told| Some((original(told)?, told))).collect();
    let mut sums: BTreeMap<&str, WalletRow<'_>> = BTreeMap::new();
    for (original, told) in &both {
        let Wallet { posted, created_at, .. } = &original.wallet;
        let new = || {
            WalletRow::new(wallet_id(told), &told.buyer, posted.currency(), told.replica.time(*created_at))
        };
        let sum = sums.entry(&told.buyer).or_insert_with(new);
        sum.posted_minor = sum.posted_minor.saturating_add(posted.minor());
        sum.refundable_minor = sum.refundable_minor.saturating_add(original.hold.amount.minor());
    }
    history::add_to_wallets(tx, &sums.into_values().collect::<Vec<_>>()).await?;
    let new: Vec<Hold> = both.iter().map(|(original, told)| original.hold(told)).collect();
    if holds::put(tx, &new.iter().collect::<Vec<_>>()).await?.len() < replicas.len() {
        return Err(db::Error::Conflict);
    }
    let new: Vec<NewEscrow> = both.iter().map(|(original, told)| original.escrow(told)).collect();
    escrows::put(tx, &new.iter().collect::<Vec<_>>()).await?;
    let movements: Vec<TransferRow> =
        both.iter().flat_map(|(original, told)| original.movements(told)).collect();
    if history::put_transfers(tx, &movements).await? { Ok(()) } else { Err(db::Error::Conflict) }
}

fn wallet_id(told: &OrderReplica) -> WalletId {
    WalletId::derive(WALLETS, &told.buyer)
}

impl Original {
    async fn read(tx: &mut Tx, ids: OrderIds) -> Result<Option<Self>, db::Error> {
        let hold = holds::find(tx, ids.hold_id).await?.filter(|hold| hold.state == HoldState::Captured);
        let Some(hold) = hold.filter(|hold| hold.is_wallet() && hold.refunded.is_zero()) else {
            return Ok(None);
        };
        let Some(escrow) = history::escrow(tx, ids.consignment_id).await? else { return Ok(None) };
        let mut wallets = wallets::of_owner(tx, &hold.buyer).await?.into_iter();
        let Some(wallet) = wallets.find(|wallet| wallet.posted.currency() == hold.amount.currency()) else {
            return Ok(None);
        };
        let account = wallet.id.to_string();
        let mut movements = transfers::of_account(tx, "wallet", &account, None, MOVEMENTS_MAX).await?;
        for entry in transfers::list(tx, Some(ids.order_id), None, MOVEMENTS_MAX).await? {
            if movements.iter().all(|known| known.id != entry.id) {
                movements.push(entry);
            }
        }
        Ok(Some(Self { hold, escrow, wallet, movements }))
    }

    fn hold(&self, told: &OrderReplica) -> Hold {
        Hold {
            id: told.ids.hold_id,
            order_id: told.ids.order_id,
            buyer: told.buyer.clone(),
            reference: self.hold.reference.as_ref().map(|_| qr::reference(&told.order_number)),
            paid_at: self.hold.paid_at.map(|at| told.replica.time(at)),
            created_at: told.replica.time(self.hold.created_at),
            ..self.hold.clone()
        }
    }

    fn escrow(&self, told: &OrderReplica) -> NewEscrow {
        let mut escrow = self.escrow.escrow.clone();
        escrow.consignment_id = told.ids.consignment_id;
        escrow.hold_id = told.ids.hold_id;
        escrow.order_id = told.ids.order_id;
        escrow.terms.order_id = told.ids.order_id;
        escrow.terms.consignment_id = told.ids.consignment_id;
        NewEscrow { escrow, valuation: self.escrow.valuation.clone(), told: self.escrow.told.clone() }
    }

    fn movements(&self, told: &OrderReplica) -> Vec<TransferRow> {
        let accounts = [
            (self.wallet.id.to_string(), wallet_id(told).to_string()),
            (told.original.hold_id.to_string(), told.ids.hold_id.to_string()),
            (told.original.consignment_id.to_string(), told.ids.consignment_id.to_string()),
        ];
        let renamed = |owner: &str| {
            let found = accounts.iter().find(|(original, _)| original == owner);
            found.map_or(owner, |(_, name)| name).to_owned()
        };
        let ids = (told.ids.order_id, told.ids.consignment_id);
        let row = |entry: &Entry| {
            let at = told.replica.time(entry.created_at);
            TransferRow::of(entry, told.replica.id(entry.id), at, ids, renamed)
        };
        self.movements.iter().map(row).collect()
    }
}
