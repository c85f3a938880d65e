//! Each mutation once: the same `request_id` again gets the first answer.
//!
//! Keyed by (principal, rpc, request_id). The answer is written in the effect's transaction, so that neither exists
//! without the other. [`once`] is for a use case of one transaction; one of several (placing an order) uses [`begin`]
//! in its first, [`finish`] in its last, and [`wait`] for those who ask meanwhile.
//!
//! The table is also the record of who did what.

mod once;

use chrono::{DateTime, Utc};
use db::{Db, Tx};
use kernel::Clock;
use proto::Mutation;
use proto::convert::Invalid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use sqlx::types::Json;
use tokio::time::Instant;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::{Caller, GuestSecret, status};

pub use once::{OnceOutcome, once};
pub(crate) use once::{conclude, keep_refusal, within};

/// The table of requests, for every service's database.
pub const MIGRATIONS: db::MigrationSet = db::MigrationSet {
    name: "rpc",
    files: &[
        ("0001_requests.sql", include_str!("../migrations/0001_requests.sql")),
        ("0002_large.sql", include_str!("../migrations/0002_large.sql")),
    ],
};

/// How long outcomes are kept.
pub const KEPT: chrono::Duration = chrono::Duration::days(30);
/// How long a large answer is kept, that is one of more than 16 KiB, such as a product with all its variants: kept as
/// long as others, they would fill the disk. The request itself is known for as long as others.
pub const LARGE_KEPT: chrono::Duration = chrono::Duration::days(2);
/// What stands in the place of the message where an answer was forgotten.
const FORGOTTEN: &str = "forgotten";
/// The channel on which those who wait for a request are woken.
const CHANNEL: &str = "requests";
/// The tag of a mutation's `request_id`: field 1, a string.
const REQUEST_ID_TAG: u8 = 0x0a;

/// What tells a mutation from others: who asks, for what, under which id, with which body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// `buyer:somchai`, or a guest by the hash of its secret.
    pub principal: String,
    /// The RPC's name, such as `PlaceOrder`.
    pub rpc: String,
    /// The client's id for it.
    pub request_id: Uuid,
    /// Of the request re-encoded without the id.
    body_hash: Vec<u8>,
    /// What it was in the release before, where that was another.
    #[serde(skip)]
    former_hash: Option<Vec<u8>>,
}

impl Key {
    /// The key of a request, if its id is one.
    pub fn of<M: Mutation>(caller: &Caller, message: &M) -> Result<Self, Invalid> {
        Self::with_principal(caller.principal(), message)
    }

    /// The key of a request without a token: its `request_id` is its own among those of the same secret.
    pub fn of_guest<M: Mutation>(secret: &GuestSecret, message: &M) -> Result<Self, Invalid> {
        Self::with_principal(secret.principal(), message)
    }

    /// With the body by which the release before knew the request: one that it recorded is known again.
    #[must_use]
    pub fn formerly(self, body: &impl prost::Message) -> Self {
        Self { former_hash: Some(body_hash(body)), ..self }
    }

    /// The key of what is recorded among the requests and is no RPC.
    pub fn of_work(caller: &Caller, name: &'static str, id: Uuid, body: &impl prost::Message) -> Self {
        let (principal, rpc) = (caller.principal(), name.to_owned());
        Self { principal, rpc, request_id: id, body_hash: body_hash(body), former_hash: None }
    }

    fn with_principal<M: Mutation>(principal: String, message: &M) -> Result<Self, Invalid> {
        let request_id = Uuid::parse_str(message.request_id()).ok().filter(|id| !id.is_nil());
        let problem = "must be a UUID, a new one for each new request";
        let request_id = request_id.ok_or_else(|| Invalid::new("request_id", problem))?;
        let (rpc, body_hash) = (M::RPC.to_owned(), body_hash(message));
        Ok(Self { principal, rpc, request_id, body_hash, former_hash: None })
    }

