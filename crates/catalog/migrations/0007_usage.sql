-- How many variants the goods of a seller have, those that are off the market among them.
alter table seller_usage add column variants BIGINT not null default 0;
update seller_usage
set variants = (select count(*) from variants where variants.seller_id = seller_usage.seller_id);
