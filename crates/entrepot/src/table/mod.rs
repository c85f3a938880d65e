//! Tables of text that people give, read in bounded memory: nothing in a file makes a row without end, and a quote that
//! is never closed swallows no other row.

mod lines;
mod records;

pub(crate) use lines::{Lines, TextLine};
pub(crate) use records::{Fault, Record, Records, Shape, cells};
