//! `SellerService`.

use kernel::SellerId;
use proto::catalog::v1::seller_service_server::SellerService;
use proto::catalog::v1::{
    ApplySellerRequest, ApplySellerResponse, GetSellerRequest, GetSellerResponse, ListSellersRequest,
    ListSellersResponse, UpdateSellerRequest, UpdateSellerResponse,
};
use proto::convert;
use rpc::Role;
use rpc::page::Page;
use rpc::replay::{Key, once};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::decode::{self, Problems};
use super::{encode, seller_of};
use crate::app::apply_seller::Edit;
use crate::app::{App, Error, apply_seller};
use crate::domain::seller::{Entry, Seller, State};

pub(super) struct Api(pub(super) App);

impl Api {
    fn application(&self, id: SellerId, asked: &ApplySellerRequest) -> Result<Seller, Status> {
        let mut problems = Problems::default();
        let name = problems.take(decode::text("display_name", &asked.display_name, 1, 120));
        let country = problems.take(decode::country("country", &asked.country));
        let number = problems.take(decode::text("registration_number", &asked.registration_number, 1, 60));
        let currency = problems.take(convert::currency("payout_currency", &asked.payout_currency));
        let seller = (|| {
            Some(Seller {
                id,
                entry: Entry {
                    display_name: name?,
                    country: country?,
                    registration_number: number?,
                    tax_registered: asked.tax_registered,
                },
                change: None,
                payout_currency: currency?,
                state: State::Applied,
                state_reason: String::new(),
                version: 1,
                created_at: self.0.clock.now(),
            })
        })();
        let seller = problems.end(seller)?;
        self.0.check_lane("country", seller.entry.country)?;
        self.0.check_currency("payout_currency", seller.payout_currency)?;
        Ok(seller)
    }

    fn edit(&self, asked: &UpdateSellerRequest) -> Result<Edit, Status> {
        let mut problems = Problems::default();
        let name = problems.take(decode::text("display_name", &asked.display_name, 1, 120));
        let given = |text: &str| !text.is_empty();
        let country = Some(&asked.country).filter(|text| given(text));
        let country = problems.take(country.map(|text| decode::country("country", text)).transpose());
        let number = Some(&asked.registration_number).filter(|text| given(text));
        let number = number.map(|text| decode::text("registration_number", text, 1, 60)).transpose();
        let number = problems.take(number);
        let tax_registered = asked.tax_registered;
        let edit = (|| {
            Some(Edit {
                display_name: name?,
                tax_registered,
                country: country?,
                registration_number: number?,
            })
        })();
        let edit = problems.end(edit)?;
        if let Some(country) = edit.country {
            self.0.check_lane("country", country)?;
        }
        Ok(edit)
    }
}

#[tonic::async_trait]
impl SellerService for Api {
    async fn apply_seller(
        &self,
        request: Request<ApplySellerRequest>,
    ) -> Result<Response<ApplySellerResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let seller = self.application(seller_of(&caller)?, &asked)?;
        let key = Key::of(&caller, &asked)?;
        let applied = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let seller = seller.clone();
            Box::pin(async move {
                let seller = apply_seller::apply(tx, seller).await?;
                Ok::<_, Error>(ApplySellerResponse { seller: Some(encode::seller(&seller, true)) })
            })
        });
        Ok(Response::new(applied.await?))
    }

    async fn get_seller(
        &self,
        request: Request<GetSellerRequest>,
    ) -> Result<Response<GetSellerResponse>, Status> {
        let caller = rpc::caller(&request).cloned();
        let asked = request.into_inner();
        let seller = self.0.seller(decode::id("seller_id", &asked.seller_id)?).await?;
        let whole = caller.is_some_and(|caller| {
            caller.role == Role::Operator
                || (caller.role == Role::Seller && caller.subject == asked.seller_id)
        });
        if !whole && seller.state != State::Verified {
            return Err(rpc::status::not_found("seller", asked.seller_id));
        }
        Ok(Response::new(GetSellerResponse { seller: Some(encode::seller(&seller, whole)) }))
    }

    async fn update_seller(
        &self,
        request: Request<UpdateSellerRequest>,
    ) -> Result<Response<UpdateSellerResponse>, Status> {
        let (caller, deadline) = (rpc::require(&request)?, rpc::deadline(&request));
        let asked = request.into_inner();
        let own = seller_of(&caller)?;
        let id: SellerId = decode::id("seller_id", &asked.seller_id)?;
        if id != own {
            return Err(rpc::status::not_found("seller", id));
        }
        let version = decode::etag(&asked.etag)?;
        let edit = self.edit(&asked)?;
        let key = Key::of(&caller, &asked)?;
        let now = self.0.clock.now();
        let edited = once(&self.0.db, &self.0.clock, key, deadline, move |tx| {
            let edit = edit.clone();
            Box::pin(async move {
                let seller = apply_seller::edit(tx, id, version, edit, now).await?;
                Ok::<_, Error>(UpdateSellerResponse { seller: Some(encode::seller(&seller, true)) })
            })
        });
        Ok(Response::new(edited.await?))
    }

    async fn list_sellers(
        &self,
        request: Request<ListSellersRequest>,
    ) -> Result<Response<ListSellersResponse>, Status> {
        let caller = rpc::caller(&request).cloned();
        let asked = request.into_inner();
        let page: Page<(String, Uuid)> =
            Page::of(caller.as_ref(), &["ListSellers"], asked.page_size, &asked.page_token)?;
        let rows = self.0.sellers(page.after.clone(), page.limit()).await?;
        let position = |row: &Seller| (row.entry.display_name.clone(), row.id.uuid());
        let (sellers, next_page_token) = page.fill(rows, position, |row| encode::seller(&row, false));
        Ok(Response::new(ListSellersResponse { sellers, next_page_token }))
    }
}
