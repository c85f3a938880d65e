//! The label to print and stick on: an SVG of 100 by 150 mm with the S10 number as text and as Code 128.

mod fit;

use std::fmt::Write as _;

use barcoders::sym::code128::Code128;
use kernel::text::harmless;

use super::shipment::Shipment;
use fit::{LEADING, fit, squeezed};

/// All lengths are in hundredths of a millimetre.
const LABEL: (u32, u32) = (10_000, 15_000);
/// Where words begin, and how far they go.
const LEFT: u32 = 600;
const WIDTH: u32 = LABEL.0 - 2 * LEFT;
/// A bar code's module: S10 asks for at least 0.25 mm (UPU S10, annex on bar codes).
const MODULE: u32 = 45;
/// What a reader of Code 128 needs to be empty on both sides of the bars, in modules.
const QUIET_MODULES: u32 = 10;
const BARS_TOP: u32 = 10_500;
const BARS_HEIGHT: u32 = 3_000;

/// The label; `None` when the number has characters that a bar code cannot hold, or too many.
pub(crate) fn svg(shipment: &Shipment, hub_name: &str) -> Option<String> {
    let bars = bars(&shipment.tracking_number)?;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100mm\" height=\"150mm\" viewBox=\"0 0 100 150\">\n\
         <rect width=\"100\" height=\"150\" fill=\"#fff\" stroke=\"#000\" stroke-width=\"0.4\"/>\n",
    );
    let carried = format!("{} · {}", shipment.carrier, shipment.service);
    words(&mut svg, (300, 800), 600, &[hub_name.to_owned()]);
    words(&mut svg, (1_150, 500), 400, &[carried]);
    words(&mut svg, (1_800, 1_200), 350, &[format!("From: {}", sender(shipment))]);
    words(&mut svg, (3_150, 400), 300, &["To:".to_owned()]);
    words(&mut svg, (3_550, 5_950), 500, &address(shipment));
    let order = format!("Order {} · {} g", shipment.order_number, shipment.chargeable_grams);
    words(&mut svg, (9_600, 600), 400, &[order]);
    words(&mut svg, (BARS_TOP + BARS_HEIGHT + 100, 1_000), 700, &[grouped(&shipment.tracking_number)]);
    let _ = writeln!(svg, "<path d=\"{bars}\" fill=\"#000\"/>\n</svg>");
    Some(svg)
}

/// Writes paragraphs into a box: from its top, as high as it may be. What no text may hold is left out: XML 1.0 has no
/// place for control characters, not even escaped, and a mark of direction would turn the words around it. No order has
/// any, unless it is older than that rule.
fn words(svg: &mut String, (top, height): (u32, u32), largest: u32, paragraphs: &[String]) {
    let paragraphs: Vec<String> = paragraphs.iter().map(|paragraph| harmless(paragraph)).collect();
    let fitted = fit(&paragraphs, WIDTH, height, largest);
    let mut baseline = top + fitted.size;
    for line in &fitted.lines {
        let squeezed = squeezed(line, fitted.size, WIDTH).map_or(String::new(), |length| {
            format!(" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\"", mm(length))
        });
        let (x, y, size, line) = (mm(LEFT), mm(baseline), mm(fitted.size), escape(line));
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{y}\" font-family=\"sans-serif\" font-size=\"{size}\"{squeezed}>{line}</text>"
        );
        baseline += fitted.size * LEADING / 100;
    }
}

fn mm(hundredths: u32) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// The bars as one path, in the middle of the label.
fn bars(number: &str) -> Option<String> {
    // U+0181 selects character set B of Code 128 in barcoders.
    let modules = Code128::new(format!("\u{0181}{number}")).ok()?.encode();
    let count = u32::try_from(modules.len()).ok()?;
    let left = LABEL.0.checked_sub(count.checked_mul(MODULE)?)? / 2;
    if left < QUIET_MODULES * MODULE {
        return None;
    }
    let (mut path, mut x) = (String::new(), left);
    for bar in modules.chunk_by(|one, next| one == next) {
        let width = u32::try_from(bar.len()).ok()? * MODULE;
        if bar.first() == Some(&1) {
            let (x, y, width, height) = (mm(x), mm(BARS_TOP), mm(width), mm(BARS_HEIGHT));
            let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
        }
        x += width;
    }
    Some(path)
}

/// Who sends it, and from where. Of parcels that were booked before the name was kept, the seller's id.
fn sender(shipment: &Shipment) -> String {
    let name = if shipment.sender.is_empty() { &shipment.seller_id } else { &shipment.sender };
    format!("{name}, {}", shipment.from)
}

