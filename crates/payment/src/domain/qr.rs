//! The QR code of an order, and what a receipt names it by.

/// The longest reference that every scheme carries, in characters.
const REFERENCE_CHARACTERS_MAX: usize = 20;

/// An order's number as every scheme can carry it: capital letters and digits.
pub(crate) fn reference(order_number: &str) -> String {
    order_number
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .take(REFERENCE_CHARACTERS_MAX)
        .collect()
}

/// What tells one reference from another, however a payer spells it: its letters and digits of any script, as capitals; all
/// of it where it has none.
pub(crate) fn normalised(order_reference: &str) -> String {
    let kept = order_reference.chars().filter(|letter| letter.is_alphanumeric());
    let kept: String = kept.flat_map(char::to_uppercase).collect();
    if kept.is_empty() { order_reference.to_owned() } else { kept }
}

/// What a code asks for, as a payer's bank reads it: reference, amount, currency number.
pub(crate) fn read(payload: &str) -> Result<(String, String, String), String> {
    let code = emvco::decode(payload).map_err(|wrong| format!("the code {wrong}"))?;
    let reference = match code.account {
        emvco::Account::Bill { reference1, .. } => reference1,
        _ => code.bill_number,
    };
    let amount = code.amount.ok_or("the code names no amount")?;
    Ok((reference, amount, code.currency))
}
