//! Reading codes, and saying what is wrong with one.

use crate::{Wrong, crc16, tlv};

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Thailand's.
    PromptPay,
    /// Malaysia's.
    DuitNow,
    /// Another one.
    Other,
}

impl Scheme {
    /// As a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromptPay => "promptpay",
            Self::DuitNow => "duitnow",
            Self::Other => "other",
        }
    }
}

/// To whom it pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// PromptPay, by telephone: ten digits.
    Phone(String),
    /// PromptPay, by national or tax id.
    NationalId(String),
    /// PromptPay, by e-wallet.
    EWallet(String),
    /// PromptPay, a bill.
    Bill {
        /// The biller's id.
        biller_id: String,
        /// The first reference.
        reference1: String,
        /// The second; may be empty.
        reference2: String,
    },
    /// DuitNow.
    Merchant {
        /// The acquirer's id.
        acquirer: String,
        /// The merchant's id with it.
        merchant: String,
    },
    /// Somebody of another scheme.
    Other,
}

/// A code that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Whose it is.
    pub scheme: Scheme,
    /// For a single payment.
    pub dynamic: bool,
    /// To whom it pays.
    pub account: Account,
    /// The amount in major units, as written.
    pub amount: Option<String>,
    /// ISO 4217 number of the currency, three digits.
    pub currency: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The merchant's name; may be empty.
    pub merchant_name: String,
    /// The merchant's city; may be empty.
    pub merchant_city: String,
    /// The merchant's name in a script of its own; may be empty.
    pub local_name: String,
    /// The merchant's city in a script of its own; may be empty.
    pub local_city: String,
    /// The bill's number; may be empty.
    pub bill_number: String,
    /// The reference label; may be empty.
    pub reference: String,
}

/// Characters of the checksum's field.
const CHECKSUM_CHARACTERS: usize = 8;