    fn is_of(&self, body_hash: &[u8]) -> bool {
        self.body_hash == body_hash || self.former_hash.as_deref() == Some(body_hash)
    }
}

fn body_hash<M: prost::Message>(message: &M) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    Sha256::digest(without_request_id(&bytes)).to_vec()
}

/// prost writes fields in the order of their numbers: the id comes first or not at all.
fn without_request_id(bytes: &[u8]) -> &[u8] {
    let Some(rest) = bytes.strip_prefix(&[REQUEST_ID_TAG]) else { return bytes };
    let mut rest = rest;
    let Ok(length) = prost::decode_length_delimiter(&mut rest) else { return bytes };
    rest.get(length..).unwrap_or_default()
}

/// Where a request stands when it comes in.
#[derive(Debug)]
pub enum RequestState {
    /// It is new: go on, and [`finish`] it.
    New,
    /// It is under way: [`wait`] for it.
    Running,
    /// It was answered: the message's bytes, or the refusal.
    Finished(Result<Vec<u8>, Status>),
}

#[derive(sqlx::FromRow)]
struct Row {
    body_hash: Vec<u8>,
    code: Option<i64>,
    message: String,
    answer: Option<Vec<u8>>,
}

/// Notes a request as under way, or says how it ended.
pub async fn begin(tx: &mut Tx, clock: &Clock, key: &Key) -> Result<RequestState, db::Error> {
    if insert(tx, clock, &[NewRow::running(key)]).await? == 1 {
        return Ok(RequestState::New);
    }
    Ok(read(tx, key).await?.unwrap_or(RequestState::Running))
}

/// Notes requests of a batch as under way. [`db::Error::Conflict`] where one is known already: each by itself finds which.
pub(crate) async fn begin_all(tx: &mut Tx, clock: &Clock, keys: &[&Key]) -> Result<(), db::Error> {
    insert_all(tx, clock, keys.iter().map(|key| NewRow::running(key)).collect()).await
}

/// Notes how requests of a batch ended that were not known before. [`db::Error::Conflict`] as of [`begin_all`].
pub(crate) async fn keep_all(tx: &mut Tx, clock: &Clock, ended: &[(&Key, Vec<u8>)]) -> Result<(), db::Error> {
    insert_all(tx, clock, ended.iter().map(|(key, answer)| NewRow::answered(key, answer)).collect()).await
}

async fn insert_all(tx: &mut Tx, clock: &Clock, mut rows: Vec<NewRow<'_>>) -> Result<(), db::Error> {
    rows.sort_unstable_by_key(|row| (row.principal, row.rpc, row.request_id));
    let inserted = insert(tx, clock, &rows).await?;
    if usize::try_from(inserted).is_ok_and(|inserted| inserted == rows.len()) {
        return Ok(());
    }
    Err(db::Error::Conflict)
}

/// A request as a row.
#[derive(Serialize)]
struct NewRow<'a> {
    principal: &'a str,
    rpc: &'a str,
    request_id: Uuid,
    #[serde(serialize_with = "db::hex")]
    body_hash: &'a [u8],
    code: Option<i64>,
    message: &'a str,
    #[serde(serialize_with = "db::optional_hex")]
    answer: Option<&'a [u8]>,
}

impl<'a> NewRow<'a> {
    fn running(key: &'a Key) -> Self {
        Self {
            principal: &key.principal,
            rpc: &key.rpc,
            request_id: key.request_id,
            body_hash: &key.body_hash,
            code: None,
            message: "",
            answer: None,
        }
    }

    fn answered(key: &'a Key, answer: &'a [u8]) -> Self {
        Self { code: Some(0), answer: Some(answer), ..Self::running(key) }
    }

    fn refused(key: &'a Key, refusal: &'a Status) -> Self {
        let code = Some(i64::from(i32::from(refusal.code())));
        Self { code, message: refusal.message(), answer: Some(refusal.details()), ..Self::running(key) }
    }
}

