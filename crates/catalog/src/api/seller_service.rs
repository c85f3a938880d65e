//! `SellerService`.

use kernel::SellerId;
use proto::catalog::v1::seller_service_server::SellerService;
use proto::catalog::v1::{
    ApplySellerRequest, ApplySellerResponse, GetSellerRequest, GetSellerResponse, ListSellersRequest,
    ListSellersResponse, UpdateSellerRequest, UpdateSellerResponse,
};
use proto::convert;
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
use crate::domain::seller::{Entry, Seller};

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
        let seller_id = decode::id("seller_id", &request.get_ref().seller_id)?;
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
            Page::of(caller, &["ListSellers"], asked.page_size, &asked.page_token)?;
        let rows = self.0.query(ListSellers { after: page.after.clone(), limit: page.limit() }).await?;
        let position = |row: &Seller| (row.entry.display_name.clone(), row.id.uuid());
        let (sellers, next_page_token) = page.fill(rows, position, |row| encode::seller(&row, false));
        Ok(Response::new(ListSellersResponse { sellers, next_page_token }))
    }
}

fn apply_seller(asked: ApplySellerRequest, caller: &Caller) -> Result<ApplySeller, Status> {
    let seller_id = seller_of(caller)?;
    let mut violations = Violations::default();
    let name = violations.take(decode::text("display_name", &asked.display_name, 1, 120));
    let country = violations.take(decode::country("country", &asked.country));
    let number = violations.take(decode::text("registration_number", &asked.registration_number, 1, 60));
    let currency = violations.take(convert::currency("payout_currency", &asked.payout_currency));
    let apply = (|| {
        let entry = Entry {
            display_name: name?,
            country: country?,
            registration_number: number?,
            tax_registered: asked.tax_registered,
        };
        Some(ApplySeller { seller_id, entry, payout_currency: currency? })
    })();
    violations.end(apply)
}

fn update_seller(asked: UpdateSellerRequest, caller: &Caller) -> Result<UpdateSeller, Status> {
    let own = seller_of(caller)?;
    let seller_id: SellerId = decode::id("seller_id", &asked.seller_id)?;
    if seller_id != own {
        return Err(rpc::status::not_found("seller", seller_id));
    }
    let version = decode::etag(&asked.etag)?;
    let mut violations = Violations::default();
    let name = violations.take(decode::text("display_name", &asked.display_name, 1, 120));
    let country = decode::given(&asked.country).map(|text| decode::country("country", text));
    let country = violations.take(country.transpose());
    let number = decode::given(&asked.registration_number);
    let number = number.map(|text| decode::text("registration_number", text, 1, 60));
    let number = violations.take(number.transpose());
    let update = (|| {
        Some(UpdateSeller {
            seller_id,
            version,
            display_name: name?,
            tax_registered: asked.tax_registered,
            country: country?,
            registration_number: number?,
        })
    })();
    violations.end(update)
}
