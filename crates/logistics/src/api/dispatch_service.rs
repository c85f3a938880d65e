//! `DispatchService`: what a seller has to send.

use std::pin::Pin;

use futures::{Stream, StreamExt as _};
use proto::convert::timestamp;
use proto::logistics::v1::dispatch_service_server::DispatchService;
use proto::logistics::v1::{
    GetHandoverListRequest, GetHandoverListResponse, GetLabelsRequest, GetLabelsResponse, HandoverItem,
    Label, ListConsignmentsRequest, ListConsignmentsResponse, MarkReadyRequest, MarkReadyResponse,
    MarkedConsignment, WatchConsignmentsRequest, WatchConsignmentsResponse,
};
use rpc::page::Page;
use rpc::{Caller, Violations};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Api, decode, encode};
use crate::app::get_labels::GetLabels;
use crate::app::list_consignments::ListConsignments;
use crate::app::list_handover::{Handover, ListHandover};
use crate::app::mark_ready::MarkReady;
use crate::app::watch_consignments::{Seen, watch_consignments};
use crate::domain::label;
use crate::domain::shipment::Shipment;
use crate::store::shipments::Booked;

/// Labels of one call: together they stay far below the largest message.
const LABELS_MAX: usize = 50;
/// Consignments that are marked at once.
const MARKED_MAX: usize = 100;

#[tonic::async_trait]
impl DispatchService for Api {
    async fn list_consignments(
        &self,
        request: Request<ListConsignmentsRequest>,
    ) -> Result<Response<ListConsignmentsResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (filter, page): (_, Page<Booked>) = Violations::of(|violations| {
            let filter = decode::filter(&asked, &caller, violations);
            let chosen = format!("{} {:?} {:?}", asked.state, asked.booked_from, asked.booked_until);
            Some((filter?, Page::of(Some(&caller), &asked, &[&chosen], violations)?))
        })?;
        let list = ListConsignments { filter, before: page.after, limit: page.limit() };
        let (consignments, next_page_token) = page.fill(
            self.0.query(list).await?,
            |(shipment, _)| (shipment.created_at, shipment.id.uuid()),
            |(shipment, steps)| encode::shipment(shipment, steps),
        );
        Ok(Response::new(ListConsignmentsResponse { consignments, next_page_token }))
    }

    type WatchConsignmentsStream =
        Pin<Box<dyn Stream<Item = Result<WatchConsignmentsResponse, Status>> + Send>>;

    async fn watch_consignments(
        &self,
        request: Request<WatchConsignmentsRequest>,
    ) -> Result<Response<Self::WatchConsignmentsStream>, Status> {
        let seller_id = rpc::require(&request)?.subject;
        let seen = watch_consignments(self.0.app().clone(), self.0.db().clone(), seller_id);
        let encoded = seen.map(|seen| {
            Ok(match seen? {
                Seen::Consignment(shipment, steps) => WatchConsignmentsResponse {
                    consignment: Some(encode::shipment(*shipment, steps)),
                    caught_up: false,
                },
                Seen::CaughtUp => WatchConsignmentsResponse { consignment: None, caught_up: true },
            })
        });
        Ok(Response::new(Box::pin(encoded)))
    }

    async fn get_labels(
        &self,
        request: Request<GetLabelsRequest>,
    ) -> Result<Response<GetLabelsResponse>, Status> {
        let seller_id = rpc::require(&request)?.subject;
        let ids = Violations::of(|violations| {
            decode::shipment_ids(&request.get_ref().shipment_ids, LABELS_MAX, violations)
        })?;
        let label = |shipment: Shipment| {
            let svg = label::svg(&shipment, self.0.app().hub.name());
            let svg = svg.ok_or_else(|| rpc::status::internal("the S10 number has no bar code"))?;
            let (shipment_id, tracking_number) = (shipment.id.to_string(), shipment.tracking_number);
            Ok(Label { shipment_id, tracking_number, svg })
        };
        let found = self.0.query(GetLabels { seller_id, ids }).await?;
        let labels = found.into_iter().map(label).collect::<Result<Vec<Label>, Status>>()?;
        Ok(Response::new(GetLabelsResponse { labels }))
    }

    async fn mark_ready(
        &self,
        request: Request<MarkReadyRequest>,
    ) -> Result<Response<MarkReadyResponse>, Status> {
        let encode = |_: &_, marked: Vec<Shipment>| {
            let consignments = marked.into_iter().map(|shipment| MarkedConsignment {
                shipment_id: shipment.id.to_string(),
                ready_at: shipment.ready_at.map(timestamp),
                version: shipment.version,
            });
            Ok(MarkReadyResponse { consignments: consignments.collect() })
        };
        self.0.mutate(request, mark_ready, encode).await
    }

    async fn get_handover_list(
        &self,
        request: Request<GetHandoverListRequest>,
    ) -> Result<Response<GetHandoverListResponse>, Status> {
        let caller = rpc::require(&request)?;
        let asked = request.into_inner();
        let (carrier, page): (_, Page<Uuid>) = Violations::of(|violations| {
            let carrier = violations.text("carrier", &asked.carrier, 1, decode::CARRIER_MAX);
            Some((carrier, Page::of(Some(&caller), &asked, &[&asked.carrier], violations)?))
        })?;
        let (after, limit) = (page.after, page.limit());
        let list = ListHandover { seller_id: caller.subject, carrier, after, limit };
        let Handover { carrier_name, shipments, total_count, total_chargeable_grams } =
            self.0.query(list).await?;
        let (items, next_page_token) = page.fill(shipments, |shipment| shipment.id.uuid(), item);
        Ok(Response::new(GetHandoverListResponse {
            items,
            next_page_token,
            carrier_name,
            total_count,
            total_chargeable_grams,
        }))
    }
}

fn mark_ready(asked: MarkReadyRequest, caller: &Caller, violations: &mut Violations) -> Option<MarkReady> {
    let ids = decode::shipment_ids(&asked.shipment_ids, MARKED_MAX, violations)?;
    Some(MarkReady { seller_id: caller.subject.clone(), ids, ready: !asked.not_ready })
}

fn item(shipment: Shipment) -> HandoverItem {
    HandoverItem {
        shipment_id: shipment.id.to_string(),
        tracking_number: shipment.tracking_number,
        order_number: shipment.order_number,
        service: shipment.service,
        to_country: shipment.address.country.to_string(),
        to_postcode: shipment.address.postcode,
        chargeable_grams: shipment.chargeable_grams,
        ready_at: shipment.ready_at.map(timestamp),
    }
}
