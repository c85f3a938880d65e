//! Postcodes as zones are told apart by them, however people write them.

use kernel::Country;

/// A postcode's letters and digits in capitals, without spaces, hyphens and the country before its first digit
/// (`MY-88 000` is `88000`).
pub(crate) fn normal(postcode: &str, country: Country) -> String {
    let kept = postcode.chars().filter(char::is_ascii_alphanumeric);
    let kept: String = kept.map(|letter| letter.to_ascii_uppercase()).collect();
    match kept.strip_prefix(country.as_str()) {
        Some(rest) if rest.starts_with(|letter: char| letter.is_ascii_digit()) => rest.to_owned(),
        _ => kept,
    }
}

/// What is wrong with a postcode of `country`, whose postcodes have so many digits and nothing else, where that is
/// said. A postcode that carriers read as another than zones do would be carried at a wrong price.
pub(crate) fn problem(postcode: &str, country: Country, digits: Option<u8>) -> Option<String> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ' ' | '-');
    if !postcode.chars().all(is_allowed) {
        return Some("must be letters A to Z, digits 0 to 9, spaces and hyphens".to_owned());
    }
    let normal = normal(postcode, country);
    match digits.map(usize::from) {
        Some(digits) if normal.len() != digits || !normal.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("must have {digits} digits, as postcodes of {country} do"))
        }
        None if normal.is_empty() => Some("must have a letter or a digit".to_owned()),
        _ => None,
    }
}

/// What is wrong with the beginning of postcodes of `country`: no postcode that is taken could begin with it.
pub(crate) fn start_problem(start: &str, country: Country, digits: Option<u8>) -> Option<String> {
    let written = normal(start, country);
    let Some(digits) = digits else {
        return problem(start, country, None);
    };
    let is_start = (1..=usize::from(digits)).contains(&written.len())
        && written.bytes().all(|byte| byte.is_ascii_digit())
        && start.is_ascii();
    (!is_start).then(|| format!("must be 1 to {digits} digits, as postcodes of {country} begin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings() {
        let (my, gb) = ("MY".parse().unwrap(), "GB".parse().unwrap());
        for right in ["8", "88", "MY-88", "88000"] {
            assert_eq!(start_problem(right, my, Some(5)), None);
        }
        assert_eq!(start_problem("SW1", gb, None), None);
        for wrong in ["", "-", "MY", "8A", "SW1", "880000", "\u{0e58}8"] {
            assert!(start_problem(wrong, my, Some(5)).is_some(), "{wrong}");
        }
        assert!(start_problem("--", gb, None).is_some());
    }

    #[test]
    fn however_it_is_written() {
        let (my, gb) = ("MY".parse().unwrap(), "GB".parse().unwrap());
        for written in ["88000", " 88000", "88 000", "88-000", "MY-88000", "my88000"] {
            assert_eq!(normal(written, my), "88000");
            assert_eq!(problem(written, my, Some(5)), None);
        }
        assert_eq!(normal("sw1a 1aa", gb), "SW1A1AA");
        assert_eq!(normal("MYKING", my), "MYKING");
        assert_eq!(problem("sw1a 1aa", gb, None), None);
    }

    #[test]
    fn what_could_be_read_otherwise_is_refused() {
        let my = "MY".parse().unwrap();
        for wrong in [
            "\u{0e58}\u{0e58}000",
            "\u{ff18}\u{ff18}000",
            "88.000",
            "88000\u{200b}",
            "8800O",
            "880000",
            "SG88000",
            "-",
        ] {
            assert!(problem(wrong, my, Some(5)).is_some(), "{wrong}");
        }
        for wrong in ["\u{0e58}\u{0e58}000", "--", ""] {
            assert!(problem(wrong, my, None).is_some(), "{wrong}");
        }
    }
}
