//! A process whose database cannot do its work says so, and serves again once it can.

use std::time::Duration;

use db::sqlx::sqlite::SqliteConnectOptions;
use db::sqlx::{self, AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use proto::operator::internal::v1::AdvanceClockRequest;
use proto::operator::internal::v1::sandbox_service_client::SandboxServiceClient;
use rpc::status::{reason, retry_after};
use rpc::{Bearer, Role};
use testkit::{Database, eventually, on_both};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::shop::{SHOP, dial, folder, settings_on, start};

/// Keeps a database from writing for as long as it is held: another has SQLite's file, PostgreSQL lets nothing be written.
enum Trouble {
    Sqlite(sqlx::SqliteConnection),
    Postgres(String),
}

impl Trouble {
    async fn begin(database: &Database) -> Self {
        let url = database.url().to_owned();
        if let Some(file) = url.strip_prefix("sqlite:") {
            let mut other = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
            sqlx::raw_sql("begin immediate").execute(&mut other).await.unwrap();
            return Self::Sqlite(other);
        }
        read_only(&url, "set default_transaction_read_only = on").await;
        Self::Postgres(url)
    }

    async fn end(self) {
        match self {
            Self::Sqlite(other) => other.close().await.unwrap(),
            Self::Postgres(url) => read_only(&url, "reset default_transaction_read_only").await,
        }
    }
}

async fn read_only(url: &str, change: &str) {
    let mut server = PgConnection::connect(url).await.unwrap();
    let name = url.rsplit_once('/').unwrap().1;
    for statement in [
        "set default_transaction_read_only = off".to_owned(),
        format!("alter database {name} {change}"),
        "select pg_terminate_backend(pid) from pg_stat_activity \
         where datname = current_database() and pid <> pg_backend_pid()"
            .to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut server).await.unwrap();
    }
    server.close().await.unwrap();
}

async fn advance(hub: &runtime::Hub) -> Result<(), Status> {
    let bearer =
        Bearer::new(&hub.issuer().unwrap().sign(Role::Operator, "ops", Duration::from_secs(600)).unwrap())
            .unwrap();
    let mut request = Request::new(AdvanceClockRequest {
        request_id: kernel::EventId::new().uuid().to_string(),
        by: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
    });
    request.set_timeout(Duration::from_secs(30));
    let mut client = SandboxServiceClient::with_interceptor(dial(hub.internal_addr()).await, bearer);
    client.advance_clock(request).await.map(drop)
}

async fn health(hub: &runtime::Hub, expected: ServingStatus) {
    let mut client = HealthClient::new(dial(hub.public_addr()).await);
    eventually(&format!("the health service says {expected:?}"), || {
        let mut client = client.clone();
        async move {
            let answer = client.check(HealthCheckRequest::default()).await.unwrap();
            (answer.get_ref().status() == expected).then_some(())
        }
    })
    .await;
    drop(client.check(HealthCheckRequest::default()).await);
}

on_both! {
    async fn a_database_that_cannot_write_is_told_and_waited_for(database: Database) {
        let folder = folder();
        let hub = start(settings_on(&folder, &database), SHOP).await;
        advance(&hub).await.unwrap();
        let trouble = Trouble::begin(&database).await;
        let refused = advance(&hub).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::Unavailable, Some("DATABASE_UNAVAILABLE")));
        assert!(retry_after(&refused).is_some());
        health(&hub, ServingStatus::NotServing).await;
        trouble.end().await;
        health(&hub, ServingStatus::Serving).await;
        advance(&hub).await.unwrap();
        hub.stop().await;
    }
}
