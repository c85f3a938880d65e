-- How far the ledger is closed and counted; no row: not at all. Nothing is written under an id up to `closed_through` any
-- more. What has an id up to `counted_through` is in `balance_snapshots`, or in `passed_transfers`.
create table ledger_marks (
    id BIGINT primary key check (id = 1),
    closed_through UUID not null,
    counted_through UUID not null,
    check (counted_through <= closed_through)
);

-- What posted movements up to the mark come to, credits minus debits, by account; of accounts that live for one order, and
-- of wallets, by kind alone (the owner is empty). In two parts, which cannot overflow: the sum is high * 1000000000 + low.
create table balance_snapshots (
    kind TEXT not null,
    owner TEXT not null,
    currency TEXT not null,
    high BIGINT not null,
    low BIGINT not null,
    primary key (kind, owner, currency)
);

-- Movements that were pending when the mark passed them: counted when they have ended.
create table passed_transfers (
    transfer_id UUID primary key
);
