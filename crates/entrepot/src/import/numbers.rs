//! Numbers as people and spreadsheets write them. Whether a comma is a decimal sign or parts thousands is told by all
//! numbers of a file together; where that leaves a doubt, the number is refused.

use kernel::excerpt;
use money::{Currency, Money};

use super::heading::trimmed;

/// Signs of currencies in front of or behind an amount.
const SIGNS: [(&str, &[&str]); 9] = [
    ("RM", &["MYR"]),
    ("฿", &["THB"]),
    ("Rp", &["IDR"]),
    ("S$", &["SGD"]),
    ("US$", &["USD"]),
    ("$", &["USD", "SGD", "AUD", "HKD", "TWD", "NZD", "CAD", "BND"]),
    ("€", &["EUR"]),
    ("£", &["GBP"]),
    ("¥", &["CNY", "JPY"]),
];

/// How a file writes numbers, as far as has been seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Style {
    /// Some number has a decimal comma for certain.
    commas: bool,
    /// Some number has a decimal point for certain.
    points: bool,
}

impl Style {
    /// Learns from a cell.
    pub(super) fn learn(&mut self, cell: &str) {
        let number: String =
            cell.chars().filter(|letter| letter.is_ascii_digit() || matches!(letter, ',' | '.')).collect();
        let number = number.trim_matches([',', '.']);
        let count = |sign: char| number.matches(sign).count();
        match (count(','), count('.')) {
            (0, 0) => {}
            (0, 1) => self.points |= behind(number, '.') != 3,
            (1, 0) => self.commas |= behind(number, ',') != 3,
            (0, 2..) => self.commas = true,
            (2.., 0) => self.points = true,
            _ if number.rfind(',') > number.rfind('.') => self.commas = true,
            _ => self.points = true,
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match (self.commas, self.points) {
            (true, false) => "decimal commas",
            (true, true) => "decimal points and commas",
            (false, _) => "decimal points",
        }
    }

    /// A number as digits with a decimal point and at most a minus before them.
    fn plain(self, text: &str) -> Result<String, String> {
        if is_shortened(text) {
            return Err(format!(
                "`{}` was shortened by a spreadsheet: write all of its digits",
                excerpt(text)
            ));
        }
        let wrong = || format!("`{}` is not a number such as 1250.50", excerpt(text));
        let (sign, number) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
        // Blanks part thousands in either style.
        let is_blank = |letter: char| letter.is_whitespace() || matches!(letter, '\'' | '’');
        let (decimal, group) = if self.commas && !self.points { (',', '.') } else { ('.', ',') };
        let (whole, fraction) = number.split_once(decimal).map_or((number, None), |(w, f)| (w, Some(f)));
        if whole.contains(group) && group == ',' {
            self.check_comma(text, whole, fraction.is_some())?;
        }
        let parts: Vec<&str> = whole.split(|letter| letter == group || is_blank(letter)).collect();
        let grouped = parts.len() == 1
            || (matches!(parts[0].len(), 1..=3)
                && !parts[0].starts_with('0')
                && parts[1..].iter().all(|part| part.len() == 3));
        let whole = parts.concat();
        match fraction {
            _ if !grouped || !is_digits(&whole) => Err(wrong()),
            None => Ok(format!("{sign}{whole}")),
            Some(fraction) if is_digits(fraction) => Ok(format!("{sign}{whole}.{fraction}")),
            Some(_) => Err(wrong()),
        }
    }

    /// A comma where points are the decimal sign, or nothing is.
    fn check_comma(self, text: &str, whole: &str, has_fraction: bool) -> Result<(), String> {
        if self.commas && !has_fraction {
            return Err(format!(
                "`{}` has a comma, and the file has decimal points as well as decimal commas: write decimal points",
                excerpt(text)
            ));
        }
        let (without, comma) = (text.replace(',', ""), text.replace(',', "."));
        if !self.points && !has_fraction && whole.matches(',').count() == 1 {
            return Err(doubtful(text, &comma, &without));
        }
        Ok(())
    }

    /// A price, with the sign or code of its currency or without. Where the currency has no decimals and nothing in the
    /// file says what a comma is, it can only part thousands.
    pub(super) fn amount(self, text: &str, currency: Currency) -> Result<Money, String> {
        let number = if is_shortened(text) { text } else { unsigned(text, currency)? };
        let style = if self == Self::default() && currency.minor_digits() == 0 {
            Self { points: true, ..self }
        } else {
            self
        };
        let number = style.plain(number)?;
        Money::parse(&number, currency).map_err(|error| error.to_string())
    }

    /// A whole number; `180.0` is one.
    pub(super) fn whole(self, text: &str) -> Result<i64, String> {
        let number = self.plain(text)?;
        check_thousands(text, &number)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let wrong = || format!("`{}` is not a whole number", excerpt(text));
        if fraction.bytes().any(|byte| byte != b'0') {
            return Err(wrong());
        }
        whole.parse().map_err(|_| wrong())
    }
}

/// What is a decimal sign in the file's prices may part thousands in a whole number, which has no decimals: `1.000`.
fn check_thousands(text: &str, number: &str) -> Result<(), String> {
    let digits = number.trim_start_matches('-');
    let Some((whole, thousands)) = digits.split_once('.') else { return Ok(()) };
    if matches!(whole.len(), 1..=3) && !whole.starts_with('0') && thousands.len() == 3 {
        let fraction = digits.trim_end_matches('0').trim_end_matches('.');
        return Err(doubtful(text, fraction, &format!("{whole}{thousands}")));
    }
    Ok(())
}

fn doubtful(text: &str, one: &str, other: &str) -> String {
    let (text, one, other) = (excerpt(text), excerpt(one), excerpt(other));
    format!("`{text}` may mean {one} or {other}: write it unambiguously")
}

fn is_digits(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits behind the last of a sign.
fn behind(number: &str, sign: char) -> usize {
    number.rsplit(sign).next().map_or(0, str::len)
}

/// Whether a spreadsheet has written `8.85077E+12` for a long number, with blanks or without; `1E5` may be a name, and
/// `8.85E12` is none.
pub(super) fn is_shortened(text: &str) -> bool {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let Some((number, power)) = text.split_once(['E', 'e']) else { return false };
    let number = number.trim_start_matches(['-', '+']);
    let signed = power.strip_prefix(['+', '-']);
    let is_number = signed.is_some() || number.contains([',', '.']);
    let power = signed.unwrap_or(power);
    is_number && is_digits(&number.replacen([',', '.'], "", 1)) && is_digits(power) && power.len() <= 3
}

/// An amount without its currency's sign or code, which must be the row's.
fn unsigned(text: &str, currency: Currency) -> Result<&str, String> {
    let code = currency.code();
    let begins = |letter: char| letter.is_ascii_digit() || letter == '-';
    let (Some(first), Some(last)) = (text.find(begins), text.rfind(|letter: char| letter.is_ascii_digit()))
    else {
        return Err(format!("`{}` is not an amount such as 12.50", excerpt(text)));
    };
    let end = last + 1;
    for sign in [&text[..first], &text[end..]].map(trimmed) {
        let known = SIGNS.iter().find(|(known, _)| known.eq_ignore_ascii_case(sign.trim_end_matches('.')));
        let fits = match known {
            Some((_, currencies)) => currencies.contains(&code),
            None => sign.is_empty() || sign.eq_ignore_ascii_case(code),
        };
        if !fits {
            let (text, sign) = (excerpt(text), excerpt(sign));
            return Err(format!("`{text}` is not an amount of {code} such as 12.50: what is `{sign}`?"));
        }
    }
    Ok(&text[first..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(cells: &[&str]) -> Style {
        let mut style = Style::default();
        cells.iter().for_each(|cell| style.learn(cell));
        style
    }

    fn amount(cells: &[&str], text: &str) -> Result<i64, String> {
        let mut all = cells.to_vec();
        all.push(text);
        style(&all).amount(text, Currency::MYR).map(Money::minor)
    }

    #[test]
    fn a_comma_is_what_the_file_shows_it_to_be() {
        assert_eq!(amount(&[], "12.50"), Ok(1250));
        assert_eq!(amount(&[], "12,50"), Ok(1250));
        assert_eq!(amount(&["1.290,00"], "1.250"), Ok(125_000));
        assert_eq!(amount(&["9,90"], "1.290,00"), Ok(129_000));
        assert_eq!(amount(&[], "1,290.00"), Ok(129_000));
        assert_eq!(amount(&["9.90"], "1,290"), Ok(129_000));
        assert_eq!(amount(&[], "1,234,567"), Ok(123_456_700));
        assert_eq!(amount(&[], "1\u{a0}290,00"), Ok(129_000));
        assert_eq!(amount(&[], "1 290.00"), Ok(129_000));
        // Either, or both in one file.
        assert!(amount(&[], "1,250").unwrap_err().contains("1.250 or 1250"));
        assert!(amount(&["12.50"], "9,99").unwrap_err().contains("decimal commas"));
        assert_eq!(amount(&["9,99"], "12.50"), Ok(1250));
        // Three digits behind a point are too many for ringgit.
        assert!(amount(&[], "1.250").unwrap_err().contains("1.250"));
        for wrong in ["1,29,0.00", "12,3456", "1..2", ",", ".5", "5.", "1.2.3,4,5", "one", "", "--1", "12 50"]
        {
            assert!(amount(&["1.00"], wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_comma_can_only_part_thousands_where_a_currency_has_no_decimals() {
        let amount = |cells: &[&str], text: &str| {
            ["JPY", "KRW", "VND"]
                .map(|code| style(cells).amount(text, code.parse().unwrap()).map(Money::minor))
        };
        for (text, units) in
            [("1,000", 1_000), ("-1,000", -1_000), ("150,000", 150_000), ("1,234,567", 1_234_567)]
        {
            assert_eq!(amount(&[], text), [Ok(units), Ok(units), Ok(units)], "{text}");
        }
        for wrong in ["0,500", "1,00", "1,0000", "1000,000", "1,00,000", "1.000"] {
            assert!(amount(&[], wrong).iter().all(Result::is_err), "{wrong}");
        }
        // Where commas are decimal signs for certain, this one may be one too.
        for cells in [&["0,5"][..], &["0,5", "0.5"]] {
            assert!(amount(cells, "1,000").iter().all(Result::is_err));
        }
        assert!(style(&["9.90"]).amount("0,500", Currency::MYR).is_err());
    }

    #[test]
    fn a_sign_must_be_of_the_currency() {
        for text in ["RM 5.00", "rm5.00", "RM. 5.00", "MYR 5.00", "5.00 MYR", "\u{a0}RM\u{a0}5.00"] {
            assert_eq!(amount(&[], trimmed(text)), Ok(500), "{text}");
        }
        for text in ["฿5.00", "USD 5.00", "5.00 EUR", "5.00%", "about 5.00"] {
            assert!(amount(&[], text).unwrap_err().contains("MYR"), "{text}");
        }
        assert_eq!(amount(&[], "-5.00"), Ok(-500));
        assert_eq!(Style::default().amount("$5", Currency::SGD).map(Money::minor), Ok(500));
    }

    #[test]
    fn numbers_that_a_spreadsheet_has_shortened_are_seen() {
        for text in
            ["8.85077E+12", "8,85077E+12", "1E+05", "1.2e-3", "+8.85077E+12", "8.85 E+12", "8.85077E12"]
        {
            assert!(is_shortened(text), "{text}");
            assert!(amount(&[], text).unwrap_err().contains("spreadsheet"), "{text}");
        }
        for text in ["1E5", "E+12", "A1E+05", "00123", "12E", "8.85E+1234"] {
            assert!(!is_shortened(text), "{text}");
        }
    }

    #[test]
    fn whole_numbers_may_have_zeros_behind_the_sign() {
        assert_eq!(style(&["1.5"]).whole("1,200"), Ok(1_200));
        assert_eq!(style(&[]).whole("180.0"), Ok(180));
        assert_eq!(style(&[]).whole("1250.0"), Ok(1_250));
        assert_eq!(style(&[]).whole("1250.000"), Ok(1_250));
        assert_eq!(style(&["5,00"]).whole("1.000"), Ok(1_000));
        assert_eq!(style(&["5.00"]).whole("1,000"), Ok(1_000));
        // How prices are written does not tell what parts a whole number.
        for doubtful in [&[][..], &["5,00", "5.00"], &["5.00"]] {
            assert!(style(doubtful).whole("-1.000").unwrap_err().contains("1 or 1000"));
        }
        assert!(style(&["5,00"]).whole("10,000").unwrap_err().contains("10 or 10000"));
        assert!(style(&["5.00"]).whole("1.250").unwrap_err().contains("1.25 or 1250"));
        assert_eq!(style(&[]).whole("-3"), Ok(-3));
        assert!(style(&[]).whole("0.5").is_err());
        assert!(style(&[]).whole("99999999999999999999").is_err());
    }
}
