-- The proof of origin for a variant's preference.
alter table variants add column certificate JSONB;

-- What a verified seller wants to change of its entry; the other columns are in force until the operator has decided.
alter table sellers add column change JSONB;
create index sellers_with_change on sellers (seller_id) where change is not null;
