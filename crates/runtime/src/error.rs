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
    /// What a database has stored is damaged.
    #[error("the database of {service} ({place}) is damaged: {faults}; {remedy}")]
    Damaged {
        /// Which service.
        service: &'static str,
        /// Its file.
        place: String,
        /// What is wrong.
        faults: String,
        /// What to do.
        remedy: String,
    },
    /// A database's file cannot be opened.
    #[error(
        "the database of {service} ({place}) cannot be opened: {source}; make sure that this is a file that the hub may read and write, in a folder that it may write to, or restore the databases of all services from one backup"
    )]
    Unopenable {
        /// Which service.
        service: &'static str,
        /// Its file.
        place: String,
        /// Why not.
        source: db::Error,
    },
    /// There is nothing to adopt.
    #[error("data: the folder {folder} has no databases of this hub; name the folder that has them")]
    NoDatabases {
        /// Which folder.
        folder: PathBuf,
    },
    /// A service does not take its database as it is.
    #[error("{service}: {problem}")]
    NotAdopted {
        /// Which service.
        service: &'static str,
        /// What is wrong and what helps.
        problem: String,
    },
    /// A database of another service, or of another hub.
    #[error(
        "the database of {service} ({place}) is that of {is}, not of {service} of the hub {hub}; nothing was changed: put \
         the right one in its place, with its own -wal and -shm files if it has any"
    )]
    Foreign {
        /// Which service.
        service: &'static str,
        /// Its file.
        place: String,
        /// Whose it is.
        is: String,
        /// Which hub starts.
        hub: String,
    },
    /// A database is not the one that the hub had.
    #[error("{gap} (the database of {service}: {place}); {remedy}")]
    Discontinued {
        /// Which service.
        service: &'static str,
        /// Its file.
        place: String,
        /// What does not fit.
        gap: String,
        /// What to do.
        remedy: String,
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
    #[error("peers.{service}: `{address}` is not an address such as http://order:50052")]
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
    /// The reference rates cannot be used.
    #[error("exchange.ecb_rates_file: {0}")]
    Rates(#[from] hub::RatesError),
    /// A service that asks others has no key to sign its calls with.
    #[error(
        "keys.service: {service} calls {asked}, which runs elsewhere, and has no key to sign its calls with; make one with \
         `entrepot keys make` and name its file"
    )]
    NoServiceKey {
        /// Which service.
        service: &'static str,
        /// Whom it asks.
        asked: &'static str,
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
