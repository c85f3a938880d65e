//! Fakes of catalog, logistics and payment. They keep holds as the real ones do: idempotent by id, with tombstones,
//! answering the current state; and a test says which call shall fail, and how.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{ProductId, SellerId, VariantId};
use proto::catalog::internal::v1 as catalog;
use proto::logistics::internal::v1 as logistics;
use proto::logistics::v1::CarriageOption;
use proto::payment::internal::v1 as payment;
use proto::payment::v1::PaymentState;
use proto::types::v1::{Dimensions, ExchangeRate, Money, PriceParts};
use tokio::sync::Notify;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};

/// How a call fails.
#[derive(Debug, Clone)]
pub(crate) enum Failure {
    /// It says no, with this reason.
    Refuse(&'static str),
    /// It cannot read this field.
    Misread(&'static str),
    /// It does not answer, and did nothing.
    Away,
    /// It did what was asked, and the answer is lost.
    Lost,
    /// It does nothing until [`World::go_on`], then what was asked.
    Hang,
}

/// What the fakes have in common.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) offers: HashMap<String, catalog::Offer>,
    pub(crate) reservations: HashMap<String, catalog::ReservationState>,
    pub(crate) holds: HashMap<String, Hold>,
    pub(crate) qr_expires_at: Option<prost_types::Timestamp>,
    pub(crate) picked_up: bool,
    pub(crate) kept_back: Vec<String>,
    /// The zone of postcodes that begin with 88.
    pub(crate) remote: String,
    pub(crate) calls: Vec<&'static str>,
    /// What logistics was asked last.
    pub(crate) landed: Option<logistics::QuoteLandedCostRequest>,
    failures: HashMap<&'static str, VecDeque<Failure>>,
    away: Vec<&'static str>,
}

/// A hold of money.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    pub(crate) state: PaymentState,
    pub(crate) amount: i64,
    pub(crate) qr: bool,
}

/// The other services.
#[derive(Debug, Clone, Default)]
pub(crate) struct World(Arc<Mutex<State>>, Arc<Notify>);

impl World {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next calls of this RPC fail so.
    pub(crate) fn fail(&self, rpc: &'static str, failures: impl IntoIterator<Item = Failure>) {
        self.state().failures.entry(rpc).or_default().extend(failures);
    }

    /// All calls of this RPC are not answered, until [`World::back`].
    pub(crate) fn away(&self, rpc: &'static str) {
        self.state().away.push(rpc);
    }

    /// All are answered again.
    pub(crate) fn back(&self) {
        self.state().away.clear();
    }

    /// The calls that hang go on.
    pub(crate) fn go_on(&self) {
        self.1.notify_waiters();
    }

    /// How often it was called.
    pub(crate) fn count(&self, rpc: &str) -> usize {
        self.state().calls.iter().filter(|call| **call == rpc).count()
    }

    /// Something to buy.
    pub(crate) fn sell(
        &self,
        seller: SellerId,
        from_country: &str,
        currency: &str,
        minor_units: i64,
    ) -> String {
        let variant_id = VariantId::new().to_string();
        let offer = catalog::Offer {
            variant_id: variant_id.clone(),
            product_id: ProductId::new().to_string(),
            seller_id: seller.to_string(),
            seller_name: "Baan Silk".to_owned(),
            seller_tax_registered: true,
            seller_payout_currency: currency.to_owned(),
            sku: "SILK-1".to_owned(),
            title: "Silk scarf".to_owned(),
            category: "scarves".to_owned(),
            unit_price: Some(Money { currency: currency.to_owned(), minor_units }),
            hs_code: "621410".to_owned(),
            origin: from_country.to_owned(),
            from_country: from_country.to_owned(),
            weight_grams: 120,
            dimensions: Some(Dimensions { length_mm: 200, width_mm: 150, height_mm: 30 }),
            preference: String::new(),
            stock_units: 1,
            certificate: None,
        };
        self.state().offers.insert(variant_id.clone(), offer);
        variant_id
    }

    /// The one hold of money there is.
    pub(crate) fn the_hold(&self) -> (String, Hold) {
        let state = self.state();
        assert_eq!(state.holds.len(), 1);
        state.holds.iter().next().map(|(id, hold)| (id.clone(), hold.clone())).unwrap()
    }

