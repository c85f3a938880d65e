//! A hub with the payment service alone, and what tests do with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{EventId, SellerId};
use proto::payment::internal::v1::hold_service_client::HoldServiceClient;
use proto::payment::internal::v1::ledger_service_client::LedgerServiceClient;
use proto::payment::internal::v1::provider_service_client::ProviderServiceClient;
use proto::payment::internal::v1::{
    ListSuspenseRequest, ListTransfersRequest, SuspendedReceipt, Transfer, TrialBalanceRequest,
    TrialBalanceResponse,
};
use proto::payment::v1::payment_service_client::PaymentServiceClient;
use proto::payment::v1::statement_service_client::StatementServiceClient;
use proto::payment::v1::wallet_service_client::WalletServiceClient;
use proto::payment::v1::{
    GetStatementRequest, GetStatementResponse, ListWalletEntriesRequest, ListWalletsRequest,
    OpenWalletRequest, TopUpWalletRequest, Wallet, WalletEntry,
};
use proto::types::v1::Money;
use rpc::Role;
use testkit::service::{Line, Setup};
use testkit::{Database, UnderTest};
use tonic::Status;

/// The buyer of most tests.
pub(crate) const BUYER: &str = "aisyah";
/// The operator of all tests.
pub(crate) const OPERATOR: &str = "somchai";

/// The hub and a seller.
pub(crate) struct Till {
    pub(crate) hub: UnderTest,
    pub(crate) seller: String,
}

pub(crate) fn money(currency: &str, minor_units: i64) -> Money {
    Money { currency: currency.to_owned(), minor_units }
}

pub(crate) fn myr(minor_units: i64) -> Money {
    money("MYR", minor_units)
}

pub(crate) fn request_id() -> String {
    EventId::new().uuid().to_string()
}

/// The reason of a refusal.
pub(crate) fn why<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let refused = answer.unwrap_err();
    rpc::status::reason(&refused).unwrap_or_else(|| panic!("without a reason: {refused:?}"))
}

/// A wallet's available and held minor units.
pub(crate) fn minor(wallet: &Wallet) -> (i64, i64) {
    (wallet.available.as_ref().unwrap().minor_units, wallet.held.as_ref().unwrap().minor_units)
}

