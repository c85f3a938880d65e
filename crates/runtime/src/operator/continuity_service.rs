//! `ContinuityService`: services in different processes compare their databases.

use kernel::excerpt;
use proto::operator::internal::v1::continuity_service_server::ContinuityService;
use proto::operator::internal::v1::{CompareDatabasesRequest, CompareDatabasesResponse, DatabaseMark};
use rpc::Violations;
use tonic::{Request, Response, Status};

use super::Overview;
use crate::continuity::Mark;

pub(super) struct Api(pub(super) Overview);

#[tonic::async_trait]
impl ContinuityService for Api {
    async fn compare_databases(
        &self,
        request: Request<CompareDatabasesRequest>,
    ) -> Result<Response<CompareDatabasesResponse>, Status> {
        let (caller, asked) = (rpc::require(&request)?.subject, request.get_ref());
        let (db, own, known) = Violations::of(|violations| {
            let db = self.0.db(&asked.service, violations);
            let own = mark("own", asked.own.as_ref(), &caller, violations);
            let known = asked.known.as_ref();
            let known = known.map(|known| mark("known", Some(known), &asked.service, violations));
            Some((db?, own?, known.flatten()))
        })?;
        let answer = self.0.0.exchange.answer((&asked.service, db), &caller, own, known).await?;
        Ok(Response::new(answer))
    }
}

/// How far the database of `service` has come.
fn mark(
    field: &str,
    message: Option<&DatabaseMark>,
    service: &str,
    violations: &mut Violations,
) -> Option<Mark> {
    let Some(message) = message else {
        violations.add(field, "is required");
        return None;
    };
    if message.service != service {
        violations.add(format!("{field}.service"), format!("must be {}", excerpt(service)));
    }
    let generation = violations.code(&format!("{field}.generation"), &message.generation)?;
    Some(Mark { generation, mark: message.mark })
}
