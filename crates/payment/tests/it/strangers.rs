//! Who may see and do what.

use std::time::Duration;

use kernel::SellerId;
use proto::payment::internal::v1::PayQrRequest;
use proto::payment::v1::{GetPaymentRequest, GetStatementRequest, Payment};
use rpc::Role;
use rpc::status::fields;
use runtime::Sandbox;
use testkit::{on_both, open_doors};
use tonic::{Code, Status};

use crate::sale::{EARNED, Sale};
use crate::till::{BUYER, OPERATOR, Till, money, why};

fn code<T>(answer: Result<T, Status>) -> Code {
    answer.err().map_or(Code::Ok, |status| status.code())
}

impl Till {
    async fn look(&self, role: Role, subject: &str, sale: &Sale) -> Result<Payment, Status> {
        let request = GetPaymentRequest { order_id: sale.order_id.to_string() };
        Ok(self.payments(role, subject).get_payment(request).await?.into_inner().payment.unwrap())
    }
}

on_both! {
    async fn no_door_is_open_that_the_policies_close(database: Database) {
        let till = Till::open(&database).await;
        assert_eq!(open_doors(&till.hub, payment::SPEC.policies).await, Vec::<String>::new());
        till.close().await;
    }

    async fn a_payment_is_seen_by_its_buyer_and_operators(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        let seen = till.look(Role::Buyer, BUYER, &sale).await.unwrap();
        assert_eq!(seen, till.payment(&sale).await);
        assert_eq!(till.look(Role::Operator, OPERATOR, &sale).await.unwrap(), seen);
        assert_eq!(code(till.look(Role::Buyer, "mallory", &sale).await), Code::NotFound);
        // As if it were not there at all.
        assert_eq!(code(till.look(Role::Buyer, "mallory", &till.sale(1)).await), Code::NotFound);
        // A tombstone is nobody's.
        let never = till.sale(1);
        till.void(&never).await;
        assert_eq!(code(till.look(Role::Buyer, BUYER, &never).await), Code::NotFound);
        till.close().await;
    }

    async fn a_statement_is_seen_by_its_seller_and_operators(database: Database) {
        let till = Till::open(&database).await;
        let sale = till.bought(1).await;
        till.receive(&sale, 0).await;
        let own = GetStatementRequest::default();
        let named = GetStatementRequest { seller_id: till.seller.clone(), ..own.clone() };
        for (role, subject, request) in [
            (Role::Seller, till.seller.as_str(), &own),
            (Role::Seller, till.seller.as_str(), &named),
            (Role::Operator, OPERATOR, &named),
        ] {
            let seen = till.statements(role, subject).get_statement(request.clone()).await.unwrap().into_inner();
            assert_eq!((seen.balances, seen.lines.len()), (vec![money("THB", EARNED)], 2), "{role}");
        }
        let other = SellerId::new().to_string();
        let refused = till.statements(Role::Seller, &other).get_statement(named).await;
        assert_eq!(code(refused), Code::NotFound);
        let seen = till.statements(Role::Seller, &other).get_statement(own.clone()).await.unwrap().into_inner();
        assert_eq!((seen.balances, seen.lines), (vec![], vec![]));
        let refused = till.statements(Role::Operator, OPERATOR).get_statement(own).await.unwrap_err();
        assert_eq!(fields(&refused), ["seller_id"]);
        till.close().await;
    }

    async fn a_real_hub_has_no_sandbox_provider(database: Database) {
        let real = Sandbox { enabled: false, day_length: Duration::from_secs(86_400) };
        let till = Till::at("my", &database, |setup| setup.sandbox(real)).await;
        let sale = till.sale(1).by("duitnow");
        let request = PayQrRequest { qr_payload: till.code(&sale).await, provider_reference: String::new() };
        assert_eq!(why(till.provider().pay_qr(request).await), "NOT_A_SANDBOX");
        till.close().await;
    }
}