    /// No stock and no money is held, and no id can be held later.
    pub(crate) fn nothing_is_held(&self) -> bool {
        let state = self.state();
        state.reservations.values().all(|state| *state == catalog::ReservationState::Released)
            && state.holds.values().all(|hold| hold.state == PaymentState::Voided)
            && !state.reservations.is_empty()
            && !state.holds.is_empty()
    }

    /// How many reservations and holds stand.
    pub(crate) fn held(&self) -> (usize, usize) {
        let state = self.state();
        let stock = state.reservations.values().filter(|state| **state == catalog::ReservationState::Held);
        let money = state.holds.values().filter(|hold| hold.state == PaymentState::Held);
        (stock.count(), money.count())
    }

    /// What the call shall do before its effect; whether its answer is lost after it.
    async fn enter(&self, rpc: &'static str) -> Result<bool, Status> {
        let going_on = self.1.notified();
        let failure = {
            let mut state = self.state();
            state.calls.push(rpc);
            if state.away.contains(&rpc) {
                return Err(Status::unavailable("away"));
            }
            state.failures.get_mut(rpc).and_then(VecDeque::pop_front)
        };
        match failure {
            None => Ok(false),
            Some(Failure::Hang) => {
                going_on.await;
                Ok(false)
            }
            Some(Failure::Lost) => Ok(true),
            Some(Failure::Away) => Err(Status::unavailable("away")),
            Some(Failure::Misread(field)) => Err(rpc::status::invalid(&[(field, "is wrong")])),
            Some(Failure::Refuse(reason)) => {
                Err(rpc::status::reject(Code::FailedPrecondition, reason, "no", &[]))
            }
        }
    }

    pub(crate) fn catalog(&self) -> Routes {
        Routes::new(catalog::offer_service_server::OfferServiceServer::new(self.clone()))
            .add_service(catalog::reservation_service_server::ReservationServiceServer::new(self.clone()))
    }

    pub(crate) fn logistics(&self) -> Routes {
        Routes::new(logistics::landed_cost_service_server::LandedCostServiceServer::new(self.clone()))
            .add_service(logistics::consignment_service_server::ConsignmentServiceServer::new(self.clone()))
    }

    pub(crate) fn payment(&self) -> Routes {
        Routes::new(payment::rate_service_server::RateServiceServer::new(self.clone()))
            .add_service(payment::hold_service_server::HoldServiceServer::new(self.clone()))
    }
}

fn answer<T>(lost: bool, answer: T) -> Result<Response<T>, Status> {
    if lost { Err(Status::unavailable("the answer is lost")) } else { Ok(Response::new(answer)) }
}

#[tonic::async_trait]
impl catalog::offer_service_server::OfferService for World {
    async fn get_offers(
        &self,
        request: Request<catalog::GetOffersRequest>,
    ) -> Result<Response<catalog::GetOffersResponse>, Status> {
        let lost = self.enter("GetOffers").await?;
        let state = self.state();
        let offers = request.get_ref().lines.iter().map(|line| {
            let offer = state.offers.get(&line.variant_id).cloned();
            offer.ok_or_else(|| rpc::status::not_found("variant", &line.variant_id))
        });
        answer(lost, catalog::GetOffersResponse { offers: offers.collect::<Result<_, _>>()? })
    }
}

#[tonic::async_trait]
impl catalog::reservation_service_server::ReservationService for World {
    async fn reserve(
        &self,
        request: Request<catalog::ReserveRequest>,
    ) -> Result<Response<catalog::ReserveResponse>, Status> {
        let lost = self.enter("Reserve").await?;
        let id = request.into_inner().reservation_id;
        let held = catalog::ReservationState::Held;
        let state = *self.state().reservations.entry(id).or_insert(held);
        if state == catalog::ReservationState::Released {
            return Err(rpc::status::reject(
                Code::FailedPrecondition,
                "RESERVATION_RELEASED",
                "released",
                &[],
            ));
        }
        answer(lost, catalog::ReserveResponse { state: state.into() })
    }

    async fn release(
        &self,
        request: Request<catalog::ReleaseRequest>,
    ) -> Result<Response<catalog::ReleaseResponse>, Status> {
        let lost = self.enter("Release").await?;
        let released = catalog::ReservationState::Released;
        self.state().reservations.insert(request.into_inner().reservation_id, released);
        answer(lost, catalog::ReleaseResponse { state: released.into() })
    }

