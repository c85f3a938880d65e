//! What it costs to carry a consignment into the hub's country.

use customs::chargeable_weight;
use kernel::Country;
use money::{Money, Rounding};
use rust_decimal::Decimal;
use trade::Transport;

use crate::file::{Carrier, Service, Zone};
use crate::{Profile, postcode};

/// Units of one size in a consignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parcel {
    /// How many.
    pub quantity: u64,
    /// Weight of one, in grams.
    pub weight_grams: u64,
    /// Length of one, in millimetres.
    pub length_mm: u64,
    /// Width of one, in millimetres.
    pub width_mm: u64,
    /// Height of one, in millimetres.
    pub height_mm: u64,
}

/// A way to carry a consignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriageOption {
    /// The carrier's code.
    pub carrier: String,
    /// The service's code.
    pub service: String,
    /// For people.
    pub title: String,
    /// How it travels.
    pub transport: Transport,
    /// The weight that is charged, in grams.
    pub chargeable_grams: u64,
    /// In the hub's currency.
    pub price: Money,
    /// Days in transit, at least.
    pub days_min: u32,
    /// Days in transit, at most.
    pub days_max: u32,
    /// The zone that it is for: the starts of its postcodes; empty: every postcode that no other zone has.
    pub zone: String,
}

impl Profile {
    /// The zone that a carrier's service has for a postcode, as in [`CarriageOption::zone`]; `None` where it does not
    /// carry to.
    pub fn zone(&self, carrier: &str, service: &str, from: Country, postcode: &str) -> Option<String> {
        let services = &self.carrier(carrier)?.services;
        let service = services.iter().find(|known| known.code == service)?;
        self.zone_of(service, from, postcode).map(name)
    }

    /// What is wrong with a postcode of the hub's country.
    pub fn postcode_problem(&self, postcode: &str) -> Option<String> {
        postcode::problem(postcode, self.country(), self.file.hub.postcode_digits)
    }

    /// Whether goods from a country are carried only to zones that name their postcodes.
    pub fn needs_postcode(&self, from: Country) -> bool {
        let services = self.carriers().iter().flat_map(|carrier| &carrier.services);
        let mut zones = services.flat_map(|service| &service.zones).filter(|zone| zone.from.contains(&from));
        zones.all(|zone| !zone.postcodes.is_empty())
    }

    fn zone_of<'a>(&self, service: &'a Service, from: Country, postcode: &str) -> Option<&'a Zone> {
        let normal = |text: &str| postcode::normal(text, self.country());
        let postcode = normal(postcode);
        let named = |zone: &Zone| {
            let starts = zone.postcodes.iter().map(|start| normal(start));
            let longest = starts.filter(|start| postcode.starts_with(start)).map(|start| start.len()).max();
            longest.or(zone.postcodes.is_empty().then_some(0))
        };
        let zones = service.zones.iter().filter(|zone| zone.from.contains(&from));
        let (_, zone) =
            zones.filter_map(|zone| Some((named(zone)?, zone))).max_by_key(|(named, _)| *named)?;
        Some(zone)
    }

    /// The ways to carry these units together from a country to a postcode, cheapest first; none when they are too
    /// heavy for every service. Where no postcode is said they are for the zone of all postcodes that no other zone
    /// has.
    pub fn carriage(&self, from: Country, parcels: &[Parcel], postcode: &str) -> Vec<CarriageOption> {
        let services = self
            .carriers()
            .iter()
            .flat_map(|carrier| carrier.services.iter().map(move |service| (carrier, service)));
        let mut options: Vec<CarriageOption> = services
            .filter_map(|(carrier, service)| self.option(carrier, service, from, parcels, postcode))
            .collect();
        options.sort_by(|one, other| {
            (one.price.minor(), &one.service).cmp(&(other.price.minor(), &other.service))
        });
        options
    }

    fn option(
        &self,
        carrier: &Carrier,
        service: &Service,
        from: Country,
        parcels: &[Parcel],
        postcode: &str,
    ) -> Option<CarriageOption> {
        let zone = self.zone_of(service, from, postcode)?;
        let chargeable_grams =
            chargeable(service, parcels).filter(|grams| *grams <= service.weight_grams_max)?;
        let steps = chargeable_grams.checked_div(service.break_grams)?.max(1);
        let price = zone.first_price.checked_add(zone.next_price.checked_mul(Decimal::from(steps - 1))?)?;
        let price = Money::from_decimal(price, self.currency(), Rounding::HalfAwayFromZero).ok()?;
        Some(CarriageOption {
            carrier: carrier.code.clone(),
            service: service.code.clone(),
            title: service.title.clone(),
            transport: service.transport,
            chargeable_grams,
            price,
            days_min: zone.days_min,
            days_max: zone.days_max,
            zone: name(zone),
        })
    }
}

/// Zones of one service and country differ in their postcodes.
fn name(zone: &Zone) -> String {
    zone.postcodes.join(",")
}

/// All units in one parcel: their weights and their volumes add up.
fn chargeable(service: &Service, parcels: &[Parcel]) -> Option<u64> {
    let (mut grams, mut volume_mm3) = (0u64, 0u64);
    for parcel in parcels {
        grams = grams.checked_add(parcel.weight_grams.checked_mul(parcel.quantity)?)?;
        let volume = parcel.length_mm.checked_mul(parcel.width_mm)?.checked_mul(parcel.height_mm)?;
        volume_mm3 = volume_mm3.checked_add(volume.checked_mul(parcel.quantity)?)?;
    }
    chargeable_weight(grams, volume_mm3, 1, 1, service.divisor, service.break_grams).ok()
}
