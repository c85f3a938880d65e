//! The four ways to run a statement. Each takes the transaction, the SQL (`&'static str`, `$1` placeholders) and what
//! to bind; those that fetch take the row's type after the transaction. They await themselves. [`selection!`] shares the
//! text of several statements.

/// Runs a statement; the number of rows that it changed.
#[macro_export]
macro_rules! execute {
    ($tx:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let tx: &mut $crate::Tx = &mut *$tx;
        let sql: &'static str = $sql;
        let result = match tx.connection(sql) {
            Ok($crate::Connection::Postgres(connection)) => {
                $crate::sqlx::query::<$crate::sqlx::Postgres>(sql)$(.bind($bind))*
                    .execute(connection).await.map(|done| done.rows_affected()).map_err($crate::Error::from)
            }
            Ok($crate::Connection::Sqlite(connection)) => {
                $crate::sqlx::query::<$crate::sqlx::Sqlite>(sql)$(.bind($bind))*
                    .execute(connection).await.map(|done| done.rows_affected()).map_err($crate::Error::from)
            }
            Err(error) => Err(error),
        };
        tx.note(result)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fetch {
    ($fetch:ident, $tx:expr, $row:ty, $sql:expr $(, $bind:expr)*) => {{
        let tx: &mut $crate::Tx = &mut *$tx;
        let sql: &'static str = $sql;
        let result = match tx.connection(sql) {
            Ok($crate::Connection::Postgres(connection)) => {
                $crate::sqlx::query_as::<$crate::sqlx::Postgres, $row>(sql)$(.bind($bind))*
                    .$fetch(connection).await.map_err($crate::Error::from)
            }
            Ok($crate::Connection::Sqlite(connection)) => {
                $crate::sqlx::query_as::<$crate::sqlx::Sqlite, $row>(sql)$(.bind($bind))*
                    .$fetch(connection).await.map_err($crate::Error::from)
            }
            Err(error) => Err(error),
        };
        tx.note(result)
    }};
}

/// The one row of a statement; [`Error::RowNotFound`](crate::Error::RowNotFound) when there is none.
#[macro_export]
macro_rules! fetch_one {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__fetch!(fetch_one, $tx, $row, $sql $(, $bind)*)
    };
}

/// The row of a statement, if there is one.
#[macro_export]
macro_rules! fetch_optional {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__fetch!(fetch_optional, $tx, $row, $sql $(, $bind)*)
    };
}

/// All rows of a statement: bound it with `limit`.
#[macro_export]
macro_rules! fetch_all {
    ($tx:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__fetch!(fetch_all, $tx, $row, $sql $(, $bind)*)
    };
}

/// Declares a macro, such as `select!`, that makes one statement of this text and the clause that it is given.
///
/// ```
/// db::selection!(select, "select id, name from sellers ");
/// assert_eq!(select!("where id = $1"), "select id, name from sellers where id = $1");
/// ```
#[macro_export]
macro_rules! selection {
    ($name:ident, $rows:literal) => {
        $crate::__selection!(($) $name $rows);
    };
}

// rustfmt would indent the inner macro further at each run.
#[rustfmt::skip]
#[doc(hidden)]
#[macro_export]
macro_rules! __selection {
    (($dollar:tt) $name:ident $rows:literal) => {
        macro_rules! $name {
            ($dollar clause:literal) => {
                concat!($rows, $dollar clause)
            };
        }
    };
}
