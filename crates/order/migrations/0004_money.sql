-- What was refunded, so that a refund that is told again is seen to be the same. Null: before it was kept.
alter table refunds add column amount_minor BIGINT;
alter table refunds add column currency TEXT;
