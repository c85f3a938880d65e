//! Writing codes.

use crate::crc16;
use crate::tlv::{VALUE_CHARACTERS_MAX, field};

/// PromptPay's credit transfer, and its bill payment.
const PROMPTPAY_TRANSFER: &str = "A000000677010111";
const PROMPTPAY_BILL: &str = "A000000677010112";
/// DuitNow's QR.
const DUITNOW: &str = "A0000006150001";

/// To whom a PromptPay code pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptPay<'a> {
    /// A Thai telephone number of ten digits that begins with 0.
    Phone(&'a str),
    /// A national or tax id of 13 digits.
    NationalId(&'a str),
    /// An e-wallet's id of 15 digits.
    EWallet(&'a str),
    /// A biller, with the references by which it knows the bill: the only one that carries an order number.
    Bill {
        /// 15 digits.
        biller_id: &'a str,
        /// Letters and digits, 1 to 20.
        reference1: &'a str,
        /// Letters and digits, up to 20; may be empty.
        reference2: &'a str,
    },
}

/// What a DuitNow code says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuitNow<'a> {
    /// The acquirer's id.
    pub acquirer: &'a str,
    /// The merchant's id with it.
    pub merchant: &'a str,
    /// The merchant category code, four digits.
    pub category: &'a str,
    /// The merchant's name in ASCII, at most 25 characters.
    pub name: &'a str,
    /// The merchant's city in ASCII, at most 15 characters.
    pub city: &'a str,
    /// Name and city as they are written there.
    pub local: Option<Local<'a>>,
    /// The bill's number, at most 25 characters; may be empty.
    pub bill_number: &'a str,
    /// A reference label, at most 25 characters; may be empty.
    pub reference: &'a str,
}

/// What a merchant's code says, whatever the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant<'a> {
    /// The tag of the scheme's account, 26 to 51.
    pub tag: &'a str,
    /// What identifies the account, beginning with the scheme's own id: tag, name for errors, value.
    pub account: &'a [(&'a str, &'static str, &'a str)],
    /// The merchant category code, four digits.
    pub category: &'a str,
    /// ISO 4217 number of the currency, three digits.
    pub currency: &'a str,
    /// ISO 3166-1 alpha-2.
    pub country: &'a str,
    /// The merchant's name in ASCII, at most 25 characters.
    pub name: &'a str,
    /// The merchant's city in ASCII, at most 15 characters.
    pub city: &'a str,
    /// Name and city as they are written there.
    pub local: Option<Local<'a>>,
    /// The bill's number, at most 25 characters; may be empty.
    pub bill_number: &'a str,
    /// A reference label, at most 25 characters; may be empty.
    pub reference: &'a str,
}

/// A merchant's name in a script of its own, beside the one in ASCII (EMVCo's tag 64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local<'a> {
    /// The language: two letters of ISO 639-1.
    pub language: &'a str,
    /// The name, at most 25 characters.
    pub name: &'a str,
    /// The city, at most 15 characters; may be empty.
    pub city: &'a str,
}

/// A part that a code cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: `{value}` {problem}")]
pub struct Error {
    /// Which part.
    pub field: &'static str,
    /// What it was.
    pub value: String,
    /// What is allowed.
    pub problem: &'static str,
}

/// The text of a PromptPay code; an `amount` such as `4.22` makes it one for a single payment.
pub fn promptpay(to: &PromptPay<'_>, amount: Option<&str>) -> Result<String, Error> {
    let (tag, account) = match to {
        PromptPay::Phone(phone) => {
            let phone = digits("phone", phone, 10)?;
            let rest = phone.strip_prefix('0').ok_or_else(|| wrong("phone", phone, "must begin with 0"))?;
            ("29", field("00", PROMPTPAY_TRANSFER) + &field("01", &format!("0066{rest}")))
        }
        PromptPay::NationalId(id) => {
            ("29", field("00", PROMPTPAY_TRANSFER) + &field("02", digits("national_id", id, 13)?))
        }
        PromptPay::EWallet(id) => {
            ("29", field("00", PROMPTPAY_TRANSFER) + &field("03", digits("ewallet_id", id, 15)?))
        }
        PromptPay::Bill { biller_id, reference1, reference2 } => {
            ("30", bill(biller_id, reference1, reference2)?)
        }
    };
    // PromptPay's own generators write the country before the currency.
    let head = start(amount.is_some()) + &field(tag, &account) + &field("58", "TH") + &field("53", "764");
    Ok(sealed(head + &amount_field(amount)?))
}

fn bill(biller_id: &str, reference1: &str, reference2: &str) -> Result<String, Error> {
    if reference1.is_empty() {
        return Err(wrong("reference1", reference1, "must not be empty"));
    }
    let mut account = field("00", PROMPTPAY_BILL) + &field("01", digits("biller_id", biller_id, 15)?);
    account += &field("02", reference("reference1", reference1)?);
    if !reference2.is_empty() {
        account += &field("03", reference("reference2", reference2)?);
    }
    Ok(account)
}

