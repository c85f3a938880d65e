//! How buyers may pay. A method is a file here, a row of [`METHODS`] and a value of the API's `PaymentMethod` whose name
//! is the method's code; everything else knows it by its [`PaymentMethodCode`].

mod duitnow;
mod promptpay;

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use duitnow::LocalName;

/// The methods that a profile may offer.
const METHODS: &[Method] = &[
    Method { code: PaymentMethodCode::WALLET.0, settings: |_| Ok(None) },
    Method { code: "promptpay", settings: by_qr::<promptpay::Biller> },
    Method { code: "duitnow", settings: by_qr::<duitnow::Merchant> },
];

/// What a profile says of a method; none of one without a QR code.
type Settings = Result<Option<Arc<dyn QrMethod>>, toml::de::Error>;

/// A row of the table.
struct Method {
    /// As the profile and the API name it, in lower case. Stored with orders and payments: never changed.
    code: &'static str,
    /// Reads what a profile says of it.
    settings: fn(toml::Table) -> Settings,
}

/// A method whose payer scans a QR code, as a profile sets it up.
pub trait QrMethod: fmt::Debug + Send + Sync {
    /// The code's text for a reference of up to 20 capital letters and digits. An amount, in major units of the hub's
    /// currency, makes it one for a single payment. Errors name the profile's key that a code cannot carry.
    fn text(&self, reference: &str, amount: Option<&str>) -> Result<String, emvco::Error>;

    /// How long a code can be paid, in minutes.
    fn expires_minutes(&self) -> u32;
}

fn by_qr<M: QrMethod + DeserializeOwned + 'static>(settings: toml::Table) -> Settings {
    Ok(Some(Arc::new(settings.try_into::<M>()?)))
}

/// A way to pay that a hub offers.
#[derive(Debug, Clone)]
pub struct PaymentMethod {
    code: PaymentMethodCode,
    qr: Option<Arc<dyn QrMethod>>,
}

impl PaymentMethod {
    /// As the API names it.
    pub fn code(&self) -> PaymentMethodCode {
        self.code
    }

    /// How its payers get a QR code; `None` for the buyer's wallet at the hub, which pays at once.
    pub fn qr(&self) -> Option<&dyn QrMethod> {
        self.qr.as_deref()
    }
}

impl<'de> Deserialize<'de> for PaymentMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Section {
            method: PaymentMethodCode,
            #[serde(flatten)]
            settings: toml::Table,
        }
        let Section { method: code, settings } = Section::deserialize(deserializer)?;
        let method = METHODS.iter().find(|method| method.code == code.as_str());
        let method = method.ok_or_else(|| D::Error::custom("has no row in the table of methods"))?;
        let qr = (method.settings)(settings).map_err(|error| D::Error::custom(error.message()))?;
        Ok(Self { code, qr })
    }
}

/// The code of a payment method of the table, such as `wallet`; whether a hub offers it is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PaymentMethodCode(&'static str);

impl PaymentMethodCode {
    /// The buyer's wallet at the hub.
    pub const WALLET: Self = Self("wallet");

    /// Those of all methods.
    pub fn all() -> impl Iterator<Item = Self> {
        METHODS.iter().map(|method| Self(method.code))
    }

    /// The one that is written so.
    pub fn parse(code: &str) -> Option<Self> {
        Self::all().find(|known| known.0 == code)
    }

    /// As text.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for PaymentMethodCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for PaymentMethodCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| {
            let known: Vec<String> = Self::all().map(|known| format!("`{known}`")).collect();
            D::Error::custom(format!("unknown variant `{code}`, expected one of {}", known.join(", ")))
        })
    }
}
