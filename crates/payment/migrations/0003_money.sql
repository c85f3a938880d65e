-- What a provider told under an id that it had used for other money: such a receipt is kept under a derived id. Null: the
-- provider's id is the receipt's.
alter table receipts add column reported_reference TEXT;

-- What may still come back into a wallet: what was paid from it less what came back. A top-up leaves room for it.
alter table wallets add column refundable_minor BIGINT not null default 0;
update wallets set refundable_minor = (
    select cast(coalesce(sum(holds.amount_minor - holds.refunded_minor), 0) as bigint) from holds
    where holds.buyer = wallets.owner and holds.currency = wallets.currency
        and holds.method = 'wallet' and holds.state = 'captured');

-- What returns gave back beside goods, in minor units of the buyer's currency by who bears it. Null: before it was kept,
-- it follows from what was refunded and the goods.
alter table escrows add column returned_costs JSONB;
-- By currency: what a minor unit of it is in minor units of the escrow's currency, at the quote's rates. Null: before it
-- was kept.
alter table escrows add column exchange_rates JSONB;
-- Of so many lines: each is rounded by itself.
alter table escrows add column lines BIGINT not null default 1;