/// Writes those that are not known; how many were.
async fn insert(tx: &mut Tx, clock: &Clock, rows: &[NewRow<'_>]) -> Result<u64, db::Error> {
    let sql = tx.sql(
        "insert into requests (principal, rpc, request_id, body_hash, requested_at, code, message, answer) \
         select principal, rpc, request_id, decode(body_hash, 'hex'), $2, code, message, decode(answer, 'hex') \
         from jsonb_to_recordset($1) as rows (principal text, rpc text, request_id uuid, body_hash text, code bigint, \
         message text, answer text) order by principal, rpc, request_id \
         on conflict (principal, rpc, request_id) do nothing",
        "insert into requests (principal, rpc, request_id, body_hash, requested_at, code, message, answer) \
         select value ->> 'principal', value ->> 'rpc', unhex(value ->> 'request_id', '-'), \
         unhex(value ->> 'body_hash'), $2, value ->> 'code', value ->> 'message', unhex(value ->> 'answer') \
         from jsonb_each($1) where true on conflict (principal, rpc, request_id) do nothing",
    );
    db::execute!(tx, sql, Json(rows), clock.now())
}

async fn read(tx: &mut Tx, key: &Key) -> Result<Option<RequestState>, db::Error> {
    let row = db::fetch_optional!(
        tx,
        Row,
        "select body_hash, code, message, answer from requests \
         where principal = $1 and rpc = $2 and request_id = $3",
        key.principal.as_str(),
        key.rpc.as_str(),
        key.request_id,
    )?;
    Ok(row.map(|row| {
        if !key.is_of(&row.body_hash) {
            return RequestState::Finished(Err(reused()));
        }
        match row.code {
            None => RequestState::Running,
            Some(0) if row.message == FORGOTTEN => RequestState::Finished(Err(forgotten())),
            Some(0) => RequestState::Finished(Ok(row.answer.unwrap_or_default())),
            Some(code) => {
                RequestState::Finished(Err(refusal(code, row.message, row.answer.unwrap_or_default())))
            }
        }
    }))
}

fn reused() -> Status {
    let message = "this request_id was used for another request: use a new one";
    status::reject(Code::FailedPrecondition, "REQUEST_ID_REUSED", message, &[])
}

fn forgotten() -> Status {
    let message = format!(
        "this request was already carried out, but so large a response is kept for only {} days: read the result instead",
        LARGE_KEPT.num_days()
    );
    status::reject(Code::FailedPrecondition, "ANSWER_NOT_KEPT", message, &[])
}

fn refusal(code: i64, message: String, details: Vec<u8>) -> Status {
    let code = i32::try_from(code).map_or(Code::Unknown, Code::from);
    Status::with_details(code, message, details.into())
}

/// Notes how a request ended and wakes those who wait for it. What may end otherwise next time (bad input, a busy or
/// failing hub) is forgotten instead.
pub async fn finish<T: prost::Message>(
    tx: &mut Tx,
    key: &Key,
    outcome: &Result<T, Status>,
) -> Result<(), db::Error> {
    match outcome {
        Ok(answer) => finish_all(tx, &[(key, Ok(answer.encode_to_vec()))]).await,
        Err(refusal) => finish_all(tx, &[(key, Err(refusal.clone()))]).await,
    }
}

/// As [`finish`], of several requests in one statement; the answers as they are encoded.
pub async fn finish_all(tx: &mut Tx, ended: &[(&Key, Result<Vec<u8>, Status>)]) -> Result<(), db::Error> {
    let mut rows = Vec::with_capacity(ended.len());
    for (key, outcome) in ended {
        match outcome {
            Ok(answer) => rows.push(NewRow::answered(key, answer)),
            Err(refusal) if is_kept(refusal.code()) => rows.push(NewRow::refused(key, refusal)),
            Err(_) => forget(tx, key).await?,
        }
        tx.notify_about(CHANNEL, key.request_id);
    }
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable_by_key(|row| (row.principal, row.rpc, row.request_id));
    let sql = tx.sql(
        "update requests set code = rows.code, message = rows.message, answer = decode(rows.answer, 'hex') \
         from jsonb_to_recordset($1) as rows (principal text, rpc text, request_id uuid, code bigint, message text, \
         answer text) where requests.principal = rows.principal and requests.rpc = rows.rpc \
         and requests.request_id = rows.request_id",
        "update requests set code = rows.code, message = rows.message, answer = unhex(rows.answer) \
         from (select value ->> 'principal' as principal, value ->> 'rpc' as rpc, \
             unhex(value ->> 'request_id', '-') as request_id, value ->> 'code' as code, \
             value ->> 'message' as message, value ->> 'answer' as answer from jsonb_each($1)) as rows \
         where requests.principal = rows.principal and requests.rpc = rows.rpc \
         and requests.request_id = rows.request_id",
    );
    db::execute!(tx, sql, Json(&rows))?;
    Ok(())
}

async fn forget(tx: &mut Tx, key: &Key) -> Result<(), db::Error> {
    db::execute!(
        tx,
        "delete from requests where principal = $1 and rpc = $2 and request_id = $3",
        key.principal.as_str(),
        key.rpc.as_str(),
        key.request_id,
    )?;
    Ok(())
}

/// Refusals that stand: the same request again would be refused again, or must not suddenly succeed.
pub(crate) fn is_kept(code: Code) -> bool {
    matches!(code, Code::FailedPrecondition | Code::NotFound | Code::AlreadyExists | Code::PermissionDenied)
}

/// How a request ended that was answered before; `None` where it is new or under way.
pub async fn ended<T: prost::Message + Default>(db: &Db, key: &Key) -> Result<Option<T>, Status> {
    match look(db, key).await? {
        Some(RequestState::Finished(outcome)) => outcome.and_then(|bytes| decode(&bytes)).map(Some),
        Some(RequestState::New | RequestState::Running) | None => Ok(None),
    }
}

async fn look(db: &Db, key: &Key) -> Result<Option<RequestState>, Status> {
    let owned = key.clone();
    let found: Result<Option<RequestState>, db::Error> = db
        .read_one(move |tx| {
            let key = owned.clone();
            Box::pin(async move { read(tx, &key).await })
        })
        .await;
    found.map_err(|error| status::database(&error))
}

/// Waits for a request that is under way; past the deadline ABORTED, with when to ask again.
pub async fn wait<T: prost::Message + Default>(db: &Db, key: &Key, deadline: Instant) -> Result<T, Status> {
    let mut woken = db.listen_about(CHANNEL, key.request_id);
    loop {
        match look(db, key).await? {
            Some(RequestState::Finished(outcome)) => return outcome.and_then(|bytes| decode(&bytes)),
            Some(RequestState::New | RequestState::Running) => {}
            None => return Err(still_running("the request was abandoned; send it again")),
        }
        if tokio::time::timeout_at(deadline, woken.recv()).await.is_err() {
            return Err(still_running("the same request is still in progress; send it again later"));
        }
    }
}

fn still_running(message: &str) -> Status {
    status::retry(Code::Aborted, "REQUEST_RUNNING", message, status::RETRY_AFTER)
}

pub(crate) fn decode<T: prost::Message + Default>(bytes: &[u8]) -> Result<T, Status> {
    T::decode(bytes).map_err(|error| status::internal(format!("a stored response cannot be read: {error}")))
}

/// A request as operators see it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct StoredRequest {
    /// Who.
    pub principal: String,
    /// What.
    pub rpc: String,
    /// Under which id.
    pub request_id: Uuid,
    /// When.
    pub requested_at: DateTime<Utc>,
    /// The gRPC code; `None` while it is under way.
    pub code: Option<i64>,
}