    async fn inquire_reservation(
        &self,
        _: Request<catalog::InquireReservationRequest>,
    ) -> Result<Response<catalog::InquireReservationResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}

/// A tenth and its like, rounded down.
fn share(minor: i64, percent: i64) -> i64 {
    minor * percent / 100
}

fn parts(minor: [i64; 6]) -> PriceParts {
    let myr = |minor_units| Some(Money { currency: "MYR".to_owned(), minor_units });
    let [goods, carriage, insurance, duty, tax, fees] = minor;
    PriceParts {
        goods: myr(goods),
        carriage: myr(carriage),
        insurance: myr(insurance),
        duty: myr(duty),
        tax: myr(tax),
        fees: myr(fees),
        total: myr(minor.iter().sum()),
        ..PriceParts::default()
    }
}

fn landed(consignment: &logistics::ConsignmentToQuote, zone: String) -> logistics::QuotedLandedCost {
    let lines: Vec<[i64; 6]> = consignment
        .lines
        .iter()
        .map(|line| {
            let price = line.unit_price.as_ref().unwrap();
            let goods =
                price.minor_units * line.quantity - line.discount.as_ref().map_or(0, |off| off.minor_units);
            let goods = if price.currency == "THB" { share(goods, 13) } else { goods };
            [goods, 700, share(goods, 1), share(goods, 7), share(goods, 10), 99]
        })
        .collect();
    let sum: Vec<i64> = (0..6).map(|place| lines.iter().map(|line| line[place]).sum()).collect();
    let sum: [i64; 6] = sum.try_into().unwrap();
    let text = |minor: i64| rust_decimal::Decimal::new(minor, 2).to_string();
    let charges = lines.iter().map(|line| logistics::ExactCharges {
        duty: text(line[3]),
        tax: text(line[4]),
        fees: text(line[5]),
    });
    logistics::QuotedLandedCost {
        charges: charges.collect(),
        carriage: Some(CarriageOption {
            carrier: "selat".to_owned(),
            service: "selat-packet".to_owned(),
            title: "Selat airmail packet".to_owned(),
            transport: proto::types::v1::Transport::Post.into(),
            chargeable_grams: 250,
            price: Some(Money { currency: "MYR".to_owned(), minor_units: sum[1] }),
            days_min: 4,
            days_max: 8,
            zone: Some(zone),
        }),
        price: Some(parts(sum)),
        customs_value: Some(Money { currency: "MYR".to_owned(), minor_units: sum[0] + sum[1] + sum[2] }),
        seller_collected_tax: Some(Money { currency: "MYR".to_owned(), minor_units: 0 }),
        lines: lines.into_iter().map(parts).collect(),
        rules: Vec::new(),
        customs_rate: None,
        warnings: vec!["a rule is assumed".to_owned()],
    }
}

#[tonic::async_trait]
impl logistics::landed_cost_service_server::LandedCostService for World {
    async fn quote_landed_cost(
        &self,
        request: Request<logistics::QuoteLandedCostRequest>,
    ) -> Result<Response<logistics::QuoteLandedCostResponse>, Status> {
        let lost = self.enter("QuoteLandedCost").await?;
        let request = request.into_inner();
        let zone =
            if request.postcode.starts_with("88") { self.state().remote.clone() } else { String::new() };
        for (place, consignment) in request.consignments.iter().enumerate() {
            let needs =
                |line: &logistics::LineToQuote| line.hs_code.starts_with("30") && line.permit.is_none();
            if let Some(line) = consignment.lines.iter().position(needs) {
                let about = [("consignment", place.to_string()), ("line", line.to_string())];
                let about: Vec<(&str, &str)> =
                    about.iter().map(|(key, value)| (*key, value.as_str())).collect();
                return Err(rpc::status::reject(
                    Code::FailedPrecondition,
                    "PERMIT_REQUIRED",
                    "no permit",
                    &about,
                ));
            }
        }
        let consignments = request.consignments.iter().map(|one| landed(one, zone.clone())).collect();
        self.state().landed = Some(request);
        answer(lost, logistics::QuoteLandedCostResponse { consignments })
    }
}

