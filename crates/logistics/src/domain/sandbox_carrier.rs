//! How the sandbox carrier moves a parcel along: what comes next, after how long, and where.

use chrono::Duration;

use super::shipment::{Shipment, State};

/// Quarters of a day in a day.
const QUARTERS: i32 = 4;
/// Quarters of a day that a cross-border journey takes besides its flight or voyage.
const HANDLING_QUARTERS: i64 = 8;

/// What comes after where the parcel stands; `None` at the end.
pub(crate) fn next(shipment: &Shipment) -> Option<State> {
    let crosses = shipment.declaration_id.is_some();
    Some(match shipment.state {
        State::Booked => State::PickedUp,
        State::PickedUp if crosses => State::ExportCleared,
        State::ExportCleared => State::Departed,
        State::Departed => State::Arrived,
        State::Arrived => State::ImportAssessed,
        State::ImportAssessed => State::Released,
        State::PickedUp | State::Released => State::OutForDelivery,
        State::OutForDelivery => State::Delivered,
        State::Delivered | State::Cancelled => return None,
    })
}

/// How long the parcel stays where it is, when a day lasts so long.
pub(crate) fn stay(shipment: &Shipment, day: Duration) -> Duration {
    let quarters = match shipment.state {
        State::Departed => (shipment.days_min * i64::from(QUARTERS) - HANDLING_QUARTERS).max(1),
        State::Booked | State::OutForDelivery => 2,
        _ => 1,
    };
    let quarters = i32::try_from(quarters).unwrap_or(i32::MAX);
    (day / QUARTERS).checked_mul(quarters).unwrap_or(day)
}

/// Where a step happens, for people.
pub(crate) fn place(shipment: &Shipment, state: State, hub_country: &str) -> String {
    match state {
        State::Booked | State::PickedUp | State::ExportCleared | State::Departed => shipment.from.to_string(),
        State::Arrived | State::ImportAssessed | State::Released => hub_country.to_owned(),
        State::OutForDelivery | State::Delivered | State::Cancelled => shipment.address.city.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shipment::Verdict;
    use super::super::shipment::tests::shipment;
    use super::*;

    #[test]
    fn each_step_is_one_that_the_rules_allow_and_leads_to_the_door() {
        for (crosses, steps) in [(true, 8), (false, 3)] {
            let mut parcel = shipment(State::Booked, crosses);
            let mut taken = 0;
            while let Some(state) = next(&parcel) {
                assert_eq!(parcel.judge(state), Verdict::Moves);
                parcel.state = state;
                taken += 1;
            }
            assert_eq!((parcel.state, taken), (State::Delivered, steps));
        }
    }

    #[test]
    fn the_journey_takes_the_days_that_the_service_promises() {
        let mut parcel = shipment(State::Booked, true);
        let mut journey = Duration::zero();
        while let Some(state) = next(&parcel) {
            journey += stay(&parcel, Duration::days(1));
            parcel.state = state;
        }
        assert!((Duration::days(4)..=Duration::days(5)).contains(&journey), "{journey}");
    }
}
