-- Landed prices. The document is the whole quote; it never changes.
create table quotes (
    id UUID primary key,
    owner TEXT,
    document JSONB not null,
    created_at TIMESTAMPTZ not null,
    expires_at TIMESTAMPTZ not null
);

-- Orders: what was agreed (terms, written once) and where they stand (progress, rewritten with each version).
create table orders (
    id UUID primary key,
    number TEXT not null,
    quote_id UUID not null references quotes (id),
    buyer TEXT not null,
    client_reference TEXT,
    state TEXT not null,
    version BIGINT not null,
    -- False once the order was cancelled before it was confirmed: the quote can be ordered again then.
    holds_quote BOOLEAN not null,
    terms JSONB not null,
    progress JSONB not null,
    created_at TIMESTAMPTZ not null,
    updated_at TIMESTAMPTZ not null
);
create unique index orders_by_number on orders (number);
create unique index orders_by_quote on orders (quote_id) where holds_quote;
create unique index orders_by_reference on orders (buyer, client_reference) where client_reference is not null;
create index orders_by_buyer on orders (buyer, id);
create index orders_by_state on orders (state, id);

-- Every version of an order, for those who watch it.
create table order_versions (
    order_id UUID not null references orders (id),
    version BIGINT not null,
    progress JSONB not null,
    primary key (order_id, version)
);

-- Whose consignments an order has.
create table order_sellers (
    seller_id UUID not null,
    order_id UUID not null references orders (id),
    primary key (seller_id, order_id)
);

-- The durable steps behind orders. `wake_at` is machine time: from then on anyone may take the saga up; null when it
-- is settled. `due_at` is the hub's time: when a QR code can no longer be paid. `request` is the key of the call that
-- waits for the outcome. `paid_at` is set when payment told of the money before its outcome was written.
create table sagas (
    id UUID primary key,
    order_id UUID not null references orders (id),
    step TEXT not null,
    detail JSONB not null,
    settled BOOLEAN not null,
    attempt BIGINT not null,
    wake_at TIMESTAMPTZ,
    due_at TIMESTAMPTZ,
    paid_at TIMESTAMPTZ,
    request JSONB,
    last_error TEXT not null default '',
    moved_at TIMESTAMPTZ not null
);
create unique index sagas_by_order on sagas (order_id);
create index sagas_by_wake on sagas (wake_at) where not settled;
create index sagas_by_due on sagas (due_at) where due_at is not null;

-- Delivered consignments whose escrow is released by time.
create table escrow_timers (
    consignment_id UUID primary key,
    order_id UUID not null references orders (id),
    release_at TIMESTAMPTZ not null
);
create index escrow_timers_by_time on escrow_timers (release_at);

-- Goods that go back.
create table returns (
    id UUID primary key,
    order_id UUID not null references orders (id),
    consignment_id UUID not null,
    seller_id UUID not null,
    buyer TEXT not null,
    client_reference TEXT,
    state TEXT not null,
    detail JSONB not null,
    request JSONB not null,
    created_at TIMESTAMPTZ not null,
    updated_at TIMESTAMPTZ not null
);
create unique index returns_by_reference on returns (buyer, client_reference) where client_reference is not null;
create index returns_by_order on returns (order_id, id);
create index returns_by_consignment on returns (consignment_id, state);
create index returns_by_buyer on returns (buyer, id);
create index returns_by_seller on returns (seller_id, id);

-- Refunds that were counted: each once.
create table refunds (
    id UUID primary key,
    order_id UUID not null references orders (id),
    recorded_at TIMESTAMPTZ not null
);
