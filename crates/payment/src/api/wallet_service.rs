//! `WalletService`.

use kernel::WalletId;
use proto::convert::timestamp;
use proto::payment::v1::wallet_service_server::WalletService;
use proto::payment::v1::{
    ListWalletEntriesRequest, ListWalletEntriesResponse, ListWalletsRequest, ListWalletsResponse,
    OpenWalletRequest, OpenWalletResponse, TopUpWalletRequest, TopUpWalletResponse, WalletEntry,
};
use rpc::Violations;
use rpc::page::Page;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode, encode};
use crate::app::Error;
use crate::app::list_wallet_entries::ListWalletEntries;
use crate::app::list_wallets::ListWallets;

#[tonic::async_trait]
impl WalletService for Api {
    async fn open_wallet(
        &self,
        request: Request<OpenWalletRequest>,
    ) -> Result<Response<OpenWalletResponse>, Status> {
        let encode = |_: &_, wallet| Ok(OpenWalletResponse { wallet: Some(encode::wallet(&wallet)?) });
        self.pipeline.mutate(request, decode::open_wallet, encode).await
    }

    async fn top_up_wallet(
        &self,
        request: Request<TopUpWalletRequest>,
    ) -> Result<Response<TopUpWalletResponse>, Status> {
        let encode = |_: &_, wallet| Ok(TopUpWalletResponse { wallet: Some(encode::wallet(&wallet)?) });
        self.pipeline.mutate(request, decode::top_up, encode).await
    }

    async fn list_wallets(
        &self,
        request: Request<ListWalletsRequest>,
    ) -> Result<Response<ListWalletsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let wallets = self.pipeline.query(ListWallets { owner: caller.subject }).await?;
        let wallets = wallets.iter().map(encode::wallet).collect::<Result<_, _>>().map_err(Error::from)?;
        Ok(Response::new(ListWalletsResponse { wallets }))
    }

    async fn list_wallet_entries(
        &self,
        request: Request<ListWalletEntriesRequest>,
    ) -> Result<Response<ListWalletEntriesResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (wallet_id, page): (WalletId, Page<Uuid>) = Violations::of(|violations| {
            let wallet_id = violations.id("wallet_id", &asked.wallet_id);
            let page = Page::of(Some(&caller), &asked, &[&asked.wallet_id], violations);
            wallet_id.zip(page)
        })?;
        let (owner, before, limit) = (caller.subject, page.after, page.limit());
        let rows = self.pipeline.query(ListWalletEntries { owner, wallet_id, before, limit }).await?;
        let account = wallet_id.to_string();
        let (entries, next_page_token) = page.try_fill(
            rows,
            |row| row.id.uuid(),
            |row| {
                Ok::<_, Error>(WalletEntry {
                    transfer_id: row.id.to_string(),
                    amount: Some(row.gain("wallet", &account)?.into()),
                    order_id: row.order_id.map(|id| id.to_string()).unwrap_or_default(),
                    occurred_at: Some(timestamp(row.created_at)),
                    kind: row.kind,
                })
            },
        )?;
        Ok(Response::new(ListWalletEntriesResponse { entries, next_page_token }))
    }
}
