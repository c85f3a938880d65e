//! `SellerService`.

use proto::catalog::v1::seller_service_server::SellerService;
use proto::catalog::v1::{
    ApplySellerRequest, ApplySellerResponse, GetSellerRequest, GetSellerResponse, ListSellersRequest,
    ListSellersResponse, UpdateSellerRequest, UpdateSellerResponse,
};
use rpc::page::Page;
use rpc::{Caller, Role, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decode;
use super::{Api, encode, seller_of};
use crate::app::apply_seller::ApplySeller;
use crate::app::get_seller::GetSeller;
use crate::app::list_sellers::ListSellers;
use crate::app::update_seller::UpdateSeller;
use crate::domain::seller::{Seller, SellerEntry};

#[tonic::async_trait]
impl SellerService for Api {
    async fn apply_seller(
        &self,
        request: Request<ApplySellerRequest>,
    ) -> Result<Response<ApplySellerResponse>, Status> {
        let encode = |_: &_, seller| Ok(ApplySellerResponse { seller: Some(encode::seller(&seller, true)) });
        self.0.mutate(request, apply_seller, encode).await
    }

    async fn get_seller(
        &self,
        request: Request<GetSellerRequest>,
    ) -> Result<Response<GetSellerResponse>, Status> {
        let seller_id =
            Violations::of(|violations| violations.id("seller_id", &request.get_ref().seller_id))?;
        let whole = rpc::caller(&request).is_some_and(|caller| match caller.role {
            Role::Operator => true,
            Role::Seller => caller.subject == request.get_ref().seller_id,
            _ => false,
        });
        let seller = self.0.query(GetSeller { seller_id, whole }).await?;
        Ok(Response::new(GetSellerResponse { seller: Some(encode::seller(&seller, whole)) }))
    }

    async fn update_seller(
        &self,
        request: Request<UpdateSellerRequest>,
    ) -> Result<Response<UpdateSellerResponse>, Status> {
        let encode = |_: &_, seller| Ok(UpdateSellerResponse { seller: Some(encode::seller(&seller, true)) });
        self.0.mutate(request, update_seller, encode).await
    }

    async fn list_sellers(
        &self,
        request: Request<ListSellersRequest>,
    ) -> Result<Response<ListSellersResponse>, Status> {
        let (caller, asked) = (rpc::caller(&request), request.get_ref());
        let page: Page<(String, Uuid)> =
            Violations::of(|violations| Page::of(caller, asked, &[], violations))?;
        let rows = self.0.query(ListSellers { after: page.after.clone(), limit: page.limit() }).await?;
        let position = |row: &Seller| (row.entry.display_name.clone(), row.id.uuid());
        let (sellers, next_page_token) = page.fill(rows, position, |row| encode::seller(&row, false));
        Ok(Response::new(ListSellersResponse { sellers, next_page_token }))
    }
}

fn apply_seller(
    asked: ApplySellerRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<ApplySeller> {
    let seller_id = violations.allowed(seller_of(caller))?;
    let display_name = violations.text("display_name", &asked.display_name, 1, 120);
    let country = violations.code("country", &asked.country);
    let registration_number = violations.text("registration_number", &asked.registration_number, 1, 60);
    let payout_currency = violations.code("payout_currency", &asked.payout_currency);
    let entry = SellerEntry {
        display_name,
        country: country?,
        registration_number,
        tax_registered: asked.tax_registered,
    };
    Some(ApplySeller { seller_id, entry, payout_currency: payout_currency? })
}

fn update_seller(
    asked: UpdateSellerRequest,
    caller: &Caller,
    violations: &mut Violations,
) -> Option<UpdateSeller> {
    let own = violations.allowed(seller_of(caller))?;
    let seller_id = violations.id("seller_id", &asked.seller_id);
    if let Some(other) = seller_id.filter(|seller_id| *seller_id != own) {
        return violations.allowed(Err(rpc::status::not_found("seller", other)));
    }
    let version = decode::etag(&asked.etag, violations);
    let display_name = violations.text("display_name", &asked.display_name, 1, 120);
    let country = violations.optional_code("country", &asked.country);
    let least = usize::from(!asked.registration_number.is_empty());
    let number = violations.text("registration_number", &asked.registration_number, least, 60);
    Some(UpdateSeller {
        seller_id: seller_id?,
        version: version?,
        display_name,
        tax_registered: asked.tax_registered,
        country,
        registration_number: Some(number).filter(|number| !number.is_empty()),
    })
}
