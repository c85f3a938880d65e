//! The order's number for people: `MY-7K3Q-2M`. Crockford's digits, the last one checks the others, so that a
//! mistyped number is seen before it is looked up.

use uuid::Uuid;

/// Crockford's base 32: no I, L, O, U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Random digits of a number, before its check digit; more after a few collisions.
const LENGTH: usize = 5;
const LENGTH_LONG: usize = 7;
/// The longest number that is looked at: the code of a hub has at most 12 letters.
const CHARACTERS_MAX: usize = 40;
/// From which attempt on numbers are longer.
const LONG_FROM: u32 = 3;

/// A number for an order of this hub. The random bits are the order's own, spread by the attempt: another attempt
/// gives another number.
pub(crate) fn number(hub: &str, order: Uuid, attempt: u32) -> String {
    let bits = Uuid::new_v5(&order, format!("number {attempt}").as_bytes()).as_u128();
    text(hub, bits, if attempt < LONG_FROM { LENGTH } else { LENGTH_LONG })
}

/// A number for one order of many that are made together: no two of `series` have the same.
pub(crate) fn counted(hub: &str, series: &str, order: u64) -> String {
    let first = Uuid::new_v5(&Uuid::nil(), series.as_bytes()).as_u128() >> 64;
    text(hub, first + u128::from(order), LENGTH_LONG)
}

fn text(hub: &str, mut bits: u128, length: usize) -> String {
    let mut values = Vec::with_capacity(length + 1);
    for _ in 0..length {
        values.push(u8::try_from(bits % 32).unwrap_or_default());
        bits /= 32;
    }
    values.push(check_digit(&values));
    let text: String = values.iter().map(|value| char::from(DIGITS[usize::from(*value)])).collect();
    let (head, tail) = text.split_at(4);
    format!("{}-{head}-{tail}", hub.to_ascii_uppercase())
}

/// A number as people write it: small letters, I and L for 1, O for 0; `None` when it is none.
pub(crate) fn read(text: &str) -> Option<String> {
    let (hub, rest) = text.split_once('-').filter(|_| text.len() <= CHARACTERS_MAX)?;
    if hub.is_empty() || !hub.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let digits: Vec<u8> = rest.bytes().filter(|byte| *byte != b'-').map(value).collect::<Option<_>>()?;
    let whole = digits.len() == LENGTH + 1 || digits.len() == LENGTH_LONG + 1;
    if !whole || check_digit(&digits[..digits.len() - 1]) != digits[digits.len() - 1] {
        return None;
    }
    let text: String = digits.iter().map(|value| char::from(DIGITS[usize::from(*value)])).collect();
    let (head, tail) = text.split_at(4);
    Some(format!("{}-{head}-{tail}", hub.to_ascii_uppercase()))
}

fn value(byte: u8) -> Option<u8> {
    let byte = match byte.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    DIGITS.iter().position(|digit| *digit == byte).and_then(|place| u8::try_from(place).ok())
}

/// Horner's scheme over the field of 32 elements: finds each wrong digit and each swap of neighbours.
fn check_digit(values: &[u8]) -> u8 {
    doubled(values.iter().fold(0, |sum, value| doubled(sum) ^ value))
}

/// Times x, modulo x^5 + x^2 + 1.
fn doubled(value: u8) -> u8 {
    let value = value << 1;
    if value & 0x20 == 0 { value } else { (value ^ 0x25) & 0x1f }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::OrderId;

    #[test]
    fn a_number_reads_back_as_people_write_it() {
        let order = OrderId::new().uuid();
        let text = number("my", order, 0);
        assert_eq!(text.len(), "MY-7K3Q-2M".len());
        assert_eq!(read(&text.to_lowercase()).as_deref(), Some(text.as_str()));
        assert_eq!(read(&text.replace('1', "l").replace('0', "o")).as_deref(), Some(text.as_str()));
        assert_ne!(number("my", order, 1), text);
        assert_eq!(number("my", order, LONG_FROM).len(), "MY-7K3Q-2M9P".len());
        assert!(read(&number("th", order, LONG_FROM)).is_some());
        for wrong in ["", "MY", "MY-", "MY-7K3Q", "order_01h455vb4pex5vsknk084sn02q"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_that_are_counted_are_apart_and_read_back() {
        let numbers: Vec<String> = (0..5_000).map(|order| counted("my", "history", order)).collect();
        let apart: std::collections::BTreeSet<&String> = numbers.iter().collect();
        assert_eq!(apart.len(), numbers.len());
        assert!(numbers.iter().all(|number| read(number).as_ref() == Some(number)));
        assert!(!apart.contains(&counted("my", "another history", 0)));
    }

    #[test]
    fn each_wrong_digit_and_each_swap_is_found() {
        for _ in 0..50 {
            let text = number("MY", OrderId::new().uuid(), 0);
            let places = [3, 4, 5, 6, 8, 9];
            for place in places {
                for digit in DIGITS {
                    let mut other = text.clone().into_bytes();
                    if other[place] != *digit {
                        other[place] = *digit;
                        assert_eq!(read(std::str::from_utf8(&other).unwrap()), None);
                    }
                }
            }
            for pair in places.windows(2) {
                let mut other = text.clone().into_bytes();
                other.swap(pair[0], pair[1]);
                if other != text.as_bytes() {
                    assert_eq!(read(std::str::from_utf8(&other).unwrap()), None);
                }
            }
        }
    }
}