/// Who did what, newest first, before the position (time, id) given; of one principal, or of all when empty.
pub async fn recorded(
    tx: &mut Tx,
    principal: &str,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<StoredRequest>, db::Error> {
    let (at, id) = before.unwrap_or((DateTime::<Utc>::MAX_UTC, Uuid::max()));
    // The greatest time that both engines hold.
    let at = at.min(DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(at));
    db::fetch_all!(
        tx,
        StoredRequest,
        "select principal, rpc, request_id, requested_at, code from requests where ($1 = '' or principal = $1) \
         and (requested_at < $2 or (requested_at = $2 and request_id < $3)) \
         order by requested_at desc, request_id desc limit $4",
        principal,
        at,
        id,
        limit,
    )
}

/// Forgets outcomes of before `before`, and large answers of before what [`LARGE_KEPT`] makes of it, a batch at a time;
/// how many. Those under way stay.
pub async fn sweep(tx: &mut Tx, before: DateTime<Utc>, limit: i64) -> Result<u64, db::Error> {
    let old = db::execute!(
        tx,
        "delete from requests where (principal, rpc, request_id) in (select principal, rpc, request_id from requests \
         where requested_at < $1 and code is not null order by requested_at limit $2)",
        before,
        limit,
    )?;
    // Its condition is that of the index `requests_large`.
    let large = db::execute!(
        tx,
        "update requests set answer = null, message = $3 where (principal, rpc, request_id) in \
         (select principal, rpc, request_id from requests \
         where requested_at < $1 and code = 0 and length(answer) > 16384 order by requested_at limit $2)",
        before + (KEPT - LARGE_KEPT),
        limit,
        FORGOTTEN,
    )?;
    Ok(old + large)
}

/// As [`sweep`], of one RPC, whose outcomes need not be kept for so long.
pub async fn sweep_of(tx: &mut Tx, rpc: &str, before: DateTime<Utc>, limit: i64) -> Result<u64, db::Error> {
    db::execute!(
        tx,
        "delete from requests where (principal, rpc, request_id) in (select principal, rpc, request_id from requests \
         where rpc = $1 and requested_at < $2 and code is not null order by requested_at limit $3)",
        rpc,
        before,
        limit,
    )
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_hash_leaves_the_id_out() {
        let message = |request_id: &str, subject: &str| proto::catalog::v1::WithdrawProductRequest {
            request_id: request_id.to_owned(),
            product_id: subject.to_owned(),
            etag: String::new(),
        };
        assert_eq!(body_hash(&message("a", "x")), body_hash(&message("b", "x")));
        assert_ne!(body_hash(&message("a", "x")), body_hash(&message("a", "y")));
        assert_eq!(body_hash(&message("", "x")), body_hash(&message("b", "x")));
        let caller = Caller::new(crate::Role::Seller, "x");
        assert!(Key::of(&caller, &message("not-a-uuid", "")).is_err());
    }

    #[test]
    fn guests_share_no_namespace() {
        let message = proto::catalog::v1::WithdrawProductRequest {
            request_id: "0d3f1a52-8b0e-4e0a-9c55-0b8f4f6f7a01".to_owned(),
            ..proto::catalog::v1::WithdrawProductRequest::default()
        };
        let key = |secret: &GuestSecret| Key::of_guest(secret, &message).unwrap();
        let (one, other) = (GuestSecret::make().unwrap(), GuestSecret::make().unwrap());
        assert_eq!(key(&one), key(&one));
        assert_ne!(key(&one), key(&other));
        assert!(!format!("{:?}", key(&one)).contains(one.reveal()));
    }

    #[test]
    fn every_mutation_has_its_request_id_in_field_1() {
        use prost::Message as _;
        let files = prost_types::FileDescriptorSet::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
        let messages = files.file.iter().flat_map(|file| &file.message_type);
        let fields = messages.flat_map(|message| message.field.iter().map(move |field| (message, field)));
        for (message, field) in fields.filter(|(_, field)| field.name() == "request_id") {
            // A recorded request shows an id; it is none.
            if message.name() != "RecordedRequest" {
                assert_eq!(field.number(), 1, "{}", message.name());
            }
        }
    }
}
