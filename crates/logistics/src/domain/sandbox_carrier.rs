//! How the sandbox carrier moves a parcel along: what comes next, after how long, and where.

use chrono::Duration;

use super::shipment::{Shipment, ShipmentState};

/// Quarters of a day in a day.
const QUARTERS: i32 = 4;
/// Quarters of a day that a cross-border journey takes besides its flight or voyage.
const HANDLING_QUARTERS: i64 = 8;

/// What comes after where the parcel stands; `None` at the end.
pub(crate) fn next(shipment: &Shipment) -> Option<ShipmentState> {
    let crosses = shipment.declaration_id.is_some();
    Some(match shipment.state {
        ShipmentState::Booked => ShipmentState::PickedUp,
        ShipmentState::PickedUp if crosses => ShipmentState::ExportCleared,
        ShipmentState::ExportCleared => ShipmentState::Departed,
        ShipmentState::Departed => ShipmentState::Arrived,
        ShipmentState::Arrived => ShipmentState::ImportAssessed,
        ShipmentState::ImportAssessed => ShipmentState::Released,
        ShipmentState::PickedUp | ShipmentState::Released => ShipmentState::OutForDelivery,
        ShipmentState::OutForDelivery => ShipmentState::Delivered,
        ShipmentState::Delivered | ShipmentState::Cancelled => return None,
    })
}

/// How long the parcel stays where it is, when a day lasts so long.
pub(crate) fn stay(shipment: &Shipment, day: Duration) -> Duration {
    let quarters = match shipment.state {
        ShipmentState::Departed => (shipment.days_min * i64::from(QUARTERS) - HANDLING_QUARTERS).max(1),
        ShipmentState::Booked | ShipmentState::OutForDelivery => 2,
        _ => 1,
    };
    let quarters = i32::try_from(quarters).unwrap_or(i32::MAX);
    (day / QUARTERS).checked_mul(quarters).unwrap_or(day)
}

/// Where a step happens, for people.
pub(crate) fn place(shipment: &Shipment, state: ShipmentState, hub_country: &str) -> String {
    match state {
        ShipmentState::Booked
        | ShipmentState::PickedUp
        | ShipmentState::ExportCleared
        | ShipmentState::Departed => shipment.from.to_string(),
        ShipmentState::Arrived | ShipmentState::ImportAssessed | ShipmentState::Released => {
            hub_country.to_owned()
        }
        ShipmentState::OutForDelivery | ShipmentState::Delivered | ShipmentState::Cancelled => {
            shipment.address.city.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::shipment::Transition;
    use super::super::shipment::tests::shipment;
    use super::*;

    #[test]
    fn each_step_is_one_that_the_rules_allow_and_leads_to_the_door() {
        for (crosses, steps) in [(true, 8), (false, 3)] {
            let mut parcel = shipment(ShipmentState::Booked, crosses);
            let mut taken = 0;
            while let Some(state) = next(&parcel) {
                assert_eq!(parcel.judge(state, &[]), Transition::Moves);
                parcel.state = state;
                taken += 1;
            }
            assert_eq!((parcel.state, taken), (ShipmentState::Delivered, steps));
        }
    }

    #[test]
    fn the_journey_takes_the_days_that_the_service_promises() {
        let mut parcel = shipment(ShipmentState::Booked, true);
        let mut journey = Duration::zero();
        while let Some(state) = next(&parcel) {
            journey += stay(&parcel, Duration::days(1));
            parcel.state = state;
        }
        assert!((Duration::days(4)..=Duration::days(5)).contains(&journey), "{journey}");
    }
}