/// Reads a code.
pub fn decode(text: &str) -> Result<Code, Wrong> {
    let fields = fields(text)?;
    let find = |tag: &str| fields.iter().find(|(found, _)| found == tag).map(|(_, value)| value.as_str());
    let (currency, country) = (find("53").ok_or(Wrong::MissingTag)?, find("58").ok_or(Wrong::MissingTag)?);
    let is_account = |tag: &str| matches!(tag.parse::<u8>(), Ok(2..=51));
    if !fields.iter().any(|(tag, _)| is_account(tag)) {
        return Err(Wrong::MissingTag);
    }
    let (scheme, account) = account(&fields)?;
    let more = find("62").map(template).transpose()?.unwrap_or_default();
    let local = find("64").map(template).transpose()?.unwrap_or_default();
    let of = |fields: &[(String, String)], tag: &str| {
        fields.iter().find(|(found, _)| found == tag).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    Ok(Code {
        scheme,
        dynamic: find("01") == Some("12"),
        account,
        amount: find("54").map(str::to_owned),
        currency: currency.to_owned(),
        country: country.to_owned(),
        merchant_name: of(&fields, "59"),
        merchant_city: of(&fields, "60"),
        local_name: of(&local, "01"),
        local_city: of(&local, "02"),
        bill_number: of(&more, "01"),
        reference: of(&more, "05"),
    })
}

/// The fields, once their row and their checksum hold.
fn fields(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    if !text.starts_with("00") {
        return Err(Wrong::NotMpm);
    }
    let fields = tlv::read(text).map_err(|wrong| if is_sealed(text) { Wrong::Length } else { wrong })?;
    // Codes in the wild carry 02 as well as 01.
    match fields.first() {
        Some((tag, version)) if tag == "00" && matches!(version.as_str(), "01" | "02") => {}
        _ => return Err(Wrong::NotMpm),
    }
    match fields.iter().position(|(tag, _)| tag == "63") {
        None => Err(Wrong::MissingTag),
        // The checksum is the last field, of four characters.
        Some(place) if place + 1 != fields.len() || fields[place].1.chars().count() != 4 => {
            Err(Wrong::Length)
        }
        Some(place) => {
            let expected = format!("{:04X}", crc16(&text.as_bytes()[..text.len() - fields[place].1.len()]));
            if fields[place].1 == expected { Ok(fields) } else { Err(Wrong::Crc) }
        }
    }
}

/// Whether it ends as a whole code does: then a row that does not fit has a wrong length, and was not cut off.
fn is_sealed(text: &str) -> bool {
    let count = text.chars().count();
    let tail: String = text.chars().skip(count.saturating_sub(CHECKSUM_CHARACTERS)).collect();
    tail.strip_prefix("6304")
        .is_some_and(|crc| crc.len() == 4 && crc.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A field that holds a row itself.
fn template(value: &str) -> Result<Vec<(String, String)>, Wrong> {
    tlv::read(value).map_err(|_| Wrong::Length)
}

fn account(fields: &[(String, String)]) -> Result<(Scheme, Account), Wrong> {
    for (tag, value) in fields {
        let known = match tag.as_str() {
            "29" => promptpay(&template(value)?),
            "30" => bill(&template(value)?),
            "26" => duitnow(&template(value)?),
            _ => None,
        };
        if let Some(known) = known {
            return Ok(known);
        }
    }
    Ok((Scheme::Other, Account::Other))
}

fn sub<'a>(fields: &'a [(String, String)], tag: &str) -> Option<&'a str> {
    fields.iter().find(|(found, _)| found == tag).map(|(_, value)| value.as_str())
}

fn promptpay(fields: &[(String, String)]) -> Option<(Scheme, Account)> {
    if sub(fields, "00") != Some("A000000677010111") {
        return None;
    }
    let phone = || sub(fields, "01").map(|phone| Account::Phone(national(phone)));
    let id = || sub(fields, "02").map(|id| Account::NationalId(id.to_owned()));
    let wallet = || sub(fields, "03").map(|id| Account::EWallet(id.to_owned()));
    Some((Scheme::PromptPay, phone().or_else(id).or_else(wallet).unwrap_or(Account::Other)))
}

/// `0066801234567` as people write it: `0801234567`.
fn national(phone: &str) -> String {
    phone.strip_prefix("0066").map_or_else(|| phone.to_owned(), |rest| format!("0{rest}"))
}

fn bill(fields: &[(String, String)]) -> Option<(Scheme, Account)> {
    if sub(fields, "00") != Some("A000000677010112") {
        return None;
    }
    let part = |tag: &str| sub(fields, tag).unwrap_or_default().to_owned();
    let account = Account::Bill { biller_id: part("01"), reference1: part("02"), reference2: part("03") };
    Some((Scheme::PromptPay, account))
}

fn duitnow(fields: &[(String, String)]) -> Option<(Scheme, Account)> {
    if sub(fields, "00") != Some("A0000006150001") {
        return None;
    }
    let part = |tag: &str| sub(fields, tag).unwrap_or_default().to_owned();
    Some((Scheme::DuitNow, Account::Merchant { acquirer: part("01"), merchant: part("02") }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DuitNow, Local, PromptPay, duitnow, promptpay};

    fn resealed(body: &str) -> String {
        let code = format!("{body}6304");
        let crc = crc16(code.as_bytes());
        format!("{code}{crc:04X}")
    }

    fn wrong(text: &str) -> &'static str {
        decode(text).unwrap_err().as_str()
    }

    #[test]
    fn a_code_is_read_back() {
        let to = PromptPay::Bill { biller_id: "099400015804189", reference1: "TH7K3Q2M", reference2: "" };
        let code = decode(&promptpay(&to, Some("1250.00")).unwrap()).unwrap();
        assert_eq!(code.scheme, Scheme::PromptPay);
        assert!(code.dynamic);
        assert_eq!(code.amount.as_deref(), Some("1250.00"));
        let Account::Bill { reference1, .. } = code.account else { panic!("a bill") };
        assert_eq!(reference1, "TH7K3Q2M");
    }

    const MERCHANT: DuitNow<'_> = DuitNow {
        acquirer: "890053",
        merchant: "ENTREPOTMY01",
        category: "5999",
        name: "Kedai Facade",
        city: "Pulau Pinang",
        local: None,
        bill_number: "MY-7K3Q-2M",
        reference: "MY-7K3Q-2M",
    };

    #[test]
    fn a_name_in_a_script_of_its_own_stands_beside_the_one_in_ascii() {
        let local = Some(Local {
            language: "th", name: "ร้านหน้าบ้าน", city: "เชียงใหม่"
        });
        let text = duitnow(&DuitNow { local, ..MERCHANT }, Some("12.50")).unwrap();
        assert!(text.contains("5912Kedai Facade6012Pulau Pinang62"), "{text}");
        // Lengths count characters: 2 of the language, 12 and 9.
        assert!(text.contains("64350002th0112ร้านหน้าบ้าน0209เชียงใหม่6304"), "{text}");
        let code = decode(&text).unwrap();
        assert_eq!((code.merchant_name.as_str(), code.bill_number.as_str()), ("Kedai Facade", "MY-7K3Q-2M"));
        assert_eq!((code.local_name.as_str(), code.local_city.as_str()), ("ร้านหน้าบ้าน", "เชียงใหม่"));
        assert_eq!((code.currency.as_str(), code.country.as_str()), ("458", "MY"));
        // In the wild there are names of other scripts in tag 59: they are read all the same.
        let code = decode(&resealed(&text[..text.len() - 8].replace("Facade", "Façade"))).unwrap();
        assert_eq!(code.merchant_name, "Kedai Façade");
    }

    #[test]
    fn names_and_references_are_printable_ascii() {
        for wrong in [
            "Entrepôt Malaysia",
            "ร้าน",
            "a\u{7}b",
            "",
            "  ",
            "!!!",
            "Kedai\u{a0}A",
            "a name of 26 letters, no 26",
        ] {
            let of = |to: DuitNow<'_>| duitnow(&to, None).map_err(|error| error.field);
            assert_eq!(of(DuitNow { name: wrong, ..MERCHANT }), Err("name"), "{wrong}");
            assert_eq!(of(DuitNow { city: wrong, ..MERCHANT }), Err("city"), "{wrong}");
            assert_eq!(
                of(DuitNow {
                    local: Some(Local { language: wrong, name: "ร้าน", city: "" }), ..MERCHANT
                }),
                Err("local.language")
            );
        }
        let text = duitnow(&MERCHANT, None).unwrap();
        assert_eq!(text.len(), text.chars().count());
    }

    #[test]
    fn a_reader_says_what_is_wrong() {
        let good = promptpay(&PromptPay::Phone("0801234567"), None).unwrap();
        assert!(decode(&good).is_ok());
        assert_eq!(wrong(&good.replace("TH", "TX")), "crc");
        assert_eq!(wrong(&good[..40]), "truncated");
        assert_eq!(wrong(&good.replace("2937", "2957")), "length");
        assert_eq!(wrong(&resealed("00020101021129370016A00000067701011101130066801234567")), "missing_tag");
        assert_eq!(wrong("https://example.com/pay"), "not_mpm");
        assert_eq!(wrong(""), "not_mpm");
        assert_eq!(
            wrong("00020101021129370016A000000677010111011300668012345675802TH5303764"),
            "missing_tag"
        );
        assert!(
            decode(&resealed("00020201021129370016A000000677010111011300668012345675802TH5303764")).is_ok()
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = decode(&text);
            let _ = decode(&format!("000201{text}"));
        }

        #[test]
        fn any_one_changed_character_is_noticed(place in 0usize..60, letter in "[0-9A-Z]") {
            let good = promptpay(&PromptPay::Phone("0801234567"), Some("4.22")).unwrap();
            let mut changed: Vec<char> = good.chars().collect();
            let place = place % changed.len();
            changed[place] = letter.chars().next().unwrap();
            let changed: String = changed.into_iter().collect();
            proptest::prop_assert!(changed == good || decode(&changed).is_err());
        }
    }
}
