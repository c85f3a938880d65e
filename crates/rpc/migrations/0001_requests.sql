-- Mutations with their outcome: the answer to the same request again, and who did what. `code` is null while it is
-- under way.
create table requests (
    principal TEXT not null,
    rpc TEXT not null,
    request_id UUID not null,
    body_hash BYTEA not null,
    requested_at TIMESTAMPTZ not null,
    code BIGINT,
    message TEXT not null default '',
    answer BYTEA,
    primary key (principal, rpc, request_id)
);
create index requests_by_age on requests (requested_at, request_id);
