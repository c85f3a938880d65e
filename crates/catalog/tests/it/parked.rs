//! An event that cannot be handled is parked with its key behind it; the others go on.

use events::Envelope;
use proto::catalog::internal::v1::ReservationState;
use proto::operator::internal::v1::{
    ListParkedEventsRequest, ParkedEvent, ReplayParkedEventsRequest, ReplayParkedEventsResponse,
};
use testkit::on_both;
use tonic::Status;

use crate::market::{Market, request_id};
use crate::purchase::Purchase;

impl Market {
    /// Why events were parked.
    pub(crate) async fn parked(&self) -> Vec<String> {
        parked(self).await.into_iter().map(|event| event.reason).collect()
    }
}

async fn parked(market: &Market) -> Vec<ParkedEvent> {
    let request =
        ListParkedEventsRequest { service: "catalog".to_owned(), ..ListParkedEventsRequest::default() };
    market.operator_of_events().list_parked_events(request).await.unwrap().into_inner().events
}

async fn replay(market: &Market, event: &ParkedEvent) -> Result<ReplayParkedEventsResponse, Status> {
    let request = ReplayParkedEventsRequest {
        request_id: request_id(),
        service: "catalog".to_owned(),
        consumer: event.consumer.clone(),
        aggregate_id: event.aggregate_id.clone(),
    };
    Ok(market.operator_of_events().replay_parked_events(request).await?.into_inner())
}

fn kinds(events: &[ParkedEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

on_both! {
    async fn a_poisoned_event_is_parked_with_its_key_behind_it_and_replayed(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        // Confirmed though nothing is held for it, then cancelled.
        let lost = Purchase::of(&[(&silk, 2)]);
        market.tell(&lost.confirmed(&market)).await;
        market.tell(&lost.cancelled(&market, 2, true)).await;
        let events = parked(&market).await;
        assert_eq!(kinds(&events), ["order.confirmed.v1", "order.cancelled.v1"]);
        assert!(events[0].reason.contains("holds nothing to dispatch"), "{}", events[0].reason);
        assert!(events[1].reason.contains("waits behind"), "{}", events[1].reason);
        market.adds_up_to(7, 0, 0).await;
        // Others go on.
        market.buy(&[(&silk, 1)]).await;
        market.adds_up_to(6, 0, 1).await;

        // Without a remedy it stays where it is.
        let answer = replay(&market, &events[0]).await.unwrap();
        assert_eq!((answer.replayed_count, answer.parked_count), (0, 2));
        assert!(answer.reason.contains("holds nothing to dispatch"), "{}", answer.reason);
        assert_eq!(parked(&market).await.len(), 2);

        assert_eq!(market.reserve(&lost).await.unwrap(), ReservationState::Held);
        let answer = replay(&market, &events[0]).await.unwrap();
        assert_eq!((answer.replayed_count, answer.parked_count, answer.reason.as_str()), (2, 0, ""));
        assert_eq!(parked(&market).await, Vec::<ParkedEvent>::new());
        // Out and back again, and nothing comes twice when the bus repeats itself.
        market.adds_up_to(6, 0, 1).await;
        market.tell(&lost.confirmed(&market)).await;
        let told = market.told().await;
        assert_eq!((told["catalog.stock_dispatched.v1"], told["catalog.stock_returned.v1"]), (2, 1));
        market.adds_up_to(6, 0, 1).await;
        market.hub.stop().await;
    }

    async fn an_order_whose_hold_was_released_is_not_dispatched(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = Purchase::of(&[(&silk, 2)]);
        market.reserve(&purchase).await.unwrap();
        market.release(&purchase).await;
        market.tell(&purchase.confirmed(&market)).await;
        assert_eq!(kinds(&parked(&market).await), ["order.confirmed.v1"]);
        market.adds_up_to(7, 0, 0).await;
        market.hub.stop().await;
    }

    async fn an_event_that_cannot_be_read_is_parked(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let silk = market.goods(&trader, "A-1", 7).await;
        let purchase = Purchase::of(&[(&silk, 2)]);
        market.reserve(&purchase).await.unwrap();
        let garbled = Envelope { payload: vec![0xff; 9], ..purchase.confirmed(&market) };
        market.tell(&garbled).await;
        // The good one comes too late: its key is parked.
        let good = Envelope { aggregate_version: 2, ..purchase.confirmed(&market) };
        market.tell(&good).await;
        assert_eq!(parked(&market).await.len(), 2);
        market.adds_up_to(7, 2, 0).await;
        market.hub.stop().await;
    }

    async fn no_more_comes_back_than_has_left(database: Database) {
        let market = Market::open(&database).await;
        let trader = market.trader().await;
        let (silk, tea) = (market.goods(&trader, "A-1", 7).await, market.goods(&trader, "A-2", 7).await);
        let held = Purchase::of(&[(&silk, 2)]);
        market.reserve(&held).await.unwrap();
        let purchases = [
            // More than were bought, of other goods, less than nothing, before they left.
            (market.buy(&[(&silk, 1)]).await, vec![(&silk, 2)]),
            (market.buy(&[(&silk, 1)]).await, vec![(&tea, 1)]),
            (market.buy(&[(&silk, 1)]).await, vec![(&silk, -1)]),
            (held, vec![(&silk, 2)]),
        ];
        for (place, (purchase, back)) in purchases.iter().enumerate() {
            market.tell(&purchase.came_back(&market, 2, back, true)).await;
            assert_eq!(parked(&market).await.len(), place + 1);
        }
        // Two returns that together are more than were bought.
        let purchase = market.buy(&[(&tea, 3)]).await;
        market.tell(&purchase.came_back(&market, 2, &[(&tea, 2)], true)).await;
        market.adds_up_to(10, 2, 4).await;
        market.tell(&purchase.came_back(&market, 3, &[(&tea, 2)], true)).await;
        assert_eq!(parked(&market).await.len(), 5);
        market.adds_up_to(10, 2, 4).await;
        market.hub.stop().await;
    }
}