impl Till {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::at("my", database, |setup| setup).await
    }

    pub(crate) async fn at(hub: &str, database: &Database, change: impl FnOnce(Setup) -> Setup) -> Self {
        let (file, text) = hub::builtin(hub).unwrap();
        let profile = hub::Profile::parse(file, text).unwrap();
        let setup = change(Setup::new(payment::SPEC, database, Arc::new(profile)));
        Self { hub: setup.start().await, seller: SellerId::new().to_string() }
    }

    /// The same hub again, which now takes another commission.
    pub(crate) async fn with_commission(self, database: &Database, rate: &str) -> Self {
        self.hub.stop().await;
        let (file, text) = hub::builtin("my").unwrap();
        let text = text.replacen("commission_rate = \"0.08\"", &format!("commission_rate = \"{rate}\""), 1);
        let profile = hub::Profile::parse(file, &text).unwrap();
        assert_eq!(profile.terms().commission_rate.to_string(), rate);
        let setup = Setup::new(payment::SPEC, database, Arc::new(profile));
        Self { hub: setup.start().await, ..self }
    }

    pub(crate) fn wallets(&self, subject: &str) -> WalletServiceClient<Line> {
        WalletServiceClient::new(self.hub.public(Role::Buyer, subject))
    }

    pub(crate) fn payments(&self, role: Role, subject: &str) -> PaymentServiceClient<Line> {
        PaymentServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn statements(&self, role: Role, subject: &str) -> StatementServiceClient<Line> {
        StatementServiceClient::new(self.hub.public(role, subject))
    }

    pub(crate) fn holds(&self) -> HoldServiceClient<Line> {
        HoldServiceClient::new(self.hub.as_service("order"))
    }

    pub(crate) fn provider(&self) -> ProviderServiceClient<Line> {
        ProviderServiceClient::new(self.hub.internal(Role::Operator, OPERATOR))
    }

    pub(crate) fn ledger(&self) -> LedgerServiceClient<Line> {
        LedgerServiceClient::new(self.hub.internal(Role::Operator, OPERATOR))
    }

    pub(crate) async fn open_wallet(&self, subject: &str, currency: &str) -> Wallet {
        let request = OpenWalletRequest { request_id: request_id(), currency: currency.to_owned() };
        self.wallets(subject).open_wallet(request).await.unwrap().into_inner().wallet.unwrap()
    }

    pub(crate) async fn top_up(&self, subject: &str, wallet: &Wallet, amount: Money) -> Wallet {
        let request = TopUpWalletRequest {
            request_id: request_id(),
            wallet_id: wallet.wallet_id.clone(),
            amount: Some(amount),
        };
        self.wallets(subject).top_up_wallet(request).await.unwrap().into_inner().wallet.unwrap()
    }

    /// The buyer's wallet with this much in it.
    pub(crate) async fn funded(&self, amount: Money) -> Wallet {
        let wallet = self.open_wallet(BUYER, &amount.currency).await;
        self.top_up(BUYER, &wallet, amount).await
    }

    pub(crate) async fn list_wallets(&self, subject: &str) -> Vec<Wallet> {
        self.wallets(subject).list_wallets(ListWalletsRequest {}).await.unwrap().into_inner().wallets
    }

    /// Available and held in the buyer's only wallet.
    pub(crate) async fn in_the_wallet(&self) -> (i64, i64) {
        let wallets = self.list_wallets(BUYER).await;
        assert_eq!(wallets.len(), 1);
        minor(&wallets[0])
    }

    /// All lines of the buyer's only wallet, newest first: their kinds and minor units.
    pub(crate) async fn entries(&self) -> Vec<(String, i64)> {
        let wallet_id = self.list_wallets(BUYER).await[0].wallet_id.clone();
        let request = ListWalletEntriesRequest { wallet_id, ..Default::default() };
        let listed = self.wallets(BUYER).list_wallet_entries(request).await.unwrap().into_inner();
        let line = |entry: WalletEntry| (entry.kind, entry.amount.unwrap().minor_units);
        listed.entries.into_iter().map(line).collect()
    }

    pub(crate) async fn statement(&self) -> GetStatementResponse {
        let mut statements = self.statements(Role::Seller, &self.seller);
        statements.get_statement(GetStatementRequest::default()).await.unwrap().into_inner()
    }

    pub(crate) async fn suspended(&self) -> Vec<SuspendedReceipt> {
        self.ledger().list_suspense(ListSuspenseRequest::default()).await.unwrap().into_inner().receipts
    }

    pub(crate) async fn trial_balance(&self) -> TrialBalanceResponse {
        self.ledger().trial_balance(TrialBalanceRequest {}).await.unwrap().into_inner()
    }

    /// What accounts of a kind come to in a currency, in minor units.
    pub(crate) async fn balance(&self, kind: &str, currency: &str) -> i64 {
        let balances = self.trial_balance().await.balances;
        let mut of_kind = balances
            .into_iter()
            .filter(|balance| balance.kind == kind)
            .filter_map(|balance| balance.balance)
            .filter(|balance| balance.currency == currency);
        of_kind.next().map_or(0, |balance| balance.minor_units)
    }

    /// Every movement, newest first.
    pub(crate) async fn transfers(&self) -> Vec<Transfer> {
        let mut request = ListTransfersRequest { page_size: 200, ..Default::default() };
        let mut all = Vec::new();
        loop {
            let page = self.ledger().list_transfers(request.clone()).await.unwrap().into_inner();
            all.extend(page.transfers);
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Stops the hub, once its books hold.
    pub(crate) async fn close(self) {
        self.books_hold().await;
        self.hub.stop().await;
    }

    /// The trial balance holds, and a count of our own over all movements comes to the same.
    pub(crate) async fn books_hold(&self) {
        let trial = self.trial_balance().await;
        assert_eq!(trial.violations, Vec::<String>::new());
        for difference in &trial.differences {
            assert_eq!(difference.minor_units, 0, "{}", difference.currency);
        }
        let transfers = self.transfers().await;
        self.wallets_hold(&transfers).await;
        let mut kinds: BTreeMap<(String, String), i64> = BTreeMap::new();
        for ((kind, owner, currency), sum) in accounts(&transfers, "posted") {
            let never_negative = ["wallet", "holding", "escrow", "suspense"].contains(&kind.as_str());
            assert!(sum >= 0 || !never_negative, "{kind} {owner} has {sum} {currency}");
            *kinds.entry((kind, currency)).or_default() += sum;
        }
        for balance in trial.balances {
            let told = balance.balance.unwrap();
            let counted = kinds.get(&(balance.kind.clone(), told.currency.clone())).copied();
            assert_eq!(counted.unwrap_or_default(), told.minor_units, "{} {}", balance.kind, told.currency);
        }
    }

    /// What the buyer's wallets show is what was moved: held what is pending, and all of it what was posted.
    async fn wallets_hold(&self, transfers: &[Transfer]) {
        let (posted, pending) = (accounts(transfers, "posted"), accounts(transfers, "pending"));
        for wallet in self.list_wallets(BUYER).await {
            let (available, held) = minor(&wallet);
            let account = ("wallet".to_owned(), wallet.wallet_id, wallet.currency);
            assert_eq!(posted.get(&account).copied().unwrap_or_default(), available + held, "{account:?}");
            assert_eq!(pending.get(&account).copied().unwrap_or_default(), -held, "{account:?}");
        }
    }
}

/// What the accounts (kind, owner, currency) gained by movements of a state.
fn accounts(transfers: &[Transfer], state: &str) -> BTreeMap<(String, String, String), i64> {
    let mut accounts = BTreeMap::new();
    for transfer in transfers.iter().filter(|transfer| transfer.state == state).cloned() {
        let amount = transfer.amount.unwrap();
        assert!(amount.minor_units > 0, "{}", transfer.transfer_id);
        let debit = (transfer.debit_kind, transfer.debit_owner, amount.currency.clone());
        let credit = (transfer.credit_kind, transfer.credit_owner, amount.currency);
        *accounts.entry(debit).or_default() -= amount.minor_units;
        *accounts.entry(credit).or_default() += amount.minor_units;
    }
    accounts
}
