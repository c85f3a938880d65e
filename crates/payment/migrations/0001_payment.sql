-- Buyers' wallets. What is held for orders is a part of what was posted; neither can fall below the other or zero.
create table wallets (
    wallet_id UUID primary key,
    -- As the ledger names it: the id's text.
    account TEXT not null unique,
    owner TEXT not null,
    currency TEXT not null,
    posted_minor BIGINT not null default 0,
    held_minor BIGINT not null default 0,
    created_at TIMESTAMPTZ not null,
    unique (owner, currency),
    check (held_minor >= 0 and posted_minor >= held_minor)
);

-- The ledger: each row is one movement between two accounts, so debits equal credits by construction. Amounts and
-- accounts never change; a pending movement is posted or voided once.
create table transfers (
    transfer_id UUID primary key,
    kind TEXT not null,
    debit_kind TEXT not null,
    debit_owner TEXT not null,
    credit_kind TEXT not null,
    credit_owner TEXT not null,
    currency TEXT not null,
    amount_minor BIGINT not null check (amount_minor > 0),
    state TEXT not null,
    order_id UUID,
    consignment_id UUID,
    created_at TIMESTAMPTZ not null
);
create index transfers_debit on transfers (debit_kind, debit_owner, transfer_id);
create index transfers_credit on transfers (credit_kind, credit_owner, transfer_id);
create index transfers_order on transfers (order_id, transfer_id);

-- Holds of money for orders, and the tombstones of those that must never be.
create table holds (
    hold_id UUID primary key,
    order_id UUID not null unique,
    buyer TEXT not null,
    method TEXT not null,
    state TEXT not null,
    currency TEXT not null,
    amount_minor BIGINT not null check (amount_minor >= 0),
    refunded_minor BIGINT not null default 0,
    reference TEXT unique,
    qr_payload TEXT not null default '',
    expires_at TIMESTAMPTZ,
    paid_at TIMESTAMPTZ,
    version BIGINT not null default 1,
    created_at TIMESTAMPTZ not null,
    check (refunded_minor >= 0 and refunded_minor <= amount_minor)
);

-- Money of confirmed orders, by consignment, in the buyer's currency.
create table escrows (
    consignment_id UUID primary key,
    hold_id UUID not null references holds (hold_id),
    order_id UUID not null,
    seller_id TEXT not null,
    state TEXT not null,
    currency TEXT not null,
    amount_minor BIGINT not null,
    refunded_minor BIGINT not null default 0,
    returned_goods_minor BIGINT not null default 0,
    consignment BYTEA not null,
    check (refunded_minor >= 0 and refunded_minor <= amount_minor)
);
create index escrows_hold on escrows (hold_id);

-- Money given back; derived ids, so that one cause gives back once.
create table refunds (
    refund_id UUID primary key,
    hold_id UUID not null references holds (hold_id),
    return_id TEXT not null,
    consignment_id UUID,
    currency TEXT not null,
    amount_minor BIGINT not null,
    state TEXT not null,
    reason TEXT not null default '',
    created_at TIMESTAMPTZ not null
);
create index refunds_hold on refunds (hold_id);

-- What payment providers reported.
create table receipts (
    receipt_id UUID primary key,
    provider_reference TEXT not null unique,
    order_reference TEXT not null,
    currency TEXT not null,
    amount_minor BIGINT not null,
    method TEXT not null,
    suspense_reason TEXT not null default '',
    resolved_note TEXT,
    received_at TIMESTAMPTZ not null
);
create index receipts_suspense on receipts (receipt_id) where suspense_reason <> '' and resolved_note is null;
