//! What can go wrong with a database, told apart once for both engines.

use std::sync::Arc;
use std::time::Duration;

use sqlx::error::ErrorKind;

/// A failure of the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not answer, or all its connections are busy.
    #[error("the database does not answer: {0}")]
    Unavailable(#[source] Silence),
    /// Another transaction came first; running again helps.
    #[error("another transaction came first: {0}")]
    Serialization(#[source] sqlx::Error),
    /// A row of the same key is there already. Guard with `on conflict` where that is expected: SQLite does not say
    /// which constraint it was.
    #[error("a row of the same key is there already")]
    Conflict,
    /// A row refers to one that is not there, or would lose the one that it refers to.
    #[error("a reference to another row does not hold")]
    Reference,
    /// A value breaks a check or a not-null of its table.
    #[error("a value breaks a rule of its table: {0}")]
    Check(#[source] sqlx::Error),
    /// [`crate::fetch_one!`] found none.
    #[error("the row is not there")]
    RowNotFound,
    /// The work went on after a statement had failed: it is rolled back, as PostgreSQL does anyway.
    #[error("a statement failed and the transaction went on")]
    Broken,
    /// A look that was more than one select.
    #[error("a look is one select: read more with `read`, in a snapshot")]
    Look,
    /// The work panicked; it is rolled back.
    #[error("the work panicked")]
    Panicked,
    /// The URL is none of ours.
    #[error("`{0}` is no database: use sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// The schema could not be brought up to date.
    #[error("migration {set}: {}", crate::migrate::problem(set, source))]
    Migration {
        /// Which set.
        set: &'static str,
        /// What happened.
        #[source]
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// Anything else: a fault of the program.
    #[error("{0}")]
    Other(#[source] sqlx::Error),
}

/// Why a database does not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Silence {
    /// Others had all its connections.
    #[error("all its connections ({connections}) were in use for {waited:?}")]
    Busy {
        /// How long the caller waited.
        waited: Duration,
        /// How many connections there are at most.
        connections: u32,
    },
    /// No connection could be made.
    #[error("no connection within {waited:?}: {word}")]
    Unreachable {
        /// How long the caller waited; meanwhile it was tried again and again.
        waited: Duration,
        /// What the last try was told.
        word: String,
    },
    /// It was closed.
    #[error("it was closed")]
    Closed,
    /// Its connection is lost, or was refused for good.
    #[error(transparent)]
    Lost(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for Silence {
    fn from(error: sqlx::Error) -> Self {
        Self::Lost(Arc::new(error))
    }
}

impl Error {
    /// The same again, for another who shares the transaction that it ended.
    pub(crate) fn alike(&self) -> Self {
        let told = || sqlx::Error::Protocol(self.to_string());
        match self {
            Self::Unavailable(silence) => Self::Unavailable(silence.clone()),
            Self::Serialization(_) => Self::Serialization(told()),
            _ => Self::Other(told()),
        }
    }
}

/// Says whether running a transaction again may help. An error of a use case passes on its database's word.
pub trait Retryable {
    /// Whether it may.
    fn is_retryable(&self) -> bool;
}

impl Retryable for Error {
    fn is_retryable(&self) -> bool {
        matches!(self, Self::Serialization(_))
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::RowNotFound,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Unavailable(error.into()),
            sqlx::Error::Database(database) => match database.kind() {
                ErrorKind::UniqueViolation => Self::Conflict,
                ErrorKind::ForeignKeyViolation => Self::Reference,
                ErrorKind::CheckViolation | ErrorKind::NotNullViolation => Self::Check(error),
                _ => {
                    let code = database.code().map(|code| code.into_owned()).unwrap_or_default();
                    by_code(&code, error)
                }
            },
            _ => Self::Other(error),
        }
    }
}

/// PostgreSQL: 40001 serialization failure, 40P01 deadlock, 55P03 lock not available, 57P.. the server leaves, 53300
/// too many connections. SQLite: 5 busy and 6 locked, with their extended codes.
fn by_code(code: &str, error: sqlx::Error) -> Error {
    match code {
        "40001" | "40P01" | "55P03" | "5" | "6" | "261" | "262" | "517" | "518" => {
            Error::Serialization(error)
        }
        "53300" | "57P01" | "57P02" | "57P03" | "08000" | "08003" | "08006" => {
            Error::Unavailable(error.into())
        }
        _ => Error::Other(error),
    }
}
