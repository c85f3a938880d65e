-- What became of each order here: its consignments are booked, or must never be (a tombstone).
create table orders (
    order_id UUID primary key,
    -- booked or cancelled.
    state TEXT not null
);

-- Consignments as the carrier has them.
create table shipments (
    shipment_id UUID primary key,
    consignment_id UUID not null unique,
    order_id UUID not null references orders (order_id),
    order_number TEXT not null,
    buyer TEXT not null,
    seller_id TEXT not null,
    tracking_number TEXT not null unique,
    carrier TEXT not null,
    service TEXT not null,
    transport TEXT not null,
    from_country TEXT not null,
    chargeable_grams BIGINT not null,
    days_min BIGINT not null,
    address JSONB not null,
    state TEXT not null,
    version BIGINT not null default 1,
    -- When the sandbox carrier moves it on; null: never.
    next_step_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ not null
);
create index shipments_order on shipments (order_id, shipment_id);
create index shipments_buyer on shipments (buyer, shipment_id);
create index shipments_seller on shipments (seller_id, shipment_id);
create index shipments_next_step on shipments (next_step_at) where next_step_at is not null;

-- What is declared to the importing country's customs; none for goods that cross no border.
create table declarations (
    declaration_id UUID primary key,
    shipment_id UUID not null unique references shipments (shipment_id),
    state TEXT not null,
    -- Protobuf: entrepot.logistics.v1.Declaration as drawn up; its state and times are in the columns.
    document BYTEA not null,
    lodged_at TIMESTAMPTZ,
    released_at TIMESTAMPTZ
);

-- What happened to parcels. Never changes.
create table tracking_events (
    tracking_event_id UUID primary key,
    shipment_id UUID not null references shipments (shipment_id),
    -- The carrier's own id: what it reports twice happens once.
    carrier_reference TEXT not null unique,
    state TEXT not null,
    place TEXT not null,
    note TEXT not null,
    occurred_at TIMESTAMPTZ not null
);
create index tracking_events_shipment on tracking_events (shipment_id, occurred_at, tracking_event_id);

-- The next S10 serial of each carrier.
create table s10_serials (
    carrier TEXT primary key,
    next_serial BIGINT not null
);
