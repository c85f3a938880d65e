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
    Unavailable(#[source] Unavailability),
    /// Another transaction came first; running again helps.
    #[error("conflict with another transaction: {0}")]
    Serialization(#[source] sqlx::Error),
    /// A row of the same key is there already. Guard with `on conflict` where that is expected: SQLite does not say
    /// which constraint it was.
    #[error("a row with the same key already exists")]
    Conflict,
    /// A row refers to one that is not there, or would lose the one that it refers to.
    #[error("a foreign key refers to no row")]
    Reference,
    /// A value breaks a check or a not-null of its table.
    #[error("a value violates a constraint of its table: {0}")]
    Check(#[source] sqlx::Error),
    /// [`crate::fetch_one!`] found none.
    #[error("the row does not exist")]
    RowNotFound,
    /// The closure continued after a statement had failed: it is rolled back, as PostgreSQL does anyway.
    #[error("the transaction was continued after a failed statement")]
    Broken,
    /// A read of [`crate::Db::read_one`] that was more than one select.
    #[error("read_one runs one select: read more with `read`, in a snapshot")]
    MoreThanOneSelect,
    /// A read of [`crate::Db::search`] took longer than it may.
    #[error("it exceeded its time limit")]
    SearchTimeout,
    /// Others were browsing for as long as it could wait.
    #[error("too many searches are running")]
    SearchesBusy,
    /// The work panicked; it is rolled back.
    #[error("the transaction's closure panicked")]
    Panicked,
    /// A command of a batch was dropped before it had begun: its caller was late, or the process ends.
    #[error("it was not begun")]
    NotBegun,
    /// A batch had another number of outcomes than commands: a fault of the program.
    #[error("a batch has another number of outcomes than of commands")]
    Outcomes,
    /// The URL is none of ours.
    #[error("`{0}` is not a database: use sqlite:PATH or postgres://USER@HOST/NAME")]
    Url(String),
    /// The schema could not be brought up to date.
    #[error("migration {set}: {problem}")]
    Migration {
        /// Which set.
        set: &'static str,
        /// What is wrong, and what helps.
        problem: String,
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
pub enum Unavailability {
    /// Others had all its connections.
    #[error("all its connections ({connections}) were in use for {waited:?}")]
    Busy {
        /// How long the caller waited.
        waited: Duration,
        /// How many connections there are at most.
        connections: u32,
    },
    /// So many commands of one kind wait of one who asks.
    #[error("{waiting} commands of the same kind wait already")]
    TooManyWaiting {
        /// The most that may.
        waiting: usize,
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
    /// It answers, and cannot do its work: its disk is full, lets nothing be written or fails, another process has it, or
    /// what it has stored is damaged. The connection holds.
    #[error("it is not operational: {0}")]
    Failing(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for Unavailability {
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

impl Error {
    /// Whether it is of the database's state and not of what it was told to do: the same again will do once the database
    /// is well. What is not, comes again however often it is tried.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::Serialization(_) | Self::SearchTimeout | Self::SearchesBusy
        )
    }

    /// Whether what is stored is damaged, or is no database at all.
    pub fn is_damage(&self) -> bool {
        let Self::Unavailable(Unavailability::Failing(error)) = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        match code.parse::<u32>() {
            Ok(code) => matches!(code & 0xff, 11 | 26),
            Err(_) => matches!(code.as_ref(), "XX001" | "XX002"),
        }
    }

    /// Whether its file cannot be opened, such as one without the rights, or a folder in its place.
    pub fn is_unopenable(&self) -> bool {
        let Self::Unavailable(Unavailability::Failing(error)) = self else { return false };
        let code = error.as_database_error().and_then(|error| error.code()).unwrap_or_default();
        code.parse::<u32>().is_ok_and(|code| code & 0xff == 14)
    }

    /// Whether its connection is gone.
    pub(crate) fn is_loss(&self) -> bool {
        matches!(self, Self::Unavailable(silence) if !matches!(silence, Unavailability::Failing(_)))
    }

    /// Whether the database is to blame, and not how much was asked of it at once.
    pub(crate) fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(
                Unavailability::Lost(_) | Unavailability::Failing(_) | Unavailability::Unreachable { .. }
            )
        )
    }
}

/// Whether running a transaction again may help. A use case's error passes on its database error's answer.
pub trait Retryable {
    /// The database's error behind it, if it is one's.
    fn database(&self) -> Option<&Error>;

    /// Whether it may.
    fn is_retryable(&self) -> bool {
        matches!(self.database(), Some(Error::Serialization(_)))
    }
}

impl Retryable for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
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

/// Whether the database cannot do its work, whatever the statement.
pub(crate) fn is_of_the_database(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| matches!(state(&code), ErrorClass::Lost | ErrorClass::Failing))
}

fn by_code(code: &str, error: sqlx::Error) -> Error {
    match state(code) {
        ErrorClass::Overtaken => Error::Serialization(error),
        ErrorClass::Lost => Error::Unavailable(error.into()),
        ErrorClass::Failing => Error::Unavailable(Unavailability::Failing(Arc::new(error))),
        ErrorClass::Stopped => Error::SearchTimeout,
        ErrorClass::Well => Error::Other(error),
    }
}

/// What an error's code says of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorClass {
    /// Another transaction came first.
    Overtaken,
    /// The connection is gone, or none is to be had now.
    Lost,
    /// It cannot do its work now.
    Failing,
    /// It stopped the statement, whose time was over, or because an operator said so.
    Stopped,
    /// It is well: what it was told to do is wrong.
    Well,
}

/// PostgreSQL's codes have five characters, SQLite's are numbers of fewer.
fn state(code: &str) -> ErrorClass {
    match code.parse() {
        Ok(code_of_sqlite) if code.len() < 5 => sqlite_state(code_of_sqlite),
        _ => postgres_state(code),
    }
}

/// By SQLSTATE: its first two characters are the class.
fn postgres_state(code: &str) -> ErrorClass {
    match code {
        // Serialization failure, deadlock, lock not available.
        "40001" | "40P01" | "55P03" => ErrorClass::Overtaken,
        // The transaction was idle for too long, and its session ended.
        "25P03" | "25P04" => ErrorClass::Lost,
        "57014" => ErrorClass::Stopped,
        // Read-only; a full disk, too little memory, a limit of the configuration.
        "25006" | "53100" | "53200" | "53400" => ErrorClass::Failing,
        _ => match code.get(..2).unwrap_or_default() {
            // Connection exceptions; resources such as connections; an operator shuts it down, or it starts.
            "08" | "53" | "57" => ErrorClass::Lost,
            // The system under it: I/O, files; damaged rows or indexes; and what PostgreSQL itself did not expect, such as
            // a full disk when it lets a connection in. Never what it was told to do.
            "58" | "XX" => ErrorClass::Failing,
            _ => ErrorClass::Well,
        },
    }
}

/// By SQLite's result code, whose lowest eight bits are the primary one.
fn sqlite_state(code: u32) -> ErrorClass {
    /// Another connection changed what this transaction had read.
    const BUSY_SNAPSHOT: u32 = 517;
    const LOCKED: u32 = 6;
    match (code, code & 0xff) {
        (BUSY_SNAPSHOT, _) | (_, LOCKED) => ErrorClass::Overtaken,
        // Busy for longer than its patience; out of memory; read-only; I/O; corrupt; full; cannot open; the locking
        // protocol; a file too large for the system; not a database.
        (_, 9) => ErrorClass::Stopped,
        (_, 5 | 7 | 8 | 10 | 11 | 13 | 14 | 15 | 22 | 26) => ErrorClass::Failing,
        _ => ErrorClass::Well,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_tells_the_databases_state_from_a_wrong_statement() {
        for (code, expected) in [
            ("40001", ErrorClass::Overtaken),
            ("40P01", ErrorClass::Overtaken),
            ("08006", ErrorClass::Lost),
            ("53300", ErrorClass::Lost),
            ("57P01", ErrorClass::Lost),
            ("57P03", ErrorClass::Lost),
            ("25P03", ErrorClass::Lost),
            ("25006", ErrorClass::Failing),
            ("53100", ErrorClass::Failing),
            ("53200", ErrorClass::Failing),
            ("57014", ErrorClass::Stopped),
            ("58030", ErrorClass::Failing),
            ("58P01", ErrorClass::Failing),
            ("XX001", ErrorClass::Failing),
            ("XX002", ErrorClass::Failing),
            ("XX000", ErrorClass::Failing),
            ("22003", ErrorClass::Well),
            ("42P01", ErrorClass::Well),
            ("25P02", ErrorClass::Well),
            ("", ErrorClass::Well),
        ] {
            assert_eq!(state(code), expected, "{code}");
        }
        for (code, expected) in [
            (517, ErrorClass::Overtaken),
            (6, ErrorClass::Overtaken),
            (262, ErrorClass::Overtaken),
            (5, ErrorClass::Failing),
            (773, ErrorClass::Failing),
            (7, ErrorClass::Failing),
            (8, ErrorClass::Failing),
            (1_032, ErrorClass::Failing),
            (10, ErrorClass::Failing),
            (778, ErrorClass::Failing),
            (4_874, ErrorClass::Failing),
            (11, ErrorClass::Failing),
            (13, ErrorClass::Failing),
            (14, ErrorClass::Failing),
            (26, ErrorClass::Failing),
            (9, ErrorClass::Stopped),
            (1, ErrorClass::Well),
            (0, ErrorClass::Well),
            (19, ErrorClass::Well),
            (20, ErrorClass::Well),
        ] {
            assert_eq!(state(&code.to_string()), expected, "{code}");
        }
    }
}
