//! tmp
#![allow(dead_code)]
pub mod domain;
mod store;
