//! `ProviderService`.

use proto::payment::internal::v1::provider_service_server::ProviderService;
use proto::payment::internal::v1::{
    PayQrRequest, PayQrResponse, ReportReceiptRequest, ReportReceiptResponse,
};
use tonic::{Request, Response, Status};

use super::{Api, decode};

#[tonic::async_trait]
impl ProviderService for Api {
    async fn report_receipt(
        &self,
        request: Request<ReportReceiptRequest>,
    ) -> Result<Response<ReportReceiptResponse>, Status> {
        let suspense_reason = self.0.run(decode::report_receipt(request.get_ref())?).await?;
        Ok(Response::new(ReportReceiptResponse { matched: suspense_reason.is_empty(), suspense_reason }))
    }

    async fn pay_qr(&self, request: Request<PayQrRequest>) -> Result<Response<PayQrResponse>, Status> {
        let suspense_reason = self.0.run(decode::pay_qr(request.get_ref())?).await?;
        Ok(Response::new(PayQrResponse { matched: suspense_reason.is_empty(), suspense_reason }))
    }
}
