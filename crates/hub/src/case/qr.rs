//! `qr_encode` and `qr_decode`: merchant-presented codes.

use std::collections::BTreeMap;

use emvco::{Account, DuitNow, PromptPay};
use money::Currency;
use serde::Deserialize;
use serde_json::Value;

use crate::payment_methods::LocalName;

#[derive(Debug, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ToEncode {
    PromptPay {
        #[serde(default)]
        phone: Option<String>,
        #[serde(default, alias = "tax_id")]
        national_id: Option<String>,
        #[serde(default)]
        ewallet_id: Option<String>,
        #[serde(default, alias = "biller")]
        biller_id: Option<String>,
        #[serde(default, alias = "ref1", alias = "reference")]
        reference1: Option<String>,
        #[serde(default, alias = "ref2")]
        reference2: Option<String>,
        #[serde(default)]
        amount: Option<String>,
    },
    DuitNow {
        #[serde(alias = "acquirer_id")]
        acquirer: String,
        #[serde(alias = "merchant_id")]
        merchant: String,
        #[serde(default = "no_category", alias = "mcc", alias = "merchant_category")]
        category: String,
        #[serde(alias = "merchant_name")]
        name: String,
        #[serde(alias = "merchant_city")]
        city: String,
        #[serde(default)]
        local: Option<LocalName>,
        #[serde(default, alias = "bill")]
        bill_number: String,
        #[serde(default, alias = "reference_label")]
        reference: String,
        #[serde(default)]
        amount: Option<String>,
    },
}

/// The category of a merchant that names none.
fn no_category() -> String {
    "0000".to_owned()
}

pub(super) fn encode(input: &ToEncode) -> Result<BTreeMap<&'static str, Value>, String> {
    let payload = match input {
        ToEncode::PromptPay { phone, national_id, ewallet_id, biller_id, reference1, reference2, amount } => {
            let to = match (phone, national_id, ewallet_id, biller_id) {
                (Some(phone), None, None, None) => PromptPay::Phone(phone),
                (None, Some(id), None, None) => PromptPay::NationalId(id),
                (None, None, Some(id), None) => PromptPay::EWallet(id),
                (None, None, None, Some(biller_id)) => PromptPay::Bill {
                    biller_id,
                    reference1: reference1.as_deref().unwrap_or_default(),
                    reference2: reference2.as_deref().unwrap_or_default(),
                },
                _ => return Err("one of phone, national_id, ewallet_id or biller_id is needed".to_owned()),
            };
            emvco::promptpay(&to, amount.as_deref())
        }
        ToEncode::DuitNow {
            acquirer,
            merchant,
            category,
            name,
            city,
            local,
            bill_number,
            reference,
            amount,
        } => {
            let local = local.as_ref().map(LocalName::as_local);
            let to = DuitNow { acquirer, merchant, category, name, city, local, bill_number, reference };
            emvco::duitnow(&to, amount.as_deref())
        }
    };
    let payload = payload.map_err(|error| error.to_string())?;
    Ok(BTreeMap::from([("payload", Value::String(payload))]))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToDecode {
    payload: String,
}

pub(super) fn decode(input: &ToDecode) -> BTreeMap<&'static str, Value> {
    let text = |text: &str| Value::String(text.to_owned());
    let code = match emvco::decode(&input.payload) {
        Ok(code) => code,
        Err(wrong) => {
            return BTreeMap::from([("valid", Value::Bool(false)), ("reason", text(wrong.as_str()))]);
        }
    };
    let mut outcome = BTreeMap::from([
        ("valid", Value::Bool(true)),
        ("scheme", text(code.scheme.as_str())),
        ("dynamic", Value::Bool(code.dynamic)),
        ("country", text(&code.country)),
        (
            "currency",
            text(&currency(&code.currency).map_or(code.currency.clone(), |found| found.code().to_owned())),
        ),
    ]);
    let mut add = |field, value: &str| {
        if !value.is_empty() {
            outcome.insert(field, text(value));
        }
    };
    add("amount", code.amount.as_deref().unwrap_or_default());
    add("merchant_name", &code.merchant_name);
    add("merchant_city", &code.merchant_city);
    add("name", &code.merchant_name);
    add("city", &code.merchant_city);
    add("local_name", &code.local_name);
    add("local_city", &code.local_city);
    add("bill_number", &code.bill_number);
    add("reference", &code.reference);
    match &code.account {
        Account::Phone(phone) => add("phone", phone),
        Account::NationalId(id) => add("national_id", id),
        Account::EWallet(id) => add("ewallet_id", id),
        Account::Bill { biller_id, reference1, reference2 } => {
            add("biller_id", biller_id);
            add("reference1", reference1);
            add("reference2", reference2);
        }
        Account::Merchant { acquirer, merchant } => {
            add("acquirer", acquirer);
            add("merchant", merchant);
        }
        Account::Other => {}
    }
    outcome
}

/// By its ISO 4217 number.
fn currency(number: &str) -> Option<Currency> {
    let number: u16 = number.parse().ok()?;
    Currency::all().find(|currency| currency.numeric() == number)
}