fn address(shipment: &Shipment) -> Vec<String> {
    let address = &shipment.address;
    let city = format!("{} {} {}", address.postcode, address.city, address.state);
    let (city, country) = (city.as_str(), address.country.as_str());
    let lines = [&address.recipient, &address.line1, &address.line2, city, country, &address.phone];
    lines.map(str::to_owned).into()
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
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use trade::Address;

    use super::super::shipment::{ShipmentState, tests::shipment};
    use super::*;

    /// The words of a label, line by line, as a reader of XML finds them.
    fn read(label: &str) -> Vec<String> {
        let is_allowed =
            |letter: char| letter == '\n' || (letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'));
        assert!(label.chars().all(is_allowed));
        let texts = label.split("<text ").skip(1);
        let texts = texts.map(|text| text.split_once('>').unwrap().1.split_once("</text>").unwrap().0);
        texts
            .map(|text| {
                assert!(
                    !text.contains(['<', '>'])
                        && !text.replace("&amp;", "").replace("&lt;", "").contains("& ")
                );
                text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
            })
            .collect()
    }

    #[test]
    fn the_label_has_the_number_and_lets_no_markup_in() {
        let label = svg(&shipment(ShipmentState::Booked, true), "Entrepôt Malaysia").unwrap();
        let words = read(&label);
        assert!(words.contains(&"LX 1234 5678 5 TH".to_owned()), "{words:?}");
        assert!(words.contains(&"Aisyah & <Co>".to_owned()), "{words:?}");
        assert!(words.contains(&"From: Baan Silk, TH".to_owned()), "{words:?}");
        assert_eq!(label.matches("<path").count(), 1);
    }

    #[test]
    fn all_letters_of_the_longest_address_stand_on_it() {
        for letter in ["x", "W", "字", "ก", "é", "&", "ஔ", "﷽", "⸻", "𒐫", "Ж"] {
            let long = |number: usize| format!("{number}{}", letter.repeat(199));
            let mut parcel = shipment(ShipmentState::Booked, true);
            parcel.sender = letter.repeat(120);
            parcel.address = Address {
                recipient: long(1),
                line1: long(2),
                line2: long(3),
                city: long(4),
                state: long(5),
                postcode: "5".repeat(20),
                country: "MY".parse().unwrap(),
                phone: "6".repeat(60),
            };
            let label = svg(&parcel, &letter.repeat(60)).unwrap();
            let words = read(&label).concat().replace(' ', "");
            let Address { recipient, line1, line2, city, state, postcode, country, phone } = &parcel.address;
            let address = [recipient, line1, line2, postcode, city, state, country.as_str(), phone];
            assert!(words.contains(&address.concat()), "{letter}: {words}");
            assert!(words.contains(&format!("From:{},TH", parcel.sender)), "{letter}");
            let baselines = label.split(" y=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
            let baselines: Vec<u32> = baselines.map(|y| y.replace('.', "").parse().unwrap()).collect();
            assert!(baselines.is_sorted(), "{letter}: {baselines:?}");
            // Nothing beside the bars: words end above them, and go on below.
            assert!(baselines.iter().filter(|y| **y > 9_500 && **y < BARS_TOP).count() == 1, "{letter}");
            let beside = |y: &&u32| (BARS_TOP..BARS_TOP + BARS_HEIGHT).contains(*y);
            assert_eq!(baselines.iter().find(beside), None, "{letter}");
        }
    }

    #[test]
    fn what_older_orders_may_hold_breaks_no_label() {
        let mut parcel = shipment(ShipmentState::Booked, true);
        parcel.address.recipient = "Ai\u{fffe}sy\u{202e}ah\u{0}\u{ffff}\u{fdd0}".to_owned();
        let label = svg(&parcel, "Hub\u{1}").unwrap();
        assert!(read(&label).contains(&"Ai sy ah".to_owned()), "{label}");
        assert!(!label.contains('\u{202e}'));
    }

    #[test]
    fn letters_of_an_unknown_width_are_squeezed_into_the_label() {
        let mut parcel = shipment(ShipmentState::Booked, true);
        parcel.address.recipient = "𞤀".repeat(200);
        let label = svg(&parcel, "Hub").unwrap();
        let lengths = label.split(" textLength=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0);
        let lengths: Vec<u32> = lengths.map(|length| length.replace('.', "").parse().unwrap()).collect();
        assert!(lengths.len() > 1 && lengths.iter().all(|length| *length <= WIDTH), "{lengths:?}");
        assert_eq!(label.matches("lengthAdjust=\"spacingAndGlyphs\">𞤀").count(), lengths.len());
    }

    #[test]
    fn the_bars_have_their_quiet_zones() {
        // Start, 13 characters, check, stop: 15 symbols of 11 modules and one of 13.
        let modules = Code128::new("\u{0181}LX123456785TH").unwrap().encode().len();
        assert_eq!(modules, 15 * 11 + 13);
        let path = bars("LX123456785TH").unwrap();
        let ends = path.split('M').skip(1).map(|bar| {
            let number = |text: &str| text.replace('.', "").parse::<u32>().unwrap();
            let (x, rest) = bar.split_once(' ').unwrap();
            (number(x), number(x) + number(rest.split_once('h').unwrap().1.split_once('v').unwrap().0))
        });
        let ends: Vec<(u32, u32)> = ends.collect();
        let (first, last) = (ends.first().unwrap().0, ends.last().unwrap().1);
        assert!(
            first >= QUIET_MODULES * MODULE && LABEL.0 - last >= QUIET_MODULES * MODULE,
            "{first} {last}"
        );
        assert_eq!(last - first, u32::try_from(modules).unwrap() * MODULE);
        assert_eq!(bars(&"7".repeat(40)), None);
    }
}
