//! `ProviderService`.

use kernel::text::shortened;
use proto::convert;
use proto::payment::internal::v1::provider_service_server::ProviderService;
use proto::payment::internal::v1::{
    PayQrRequest, PayQrResponse, ReportReceiptRequest, ReportReceiptResponse,
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{invalid, text};
use crate::app::receive::Received;
use crate::app::{App, Error};

/// The longest reference of a payer's that is kept, in characters.
const ORDER_REFERENCE_CHARACTERS_MAX: usize = 100;
/// How much is kept of one that is longer, in characters.
const ORDER_REFERENCE_BEGINNING: usize = 60;

pub(super) struct Api(pub(super) App);

/// What the payer gave, which may be anything: the money has come, and is kept with it. What cannot be kept as it is ends
/// with a digest of it, so that two that begin alike stay two.
fn order_reference(given: &str) -> String {
    match text("order_reference", given, 0, ORDER_REFERENCE_CHARACTERS_MAX) {
        Ok(reference) => reference.to_owned(),
        Err(_) => {
            let digest = Uuid::new_v5(&Uuid::NAMESPACE_OID, given.as_bytes()).simple();
            format!("{} {digest}", shortened(given, ORDER_REFERENCE_BEGINNING))
        }
    }
}

#[tonic::async_trait]
impl ProviderService for Api {
    async fn report_receipt(
        &self,
        request: Request<ReportReceiptRequest>,
    ) -> Result<Response<ReportReceiptResponse>, Status> {
        let asked = request.into_inner();
        let received = Received {
            provider_reference: text("provider_reference", &asked.provider_reference, 1, 100)?.to_owned(),
            order_reference: order_reference(&asked.order_reference),
            amount: convert::positive_money("amount", asked.amount.as_ref())
                .map_err(|error| invalid(&error))?,
        };
        let suspense_reason = self.0.receive(received).await?;
        Ok(Response::new(ReportReceiptResponse { matched: suspense_reason.is_empty(), suspense_reason }))
    }

    async fn pay_qr(&self, request: Request<PayQrRequest>) -> Result<Response<PayQrResponse>, Status> {
        let asked = request.into_inner();
        if !self.0.sandbox {
            return Err(Error::refused("NOT_A_SANDBOX", "only a sandbox hub has a sandbox provider").into());
        }
        let payload = text("qr_payload", &asked.qr_payload, 1, 600)?;
        let reference = text("provider_reference", &asked.provider_reference, 0, 100)?.to_owned();
        let suspense_reason = self.0.pay_qr(payload, reference).await?;
        Ok(Response::new(PayQrResponse { matched: suspense_reason.is_empty(), suspense_reason }))
    }
}
