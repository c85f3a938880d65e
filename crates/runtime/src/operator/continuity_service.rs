//! `ContinuityService`: services in different processes compare their databases.

use proto::operator::internal::v1::continuity_service_server::ContinuityService;
use proto::operator::internal::v1::{CompareDatabasesRequest, CompareDatabasesResponse};
use tonic::{Request, Response, Status};

use super::Overview;

pub(super) struct Api(pub(super) Overview);

#[tonic::async_trait]
impl ContinuityService for Api {
    async fn compare_databases(
        &self,
        request: Request<CompareDatabasesRequest>,
    ) -> Result<Response<CompareDatabasesResponse>, Status> {
        let asked = request.into_inner();
        let (service, db) = (asked.service.clone(), self.0.db(&asked.service)?);
        Ok(Response::new(self.0.0.exchange.answer(&service, db, asked).await?))
    }
}
