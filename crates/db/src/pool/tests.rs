//! What is lent again, what is closed, and what is told to those who get nothing.

use std::net::TcpListener;
use std::str::FromStr as _;

use futures::future::join;
use futures::poll;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Postgres, Sqlite};

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const SOON: Duration = Duration::from_millis(150);

/// A file of a test's own, and at most so many connections to it.
fn sqlite(connections_max: u32, stays: Option<(Duration, Duration)>) -> (Pool<Sqlite>, testkit::Database) {
    let database = testkit::Database::sqlite();
    let options =
        SqliteConnectOptions::from_str(database.url()).expect("a test's URL").create_if_missing(true);
    (Pool::new(options, Limits { connections_max, stays }), database)
}

fn postgres(url: &str) -> Pool<Postgres> {
    let options = PgConnectOptions::from_str(url).expect("a test's URL");
    Pool::new(options, Limits { connections_max: 2, stays: None })
}

async fn lent<D: Database>(pool: &Pool<D>) -> PooledConnection<D> {
    pool.acquire().await.expect("a connection")
}

/// Lets the connection that is next rest for so long.
async fn rest<D: Database>(pool: &Pool<D>, time: Duration) {
    let mut next = pool.0.get().await.expect("a connection");
    next.rests_since = next.rests_since.checked_sub(time).expect("a machine that runs for so long");
}

async fn refused<D: Database>(pool: &Pool<D>) -> Unavailability {
    match pool.acquire_within(SOON).await {
        Err(Error::Unavailable(silence)) => silence,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("there was one"),
    }
}

fn connections(max: u32, open: u32, idle: u32) -> Connections {
    Connections { max, open, idle }
}

#[tokio::test]
async fn the_one_that_was_used_last_is_used_next() {
    let (pool, _database) = sqlite(3, None);
    let (first, second) = (lent(&pool).await, lent(&pool).await);
    assert!(!second.was_idle());
    let id = second.object.as_ref().map(Object::id);
    first.release();
    second.release();
    assert_eq!(pool.connections(), connections(3, 2, 2));
    let next = lent(&pool).await;
    assert!(next.was_idle() && next.object.as_ref().map(Object::id) == id);
    assert_eq!(pool.connections(), connections(3, 2, 1));
}

#[tokio::test]
async fn one_that_is_dropped_is_closed_and_what_it_was_at_is_undone() {
    let (pool, _database) = sqlite(1, None);
    let mut connection = lent(&pool).await;
    sqlx::raw_sql("create table shelves (id bigint)").execute(&mut *connection).await.expect("a table");
    connection.release();
    let mut connection = lent(&pool).await;
    sqlx::raw_sql("begin immediate; insert into shelves values (1)")
        .execute(&mut *connection)
        .await
        .expect("a row");
    drop(connection);
    assert_eq!(pool.connections(), connections(1, 0, 0));
    let mut next = lent(&pool).await;
    assert!(!next.was_idle());
    sqlx::raw_sql("begin immediate").execute(&mut *next).await.expect("it is in no transaction");
    let (rows,): (i64,) =
        sqlx::query_as("select count(*) from shelves").fetch_one(&mut *next).await.expect("a count");
    assert_eq!(rows, 0);
}

#[tokio::test]
async fn who_waits_in_vain_hears_that_all_are_in_use() {
    let (pool, _database) = sqlite(1, None);
    let user = lent(&pool).await;
    let silence = refused(&pool).await;
    assert!(matches!(silence, Unavailability::Busy { connections: 1, waited: SOON }), "{silence:?}");
    user.release();
    assert!(pool.acquire_within(SOON).await.is_ok());
}

#[tokio::test]
async fn who_cannot_connect_hears_what_the_server_said() {
    let place = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = place.local_addr().expect("an address");
    let pool = postgres(&format!("postgres://hub@{address}/hub"));
    // It takes the connection, and says nothing.
    let silence = refused(&pool).await;
    assert_eq!(silence.to_string(), "no connection within 150ms: no answer");
    drop(place);
    let (one, other) = join(refused(&pool), refused(&pool)).await;
    for silence in [one, other] {
        assert_eq!(silence.to_string(), "no connection within 150ms: Connection refused (os error 111)");
    }
}

