//! Merchant-presented QR codes of EMVCo, as PromptPay (Thailand) and DuitNow (Malaysia) use them: the text of a code
//! and back. Drawing it is the front end's.
//!
//! A code is a row of tag (two digits), length (two digits, counted in characters) and value; 00 comes first, 63
//! (the checksum) last. [`merchant`] writes the code of any scheme that keeps to the standard; `decode` names the
//! accounts of the schemes that it knows.

mod crc;
mod decode;
mod encode;
mod tlv;
mod wrong;

pub use crc::crc16;
pub use decode::{Account, Code, Scheme, decode};
pub use encode::{DuitNow, Error, Local, Merchant, PromptPay, duitnow, merchant, promptpay};
pub use wrong::Wrong;
