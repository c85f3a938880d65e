//! Reading requests: all that is wrong with one is told at once, by field.

use std::collections::BTreeSet;

use kernel::VariantId;
use proto::order::v1 as message;
use proto::types::v1 as types;
use rpc::{Caller, GuestSecret, Violations};
use trade::Permit;

use crate::domain::pricing::{LINES_MAX, QUANTITY_MAX, RequestedLine};
use crate::domain::returns::Cause;
use crate::trade_policy::TradePolicy;

/// The longest reference of a client.
pub(crate) const REFERENCE_CHARACTERS_MAX: usize = 100;
const POSTCODE_CHARACTERS_MAX: usize = 20;
/// The longest number and authority of a permit.
const PERMIT_NUMBER_CHARACTERS_MAX: usize = 60;
const PERMIT_AUTHORITY_CHARACTERS_MAX: usize = 120;

/// A postcode of the hub's country; of at least no characters, it may be empty.
pub(crate) fn postcode(
    violations: &mut Violations,
    field: &str,
    text: &str,
    least: usize,
    trade_policy: &TradePolicy,
) -> String {
    let postcode = violations.postcode(field, text, least, POSTCODE_CHARACTERS_MAX);
    if !postcode.is_empty()
        && let Some(problem) = trade_policy.profile.postcode_problem(&postcode)
    {
        violations.add(field, problem);
    }
    postcode
}

/// The lines of a quote.
pub(crate) fn requested(lines: &[message::QuoteLine], violations: &mut Violations) -> Vec<RequestedLine> {
    violations.count("lines", lines.len(), 1..=LINES_MAX);
    let mut seen = BTreeSet::new();
    let mut requested = Vec::with_capacity(lines.len().min(LINES_MAX));
    for (place, line) in lines.iter().take(LINES_MAX).enumerate() {
        let variant_id = goods(place, &line.variant_id, line.quantity, &mut seen, violations);
        let permit = permit(&format!("lines[{place}].permit"), line.permit.as_ref(), violations);
        requested.extend(variant_id.map(|variant_id| RequestedLine {
            variant_id,
            quantity: line.quantity,
            permit,
        }));
    }
    requested
}

/// Which variant a line names, and that it is the only one that does.
fn goods(
    place: usize,
    variant_id: &str,
    quantity: i64,
    seen: &mut BTreeSet<VariantId>,
    violations: &mut Violations,
) -> Option<VariantId> {
    let field = format!("lines[{place}].variant_id");
    let variant_id = violations.id(&field, variant_id);
    if variant_id.is_some_and(|id| !seen.insert(id)) {
        violations.add(field, "is listed twice; each variant may appear once");
    }
    violations.quantity(&format!("lines[{place}].quantity"), quantity, QUANTITY_MAX);
    variant_id
}

/// The permit of a line. One with a blank field is none: goods that need a permit are then refused.
fn permit(field: &str, message: Option<&types::Permit>, violations: &mut Violations) -> Option<Permit> {
    let message = message?;
    let number =
        violations.text(&format!("{field}.number"), &message.number, 0, PERMIT_NUMBER_CHARACTERS_MAX);
    let authority = violations.text(
        &format!("{field}.authority"),
        &message.authority,
        0,
        PERMIT_AUTHORITY_CHARACTERS_MAX,
    );
    let is_blank = |text: &str| !text.chars().any(char::is_alphanumeric);
    if is_blank(&message.expires_on) {
        return None;
    }
    let expires_on = violations.day(&format!("{field}.expires_on"), &message.expires_on)?;
    (!is_blank(&number) && !is_blank(&authority)).then_some(Permit { number, authority, expires_on })
}

/// The lines of a return; none: the whole consignment.
pub(crate) fn return_lines(
    lines: &[message::ReturnLine],
    violations: &mut Violations,
) -> Vec<(VariantId, i64)> {
    violations.count("lines", lines.len(), 0..=LINES_MAX);
    let mut seen = BTreeSet::new();
    let mut units = Vec::with_capacity(lines.len().min(LINES_MAX));
    for (place, line) in lines.iter().take(LINES_MAX).enumerate() {
        let variant_id = goods(place, &line.variant_id, line.quantity, &mut seen, violations);
        units.extend(variant_id.map(|variant_id| (variant_id, line.quantity)));
    }
    units
}

/// The secret of a guest, if there is one.
pub(crate) fn guest_secret(text: &str, violations: &mut Violations) -> Option<GuestSecret> {
    if text.is_empty() {
        return None;
    }
    GuestSecret::parse(text).map_err(|problem| violations.add("guest_secret", problem)).ok()
}

/// Whom a caller proves to be: himself by his token, and a guest by the secret.
pub(crate) fn principals(caller: Option<&Caller>, secret: Option<&GuestSecret>) -> Vec<String> {
    caller.map(Caller::principal).into_iter().chain(secret.map(GuestSecret::principal)).collect()
}

/// The client's own reference, if there is one.
pub(crate) fn reference(text: &str, violations: &mut Violations) -> Option<String> {
    let text = violations.text("client_reference", text, 0, REFERENCE_CHARACTERS_MAX);
    (!text.is_empty()).then_some(text)
}

/// Why goods go back; not said: the buyer does not want them.
pub(crate) fn cause(value: i32, violations: &mut Violations) -> Cause {
    match message::ReturnCause::try_from(value) {
        Ok(message::ReturnCause::Unspecified | message::ReturnCause::ChangeOfMind) => Cause::ChangeOfMind,
        Ok(message::ReturnCause::WrongOrDamaged) => Cause::WrongOrDamaged,
        Err(_) => {
            violations.add("cause", format!("{value} is not a cause of a return"));
            Cause::ChangeOfMind
        }
    }
}

/// The state that a list of orders is narrowed to; empty: all.
pub(crate) fn state(value: i32, violations: &mut Violations) -> &'static str {
    match message::OrderState::try_from(value) {
        Ok(message::OrderState::Unspecified) => "",
        Ok(message::OrderState::Placing) => "placing",
        Ok(message::OrderState::AwaitingPayment) => "awaiting_payment",
        Ok(message::OrderState::Confirmed) => "confirmed",
        Ok(message::OrderState::Delivered) => "delivered",
        Ok(message::OrderState::Completed) => "completed",
        Ok(message::OrderState::Cancelled) => "cancelled",
        Err(_) => {
            violations.add("state", format!("{value} is not a state of an order"));
            ""
        }
    }
}
