//! What a front end must know of the hub.

use proto::order::v1::hub_service_server::HubService;
use proto::order::v1::{GetHubRequest, GetHubResponse};
use tonic::{Request, Response, Status};

use super::{Api, payment_method};

#[tonic::async_trait]
impl HubService for Api {
    async fn get_hub(&self, _: Request<GetHubRequest>) -> Result<Response<GetHubResponse>, Status> {
        let trade_policy = self.trade_policy();
        Ok(Response::new(GetHubResponse {
            code: trade_policy.code.clone(),
            name: trade_policy.name.clone(),
            country: trade_policy.country.to_string(),
            currency: trade_policy.currency.code().to_owned(),
            languages: trade_policy.languages.clone(),
            time_zone: trade_policy.time_zone.clone(),
            lanes_from: trade_policy.lanes_from.clone(),
            payment_methods: trade_policy
                .payment_methods
                .iter()
                .map(|method| payment_method::method(*method).into())
                .collect(),
            profile_hash: trade_policy.profile_hash.clone(),
            sandbox: trade_policy.sandbox,
        }))
    }
}
