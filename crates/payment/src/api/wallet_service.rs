//! `WalletService`.

use kernel::WalletId;
use proto::convert::{self, timestamp};
use proto::payment::v1::wallet_service_server::WalletService;
use proto::payment::v1::{
    ListWalletEntriesRequest, ListWalletEntriesResponse, ListWalletsRequest, ListWalletsResponse,
    OpenWalletRequest, OpenWalletResponse, TopUpWalletRequest, TopUpWalletResponse, Wallet as WireWallet,
    WalletEntry,
};
use rpc::page::Page;
use rpc::replay::{Key, once};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{id, invalid};
use crate::app::{App, Error, open_wallet, top_up};
use crate::store::wallets::Wallet;

pub(super) struct Api(pub(super) App);

fn wire(wallet: &Wallet) -> Result<WireWallet, Error> {
    Ok(WireWallet {
        wallet_id: wallet.id.to_string(),
        currency: wallet.posted.currency().code().to_owned(),
        available: Some(wallet.available()?.into()),
        held: Some(wallet.held.into()),
        created_at: Some(timestamp(wallet.created_at)),
    })
}

#[tonic::async_trait]
impl WalletService for Api {
    async fn open_wallet(
        &self,
        request: Request<OpenWalletRequest>,
    ) -> Result<Response<OpenWalletResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let currency = convert::currency("currency", &asked.currency).map_err(|error| invalid(&error))?;
        let key = Key::of(Some(&caller), "OpenWallet", &asked.request_id, &asked)?;
        self.0.check_currency(currency)?;
        let now = self.0.clock.now();
        let opened = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let owner = caller.subject.clone();
            Box::pin(async move {
                let wallet = open_wallet::open_wallet(tx, &owner, currency, now).await?;
                Ok::<_, Error>(OpenWalletResponse { wallet: Some(wire(&wallet)?) })
            })
        });
        Ok(Response::new(opened.await?))
    }

    async fn top_up_wallet(
        &self,
        request: Request<TopUpWalletRequest>,
    ) -> Result<Response<TopUpWalletResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let wallet_id: WalletId = id("wallet_id", &asked.wallet_id)?;
        let amount =
            convert::positive_money("amount", asked.amount.as_ref()).map_err(|error| invalid(&error))?;
        let key = Key::of(Some(&caller), "TopUpWallet", &asked.request_id, &asked)?;
        if !self.0.sandbox {
            let message =
                "no payment provider is connected for top-ups; only a sandbox takes the word for it";
            return Err(Error::refused("NOT_A_SANDBOX", message).into());
        }
        let now = self.0.clock.now();
        let topped = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let owner = caller.subject.clone();
            Box::pin(async move {
                let wallet = top_up::top_up(tx, &owner, wallet_id, amount, now).await?;
                Ok::<_, Error>(TopUpWalletResponse { wallet: Some(wire(&wallet)?) })
            })
        });
        Ok(Response::new(topped.await?))
    }

    async fn list_wallets(
        &self,
        request: Request<ListWalletsRequest>,
    ) -> Result<Response<ListWalletsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let wallets = self.0.wallets(caller.subject).await?;
        let wallets = wallets.iter().map(wire).collect::<Result<_, _>>()?;
        Ok(Response::new(ListWalletsResponse { wallets }))
    }

    async fn list_wallet_entries(
        &self,
        request: Request<ListWalletEntriesRequest>,
    ) -> Result<Response<ListWalletEntriesResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let wallet_id: WalletId = id("wallet_id", &asked.wallet_id)?;
        let filter = ["ListWalletEntries", &asked.wallet_id];
        let page: Page<Uuid> = Page::of(Some(&caller), &filter, asked.page_size, &asked.page_token)?;
        let rows = self.0.wallet_entries(caller.subject, wallet_id, page.after, page.limit()).await?;
        let account = wallet_id.to_string();
        let (entries, next_page_token) = page.try_fill(
            rows,
            |row| row.id.uuid(),
            |row| {
                Ok::<_, Error>(WalletEntry {
                    transfer_id: row.id.to_string(),
                    amount: Some(row.gain("wallet", &account)?.into()),
                    order_id: row
                        .order_id
                        .map(|id| kernel::OrderId::from(id).to_string())
                        .unwrap_or_default(),
                    occurred_at: Some(timestamp(row.created_at)),
                    kind: row.kind,
                })
            },
        )?;
        Ok(Response::new(ListWalletEntriesResponse { entries, next_page_token }))
    }
}