#[tonic::async_trait]
impl logistics::consignment_service_server::ConsignmentService for World {
    async fn cancel_consignments(
        &self,
        request: Request<logistics::CancelConsignmentsRequest>,
    ) -> Result<Response<logistics::CancelConsignmentsResponse>, Status> {
        let lost = self.enter("CancelConsignments").await?;
        let mut state = self.state();
        let outcome = if state.picked_up {
            logistics::CancelConsignmentsOutcome::AlreadyPickedUp
        } else {
            state.kept_back.push(request.into_inner().order_id);
            logistics::CancelConsignmentsOutcome::Cancelled
        };
        answer(lost, logistics::CancelConsignmentsResponse { outcome: outcome.into() })
    }
}

/// Ringgit and dollars for a baht, dollars for a ringgit.
fn rate(from: &str, to: &str) -> &'static str {
    match (from, to) {
        ("THB", "MYR") => "0.130211",
        ("THB", "USD") => "0.029123",
        ("MYR", "USD") => "0.223657",
        _ => "1.5",
    }
}

#[tonic::async_trait]
impl payment::rate_service_server::RateService for World {
    async fn lock_rates(
        &self,
        request: Request<payment::LockRatesRequest>,
    ) -> Result<Response<payment::LockRatesResponse>, Status> {
        let lost = self.enter("LockRates").await?;
        let rates = request.get_ref().pairs.iter().map(|pair| ExchangeRate {
            from_currency: pair.from_currency.clone(),
            to_currency: pair.to_currency.clone(),
            rate: rate(&pair.from_currency, &pair.to_currency).to_owned(),
            reference_rate: "1".to_owned(),
            as_of: "2026-09-01".to_owned(),
            source: "test".to_owned(),
            rate_id: "rate".to_owned(),
        });
        let warnings = vec!["the reference rate is old".to_owned(), "a rule is assumed".to_owned()];
        answer(lost, payment::LockRatesResponse { rates: rates.collect(), warnings })
    }
}

#[tonic::async_trait]
impl payment::hold_service_server::HoldService for World {
    async fn authorise(
        &self,
        request: Request<payment::AuthoriseRequest>,
    ) -> Result<Response<payment::AuthoriseResponse>, Status> {
        let lost = self.enter("Authorise").await?;
        let request = request.into_inner();
        let mut state = self.state();
        let qr = request.method != "wallet";
        let new = if qr { PaymentState::Awaiting } else { PaymentState::Held };
        let amount = request.amount.map_or(0, |amount| amount.minor_units);
        let hold = state.holds.entry(request.hold_id).or_insert(Hold { state: new, amount, qr });
        if hold.state == PaymentState::Voided {
            return Err(rpc::status::reject(Code::FailedPrecondition, "HOLD_VOIDED", "voided", &[]));
        }
        let qr_payload = if hold.qr { "000201...".to_owned() } else { String::new() };
        let hold_state = hold.state;
        let expires_at = state.qr_expires_at.filter(|_| qr);
        answer(lost, payment::AuthoriseResponse { state: hold_state.into(), qr_payload, expires_at })
    }

    async fn void(
        &self,
        request: Request<payment::VoidRequest>,
    ) -> Result<Response<payment::VoidResponse>, Status> {
        let lost = self.enter("Void").await?;
        let voided = Hold { state: PaymentState::Voided, amount: 0, qr: false };
        self.state().holds.insert(request.into_inner().hold_id, voided);
        answer(lost, payment::VoidResponse { state: PaymentState::Voided.into() })
    }

    async fn cancel_payment(
        &self,
        request: Request<payment::CancelPaymentRequest>,
    ) -> Result<Response<payment::CancelPaymentResponse>, Status> {
        let lost = self.enter("CancelPayment").await?;
        let mut state = self.state();
        let hold = state.holds.get_mut(&request.get_ref().hold_id);
        let outcome = match hold {
            Some(hold) if hold.state == PaymentState::Held => payment::CancelOutcome::AlreadyPaid,
            Some(hold) => {
                hold.state = PaymentState::Voided;
                payment::CancelOutcome::Cancelled
            }
            None => payment::CancelOutcome::Cancelled,
        };
        answer(lost, payment::CancelPaymentResponse { outcome: outcome.into() })
    }

    async fn inquire_hold(
        &self,
        _: Request<payment::InquireHoldRequest>,
    ) -> Result<Response<payment::InquireHoldResponse>, Status> {
        Err(Status::unimplemented("nobody asks"))
    }
}
