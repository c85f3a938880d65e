//! tmp
mod config;
mod domain;
mod facts;
mod market;
mod store;
mod wire;
