-- Events on their way out, written with the change that they tell of.
create table outbox (
    event_id UUID primary key,
    kind TEXT not null,
    aggregate_id UUID not null,
    aggregate_version BIGINT not null,
    occurred_at TIMESTAMPTZ not null,
    traceparent TEXT,
    payload BYTEA not null,
    published_at TIMESTAMPTZ,
    unique (aggregate_id, aggregate_version)
);
create index outbox_waiting on outbox (aggregate_id, aggregate_version) where published_at is null;
create index outbox_waiting_by_age on outbox (event_id) where published_at is null;
create index outbox_published on outbox (published_at) where published_at is not null;

-- Events that took effect here, written with their effect.
create table inbox (
    consumer TEXT not null,
    event_id UUID not null,
    kind TEXT not null,
    aggregate_id UUID not null,
    aggregate_version BIGINT not null,
    outcome TEXT not null,
    handled_at TIMESTAMPTZ not null,
    primary key (consumer, event_id)
);
create index inbox_aggregates on inbox (consumer, aggregate_id, aggregate_version);
create index inbox_ages on inbox (handled_at);

-- Events that could not be handled, and those of the same key behind them.
create table parked_events (
    consumer TEXT not null,
    event_id UUID not null,
    kind TEXT not null,
    aggregate_id UUID not null,
    aggregate_version BIGINT not null,
    occurred_at TIMESTAMPTZ not null,
    traceparent TEXT,
    payload BYTEA not null,
    reason TEXT not null,
    parked_at TIMESTAMPTZ not null,
    primary key (consumer, event_id)
);
create index parked_keys on parked_events (consumer, aggregate_id, aggregate_version);
