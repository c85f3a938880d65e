//! Why a hub does not start: one sentence that names the setting.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A port is taken, or may not be used.
    #[error("{setting}: cannot listen on {address}: {source}; choose another address")]
    Listen {
        /// The setting's name, such as `public`.
        setting: &'static str,
        /// Where it was to listen.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The data folder cannot be used.
    #[error("data: the folder {folder} cannot be used: {source}")]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Another process has the data folder.
    #[error(
        "data: the folder {folder} is in use by another running hub; stop that one or choose another folder"
    )]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// A service's database cannot be used.
    #[error("the database of {service}: {source}")]
    Database {
        /// Which service.
        service: &'static str,
        /// Why not.
        source: db::Error,
    },
    /// A section of the configuration names no service.
    #[error("[{section}] names no service: use {known}")]
    UnknownSection {
        /// What it says.
        section: String,
        /// What it may say.
        known: String,
    },
    /// A service cannot be built from its section.
    #[error("[{service}] {problem}")]
    Section {
        /// Which service.
        service: &'static str,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// A service that this one asks runs nowhere that is known.
    #[error("peers.{service}: no address is set, and it does not run in this process")]
    NoPeer {
        /// Which service.
        service: &'static str,
    },
    /// An address of another service cannot be used.
    #[error("peers.{service}: `{address}` is no address such as http://order:50052")]
    PeerAddress {
        /// Which service.
        service: String,
        /// What it says.
        address: String,
    },
    /// An instance of another service was named twice.
    #[error("peers.{service}: `{address}` is named twice; name each instance once")]
    PeerTwice {
        /// Which service.
        service: String,
        /// Which address.
        address: String,
    },
    /// The hub's keys cannot be used.
    #[error(transparent)]
    Keys(#[from] rpc::KeyError),
    /// A fault of the program: a policy is missing.
    #[error(transparent)]
    Policies(#[from] rpc::PolicyError),
    /// The bus cannot be used.
    #[error(transparent)]
    Bus(#[from] events::BusError),
}
