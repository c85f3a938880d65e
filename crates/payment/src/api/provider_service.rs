//! `ProviderService`.

use proto::payment::internal::v1::provider_service_server::ProviderService;
use proto::payment::internal::v1::{
    PayQrRequest, PayQrResponse, ReportReceiptRequest, ReportReceiptResponse,
};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::{Api, decode};
use crate::domain::receipt::SuspenseReason;

#[tonic::async_trait]
impl ProviderService for Api {
    async fn report_receipt(
        &self,
        request: Request<ReportReceiptRequest>,
    ) -> Result<Response<ReportReceiptResponse>, Status> {
        let report = Violations::of(|violations| decode::report_receipt(request.get_ref(), violations))?;
        let suspense = self.pipeline.run(report).await?;
        let suspense_reason = suspense.map(SuspenseReason::as_str).unwrap_or_default().to_owned();
        Ok(Response::new(ReportReceiptResponse { matched: suspense.is_none(), suspense_reason }))
    }

    async fn pay_qr(&self, request: Request<PayQrRequest>) -> Result<Response<PayQrResponse>, Status> {
        let pay = Violations::of(|violations| Some(decode::pay_qr(request.get_ref(), violations)))?;
        let suspense = self.pipeline.run(pay).await?;
        let suspense_reason = suspense.map(SuspenseReason::as_str).unwrap_or_default().to_owned();
        Ok(Response::new(PayQrResponse { matched: suspense.is_none(), suspense_reason }))
    }
}
