//! Paying a QR code in a sandbox.

use db::{Command, Tx};
use money::{Currency, Money};

use super::report_receipt::ReportReceipt;
use super::{App, Error};
use crate::domain::qr;
use crate::domain::receipt::SuspenseReason;

/// Pays a code as a buyer's bank app would: reads it, and reports what it asks for. Why the money is in suspense,
/// `None` when it paid an order.
#[derive(Debug)]
pub(crate) struct PayQr {
    pub(crate) payload: String,
    /// Empty: one that is made of the code's reference.
    pub(crate) provider_reference: String,
}

impl Command<App> for PayQr {
    type Output = Option<SuspenseReason>;

    async fn run(&self, app: &App, tx: &mut Tx) -> Result<Option<SuspenseReason>, Error> {
        app.in_sandbox("only a sandbox hub has a sandbox provider")?;
        self.receipt()?.run(app, tx).await
    }
}

impl PayQr {
    fn receipt(&self) -> Result<ReportReceipt, Error> {
        let invalid = |problem: String| Error::invalid("qr_payload", problem);
        let (order_reference, amount, currency) = qr::read(&self.payload).map_err(invalid)?;
        let known = Currency::all().find(|known| format!("{:03}", known.numeric()) == currency);
        let currency =
            known.ok_or_else(|| invalid(format!("names the currency {currency}, which is unknown")))?;
        let amount = Money::parse(&amount, currency).map_err(|error| invalid(error.to_string()))?;
        let provider_reference = match self.provider_reference.as_str() {
            "" => format!("sandbox-{order_reference}"),
            given => given.to_owned(),
        };
        Ok(ReportReceipt { provider_reference, order_reference, amount })
    }
}
