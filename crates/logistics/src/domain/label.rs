//! The label to print and stick on: an SVG of 100 by 150 mm with the S10 number as text and as Code 128.

use std::fmt::Write as _;

use barcoders::sym::code128::Code128;

use super::shipment::Shipment;

/// Millimetres of a barcode's module: S10 asks for at least 0.25 (UPU S10, annex on bar codes).
const MODULE_HUNDREDTHS_MM: usize = 50;
const BARCODE_LEFT_HUNDREDTHS_MM: usize = 800;

/// The label; `None` when the number has characters that a bar code cannot hold.
pub(crate) fn svg(shipment: &Shipment, hub_name: &str) -> Option<String> {
    let bars = bars(&shipment.tracking_number)?;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100mm\" height=\"150mm\" viewBox=\"0 0 100 150\">\n\
         <rect width=\"100\" height=\"150\" fill=\"#fff\" stroke=\"#000\" stroke-width=\"0.4\"/>\n",
    );
    let mut text = |x: u32, y: usize, size: u32, words: &str| {
        let words = escape(words);
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"sans-serif\" font-size=\"{size}\">{words}</text>"
        );
    };
    text(6, 12, 6, hub_name);
    text(6, 19, 4, &format!("{} · {} · from {}", shipment.carrier, shipment.service, shipment.from));
    text(6, 32, 3, "To");
    for (place, line) in address_lines(shipment).iter().enumerate() {
        text(6, 38 + place * 7, 5, line);
    }
    text(6, 94, 4, &format!("Order {} · {} g", shipment.order_number, shipment.chargeable_grams));
    text(20, 140, 7, &grouped(&shipment.tracking_number));
    let _ = writeln!(svg, "<path d=\"{bars}\" fill=\"#000\"/>\n</svg>");
    Some(svg)
}

/// The bars as one path.
fn bars(number: &str) -> Option<String> {
    // U+0181 selects character set B of Code 128 in barcoders.
    let modules = Code128::new(format!("\u{0181}{number}")).ok()?.encode();
    let mut path = String::new();
    for (place, module) in modules.iter().enumerate() {
        if *module == 1 {
            let x = BARCODE_LEFT_HUNDREDTHS_MM + place * MODULE_HUNDREDTHS_MM;
            let _ = write!(path, "M{}.{:02} 100h0.5v30h-0.5z", x / 100, x % 100);
        }
    }
    Some(path)
}

fn address_lines(shipment: &Shipment) -> Vec<String> {
    let address = &shipment.address;
    let city = format!("{} {} {}", address.postcode, address.city, address.state);
    let lines = [&address.recipient, &address.line1, &address.line2, &city, &address.country, &address.phone];
    lines.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// `LX 1234 5678 5 TH`, as S10 writes it for people.
fn grouped(number: &str) -> String {
    let part = |from: usize, to: usize| number.get(from..to).unwrap_or_default();
    format!("{} {} {} {} {}", part(0, 2), part(2, 6), part(6, 10), part(10, 11), part(11, 13))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML 1.0 has no place for control characters, not even escaped.
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::shipment::{State, tests::shipment};
    use super::*;

    #[test]
    fn the_label_has_the_number_and_lets_no_markup_in() {
        let label = svg(&shipment(State::Booked, true), "Entrepôt Malaysia").unwrap();
        assert!(label.contains("LX 1234 5678 5 TH"));
        assert!(label.contains("Aisyah &amp; &lt;Co&gt;"));
        assert!(!label.contains("<Co>"));
        assert_eq!(label.matches("<path").count(), 1);
    }

    #[test]
    fn the_bars_fit_between_the_edges() {
        // Start, 13 characters, check, stop: 15 symbols of 11 modules and one of 13.
        let modules = Code128::new("\u{0181}LX123456785TH").unwrap().encode().len();
        assert_eq!(modules, 15 * 11 + 13);
        assert!(BARCODE_LEFT_HUNDREDTHS_MM + modules * MODULE_HUNDREDTHS_MM < 10_000 - 200);
    }
}
