//! Payment methods as the API names them.

use hub::PaymentMethodCode;
use proto::order::v1 as message;

/// What the API's payment methods are named by, before the method's code in capitals.
const METHOD_PREFIX: &str = "PAYMENT_METHOD_";

/// How it is paid.
pub(crate) fn method(code: PaymentMethodCode) -> message::PaymentMethod {
    let name = format!("{METHOD_PREFIX}{}", code.as_str().to_ascii_uppercase());
    message::PaymentMethod::from_str_name(&name).unwrap_or_default()
}

/// The code of an API's payment method; none is unspecified.
pub(crate) fn method_code(method: message::PaymentMethod) -> Option<PaymentMethodCode> {
    let code = method.as_str_name().strip_prefix(METHOD_PREFIX)?;
    PaymentMethodCode::parse(&code.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payment_method_has_its_value_in_the_api() {
        for code in PaymentMethodCode::all() {
            assert_eq!(method_code(method(code)), Some(code), "{code} has no value in PaymentMethod");
        }
        let values = (0..).map_while(|value| message::PaymentMethod::try_from(value).ok());
        let without: Vec<_> = values.filter(|value| method_code(*value).is_none()).collect();
        assert_eq!(without, [message::PaymentMethod::Unspecified]);
    }
}
