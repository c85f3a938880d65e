//! What a front end must know of the hub.

use proto::order::v1::hub_service_server::HubService;
use proto::order::v1::{GetHubRequest, GetHubResponse};
use tonic::{Request, Response, Status};

use super::Api;
use crate::wire;

#[tonic::async_trait]
impl HubService for Api {
    async fn get_hub(&self, _: Request<GetHubRequest>) -> Result<Response<GetHubResponse>, Status> {
        let market = self.market();
        Ok(Response::new(GetHubResponse {
            code: market.code.clone(),
            name: market.name.clone(),
            country: market.country.to_string(),
            currency: market.currency.code().to_owned(),
            languages: market.languages.clone(),
            time_zone: market.time_zone.clone(),
            lanes_from: market.lanes_from.clone(),
            payment_methods: market
                .payment_methods
                .iter()
                .map(|method| wire::method(*method).into())
                .collect(),
            profile_hash: market.profile_hash.clone(),
            sandbox: market.sandbox,
        }))
    }
}