/// The text of a DuitNow code; an `amount` such as `12.50` makes it one for a single payment.
pub fn duitnow(to: &DuitNow<'_>, amount: Option<&str>) -> Result<String, Error> {
    let account =
        [("00", "scheme", DUITNOW), ("01", "acquirer", to.acquirer), ("02", "merchant", to.merchant)];
    let to = Merchant {
        tag: "26",
        account: &account,
        category: to.category,
        currency: "458",
        country: "MY",
        name: to.name,
        city: to.city,
        local: to.local,
        bill_number: to.bill_number,
        reference: to.reference,
    };
    merchant(&to, amount)
}

/// The text of a merchant's code; an `amount` such as `12.50` makes it one for a single payment.
pub fn merchant(to: &Merchant<'_>, amount: Option<&str>) -> Result<String, Error> {
    let mut account = String::new();
    for (id, name, value) in to.account {
        account += &field(id, text(name, value, 35)?);
        if account.chars().count() > VALUE_CHARACTERS_MAX {
            return Err(wrong(name, value, "is too long together with the rest of the account"));
        }
    }
    let mut code = start(amount.is_some()) + &field(to.tag, &account);
    code += &field("52", digits("category", to.category, 4)?);
    code += &field("53", to.currency);
    code += &amount_field(amount)?;
    code += &field("58", to.country);
    code += &field("59", text("name", to.name, 25)?);
    code += &field("60", text("city", to.city, 15)?);
    let mut more = String::new();
    if !to.bill_number.is_empty() {
        more += &field("01", text("bill_number", to.bill_number, 25)?);
    }
    if !to.reference.is_empty() {
        more += &field("05", text("reference", to.reference, 25)?);
    }
    if !more.is_empty() {
        code += &field("62", &more);
    }
    if let Some(local) = &to.local {
        code += &field("64", &in_own_script(local)?);
    }
    Ok(sealed(code))
}

fn in_own_script(local: &Local<'_>) -> Result<String, Error> {
    let Local { language, name, city } = *local;
    if language.len() != 2 || !language.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(wrong("local.language", language, "must be two lower-case letters, such as th"));
    }
    let mut row = field("00", language) + &field("01", letters("local.name", name, 25)?);
    if !city.is_empty() {
        row += &field("02", letters("local.city", city, 15)?);
    }
    Ok(row)
}

fn start(once: bool) -> String {
    field("00", "01") + &field("01", if once { "12" } else { "11" })
}

fn sealed(code: String) -> String {
    let code = code + "6304";
    let crc = crc16(code.as_bytes());
    format!("{code}{crc:04X}")
}

fn amount_field(amount: Option<&str>) -> Result<String, Error> {
    let Some(amount) = amount else { return Ok(String::new()) };
    let (whole, part) = amount.split_once('.').unwrap_or((amount, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(part) || part.len() > 2 || amount.len() > 13 {
        return Err(wrong("amount", amount, "must be a number with at most two decimals, such as 4.22"));
    }
    Ok(field("54", amount))
}

fn digits<'a>(field: &'static str, value: &'a str, length: usize) -> Result<&'a str, Error> {
    if value.len() == length && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value);
    }
    let problem = match length {
        4 => "must be 4 digits",
        10 => "must be 10 digits",
        13 => "must be 13 digits",
        _ => "must be 15 digits",
    };
    Err(wrong(field, value, problem))
}

fn reference<'a>(field: &'static str, value: &'a str) -> Result<&'a str, Error> {
    if value.len() <= 20 && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Ok(value);
    }
    Err(wrong(field, value, "must be up to 20 capital letters and digits"))
}

/// Printable ASCII, so that readers that count bytes and those that count characters agree on its length.
fn text<'a>(field: &'static str, value: &'a str, most: usize) -> Result<&'a str, Error> {
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(wrong(
            field,
            value,
            "must be printable ASCII; a name in another script belongs in `local`",
        ));
    }
    if !value.bytes().any(|byte| byte.is_ascii_alphanumeric()) {
        return Err(wrong(field, value, "needs a letter or a digit"));
    }
    letters(field, value, most)
}

/// Text of any script: as long as it has characters.
fn letters<'a>(field: &'static str, value: &'a str, most: usize) -> Result<&'a str, Error> {
    if !value.chars().any(char::is_alphanumeric) || value.chars().any(char::is_control) {
        return Err(wrong(field, value, "needs letters or digits, and no control characters"));
    }
    if value.chars().count() <= most {
        return Ok(value);
    }
    Err(wrong(field, value, "is too long for its field"))
}

fn wrong(field: &'static str, value: &str, problem: &'static str) -> Error {
    Error { field, value: value.to_owned(), problem }
}