#[tokio::test]
async fn what_the_server_said_is_forgotten_once_it_lets_one_in() {
    let (pool, _database) = sqlite(2, None);
    *pool.0.manager().refusal() = Some((Instant::now(), "not yet".to_owned()));
    assert!(pool.unavailability(HOUR).to_string().ends_with("not yet"));
    // Nor is it told to one who came later.
    assert!(pool.unavailability(Duration::ZERO).to_string().ends_with("no answer"));
    let _user = lent(&pool).await;
    assert!(pool.unavailability(HOUR).to_string().ends_with("no answer"));
}

#[tokio::test]
async fn what_lasts_is_told_at_once() {
    let options = SqliteConnectOptions::new().filename("/there/is/no/such/folder/shelf.sqlite");
    let pool = Pool::<Sqlite>::new(options, Limits { connections_max: 1, stays: None });
    let error = pool.acquire().await.err();
    assert!(matches!(error, Some(Error::Unavailable(Unavailability::Failing(_)))), "{error:?}");
    let pool = postgres("postgres://hub@%2Fthere%2Fis%2Fno%2Fsuch%2Ffolder/hub");
    let error = pool.acquire().await.err();
    assert!(matches!(error, Some(Error::Unavailable(Unavailability::Lost(_)))), "{error:?}");
}

#[tokio::test]
async fn one_that_stayed_or_rested_long_enough_is_not_lent_again() {
    for (stays, rested) in [((Duration::ZERO, HOUR), Duration::ZERO), ((HOUR, SOON), SOON)] {
        let (pool, _database) = sqlite(1, Some(stays));
        rest(&pool, rested).await;
        assert_eq!(pool.connections(), connections(1, 1, 1));
        assert!(!lent(&pool).await.was_idle(), "{stays:?}");
    }
    // Its rest begins anew with each use.
    let (pool, _database) = sqlite(1, Some((HOUR, HOUR)));
    for _ in 0..2 {
        rest(&pool, HOUR / 2).await;
        let connection = lent(&pool).await;
        assert!(connection.was_idle());
        connection.release();
    }
}

#[tokio::test]
async fn one_that_nobody_needs_any_more_is_closed() {
    let (pool, _database) = sqlite(2, Some((HOUR, HOUR / 2)));
    let (first, second) = (lent(&pool).await, lent(&pool).await);
    first.release();
    rest(&pool, HOUR / 2).await;
    second.release();
    assert_eq!(pool.connections(), connections(2, 1, 1));
}

#[tokio::test]
async fn one_that_its_server_left_is_found_out_after_a_rest() {
    let Some(database) = testkit::Database::postgres().await else { return };
    let pool = postgres(database.url());
    let (mut cut, mut other) = (lent(&pool).await, lent(&pool).await);
    let (pid,): (i32,) =
        sqlx::query_as("select pg_backend_pid()").fetch_one(&mut *cut).await.expect("its process");
    // Waits until it has ended.
    let (ended,): (bool,) = sqlx::query_as("select pg_terminate_backend($1, 10000)")
        .bind(pid)
        .fetch_one(&mut *other)
        .await
        .expect("a role that may");
    assert!(ended);
    cut.release();
    // Without a rest nobody is asked.
    let cut = lent(&pool).await;
    assert!(cut.was_idle());
    cut.release();
    rest(&pool, ASKED_AFTER).await;
    let mut next = lent(&pool).await;
    assert!(!next.was_idle());
    next.ping().await.expect("it lives");
    assert_eq!(pool.connections(), connections(2, 2, 0));
    drop((next, other));
    database.remove().await;
}

#[tokio::test]
async fn who_drains_waits_for_those_in_use_and_gets_what_is_open() {
    let (pool, _database) = sqlite(1, None);
    let user = lent(&pool).await;
    let mut waiting = Box::pin(pool.acquire());
    assert!(poll!(&mut waiting).is_pending());
    let mut draining = Box::pin(pool.drain());
    assert!(poll!(&mut draining).is_pending());
    assert!(matches!(refused(&pool).await, Unavailability::Closed));
    user.release();
    assert!(matches!(waiting.await.err(), Some(Error::Unavailable(Unavailability::Closed))));
    assert_eq!((draining.await.len(), pool.connections()), (1, connections(1, 0, 0)));
}
